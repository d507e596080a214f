//! Every bound of the crate, and what it protects.

/// Longest announcement of a region. Protects the centre's memory.
pub const ANNOUNCEMENT_BYTES_MAX: usize = 4 << 10;
