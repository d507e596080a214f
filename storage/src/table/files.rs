//! The files of a table directory: what sled leaves to us to sync, and directories as a whole.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use super::TableError;

pub(crate) fn io_error(path: &Path, what: &'static str) -> impl FnOnce(io::Error) -> TableError {
    let path = path.to_owned();
    move |source| TableError::Io { path, what, source }
}

/// Refuses a directory in which somebody else keeps files.
pub(crate) fn refuse_foreign(dir: &Path) -> Result<(), TableError> {
    let entries = match fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(io_error(dir, "reading the table directory")(error)),
    };
    for entry in entries {
        let name = entry.map_err(io_error(dir, "reading the table directory"))?.file_name();
        let name = name.to_string_lossy();
        if !matches!(&*name, "db" | "conf" | "blobs") && !name.starts_with("snap.") {
            return Err(TableError::Foreign { dir: dir.to_owned(), what: format!("it holds {name:?}") });
        }
    }
    Ok(())
}

/// sled's data file and blob directory, synced by us because its `flush` doesn't.
#[derive(Debug)]
pub(crate) struct SyncedFiles {
    db: File,
    blobs: PathBuf,
    synced_blobs: BTreeSet<PathBuf>,
}

impl SyncedFiles {
    /// Syncs everything once: data, configuration, both directories and their parent.
    pub(crate) fn open(dir: &Path) -> Result<Self, TableError> {
        let what = "syncing the table store";
        let open = |path: PathBuf| File::open(&path).map_err(io_error(&path, what));
        let mut files = Self { db: open(dir.join("db"))?, blobs: dir.join("blobs"), synced_blobs: BTreeSet::new() };
        open(dir.join("conf"))?.sync_all().map_err(io_error(dir, what))?;
        files.sync(dir)?;
        let parents = [Some(files.blobs.as_path()), Some(dir), dir.parent()];
        for path in parents.into_iter().flatten().filter(|path| !path.as_os_str().is_empty()) {
            open(path.to_owned())?.sync_all().map_err(io_error(path, what))?;
        }
        Ok(files)
    }

    /// Makes what sled has flushed durable.
    pub(crate) fn sync(&mut self, dir: &Path) -> Result<(), TableError> {
        let what = "syncing the table store";
        let mut new_blobs = false;
        for entry in fs::read_dir(&self.blobs).map_err(io_error(&self.blobs, what))? {
            let path = entry.map_err(io_error(&self.blobs, what))?.path();
            if !self.synced_blobs.contains(&path) {
                match File::open(&path).and_then(|file| file.sync_all()) {
                    Err(error) if error.kind() == io::ErrorKind::NotFound => continue, // sled's own clean-up
                    outcome => outcome.map_err(io_error(&path, what))?,
                }
                self.synced_blobs.insert(path);
                new_blobs = true;
            }
        }
        if new_blobs {
            File::open(&self.blobs).and_then(|blobs| blobs.sync_all()).map_err(io_error(&self.blobs, what))?;
        }
        self.db.sync_data().map_err(io_error(dir, what))
    }
}

/// Bytes of all files below a directory.
pub(crate) fn disk_bytes(dir: &Path) -> io::Result<u64> {
    let mut bytes: u64 = 0;
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        match entry.metadata() {
            Ok(metadata) if metadata.is_dir() => bytes = bytes.saturating_add(disk_bytes(&entry.path())?),
            Ok(metadata) => bytes = bytes.saturating_add(metadata.len()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(bytes)
}

/// Renames a broken directory to `aside` (deleting what lay there), so that a new one can be built and the
/// old one looked at. Nothing to do when it is missing.
pub fn move_aside(dir: &Path, aside: &Path) -> Result<(), TableError> {
    remove(aside)?;
    if let Some(parent) = aside.parent() {
        fs::create_dir_all(parent).map_err(io_error(aside, "moving tables aside"))?;
    }
    match fs::rename(dir, aside) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(io_error(dir, "moving tables aside")(error)),
        _ => Ok(()),
    }
}

/// Deletes a directory of tables (closed before), or one moved aside. Nothing to do when it is missing.
pub fn remove(dir: &Path) -> Result<(), TableError> {
    match fs::remove_dir_all(dir) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(io_error(dir, "removing tables")(error)),
        _ => Ok(()),
    }
}
