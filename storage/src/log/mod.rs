//! The write-ahead log: segments of groups, one write and one sync a group.
//!
//! What an `append` has answered is on disk. After an I/O error the log refuses everything for good.
//! It never retries on the same file, never skips damage, never grows a file while appending.

mod buffer;
mod error;
mod frame;
mod options;

pub use buffer::GroupBuffer;
pub use error::{AppendError, BoxError, GroupError, OpenError, PushError, ReadError};
pub use frame::{Entries, Group, GroupHeader};
pub use options::{Appended, LogOptions, OpenFrom, Preparation, Recovery, Space, SpaceClass, TornTail};

use std::path::Path;
use std::sync::Arc;

use crate::fs::FileSystem;
use crate::{Epoch, Position, Sequence};

/// The log, open for its one writer.
#[derive(Debug)]
pub struct Log {}

impl Log {
    /// Opens the log, recovers it, and hands every group after `from.after` to `replay`, in order.
    ///
    /// Scans only from the segment that holds `from.after` on. A torn tail is cut off and reported in
    /// [`Recovery`]; damage that is proven to have been durable is [`OpenError::Rot`]. When this
    /// returns, everything it replayed is synced. It may be killed at any point.
    pub fn open(
        fs: Arc<dyn FileSystem>,
        dir: &Path,
        epoch: Epoch,
        from: OpenFrom,
        options: LogOptions,
        replay: impl FnMut(&Group<'_>) -> Result<(), BoxError>,
    ) -> Result<(Self, Recovery), OpenError> {
        todo!()
    }

    /// Writes the group and syncs it: one write, one fdatasync. The buffer keeps its entries until
    /// cleared. On [`AppendError::Poisoned`] the outcome is open and the log is closed for good; on
    /// [`AppendError::NoRoom`] nothing was written.
    pub fn append(&mut self, group: &mut GroupBuffer, class: SpaceClass) -> Result<Appended, AppendError> {
        todo!()
    }

    /// Appends groups that another log made, verbatim: one write and one sync for those that fit into
    /// a segment together. They must continue this log.
    pub fn append_received(&mut self, groups: &[Group<'_>]) -> Result<Appended, AppendError> {
        todo!()
    }

    /// Makes sure that an append of up to `bytes` (framing included, see [`GroupBuffer::bytes`]) of
    /// this class will find room; to be asked before anything is decided. May wait for the preparation of
    /// a segment.
    pub fn ensure_room(&mut self, bytes: usize, class: SpaceClass) -> Result<(), AppendError> {
        todo!()
    }

    /// For whom there is room. Cheap.
    #[must_use]
    pub fn space(&self) -> Space {
        todo!()
    }

    /// Why [`Log::space`] isn't ample; `None` when it is.
    #[must_use]
    pub fn space_problem(&self) -> Option<String> {
        todo!()
    }

    /// Tries now (instead of within a second) to prepare what a full disk has kept from being prepared.
    pub fn retry_preparation(&mut self) {
        todo!()
    }

    /// The position after the last appended group. The next entry is `last().sequence.next()`.
    #[must_use]
    pub fn last(&self) -> Position {
        todo!()
    }

    /// First sequence that is still in the log (the next one, when there is none).
    #[must_use]
    pub fn first(&self) -> Sequence {
        todo!()
    }

    /// The epoch that appended groups carry.
    #[must_use]
    pub fn epoch(&self) -> Epoch {
        todo!()
    }

    /// Bytes of all segments on disk, spare ones not counted.
    #[must_use]
    pub fn segment_bytes(&self) -> u64 {
        todo!()
    }

    /// Whether an I/O error has closed this log for good.
    #[must_use]
    pub fn is_poisoned(&self) -> bool {
        todo!()
    }

    /// Gives up segments in which every entry is before `before`; some are kept for reuse. Returns their
    /// number. The files go in the background; what can't be removed now is at the next trim after a start.
    pub fn trim(&mut self, before: Sequence) -> usize {
        todo!()
    }

    /// A clean stop: leaves a mark that proves how far this log is durable.
    pub fn close(self) -> Result<(), AppendError> {
        todo!()
    }
}

/// Reads groups while the writer appends: for the projection and for shipping.
#[derive(Debug)]
pub struct LogReader {}

impl LogReader {
    /// A reader of everything after `after`. Opens nothing yet but the directory's listing.
    pub fn open(fs: Arc<dyn FileSystem>, dir: &Path, after: Sequence) -> Result<Self, ReadError> {
        todo!()
    }

    /// The next group whose last sequence is not after `committed` (what the writer has appended);
    /// `None` when there is none yet. The first group may begin before the sequence asked for, if that
    /// isn't the end of a group: entries carry their sequence. Hashes and chain are checked.
    pub fn next(&mut self, committed: Sequence) -> Result<Option<Group<'_>>, ReadError> {
        todo!()
    }

    /// Last sequence given out.
    #[must_use]
    pub fn after(&self) -> Sequence {
        todo!()
    }
}

/// Reads and checks a log without changing anything: what [`Log::open`] would replay and find, for
/// `verify`. `epoch: None` accepts any that never falls. Counts what is proven and what is a torn tail.
pub fn scan(
    fs: &Arc<dyn FileSystem>,
    dir: &Path,
    epoch: Option<Epoch>,
    from: OpenFrom,
    visit: impl FnMut(&Group<'_>) -> Result<(), BoxError>,
) -> Result<Recovery, OpenError> {
    todo!()
}

/// Checks the whole chain of a log, from its first retained segment on, changing nothing.
/// `proven` as in [`OpenFrom`].
pub fn verify_chain(fs: &Arc<dyn FileSystem>, dir: &Path, proven: Sequence) -> Result<Recovery, OpenError> {
    todo!()
}
