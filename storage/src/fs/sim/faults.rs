//! Planned failures: the Nth operation of a kind fails, in a given way.

/// A kind of operation on the simulated disk.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Operation {
    /// Reading from a file.
    Read,
    /// Writing to a file.
    Write,
    /// Syncing a file.
    Sync,
    /// Syncing a directory.
    SyncDir,
    /// Creating a file or directory.
    Create,
    /// Renaming.
    Rename,
    /// Removing.
    Remove,
    /// Changing a file's length.
    SetLen,
    /// Any of the operations that change something: all but reads.
    AnyChange,
}

/// How an operation fails.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FaultKind {
    /// An I/O error; nothing was done. (A failed sync marks pages clean, as Linux does: syncing again
    /// "succeeds" and the bytes are lost at the next crash.)
    Error,
    /// No space left on the device; nothing was done.
    NoSpace,
    /// A write of only this many bytes is done, without an error. Other operations are done whole.
    ShortWrite(usize),
    /// The power goes in the middle: a write may be half done in memory, everything from then on fails
    /// until [`super::SimFs::crash`].
    PowerCut,
}

/// A planned failure.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Fault {
    /// Which kind of operation fails.
    pub operation: Operation,
    /// The how-manieth from now, beginning with 1.
    pub nth: u64,
    /// How.
    pub kind: FaultKind,
    /// Only operations on paths that contain this; `None` for all.
    pub path_contains: Option<&'static str>,
}

impl Fault {
    /// The `nth` operation of a kind from now on fails, whatever its path.
    #[must_use]
    pub fn nth(operation: Operation, nth: u64, kind: FaultKind) -> Self {
        Self { operation, nth, kind, path_contains: None }
    }
}
