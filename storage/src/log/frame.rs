//! The bytes of a group, and the frame it lies in on a disk.
//!
//! ```text
//! frame = placement (32) + group                                      all integers little-endian
//!   placement   durable_through u64 · group length u32 · 0 u32 · check [16]
//!   group       header (64) · entries · hash [32] · end byte
//!     header    magic [4] · version u16 · 0 u16 · epoch u32 · count u32 · first sequence u64
//!               · entries length u32 · 0 u32 · previous hash [32]
//!     entry     length u32 · bytes
//! ```
//! The *group* is what history is made of: it is shipped verbatim, and its hash (BLAKE3 of header and
//! entries, the header holding the previous hash) is checksum and chain in one. The *placement* is
//! local: what this disk was known to hold when the group was written, keyed with the identity of the
//! segment and the offset, so that old bytes of a recycled segment, debris, or an entry that looks
//! like a header never pass for a group of this place.

use crate::bytes::Fields;
use crate::limits::{ENTRY_BYTES_MAX, GROUP_BYTES_MAX, GROUP_ENTRIES_MAX};
use crate::{ChainHash, Epoch, Position, Sequence, plant};

use super::error::GroupError;

pub(crate) const PLACEMENT_BYTES: usize = 32;
pub(crate) const HEADER_BYTES: usize = 64;
pub(crate) const FOOTER_BYTES: usize = 33;
pub(crate) const FRAME_BYTES_MIN: usize = PLACEMENT_BYTES + HEADER_BYTES + FOOTER_BYTES;
pub(crate) const GROUP_MAGIC: [u8; 4] = *b"QCG\x01";
pub(crate) const GROUP_VERSION: u16 = 1;
/// Non-zero, so that a group cut short in a zeroed segment can't look whole.
pub(crate) const END_BYTE: u8 = 0xE7;
const CHECK_AT: usize = 16;

/// The fixed fields of a group.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct GroupHeader {
    /// Epoch the group was decided in.
    pub epoch: Epoch,
    /// Number of entries, at least 1.
    pub count: u32,
    /// Sequence of the first entry.
    pub first: Sequence,
    /// Bytes of all entries with their length prefixes.
    pub entries_bytes: u32,
    /// Chain hash of the group before.
    pub previous: ChainHash,
}

impl GroupHeader {
    /// Sequence of the last entry.
    #[must_use]
    pub fn last(&self) -> Sequence {
        self.first.plus(u64::from(self.count).saturating_sub(1))
    }

    /// Bytes of the whole group, header and footer included.
    pub(crate) fn group_bytes(&self) -> usize {
        HEADER_BYTES + FOOTER_BYTES + crate::bytes::narrow(u64::from(self.entries_bytes))
    }

    pub(crate) fn encode(&self) -> [u8; HEADER_BYTES] {
        let mut header = [0; HEADER_BYTES];
        crate::bytes::patch(&mut header, 0, &GROUP_MAGIC);
        crate::bytes::patch(&mut header, 4, &GROUP_VERSION.to_le_bytes());
        crate::bytes::patch(&mut header, 8, &self.epoch.0.to_le_bytes());
        crate::bytes::patch(&mut header, 12, &self.count.to_le_bytes());
        crate::bytes::patch(&mut header, 16, &self.first.0.to_le_bytes());
        crate::bytes::patch(&mut header, 24, &self.entries_bytes.to_le_bytes());
        crate::bytes::patch(&mut header, 32, &self.previous.0);
        header
    }

    /// Reads and bounds a header; nothing it says is believed beyond the limits.
    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, GroupError> {
        let mut fields = Fields(bytes);
        let mut read = || {
            let magic: [u8; 4] = fields.array()?;
            let version = fields.u16()?;
            let zero = fields.u16()?;
            let epoch = Epoch(fields.u32()?);
            let count = fields.u32()?;
            let first = Sequence(fields.u64()?);
            let entries_bytes = fields.u32()?;
            let zero = u32::from(zero) | fields.u32()?;
            let previous = ChainHash(fields.array()?);
            Some((magic, version, zero, Self { epoch, count, first, entries_bytes, previous }))
        };
        let (magic, version, zero, header) = read().ok_or(GroupError::Short)?;
        if magic != GROUP_MAGIC {
            return Err(GroupError::NotAGroup);
        }
        if version != GROUP_VERSION {
            return Err(GroupError::Version { version });
        }
        let fits =
            header.group_bytes() <= GROUP_BYTES_MAX && u64::from(header.count) * 4 <= u64::from(header.entries_bytes);
        let counted = (1..=GROUP_ENTRIES_MAX).contains(&header.count)
            && header.first > Sequence::NONE
            && header.first.0.checked_add(u64::from(header.count)).is_some();
        if !(fits && counted && zero == 0) {
            return Err(GroupError::Header);
        }
        Ok(header)
    }
}

/// What a frame says about its place.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Placement {
    /// Everything up to here was known to be synced when the group was written.
    pub durable_through: Sequence,
    /// Bytes of the group behind the placement.
    pub group_bytes: u32,
}

impl Placement {
    /// The bytes of a placement for the group whose header is `header`.
    pub(crate) fn seal(self, key: &[u8; 32], offset: u64, header: &[u8]) -> [u8; PLACEMENT_BYTES] {
        let mut bytes = [0; PLACEMENT_BYTES];
        crate::bytes::patch(&mut bytes, 0, &self.durable_through.0.to_le_bytes());
        crate::bytes::patch(&mut bytes, 8, &self.group_bytes.to_le_bytes());
        let check = self.check(key, offset, header);
        crate::bytes::patch(&mut bytes, CHECK_AT, &check);
        bytes
    }

