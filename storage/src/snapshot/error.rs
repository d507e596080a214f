//! What snapshots say about themselves, and what can go wrong with them.

use std::io;
use std::path::{Path, PathBuf};

use crate::{Epoch, Position};

/// A snapshot as its header says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SnapshotInfo {
    /// The log position it was taken at.
    pub position: Position,
    /// The epoch of that position.
    pub epoch: Epoch,
    /// Size of the file.
    pub bytes: u64,
    /// The file.
    pub path: PathBuf,
}

/// A snapshot that can't be used, and why.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BadSnapshot {
    /// The file.
    pub path: PathBuf,
    /// What is wrong with it.
    pub what: String,
}

/// What can go wrong with snapshots.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SnapshotError {
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
    /// The file is damaged.
    #[error("{}: damaged snapshot at offset {offset}: {what}; an older one or a backup has to serve", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Where, in bytes.
        offset: u64,
        /// What is wrong.
        what: &'static str,
    },
    /// Written by a later version.
    #[error("{}: snapshot format {version} is newer than this version understands; upgrade the program", path.display())]
    NewerFormat {
        /// The file.
        path: PathBuf,
        /// Its format version.
        version: u32,
    },
    /// A section larger than the caller allows.
    #[error("{}: section {section} is larger than {limit} bytes", path.display())]
    SectionTooLarge {
        /// The file.
        path: PathBuf,
        /// The section's id.
        section: u32,
        /// The caller's limit.
        limit: usize,
    },
}

impl SnapshotError {
    /// Whether it is only for want of room: nothing is wrong with the disk.
    #[must_use]
    pub fn is_no_room(&self) -> bool {
        matches!(self, Self::Io { source, .. } if crate::fs::is_no_room(source))
    }
}

pub(crate) fn io_error(path: &Path, what: &'static str) -> impl FnOnce(io::Error) -> SnapshotError {
    let path = path.to_owned();
    move |source| SnapshotError::Io { path, what, source }
}
