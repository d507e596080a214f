//! [`GroupBuffer`]: where the writer encodes a group, entry by entry, without a copy or an allocation
//! per entry. Reused from group to group.

use crate::bytes::{patch, wide};
use crate::limits::{ENTRY_BYTES_MAX, GROUP_BYTES_MAX, GROUP_ENTRIES_MAX};
use crate::{ChainHash, Epoch, Position, Sequence};

use super::error::PushError;
use super::frame::{END_BYTE, Entries, FOOTER_BYTES, GroupHeader, HEADER_BYTES, PLACEMENT_BYTES, Placement};

const PREFIX: usize = PLACEMENT_BYTES + HEADER_BYTES;

/// A group under construction, framed in place.
#[derive(Debug)]
pub struct GroupBuffer {
    /// Placement, header and entries; the footer too once sealed.
    frame: Vec<u8>,
    count: u32,
    sealed: Option<(Sequence, ChainHash)>,
}

/// What sealing needs to know about the place in the log.
pub(crate) struct Seal<'a> {
    pub epoch: Epoch,
    pub after: Position,
    pub durable_through: Sequence,
    pub key: &'a [u8; 32],
    pub offset: u64,
}

impl Default for GroupBuffer {
    fn default() -> Self {
        Self::new()
    }
}

impl GroupBuffer {
    /// An empty buffer.
    #[must_use]
    pub fn new() -> Self {
        Self { frame: vec![0; PREFIX], count: 0, sealed: None }
    }

    /// Adds an entry.
    pub fn push(&mut self, entry: &[u8]) -> Result<(), PushError> {
        self.push_with(|bytes| bytes.extend_from_slice(entry))
    }

    /// Adds an entry that `encode` appends to the vector it is given (and must only append to). If the
    /// entry is refused, the buffer is as it was.
    pub fn push_with(&mut self, encode: impl FnOnce(&mut Vec<u8>)) -> Result<(), PushError> {
        if self.sealed.is_some() {
            return Err(PushError::Sealed);
        }
        if self.count >= GROUP_ENTRIES_MAX {
            return Err(PushError::GroupFull);
        }
        let start = self.frame.len();
        self.frame.extend_from_slice(&[0; 4]);
        let body = self.frame.len();
        encode(&mut self.frame);
        let Some(length) = self.frame.len().checked_sub(body) else {
            self.clear();
            return Err(PushError::Misused);
        };
        let refused = if length > ENTRY_BYTES_MAX {
            Some(PushError::EntryTooLarge { bytes: length })
        } else if self.bytes() > GROUP_BYTES_MAX {
            Some(PushError::GroupFull)
        } else {
            None
        };
        if let Some(error) = refused {
            self.frame.truncate(start);
            return Err(error);
        }
        patch(&mut self.frame, start, &u32::try_from(length).unwrap_or(u32::MAX).to_le_bytes());
        self.count = self.count.saturating_add(1);
        Ok(())
    }

    /// Number of entries.
    #[must_use]
    pub fn len(&self) -> usize {
        crate::bytes::narrow(u64::from(self.count))
    }

    /// Whether there is no entry.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Bytes the group takes in the log, framing included.
    #[must_use]
    pub fn bytes(&self) -> usize {
        if self.sealed.is_some() { self.frame.len() } else { self.frame.len().saturating_add(FOOTER_BYTES) }
    }

    /// The entries with their sequences, counted from `first` (known before the append:
    /// `log.last().sequence.next()`).
    #[must_use]
    pub fn entries(&self, first: Sequence) -> Entries<'_> {
        let end = if self.sealed.is_some() { self.frame.len().saturating_sub(FOOTER_BYTES) } else { self.frame.len() };
        Entries::over(first, self.count, self.frame.get(PREFIX..end).unwrap_or_default())
    }

    /// After an append: the group's bytes, to be shipped verbatim.
    #[must_use]
    pub fn appended(&self) -> Option<&[u8]> {
        self.sealed.and_then(|_| self.frame.get(PLACEMENT_BYTES..))
    }

    /// Empties the buffer and keeps its memory.
    pub fn clear(&mut self) {
        self.frame.truncate(0);
        self.frame.resize(PREFIX, 0);
        self.count = 0;
        self.sealed = None;
    }

    /// Removes the entries pushed after the first `count`, as when a command of the group is taken back.
    pub fn truncate(&mut self, count: usize) {
        if self.sealed.is_some() || count >= self.len() {
            return;
        }
        let kept: usize =
            self.entries(Sequence::NONE).take(count).map(|(_, bytes)| bytes.len().saturating_add(4)).sum();
        self.frame.truncate(PREFIX.saturating_add(kept));
        self.count = u32::try_from(count).unwrap_or(self.count);
    }

    pub(crate) fn is_sealed(&self) -> bool {
        self.sealed.is_some()
    }

    /// Fills in placement, header and footer. The group is final from here on.
    pub(crate) fn seal(&mut self, seal: &Seal<'_>) -> (GroupHeader, ChainHash) {
        let entries_bytes = self.frame.len().saturating_sub(PREFIX);
        let header = GroupHeader {
            epoch: seal.epoch,
            count: self.count,
            first: seal.after.sequence.next(),
            entries_bytes: u32::try_from(entries_bytes).unwrap_or(u32::MAX),
            previous: seal.after.hash,
        };
        let header_bytes = header.encode();
        patch(&mut self.frame, PLACEMENT_BYTES, &header_bytes);
        let hash = ChainHash(*blake3::hash(self.frame.get(PLACEMENT_BYTES..).unwrap_or_default()).as_bytes());
        self.frame.extend_from_slice(&hash.0);
        self.frame.push(END_BYTE);
        let placement = Placement {
            durable_through: seal.durable_through,
            group_bytes: u32::try_from(header.group_bytes()).unwrap_or(u32::MAX),
        };
        patch(&mut self.frame, 0, &placement.seal(seal.key, seal.offset, &header_bytes));
        debug_assert_eq!(wide(header.group_bytes() + PLACEMENT_BYTES), wide(self.frame.len()));
        self.sealed = Some((header.first, hash));
        (header, hash)
    }

    /// The whole frame of a sealed group.
    pub(crate) fn frame(&self) -> &[u8] {
        &self.frame
    }
}
