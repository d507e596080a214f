//! The hot state: everything a decision looks at, in memory, bounded by what is open. Read here, changed by
//! [`evolve`](super::evolve) only, taken apart and put together again in [`parts`].
//!
//! Cloning copies pointers: shards stand behind `Arc`s and are copied when next written.

use std::sync::Arc;

use super::catalog::Catalog;
use super::command::StartRegion;
use super::coupon::{self, CampaignCounters, CampaignNumber, Claim, Coupon, RegionSecret};
use super::id::{CampaignId, CouponId, MemberId, OrderId, PickupCode, RegionTag, Sku, StoreId};
use super::order::Order;
use super::stock::StockLine;
use super::store::StoreCounters;
use super::time::Timestamp;

mod claims;
mod keys;
mod orders;
pub mod parts;
mod shards;
mod stores;

pub use claims::{CAMPAIGN_NUMBER_MAX, CLAIMS_KEPT_AFTER_END};
pub use keys::{Generation, KEY_KEPT, KeyEntry};
pub use parts::{Head, Part, PartsError};

pub(in crate::domain) use claims::{Campaigns, Claims};
pub(in crate::domain) use keys::Keys;
pub(in crate::domain) use orders::Orders;
pub(in crate::domain) use stores::{StoreState, Stores, on_board};

/// The state of a region. Equal states behave equally for ever.
#[derive(Debug, Clone, PartialEq)]
pub struct State {
    pub(in crate::domain) head: Head,
    /// Derived from the head: the tag in the ids of this region's orders.
    pub(in crate::domain) tag: RegionTag,
    pub(in crate::domain) catalog: Arc<Catalog>,
    pub(in crate::domain) campaigns: Arc<Campaigns>,
    pub(in crate::domain) stores: Stores,
    pub(in crate::domain) orders: Orders,
    pub(in crate::domain) claims: Claims,
    pub(in crate::domain) keys: Keys,
}

impl Default for State {
    fn default() -> Self {
        Self::new()
    }
}

impl State {
    /// The state before the first event.
    pub fn new() -> Self {
        Self {
            head: Head::default(),
            tag: RegionTag(0),
            catalog: Arc::default(),
            campaigns: Arc::default(),
            stores: Stores::new(),
            orders: Orders::new(),
            claims: Claims::new(),
            keys: Keys::new(),
        }
    }

    /// Who the log belongs to; nothing before the first event.
    pub fn region(&self) -> Option<&StartRegion> {
        self.head.region.as_ref()
    }

    /// The tag in the ids of this region's orders.
    pub fn region_tag(&self) -> Option<RegionTag> {
        self.region().map(|_| self.tag)
    }

    /// The time of the latest event.
    pub fn clock(&self) -> Timestamp {
        self.head.clock
    }

    /// What is on sale.
    pub fn catalog(&self) -> &Arc<Catalog> {
        &self.catalog
    }

    /// An open order; closed ones have left the state.
    pub fn order(&self, order: OrderId) -> Option<&Arc<Order>> {
        (order.region() == self.tag).then(|| self.orders.get(order.packed())).flatten()
    }

    /// How many orders are open.
    pub fn open_orders(&self) -> usize {
        self.orders.len()
    }

    /// Every open order, by id. Sorts them all: not for the hot path.
    pub fn orders(&self) -> Vec<&Arc<Order>> {
        self.orders.sorted()
    }

    /// Whether an order of this id was placed before this state, open still or closed.
    pub fn has_placed(&self, order: OrderId) -> bool {
        // Numbers wrap; orders that are compared lie closer together than half of them.
        let ahead = self.head.next_order.wrapping_sub(order.number());
        (1..=u32::MAX / 2).contains(&ahead)
    }

    /// The claim behind a coupon id.
    pub fn claim(&self, coupon: CouponId) -> Option<Claim> {
        self.claims.get(coupon)
    }

    /// A coupon as its owner sees it at `now`.
    pub fn coupon(&self, now: Timestamp, coupon: CouponId) -> Option<Coupon> {
        let claim = self.claims.get(coupon)?;
        Some(coupon::view(now, coupon, claim, self.campaigns.get(claim.campaign)?))
    }

    /// All coupons of a member, newest campaign first. Several hashes a campaign: not for the hot path.
    pub fn coupons_of(&self, now: Timestamp, member: &MemberId) -> Vec<Coupon> {
        let Some(region) = self.region() else { return Vec::new() };
        coupon::coupons_of(&region.secret, member, now, self.campaigns.iter(), |coupon| self.claims.get(coupon))
    }

    /// A campaign's running figures, also while it is withdrawn.
    pub fn campaign(&self, number: CampaignNumber) -> Option<&CampaignCounters> {
        self.campaigns.get(number)
    }

    /// A campaign's number.
    pub fn campaign_number(&self, campaign: &CampaignId) -> Option<CampaignNumber> {
        self.campaigns.number(campaign)
    }

    /// Every campaign that is on sale or still has claims.
    pub fn campaigns(&self) -> impl Iterator<Item = (CampaignNumber, &CampaignCounters)> {
        self.campaigns.iter()
    }

    /// A stock line. Where none was ever declared nothing can be ordered, as if it were counted and 0.
    pub fn stock_line(&self, store: &StoreId, sku: &Sku) -> Option<StockLine> {
        self.stores.get(store)?.stock.get(sku).copied()
    }

    /// A store's stock lines by SKU.
    pub fn stock_of(&self, store: &StoreId) -> Vec<(&Sku, StockLine)> {
        let lines = self.stores.get(store).map(|store| store.stock.sorted()).unwrap_or_default();
        lines.into_iter().map(|(sku, line)| (sku, *line)).collect()
    }

    /// A store's counters, also while it is withdrawn.
    pub fn store_counters(&self, store: &StoreId) -> Option<&StoreCounters> {
        self.stores.get(store).map(|store| &store.counters)
    }

    /// Every store that ever was, by shard, then id.
    pub fn stores(&self) -> impl Iterator<Item = (&StoreId, &StoreCounters)> {
        self.stores.iter().flat_map(|(_, stores)| stores.into_iter().map(|(id, store)| (id, &store.counters)))
    }

    /// The order on the board that is called by this code.
    pub fn code_holder(&self, store: &StoreId, code: &PickupCode) -> Option<OrderId> {
        self.stores.get(store)?.codes_held.get(code).copied()
    }

    /// When the next order passes a deadline.
    pub fn next_deadline(&self) -> Option<Timestamp> {
        self.orders.deadlines().iter().next().map(|(at, _)| at)
    }

    /// Orders whose deadline is at or before `now`, earliest first, at most `limit`.
    pub fn due(&self, now: Timestamp, limit: usize) -> Vec<OrderId> {
        let due = self.orders.deadlines().iter().take_while(|(at, _)| *at <= now).take(limit);
        due.map(|(_, packed)| OrderId::from_packed(self.tag, packed)).collect()
    }

    /// The secret of the fingerprints; before the first event there is none and nothing to decide either.
    pub(in crate::domain) fn secret(&self) -> RegionSecret {
        self.head.region.as_ref().map_or(RegionSecret([0; 32]), |region| region.secret)
    }
}
