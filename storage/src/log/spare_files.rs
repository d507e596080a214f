//! The files that spare segments are: adopting, removing and making them.

use std::io;
use std::path::{Path, PathBuf};

use crate::fs::{File, FileSystem, OpenMode, is_no_room, read_full_at, write_zeros_at};

/// A file ready to become a segment.
#[derive(Debug)]
pub(crate) struct Spare {
    pub path: PathBuf,
    pub file: Box<dyn File>,
    pub bytes: u64,
    pub recycled: bool,
}

/// Why a spare can't be prepared.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Trouble {
    /// The disk is full. It passes, and nothing that is there is in doubt.
    #[error("{0}")]
    NoRoom(io::Error),
    /// The disk fails. Nothing may be trusted to it any more.
    #[error("{}: {error}", path.display())]
    Failed { path: PathBuf, error: io::Error },
}

impl Trouble {
    pub(crate) fn of(path: PathBuf, error: io::Error) -> Self {
        if is_no_room(&error) { Self::NoRoom(error) } else { Self::Failed { path, error } }
    }
}

pub(crate) fn remove_if_there(fs: &dyn FileSystem, path: &Path) -> io::Result<()> {
    match fs.remove(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// A spare that an earlier run left, if it is large enough. One that was a segment still begins like one.
pub(crate) fn adopt(fs: &dyn FileSystem, dir: &Path, name: &str, bytes: u64) -> io::Result<Option<Spare>> {
    let path = dir.join(name);
    let file = match fs.open(&path, OpenMode::ReadWrite) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let length = file.length()?;
    if length < bytes {
        fs.remove(&path)?;
        return Ok(None);
    }
    let mut begins = [0];
    read_full_at(&*file, &mut begins, 0)?;
    Ok(Some(Spare { path, file, bytes: length, recycled: begins != [0] }))
}

/// Removes temporary files, and after an I/O error all spare ones: nothing is known about them.
pub(crate) fn clean_up(fs: &dyn FileSystem, dir: &Path, after_io_error: bool) -> io::Result<()> {
    for entry in fs.list(dir)? {
        let temporary = entry.name.ends_with(".tmp");
        if temporary || (after_io_error && entry.name.ends_with(".spare")) {
            fs.remove(&dir.join(entry.name))?;
        }
    }
    Ok(())
}

/// Makes one zeroed file outside of the regular preparation: a log's first segment, or the one after an error.
pub(crate) fn make_zeroed(fs: &dyn FileSystem, path: &Path, bytes: u64) -> io::Result<Box<dyn File>> {
    remove_if_there(fs, path)?;
    let file = fs.create(path)?;
    write_zeros_at(&*file, 0, bytes)?;
    file.sync_data()?;
    Ok(file)
}
