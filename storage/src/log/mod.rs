//! The write-ahead log: segments of groups, one write and one sync a group.
//!
//! What an `append` has answered is on disk. After an I/O error the log refuses everything for good.
//! It never retries on the same file, never skips damage, never grows a file while appending.

mod buffer;
mod chain;
mod error;
mod files;
mod frame;
mod marks;
mod open;
mod options;
mod reader;
mod recover;
mod scan;
mod segment;
mod spare_files;
mod spares;
mod walk;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use crate::bytes::wide;
use crate::fs::{FileSystem, is_no_room, write_all_at};
use crate::limits::GROUP_BYTES_MAX;
use crate::{Epoch, Position, Sequence, plant};

pub use buffer::GroupBuffer;
pub use chain::{Place, place_of};
pub use error::{AppendError, BoxError, GroupError, OpenError, PushError, ReadError};
pub use files::{erase, segment_sizes};
pub use frame::{Entries, Group, GroupHeader};
pub use open::{begin, scan, verify_chain};
pub use options::{Appended, LogOptions, OpenFrom, Preparation, Recovery, Space, SpaceClass, TornTail};
pub use reader::LogReader;

use buffer::Seal;
use frame::{PLACEMENT_BYTES, Placement};
use recover::Active;
use segment::{SEGMENT_HEADER_BYTES, SegmentFile, SegmentHeader, fits, segment_path};
use spare_files::Spare;
use spares::Spares;

/// The log, open for its one writer.
#[derive(Debug)]
pub struct Log {
    fs: Arc<dyn FileSystem>,
    dir: PathBuf,
    epoch: Epoch,
    options: LogOptions,
    /// Oldest first; the last one is the active one.
    segments: Vec<SegmentFile>,
    active: Active,
    last: Position,
    /// Epoch of the last group; 0 before the first one.
    last_epoch: Epoch,
    spares: Spares,
    /// Bytes for which [`Log::ensure_room`] has said yes since the last append.
    promised: usize,
    /// Frames of received groups, put together for one write.
    scratch: Vec<u8>,
    /// The file concerned and the first error.
    poisoned: Option<(PathBuf, String)>,
}

impl Log {
    /// Writes the group and syncs it: one write, one fdatasync. The buffer keeps its entries until
    /// cleared. On [`AppendError::Poisoned`] the outcome is open and the log is closed for good; on
    /// [`AppendError::NoRoom`] nothing was written.
    pub fn append(&mut self, group: &mut GroupBuffer, class: SpaceClass) -> Result<Appended, AppendError> {
        if group.is_empty() || group.is_sealed() {
            return Err(AppendError::NotAppendable);
        }
        let bytes = group.bytes();
        self.make_room(bytes, class)?;
        let seal = Seal {
            epoch: self.epoch,
            after: self.last,
            durable_through: self.last.sequence,
            key: &self.active.header.key,
            offset: self.active.offset,
        };
        let (header, hash) = group.seal(&seal);
        let last = Position { sequence: header.last(), hash };
        let began = Instant::now();
        self.write_and_sync(group.frame(), last, header.epoch)?;
        Ok(Appended { first: header.first, last, bytes, sync_time: began.elapsed() })
    }

