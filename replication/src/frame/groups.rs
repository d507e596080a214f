//! The message that carries groups:
//!
//! ```text
//!  after point · last point · head u64 · behind u64 · codec u8 · raw bytes u32 · count u32
//!  count × (bytes u32 · entries u32)
//!  the groups one after the other, as they are (codec 0) or as one LZ4 block (codec 1)
//! ```
//!
//! `after` is where the first group continues, `last` where the last one ends; the entries add up to their distance. All
//! of it is checked against the limits before a byte is decompressed. The groups themselves are not looked into.

use bytes::Bytes;

use super::FrameError;
use super::field::{Fields, Writer};
use crate::limits;
use crate::point::Point;
use crate::seam::Batch;

pub(super) const KIND: u8 = 6;

const CODEC_RAW: u8 = 0;
const CODEC_LZ4: u8 = 1;
const CODEC_AT: usize = 96;
/// LZ4 can't shrink further than this: a length byte stands for 255 bytes.
const LZ4_RATIO_MAX: usize = 255;

/// Size of one group.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Span {
    /// Its bytes.
    pub bytes: u32,
    /// Its entries.
    pub entries: u32,
}

/// Groups, one after the other.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Groups {
    /// Where the first one continues.
    pub after: Point,
    /// Where the last one ends.
    pub last: Point,
    /// The region's last durable sequence.
    pub head: u64,
    /// Bytes of the region's log that follow `last`, roughly.
    pub behind: u64,
    /// The sizes, in order.
    pub spans: Vec<Span>,
    /// The groups' bytes.
    pub data: Bytes,
}

impl Groups {
    /// The groups, in order.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        let mut left: &[u8] = &self.data;
        self.spans.iter().map_while(move |span| {
            let (group, rest) = left.split_at_checked(span.bytes as usize)?;
            left = rest;
            Some(group)
        })
    }

    pub(super) fn write(&self, to: &mut Writer) {
        write_head(to, self.after, self.last, self.head, self.behind, self.data.len());
        to.length(self.spans.len());
        for span in &self.spans {
            to.u32(span.bytes);
            to.u32(span.entries);
        }
        to.bytes(&self.data);
    }

    pub(super) fn read(mut from: Fields<'_>, body: &Bytes) -> Result<Self, FrameError> {
        let (after, last) = (from.point()?, from.point()?);
        let (head, behind) = (from.u64()?, from.u64()?);
        let (codec, raw) = (from.u8()?, from.u32()? as usize);
        let count = from.u32()? as usize;
        if raw > limits::RAW_BYTES_MAX {
            return Err(FrameError::Oversized("more bytes of groups than a message may carry"));
        }
        if count > limits::BATCH_GROUPS_MAX {
            return Err(FrameError::Oversized("more groups than a message may carry"));
        }
        let mut sizes = Fields::new(from.take(count * 8)?);
        let mut spans = Vec::with_capacity(count);
        let (mut bytes, mut entries) = (0_usize, 0_u64);
        for _ in 0..count {
            let span = Span { bytes: sizes.u32()?, entries: sizes.u32()? };
            if span.bytes == 0 || span.entries == 0 {
                return Err(FrameError::Damaged("an empty group"));
            }
            if span.bytes as usize > limits::GROUP_BYTES_MAX {
                return Err(FrameError::Oversized("a group"));
            }
            bytes += span.bytes as usize;
            entries += u64::from(span.entries);
            spans.push(span);
        }
        if bytes != raw || count == 0 || after.sequence.checked_add(entries) != Some(last.sequence) {
            return Err(FrameError::Damaged("the groups don't add up"));
        }
        let packed = body.slice(from.taken()..);
        let data = match codec {
            CODEC_RAW => packed,
            CODEC_LZ4 if raw > packed.len().saturating_mul(LZ4_RATIO_MAX) => {
                return Err(FrameError::Oversized("groups that claim to unpack to more than they can"));
            }
            CODEC_LZ4 => {
                let unpacked = lz4_flex::block::decompress(&packed, raw);
                Bytes::from(unpacked.map_err(|_| FrameError::Damaged("the groups don't unpack"))?)
            }
            _ => return Err(FrameError::Damaged("unknown codec")),
        };
        if data.len() != raw {
            return Err(FrameError::Damaged("the groups don't unpack to their size"));
        }
        Ok(Self { after, last, head, behind, spans, data })
    }
}

fn write_head(to: &mut Writer, after: Point, last: Point, head: u64, behind: u64, raw: usize) {
    to.point(after);
    to.point(last);
    to.u64(head);
    to.u64(behind);
    to.u8(CODEC_RAW);
    to.length(raw);
}

/// The message for a batch that is not empty, straight from its bytes. Compressed when asked and when it helps; answers
/// also whether it did.
#[must_use]
pub fn encode_groups(
    after: Point,
    last: Point,
    batch: &Batch,
    head: u64,
    behind: u64,
    compress: bool,
) -> (Bytes, bool) {
    let raw = batch.bytes();
    let room = if compress { lz4_flex::block::get_maximum_output_size(raw.len()) } else { raw.len() };
    let mut to = Writer::begin(KIND, CODEC_AT + 16 + batch.len() * 8 + room);
    write_head(&mut to, after, last, head, behind, raw.len());
    to.length(batch.len());
    for (entries, group) in batch.spans(after.sequence) {
        to.length(group);
        to.length(usize::try_from(entries).unwrap_or(usize::MAX));
    }
    let enough = raw.len() - raw.len() / limits::COMPRESSION_SAVES_ONE_IN;
    let packed = if compress {
        to.fill(room, |place| lz4_flex::block::compress_into(raw, place).ok().filter(|packed| *packed <= enough))
    } else {
        None
    };
    match packed {
        Some(_) => to.set_u8(CODEC_AT, CODEC_LZ4),
        None => to.bytes(raw),
    }
    (to.seal(), packed.is_some())
}
