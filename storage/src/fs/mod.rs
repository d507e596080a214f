//! The file-system seam: what log, snapshots and the data directory need of a disk, and nothing more.
//!
//! Two implementations: [`RealFs`], and [`SimFs`] with a live and a durable image for fault tests.
//! Durability rules that callers must obey, on both: file bytes are durable after
//! [`File::sync_data`]; names (create, rename, remove) after [`FileSystem::sync_dir`] of their
//! directory; after a failed sync nothing about that file is known any more.

mod real;
mod sim;

use std::fmt::Debug;
use std::io;
use std::path::Path;
use std::sync::Arc;

pub use real::RealFs;
pub use sim::{CrashPolicy, Fault, FaultKind, Losses, Operation, SimFs};

/// How an existing file is opened.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum OpenMode {
    /// Reading only.
    Read,
    /// Reading and writing.
    ReadWrite,
}

/// One name in a directory.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct DirEntry {
    /// File name without its directory. A name that isn't UTF-8 is given with replacement characters.
    pub name: String,
    /// Length in bytes; 0 for a directory.
    pub len: u64,
    /// Whether it is a directory.
    pub is_dir: bool,
}

/// Files by position: no cursor, so one handle serves several readers.
pub trait File: Send + Sync + Debug {
    /// Reads at `offset`; fewer bytes than asked near the end of the file, 0 at it.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize>;
    /// Writes at `offset`; may write fewer bytes than given.
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize>;
    /// Makes the bytes durable (fdatasync). Not the file's name.
    fn sync_data(&self) -> io::Result<()>;
    /// Cuts or extends (with zeros, unallocated) to `len` bytes.
    fn set_len(&self, len: u64) -> io::Result<()>;
    /// Length in bytes.
    fn length(&self) -> io::Result<u64>;
}

/// A directory tree.
pub trait FileSystem: Send + Sync + Debug {
    /// Opens an existing file.
    fn open(&self, path: &Path, mode: OpenMode) -> io::Result<Box<dyn File>>;
    /// Creates a file for reading and writing; an error if the name is taken.
    fn create(&self, path: &Path) -> io::Result<Box<dyn File>>;
    /// Renames a file or directory; a file of the new name is replaced atomically.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Removes a file.
    fn remove(&self, path: &Path) -> io::Result<()>;
    /// The names in a directory, sorted.
    fn list(&self, dir: &Path) -> io::Result<Vec<DirEntry>>;
    /// Creates a directory and its missing parents.
    fn create_dir_all(&self, dir: &Path) -> io::Result<()>;
    /// Makes the names in a directory durable.
    fn sync_dir(&self, dir: &Path) -> io::Result<()>;
    /// Whether something of that name is there.
    fn try_exists(&self, path: &Path) -> io::Result<bool>;
    /// Free bytes for this user on the file system that holds `dir`.
    fn free_space(&self, dir: &Path) -> io::Result<u64>;
    /// Takes an exclusive lock on a file (created when missing), until the returned value is dropped
    /// or the process ends; `None` when somebody else holds it.
    fn try_lock(&self, path: &Path) -> io::Result<Option<Box<dyn Lock>>>;
    /// 32 unpredictable bytes (predictable from the seed in the simulation): identities of segments.
    fn entropy(&self) -> io::Result<[u8; 32]>;
}

/// A lock on a file, held until dropped.
pub trait Lock: Send + Sync + Debug {}

/// The machine's own file system.
#[must_use]
pub fn real() -> Arc<dyn FileSystem> {
    Arc::new(RealFs)
}

/// Writes all of `bytes` at `offset`.
pub fn write_all_at(file: &dyn File, mut bytes: &[u8], mut offset: u64) -> io::Result<()> {
    while !bytes.is_empty() {
        match file.write_at(bytes, offset) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => {
                bytes = bytes.get(written..).unwrap_or_default();
                offset = offset.saturating_add(crate::bytes::wide(written));
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Writes zeros from `from` up to `to`.
pub(crate) fn write_zeros_at(file: &dyn File, from: u64, to: u64) -> io::Result<()> {
    let mut at = from;
    let zeros = vec![0; crate::limits::ZERO_CHUNK_BYTES.min(crate::bytes::narrow(to.saturating_sub(from)))];
    while at < to {
        let piece = zeros.get(..crate::bytes::narrow(to.saturating_sub(at))).unwrap_or(&zeros);
        write_all_at(file, piece, at)?;
        at = at.saturating_add(crate::bytes::wide(piece.len()));
    }
    Ok(())
}

/// Fills `buffer` from `offset` on as far as the file goes; the number of bytes read.
pub(crate) fn read_full_at(file: &dyn File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    let mut filled = 0;
    while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match file.read_at(rest, offset.saturating_add(crate::bytes::wide(filled))) {
            Ok(0) => break,
            Ok(read) => filled = filled.saturating_add(read),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

/// Reads a small file whole, or up to `max` bytes of it; `None` when there is none.
pub fn read_small(fs: &dyn FileSystem, path: &Path, max: u64) -> io::Result<Option<Vec<u8>>> {
    let file = match fs.open(path, OpenMode::Read) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut bytes = vec![0; crate::bytes::narrow(file.length()?.min(max))];
    let read = read_full_at(&*file, &mut bytes, 0)?;
    bytes.truncate(read);
    Ok(Some(bytes))
}

/// Replaces a small file atomically and durably: temporary file, sync, rename, sync of the directory.
pub(crate) fn replace(fs: &dyn FileSystem, dir: &Path, name: &str, bytes: &[u8]) -> io::Result<()> {
    let temporary = dir.join(format!("{name}.tmp"));
    match fs.remove(&temporary) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let file = fs.create(&temporary)?;
    write_all_at(&*file, bytes, 0)?;
    file.sync_data()?;
    fs.rename(&temporary, &dir.join(name))?;
    fs.sync_dir(dir)
}

/// Creates a directory with its missing parents so that a power cut doesn't take it away again.
pub(crate) fn create_dir_durably(fs: &dyn FileSystem, dir: &Path) -> io::Result<()> {
    let mut to_sync: Vec<&Path> = dir.parent().into_iter().collect();
    for path in dir.ancestors().take_while(|path| !path.as_os_str().is_empty()) {
        if fs.try_exists(path)? {
            break;
        }
        to_sync.extend(path.parent());
    }
    fs.create_dir_all(dir)?;
    to_sync.dedup();
    for parent in to_sync {
        match fs.sync_dir(if parent.as_os_str().is_empty() { Path::new(".") } else { parent }) {
            // Not ours to read, so not ours to have made anything in.
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {}
            outcome => outcome?,
        }
    }
    Ok(())
}

/// Makes the names of a directory and of everything above it durable, whoever made them: an earlier start may have been
/// killed between making one and syncing it. What can't be synced here is somebody else's.
pub(crate) fn sync_names_above(fs: &dyn FileSystem, dir: &Path) -> io::Result<()> {
    for parent in dir.ancestors().skip(1) {
        match fs.sync_dir(if parent.as_os_str().is_empty() { Path::new(".") } else { parent }) {
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::PermissionDenied
                        | io::ErrorKind::InvalidInput
                        | io::ErrorKind::Unsupported
                        | io::ErrorKind::ReadOnlyFilesystem
                ) => {}
            outcome => outcome?,
        }
    }
    Ok(())
}

/// Whether an error says that there is no room (disk or quota).
pub(crate) fn is_no_room(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}
