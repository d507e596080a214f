//! What can go wrong with the log, one enum an operation: what, where, what to do.

use std::io;
use std::path::PathBuf;

use crate::{Epoch, Position, Sequence};

/// An error from the caller's side of a callback.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Bytes that are not a whole, healthy group.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GroupError {
    /// No group magic.
    #[error("not a group")]
    NotAGroup,
    /// A later format.
    #[error("group format {version} is not known to this version")]
    Version {
        /// The version found.
        version: u16,
    },
    /// Fields beyond the limits.
    #[error("group header is out of bounds")]
    Header,
    /// Not the length that the header says.
    #[error("group is cut short or followed by other bytes")]
    Short,
    /// Entry lengths that don't add up.
    #[error("group entries don't add up")]
    Entries,
    /// Header and entries don't match their hash.
    #[error("group hash doesn't match")]
    Hash,
    /// No end byte.
    #[error("group has no end")]
    End,
}

/// Why an entry can't go into a group. The group is as it was.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PushError {
    /// The entry is larger than [`crate::limits::ENTRY_BYTES_MAX`].
    #[error("an entry of {bytes} bytes is larger than the limit of {}", crate::limits::ENTRY_BYTES_MAX)]
    EntryTooLarge {
        /// Its size.
        bytes: usize,
    },
    /// The group would be larger than [`crate::limits::GROUP_BYTES_MAX`].
    #[error("the group would be larger than the limit of {} bytes", crate::limits::GROUP_BYTES_MAX)]
    GroupFull,
    /// The group was appended already; `clear` it first.
    #[error("the group was appended already, clear the buffer first")]
    Sealed,
    /// The encoder took bytes away that weren't its own. The buffer was cleared.
    #[error("the encoder removed bytes it had not written, the group was cleared")]
    Misused,
}

/// A log that can't be opened. Nothing in it was changed, unless the variant says otherwise.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// Damage in a part of the log that is proven to have been durable.
    #[error(
        "{}: damaged at offset {offset}, sequences {first} to {last} are lost ({what}); nothing was changed: keep a copy of \
         this directory, then restore it from the aggregator (`qucan restore`) or a backup, or bring back the damaged file",
        file.display()
    )]
    Rot {
        /// The damaged (or missing) file.
        file: PathBuf,
        /// Where the damage begins, in bytes.
        offset: u64,
        /// First sequence that can't be read.
        first: Sequence,
        /// Last sequence that is proven to have been there.
        last: Sequence,
        /// What is wrong there, and what proves that it was durable.
        what: String,
    },
    /// The log begins after the snapshot ends.
    #[error("{}: the log begins at {begins} but its snapshot ends at {after}; restore the missing segments or an older snapshot", dir.display())]
    Gap {
        /// The log's directory.
        dir: PathBuf,
        /// First sequence the log has.
        begins: Sequence,
        /// Last sequence the snapshot has.
        after: Sequence,
    },
    /// The log's history isn't the one the snapshot (or the previous segment) was taken from.
    #[error("{}: the log's history at {} is not the one of its snapshot; one of them belongs to another directory", file.display(), at.sequence)]
    OtherHistory {
        /// The segment.
        file: PathBuf,
        /// Where the histories should have met.
        at: Position,
    },
    /// There is no log where there must be one.
    #[error("{}: no log segments, although this directory has sold before; restore it from a backup or the aggregator", dir.display())]
    Missing {
        /// The log's directory.
        dir: PathBuf,
    },
    /// Written by a later version.
    #[error("{}: format {version} is newer than this version understands; upgrade the program", file.display())]
    NewerFormat {
        /// The file.
        file: PathBuf,
        /// Its format version.
        version: u32,
    },
    /// A group of a later epoch than the directory's.
    #[error("{}: {found} at sequence {at} is later than this directory's {expected}; the directory was put together from two", file.display())]
    LaterEpoch {
        /// The segment.
        file: PathBuf,
        /// The group's epoch.
        found: Epoch,
        /// The directory's epoch.
        expected: Epoch,
        /// First sequence of that group.
        at: Sequence,
    },
    /// The caller's replay refused an entry.
    #[error("replaying sequences {first} to {last} failed: {source}")]
    Replay {
        /// First sequence of the group.
        first: Sequence,
        /// Last sequence of the group.
        last: Sequence,
        /// The caller's error.
        source: BoxError,
    },
    /// The file system failed.
    #[error("{}: {what}: {source}", path.display())]
    Io {
        /// File or directory.
        path: PathBuf,
        /// What was being done.
        what: &'static str,
        /// The system's error.
        source: io::Error,
    },
}

/// An append that didn't happen.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AppendError {
    /// No room for this class. Nothing was written; the log goes on as soon as there is room.
    #[error("{}: no room for {bytes} bytes: {detail}; free some disk space", dir.display())]
    NoRoom {
        /// The log's directory.
        dir: PathBuf,
        /// Bytes asked for.
        bytes: usize,
        /// Why no segment could be prepared.
        detail: String,
    },
    /// A write or sync failed, now or earlier. Whether the group is on disk is open; the log refuses
    /// everything from here on, and the process has to end and start again from what is on disk.
    #[error("{}: the log is closed for good after an i/o error: {cause}; restart from what is on disk", file.display())]
    Poisoned {
        /// The segment concerned.
        file: PathBuf,
        /// The first error.
        cause: String,
    },
    /// The mark of a clean stop couldn't be written. Everything appended is on disk all the same.
    #[error("{}: the mark of a clean stop couldn't be written: {cause}; the next start takes a little longer", dir.display())]
    CloseMark {
        /// The log's directory.
        dir: PathBuf,
        /// The system's error.
        cause: String,
    },
    /// A group without entries, one that was appended before, or one beyond the limits.
    #[error("the group is empty, too large, or was appended already")]
    NotAppendable,
    /// A received group that doesn't continue this log.
    #[error("a group after {} doesn't continue the log, which ends at {}", got.sequence, expected.sequence)]
    NotNext {
        /// The log's end.
        expected: Position,
        /// What the group names as its predecessor.
        got: Position,
    },
    /// A received group of an epoch that can't come here.
    #[error(
        "a group of {got} from sequence {first} on doesn't fit: the log is in {least}, and {most} is the latest one granted"
    )]
    OtherEpoch {
        /// First sequence of the group.
        first: Sequence,
        /// Its epoch.
        got: Epoch,
        /// The epoch of the group before.
        least: Epoch,
        /// The log's own epoch.
        most: Epoch,
    },
}

/// A read that can't go on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// Entries were trimmed away.
    #[error("{}: entries after {after} are no longer in the log, which begins at {begins}", dir.display())]
    Trimmed {
        /// The log's directory.
        dir: PathBuf,
        /// The last sequence the reader had.
        after: Sequence,
        /// First sequence the log still has.
        begins: Sequence,
    },
    /// A committed group can't be read back.
    #[error("{}: damaged at offset {offset}, sequences {first} to {last} can't be read", file.display())]
    Rot {
        /// The segment.
        file: PathBuf,
        /// Where, in bytes.
        offset: u64,
        /// First sequence that can't be read.
        first: Sequence,
        /// Last sequence that is known to be concerned.
        last: Sequence,
    },
    /// The file system failed.
    #[error("{}: {what}: {source}", path.display())]
    Io {
        /// File or directory.
        path: PathBuf,
        /// What was being done.
        what: &'static str,
        /// The system's error.
        source: io::Error,
    },
}
