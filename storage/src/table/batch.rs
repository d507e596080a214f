//! What goes into tables and how it is asked for.

use std::ops::Bound;

use crate::limits::{TABLE_BATCH_WRITES_MAX, TABLE_KEY_BYTES_MAX, TABLE_SCAN_ROWS_MAX, TABLE_VALUE_BYTES_MAX};

use super::{Table, TableError};

/// Writes that happen together or not at all. Later writes to a key win.
#[derive(Clone, Default, Debug)]
pub struct TableBatch {
    writes: Vec<Write>,
}

#[derive(Clone, Debug)]
pub(crate) struct Write {
    pub table: Table,
    pub key: Vec<u8>,
    /// `None` removes the key.
    pub value: Option<Vec<u8>>,
}

impl TableBatch {
    /// An empty batch.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets a key.
    pub fn put(&mut self, table: Table, key: impl Into<Vec<u8>>, value: impl Into<Vec<u8>>) {
        self.writes.push(Write { table, key: key.into(), value: Some(value.into()) });
    }

    /// Removes a key, if it is there.
    pub fn remove(&mut self, table: Table, key: impl Into<Vec<u8>>) {
        self.writes.push(Write { table, key: key.into(), value: None });
    }

    /// Number of writes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.writes.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.writes.is_empty()
    }

    /// Empties the batch and keeps its memory.
    pub fn clear(&mut self) {
        self.writes.clear();
    }

    pub(crate) fn writes(&self) -> &[Write] {
        &self.writes
    }

    /// Bounds the batch before sled sees it.
    pub(crate) fn check(&self, tables: usize) -> Result<(), TableError> {
        let bounds = |what: String| Err(TableError::Bounds { what });
        if self.writes.len() > TABLE_BATCH_WRITES_MAX {
            return bounds(format!("{} writes in a batch, the limit is {TABLE_BATCH_WRITES_MAX}", self.writes.len()));
        }
        for write in &self.writes {
            if usize::from(write.table.0) >= tables {
                return bounds(format!("table {} of {tables}", write.table.0));
            }
            if write.key.is_empty() || write.key.len() > TABLE_KEY_BYTES_MAX {
                return bounds(format!("key of {} bytes, 1 to {TABLE_KEY_BYTES_MAX} are allowed", write.key.len()));
            }
            let value = write.value.as_ref().map_or(0, Vec::len);
            if value > TABLE_VALUE_BYTES_MAX {
                return bounds(format!("value of {value} bytes, the limit is {TABLE_VALUE_BYTES_MAX}"));
            }
        }
        Ok(())
    }
}

/// Lower and upper end of a range of keys.
pub type KeyRange = (Bound<Vec<u8>>, Bound<Vec<u8>>);

/// Which way a scan goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Direction {
    /// Smallest key first.
    #[default]
    Forward,
    /// Largest key first.
    Reverse,
}

/// A range of keys and how to walk it.
#[derive(Clone, Copy, Debug)]
pub struct Scan<'a> {
    /// Lower end.
    pub from: Bound<&'a [u8]>,
    /// Upper end.
    pub to: Bound<&'a [u8]>,
    /// Only keys that begin with this; empty for all.
    pub prefix: &'a [u8],
    /// Which way.
    pub direction: Direction,
    /// Most rows to return; at most [`TABLE_SCAN_ROWS_MAX`].
    pub limit: usize,
}

impl<'a> Scan<'a> {
    /// Everything, forward, up to the limit of a scan.
    #[must_use]
    pub fn all() -> Self {
        Self {
            from: Bound::Unbounded,
            to: Bound::Unbounded,
            prefix: &[],
            direction: Direction::Forward,
            limit: TABLE_SCAN_ROWS_MAX,
        }
    }

    /// Keys that begin with `prefix`.
    #[must_use]
    pub fn prefix(prefix: &'a [u8]) -> Self {
        Self { prefix, ..Self::all() }
    }

    /// The same from the other end.
    #[must_use]
    pub fn reverse(self) -> Self {
        Self { direction: Direction::Reverse, ..self }
    }

    /// The same with at most `limit` rows.
    #[must_use]
    pub fn limit(self, limit: usize) -> Self {
        Self { limit, ..self }
    }

    /// Only keys after this one, in the key order.
    #[must_use]
    pub fn after(self, key: &'a [u8]) -> Self {
        Self { from: Bound::Excluded(key), ..self }
    }

    /// Only keys before this one, in the key order.
    #[must_use]
    pub fn before(self, key: &'a [u8]) -> Self {
        Self { to: Bound::Excluded(key), ..self }
    }

    /// Both ends, the prefix included; `None` when nothing can lie between.
    pub(crate) fn bounds(&self) -> Option<KeyRange> {
        let from = match self.from {
            Bound::Included(key) | Bound::Excluded(key) if key < self.prefix => Bound::Included(self.prefix),
            Bound::Unbounded => Bound::Included(self.prefix),
            from => from,
        };
        let prefix_end = after_prefix(self.prefix);
        let to = match (self.to, prefix_end.as_deref()) {
            (Bound::Unbounded, Some(end)) => Bound::Excluded(end),
            (Bound::Included(key), Some(end)) if key >= end => Bound::Excluded(end),
            (Bound::Excluded(key), Some(end)) if key > end => Bound::Excluded(end),
            (to, _) => to,
        };
        let range = (from.map(<[u8]>::to_vec), to.map(<[u8]>::to_vec));
        (is_a_range(&range) && self.limit > 0).then_some(range)
    }
}

/// Whether anything can lie between two ends.
pub(crate) fn is_a_range((from, to): &KeyRange) -> bool {
    match (from, to) {
        (Bound::Included(from), Bound::Included(to)) => from <= to,
        (Bound::Included(from) | Bound::Excluded(from), Bound::Excluded(to) | Bound::Included(to)) => from < to,
        _ => true,
    }
}

/// The smallest key that is greater than everything with this prefix, if there is one.
fn after_prefix(prefix: &[u8]) -> Option<Vec<u8>> {
    let mut end = prefix.to_vec();
    while let Some(last) = end.pop() {
        if let Some(next) = last.checked_add(1) {
            end.push(next);
            return Some(end);
        }
    }
    None
}
