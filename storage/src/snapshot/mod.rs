//! Snapshot files: state at a log position, in checksummed sections; also the backup format.
//!
//! A snapshot is written beside the others, synced, and renamed into place: a name `*.snap` always
//! was whole once. This module never decides which position is the base; the caller says.
//!
//! ```text
//! file    = header (112) + chunks + end chunk                          all integers little-endian
//!   header  magic [8] · version u32 · epoch u32 · sequence u64 · chain hash [32] · 0 [24] · check [32]
//!   chunk   section u32 · length u32 · kind u32 · 0 u32 · check [32] · bytes
//! ```
//! A chunk's check is BLAKE3 of the check before it, its own fields and its bytes, so that no chunk can
//! be lost, doubled or moved; the end chunk has no bytes and its kind says that the file is whole.

mod error;
mod format;
mod reader;
mod receive;
mod writer;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::fs::{FileSystem, OpenMode, create_dir_durably, read_full_at};
use crate::limits::SNAPSHOTS_NEWEST_KEPT;
use crate::{Epoch, Position, Sequence};

pub use error::{BadSnapshot, SnapshotError, SnapshotInfo};
pub use reader::SnapshotReader;
pub use receive::SnapshotReceiver;
pub use writer::SnapshotWriter;

use error::io_error;
use format::{HEADER_BYTES, Header, HeaderFault};

/// The snapshots of one directory.
#[derive(Clone, Debug)]
pub struct SnapshotStore {
    fs: Arc<dyn FileSystem>,
    dir: PathBuf,
}

impl SnapshotStore {
    /// Opens (and creates) the directory, and removes temporary files that a killed process left.
    pub fn open(fs: Arc<dyn FileSystem>, dir: &Path) -> Result<Self, SnapshotError> {
        let what = "opening the snapshot directory";
        create_dir_durably(&*fs, dir).map_err(io_error(dir, what))?;
        for entry in fs.list(dir).map_err(io_error(dir, what))? {
            if entry.name.ends_with(".tmp") {
                fs.remove(&dir.join(entry.name)).map_err(io_error(dir, what))?;
            }
        }
        Ok(Self::read_only(fs, dir))
    }

    /// The same without changing anything: for `verify` and backups.
    #[must_use]
    pub fn read_only(fs: Arc<dyn FileSystem>, dir: &Path) -> Self {
        Self { fs, dir: dir.to_owned() }
    }

    /// Begins a snapshot. It exists only once [`SnapshotWriter::finish`] returns.
    pub fn create(&self, position: Position, epoch: Epoch) -> Result<SnapshotWriter, SnapshotError> {
        SnapshotWriter::create(&self.fs, &self.dir, position, epoch)
    }

    /// Begins to receive a snapshot from elsewhere, announced with this position, epoch and length (the path is not looked
    /// at). It exists only once [`SnapshotReceiver::finish`] returns.
    pub fn receive(&self, announced: SnapshotInfo) -> Result<SnapshotReceiver, SnapshotError> {
        SnapshotReceiver::create(&self.fs, &self.dir, announced)
    }

    /// Appends up to `max` bytes of a snapshot's file from `offset` on to `out`, unchecked: whoever puts the file together
    /// again checks all of it. Nothing is appended at the file's end.
    pub fn read_at(
        &self,
        info: &SnapshotInfo,
        offset: u64,
        max: usize,
        out: &mut Vec<u8>,
    ) -> Result<(), SnapshotError> {
        let what = "reading a snapshot's file";
        let file = self.fs.open(&info.path, OpenMode::Read).map_err(io_error(&info.path, what))?;
        let begin = out.len();
        out.resize(begin.saturating_add(max.min(crate::bytes::narrow(info.bytes.saturating_sub(offset)))), 0);
        let piece = out.get_mut(begin..).unwrap_or_default();
        let read = read_full_at(&*file, piece, offset).map_err(io_error(&info.path, what));
        out.truncate(begin.saturating_add(*read.as_ref().unwrap_or(&0)));
        read.map(drop)
    }

