//! What the receiving side, the applying side and those who ask share of a replica.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use parking_lot::{Mutex, RwLock};
use qucan_storage::Position;
use qucan_storage::fs::FileSystem;
use qucan_storage::log::{LogReader, ReadError};
use qucan_storage::snapshot::{SnapshotError, SnapshotInfo, SnapshotStore};

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
    /// A snapshot at the very end is wanted, so that a seed can take the log's place.
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

    /// Synced up to here.
    pub(super) fn arrived(&self, end: Position) {
        self.span.write().end = end;
        self.arrived.raise(end.sequence.0);
    }
}

/// Whether a position is one of a log's chain.
pub(super) fn is_on_chain(
    fs: &Arc<dyn FileSystem>,
    log_dir: &std::path::Path,
    at: Position,
) -> Result<bool, ReadError> {
    match LogReader::open(Arc::clone(fs), log_dir, at.sequence) {
        Ok(reader) => Ok(reader.position() == Some(at)),
        Err(ReadError::Trimmed { .. }) => Ok(false),
        Err(error) => Err(error),
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
    // What can't be read is for the opening of the log to name.
    Ok(good.into_iter().rev().filter(|info| is_on_chain(fs, log_dir, info.position).unwrap_or(false)).collect())
}
