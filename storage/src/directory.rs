//! A node's data directory: one process at a time (LOCK), one region and epoch (IDENTITY), and where
//! the log, the snapshots and the derived state lie.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::Epoch;
use crate::fs::{FileSystem, Lock};
use crate::identity::{FORMAT, Identity, IdentityFault};
use crate::limits::{MARK_BYTES_MAX, REGION_BYTES_MAX};

const LOCK: &str = "LOCK";
const IDENTITY: &str = "IDENTITY";

/// What the caller takes the directory for.
#[derive(Clone, Copy, Debug)]
pub struct Expect<'a> {
    /// The region it must belong to; `None` takes any (a command that is only given a directory).
    pub region: Option<&'a str>,
    /// Make a new one of a missing or empty directory. Needs the region.
    pub create: bool,
}

/// A data directory that can't be used. Nothing in it was changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DirectoryError {
    /// Another process has it.
    #[error("{}: in use by another process; stop that one first, or name another data directory", path.display())]
    InUse {
        /// The directory.
        path: PathBuf,
    },
    /// There is none.
    #[error("{}: no data directory there", path.display())]
    Missing {
        /// The directory.
        path: PathBuf,
    },
    /// It holds something else.
    #[error("{}: not empty and not a qucan data directory (it holds {found:?}); name an empty or new one", path.display())]
    Foreign {
        /// The directory.
        path: PathBuf,
        /// A name found in it.
        found: String,
    },
    /// It belongs to another region.
    #[error("{}: belongs to region {found:?}, not {expected:?}; correct node.region or node.data_dir", path.display())]
    OtherRegion {
        /// The directory.
        path: PathBuf,
        /// Whose it is.
        found: String,
        /// Whose it should be.
        expected: String,
    },
    /// Written by a later version.
    #[error("{}: format {version} is newer than this version's {FORMAT}; upgrade the program", path.display())]
    NewerFormat {
        /// The directory.
        path: PathBuf,
        /// Its format version.
        version: u32,
    },
    /// IDENTITY is damaged.
    #[error("{}: IDENTITY can't be read ({what}); restore it from a backup", path.display())]
    Damaged {
        /// The directory.
        path: PathBuf,
        /// What is wrong.
        what: &'static str,
    },
    /// A region name that can't be written down.
    #[error("region name {region:?} must have 1 to {REGION_BYTES_MAX} bytes and no line break")]
    RegionName {
        /// The name.
        region: String,
    },
    /// The file system failed (permission, disk).
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

/// An open data directory, locked until dropped.
#[derive(Debug)]
pub struct DataDir {
    fs: Arc<dyn FileSystem>,
    path: PathBuf,
    identity: Identity,
    _lock: Box<dyn Lock>,
}

impl DataDir {
    /// Locks and opens a data directory, or makes a new one of a missing or empty directory.
    pub fn open(fs: Arc<dyn FileSystem>, path: &Path, expect: Expect<'_>) -> Result<Self, DirectoryError> {
        todo!()
    }

    /// Whose it is.
    #[must_use]
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// The epoch of the history that is written now.
    #[must_use]
    pub fn epoch(&self) -> Epoch {
        self.identity.epoch
    }

    /// Whether a log was ever begun here; if not, [`crate::log::LogOptions::create`] may be set.
    #[must_use]
    pub fn log_began(&self) -> bool {
        self.identity.log_began
    }

    /// Writes down that the log has begun, once its first open succeeded and before anything is acknowledged.
    pub fn mark_log_began(&mut self) -> Result<(), DirectoryError> {
        todo!()
    }

    /// Enters a later epoch.
    pub fn set_epoch(&mut self, epoch: Epoch) -> Result<(), DirectoryError> {
        todo!()
    }

    /// The directory itself.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The log's segments: the truth.
    #[must_use]
    pub fn log(&self) -> PathBuf {
        self.path.join("log")
    }

    /// Snapshots: the base and the newest two.
    #[must_use]
    pub fn snapshot(&self) -> PathBuf {
        self.path.join("snapshot")
    }

    /// Derived state; may be deleted at any time.
    #[must_use]
    pub fn state(&self) -> PathBuf {
        self.path.join("state")
    }

    /// The file system it lies on.
    #[must_use]
    pub fn fs(&self) -> &Arc<dyn FileSystem> {
        &self.fs
    }
}
