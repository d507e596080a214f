//! What can go wrong with tables.

use std::io;
use std::path::PathBuf;

/// An error of the projection's tables. Unless [`TableError::is_fatal`] is false, the directory is to
/// be closed, moved aside and built again from the log.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TableError {
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
    /// Too little free space to write safely. Nothing was written; try again later.
    #[error("{}: only {free} bytes free, the projection waits until there are {needed}", dir.display())]
    DiskFull {
        /// The directory.
        dir: PathBuf,
        /// Bytes free now.
        free: u64,
        /// Bytes needed.
        needed: u64,
    },
    /// sled says, or our own counts say, that something is missing or wrong.
    #[error("{}: damaged: {what}; it is built again from the log", dir.display())]
    Damaged {
        /// The directory.
        dir: PathBuf,
        /// What was found.
        what: String,
    },
    /// sled panicked.
    #[error("{}: the table store panicked: {what}; it is built again from the log", dir.display())]
    Panicked {
        /// The directory.
        dir: PathBuf,
        /// The panic's message.
        what: String,
    },
    /// An earlier error has closed these tables.
    #[error("{}: closed by an earlier error; it is built again from the log", dir.display())]
    Closed {
        /// The directory.
        dir: PathBuf,
    },
    /// Tables of other names, of a newer format, or something else altogether.
    #[error("{}: not these tables: {what}; it is built again from the log", dir.display())]
    Foreign {
        /// The directory.
        dir: PathBuf,
        /// What was found.
        what: String,
    },
    /// Another process has it open.
    #[error("{}: in use by another process", dir.display())]
    InUse {
        /// The directory.
        dir: PathBuf,
    },
    /// The caller's batch or scan is out of bounds. Nothing was written.
    #[error("table request out of bounds: {what}")]
    Bounds {
        /// Which bound.
        what: String,
    },
}

impl TableError {
    /// Whether the directory has to be built again. False when nothing is broken: a full disk, a bound,
    /// another process.
    #[must_use]
    pub fn is_fatal(&self) -> bool {
        !matches!(self, Self::DiskFull { .. } | Self::Bounds { .. } | Self::InUse { .. })
    }
}
