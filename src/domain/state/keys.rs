//! Idempotency keys of the last day or two: fingerprint → what was asked and what came of it. Two generations, so that
//! forgetting is dropping a generation; sharded, so that no single growth step is big.

use super::shards::{Shards, by_top_bits};
use crate::domain::event::KeyUse;
use crate::domain::lookup::LookupMap;
use crate::domain::time::{Millis, Timestamp};

/// A key is remembered for at least this long, and for at most about twice as long.
pub const KEY_KEPT: Millis = Millis::hours(24);

/// 256 shards a generation.
pub(super) const KEY_SHARD_BITS: u32 = 8;

/// What is remembered of a request that succeeded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyEntry {
    /// Fingerprint of the body.
    pub body: u64,
    /// The order it placed, packed; 0 where the request was about something else.
    pub target: u64,
}

/// Which of the two generations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Generation {
    /// Written now.
    Current,
    /// Only read, until the next rotation drops it.
    Previous,
}

/// One shard of one generation.
pub(super) type KeyShard = LookupMap<u128, KeyEntry>;

/// All remembered keys.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::domain) struct Keys {
    current: Shards<KeyShard>,
    previous: Shards<KeyShard>,
}

impl Keys {
    pub(super) fn new() -> Self {
        Self { current: Shards::new(KEY_SHARD_BITS), previous: Shards::new(KEY_SHARD_BITS) }
    }

    /// What is remembered of a key.
    pub(in crate::domain) fn get(&self, fingerprint: u128) -> Option<KeyEntry> {
        let shard = shard_of(fingerprint);
        self.current.get(shard).get(&fingerprint).or_else(|| self.previous.get(shard).get(&fingerprint)).copied()
    }

    /// Remembers a request.
    pub(in crate::domain) fn remember(&mut self, request: KeyUse, target: u64) {
        self.put(Generation::Current, request.fingerprint, KeyEntry { body: request.body, target });
    }

    pub(super) fn put(&mut self, generation: Generation, fingerprint: u128, entry: KeyEntry) {
        let shards = match generation {
            Generation::Current => &mut self.current,
            Generation::Previous => &mut self.previous,
        };
        shards.get_mut(shard_of(fingerprint)).insert(fingerprint, entry);
    }

    /// Begins a new generation where the current one began [`KEY_KEPT`] ago; answers whether it did. A key was put into
    /// the current generation before this instant and is dropped one rotation later, hence no earlier than promised.
    pub(in crate::domain) fn rotate(&mut self, began: Timestamp, now: Timestamp) -> bool {
        let due = now >= began.plus(KEY_KEPT);
        if due {
            self.previous = std::mem::replace(&mut self.current, Shards::new(KEY_SHARD_BITS));
        }
        due
    }

    /// All shards, the current generation first.
    pub(in crate::domain) fn iter(&self) -> impl Iterator<Item = (u16, Generation, &KeyShard)> {
        let current = self.current.iter().map(|(shard, keys)| (shard, Generation::Current, keys));
        current.chain(self.previous.iter().map(|(shard, keys)| (shard, Generation::Previous, keys)))
    }
}

/// The shard a fingerprint belongs to.
pub(super) fn shard_of(fingerprint: u128) -> usize {
    by_top_bits(fingerprint, KEY_SHARD_BITS)
}
