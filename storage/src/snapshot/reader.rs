//! Reading a snapshot, chunk by chunk, each checked as it comes.

use crate::bytes::{narrow, wide};
use crate::fs::{File, FileSystem, OpenMode, read_full_at};

use super::error::{SnapshotError, SnapshotInfo, io_error};
use super::format::{CHUNK_HEAD_BYTES, ChunkHead, HEADER_BYTES, Header, HeaderFault, Kind};

const READING: &str = "reading a snapshot";

/// A snapshot being read, section by section. Every chunk is checked again as it is read.
#[derive(Debug)]
pub struct SnapshotReader {
    info: SnapshotInfo,
    file: Box<dyn File>,
    /// Behind the head of the chunk that is read next.
    offset: u64,
    head: ChunkHead,
    /// Check of the chunk that was read last.
    check: [u8; 32],
    chunk: Vec<u8>,
    at: At,
}

/// Where the reader stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum At {
    /// Before the next section.
    Between,
    /// In a section of which nothing was read yet.
    Begun,
    /// In a section.
    Inside,
}

impl SnapshotReader {
    pub(crate) fn open(fs: &dyn FileSystem, info: SnapshotInfo) -> Result<Self, SnapshotError> {
        let file = fs.open(&info.path, OpenMode::Read).map_err(io_error(&info.path, READING))?;
        let mut bytes = [0; HEADER_BYTES];
        read_full_at(&*file, &mut bytes, 0).map_err(io_error(&info.path, READING))?;
        let header = Header::decode(&bytes).map_err(|fault| match fault {
            HeaderFault::Newer(version) => SnapshotError::NewerFormat { path: info.path.clone(), version },
            HeaderFault::Damaged => {
                SnapshotError::Damaged { path: info.path.clone(), offset: 0, what: "damaged header" }
            }
        })?;
        let mut reader = Self {
            info: SnapshotInfo { position: header.position, epoch: header.epoch, ..info },
            file,
            offset: wide(HEADER_BYTES),
            head: ChunkHead { section: 0, length: 0, kind: Kind::End, check: [0; 32] },
            check: header.check(),
            chunk: Vec::new(),
            at: At::Between,
        };
        reader.read_head()?;
        Ok(reader)
    }

    /// What its header says.
    #[must_use]
    pub fn info(&self) -> &SnapshotInfo {
        &self.info
    }

    /// Goes to the next section (skipping what is left of this one); its id, or `None` at the end.
    pub fn next_section(&mut self) -> Result<Option<u32>, SnapshotError> {
        while self.next_chunk()?.is_some() {}
        match self.head.kind {
            Kind::First => {
                self.at = At::Begun;
                Ok(Some(self.head.section))
            }
            Kind::More => Err(self.damaged("a section without its beginning")),
            Kind::End => {
                let length = self.file.length().map_err(io_error(&self.info.path, READING))?;
                if !self.head.holds(&[], &self.check) || self.head.length != 0 || length != self.offset {
                    return Err(self.damaged("damaged end"));
                }
                Ok(None)
            }
        }
    }

    /// The next piece of the section (at most 1 MiB), `None` at its end.
    pub fn next_chunk(&mut self) -> Result<Option<&[u8]>, SnapshotError> {
        let expected = match self.at {
            At::Between => return Ok(None),
            At::Begun => Kind::First,
            At::Inside => Kind::More,
        };
        if self.head.kind != expected {
            self.at = At::Between;
            return Ok(None);
        }
        self.at = At::Inside;
        self.read_chunk()?;
        if self.chunk.is_empty() {
            self.at = At::Between; // only an empty section has an empty chunk
            return Ok(None);
        }
        Ok(Some(&self.chunk))
    }

    /// What is left of the section, if it has at most `limit` bytes.
    pub fn read_section(&mut self, limit: usize) -> Result<Vec<u8>, SnapshotError> {
        let mut bytes = Vec::new();
        let section = self.head.section;
        while let Some(chunk) = self.next_chunk()? {
            if bytes.len().saturating_add(chunk.len()) > limit {
                return Err(SnapshotError::SectionTooLarge { path: self.info.path.clone(), section, limit });
            }
            bytes.extend_from_slice(chunk);
        }
        Ok(bytes)
    }

    /// Reads the whole file for its checks' sake.
    pub(crate) fn check_all(mut self) -> Result<(), SnapshotError> {
        while self.next_section()?.is_some() {}
        Ok(())
    }

    fn read_head(&mut self) -> Result<(), SnapshotError> {
        let mut bytes = [0; CHUNK_HEAD_BYTES];
        let read = read_full_at(&*self.file, &mut bytes, self.offset).map_err(io_error(&self.info.path, READING))?;
        let head = ChunkHead::decode(&bytes).filter(|_| read == bytes.len());
        self.head = head.ok_or_else(|| self.damaged("cut short or overwritten"))?;
        self.offset = self.offset.saturating_add(wide(CHUNK_HEAD_BYTES));
        Ok(())
    }

    /// The chunk whose head was read, and the head behind it.
    fn read_chunk(&mut self) -> Result<(), SnapshotError> {
        let length = narrow(u64::from(self.head.length));
        self.chunk.resize(length, 0);
        let read =
            read_full_at(&*self.file, &mut self.chunk, self.offset).map_err(io_error(&self.info.path, READING))?;
        if read != length || !self.head.holds(&self.chunk, &self.check) {
            return Err(self.damaged("bytes don't match their check"));
        }
        self.check = self.head.check;
        self.offset = self.offset.saturating_add(wide(length));
        self.read_head()
    }

    fn damaged(&self, what: &'static str) -> SnapshotError {
        SnapshotError::Damaged { path: self.info.path.clone(), offset: self.offset, what }
    }
}