    /// Appends groups that another log made, verbatim: one write and one sync for those that fit into
    /// a segment together. They must continue this log, in epochs that never fall and are not after its own. After
    /// an error some of them may have been appended: [`Log::last`] tells.
    pub fn append_received(&mut self, groups: &[Group<'_>], class: SpaceClass) -> Result<Appended, AppendError> {
        let first = groups.first().ok_or(AppendError::NotAppendable)?.first();
        self.check_continues(groups)?;
        let began = Instant::now();
        let mut frames = std::mem::take(&mut self.scratch);
        frames.clear();
        let outcome = self.append_frames(groups, class, &mut frames);
        frames.shrink_to(GROUP_BYTES_MAX);
        self.scratch = frames;
        let bytes = outcome?;
        Ok(Appended { first, last: self.last, bytes, sync_time: began.elapsed() })
    }

    fn check_continues(&self, groups: &[Group<'_>]) -> Result<(), AppendError> {
        let (mut expected, mut epoch) = (self.last, self.last_epoch);
        for group in groups {
            if group.first() != expected.sequence.next() || group.previous() != expected.hash {
                let got = Position { sequence: group.first().previous(), hash: group.previous() };
                return Err(AppendError::NotNext { expected, got });
            }
            if group.epoch() < epoch || group.epoch() > self.epoch {
                return Err(AppendError::OtherEpoch {
                    first: group.first(),
                    got: group.epoch(),
                    least: epoch,
                    most: self.epoch,
                });
            }
            (expected, epoch) = (group.position(), group.epoch());
        }
        Ok(())
    }

    fn append_frames(
        &mut self,
        groups: &[Group<'_>],
        class: SpaceClass,
        frames: &mut Vec<u8>,
    ) -> Result<usize, AppendError> {
        let (mut end, mut epoch) = (self.last, self.last_epoch);
        let mut bytes: usize = 0;
        for group in groups {
            let frame_bytes = group.raw().len().saturating_add(PLACEMENT_BYTES);
            if !fits(self.active.header.bytes, self.active.offset, frames.len().saturating_add(frame_bytes)) {
                if !frames.is_empty() {
                    self.write_and_sync(frames, end, epoch)?;
                    frames.clear();
                }
                self.make_room(frame_bytes, class)?;
            } else if frames.is_empty() {
                self.make_room(frame_bytes, class)?;
            }
            let placement = Placement {
                durable_through: self.last.sequence,
                group_bytes: u32::try_from(group.raw().len()).unwrap_or(u32::MAX),
            };
            let offset = self.active.offset.saturating_add(wide(frames.len()));
            let head = group.raw().get(..frame::HEADER_BYTES).unwrap_or_default();
            frames.extend_from_slice(&placement.seal(&self.active.header.key, offset, head));
            frames.extend_from_slice(group.raw());
            bytes = bytes.saturating_add(frame_bytes);
            (end, epoch) = (group.position(), group.epoch());
        }
        self.write_and_sync(frames, end, epoch)?;
        Ok(bytes)
    }

    fn write_and_sync(&mut self, frames: &[u8], end: Position, epoch: Epoch) -> Result<(), AppendError> {
        let file = &self.active.file;
        let write = || write_all_at(&**file, frames, self.active.offset);
        let outcome = if plant::answers_before_sync() {
            file.sync_data().and_then(|()| write())
        } else {
            write().and_then(|()| file.sync_data())
        };
        if let Err(error) = outcome {
            return Err(self.poison(&error));
        }
        self.active.offset = self.active.offset.saturating_add(wide(frames.len()));
        (self.last, self.last_epoch) = (end, epoch);
        Ok(())
    }

    /// The first I/O error closes the log for good and leaves word of it for the next start.
    fn poison(&mut self, error: &std::io::Error) -> AppendError {
        self.poison_at(self.active.path.clone(), error.to_string())
    }

    fn poison_at(&mut self, file: PathBuf, cause: String) -> AppendError {
        // As far as the disk still takes it.
        let _ = marks::write_io_error(&*self.fs, &self.dir, &cause);
        self.poisoned = Some((file.clone(), cause.clone()));
        AppendError::Poisoned { file, cause }
    }

    /// Whether an I/O error has closed this log for good: in an append, or since then where its next segment is prepared.
    /// Cheap; to be asked now and then by a writer that has nothing to append.
    pub fn check_health(&mut self) -> Result<(), AppendError> {
        if let Some((file, cause)) = &self.poisoned {
            return Err(AppendError::Poisoned { file: file.clone(), cause: cause.clone() });
        }
        match self.spares.failure() {
            Some((file, cause)) => Err(self.poison_at(file, cause)),
            None => Ok(()),
        }
    }

    /// Makes sure that an append of up to `bytes` (framing included, see [`GroupBuffer::bytes`]) of
    /// this class will find room; to be asked before anything is decided. May wait for the preparation of
    /// a segment.
    pub fn ensure_room(&mut self, bytes: usize, class: SpaceClass) -> Result<(), AppendError> {
        self.find_room(bytes, class)?;
        self.promised = self.promised.max(bytes);
        Ok(())
    }

    fn find_room(&mut self, bytes: usize, class: SpaceClass) -> Result<(), AppendError> {
        self.check_health()?;
        if bytes > GROUP_BYTES_MAX + PLACEMENT_BYTES {
            return Err(AppendError::NotAppendable);
        }
        if class == SpaceClass::Normal && self.spares.has_problem_still() {
            self.check_health()?;
            return Err(self.no_room(bytes, None));
        }
        if fits(self.active.header.bytes, self.active.offset, bytes) {
            return Ok(());
        }
        let segment = SEGMENT_HEADER_BYTES.saturating_add(wide(bytes));
        let Err(problem) = self.spares.ensure_next(segment) else { return Ok(()) };
        // It may have failed just now.
        self.check_health()?;
        let has_reserve = class == SpaceClass::Critical && self.spares.reserve_bytes() >= segment;
        if has_reserve { Ok(()) } else { Err(self.no_room(bytes, Some(problem))) }
    }

    fn no_room(&self, bytes: usize, problem: Option<String>) -> AppendError {
        let detail = problem.or_else(|| self.spares.problem()).unwrap_or_else(|| "disk full".to_owned());
        AppendError::NoRoom { dir: self.dir.clone(), bytes, detail }
    }

    /// Room in the active segment for a frame, rolling to a spare one if need be. What was promised isn't asked for
    /// again: the disk may have filled since, but its room is there.
    fn make_room(&mut self, bytes: usize, class: SpaceClass) -> Result<(), AppendError> {
        self.check_health()?;
        if std::mem::take(&mut self.promised) < bytes {
            self.find_room(bytes, class)?;
        }
        if fits(self.active.header.bytes, self.active.offset, bytes) {
            return Ok(());
        }
        let segment = SEGMENT_HEADER_BYTES.saturating_add(wide(bytes));
        let then = open::next_bytes(&self.options, self.spares.next_bytes().min(self.options.segment_bytes_max));
        if let Some(spare) = self.spares.take_next(segment, then) {
            return self.take_into_use(spare, true);
        }
        let reserve = if class == SpaceClass::Critical { self.spares.take_reserve(segment) } else { None };
        match reserve {
            Some(spare) => self.take_into_use(spare, false),
            None => Err(self.no_room(bytes, None)),
        }
    }

    /// Rolls: header, sync, name, sync of the directory, in this order.
    fn take_into_use(&mut self, spare: Spare, is_next: bool) -> Result<(), AppendError> {
        let key = match self.fs.entropy() {
            Ok(key) => key,
            Err(error) => return Err(self.poison(&error)),
        };
        let header =
            SegmentHeader { epoch: self.epoch, recycled: spare.recycled, after: self.last, key, bytes: spare.bytes };
        let path = segment_path(&self.dir, header.first());
        if let Err(error) = write_all_at(&*spare.file, &header.encode(), 0).and_then(|()| spare.file.sync_data()) {
            return Err(self.poison_at(spare.path, error.to_string()));
        }
        if let Err(error) = self.fs.rename(&spare.path, &path) {
            if is_no_room(&error) && is_next {
                self.spares.put_back_next(spare);
                return Err(self.no_room(0, Some(error.to_string())));
            }
            return Err(self.poison_at(spare.path, error.to_string()));
        }
        if let Err(error) = self.fs.sync_dir(&self.dir) {
            return Err(self.poison(&error));
        }
        self.active = Active { file: spare.file, path, header, offset: SEGMENT_HEADER_BYTES };
        self.segments.push(recover::as_file(&self.active));
        self.spares.refill();
        Ok(())
    }

    /// For whom there is room. Cheap.
    #[must_use]
    pub fn space(&self) -> Space {
        if !self.spares.has_problem() {
            return Space::Ample;
        }
        let left = segment::room(self.active.header.bytes, self.active.offset);
        let reserve = self.spares.reserve_bytes().max(self.spares.next_bytes());
        if reserve > 0 || left >= CRITICAL_ROOM_MIN { Space::ReserveOnly } else { Space::None }
    }

    /// Why [`Log::space`] isn't ample; `None` when it is.
    #[must_use]
    pub fn space_problem(&self) -> Option<String> {
        self.spares.problem()
    }

    /// Tries now (instead of within a second) to prepare what a full disk has kept from being prepared.
    pub fn retry_preparation(&mut self) {
        self.spares.retry();
    }

    /// The position after the last appended group. The next entry is `last().sequence.next()`.
    #[must_use]
    pub fn last(&self) -> Position {
        self.last
    }

    /// First sequence that is still in the log (the next one, when there is none).
    #[must_use]
    pub fn first(&self) -> Sequence {
        self.segments.first().map_or(self.last.sequence.next(), |segment| segment.first)
    }

    /// The epoch that appended groups carry, and the latest that received ones may carry.
    #[must_use]
    pub fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// Goes on in a later epoch; an earlier one changes nothing. The data directory must say so before
    /// ([`crate::DataDir::set_epoch`]): a log with groups of a later epoch than its directory's can't be opened.
    pub fn enter_epoch(&mut self, epoch: Epoch) {
        self.epoch = self.epoch.max(epoch);
    }

    /// Epoch of the last group; 0 before the first one.
    #[must_use]
    pub fn last_epoch(&self) -> Epoch {
        self.last_epoch
    }

    /// Bytes of all segments on disk, spare ones not counted.
    #[must_use]
    pub fn segment_bytes(&self) -> u64 {
        self.segments.iter().map(|segment| segment.bytes).sum()
    }

    /// Whether an I/O error has closed this log for good.
    #[must_use]
    pub fn is_poisoned(&self) -> bool {
        self.poisoned.is_some()
    }

    /// Gives up segments in which every entry is before `before`; some are kept for reuse. Returns their
    /// number. The files go in the background; what can't be removed now is at the next trim after a start.
    pub fn trim(&mut self, before: Sequence) -> usize {
        let needless = self.segments.windows(2).take_while(|pair| pair.last().is_some_and(|next| next.first <= before));
        let count = needless.count();
        let paths: Vec<PathBuf> = self.segments.drain(..count).map(|segment| segment.path).collect();
        self.spares.discard(paths);
        count
    }

    /// A clean stop: leaves a mark that proves how far this log is durable. [`AppendError::NoRoom`] costs only the mark.
    pub fn close(mut self) -> Result<(), AppendError> {
        self.spares.stop();
        self.check_health()?;
        match marks::write_clean_stop(&*self.fs, &self.dir, self.last) {
            Err(error) if is_no_room(&error) => Err(self.no_room(0, Some(error.to_string()))),
            Err(error) => Err(AppendError::CloseMark { dir: self.dir.clone(), cause: error.to_string() }),
            Ok(()) => Ok(()),
        }
    }

    /// The directory of the segments.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }
}

/// Below this the active segment counts as full for the reserve's sake, in bytes.
const CRITICAL_ROOM_MIN: u64 = 64 << 10;

#[cfg(test)]
mod tests;
