//! Whether what a day says it has applied is of the log's history. Asked where a day is opened first: days are stamped one after
//! the other, so that an older one may be ahead of the newest, and on a log that was put back it may be of what came after.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use qucan_storage::fs::FileSystem;
use qucan_storage::log::{Place, place_of};
use qucan_storage::{Position, Sequence};

#[cfg(feature = "simulation")]
use crate::domain::plant::{self, Plant};
use crate::engine::shared::Shared;

/// The chain of the log that is followed.
#[derive(Clone)]
pub(in crate::engine) struct Chain {
    /// Where the log lies.
    pub(in crate::engine) fs: Arc<dyn FileSystem>,
    /// Its segments.
    pub(in crate::engine) log_dir: PathBuf,
    /// How far it was committed, or published, at the start.
    pub(in crate::engine) started_at: Sequence,
    /// Knows what was committed since, and is told of damage.
    pub(in crate::engine) shared: Arc<Shared>,
}

impl Chain {
    /// Whether a position is of another history, or ahead. Where the log begins later, that can't be told; and what can't be
    /// read is not said to be.
    pub(super) fn is_elsewhere(&self, at: Position) -> bool {
        #[cfg(feature = "simulation")]
        if plant::is(Plant::ProjectionBelieved) {
            return false;
        }
        let committed = self.started_at.max(Sequence(self.shared.head.get()));
        match place_of(&self.fs, &self.log_dir, at, committed) {
            Ok(place) => place == Place::Elsewhere,
            Err(error) => {
                self.shared.could_not_read(&error);
                false
            }
        }
    }
}

impl fmt::Debug for Chain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Chain").field("log_dir", &self.log_dir).finish_non_exhaustive()
    }
}
