//! Sums over the events of a log, with arithmetic of its own: what stock, coupons and offsets must be if the state
//! follows from the events. Bounded like the state itself: by stores, SKUs, campaigns and open orders.

use std::collections::BTreeMap;

use super::check::Check;
use super::report::Findings;
use crate::domain::coupon::CampaignNumber;
use crate::domain::effect::{Effect, OrderEffect};
use crate::domain::event::{Event, OrderChange};
use crate::domain::id::{CampaignId, Sku, StoreId};
use crate::domain::order::Order;
use crate::domain::state::{Part, State};

/// What a store's orders have counted up to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct StoreSums {
    events: u64,
    board: u64,
    position: u64,
}

/// Units of one SKU at one store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Units {
    reserved: i128,
    sold: i128,
}

/// A campaign's coupons.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Coupons {
    claimed: u64,
    used: u64,
}

/// The sums so far.
#[derive(Debug, Clone, Default)]
pub(super) struct Tally {
    stores: BTreeMap<StoreId, StoreSums>,
    units: BTreeMap<(StoreId, Sku), Units>,
    coupons: BTreeMap<CampaignNumber, Coupons>,
    numbers: BTreeMap<CampaignId, CampaignNumber>,
    /// Which campaign's coupon an open order uses.
    using: BTreeMap<u64, CampaignNumber>,
}

impl Tally {
    /// Goes on from a state; empty for the one before the first event.
    pub(super) fn from(state: &State) -> Self {
        let mut tally = Self::default();
        for part in state.parts() {
            match part {
                Part::Stores(_, stores) => {
                    for (store, counters) in stores {
                        let (events, board) = (counters.store_offset, counters.board_offset);
                        tally.stores.insert(store, StoreSums { events, board, position: counters.last_position });
                    }
                }
                Part::Stock(_, lines) => {
                    for (store, sku, line) in lines {
                        let units = Units { reserved: line.reserved.into(), sold: line.sold.into() };
                        tally.units.insert((store, sku), units);
                    }
                }
                Part::Campaigns(campaigns) => {
                    for (number, counters) in campaigns {
                        tally.numbers.insert(counters.id, number);
                        tally.coupons.insert(number, Coupons { claimed: counters.claimed.into(), used: 0 });
                    }
                }
                Part::Claims(_, claims) => {
                    for (_, claim) in claims.into_iter().filter(|(_, claim)| claim.used_by.is_some()) {
                        tally.coupons.entry(claim.campaign).or_default().used += 1;
                    }
                }
                Part::Orders(_, orders) => {
                    for order in orders {
                        let number = order.coupon.as_ref().and_then(|coupon| tally.numbers.get(&coupon.campaign));
                        if let Some(number) = number {
                            tally.using.insert(order.id.packed(), *number);
                        }
                    }
                }
                Part::Head(_) | Part::Catalog(_) | Part::Keys(..) => {}
            }
        }
        tally
    }

    /// Takes an event in.
    pub(super) fn take(&mut self, event: &Event, effects: &[Effect]) {
        for effect in effects {
            match effect {
                Effect::Campaign { number, counters } => {
                    self.numbers.insert(counters.id.clone(), *number);
                }
                Effect::CampaignForgotten { number } => {
                    self.coupons.remove(number);
                    self.numbers.retain(|_, known| known != number);
                    self.using.retain(|_, known| known != number);
                }
                Effect::Order(effect) => self.take_order(event, effect),
                Effect::Catalog(_) | Effect::Stock { .. } | Effect::Accepting { .. } | Effect::Coupon { .. } => {}
            }
        }
        if let Event::CouponClaimed { campaign, .. } = event
            && let Some(number) = self.numbers.get(campaign)
        {
            self.coupons.entry(*number).or_default().claimed += 1;
        }
    }

