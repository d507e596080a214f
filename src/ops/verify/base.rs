//! Where the proof begins: at the first entry, or, where that was trimmed away, at the oldest snapshot that can be read and
//! that the log reaches back to.

use std::path::Path;
use std::sync::Arc;

use qucan_storage::fs::FileSystem;
use qucan_storage::log::{self, OpenError};
use qucan_storage::snapshot::{SnapshotInfo, SnapshotStore};
use qucan_storage::{Position, Sequence};

use super::check::Check;
use super::report::{Findings, Report};
use crate::domain::state::State;
use crate::domain::time::Timestamp;
use crate::engine::snapshots::{self, HashCheck, LoadError};

/// A state to begin with.
pub(super) struct Base {
    pub(super) state: State,
    /// The last sequence that is in it.
    pub(super) after: Sequence,
    /// The position before the log's first entry.
    pub(super) begin: Position,
    /// What to compare on the way, oldest first.
    pub(super) snapshots: Vec<SnapshotInfo>,
}

impl Base {
    /// Chooses one. A snapshot that can't be read is named and passed over; where none is left, that is named as well.
    pub(super) fn choose(
        fs: &Arc<dyn FileSystem>,
        log_dir: &Path,
        store: &SnapshotStore,
        mut snapshots: Vec<SnapshotInfo>,
        found: &mut Findings,
        report: &mut Report,
    ) -> Result<Option<Self>, OpenError> {
        let begin = log::begin(fs, log_dir)?;
        if begin.sequence == Sequence::NONE {
            return Ok(Some(Self { state: State::new(), after: Sequence::NONE, begin, snapshots }));
        }
        // What lies before the log's beginning has nothing to be compared with.
        snapshots.retain(|info| info.position.sequence >= begin.sequence);
        while let Some(info) = snapshots.first().cloned() {
            let opened = store.open_snapshot(&info).map_err(LoadError::from);
            match opened.and_then(|reader| snapshots::load(reader, HashCheck::Compute)) {
                Ok(loaded) => {
                    let (first, path) = (begin.sequence.next(), info.path.display());
                    report.note(format!("the log begins at {first}; base is {path}"));
                    let after = info.position.sequence;
                    return Ok(Some(Self { state: loaded.state, after, begin, snapshots }));
                }
                Err(error) => {
                    found.add(Check::SnapshotWhole, error.to_string());
                    snapshots.remove(0);
                }
            }
        }
        let first = begin.sequence.next();
        found.add(
            Check::LogBase,
            format!("{}: the log begins at {first}, and no snapshot that can be read reaches there", log_dir.display()),
        );
        Ok(None)
    }

    /// The time up to which the log can say nothing about an order that closed; nothing where it begins at the first entry.
    pub(super) fn time(&self) -> Option<Timestamp> {
        (self.after > Sequence::NONE).then(|| self.state.clock())
    }
}
