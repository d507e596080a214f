//! From what a scan found to a log that may be written: the torn tail is cut off, what may be in
//! memory only is written and synced again. May be killed at any point; then it begins anew.

use std::path::Path;

use crate::bytes::narrow;
use crate::fs::{File, FileSystem, OpenMode, create_dir_durably, read_full_at, write_all_at, write_zeros_at};
use crate::limits::GROUP_BYTES_MAX;
use crate::{Epoch, Position};

use super::error::OpenError;
use super::frame::{FRAME_BYTES_MIN, GroupHeader, HEADER_BYTES, PLACEMENT_BYTES, Placement};
use super::marks;
use super::scan::{Found, io_error};
use super::segment::{SEGMENT_HEADER_BYTES, SegmentFile, SegmentHeader, segment_path};
use super::spare_files::make_zeroed;

/// The segment that is written to.
#[derive(Debug)]
pub(crate) struct Active {
    pub file: Box<dyn File>,
    pub path: std::path::PathBuf,
    pub header: SegmentHeader,
    /// Where the next frame goes.
    pub offset: u64,
}

/// Makes the first segment of a new log, which begins after `after`.
pub(crate) fn create(
    fs: &dyn FileSystem,
    dir: &Path,
    epoch: Epoch,
    after: Position,
    bytes: u64,
) -> Result<Active, OpenError> {
    let what = "making the first log segment";
    create_dir_durably(fs, dir).map_err(io_error(dir, what))?;
    let header = header(fs, dir, epoch, after, bytes)?;
    replacement(fs, dir, header, &[], what)
}

fn header(
    fs: &dyn FileSystem,
    dir: &Path,
    epoch: Epoch,
    after: Position,
    bytes: u64,
) -> Result<SegmentHeader, OpenError> {
    let key = fs.entropy().map_err(io_error(dir, "drawing a segment's identity"))?;
    Ok(SegmentHeader { epoch, recycled: false, after, key, bytes })
}

/// Builds a whole segment with some frames under a temporary name, syncs it, and renames it into
/// place, over one that begins at the same sequence.
fn replacement(
    fs: &dyn FileSystem,
    dir: &Path,
    header: SegmentHeader,
    frames: &[u8],
    what: &'static str,
) -> Result<Active, OpenError> {
    let temporary = dir.join("segment.tmp");
    let path = segment_path(dir, header.first());
    let mut offset = SEGMENT_HEADER_BYTES;
    let file = make_zeroed(fs, &temporary, header.bytes)
        .and_then(|file| {
            write_all_at(&*file, &header.encode(), 0)?;
            write_all_at(&*file, frames, offset)?;
            offset = offset.saturating_add(crate::bytes::wide(frames.len()));
            file.sync_data()?;
            fs.rename(&temporary, &path)?;
            fs.sync_dir(dir)?;
            Ok(file)
        })
        .map_err(io_error(&path, what))?;
    Ok(Active { file, path, header, offset })
}

/// Makes a scanned log ready for writing.
pub(crate) fn recover(fs: &dyn FileSystem, dir: &Path, epoch: Epoch, found: &Found) -> Result<Active, OpenError> {
    let path = &found.active.path;
    let file = fs.open(path, OpenMode::ReadWrite).map_err(io_error(path, "opening the newest log segment"))?;
    if found.recovery.after_io_error {
        let active = move_to_new_segment(fs, dir, epoch, found, &*file)?;
        // Only now is the past error over. Killed before: all of this again, with the same outcome.
        let mark = marks::io_error_path(dir);
        fs.remove(&mark).and_then(|()| fs.sync_dir(dir)).map_err(io_error(&mark, "removing the i/o error mark"))?;
        return Ok(active);
    }
    write_end_again(&*file, found).inspect_err(|error| note_error(fs, dir, error))?;
    fs.sync_dir(dir).map_err(io_error(dir, "writing the end of the log again"))?;
    let header = SegmentHeader { bytes: found.header.bytes.min(found.active.bytes), ..found.header };
    Ok(Active { file, path: path.clone(), header, offset: found.end })
}

