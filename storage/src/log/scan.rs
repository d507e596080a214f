//! Reading a log from a position to its end, and telling a torn tail from rot. Changes nothing.
//!
//! A bad group is *rot* if anything proves that it had been durable: a later header of the segment (its
//! `durable_through`), a later segment, a snapshot or acknowledgement (`proven`), a clean-stop mark.
//! Without proof it is a *torn tail*: a group that was being written and never acknowledged.

use std::io;
use std::path::Path;

use crate::bytes::wide;
use crate::fs::{File, FileSystem, OpenMode};
use crate::{Epoch, Position, Sequence};

use super::error::{BoxError, OpenError};
use super::frame::Group;
use super::marks;
use super::options::{OpenFrom, Recovery, TornTail};
use super::segment::{HeaderFault, SegmentFile, SegmentHeader, list_segments, open_segment};
use super::walk::{Step, Stop, Walk};

/// A group at the end that nothing proves to have been durable: it may exist in memory only.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Unproven {
    pub offset: u64,
    pub after: Position,
    pub last: Sequence,
}

/// Where a scan ended, for the one who goes on writing there.
#[derive(Debug)]
pub(crate) struct Found {
    pub recovery: Recovery,
    pub segments: Vec<SegmentFile>,
    /// The last segment, and where its groups end.
    pub active: SegmentFile,
    pub header: SegmentHeader,
    pub end: u64,
    /// Up to where bytes of a torn group lie behind the end.
    pub debris_end: u64,
    pub unproven: Vec<Unproven>,
}

pub(crate) type Visit<'v> = &'v mut dyn FnMut(&Group<'_>) -> Result<(), BoxError>;

struct Scan<'a> {
    fs: &'a dyn FileSystem,
    epoch: Option<Epoch>,
    from: OpenFrom,
    clean_stop: Option<Position>,
    at: Position,
    recovery: Recovery,
    debris_end: u64,
    unproven: Vec<Unproven>,
}

pub(crate) fn io_error(path: &Path, what: &'static str) -> impl FnOnce(io::Error) -> OpenError {
    let path = path.to_owned();
    move |source| OpenError::Io { path, what, source }
}

/// Scans a log; `None` if it has no segment at all.
pub(crate) fn scan_log(
    fs: &dyn FileSystem,
    dir: &Path,
    epoch: Option<Epoch>,
    from: OpenFrom,
    visit: Visit<'_>,
) -> Result<Option<Found>, OpenError> {
    let segments = match list_segments(fs, dir) {
        Ok(segments) => segments,
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        Err(error) => return Err(io_error(dir, "listing the log's segments")(error)),
    };
    let (Some(oldest), Some(newest)) = (segments.first(), segments.last()) else { return Ok(None) };
    let clean_stop = marks::read_clean_stop(fs, dir).map_err(io_error(dir, "reading the clean-stop mark"))?;
    let after_io_error = marks::has_io_error(fs, dir).map_err(io_error(dir, "looking for an i/o error mark"))?;
    let start = segments.iter().rposition(|segment| segment.first <= from.after.sequence.next());
    let Some(start) = start else {
        return Err(OpenError::Gap { dir: dir.to_owned(), begins: oldest.first, after: from.after.sequence });
    };
    // A segment is taken into use only when everything before it is synced.
    let proven = [from.proven, from.after.sequence, newest.first.previous()];
    let proven = proven.into_iter().chain(clean_stop.map(|mark| mark.sequence)).max().unwrap_or_default();
    let mut scan = Scan {
        fs,
        epoch,
        from,
        clean_stop,
        at: Position::ORIGIN,
        recovery: Recovery { first: oldest.first, proven, after_io_error, ..Recovery::default() },
        debris_end: 0,
        unproven: Vec::new(),
    };
    let mut ended = None;
    for (index, segment) in segments.iter().enumerate().skip(start) {
        let next = segments.get(index + 1);
        ended = Some((segment.clone(), scan.segment(segment, next, index == start, visit)?));
    }
    let Some((active, (header, end))) = ended else { return Ok(None) };
    scan.recovery.last = scan.at;
    let before = start.checked_sub(1).and_then(|index| segments.get(index));
    if let Some(before) = before.filter(|_| scan.recovery.last_epoch == Epoch(0)) {
        scan.recovery.last_epoch = epoch_at_end(fs, before)?;
    }
    scan.recovery.clean_stop = !after_io_error && scan.clean_stop == Some(scan.at) && scan.recovery.torn.is_none();
    let Scan { recovery, debris_end, unproven, .. } = scan;
    Ok(Some(Found { recovery, active, header, end, debris_end, unproven, segments }))
}

/// Epoch of the last group of a segment that is followed by an empty one. Only its headers are looked at.
fn epoch_at_end(fs: &dyn FileSystem, segment: &SegmentFile) -> Result<Epoch, OpenError> {
    let reading = || io_error(&segment.path, "reading a log segment");
    let (file, header) = open_segment(fs, &segment.path, OpenMode::Read).map_err(reading())?;
    let Ok(header) = header else { return Ok(Epoch(0)) };
    let (mut walk, mut epoch) = (Walk::new(header, segment.bytes), Epoch(0));
    while let Some((header, bytes)) = walk.peek(&*file).map_err(reading())? {
        epoch = header.epoch;
        walk.skip(bytes);
    }
    Ok(epoch)
}