    fn check(self, key: &[u8; 32], offset: u64, header: &[u8]) -> [u8; 16] {
        let mut hasher = blake3::Hasher::new_keyed(key);
        hasher.update(&self.durable_through.0.to_le_bytes());
        hasher.update(&self.group_bytes.to_le_bytes());
        hasher.update(&offset.to_le_bytes());
        hasher.update(header);
        let mut check = [0; 16];
        hasher.finalize_xof().fill(&mut check);
        check
    }

    /// Reads a frame's placement and header, believed only if the keyed check of this very place holds.
    pub(crate) fn open(frame: &[u8], key: &[u8; 32], offset: u64) -> Option<(Self, GroupHeader)> {
        let (placement, group) = frame.split_at_checked(PLACEMENT_BYTES)?;
        let header_bytes = group.get(..HEADER_BYTES)?;
        if !header_bytes.starts_with(&GROUP_MAGIC) {
            return None;
        }
        let mut fields = Fields(placement);
        let placement = Self { durable_through: Sequence(fields.u64()?), group_bytes: fields.u32()? };
        let zero = fields.u32()?;
        let check: [u8; 16] = fields.array()?;
        if zero != 0 || (placement.check(key, offset, header_bytes) != check && !plant::ignores_checksums()) {
            return None;
        }
        let header = GroupHeader::decode(header_bytes).ok()?;
        let consistent = crate::bytes::wide(header.group_bytes()) == u64::from(placement.group_bytes)
            && placement.durable_through < header.first;
        consistent.then_some((placement, header))
    }
}

/// A whole group, checked, borrowed from wherever it was read.
#[derive(Clone, Copy, Debug)]
pub struct Group<'a> {
    header: GroupHeader,
    hash: ChainHash,
    raw: &'a [u8],
}

impl<'a> Group<'a> {
    /// Reads one group that fills `raw` exactly, and checks all of it: bounds, entry lengths, hash, end.
    pub fn parse(raw: &'a [u8]) -> Result<Self, GroupError> {
        let header = GroupHeader::decode(raw)?;
        if raw.len() != header.group_bytes() {
            return Err(GroupError::Short);
        }
        let body_end = raw.len().saturating_sub(FOOTER_BYTES);
        let (body, footer) = raw.split_at_checked(body_end).ok_or(GroupError::Short)?;
        let mut footer = Fields(footer);
        let stored: [u8; 32] = footer.array().ok_or(GroupError::Short)?;
        if footer.0 != [END_BYTE] {
            return Err(GroupError::End);
        }
        if *blake3::hash(body).as_bytes() != stored && !plant::ignores_checksums() {
            return Err(GroupError::Hash);
        }
        let group = Self { header, hash: ChainHash(stored), raw };
        group.check_entries()?;
        Ok(group)
    }

    /// A group that `parse` has passed before, from the same bytes.
    pub(crate) fn checked(raw: &'a [u8], hash: ChainHash) -> Option<Self> {
        Some(Self { header: GroupHeader::decode(raw).ok()?, hash, raw })
    }

    fn check_entries(&self) -> Result<(), GroupError> {
        let mut fields = Fields(self.entries_bytes());
        for _ in 0..self.header.count {
            let length = fields.u32().map(|length| crate::bytes::narrow(u64::from(length)));
            let length = length.filter(|length| *length <= ENTRY_BYTES_MAX).ok_or(GroupError::Entries)?;
            fields.slice(length).ok_or(GroupError::Entries)?;
        }
        if fields.0.is_empty() { Ok(()) } else { Err(GroupError::Entries) }
    }

    fn entries_bytes(&self) -> &'a [u8] {
        self.raw.get(HEADER_BYTES..self.raw.len().saturating_sub(FOOTER_BYTES)).unwrap_or_default()
    }

    /// The fixed fields.
    #[must_use]
    pub fn header(&self) -> &GroupHeader {
        &self.header
    }

    /// Sequence of the first entry.
    #[must_use]
    pub fn first(&self) -> Sequence {
        self.header.first
    }

    /// Sequence of the last entry.
    #[must_use]
    pub fn last(&self) -> Sequence {
        self.header.last()
    }

    /// Epoch the group was decided in.
    #[must_use]
    pub fn epoch(&self) -> Epoch {
        self.header.epoch
    }

    /// The position right after this group.
    #[must_use]
    pub fn position(&self) -> Position {
        Position { sequence: self.last(), hash: self.hash }
    }

    /// Chain hash of the group before.
    #[must_use]
    pub fn previous(&self) -> ChainHash {
        self.header.previous
    }

    /// The group's bytes as they are hashed and shipped (without the local placement).
    #[must_use]
    pub fn raw(&self) -> &'a [u8] {
        self.raw
    }

    /// The entries in order, each with its sequence.
    #[must_use]
    pub fn entries(&self) -> Entries<'a> {
        Entries { next: self.header.first, left: self.header.count, fields: Fields(self.entries_bytes()) }
    }
}

/// Iterator over a group's entries.
#[derive(Clone, Debug)]
pub struct Entries<'a> {
    next: Sequence,
    left: u32,
    fields: Fields<'a>,
}

impl<'a> Entries<'a> {
    pub(crate) fn over(first: Sequence, count: u32, bytes: &'a [u8]) -> Self {
        Self { next: first, left: count, fields: Fields(bytes) }
    }
}

impl<'a> Iterator for Entries<'a> {
    type Item = (Sequence, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        let length = self.fields.u32()?;
        let bytes = self.fields.slice(crate::bytes::narrow(u64::from(length)))?;
        let sequence = self.next;
        self.next = sequence.next();
        Some((sequence, bytes))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = crate::bytes::narrow(u64::from(self.left));
        (left, Some(left))
    }
}

impl ExactSizeIterator for Entries<'_> {}
