//! Where something stands in a region's history: sequence, epoch, chain hash.
//!
//! Newtypes, because two integers that may be swapped will be. No behaviour beyond counting and printing.

use std::fmt;

/// Number of a log entry within its region. The first entry is 1; [`Sequence::NONE`] means "before
/// the first". Never reused, never skipped.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Sequence(pub u64);

impl Sequence {
    /// Before the first entry.
    pub const NONE: Self = Self(0);

    /// The sequence right after this one.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }

    /// The sequence right before this one ([`Sequence::NONE`] stays).
    #[must_use]
    pub const fn previous(self) -> Self {
        Self(self.0.saturating_sub(1))
    }

    /// The sequence `entries` further on.
    #[must_use]
    pub const fn plus(self, entries: u64) -> Self {
        Self(self.0.saturating_add(entries))
    }
}

impl fmt::Display for Sequence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for Sequence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}", self.0)
    }
}

/// Which life of a region a history belongs to. A new directory starts epoch 1; each restore is
/// granted the next one. 0 (the default) is none.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Epoch(pub u32);

impl Epoch {
    /// The epoch a new directory starts by itself.
    pub const FIRST: Self = Self(1);
}

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "epoch {}", self.0)
    }
}

/// Hash of a group and of everything before it (BLAKE3). Two logs with the same chain hash hold the
/// same history.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct ChainHash(pub [u8; 32]);

impl ChainHash {
    /// What the very first group names as its predecessor.
    pub const ORIGIN: Self = Self([0; 32]);
}

impl fmt::Display for ChainHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for ChainHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().take(6).try_for_each(|byte| write!(f, "{byte:02x}"))?;
        f.write_str("…")
    }
}

/// A point in a history, always between two groups: the last sequence included, and the chain hash
/// up to there.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct Position {
    /// The last sequence included; [`Sequence::NONE`] at the origin.
    pub sequence: Sequence,
    /// The chain hash of the group that ends there.
    pub hash: ChainHash,
}

impl Position {
    /// Before the first entry of a region's first epoch.
    pub const ORIGIN: Self = Self { sequence: Sequence::NONE, hash: ChainHash::ORIGIN };
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({:?})", self.sequence, self.hash)
    }
}
