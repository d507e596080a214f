//! Two small files beside the segments: how far a clean stop left the log, and that an I/O error ended it.

use std::io;
use std::path::{Path, PathBuf};

use crate::bytes::Fields;
use crate::fs::{FileSystem, read_small, replace};
use crate::limits::MARK_BYTES_MAX;
use crate::{ChainHash, Position, Sequence};

const CLEAN_STOP: &str = "clean-stop";
const IO_ERROR: &str = "io-error";
const MAGIC: [u8; 8] = *b"QUCANEND";

/// Leaves the mark of a clean stop: everything up to `last` is durable. It stays true for good, so
/// it is never removed, only replaced.
pub(crate) fn write_clean_stop(fs: &dyn FileSystem, dir: &Path, last: Position) -> io::Result<()> {
    let mut bytes = Vec::with_capacity(80);
    bytes.extend_from_slice(&MAGIC);
    bytes.extend_from_slice(&last.sequence.0.to_le_bytes());
    bytes.extend_from_slice(&last.hash.0);
    let check = blake3::hash(&bytes);
    bytes.extend_from_slice(check.as_bytes());
    replace(fs, dir, CLEAN_STOP, &bytes)
}

/// The last clean stop, if there was one. A damaged mark proves nothing.
pub(crate) fn read_clean_stop(fs: &dyn FileSystem, dir: &Path) -> io::Result<Option<Position>> {
    let Some(bytes) = read_small(fs, &dir.join(CLEAN_STOP), MARK_BYTES_MAX)? else { return Ok(None) };
    let mut fields = Fields(&bytes);
    let mut read = || {
        let magic: [u8; 8] = fields.array()?;
        let sequence = Sequence(fields.u64()?);
        let hash = ChainHash(fields.array()?);
        let check: [u8; 32] = fields.array()?;
        let sound = magic == MAGIC && *blake3::hash(bytes.get(..48)?).as_bytes() == check;
        sound.then_some(Position { sequence, hash })
    };
    Ok(read())
}

/// Leaves word that a write or sync failed, as far as that is still possible.
pub(crate) fn write_io_error(fs: &dyn FileSystem, dir: &Path, cause: &str) -> io::Result<()> {
    replace(fs, dir, IO_ERROR, cause.as_bytes())
}

/// Whether an earlier run ended with an I/O error.
pub(crate) fn has_io_error(fs: &dyn FileSystem, dir: &Path) -> io::Result<bool> {
    fs.try_exists(&io_error_path(dir))
}

pub(crate) fn io_error_path(dir: &Path) -> PathBuf {
    dir.join(IO_ERROR)
}
