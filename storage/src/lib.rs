//! Everything qucan keeps on disk: the write-ahead log (the truth), snapshot files, the projection's
//! tables, and the data directory that holds them.
//!
//! This crate knows bytes, keys and sequences. It never knows an order, a clock's meaning or HTTP.
//! Log and snapshot I/O goes through one seam ([`fs::FileSystem`]), so that every failure a disk can
//! produce is a test.

mod bytes;
mod directory;
mod identity;
#[cfg(feature = "simulation")]
pub mod plant;
#[cfg(not(feature = "simulation"))]
mod plant;
mod position;

pub mod fs;
pub mod limits;
pub mod log;
pub mod snapshot;
pub mod table;

pub use directory::{DataDir, DirectoryError, Expect, FenceMark};
pub use identity::Identity;
pub use position::{ChainHash, Epoch, Position, Sequence};
