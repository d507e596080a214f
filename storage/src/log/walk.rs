//! Walking the groups of one segment, and looking for proof beyond a place where the walk ends.

use std::io;

use crate::bytes::wide;
use crate::fs::File;
use crate::limits::READ_CHUNK_BYTES;
use crate::{ChainHash, Position, Sequence};

use super::frame::{FOOTER_BYTES, GROUP_MAGIC, Group, GroupHeader, HEADER_BYTES, PLACEMENT_BYTES, Placement};
use super::segment::{SEGMENT_HEADER_BYTES, SegmentHeader, Window, fits};

const HEAD: usize = PLACEMENT_BYTES + HEADER_BYTES;

/// One step of the walk.
#[derive(Debug)]
pub(crate) enum Step<'a> {
    /// The next group of the chain.
    Group {
        /// Where its frame begins.
        offset: u64,
        placement: Placement,
        group: Group<'a>,
    },
    /// No group that continues the chain.
    Stop(Stop),
}

/// What lies where the next group would begin.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Stop {
    /// Nothing, or bytes of the file's earlier use: how a log ends.
    End,
    /// Something that was meant to be a group.
    Broken(&'static str),
}

/// The walk through one segment.
#[derive(Debug)]
pub(crate) struct Walk {
    pub header: SegmentHeader,
    /// Size of the file as it is; what the header says may have been cut off.
    pub bytes: u64,
    pub offset: u64,
    window: Window,
}

impl Walk {
    pub(crate) fn new(header: SegmentHeader, file_bytes: u64) -> Self {
        let bytes = header.bytes.min(file_bytes);
        // A small segment is read at once, and needs no more memory than it is long.
        let chunk = READ_CHUNK_BYTES.min(crate::bytes::narrow(bytes)).max(HEAD);
        Self { header, bytes, offset: SEGMENT_HEADER_BYTES, window: Window::new(chunk) }
    }

    /// Reads again from the file at the next step.
    pub(crate) fn refresh(&mut self) {
        self.window.forget();
    }

    /// The placement and group header at the present offset, whatever the chain says; for skipping.
    pub(crate) fn peek(&mut self, file: &dyn File) -> io::Result<Option<(GroupHeader, usize)>> {
        let head = self.window.get(file, self.offset, HEAD)?;
        let opened = Placement::open(head, &self.header.key, self.offset);
        Ok(opened.map(|(_, header)| (header, header.group_bytes().saturating_add(PLACEMENT_BYTES))))
    }

    /// Bytes that were walked over before.
    pub(crate) fn frame(&mut self, file: &dyn File, offset: u64, bytes: usize) -> io::Result<&[u8]> {
        self.window.get(file, offset, bytes)
    }

    /// The hash of the group that ends at the present offset, unchecked.
    pub(crate) fn hash_before(&mut self, file: &dyn File) -> io::Result<ChainHash> {
        let footer = crate::bytes::wide(FOOTER_BYTES);
        let bytes = self.window.get(file, self.offset.saturating_sub(footer), FOOTER_BYTES)?;
        Ok(ChainHash(crate::bytes::Fields(bytes).array().unwrap_or_default()))
    }

    pub(crate) fn skip(&mut self, bytes: usize) {
        self.offset = self.offset.saturating_add(wide(bytes));
    }

    /// The group that continues `after`, and a step forward; or why there is none, staying.
    pub(crate) fn next(&mut self, file: &dyn File, after: Position) -> io::Result<Step<'_>> {
        let offset = self.offset;
        if !fits(self.bytes, offset, HEAD) {
            let cut = self.header.bytes > self.bytes;
            return Ok(Step::Stop(if cut { Stop::Broken("the file is cut short") } else { Stop::End }));
        }
        let head = self.window.get(file, offset, HEAD)?;
        let Some((placement, header)) = Placement::open(head, &self.header.key, offset) else {
            let blank = self.header.recycled || head.iter().all(|byte| *byte == 0);
            return Ok(Step::Stop(if blank { Stop::End } else { Stop::Broken("unreadable group header") }));
        };
        if header.first != after.sequence.next() || header.previous != after.hash {
            return Ok(Step::Stop(Stop::Broken("a group that doesn't continue the one before")));
        }
        let frame_bytes = header.group_bytes().saturating_add(PLACEMENT_BYTES);
        if !fits(self.bytes, offset, frame_bytes) {
            return Ok(Step::Stop(Stop::Broken("a group longer than the file")));
        }
        let frame = self.window.get(file, offset, frame_bytes)?;
        match Group::parse(frame.get(PLACEMENT_BYTES..).unwrap_or_default()) {
            Ok(group) => {
                self.offset = offset.saturating_add(wide(frame_bytes));
                Ok(Step::Group { offset, placement, group })
            }
            Err(_) => Ok(Step::Stop(Stop::Broken("a group whose bytes don't match its hash"))),
        }
    }

    /// Looks behind the present offset for headers of this segment that prove how far the log was
    /// durable. Old bytes, debris and entries that look like headers don't pass the keyed check.
    pub(crate) fn look_beyond(&mut self, file: &dyn File) -> io::Result<Beyond> {
        let mut beyond = Beyond { durable_through: Sequence::NONE, debris_end: self.offset };
        let mut at = self.offset;
        while fits(self.bytes, at, HEAD) {
            let bytes = self.window.get(file, at, READ_CHUNK_BYTES)?;
            if bytes.len() < HEAD {
                break;
            }
            // The last HEAD - 1 bytes are looked at again with the next piece.
            let candidates = bytes.len().saturating_sub(HEAD - 1);
            if let Some(last) = last_written(bytes) {
                beyond.debris_end = at.saturating_add(wide(last)).saturating_add(1);
                for (index, head) in bytes.windows(HEAD).enumerate() {
                    if head.get(PLACEMENT_BYTES..).is_some_and(|head| head.starts_with(&GROUP_MAGIC)) {
                        let offset = at.saturating_add(wide(index));
                        let placed = Placement::open(head, &self.header.key, offset);
                        let durable = placed.map(|(placement, _)| placement.durable_through);
                        beyond.durable_through = beyond.durable_through.max(durable.unwrap_or_default());
                    }
                }
            }
            at = at.saturating_add(wide(candidates));
        }
        Ok(beyond)
    }
}

/// What lies behind the place where a walk stopped.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Beyond {
    /// What later headers prove to have been durable.
    pub durable_through: Sequence,
    /// Behind the last byte that isn't zero; where the walk stopped, if there is none.
    pub debris_end: u64,
}

/// The last byte that isn't zero; blank pieces are passed over by wide instructions.
fn last_written(bytes: &[u8]) -> Option<usize> {
    const PIECE: usize = 1024;
    let is_written = |piece: &[u8]| piece.iter().fold(0, |any, byte| any | byte) != 0;
    let (index, piece) = bytes.chunks(PIECE).enumerate().rfind(|(_, piece)| is_written(piece))?;
    let last = piece.iter().rposition(|byte| *byte != 0)?;
    Some(index.saturating_mul(PIECE).saturating_add(last))
}