impl Scan<'_> {
    /// Reads one segment up to where the next begins, or to the log's end; its header and end.
    fn segment(
        &mut self,
        segment: &SegmentFile,
        next: Option<&SegmentFile>,
        starts: bool,
        visit: Visit<'_>,
    ) -> Result<(SegmentHeader, u64), OpenError> {
        let (file, header) = open_segment(self.fs, &segment.path, OpenMode::Read)
            .map_err(io_error(&segment.path, "reading a log segment"))?;
        let header = header.map_err(|fault| match fault {
            HeaderFault::Newer(version) => OpenError::NewerFormat { file: segment.path.clone(), version },
            HeaderFault::Damaged => self.rot(segment, 0, segment.first, "unreadable segment header"),
        })?;
        if header.first() != segment.first {
            return Err(self.rot(segment, 0, segment.first, "the file's name isn't the one in its header"));
        }
        if starts {
            self.at = header.after;
            self.check_meeting_points(segment)?;
        } else if header.after != self.at {
            return Err(OpenError::OtherHistory { file: segment.path.clone(), at: self.at });
        }
        self.recovery.segments += 1;
        self.unproven.clear(); // the segment itself proves what came before it
        let mut walk = Walk::new(header, segment.bytes);
        loop {
            if next.is_some_and(|next| next.first == self.at.sequence.next()) {
                return Ok((header, walk.offset));
            }
            let step = walk.next(&*file, self.at).map_err(io_error(&segment.path, "reading a log segment"))?;
            match step {
                Step::Group { offset, placement, group } => {
                    let durable = placement.durable_through;
                    self.group(segment, offset, durable, &group, visit)?;
                }
                Step::Stop(stop) => {
                    self.stopped(segment, &*file, &mut walk, stop)?;
                    return Ok((header, walk.offset));
                }
            }
        }
    }

    fn group(
        &mut self,
        segment: &SegmentFile,
        offset: u64,
        durable_through: Sequence,
        group: &Group<'_>,
        visit: Visit<'_>,
    ) -> Result<(), OpenError> {
        let later = self.epoch.filter(|epoch| group.epoch() > *epoch);
        if let Some(expected) = later {
            let file = segment.path.clone();
            return Err(OpenError::LaterEpoch { file, found: group.epoch(), expected, at: group.first() });
        }
        if group.epoch() < self.recovery.last_epoch {
            return Err(self.rot(segment, offset, group.first(), "a group of an earlier epoch"));
        }
        self.recovery.last_epoch = group.epoch();
        let wanted = self.from.after.sequence;
        if group.first() > wanted {
            visit(group).map_err(|source| OpenError::Replay { first: group.first(), last: group.last(), source })?;
            self.recovery.groups += 1;
            self.recovery.entries += u64::from(group.header().count);
            self.recovery.bytes += wide(group.raw().len());
        } else if group.last() > wanted {
            // A snapshot is taken between groups; one inside of a group is of another history.
            return Err(OpenError::OtherHistory { file: segment.path.clone(), at: self.from.after });
        }
        self.recovery.proven = self.recovery.proven.max(durable_through);
        self.unproven.push(Unproven { offset, after: self.at, last: group.last() });
        let proven = self.recovery.proven;
        self.unproven.retain(|group| group.last > proven);
        self.at = group.position();
        self.check_meeting_points(segment)
    }

    /// Where the log passes the snapshot or the clean stop, it must be the same history.
    fn check_meeting_points(&self, segment: &SegmentFile) -> Result<(), OpenError> {
        let known = [Some(self.from.after), self.clean_stop];
        let differs =
            known.iter().flatten().any(|known| known.sequence == self.at.sequence && known.hash != self.at.hash);
        if differs {
            return Err(OpenError::OtherHistory { file: segment.path.clone(), at: self.at });
        }
        Ok(())
    }

    /// The walk has stopped: the log's end, a torn tail, or rot.
    fn stopped(
        &mut self,
        segment: &SegmentFile,
        file: &dyn File,
        walk: &mut Walk,
        stop: Stop,
    ) -> Result<(), OpenError> {
        let first = self.at.sequence.next();
        let offset = walk.offset;
        let beyond = walk.look_beyond(file).map_err(io_error(&segment.path, "reading a log segment"))?;
        self.recovery.proven = self.recovery.proven.max(beyond.durable_through);
        // A recycled file is full of old bytes; in another one, whatever isn't zero was meant for the log.
        let debris = !walk.header.recycled && beyond.debris_end > offset;
        let what = match stop {
            Stop::Broken(what) => what,
            Stop::End if debris => "no group header, though bytes follow",
            Stop::End => "no group here, though there was one",
        };
        if self.recovery.proven >= first {
            return Err(self.rot(segment, offset, first, what));
        }
        if debris || stop != Stop::End {
            self.debris_end = if debris { beyond.debris_end } else { offset };
            self.recovery.torn = Some(TornTail { file: segment.path.clone(), offset, first, what: what.to_owned() });
        }
        Ok(())
    }

    fn rot(&self, segment: &SegmentFile, offset: u64, first: Sequence, what: &str) -> OpenError {
        OpenError::Rot {
            file: segment.path.clone(),
            offset,
            first,
            last: self.recovery.proven.max(first),
            what: what.to_owned(),
        }
    }
}
