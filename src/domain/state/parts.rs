//! The state taken apart into plain, sorted parts and put together again: what a snapshot stores and the state hash is
//! made of. What can be derived (deadlines, codes held, counts) is left out and made anew.

use std::sync::Arc;

use super::keys::{Generation, KeyEntry};
use super::{Campaigns, State};
use crate::domain::catalog::Catalog;
use crate::domain::command::StartRegion;
use crate::domain::coupon::{CampaignCounters, CampaignNumber, Claim};
use crate::domain::fingerprint;
use crate::domain::id::{CouponId, OrderId, RegionTag, Sku, StoreId};
use crate::domain::order::Order;
use crate::domain::stock::StockLine;
use crate::domain::store::StoreCounters;
use crate::domain::time::Timestamp;

/// What there is one of.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Head {
    /// Who the log belongs to.
    pub region: Option<StartRegion>,
    /// The time of the latest event.
    pub clock: Timestamp,
    /// Number of the next order; wraps, because the business day stands beside it in the id.
    pub next_order: u32,
    /// Number of the next new campaign.
    pub next_campaign: u32,
    /// When the current generation of idempotency keys began.
    pub keys_began: Timestamp,
}

/// A piece of the state. Equal states give equal parts in equal order.
#[derive(Debug, Clone, PartialEq)]
pub enum Part {
    /// Always the first.
    Head(Head),
    /// Always the second.
    Catalog(Arc<Catalog>),
    /// By number.
    Campaigns(Vec<(CampaignNumber, CampaignCounters)>),
    /// The stores of a shard, by id; an order needs its store before it.
    Stores(u16, Vec<(StoreId, StoreCounters)>),
    /// The stock lines of a shard, by store and SKU.
    Stock(u16, Vec<(StoreId, Sku, StockLine)>),
    /// The open orders of a shard, by id.
    Orders(u16, Vec<Arc<Order>>),
    /// The claims of a shard, by coupon id.
    Claims(u16, Vec<(CouponId, Claim)>),
    /// The idempotency keys of a shard and generation, by fingerprint.
    Keys(u16, Generation, Vec<(u128, KeyEntry)>),
}

/// Parts that don't make a state. Damage that a checksum should have caught, or a mistake of ours.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PartsError {
    /// No head, or something before it.
    #[error("the head is not the first part")]
    HeadNotFirst,
    /// The same thing twice.
    #[error("{what} comes twice")]
    Twice {
        /// What.
        what: &'static str,
    },
    /// An order of another region.
    #[error("order {order} is not of this region")]
    ForeignOrder {
        /// Which.
        order: OrderId,
    },
    /// A closed order has no place in the state.
    #[error("order {order} is closed")]
    ClosedOrder {
        /// Which.
        order: OrderId,
    },
    /// An order or stock line of a store that the parts don't have.
    #[error("store {store} is missing")]
    StoreMissing {
        /// Which.
        store: StoreId,
    },
}

impl State {
    /// The whole state, piece by piece. Empty pieces are left out.
    pub fn parts(&self) -> impl Iterator<Item = Part> {
        let one = [Part::Head(self.head.clone()), Part::Catalog(Arc::clone(&self.catalog))];
        let campaigns: Vec<_> = self.campaigns.iter().map(|(number, counters)| (number, counters.clone())).collect();
        let campaigns = (!campaigns.is_empty()).then_some(Part::Campaigns(campaigns));
        let stores = self.stores.iter().filter(|(_, stores)| !stores.is_empty()).map(|(shard, stores)| {
            Part::Stores(shard, stores.into_iter().map(|(id, store)| (id.clone(), store.counters.clone())).collect())
        });
        let stock = self.stores.iter().filter_map(|(shard, stores)| {
            let lines = stores.into_iter().flat_map(|(id, store)| {
                store.stock.sorted().into_iter().map(move |(sku, line)| (id.clone(), sku.clone(), *line))
            });
            let lines: Vec<_> = lines.collect();
            (!lines.is_empty()).then_some(Part::Stock(shard, lines))
        });
        let orders = self.orders.iter().filter(|(_, orders)| !orders.is_empty());
        let orders = orders.map(|(shard, orders)| Part::Orders(shard, orders.into_iter().map(Arc::clone).collect()));
        let claims = self.claims.iter().filter(|(_, claims)| !claims.is_empty());
        let claims = claims.map(|(shard, claims)| Part::Claims(shard, claims));
        let keys = self.keys.iter().filter(|(_, _, keys)| !keys.is_empty()).map(|(shard, generation, keys)| {
            let keys = keys.sorted().into_iter().map(|(fingerprint, entry)| (*fingerprint, *entry)).collect();
            Part::Keys(shard, generation, keys)
        });
        one.into_iter().chain(campaigns).chain(stores).chain(stock).chain(orders).chain(claims).chain(keys)
    }

    /// Puts a state together from its parts, in the order in which [`State::parts`] gives them.
    pub fn from_parts(parts: impl IntoIterator<Item = Part>) -> Result<Self, PartsError> {
        let mut parts = parts.into_iter();
        let Some(Part::Head(head)) = parts.next() else { return Err(PartsError::HeadNotFirst) };
        let mut state = Self::new();
        state.tag = head.region.as_ref().map_or(RegionTag(0), |region| RegionTag::of(&region.region));
        state.head = head;
        for part in parts {
            state.take(part)?;
        }
        Ok(state)
    }

    fn take(&mut self, part: Part) -> Result<(), PartsError> {
        match part {
            Part::Head(_) => return Err(PartsError::Twice { what: "the head" }),
            Part::Catalog(catalog) => self.catalog = catalog,
            Part::Campaigns(campaigns) => {
                let mut all = Campaigns::default();
                campaigns.into_iter().for_each(|(number, counters)| all.put(number, counters));
                self.campaigns = Arc::new(all);
            }
            Part::Stores(_, stores) => {
                stores.into_iter().for_each(|(id, counters)| self.stores.entry(&id).counters = counters);
            }
            Part::Stock(_, lines) => {
                for (store, sku, line) in lines {
                    let Some(state) = self.stores.get_mut(&store) else {
                        return Err(PartsError::StoreMissing { store });
                    };
                    if state.stock.insert(sku, line).is_some() {
                        return Err(PartsError::Twice { what: "a stock line" });
                    }
                }
            }
            Part::Orders(_, orders) => orders.into_iter().try_for_each(|order| self.take_order(order))?,
            Part::Claims(_, claims) => {
                for (coupon, claim) in claims {
                    if self.claims.put(coupon, claim).is_some() {
                        return Err(PartsError::Twice { what: "a claim" });
                    }
                }
            }
            Part::Keys(_, generation, keys) => {
                keys.into_iter().for_each(|(fingerprint, entry)| self.keys.put(generation, fingerprint, entry));
            }
        }
        Ok(())
    }

    fn take_order(&mut self, order: Arc<Order>) -> Result<(), PartsError> {
        let id = order.id;
        if id.region() != self.tag {
            return Err(PartsError::ForeignOrder { order: id });
        }
        if order.is_closed() {
            return Err(PartsError::ClosedOrder { order: id });
        }
        let Some(store) = self.stores.get_mut(&order.store) else {
            return Err(PartsError::StoreMissing { store: order.store.clone() });
        };
        store.follow(None, &order);
        let member = fingerprint::of_member(&self.secret(), &order.member);
        if self.orders.insert(order, member) { Ok(()) } else { Err(PartsError::Twice { what: "an order" }) }
    }
}