    fn take_order(&mut self, event: &Event, effect: &OrderEffect) {
        let order = &effect.order;
        let sums = self.stores.entry(order.store.clone()).or_default();
        sums.events += 1;
        match event {
            Event::OrderPlaced { .. } => {
                self.move_units(order, 1, 0);
                let number = order.coupon.as_ref().and_then(|coupon| self.numbers.get(&coupon.campaign)).copied();
                if let Some(number) = number {
                    self.coupons.entry(number).or_default().used += 1;
                    self.using.insert(order.id.packed(), number);
                }
            }
            Event::OrderChanged { change, .. } => {
                let on_board = match change {
                    OrderChange::Accepted { .. } | OrderChange::Ready { .. } | OrderChange::Collected { .. } => true,
                    OrderChange::Cancelled { .. } | OrderChange::Rejected { .. } => order.accepted_at.is_some(),
                    OrderChange::Paid { .. }
                    | OrderChange::MoneyReturned { .. }
                    | OrderChange::RefundSettled { .. } => false,
                };
                sums.board += u64::from(on_board);
                match change {
                    OrderChange::Paid { .. } => {
                        sums.position += 1;
                        self.move_units(order, -1, 1);
                    }
                    OrderChange::Cancelled { .. } | OrderChange::Rejected { .. } => {
                        let was_paid = order.paid_at.is_some();
                        if was_paid {
                            self.move_units(order, 0, -1)
                        } else {
                            self.move_units(order, -1, 0)
                        }
                        if let Some(number) = self.using.remove(&order.id.packed())
                            && let Some(coupons) = self.coupons.get_mut(&number)
                        {
                            coupons.used = coupons.used.saturating_sub(1);
                        }
                    }
                    OrderChange::Collected { .. } => {
                        self.using.remove(&order.id.packed());
                    }
                    OrderChange::Accepted { .. }
                    | OrderChange::Ready { .. }
                    | OrderChange::MoneyReturned { .. }
                    | OrderChange::RefundSettled { .. } => {}
                }
            }
            _ => {}
        }
    }

    fn move_units(&mut self, order: &Order, reserved: i128, sold: i128) {
        for line in &order.lines {
            let units = self.units.entry((order.store.clone(), line.sku.clone())).or_default();
            units.reserved += reserved * i128::from(line.quantity);
            units.sold += sold * i128::from(line.quantity);
        }
    }

    /// Decision 12: every line's reserved and sold are those of the events. `place` is said first.
    pub(super) fn stock(&self, state: &State, place: &str, found: &mut Findings) -> u64 {
        let mut lines = 0;
        let mut missing = self.units.clone();
        for (store, _) in state.stores() {
            for (sku, line) in state.stock_of(store) {
                lines += 1;
                let of_events = missing.remove(&(store.clone(), sku.clone())).unwrap_or_default();
                let of_state = Units { reserved: line.reserved.into(), sold: line.sold.into() };
                found.expect(of_state == of_events, Check::StockFollows, || {
                    format!(
                        "{place}decision 12: {sku} at {store}: the state says {of_state:?}, the events {of_events:?}"
                    )
                });
            }
        }
        for ((store, sku), units) in missing.into_iter().filter(|(_, units)| *units != Units::default()) {
            let what = format!("{place}decision 12: {sku} at {store} has no line, the events say {units:?}");
            found.add(Check::StockKept, what);
        }
        lines
    }

    /// Decision 13: claimed and used coupons are those of the events.
    pub(super) fn coupons(&self, state: &State, place: &str, found: &mut Findings) -> u64 {
        let mut counted: BTreeMap<CampaignNumber, Coupons> = BTreeMap::new();
        let mut total = 0;
        for part in state.parts() {
            if let Part::Claims(_, claims) = part {
                for (_, claim) in claims {
                    total += 1;
                    let coupons = counted.entry(claim.campaign).or_default();
                    coupons.claimed += 1;
                    coupons.used += u64::from(claim.used_by.is_some());
                }
            }
        }
        let numbers: std::collections::BTreeSet<_> = counted.keys().chain(self.coupons.keys()).copied().collect();
        for number in numbers {
            let of_state = counted.get(&number).copied().unwrap_or_default();
            let of_events = self.coupons.get(&number).copied().unwrap_or_default();
            let name = || state.campaign(number).map_or_else(|| number.0.to_string(), |known| known.id.to_string());
            found.expect(of_state == of_events, Check::CouponsFollow, || {
                format!("{place}decision 13: campaign {}: the state has {of_state:?}, the events {of_events:?}", name())
            });
        }
        total
    }

    /// Decision 15: every store's offsets and last position count its orders' events.
    pub(super) fn offsets(&self, state: &State, place: &str, found: &mut Findings) -> u64 {
        let mut stores = 0;
        for (store, counters) in state.stores() {
            stores += 1;
            let of_events = self.stores.get(store).copied().unwrap_or_default();
            let (events, board) = (counters.store_offset, counters.board_offset);
            let of_state = StoreSums { events, board, position: counters.last_position };
            found.expect(of_state == of_events, Check::OffsetsFollow, || {
                format!("{place}decision 15: store {store}: the state has {of_state:?}, the events {of_events:?}")
            });
        }
        stores
    }
}
