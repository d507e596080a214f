//! Snapshot files: state at a log position, in checksummed sections; also the backup format.
//!
//! A snapshot is written beside the others, synced, and renamed into place: a name `*.snap` always
//! was whole once. It never decides which position is the base; the caller says.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::fs::FileSystem;
use crate::{Epoch, Position, Sequence};

/// The snapshots of one directory.
#[derive(Clone, Debug)]
pub struct SnapshotStore {}

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

impl SnapshotStore {
    /// Opens (and creates) the directory, and removes temporary files that a killed process left.
    pub fn open(fs: Arc<dyn FileSystem>, dir: &Path) -> Result<Self, SnapshotError> {
        todo!()
    }

    /// The same without changing anything: for `verify` and backups.
    #[must_use]
    pub fn read_only(fs: Arc<dyn FileSystem>, dir: &Path) -> Self {
        todo!()
    }

    /// Begins a snapshot. It exists only once [`SnapshotWriter::finish`] returns.
    pub fn create(&self, position: Position, epoch: Epoch) -> Result<SnapshotWriter, SnapshotError> {
        todo!()
    }

    /// The snapshots there are, oldest first, by their headers; unreadable ones apart.
    pub fn list(&self) -> Result<(Vec<SnapshotInfo>, Vec<BadSnapshot>), SnapshotError> {
        todo!()
    }

    /// Opens one snapshot after checking all of it.
    pub fn open_snapshot(&self, info: &SnapshotInfo) -> Result<SnapshotReader, SnapshotError> {
        todo!()
    }

    /// The newest snapshot that is good as a whole, and the newer ones that aren't.
    pub fn open_newest(&self) -> Result<(Option<SnapshotReader>, Vec<BadSnapshot>), SnapshotError> {
        todo!()
    }

    /// Removes every snapshot but the one at `base` and the newest two. Returns how many went.
    pub fn prune(&self, base: Sequence) -> Result<usize, SnapshotError> {
        todo!()
    }
}

/// A snapshot being written; dropped without `finish`, it is gone.
#[derive(Debug)]
pub struct SnapshotWriter {}

impl SnapshotWriter {
    /// Begins the next section. Ids are the caller's; they come back in the order written.
    pub fn begin_section(&mut self, id: u32) -> Result<(), SnapshotError> {
        todo!()
    }

    /// Adds bytes to the section; they are streamed to disk.
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), SnapshotError> {
        todo!()
    }

    /// A whole section at once.
    pub fn section(&mut self, id: u32, bytes: &[u8]) -> Result<(), SnapshotError> {
        todo!()
    }

    /// Ends the file, syncs it, renames it into place, syncs the directory.
    pub fn finish(self) -> Result<SnapshotInfo, SnapshotError> {
        todo!()
    }
}

/// A snapshot being read, section by section. Every chunk is checked again as it is read.
#[derive(Debug)]
pub struct SnapshotReader {}

impl SnapshotReader {
    /// What its header says.
    #[must_use]
    pub fn info(&self) -> &SnapshotInfo {
        todo!()
    }

    /// Goes to the next section (skipping what is left of this one); its id, or `None` at the end.
    pub fn next_section(&mut self) -> Result<Option<u32>, SnapshotError> {
        todo!()
    }

    /// The next piece of the section (at most 1 MiB), `None` at its end.
    pub fn next_chunk(&mut self) -> Result<Option<&[u8]>, SnapshotError> {
        todo!()
    }

    /// What is left of the section, if it has at most `limit` bytes.
    pub fn read_section(&mut self, limit: usize) -> Result<Vec<u8>, SnapshotError> {
        todo!()
    }
}
