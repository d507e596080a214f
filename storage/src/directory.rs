//! A node's data directory: one process at a time (LOCK), one region and epoch (IDENTITY), and where
//! the log, the snapshots and the derived state lie.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::Epoch;
use crate::fs::{FileSystem, Lock, create_dir_durably, read_small, replace, sync_names_above};
use crate::identity::{FORMAT, Identity, IdentityFault};
use crate::limits::{FENCE_CHARS_MAX, MARK_BYTES_MAX, REGION_BYTES_MAX};

const LOCK: &str = "LOCK";
const IDENTITY: &str = "IDENTITY";
const FENCED: &str = "FENCED";

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
    /// `None` once given up.
    lock: Option<Box<dyn Lock>>,
}

impl DataDir {
    /// Locks and opens a data directory, or makes a new one of a missing or empty directory.
    pub fn open(fs: Arc<dyn FileSystem>, path: &Path, expect: Expect<'_>) -> Result<Self, DirectoryError> {
        if let Some(region) = expect.region {
            check_region(region)?;
        }
        // Looked at before anything is created in it: a foreign directory stays as it was.
        let listed = match fs.list(path) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                if !expect.create {
                    return Err(DirectoryError::Missing { path: path.to_owned() });
                }
                create_dir_durably(&*fs, path).map_err(io_error(path, "making the data directory"))?;
                Vec::new()
            }
            Err(error) => return Err(io_error(path, "reading the data directory")(error)),
        };
        let has_identity = listed.iter().any(|entry| entry.name == IDENTITY);
        let leftover = format!("{IDENTITY}.tmp");
        let foreign = listed.iter().find(|entry| ![LOCK, &leftover, "lost+found"].contains(&&*entry.name));
        match foreign {
            Some(entry) if !has_identity => {
                return Err(DirectoryError::Foreign { path: path.to_owned(), found: entry.name.clone() });
            }
            None if !expect.create => return Err(DirectoryError::Missing { path: path.to_owned() }),
            _ => {}
        }
        let lock_path = path.join(LOCK);
        let lock = fs.try_lock(&lock_path).map_err(io_error(&lock_path, "locking the data directory"))?;
        let lock = lock.ok_or_else(|| DirectoryError::InUse { path: path.to_owned() })?;
        let identity = match read_identity(&*fs, path)? {
            Some(identity) => identity,
            None => begin(&*fs, path, expect)?,
        };
        if let Some(expected) = expect.region.filter(|region| *region != identity.region) {
            let expected = expected.to_owned();
            return Err(DirectoryError::OtherRegion { path: path.to_owned(), found: identity.region, expected });
        }
        let dir = Self { fs, path: path.to_owned(), identity, lock: Some(lock) };
        if expect.create {
            dir.create_rooms()?;
        }
        Ok(dir)
    }

    fn create_rooms(&self) -> Result<(), DirectoryError> {
        for room in [self.log(), self.snapshot(), self.state()] {
            self.fs.create_dir_all(&room).map_err(io_error(&room, "making the data directory"))?;
        }
        self.fs.sync_dir(&self.path).map_err(io_error(&self.path, "making the data directory"))
    }

    /// Gives the directory up, though this value lives on: another process may take it, and nothing is written here any more.
    pub fn give_up(&mut self) {
        self.lock = None;
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
        if self.identity.log_began {
            return Ok(());
        }
        self.replace_identity(Identity { log_began: true, ..self.identity.clone() })
    }

    fn replace_identity(&mut self, identity: Identity) -> Result<(), DirectoryError> {
        if self.lock.is_none() {
            return Err(DirectoryError::InUse { path: self.path.clone() });
        }
        write_identity(&*self.fs, &self.path, &identity)?;
        self.identity = identity;
        Ok(())
    }

    /// Enters a later epoch.
    pub fn set_epoch(&mut self, epoch: Epoch) -> Result<(), DirectoryError> {
        self.replace_identity(Identity { epoch, ..self.identity.clone() })
    }

    /// A small file of the caller's beside IDENTITY, if it is there.
    pub fn read_note(&self, name: &str) -> Result<Option<Vec<u8>>, DirectoryError> {
        let file = self.path.join(name);
        read_small(&*self.fs, &file, MARK_BYTES_MAX).map_err(io_error(&file, "reading a note"))
    }

    /// Replaces such a file, of at most [`MARK_BYTES_MAX`] bytes, as a whole; durable when it returns.
    pub fn write_note(&self, name: &str, bytes: &[u8]) -> Result<(), DirectoryError> {
        if self.lock.is_none() {
            return Err(DirectoryError::InUse { path: self.path.clone() });
        }
        let file = self.path.join(name);
        replace(&*self.fs, &self.path, name, bytes).map_err(io_error(&file, "writing a note"))
    }

    /// The word that this directory's history has ended, if there is one.
    #[must_use]
    pub fn fence(&self) -> FenceMark {
        FenceMark { fs: Arc::clone(&self.fs), path: self.path.clone() }
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

/// Whether a directory's history has ended: somebody else goes on with it. Stands in a file that a person can read, so that
/// a restart does not forget it. Clones stand for the same file.
#[derive(Clone, Debug)]
pub struct FenceMark {
    fs: Arc<dyn FileSystem>,
    path: PathBuf,
}

impl FenceMark {
    /// Why the history has ended, if it has.
    pub fn read(&self) -> Result<Option<String>, DirectoryError> {
        let file = self.path.join(FENCED);
        let bytes = read_small(&*self.fs, &file, MARK_BYTES_MAX).map_err(io_error(&file, "reading the fence"))?;
        Ok(bytes.map(|bytes| String::from_utf8_lossy(&bytes).trim().to_owned()))
    }

    /// Writes it down, or takes it back; durable when it returns.
    pub fn write(&self, reason: Option<&str>) -> Result<(), DirectoryError> {
        let file = self.path.join(FENCED);
        let written = match reason {
            Some(reason) => {
                let mut text: String = reason.chars().take(FENCE_CHARS_MAX).collect();
                text.push('\n');
                replace(&*self.fs, &self.path, FENCED, text.as_bytes())
            }
            None => match self.fs.remove(&file) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
                removed => removed.and_then(|()| self.fs.sync_dir(&self.path)),
            },
        };
        written.map_err(io_error(&file, "writing the fence"))
    }
}

