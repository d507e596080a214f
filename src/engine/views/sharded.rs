//! A concurrent map: shards behind reader-writer locks, so that readers of one order never wait for the writer's next.

use std::hash::{BuildHasher, BuildHasherDefault, Hash, RandomState};

use hashbrown::HashTable;
use hashbrown::hash_table::Entry;
use parking_lot::RwLock;
use rustc_hash::FxHasher;

const SHARDS: usize = 64;

/// Keys that outsiders choose are hashed with a random seed; each operation hashes once.
#[derive(Debug)]
pub(super) struct Sharded<K, V, S = RandomState> {
    hasher: S,
    shards: Vec<RwLock<HashTable<(K, V)>>>,
}

/// Keyed by ids of our own making: nobody outside can choose colliding ones.
pub(super) type ShardedByOwnId<K, V> = Sharded<K, V, BuildHasherDefault<FxHasher>>;

impl<K: Hash + Eq + Clone, V: Clone, S: BuildHasher + Default> Sharded<K, V, S> {
    pub(super) fn new() -> Self {
        Self { hasher: S::default(), shards: (0..SHARDS).map(|_| RwLock::default()).collect() }
    }

    /// A key's hash and its shard: bits from the middle, because the table inside uses both ends.
    #[expect(clippy::indexing_slicing, reason = "taken modulo the number of shards")]
    fn shard(&self, key: &K) -> (u64, &RwLock<HashTable<(K, V)>>) {
        let hash = self.hasher.hash_one(key);
        (hash, &self.shards[usize::try_from((hash >> 32) & 0xffff).unwrap_or_default() % SHARDS])
    }

    pub(super) fn get(&self, key: &K) -> Option<V> {
        let (hash, shard) = self.shard(key);
        shard.read().find(hash, |(known, _)| known == key).map(|(_, value)| value.clone())
    }

    /// Puts a value in; answers whether the key is new.
    pub(super) fn insert(&self, key: &K, value: V) -> bool {
        let (hash, shard) = self.shard(key);
        match shard.write().entry(hash, |(known, _)| known == key, |(known, _)| self.hasher.hash_one(known)) {
            Entry::Occupied(mut entry) => {
                entry.get_mut().1 = value;
                false
            }
            Entry::Vacant(entry) => {
                entry.insert((key.clone(), value));
                true
            }
        }
    }

    /// Takes a key out; answers whether it was there.
    pub(super) fn remove(&self, key: &K) -> bool {
        let (hash, shard) = self.shard(key);
        let mut shard = shard.write();
        let Ok(entry) = shard.find_entry(hash, |(known, _)| known == key) else { return false };
        drop(entry.remove());
        true
    }

    /// Changes the value of a key, which begins as the default and leaves when `change` says that it is not to be kept.
    pub(super) fn change(&self, key: &K, change: impl FnOnce(&mut V) -> bool)
    where
        V: Default,
    {
        let (hash, shard) = self.shard(key);
        let mut shard = shard.write();
        match shard.entry(hash, |(known, _)| known == key, |(known, _)| self.hasher.hash_one(known)) {
            Entry::Occupied(mut entry) => {
                if !change(&mut entry.get_mut().1) {
                    drop(entry.remove());
                }
            }
            Entry::Vacant(entry) => {
                let mut value = V::default();
                if change(&mut value) {
                    entry.insert((key.clone(), value));
                }
            }
        }
    }

    /// Keeps what the predicate likes, shard by shard.
    pub(super) fn retain(&self, mut keep: impl FnMut(&V) -> bool) {
        for shard in &self.shards {
            let mut shard = shard.write();
            shard.retain(|(_, value)| keep(value));
            shard.shrink_to_fit(|(known, _)| self.hasher.hash_one(known));
        }
    }
}
