//! Tokens that were verified, by their hash, bounded; a signature check costs more than the rest of a small request.
//! Expiry is checked by the caller at every use. Never here: tokens themselves.

use std::num::NonZeroUsize;
use std::sync::Arc;

use lru::LruCache;
use parking_lot::Mutex;

use super::Identity;

/// Shards, so that cores don't wait for each other; a power of two.
const SHARDS: usize = 16;

/// A token's name in the cache: collision-proof, so that nobody can craft a token that meets another's entry.
pub(super) type Key = [u8; 32];

pub(super) fn key(token: &str) -> Key {
    *blake3::hash(token.as_bytes()).as_bytes()
}

pub(super) struct VerifiedTokens {
    shards: [Mutex<LruCache<Key, Arc<Identity>, rustc_hash::FxBuildHasher>>; SHARDS],
}

impl VerifiedTokens {
    pub(super) fn new(capacity: usize) -> Self {
        let each = NonZeroUsize::new(capacity.div_ceil(SHARDS)).unwrap_or(NonZeroUsize::MIN);
        Self { shards: std::array::from_fn(|_| Mutex::new(LruCache::with_hasher(each, rustc_hash::FxBuildHasher))) }
    }

    fn shard(&self, key: &Key) -> Option<&Mutex<LruCache<Key, Arc<Identity>, rustc_hash::FxBuildHasher>>> {
        self.shards.get(usize::from(key[0]) % SHARDS)
    }

    pub(super) fn get(&self, key: &Key) -> Option<Arc<Identity>> {
        self.shard(key)?.lock().get(key).cloned()
    }

    pub(super) fn put(&self, key: Key, identity: Arc<Identity>) {
        if let Some(shard) = self.shard(&key) {
            shard.lock().put(key, identity);
        }
    }

    pub(super) fn len(&self) -> usize {
        self.shards.iter().map(|shard| shard.lock().len()).sum()
    }
}
