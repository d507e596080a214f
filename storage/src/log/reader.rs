//! [`LogReader`]: following the log while it is written, for the projection and for shipping.
//!
//! Reads what the writer has committed, through its own file handles; it never looks beyond, never
//! locks, and never changes anything. Trimmed or recycled files are noticed, not misread.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::fs::{File, FileSystem, OpenMode};
use crate::{Position, Sequence};

use super::error::ReadError;
use super::frame::{Group, GroupHeader, PLACEMENT_BYTES};
use super::segment::{SegmentFile, list_segments, open_segment};
use super::walk::{Step, Walk};

/// Reads groups while the writer appends: for the projection and for shipping.
#[derive(Debug)]
pub struct LogReader {
    fs: Arc<dyn FileSystem>,
    dir: PathBuf,
    /// The last sequence given out, or asked for.
    after: Sequence,
    current: Option<Current>,
}

#[derive(Debug)]
struct Current {
    file: Box<dyn File>,
    segment: SegmentFile,
    walk: Walk,
    at: Position,
    /// The group that was passed over last, and where its frame begins; none at a segment's beginning.
    passed: Option<(u64, GroupHeader)>,
    /// Where the next segment begins, if it was there when this one was opened.
    next: Option<Sequence>,
}

/// A group that was found whole.
struct Located {
    offset: u64,
    bytes: usize,
    position: Position,
}

impl LogReader {
    /// A reader of everything after `after`. Says at once if that was trimmed away.
    pub fn open(fs: Arc<dyn FileSystem>, dir: &Path, after: Sequence) -> Result<Self, ReadError> {
        let mut reader = Self { fs, dir: dir.to_owned(), after, current: None };
        reader.current = Some(reader.find(after)?);
        Ok(reader)
    }

    /// The next group whose last sequence is not after `committed` (what the writer has appended);
    /// `None` when there is none yet. The first group may begin before the sequence asked for, if that
    /// isn't the end of a group: entries carry their sequence. Hashes and chain are checked.
    pub fn next(&mut self, committed: Sequence) -> Result<Option<Group<'_>>, ReadError> {
        if self.after >= committed {
            return Ok(None);
        }
        let Some(located) = self.locate(committed)? else { return Ok(None) };
        let Some(current) = &mut self.current else { return Ok(None) };
        let frame = current.walk.frame(&*current.file, located.offset, located.bytes);
        let frame = frame.map_err(read_error(&current.segment.path))?;
        current.at = located.position;
        self.after = located.position.sequence;
        Ok(Group::checked(frame.get(PLACEMENT_BYTES..).unwrap_or_default(), located.position.hash))
    }

    /// Last sequence given out (or asked for).
    #[must_use]
    pub fn after(&self) -> Sequence {
        self.after
    }

    /// The chain position the reader stands at; `None` if no group ends at [`LogReader::after`] (yet).
    #[must_use]
    pub fn position(&self) -> Option<Position> {
        self.current.as_ref().map(|current| current.at).filter(|at| at.sequence == self.after)
    }

    /// Reads again what [`LogReader::position`] of a reader that was just opened rests on, whole: to be asked before a
    /// position up to `committed` is said to be of another history, because the hash of a damaged group is another one too.
    pub fn verify(&mut self, committed: Sequence) -> Result<(), ReadError> {
        let mut current = match self.current.take() {
            Some(current) => current,
            None => self.find(self.after)?,
        };
        if matches!(current.verify(self.after, committed), Err(ReadError::Rot { .. })) {
            // Trimmed and written anew under the reader's hands?
            current = self.find(self.after)?;
        }
        let current = self.current.insert(current);
        current.verify(self.after, committed)
    }

    /// Finds and checks the next group. What is read stale (a window filled before the writer came, a
    /// segment that was rolled or trimmed meanwhile) is read again before it is called damage.
    fn locate(&mut self, committed: Sequence) -> Result<Option<Located>, ReadError> {
        let (mut opened, mut refreshed) = (false, false);
        loop {
            let current = match self.current.take() {
                Some(current) if current.next != Some(current.at.sequence.next()) => current,
                _ => {
                    opened = true;
                    self.find(self.after)?
                }
            };
            let current = self.current.insert(current);
            let offset = current.walk.offset;
            let step = current.walk.next(&*current.file, current.at);
            if let Step::Group { group, .. } = step.map_err(read_error(&current.segment.path))? {
                let bytes = group.raw().len().saturating_add(PLACEMENT_BYTES);
                let position = group.position();
                if position.sequence > committed {
                    current.walk.offset = offset;
                    return Ok(None);
                }
                return Ok(Some(Located { offset, bytes, position }));
            }
            if opened {
                return Err(current.rot(committed)?);
            } else if refreshed {
                self.current = None;
            } else {
                current.walk.refresh();
                refreshed = true;
            }
        }
    }

    /// The segment that holds the entry after `after`, positioned at its group.
    fn find(&self, after: Sequence) -> Result<Current, ReadError> {
        let wanted = after.next();
        let segments = list_segments(&*self.fs, &self.dir).map_err(read_error(&self.dir))?;
        let begins = segments.first().map_or(Sequence::NONE.next(), |segment| segment.first);
        let trimmed = ReadError::Trimmed { dir: self.dir.clone(), after, begins };
        let Some(index) = segments.iter().rposition(|segment| segment.first <= wanted) else { return Err(trimmed) };
        let Some(segment) = segments.get(index).cloned() else { return Err(trimmed) };
        let next = segments.get(index.saturating_add(1)).map(|segment| segment.first);
        let (file, header) = match open_segment(&*self.fs, &segment.path, OpenMode::Read) {
            Ok(opened) => opened,
            // Trimmed between listing and opening.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(trimmed),
            Err(error) => return Err(read_error(&segment.path)(error)),
        };
        let last = next.map_or(segment.first, Sequence::previous).max(after);
        let rot = || ReadError::Rot { file: segment.path.clone(), offset: 0, first: segment.first, last };
        let header = header.map_err(|_| rot())?;
        if header.first() != segment.first {
            return Err(rot());
        }
        let walk = Walk::new(header, segment.bytes);
        let mut current = Current { file, segment, walk, at: header.after, passed: None, next };
        current.skip_to(wanted)?;
        Ok(current)
    }
}

