//! A fixed number of shards behind `Arc`s: cloning the whole copies pointers, a shard is copied when it is next written.
//! So a snapshot costs the writer a few microseconds, and one shard's copy now and then. Never resized.

use std::sync::Arc;

/// Shards of something; the count is a power of two.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::domain) struct Shards<T>(Vec<Arc<T>>);

impl<T: Clone + Default> Shards<T> {
    /// `1 << bits` empty shards.
    pub(in crate::domain) fn new(bits: u32) -> Self {
        // All begin as one empty shard, copied when first written.
        let empty = Arc::new(T::default());
        Self((0..1u32 << bits).map(|_| Arc::clone(&empty)).collect())
    }

    fn slot(&self, index: usize) -> usize {
        index & (self.0.len() - 1)
    }

    /// The shard at `index`, which is taken modulo the count.
    #[expect(clippy::indexing_slicing, reason = "slot() is below the length")]
    pub(in crate::domain) fn get(&self, index: usize) -> &T {
        &self.0[self.slot(index)]
    }

    /// The same, to be written: copied first if a snapshot still holds it.
    #[expect(clippy::indexing_slicing, reason = "slot() is below the length")]
    pub(in crate::domain) fn get_mut(&mut self, index: usize) -> &mut T {
        let slot = self.slot(index);
        Arc::make_mut(&mut self.0[slot])
    }

    /// All shards with their numbers.
    pub(in crate::domain) fn iter(&self) -> impl Iterator<Item = (u16, &T)> {
        (0u16..).zip(self.0.iter().map(AsRef::as_ref))
    }
}

/// The shard of an already uniform 128-bit hash: its top bits, because the map inside hashes the rest.
pub(in crate::domain) fn by_top_bits(hash: u128, bits: u32) -> usize {
    usize::try_from(hash >> (128 - bits)).unwrap_or_default()
}

/// The shard of a text: FNV-1a, the same on every machine because shard numbers are stored.
pub(in crate::domain) fn by_text(text: &str) -> usize {
    let hash = text
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3));
    usize::try_from((hash ^ (hash >> 32)) & 0xffff).unwrap_or_default()
}
