//! The oracle: what was asked, and what each client was told. Acknowledged must be there, once and equal; unknown may be
//! there, once; what was never sent must not be.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use qucan::domain::id::{CouponId, OrderId};
use qucan::domain::order::Order;

use crate::history::History;

/// Everything that was sent and said.
#[derive(Default)]
pub struct Ledger {
    /// Keys of all placements that were ever sent, with the order that was answered.
    placed: BTreeMap<String, Option<OrderId>>,
    /// Images of orders as they were answered.
    told: BTreeMap<(u64, u64), Arc<Order>>,
    coupons: BTreeSet<CouponId>,
}

impl Ledger {
    pub fn placement_sent(&mut self, key: &str) {
        self.placed.entry(key.to_owned()).or_default();
    }

    /// A placement was answered with this order.
    pub fn placement_told(&mut self, key: &str, order: OrderId) -> Result<(), String> {
        let known = self.placed.entry(key.to_owned()).or_default().get_or_insert(order);
        if *known == order { Ok(()) } else { Err(format!("key {key} was answered with {known} and then with {order}")) }
    }

    /// An order was answered.
    pub fn told(&mut self, order: &Arc<Order>) -> Result<(), String> {
        let known = self.told.entry((order.id.packed(), order.offset)).or_insert_with(|| Arc::clone(order));
        if known == order { Ok(()) } else { Err(format!("{} was told as {known:?} and then as {order:?}", order.id)) }
    }

    pub fn coupon_told(&mut self, coupon: CouponId) {
        self.coupons.insert(coupon);
    }

    /// Whether a log holds all of it.
    pub fn check(&self, history: &History) -> Result<(), String> {
        let mut by_key: BTreeMap<&str, OrderId> = BTreeMap::new();
        for order in history.orders.values() {
            let key = order.note.as_deref().ok_or_else(|| format!("{} has no key", order.id))?;
            if !self.placed.contains_key(key) {
                return Err(format!("{} was never asked for", order.id));
            }
            if let Some(other) = by_key.insert(key, order.id) {
                return Err(format!("key {key} made {other} and {}", order.id));
            }
            let mut references = BTreeSet::new();
            if !order.payments.iter().all(|payment| references.insert(&payment.reference)) {
                return Err(format!("a payment of {} was recorded twice", order.id));
            }
        }
        for (key, told) in &self.placed {
            if let Some(order) = told
                && by_key.get(key.as_str()) != Some(order)
            {
                return Err(format!("{order} was acknowledged for key {key} and is lost"));
            }
        }
        for (at, told) in &self.told {
            match history.images.get(at) {
                Some(image) if image == told => {}
                Some(image) => return Err(format!("acknowledged was {told:?}, on disk is {image:?}")),
                None => return Err(format!("{} at offset {} was acknowledged and is lost", told.id, told.offset)),
            }
        }
        match self.coupons.iter().find(|coupon| history.state.claim(**coupon).is_none()) {
            Some(coupon) => Err(format!("coupon {coupon} was acknowledged and is lost")),
            None => Ok(()),
        }
    }
}
