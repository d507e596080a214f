//! The open orders, with what is derived from them: the deadlines in the order of time, and how many each member has.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::shards::Shards;
use crate::domain::lookup::LookupMap;
use crate::domain::order::{Order, Status};
#[cfg(feature = "simulation")]
use crate::domain::plant::{self, Plant};
use crate::domain::time::Timestamp;

/// 256 shards by the low bits of the running number.
const ORDER_SHARD_BITS: u32 = 8;

/// All open orders by packed id.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::domain) struct Orders {
    shards: Shards<LookupMap<u64, Arc<Order>>>,
    count: usize,
    deadlines: Deadlines,
    /// Orders whose status is not final, by the member's fingerprint.
    by_member: Shards<LookupMap<u64, u32>>,
}

impl Orders {
    pub(super) fn new() -> Self {
        Self {
            shards: Shards::new(ORDER_SHARD_BITS),
            count: 0,
            deadlines: Deadlines::default(),
            by_member: Shards::new(ORDER_SHARD_BITS),
        }
    }

    pub(in crate::domain) fn get(&self, packed: u64) -> Option<&Arc<Order>> {
        self.shards.get(shard_of(packed)).get(&packed)
    }

    pub(in crate::domain) fn len(&self) -> usize {
        self.count
    }

    pub(in crate::domain) fn of_member(&self, member: u64) -> u32 {
        self.by_member.get(shard_of(member)).get(&member).copied().unwrap_or(0)
    }

    /// Whether the counts beside the orders equal those of `other`.
    pub(in crate::domain) fn same_counts(&self, other: &Self) -> bool {
        self.count == other.count && self.by_member == other.by_member
    }

    pub(in crate::domain) fn deadlines(&self) -> &Deadlines {
        &self.deadlines
    }

    /// Puts an order in that is not there yet; answers whether it was not.
    pub(in crate::domain) fn insert(&mut self, order: Arc<Order>, member: u64) -> bool {
        let packed = order.id.packed();
        if self.get(packed).is_some() {
            return false;
        }
        self.deadlines.add(order.deadline(), packed);
        if !order.status.is_final() {
            *self.by_member.get_mut(shard_of(member)).entry_or_default(member) += 1;
        }
        self.count += 1;
        self.shards.get_mut(shard_of(packed)).insert(packed, order);
        true
    }

    /// Changes an order, which leaves when that closes it; answers its status before and the order after.
    pub(in crate::domain) fn change(
        &mut self,
        packed: u64,
        member: impl FnOnce(&Order) -> u64,
        change: impl FnOnce(&mut Order),
    ) -> Option<(Status, Arc<Order>)> {
        let shard = self.shards.get_mut(shard_of(packed));
        let slot = shard.get_mut(&packed)?;
        let (status, deadline) = (slot.status, slot.deadline());
        change(Arc::make_mut(slot));
        let order = Arc::clone(slot);
        if order.is_closed() {
            shard.remove(&packed);
            self.count -= 1;
        }
        let moved = order.deadline() != deadline;
        #[cfg(feature = "simulation")]
        let moved = moved && !plant::is(Plant::DeadlineKept);
        if moved {
            self.deadlines.remove(deadline, packed);
            self.deadlines.add(order.deadline(), packed);
        }
        if order.status.is_final() && !status.is_final() {
            self.forget_of_member(member(&order));
        }
        Some((status, order))
    }

    /// Breaks what is derived from an order, to see it found.
    #[cfg(test)]
    pub(in crate::domain) fn damage(&mut self, order: &Order) {
        self.deadlines.remove(order.deadline(), order.id.packed());
        self.by_member.get_mut(0).insert(0, 1);
    }

    fn forget_of_member(&mut self, member: u64) {
        let counts = self.by_member.get_mut(shard_of(member));
        if let Some(count) = counts.get_mut(&member) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&member);
            }
        }
    }

    /// All shards, each in the order of ids.
    pub(in crate::domain) fn iter(&self) -> impl Iterator<Item = (u16, Vec<&Arc<Order>>)> {
        self.shards.iter().map(|(number, shard)| {
            let sorted = shard.sorted().into_iter();
            (number, sorted.map(|(_, order)| order).collect())
        })
    }

    /// All, in the order of ids.
    pub(in crate::domain) fn sorted(&self) -> Vec<&Arc<Order>> {
        let mut orders: Vec<_> = self.iter().flat_map(|(_, orders)| orders).collect();
        orders.sort_unstable_by_key(|order| order.id.packed());
        orders
    }
}

/// The shard an order belongs to.
pub(super) fn shard_of(packed: u64) -> usize {
    usize::try_from(packed & ((1 << ORDER_SHARD_BITS) - 1)).unwrap_or_default()
}

/// Milliseconds of one bucket of [`Deadlines`] as a power of two: about 16 s, so that some hours are some hundred.
const BUCKET_BITS: u32 = 14;

/// Orders by their next deadline, then id. In buckets of time behind `Arc`s, so that cloning stays cheap.
#[derive(Debug, Clone, PartialEq, Default)]
pub(in crate::domain) struct Deadlines(BTreeMap<i64, Arc<BTreeSet<(Timestamp, u64)>>>);

impl Deadlines {
    fn add(&mut self, at: Option<Timestamp>, packed: u64) {
        if let Some(at) = at {
            Arc::make_mut(self.0.entry(at.0 >> BUCKET_BITS).or_default()).insert((at, packed));
        }
    }

    fn remove(&mut self, at: Option<Timestamp>, packed: u64) {
        let Some(at) = at else { return };
        let bucket = at.0 >> BUCKET_BITS;
        if let Some(entries) = self.0.get_mut(&bucket) {
            let entries = Arc::make_mut(entries);
            entries.remove(&(at, packed));
            if entries.is_empty() {
                self.0.remove(&bucket);
            }
        }
    }

    /// All, earliest first.
    pub(in crate::domain) fn iter(&self) -> impl Iterator<Item = (Timestamp, u64)> {
        self.0.values().flat_map(|bucket| bucket.iter().copied())
    }
}
