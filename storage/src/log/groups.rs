//! Checked groups in memory of their own: what one thread has read, for another one to work on.

use crate::ChainHash;

use super::frame::Group;

/// Some groups that follow each other, copied out of the window they were read through.
#[derive(Clone, Debug, Default)]
pub struct Groups {
    bytes: Vec<u8>,
    /// Where each group ends in the bytes, and its hash.
    ends: Vec<(usize, ChainHash)>,
}

impl Groups {
    /// Takes a copy of a group.
    pub fn push(&mut self, group: &Group<'_>) {
        self.bytes.extend_from_slice(group.raw());
        self.ends.push((self.bytes.len(), group.position().hash));
    }

    /// Bytes of all groups.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Lets all of them go and keeps the memory.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
    }

    /// The groups in order. Their hashes were checked when they were read.
    pub fn iter(&self) -> impl Iterator<Item = Group<'_>> {
        let mut begin = 0;
        self.ends.iter().filter_map(move |(end, hash)| {
            let raw = self.bytes.get(begin..*end)?;
            begin = *end;
            Group::checked(raw, *hash)
        })
    }
}
