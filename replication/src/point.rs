//! Where something stands in a region's history, as far as shipping has to know it.

use std::fmt;

/// A place between two groups: the last sequence included, and the chain hash up to there.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Point {
    /// The last sequence included; 0 before the first entry.
    pub sequence: u64,
    /// The chain hash of the group that ends there; zeros at the origin.
    pub hash: [u8; 32],
}

impl Point {
    /// Before the first entry.
    pub const ORIGIN: Self = Self { sequence: 0, hash: [0; 32] };
}

impl fmt::Debug for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{} ", self.sequence)?;
        self.hash.iter().take(6).try_for_each(|byte| write!(f, "{byte:02x}"))?;
        f.write_str("…")
    }
}

/// Who ships.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Identity {
    /// The region's name.
    pub region: String,
    /// The epoch of the history that is written.
    pub epoch: u32,
    /// Drawn when the process starts: tells two processes of one region apart.
    pub instance: u128,
    /// What the region wants the centre to know about it, opaque here; at most
    /// [`crate::limits::ANNOUNCEMENT_BYTES_MAX`].
    pub announcement: Vec<u8>,
}

/// What a sender says first.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Hello {
    /// Who ships.
    pub identity: Identity,
    /// Its last durable sequence.
    pub head: u64,
    /// First sequence still in its log.
    pub first: u64,
}

/// A snapshot that can be shipped.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SnapshotInfo {
    /// The log position it was taken at.
    pub at: Point,
    /// The epoch of that position.
    pub epoch: u32,
    /// Bytes of the file.
    pub bytes: u64,
}

/// Why a region may not go on with its history.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FenceReason {
    /// A later epoch was granted: another directory has taken the region over.
    EpochSuperseded,
    /// The centre has more of the same epoch: this is an old copy.
    BehindCentre,
    /// Where both have entries, they differ.
    OtherHistory,
    /// It claims an epoch that nobody granted.
    EpochNotGranted,
}

/// The word that ends a region's history here.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Fence {
    /// Why.
    pub reason: FenceReason,
    /// For people: what, where, what to do.
    pub detail: String,
    /// The epoch the centre has granted last.
    pub epoch: u32,
}