/// A new directory's identity: the first epoch, no log yet.
fn begin(fs: &dyn FileSystem, path: &Path, expect: Expect<'_>) -> Result<Identity, DirectoryError> {
    let Some(region) = expect.region.filter(|_| expect.create) else {
        return Err(DirectoryError::Missing { path: path.to_owned() });
    };
    // Before there is an identity nothing else is written here, so this comes first however often a start is interrupted.
    sync_names_above(fs, path).map_err(io_error(path, "making the data directory"))?;
    let identity = Identity { region: region.to_owned(), epoch: Epoch::FIRST, log_began: false };
    write_identity(fs, path, &identity)?;
    Ok(identity)
}

fn read_identity(fs: &dyn FileSystem, path: &Path) -> Result<Option<Identity>, DirectoryError> {
    let file = path.join(IDENTITY);
    let bytes = read_small(fs, &file, MARK_BYTES_MAX).map_err(io_error(&file, "reading the identity"))?;
    let Some(bytes) = bytes else { return Ok(None) };
    Identity::decode(&bytes).map(Some).map_err(|fault| match fault {
        IdentityFault::Newer(version) => DirectoryError::NewerFormat { path: path.to_owned(), version },
        IdentityFault::Damaged(what) => DirectoryError::Damaged { path: path.to_owned(), what },
    })
}

fn write_identity(fs: &dyn FileSystem, path: &Path, identity: &Identity) -> Result<(), DirectoryError> {
    replace(fs, path, IDENTITY, identity.encode().as_bytes())
        .map_err(io_error(&path.join(IDENTITY), "writing the identity"))
}

fn check_region(region: &str) -> Result<(), DirectoryError> {
    let fits = (1..=REGION_BYTES_MAX).contains(&region.len()) && !region.contains(char::is_control);
    if fits { Ok(()) } else { Err(DirectoryError::RegionName { region: region.to_owned() }) }
}

fn io_error(path: &Path, what: &'static str) -> impl FnOnce(io::Error) -> DirectoryError {
    let path = path.to_owned();
    move |source| DirectoryError::Io { path, what, source }
}

#[cfg(test)]
mod tests;
