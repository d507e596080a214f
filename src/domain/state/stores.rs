//! What belongs to one store: its counters, its stock, and what is derived from its open orders.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::shards::{Shards, by_text};
use crate::domain::id::{OrderId, PickupCode, Sku, StoreId};
use crate::domain::lookup::LookupMap;
use crate::domain::order::{Order, Status};
use crate::domain::stock::StockLine;
use crate::domain::store::StoreCounters;

/// 64 shards by store.
const STORE_SHARD_BITS: u32 = 6;

/// One store's changing side. Stays when the store is withdrawn.
#[derive(Debug, Clone, PartialEq, Default)]
pub(in crate::domain) struct StoreState {
    /// Counters that count on.
    pub(in crate::domain) counters: StoreCounters,
    /// Stock lines by SKU.
    pub(in crate::domain) stock: LookupMap<Sku, StockLine>,
    /// Derived: codes on the board, so that no two called at once are equal.
    pub(in crate::domain) codes_held: BTreeMap<PickupCode, OrderId>,
    /// Derived: orders paid or accepted, which the kitchen still has before it.
    pub(in crate::domain) waiting: u32,
}

impl StoreState {
    /// Takes an order's change into what is derived: `before` is its status before, `None` when it enters.
    pub(in crate::domain) fn follow(&mut self, before: Option<Status>, order: &Order) {
        let waits = |status: Status| matches!(status, Status::Paid | Status::Accepted);
        match (before.is_some_and(waits), waits(order.status)) {
            (false, true) => self.waiting += 1,
            (true, false) => self.waiting = self.waiting.saturating_sub(1),
            _ => {}
        }
        if let Some(code) = &order.pickup_code {
            match (before.is_some_and(on_board), on_board(order.status)) {
                (false, true) => {
                    self.codes_held.insert(code.clone(), order.id);
                }
                (true, false) => {
                    self.codes_held.remove(code);
                }
                _ => {}
            }
        }
    }
}

/// Whether the call screen shows an order of this status.
pub(in crate::domain) fn on_board(status: Status) -> bool {
    matches!(status, Status::Accepted | Status::Ready)
}

/// All stores that ever were.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::domain) struct Stores(Shards<LookupMap<StoreId, Arc<StoreState>>>);

impl Stores {
    pub(super) fn new() -> Self {
        Self(Shards::new(STORE_SHARD_BITS))
    }

    pub(in crate::domain) fn get(&self, store: &StoreId) -> Option<&StoreState> {
        self.0.get(by_text(store.as_str())).get(store).map(AsRef::as_ref)
    }

    /// A store to be changed, if it is there.
    pub(in crate::domain) fn get_mut(&mut self, store: &StoreId) -> Option<&mut StoreState> {
        self.0.get_mut(by_text(store.as_str())).get_mut(store).map(Arc::make_mut)
    }

    /// A store to be changed, made first where it is not there.
    pub(in crate::domain) fn entry(&mut self, store: &StoreId) -> &mut StoreState {
        Arc::make_mut(self.0.get_mut(by_text(store.as_str())).entry_or_default(store.clone()))
    }

    /// All shards, each in the order of ids.
    pub(in crate::domain) fn iter(&self) -> impl Iterator<Item = (u16, Vec<(&StoreId, &StoreState)>)> {
        self.0.iter().map(|(number, shard)| {
            let sorted = shard.sorted().into_iter();
            (number, sorted.map(|(id, store)| (id, store.as_ref())).collect())
        })
    }
}
