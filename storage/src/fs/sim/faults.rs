//! Planned failures: the Nth operation of a kind fails, in a given way.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

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

    fn concerns(&self, operation: Operation, path: &Path) -> bool {
        let kind =
            self.operation == operation || (self.operation == Operation::AnyChange && operation != Operation::Read);
        kind && self.path_contains.is_none_or(|part| path.to_string_lossy().contains(part))
    }
}

/// The plan, and what was counted.
#[derive(Default, Debug)]
pub(super) struct Faults {
    planned: Vec<Fault>,
    counts: BTreeMap<Operation, u64>,
    power_off: bool,
    reached: bool,
}

impl Faults {
    pub(super) fn plan(&mut self, fault: Fault) {
        self.planned.push(fault);
        self.reached = false;
    }

    /// Forgets the plan; the power is on again.
    pub(super) fn heal(&mut self) {
        self.planned.clear();
        self.power_off = false;
    }

    pub(super) fn reached(&self) -> bool {
        self.reached
    }

    pub(super) fn count(&self, operation: Operation) -> u64 {
        self.counts.get(&operation).copied().unwrap_or(0)
    }

    /// To be asked before each operation: an error if it fails outright, how it fails if it does so
    /// in its own way.
    pub(super) fn before(&mut self, operation: Operation, path: &Path) -> io::Result<Option<FaultKind>> {
        if self.power_off {
            return Err(power_is_off());
        }
        *self.counts.entry(operation).or_default() += 1;
        if operation != Operation::Read {
            *self.counts.entry(Operation::AnyChange).or_default() += 1;
        }
        let mut hit = None;
        self.planned.retain_mut(|fault| {
            if !fault.concerns(operation, path) {
                return true;
            }
            fault.nth = fault.nth.saturating_sub(1);
            if fault.nth == 0 {
                hit = Some(fault.kind);
            }
            fault.nth > 0
        });
        self.reached |= hit.is_some();
        match hit {
            Some(FaultKind::NoSpace) => Err(no_space()),
            Some(FaultKind::PowerCut) => {
                self.power_off = true;
                Ok(hit)
            }
            other => Ok(other),
        }
    }
}

pub(super) fn power_is_off() -> io::Error {
    io::Error::other("the power is off (simulated)")
}

pub(super) fn input_output() -> io::Error {
    io::Error::from_raw_os_error(rustix::io::Errno::IO.raw_os_error())
}

pub(super) fn no_space() -> io::Error {
    io::Error::from_raw_os_error(rustix::io::Errno::NOSPC.raw_os_error())
}
