//! The marker that goes into every batch: how far the log was applied, and how many rows that made.

use super::Table;
use crate::bytes::Fields;
use crate::{ChainHash, Epoch, Position, Sequence};

/// How far the log has been applied, and what must be there because of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Applied {
    /// Epoch of the position.
    pub epoch: Epoch,
    /// The log position; [`Position::ORIGIN`] when new.
    pub position: Position,
    /// Rows of each table, in the order of the names.
    pub counts: Vec<u64>,
}

const VERSION: u32 = 1;
/// Its key in the tree that holds nothing else.
pub(crate) const APPLIED: &[u8] = b"applied";

/// Why a marker isn't one of these tables'.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum MarkerFault {
    Damaged,
    Newer(u32),
    OtherTables(String),
}

impl Applied {
    pub(crate) fn new(tables: usize) -> Self {
        Self { epoch: Epoch(0), position: Position::ORIGIN, counts: vec![0; tables] }
    }

    /// Takes a write into account: whether the key had a value before and has one now.
    pub(crate) fn count(&mut self, table: Table, before: bool, after: bool) -> Result<(), String> {
        let Some(count) = self.counts.get_mut(usize::from(table.0)) else { return Ok(()) };
        match (before, after) {
            (false, true) => *count = count.saturating_add(1),
            (true, false) if *count == 0 => return Err(format!("table {} had more rows than were applied", table.0)),
            (true, false) => *count = count.saturating_sub(1),
            _ => {}
        }
        Ok(())
    }

    pub(crate) fn encode(&self, names: &str) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(96 + self.counts.len() * 8 + names.len());
        bytes.extend_from_slice(&VERSION.to_le_bytes());
        bytes.extend_from_slice(&self.epoch.0.to_le_bytes());
        bytes.extend_from_slice(&self.position.sequence.0.to_le_bytes());
        bytes.extend_from_slice(&self.position.hash.0);
        bytes.extend_from_slice(&u32::try_from(self.counts.len()).unwrap_or(u32::MAX).to_le_bytes());
        for count in &self.counts {
            bytes.extend_from_slice(&count.to_le_bytes());
        }
        bytes.extend_from_slice(&u32::try_from(names.len()).unwrap_or(u32::MAX).to_le_bytes());
        bytes.extend_from_slice(names.as_bytes());
        let check = blake3::hash(&bytes);
        bytes.extend_from_slice(check.as_bytes());
        bytes
    }

    pub(crate) fn decode(bytes: &[u8], names: &str) -> Result<Self, MarkerFault> {
        let (checked, check) = bytes.split_last_chunk::<32>().ok_or(MarkerFault::Damaged)?;
        let mut fields = Fields(checked);
        let version = fields.u32().ok_or(MarkerFault::Damaged)?;
        if version > VERSION {
            return Err(MarkerFault::Newer(version));
        }
        if blake3::hash(checked).as_bytes() != check {
            return Err(MarkerFault::Damaged);
        }
        let mut read = || {
            let epoch = Epoch(fields.u32()?);
            let sequence = Sequence(fields.u64()?);
            let hash = ChainHash(fields.array()?);
            let tables = fields.u32()?;
            let counts = (0..tables).map(|_| fields.u64()).collect::<Option<Vec<u64>>>()?;
            let length = fields.u32()?;
            let found = fields.slice(crate::bytes::narrow(u64::from(length)))?;
            let position = Position { sequence, hash };
            Some((String::from_utf8_lossy(found).into_owned(), Self { epoch, position, counts }))
        };
        let (found, applied) = read().ok_or(MarkerFault::Damaged)?;
        if found == names { Ok(applied) } else { Err(MarkerFault::OtherTables(found)) }
    }
}
