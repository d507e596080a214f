//! The engine: one writer thread that decides, logs and tells; and everything that follows the log inside the node.
//!
//! `Handle::submit` puts a request into a bounded queue; the writer takes a group, decides each command on the hot state,
//! appends the events with one fsync, publishes the read models, and only then answers. Never here: HTTP, JSON, pages.

use qucan_storage::log::AppendError;
use qucan_storage::{DirectoryError, log, snapshot};

pub mod answer;
pub mod clock;
pub mod commit;
pub mod handle;
pub mod history;
mod job;
pub mod metrics;
pub mod options;
mod projection;
pub mod records;
pub mod replay;
mod shared;
pub mod snapshots;
pub mod status;
pub mod views;

pub use handle::Handle;
pub use history::{QueueCursor, QueueError, QueuePage, StoreOrdersFilter};
pub use options::{EngineLimits, EngineOptions};
pub use status::{Check, EngineStatus, ProjectionPhase};
pub use views::Views;

/// An engine that can't start. Nothing on disk was changed that a later start would miss.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The data directory can't be used.
    #[error(transparent)]
    Directory(#[from] DirectoryError),
    /// The log can't be opened.
    #[error(transparent)]
    Log(#[from] log::OpenError),
    /// The snapshots can't be read.
    #[error(transparent)]
    Snapshot(#[from] snapshot::SnapshotError),
    /// The first entry could not be written.
    #[error("the region's first entry could not be written: {0}")]
    FirstEntry(String),
    /// A thread could not be started.
    #[error("a thread could not be started: {0}")]
    Thread(#[from] std::io::Error),
    /// This version has no writer yet.
    #[error("the engine's writer is not part of this build")]
    NotBuilt,
}

/// A stop that did not end cleanly. What was acknowledged is on disk all the same.
#[derive(Debug, thiserror::Error)]
pub enum StopError {
    /// It had failed before.
    #[error("the engine had failed before: {0}")]
    Failed(String),
    /// The clean-stop mark could not be written.
    #[error(transparent)]
    Log(#[from] AppendError),
    /// The last snapshot could not be written.
    #[error(transparent)]
    Snapshot(#[from] snapshot::SnapshotError),
}

/// A running engine.
pub struct Engine {
    handle: Handle,
}

impl Engine {
    /// Recovers the region from its data directory (or starts a new one) and runs. Ready when it returns.
    pub fn open(options: EngineOptions) -> Result<Self, OpenError> {
        drop(options);
        Err(OpenError::NotBuilt)
    }

    /// A way to the engine.
    pub fn handle(&self) -> Handle {
        self.handle.clone()
    }

    /// Takes no more requests, answers those already taken, writes a snapshot and the clean-stop mark, ends all threads.
    pub fn stop(self) -> Result<(), StopError> {
        Ok(())
    }
}
