//! A concurrent map: shards behind reader-writer locks, so that readers of one order never wait for the writer's next.

use std::hash::{BuildHasher, Hash, RandomState};

use parking_lot::RwLock;
use std::collections::HashMap;

const SHARDS: usize = 64;

/// Keys are hashed with a random seed: they may be chosen by outsiders.
#[derive(Debug)]
pub(super) struct Sharded<K, V> {
    hasher: RandomState,
    shards: Vec<RwLock<HashMap<K, V, RandomState>>>,
}

impl<K: Hash + Eq, V: Clone> Sharded<K, V> {
    pub(super) fn new() -> Self {
        let hasher = RandomState::new();
        let shards = (0..SHARDS).map(|_| RwLock::new(HashMap::with_hasher(hasher.clone()))).collect();
        Self { hasher, shards }
    }

    #[expect(clippy::indexing_slicing, reason = "taken modulo the number of shards")]
    fn shard<Q: Hash + ?Sized>(&self, key: &Q) -> &RwLock<HashMap<K, V, RandomState>> {
        // The top bits: the map inside uses the low ones.
        &self.shards[(self.hasher.hash_one(key) >> 57) as usize % SHARDS]
    }

    pub(super) fn get(&self, key: &K) -> Option<V> {
        self.shard(key).read().get(key).cloned()
    }

    pub(super) fn insert(&self, key: K, value: V) -> Option<V> {
        self.shard(&key).write().insert(key, value)
    }

    pub(super) fn remove(&self, key: &K) -> Option<V> {
        let mut shard = self.shard(key).write();
        let value = shard.remove(key);
        if shard.is_empty() && shard.capacity() > 1024 {
            shard.shrink_to_fit();
        }
        value
    }

    /// Changes the value of a key under its shard's lock; `change` may take it out by leaving `None`.
    pub(super) fn update(&self, key: K, change: impl FnOnce(&mut Option<V>)) {
        let mut shard = self.shard(&key).write();
        let mut value = shard.remove(&key);
        change(&mut value);
        if let Some(value) = value {
            shard.insert(key, value);
        }
    }

    /// Keeps what the predicate likes, shard by shard.
    pub(super) fn retain(&self, mut keep: impl FnMut(&K, &mut V) -> bool) {
        for shard in &self.shards {
            let mut shard = shard.write();
            shard.retain(&mut keep);
            shard.shrink_to_fit();
        }
    }
}
