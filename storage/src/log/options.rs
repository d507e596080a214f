//! What a log is opened with, and what it answers.

use std::path::PathBuf;
use std::time::Duration;

use crate::limits::{RESERVE_BYTES, SEGMENT_BYTES_FIRST, SEGMENT_BYTES_MAX};
use crate::{Epoch, Position, Sequence};

/// Sizes and manners of a log.
#[derive(Clone, Copy, Debug)]
pub struct LogOptions {
    /// Whether an empty directory may become a new log that begins after `OpenFrom::after`. Only true
    /// for a data directory that never held one ([`crate::DataDir::log_began`] is false): an empty log of a
    /// directory that sold before is a loss.
    pub create: bool,
    /// Size of the first segment; each next one is twice as large.
    pub segment_bytes_first: u64,
    /// Largest regular segment.
    pub segment_bytes_max: u64,
    /// Size of the reserve segment.
    pub reserve_bytes: u64,
    /// Who prepares spare segments.
    pub preparation: Preparation,
}

impl Default for LogOptions {
    fn default() -> Self {
        Self {
            create: false,
            segment_bytes_first: SEGMENT_BYTES_FIRST,
            segment_bytes_max: SEGMENT_BYTES_MAX,
            reserve_bytes: RESERVE_BYTES,
            preparation: Preparation::Background,
        }
    }
}

/// Who zeroes spare segments.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Preparation {
    /// A thread of the log's own, ahead of need; tries again every second on a full disk.
    Background,
    /// The writer itself, when it opens, rolls or is asked: deterministic, for simulations.
    Inline,
}

/// Where replay begins and what is known to have been durable.
#[derive(Clone, Copy, Debug, Default)]
pub struct OpenFrom {
    /// The snapshot's position; [`Position::ORIGIN`] without one.
    pub after: Position,
    /// Everything up to here was durable once, as somebody else knows (a snapshot, an acknowledgement):
    /// if it can't be read, that is rot and not a torn tail.
    pub proven: Sequence,
}

impl OpenFrom {
    /// From a snapshot's position, which also proves what came before it.
    #[must_use]
    pub fn snapshot(after: Position) -> Self {
        Self { after, proven: after.sequence }
    }
}

/// Who asks for room.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SpaceClass {
    /// Anything; refused when spare segments can't be prepared.
    Normal,
    /// What lets open orders end (payments, acceptance, cancellation, refunds, shutdown): may use the reserve.
    Critical,
}

/// For whom the log has room.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Space {
    /// For everybody.
    Ample,
    /// The disk is full: only for [`SpaceClass::Critical`].
    ReserveOnly,
    /// The reserve is used up too.
    None,
}

/// An append that is on disk.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Appended {
    /// Sequence of the first entry.
    pub first: Sequence,
    /// The position after the group: its last sequence and chain hash.
    pub last: Position,
    /// Bytes written, framing included.
    pub bytes: usize,
    /// Time of the write and the sync together.
    pub sync_time: Duration,
}

/// What opening (or scanning) a log found.
#[derive(Clone, Debug, Default)]
pub struct Recovery {
    /// The log's end.
    pub last: Position,
    /// Epoch of the last group; 0 before the first one.
    pub last_epoch: Epoch,
    /// First sequence in the log's files (the next one, when there is none).
    pub first: Sequence,
    /// Segments scanned.
    pub segments: u64,
    /// Groups replayed, those before `after` not counted.
    pub groups: u64,
    /// Entries replayed.
    pub entries: u64,
    /// Bytes replayed, framing included.
    pub bytes: u64,
    /// Last sequence that something proves to have been durable before this start.
    pub proven: Sequence,
    /// Groups after it, rewritten and synced before the log opened (0 for a scan).
    pub rewritten: u64,
    /// The log had been closed cleanly, at its very end.
    pub clean_stop: bool,
    /// An earlier run had ended with an I/O error.
    pub after_io_error: bool,
    /// What was cut off the end, if anything.
    pub torn: Option<TornTail>,
}

/// A group at the log's end that was never durable.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TornTail {
    /// The segment.
    pub file: PathBuf,
    /// Where it was cut off, in bytes.
    pub offset: u64,
    /// Sequence of the first entry cut off; never acknowledged to anybody.
    pub first: Sequence,
    /// What was found there.
    pub what: String,
}
