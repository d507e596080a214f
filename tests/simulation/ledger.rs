//! The oracle: what was asked, and what each client was told. Acknowledged must be there, once and equal; unknown may be
//! there, once; what was never sent must not be.
//!
//! Each acknowledgement is known by where its history stood. Where a history ends at some point (a disk was lost, an old copy
//! was started, the very last group has rotted) what was acknowledged after it, there or by another node, must be there only
//! if the history that goes on passes that very position.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

use qucan::domain::id::{CouponId, OrderId};
use qucan::domain::order::Order;
use qucan_storage::{Position, Sequence};

use crate::history::History;

/// Everything that was sent and said.
#[derive(Default)]
pub struct Ledger {
    /// Keys of all placements that were ever sent, with the order that was answered.
    placed: BTreeMap<String, Option<(OrderId, Position)>>,
    /// Images of orders as they were answered.
    told: BTreeMap<(u64, u64), (Arc<Order>, Position)>,
    coupons: BTreeMap<CouponId, Position>,
    /// What was acknowledged in a history that ended, or by another node.
    elsewhere: Vec<(Position, Acknowledged)>,
}

/// Something that a client was told.
pub enum Acknowledged {
    Placed(String, OrderId),
    Image(Arc<Order>),
    Coupon(CouponId),
}

impl Acknowledged {
    /// Why a log does not hold it.
    fn is_missing(&self, history: &History, by_key: &BTreeMap<&str, OrderId>) -> Option<String> {
        match self {
            Self::Placed(key, order) if by_key.get(key.as_str()) == Some(order) => None,
            Self::Placed(key, order) => Some(format!("{order} was acknowledged for key {key} and is lost")),
            Self::Image(told) => match history.images.get(&(told.id.packed(), told.offset)) {
                Some(image) if image == told => None,
                Some(image) => Some(format!("acknowledged was {told:?}, on disk is {image:?}")),
                None => Some(format!("{} at offset {} was acknowledged and is lost", told.id, told.offset)),
            },
            Self::Coupon(coupon) if history.state.claim(*coupon).is_some() => None,
            Self::Coupon(coupon) => Some(format!("coupon {coupon} was acknowledged and is lost")),
        }
    }
}

impl Ledger {
    pub fn placement_sent(&mut self, key: &str) {
        self.placed.entry(key.to_owned()).or_default();
    }

    /// A placement was answered with this order.
    pub fn placement_told(&mut self, key: &str, order: OrderId, at: Position) -> Result<(), String> {
        let (known, _) = self.placed.entry(key.to_owned()).or_default().get_or_insert((order, at));
        if *known == order { Ok(()) } else { Err(format!("key {key} was answered with {known} and then with {order}")) }
    }

    /// An order was answered.
    pub fn told(&mut self, order: &Arc<Order>, at: Position) -> Result<(), String> {
        let (known, _) = self.told.entry((order.id.packed(), order.offset)).or_insert_with(|| (Arc::clone(order), at));
        if known == order { Ok(()) } else { Err(format!("{} was told as {known:?} and then as {order:?}", order.id)) }
    }

    pub fn coupon_told(&mut self, coupon: CouponId, at: Position) {
        self.coupons.entry(coupon).or_insert(at);
    }

    /// Somebody was told something by a node whose history may not be the one that goes on.
    pub fn told_elsewhere(&mut self, at: Position, what: Acknowledged) {
        self.elsewhere.push((at, what));
    }

    /// Whether an order was told as it is, in the present history.
    pub fn knows(&self, order: &Order) -> bool {
        self.told.contains_key(&(order.id.packed(), order.offset))
    }

    /// The same for a coupon.
    pub fn knows_coupon(&self, coupon: CouponId) -> bool {
        self.coupons.contains_key(&coupon)
    }

    /// The present history goes on after `kept` in another way, or not at all.
    pub fn history_ended(&mut self, kept: Sequence) {
        let mut ended = Vec::new();
        for (key, answered) in &mut self.placed {
            if let Some((order, at)) = answered.take_if(|(_, at)| at.sequence > kept) {
                ended.push((at, Acknowledged::Placed(key.clone(), order)));
            }
        }
        for (_, (order, at)) in self.told.extract_if(.., |_, (_, at)| at.sequence > kept) {
            ended.push((at, Acknowledged::Image(order)));
        }
        for (coupon, at) in self.coupons.extract_if(.., |_, at| at.sequence > kept) {
            ended.push((at, Acknowledged::Coupon(coupon)));
        }
        self.elsewhere.extend(ended);
    }

    /// Whether a log holds all of it; how much of what was acknowledged elsewhere it has to hold.
    pub fn check(&self, history: &History) -> Result<usize, String> {
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
        let placed = self.placed.iter().filter_map(|(key, told)| Some((key, told.as_ref()?)));
        let placed = placed.map(|(key, (order, _))| Acknowledged::Placed(key.clone(), *order));
        let told = self.told.values().map(|(order, _)| Acknowledged::Image(Arc::clone(order)));
        let coupons = self.coupons.keys().map(|coupon| Acknowledged::Coupon(*coupon));
        let mut missing = placed.chain(told).chain(coupons).filter_map(|what| what.is_missing(history, &by_key));
        if let Some(missing) = missing.next() {
            return Err(missing);
        }
        let passed: HashSet<Position> = history.groups.iter().map(|(at, _)| *at).collect();
        let followed: Vec<_> = self.elsewhere.iter().filter(|(at, _)| passed.contains(at)).collect();
        match followed.iter().find_map(|(_, what)| what.is_missing(history, &by_key)) {
            Some(missing) => Err(format!("of a history that was followed: {missing}")),
            None => Ok(followed.len()),
        }
    }
}