impl Current {
    /// Passes over groups that end before `wanted`. Their headers are checked; their hashes are taken as they stand there.
    fn skip_to(&mut self, wanted: Sequence) -> Result<(), ReadError> {
        let path = self.segment.path.clone();
        while self.at.sequence.next() < wanted {
            let head = self.walk.peek(&*self.file).map_err(read_error(&path))?;
            let Some((header, bytes)) = head else { return Ok(()) };
            let last = header.last();
            if last >= wanted {
                return Ok(());
            }
            self.passed = Some((self.walk.offset, header));
            self.walk.skip(bytes);
            let hash = self.walk.hash_before(&*self.file).map_err(read_error(&path))?;
            self.at = Position { sequence: last, hash };
        }
        Ok(())
    }

    /// Whether the groups up to `after` are there, and the one passed over last is whole.
    fn verify(&mut self, after: Sequence, committed: Sequence) -> Result<(), ReadError> {
        let path = self.segment.path.clone();
        if let Some((offset, header)) = self.passed {
            let frame = self.walk.frame(&*self.file, offset, header.group_bytes().saturating_add(PLACEMENT_BYTES));
            let frame = frame.map_err(read_error(&path))?;
            if Group::parse(frame.get(PLACEMENT_BYTES..).unwrap_or_default()).is_err() {
                return Err(ReadError::Rot { file: path, offset, first: header.first, last: header.last() });
            }
        }
        if self.at.sequence < after.min(committed) && self.walk.peek(&*self.file).map_err(read_error(&path))?.is_none()
        {
            return Err(self.rot(after.min(committed))?);
        }
        Ok(())
    }

    /// The damage at the present offset; what can't be told from its own header is concerned up to `known`.
    fn rot(&mut self, known: Sequence) -> Result<ReadError, ReadError> {
        let (file, offset) = (self.segment.path.clone(), self.walk.offset);
        let first = self.at.sequence.next();
        let head = self.walk.peek(&*self.file).map_err(read_error(&file))?;
        let last = head.filter(|(header, _)| header.first == first).map_or(known, |(header, _)| header.last());
        Ok(ReadError::Rot { file, offset, first, last: last.max(first) })
    }
}

fn read_error(path: &Path) -> impl FnOnce(io::Error) -> ReadError {
    let path = path.to_owned();
    move |source| ReadError::Io { path, what: "reading the log", source }
}
