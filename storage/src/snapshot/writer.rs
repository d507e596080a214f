//! Writing a snapshot: streamed in chunks, synced, renamed into place.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::bytes::wide;
use crate::fs::{File, FileSystem, write_all_at};
use crate::limits::SNAPSHOT_CHUNK_BYTES_MAX;
use crate::{Epoch, Position};

use super::error::{SnapshotError, SnapshotInfo, io_error};
use super::format::{CHUNK_HEAD_BYTES, ChunkHead, Header, Kind};
use super::snapshot_path;

const WRITING: &str = "writing a snapshot";

/// A snapshot being written; dropped without `finish`, it is gone.
#[derive(Debug)]
pub struct SnapshotWriter {
    fs: Arc<dyn FileSystem>,
    dir: PathBuf,
    temporary: PathBuf,
    file: Box<dyn File>,
    header: Header,
    offset: u64,
    check: [u8; 32],
    section: Option<(u32, Kind)>,
    /// Room for a chunk's head, then its bytes so far.
    chunk: Vec<u8>,
    finished: bool,
}

impl SnapshotWriter {
    pub(crate) fn create(
        fs: &Arc<dyn FileSystem>,
        dir: &Path,
        position: Position,
        epoch: Epoch,
    ) -> Result<Self, SnapshotError> {
        let temporary = dir.join(format!("{:020}.tmp", position.sequence.0));
        match fs.remove(&temporary) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(io_error(&temporary, WRITING)(error));
            }
            _ => {}
        }
        let file = fs.create(&temporary).map_err(io_error(&temporary, WRITING))?;
        let header = Header { position, epoch };
        let mut writer = Self {
            fs: Arc::clone(fs),
            dir: dir.to_owned(),
            temporary,
            file,
            header,
            offset: 0,
            check: header.check(),
            section: None,
            chunk: vec![0; CHUNK_HEAD_BYTES],
            finished: false,
        };
        writer.put(&header.encode())?;
        Ok(writer)
    }

    /// Begins the next section. Ids are the caller's; they come back in the order written.
    pub fn begin_section(&mut self, id: u32) -> Result<(), SnapshotError> {
        self.end_section()?;
        self.section = Some((id, Kind::First));
        Ok(())
    }

    /// Adds bytes to the section (0, if none was begun); they are streamed to disk.
    pub fn write(&mut self, mut bytes: &[u8]) -> Result<(), SnapshotError> {
        if self.section.is_none() {
            self.begin_section(0)?;
        }
        while !bytes.is_empty() {
            let room = (SNAPSHOT_CHUNK_BYTES_MAX + CHUNK_HEAD_BYTES).saturating_sub(self.chunk.len());
            if room == 0 {
                self.put_chunk()?;
                continue;
            }
            let (now, later) = bytes.split_at_checked(room).unwrap_or((bytes, &[]));
            self.chunk.extend_from_slice(now);
            bytes = later;
        }
        Ok(())
    }

    /// A whole section at once.
    pub fn section(&mut self, id: u32, bytes: &[u8]) -> Result<(), SnapshotError> {
        self.begin_section(id)?;
        self.write(bytes)
    }

    /// Ends the file, syncs it, renames it into place, syncs the directory.
    pub fn finish(mut self) -> Result<SnapshotInfo, SnapshotError> {
        self.end_section()?;
        let end = ChunkHead::seal(0, Kind::End, &[], &self.check);
        self.put(&end.encode())?;
        let Header { position, epoch } = self.header;
        let path = snapshot_path(&self.dir, position.sequence);
        self.file.sync_data().map_err(io_error(&self.temporary, WRITING))?;
        self.fs.rename(&self.temporary, &path).map_err(io_error(&path, WRITING))?;
        self.finished = true;
        self.fs.sync_dir(&self.dir).map_err(io_error(&self.dir, WRITING))?;
        Ok(SnapshotInfo { position, epoch, bytes: self.offset, path })
    }

    /// An empty section still gets its one chunk.
    fn end_section(&mut self) -> Result<(), SnapshotError> {
        let pending = self.chunk.len() > CHUNK_HEAD_BYTES;
        let untold = matches!(self.section, Some((_, Kind::First)));
        if pending || untold {
            self.put_chunk()?;
        }
        self.section = None;
        Ok(())
    }

    fn put_chunk(&mut self) -> Result<(), SnapshotError> {
        let (section, kind) = self.section.unwrap_or((0, Kind::First));
        let head = ChunkHead::seal(section, kind, self.chunk.get(CHUNK_HEAD_BYTES..).unwrap_or_default(), &self.check);
        crate::bytes::patch(&mut self.chunk, 0, &head.encode());
        let chunk = std::mem::take(&mut self.chunk);
        self.put(&chunk)?;
        self.chunk = chunk;
        self.chunk.truncate(CHUNK_HEAD_BYTES);
        self.check = head.check;
        self.section = Some((section, Kind::More));
        Ok(())
    }

    fn put(&mut self, bytes: &[u8]) -> Result<(), SnapshotError> {
        write_all_at(&*self.file, bytes, self.offset).map_err(io_error(&self.temporary, WRITING))?;
        self.offset = self.offset.saturating_add(wide(bytes.len()));
        Ok(())
    }
}

impl Drop for SnapshotWriter {
    fn drop(&mut self) {
        if !self.finished {
            // Given up: what can't be removed now goes when the store is opened next.
            let _ = self.fs.remove(&self.temporary);
        }
    }
}
