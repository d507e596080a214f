//! Segment files: names, headers, and the window through which their groups are read.
//!
//! ```text
//! header (first 4096 bytes, zero behind): magic [8] · version u32 · epoch u32 · flags u32 · 0 u32
//!   · sequence before the first u64 · chain hash before the first [32] · identity [32] · bytes u64 · check [32]
//! ```
//! The header is synced before the file gets its `.seg` name, so a bad one is always damage.

use std::io;
use std::path::{Path, PathBuf};

use crate::bytes::{Fields, narrow, patch, wide};
use crate::fs::{File, FileSystem, OpenMode, read_full_at};
use crate::limits::READ_BUFFER_KEPT_BYTES;
use crate::{ChainHash, Epoch, Position, Sequence};

/// Where groups begin: a page, so that the header is never rewritten with them.
pub(crate) const SEGMENT_HEADER_BYTES: u64 = 4096;
const MAGIC: [u8; 8] = *b"QUCANLOG";
const VERSION: u32 = 1;
const HEADER_USED: usize = 136;
const CHECKED: usize = HEADER_USED - 32;
const FLAG_RECYCLED: u32 = 1;

/// What a segment says about itself.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct SegmentHeader {
    pub epoch: Epoch,
    /// The file held other groups before; bytes behind the end mean nothing.
    pub recycled: bool,
    /// The position before its first group. All of it was synced when the segment was taken into use.
    pub after: Position,
    /// Identity of this use of the file: key of its groups' placements.
    pub key: [u8; 32],
    /// Size of the file.
    pub bytes: u64,
}

/// Why a segment header can't be read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum HeaderFault {
    Newer(u32),
    Damaged,
}

impl SegmentHeader {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut bytes = vec![0; narrow(SEGMENT_HEADER_BYTES)];
        patch(&mut bytes, 0, &MAGIC);
        patch(&mut bytes, 8, &VERSION.to_le_bytes());
        patch(&mut bytes, 12, &self.epoch.0.to_le_bytes());
        patch(&mut bytes, 16, &(if self.recycled { FLAG_RECYCLED } else { 0 }).to_le_bytes());
        patch(&mut bytes, 24, &self.after.sequence.0.to_le_bytes());
        patch(&mut bytes, 32, &self.after.hash.0);
        patch(&mut bytes, 64, &self.key);
        patch(&mut bytes, 96, &self.bytes.to_le_bytes());
        let check = blake3::hash(bytes.get(..CHECKED).unwrap_or_default());
        patch(&mut bytes, CHECKED, check.as_bytes());
        bytes
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, HeaderFault> {
        let mut fields = Fields(bytes);
        let mut read = || {
            let magic: [u8; 8] = fields.array()?;
            let version = fields.u32()?;
            let epoch = Epoch(fields.u32()?);
            let flags = fields.u32()?;
            let _zero = fields.u32()?;
            let sequence = Sequence(fields.u64()?);
            let hash = ChainHash(fields.array()?);
            let key = fields.array()?;
            let length = fields.u64()?;
            let check: [u8; 32] = fields.array()?;
            let after = Position { sequence, hash };
            let header = Self { epoch, recycled: flags & FLAG_RECYCLED != 0, after, key, bytes: length };
            Some((magic, version, check, header))
        };
        let (magic, version, check, header) = read().ok_or(HeaderFault::Damaged)?;
        if magic != MAGIC {
            return Err(HeaderFault::Damaged);
        }
        if version > VERSION {
            return Err(HeaderFault::Newer(version));
        }
        let checked = bytes.get(..CHECKED).ok_or(HeaderFault::Damaged)?;
        if *blake3::hash(checked).as_bytes() != check || header.bytes <= SEGMENT_HEADER_BYTES {
            return Err(HeaderFault::Damaged);
        }
        Ok(header)
    }

    pub(crate) fn first(&self) -> Sequence {
        self.after.sequence.next()
    }
}

/// A segment's name in the directory.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct SegmentFile {
    pub first: Sequence,
    pub path: PathBuf,
    pub bytes: u64,
}

pub(crate) fn segment_path(dir: &Path, first: Sequence) -> PathBuf {
    dir.join(format!("{:020}.seg", first.0))
}

/// The segments of a log, oldest first.
pub(crate) fn list_segments(fs: &dyn FileSystem, dir: &Path) -> io::Result<Vec<SegmentFile>> {
    let mut segments = Vec::new();
    for entry in fs.list(dir)? {
        let number = entry.name.strip_suffix(".seg").filter(|number| number.len() == 20);
        if let Some(first) = number.and_then(|number| number.parse().ok()) {
            segments.push(SegmentFile { first: Sequence(first), path: dir.join(&entry.name), bytes: entry.len });
        }
    }
    segments.sort_by_key(|segment| segment.first);
    Ok(segments)
}

/// Reads a file's segment header.
pub(crate) fn read_header(file: &dyn File) -> io::Result<Result<SegmentHeader, HeaderFault>> {
    let mut bytes = [0; HEADER_USED];
    let read = read_full_at(file, &mut bytes, 0)?;
    Ok(SegmentHeader::decode(bytes.get(..read).unwrap_or_default()))
}

/// Opens a segment for reading.
pub(crate) fn open_segment(
    fs: &dyn FileSystem,
    path: &Path,
    mode: OpenMode,
) -> io::Result<(Box<dyn File>, Result<SegmentHeader, HeaderFault>)> {
    let file = fs.open(path, mode)?;
    let header = read_header(&*file)?;
    Ok((file, header))
}

/// A piece of a file held in memory, moving forward.
#[derive(Debug)]
pub(crate) struct Window {
    buffer: Vec<u8>,
    start: u64,
    chunk: usize,
}

impl Window {
    pub(crate) fn new(chunk: usize) -> Self {
        Self { buffer: Vec::new(), start: 0, chunk }
    }

    /// Forgets what was read: the file may say something else by now.
    pub(crate) fn forget(&mut self) {
        self.buffer.clear();
        self.buffer.shrink_to(READ_BUFFER_KEPT_BYTES);
    }

    /// `len` bytes from `offset` on; fewer where the file ends. The caller has bounded `len`.
    pub(crate) fn get(&mut self, file: &dyn File, offset: u64, len: usize) -> io::Result<&[u8]> {
        let held = offset.checked_sub(self.start).map(narrow);
        let inside = held.is_some_and(|held| held.saturating_add(len) <= self.buffer.len());
        if !inside {
            self.buffer.shrink_to(READ_BUFFER_KEPT_BYTES.max(len));
            self.buffer.resize(len.max(self.chunk), 0);
            self.start = offset;
            let read = read_full_at(file, &mut self.buffer, offset).inspect_err(|_| self.buffer.clear())?;
            self.buffer.truncate(read);
        }
        let from = narrow(offset.saturating_sub(self.start));
        let to = from.saturating_add(len).min(self.buffer.len());
        Ok(self.buffer.get(from..to).unwrap_or_default())
    }
}

/// Bytes that remain in a segment of `bytes` behind `offset`.
pub(crate) fn room(bytes: u64, offset: u64) -> u64 {
    bytes.saturating_sub(offset)
}

/// Whether a frame of `len` bytes fits.
pub(crate) fn fits(bytes: u64, offset: u64, len: usize) -> bool {
    wide(len) <= room(bytes, offset)
}