/// Writes and syncs, in place, what may be in memory only, and blanks what was cut off, so that the
/// next start finds a plain end.
fn write_end_again(file: &dyn File, found: &Found) -> Result<(), OpenError> {
    let path = &found.active.path;
    let start = found.unproven.first().map_or(found.end, |group| group.offset);
    let tail = read_tail(file, path, start, found.end)?;
    let blank_end = if found.recovery.torn.is_some() {
        found.debris_end.max(found.end.saturating_add(crate::bytes::wide(FRAME_BYTES_MIN))).min(found.active.bytes)
    } else {
        found.end
    };
    write_all_at(file, &tail, start)
        .and_then(|()| write_zeros_at(file, found.end, blank_end))
        // Synced in any case: a killed process may have left bytes in memory.
        .and_then(|()| file.sync_data())
        .map_err(io_error(path, "writing the end of the log again"))
}

/// After an I/O error nothing is known about the file: what isn't proven goes to a new one.
fn move_to_new_segment(
    fs: &dyn FileSystem,
    dir: &Path,
    epoch: Epoch,
    found: &Found,
    old: &dyn File,
) -> Result<Active, OpenError> {
    let path = &found.active.path;
    let start = found.unproven.first().map_or(found.end, |group| group.offset);
    let after = found.unproven.first().map_or(found.recovery.last, |group| group.after);
    let mut frames = read_tail(old, path, start, found.end)?;
    let bytes = found.header.bytes.max(SEGMENT_HEADER_BYTES.saturating_add(crate::bytes::wide(frames.len())));
    let header = header(fs, dir, epoch, after, bytes)?;
    rekey(&mut frames, &header);
    replacement(fs, dir, header, &frames, "moving the end of the log to a new segment")
}

/// Gives frames the placements of their new segment.
fn rekey(frames: &mut [u8], segment: &SegmentHeader) {
    let mut at = 0;
    while let Some(frame) = frames.get_mut(at..).filter(|frame| frame.len() >= FRAME_BYTES_MIN) {
        let head = frame.get(PLACEMENT_BYTES..PLACEMENT_BYTES + HEADER_BYTES).unwrap_or_default().to_vec();
        let Ok(header) = GroupHeader::decode(&head) else { return };
        let group_bytes = u32::try_from(header.group_bytes()).unwrap_or(u32::MAX);
        let placement = Placement { durable_through: segment.after.sequence, group_bytes };
        let offset = SEGMENT_HEADER_BYTES.saturating_add(crate::bytes::wide(at));
        crate::bytes::patch(frame, 0, &placement.seal(&segment.key, offset, &head));
        at = at.saturating_add(header.group_bytes()).saturating_add(PLACEMENT_BYTES);
    }
}

/// The unproven groups' bytes: one group, or those of one append of received groups.
fn read_tail(file: &dyn File, path: &Path, start: u64, end: u64) -> Result<Vec<u8>, OpenError> {
    let mut tail = vec![0; narrow(end.saturating_sub(start))];
    let read = read_full_at(file, &mut tail, start).map_err(io_error(path, "reading the end of the log"))?;
    tail.truncate(read);
    debug_assert!(tail.len() <= GROUP_BYTES_MAX * 8);
    Ok(tail)
}

fn note_error(fs: &dyn FileSystem, dir: &Path, error: &OpenError) {
    // As far as possible: without the mark, the next start tries the same file again.
    let _ = marks::write_io_error(fs, dir, &error.to_string());
}

/// For the segment list: the active segment as a file.
pub(crate) fn as_file(active: &Active) -> SegmentFile {
    SegmentFile { first: active.header.first(), path: active.path.clone(), bytes: active.header.bytes }
}
