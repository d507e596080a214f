//! The bytes of a snapshot file.

use crate::bytes::{Fields, patch};
use crate::limits::SNAPSHOT_CHUNK_BYTES_MAX;
use crate::{ChainHash, Epoch, Position, Sequence, plant};

pub(crate) const HEADER_BYTES: usize = 112;
pub(crate) const CHUNK_HEAD_BYTES: usize = 48;
const MAGIC: [u8; 8] = *b"QUCANSNP";
const VERSION: u32 = 1;
const CHECKED: usize = HEADER_BYTES - 32;

/// What a snapshot says about itself.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Header {
    pub position: Position,
    pub epoch: Epoch,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum HeaderFault {
    Newer(u32),
    Damaged,
}

impl Header {
    pub(crate) fn encode(&self) -> [u8; HEADER_BYTES] {
        let mut bytes = [0; HEADER_BYTES];
        patch(&mut bytes, 0, &MAGIC);
        patch(&mut bytes, 8, &VERSION.to_le_bytes());
        patch(&mut bytes, 12, &self.epoch.0.to_le_bytes());
        patch(&mut bytes, 16, &self.position.sequence.0.to_le_bytes());
        patch(&mut bytes, 24, &self.position.hash.0);
        let check = blake3::hash(bytes.get(..CHECKED).unwrap_or_default());
        patch(&mut bytes, CHECKED, check.as_bytes());
        bytes
    }

    pub(crate) fn decode(bytes: &[u8; HEADER_BYTES]) -> Result<Self, HeaderFault> {
        let mut fields = Fields(bytes);
        let mut read = || {
            let magic: [u8; 8] = fields.array()?;
            let version = fields.u32()?;
            let epoch = Epoch(fields.u32()?);
            let sequence = Sequence(fields.u64()?);
            let hash = ChainHash(fields.array()?);
            Some((magic, version, Self { position: Position { sequence, hash }, epoch }))
        };
        let (magic, version, header) = read().ok_or(HeaderFault::Damaged)?;
        if magic != MAGIC {
            return Err(HeaderFault::Damaged);
        }
        if version > VERSION {
            return Err(HeaderFault::Newer(version));
        }
        if header.encode() == *bytes { Ok(header) } else { Err(HeaderFault::Damaged) }
    }

    /// What the first chunk's check builds on.
    pub(crate) fn check(&self) -> [u8; 32] {
        *blake3::hash(&self.encode()).as_bytes()
    }
}

/// What a chunk is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    /// The first one of a section.
    First,
    /// More of the same section.
    More,
    /// The end of the file.
    End,
}

/// A chunk's head.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct ChunkHead {
    pub section: u32,
    pub length: u32,
    pub kind: Kind,
    pub check: [u8; 32],
}

impl ChunkHead {
    pub(crate) fn seal(section: u32, kind: Kind, bytes: &[u8], before: &[u8; 32]) -> Self {
        let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        let unchecked = Self { section, length, kind, check: [0; 32] };
        Self { check: unchecked.compute(bytes, before), ..unchecked }
    }

    pub(crate) fn holds(&self, bytes: &[u8], before: &[u8; 32]) -> bool {
        self.compute(bytes, before) == self.check || plant::ignores_checksums()
    }

    fn compute(&self, bytes: &[u8], before: &[u8; 32]) -> [u8; 32] {
        let mut hasher = blake3::Hasher::new();
        hasher.update(before);
        hasher.update(self.encode().get(..CHUNK_HEAD_BYTES - 32).unwrap_or_default());
        hasher.update(bytes);
        *hasher.finalize().as_bytes()
    }

    pub(crate) fn encode(&self) -> [u8; CHUNK_HEAD_BYTES] {
        let kind: u32 = match self.kind {
            Kind::First => 1,
            Kind::More => 2,
            Kind::End => 3,
        };
        let mut head = [0; CHUNK_HEAD_BYTES];
        patch(&mut head, 0, &self.section.to_le_bytes());
        patch(&mut head, 4, &self.length.to_le_bytes());
        patch(&mut head, 8, &kind.to_le_bytes());
        patch(&mut head, 16, &self.check);
        head
    }

    /// Reads and bounds a head.
    pub(crate) fn decode(bytes: &[u8; CHUNK_HEAD_BYTES]) -> Option<Self> {
        let mut fields = Fields(bytes);
        let section = fields.u32()?;
        let length = fields.u32()?;
        let kind = match fields.u32()? {
            1 => Kind::First,
            2 => Kind::More,
            3 => Kind::End,
            _ => return None,
        };
        let zero = fields.u32()?;
        let check = fields.array()?;
        let fits = usize::try_from(length).is_ok_and(|length| length <= SNAPSHOT_CHUNK_BYTES_MAX);
        (zero == 0 && fits).then_some(Self { section, length, kind, check })
    }
}
