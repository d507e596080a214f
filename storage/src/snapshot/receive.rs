//! A snapshot file that comes from elsewhere, piece by piece: kept under a temporary name until all of it is there and
//! every check in it holds. Never here: whether its position is wanted.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::bytes::wide;
use crate::fs::{File, FileSystem, write_all_at};

use super::error::{SnapshotError, SnapshotInfo, io_error};
use super::reader::SnapshotReader;
use super::snapshot_path;

const RECEIVING: &str = "receiving a snapshot";

/// Tells receivers of one process apart.
static NUMBER: AtomicU64 = AtomicU64::new(0);

/// A snapshot being received; dropped without `finish`, it is gone.
#[derive(Debug)]
pub struct SnapshotReceiver {
    fs: Arc<dyn FileSystem>,
    dir: PathBuf,
    temporary: PathBuf,
    file: Box<dyn File>,
    expected: SnapshotInfo,
    offset: u64,
    finished: bool,
}

impl SnapshotReceiver {
    pub(crate) fn create(
        fs: &Arc<dyn FileSystem>,
        dir: &Path,
        mut expected: SnapshotInfo,
    ) -> Result<Self, SnapshotError> {
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let temporary = dir.join(format!("{:020}.{number}.tmp", expected.position.sequence.0));
        // Left by an earlier process of the same number.
        match fs.remove(&temporary) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(io_error(&temporary, RECEIVING)(error));
            }
            _ => {}
        }
        let file = fs.create(&temporary).map_err(io_error(&temporary, RECEIVING))?;
        expected.path.clone_from(&temporary);
        let (fs, dir) = (Arc::clone(fs), dir.to_owned());
        Ok(Self { fs, dir, temporary, file, expected, offset: 0, finished: false })
    }

    /// What was announced.
    #[must_use]
    pub fn expected(&self) -> &SnapshotInfo {
        &self.expected
    }

    /// Bytes received so far: where the next piece has to begin.
    #[must_use]
    pub fn received(&self) -> u64 {
        self.offset
    }

    /// The next piece.
    pub fn write(&mut self, offset: u64, bytes: &[u8]) -> Result<(), SnapshotError> {
        let end = offset.saturating_add(wide(bytes.len()));
        if offset != self.offset || end > self.expected.bytes {
            return Err(self.damaged("a piece that doesn't follow the one before, or is beyond the announced length"));
        }
        write_all_at(&*self.file, bytes, offset).map_err(io_error(&self.temporary, RECEIVING))?;
        self.offset = end;
        Ok(())
    }

    /// Checks all of it, syncs it and renames it into place.
    pub fn finish(mut self) -> Result<SnapshotInfo, SnapshotError> {
        if self.offset != self.expected.bytes {
            return Err(self.damaged("it has ended early"));
        }
        let reader = SnapshotReader::open(&*self.fs, self.expected.clone())?;
        let found = reader.info().clone();
        reader.check_all()?;
        if found != self.expected {
            return Err(self.damaged("it is another one than was announced"));
        }
        let path = snapshot_path(&self.dir, found.position.sequence);
        self.file.sync_data().map_err(io_error(&self.temporary, RECEIVING))?;
        self.fs.rename(&self.temporary, &path).map_err(io_error(&path, RECEIVING))?;
        self.finished = true;
        self.fs.sync_dir(&self.dir).map_err(io_error(&self.dir, RECEIVING))?;
        Ok(SnapshotInfo { path, ..found })
    }

    fn damaged(&self, what: &'static str) -> SnapshotError {
        SnapshotError::Damaged { path: self.temporary.clone(), offset: self.offset, what }
    }
}

impl Drop for SnapshotReceiver {
    fn drop(&mut self) {
        if !self.finished {
            // Given up: what can't be removed now goes when the store is opened next.
            let _ = self.fs.remove(&self.temporary);
        }
    }
}
