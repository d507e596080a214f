//! Closed orders between the hot state and the projection. Bounded: over the bound new orders are refused, because the
//! writer never waits for sled and nobody is told "not found" about an order that exists.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::RwLock;

use crate::domain::id::{MemberId, StoreId};
use crate::domain::order::Order;

/// Closed orders that are not projected yet, by id, member and store.
#[derive(Debug, Default)]
pub struct Overlay {
    inner: RwLock<Inner>,
    len: AtomicUsize,
    /// Beyond this many the oldest are forgotten; only where there is no projection to take them.
    forget_beyond: Option<usize>,
}

#[derive(Debug, Default)]
struct Inner {
    orders: HashMap<u64, (Arc<Order>, u64)>,
    by_member: HashMap<MemberId, Vec<u64>>,
    by_store: HashMap<StoreId, BTreeMap<u64, Arc<Order>>>,
    /// In the order of closing; an order closed again stands there twice, and only the newer sequence counts.
    closed: VecDeque<(u64, u64)>,
}

impl Overlay {
    /// An empty overlay; one without a projection behind it forgets what is beyond the bound.
    pub(in crate::engine) fn new(forget_beyond: Option<usize>) -> Self {
        Self { forget_beyond, ..Self::default() }
    }

    /// How many orders wait.
    pub(in crate::engine) fn len(&self) -> usize {
        self.len.load(Ordering::Relaxed)
    }

    pub(in crate::engine) fn order(&self, packed: u64) -> Option<Arc<Order>> {
        self.inner.read().orders.get(&packed).map(|(order, _)| Arc::clone(order))
    }

    /// A member's closed orders, in no particular order.
    pub(in crate::engine) fn of_member(&self, member: &MemberId) -> Vec<Arc<Order>> {
        let inner = self.inner.read();
        let ids = inner.by_member.get(member).map(Vec::as_slice).unwrap_or_default();
        ids.iter().filter_map(|id| inner.orders.get(id)).map(|(order, _)| Arc::clone(order)).collect()
    }

    /// A store's closed orders that `keep` likes, by id.
    pub(in crate::engine) fn of_store(&self, store: &StoreId, keep: impl Fn(&Order) -> bool) -> Vec<Arc<Order>> {
        let inner = self.inner.read();
        let orders = inner.by_store.get(store).into_iter().flat_map(BTreeMap::values);
        orders.filter(|order| keep(order)).cloned().collect()
    }

    /// Closed orders with a packed id below `below`, of one store or of all, in no particular order.
    pub(in crate::engine) fn below(&self, store: Option<&StoreId>, below: u64) -> Vec<Arc<Order>> {
        let inner = self.inner.read();
        match store {
            Some(store) => {
                let orders = inner.by_store.get(store).into_iter().flat_map(|orders| orders.range(..below));
                orders.map(|(_, order)| Arc::clone(order)).collect()
            }
            None => {
                let orders = inner.orders.iter().filter(|(packed, _)| **packed < below);
                orders.map(|(_, (order, _))| Arc::clone(order)).collect()
            }
        }
    }

    /// Puts a closed order in; `sequence` is that of the log entry (or the last one of its group) that closed it.
    pub(in crate::engine) fn insert(&self, order: &Arc<Order>, sequence: u64) {
        let packed = order.id.packed();
        let mut inner = self.inner.write();
        inner.closed.push_back((sequence, packed));
        inner.by_store.entry(order.store.clone()).or_default().insert(packed, Arc::clone(order));
        if inner.orders.insert(packed, (Arc::clone(order), sequence)).is_none() {
            inner.by_member.entry(order.member.clone()).or_default().push(packed);
        }
        if let Some(most) = self.forget_beyond {
            inner.forget_oldest(most);
        }
        self.len.store(inner.orders.len(), Ordering::Relaxed);
    }

    /// Keeps the newest `most` and answers the sequence up to which it has forgotten orders now, if it has.
    pub(in crate::engine) fn forget_oldest(&self, most: usize) -> Option<u64> {
        let mut inner = self.inner.write();
        let forgotten = inner.forget_oldest(most);
        self.len.store(inner.orders.len(), Ordering::Relaxed);
        forgotten
    }

    /// Lets go of what the projection has applied.
    pub(in crate::engine) fn projected(&self, through: u64) {
        let mut inner = self.inner.write();
        while let Some((sequence, packed)) = inner.closed.front().copied().filter(|(sequence, _)| *sequence <= through)
        {
            inner.closed.pop_front();
            inner.remove(packed, sequence);
        }
        self.len.store(inner.orders.len(), Ordering::Relaxed);
    }
}

impl Inner {
    fn forget_oldest(&mut self, most: usize) -> Option<u64> {
        let mut forgotten = None;
        while self.orders.len() > most {
            let (sequence, packed) = self.closed.pop_front()?;
            self.remove(packed, sequence);
            forgotten = Some(sequence);
        }
        forgotten
    }

    /// Takes an order out, unless it was closed again later.
    fn remove(&mut self, packed: u64, sequence: u64) {
        if self.orders.get(&packed).is_none_or(|(_, newest)| *newest != sequence) {
            return;
        }
        let Some((order, _)) = self.orders.remove(&packed) else { return };
        if let Some(ids) = self.by_member.get_mut(&order.member) {
            ids.retain(|id| *id != packed);
            if ids.is_empty() {
                self.by_member.remove(&order.member);
            }
        }
        if let Some(orders) = self.by_store.get_mut(&order.store) {
            orders.remove(&packed);
            if orders.is_empty() {
                self.by_store.remove(&order.store);
            }
        }
    }
}
