//! What the receiving side, the applying side and those who ask share of a replica.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use parking_lot::{Mutex, RwLock};
use qucan_storage::fs::FileSystem;
use qucan_storage::log::{Place, ReadError, place_of};
use qucan_storage::snapshot::{SnapshotError, SnapshotInfo, SnapshotStore};
use qucan_storage::{Position, Sequence};

use super::gaps::Gaps;
use crate::engine::shared::{Shared, Watermark};
use crate::engine::snapshotter::SnapshotRequests;

/// Shared by everybody inside a replica.
pub(super) struct Core {
    pub(super) fs: Arc<dyn FileSystem>,
    pub(super) log_dir: PathBuf,
    pub(super) snapshots: SnapshotStore,
    pub(super) shared: Arc<Shared>,
    /// Where what has arrived begins and ends.
    pub(super) span: RwLock<Span>,
    /// The end's sequence, for the applier to wait for.
    pub(super) arrived: Watermark,
    /// The way to the thread that writes snapshots; none after a stop.
    pub(super) offers: Mutex<Option<SnapshotRequests>>,
    /// What never arrived.
    pub(super) gaps: RwLock<Gaps>,
    /// A snapshot at the very end is wanted, so that a seed can take the log's place, or older entries can go.
    pub(super) close_wanted: AtomicBool,
}

/// What the log holds.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Span {
    /// Before the first entry.
    pub(super) begin: Position,
    /// After the last one.
    pub(super) end: Position,
}

impl Core {
    pub(super) fn end(&self) -> Position {
        self.span.read().end
    }

    /// Where a position lies, seen from what has arrived.
    pub(super) fn place_of(&self, at: Position) -> Result<Place, ReadError> {
        place_of(&self.fs, &self.log_dir, at, self.end().sequence)
    }

    /// Synced up to here.
    pub(super) fn arrived(&self, end: Position) {
        self.span.write().end = end;
        self.arrived.raise(end.sequence.0);
    }
}

/// The snapshots that are of a log's chain, newest first. The others are of no use here.
pub(super) fn snapshots_on_chain(
    snapshots: &SnapshotStore,
    fs: &Arc<dyn FileSystem>,
    log_dir: &std::path::Path,
) -> Result<Vec<SnapshotInfo>, SnapshotError> {
    let (good, bad) = snapshots.list()?;
    for bad in bad {
        tracing::warn!(file = %bad.path.display(), what = %bad.what, "a snapshot can't be used; an older one serves");
    }
    // Where the log ends is not known yet, and what can't be read is for its opening to name.
    let is_on_chain =
        |info: &SnapshotInfo| matches!(place_of(fs, log_dir, info.position, Sequence(u64::MAX)), Ok(Place::OnChain));
    Ok(good.into_iter().rev().filter(is_on_chain).collect())
}