    /// The snapshots there are, oldest first, by their headers; unreadable ones apart.
    pub fn list(&self) -> Result<(Vec<SnapshotInfo>, Vec<BadSnapshot>), SnapshotError> {
        let entries = match self.fs.list(&self.dir) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(io_error(&self.dir, "listing snapshots")(error)),
        };
        let (mut good, mut bad) = (Vec::new(), Vec::new());
        for entry in entries {
            let number = entry.name.strip_suffix(".snap").filter(|number| number.len() == 20);
            let Some(sequence) = number.and_then(|number| number.parse().ok()).map(Sequence) else { continue };
            let path = self.dir.join(&entry.name);
            let header = self.header(&path);
            match header {
                Ok(header) if header.position.sequence == sequence => {
                    let Header { position, epoch } = header;
                    good.push(SnapshotInfo { position, epoch, bytes: entry.len, path });
                }
                Ok(_) => bad.push(BadSnapshot { path, what: "the file's name isn't its header's sequence".to_owned() }),
                Err(what) => bad.push(BadSnapshot { path, what }),
            }
        }
        good.sort_by_key(|info| info.position.sequence);
        Ok((good, bad))
    }

    fn header(&self, path: &Path) -> Result<Header, String> {
        let file = self.fs.open(path, OpenMode::Read).map_err(|error| error.to_string())?;
        let mut bytes = [0; HEADER_BYTES];
        read_full_at(&*file, &mut bytes, 0).map_err(|error| error.to_string())?;
        Header::decode(&bytes).map_err(|fault| match fault {
            HeaderFault::Newer(version) => format!("format {version} is newer than this version understands"),
            HeaderFault::Damaged => "damaged header".to_owned(),
        })
    }

    /// Opens one snapshot after checking all of it.
    pub fn open_snapshot(&self, info: &SnapshotInfo) -> Result<SnapshotReader, SnapshotError> {
        SnapshotReader::open(&*self.fs, info.clone())?.check_all()?;
        SnapshotReader::open(&*self.fs, info.clone())
    }

    /// The newest snapshot that is good as a whole, and all that were found bad on the way to it.
    pub fn open_newest(&self) -> Result<(Option<SnapshotReader>, Vec<BadSnapshot>), SnapshotError> {
        let (good, mut bad) = self.list()?;
        for info in good.iter().rev() {
            match self.open_snapshot(info) {
                Ok(reader) => return Ok((Some(reader), bad)),
                Err(error) => bad.push(BadSnapshot { path: info.path.clone(), what: error.to_string() }),
            }
        }
        Ok((None, bad))
    }

    /// Opens one snapshot; its bytes are checked as they are read, up to where the reader goes.
    pub fn open_as_read(&self, info: &SnapshotInfo) -> Result<SnapshotReader, SnapshotError> {
        SnapshotReader::open(&*self.fs, info.clone())
    }

    /// Removes the snapshot at `at`; durable when it returns.
    pub fn remove(&self, at: Sequence) -> Result<(), SnapshotError> {
        let path = snapshot_path(&self.dir, at);
        let removed = self.fs.remove(&path).and_then(|()| self.fs.sync_dir(&self.dir));
        removed.map_err(io_error(&path, "removing a snapshot"))
    }

    /// Removes every snapshot but those at the sequences of `kept` and the newest two. Returns how many went. A bad
    /// file counts for nothing and stays for a person to look at.
    pub fn prune(&self, kept: &[Sequence]) -> Result<usize, SnapshotError> {
        let (good, _) = self.list()?;
        let old = good.iter().rev().skip(SNAPSHOTS_NEWEST_KEPT);
        let mut removed = 0;
        for info in old.filter(|info| !kept.contains(&info.position.sequence)) {
            self.fs.remove(&info.path).map_err(io_error(&info.path, "removing an old snapshot"))?;
            removed += 1;
        }
        if removed > 0 {
            self.fs.sync_dir(&self.dir).map_err(io_error(&self.dir, "removing old snapshots"))?;
        }
        Ok(removed)
    }
}

fn snapshot_path(dir: &Path, sequence: Sequence) -> PathBuf {
    dir.join(format!("{:020}.snap", sequence.0))
}

#[cfg(test)]
mod tests;
