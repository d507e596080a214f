//! What must hold between the parts of a state.

use std::collections::{BTreeMap, BTreeSet};

use super::Findings;
use crate::domain::coupon::{CampaignNumber, PER_MEMBER_MAX, coupon_id, used_by};
use crate::domain::id::{CouponId, OrderId, Sku, StoreId};
use crate::domain::order::Status;
use crate::domain::state::{Part, State};
use crate::domain::stock::StockLine;
use crate::domain::time::{BusinessDay, Millis};

pub(super) fn stock_balances(state: &State, found: &mut Findings) {
    for (_, stores) in state.stores.iter() {
        for (store, of_store) in stores {
            of_store.stock.sorted().into_iter().for_each(|(sku, line)| line_balances(store, sku, line, found));
        }
    }
}

pub(super) fn line_balances(store: &StoreId, sku: &Sku, line: &StockLine, found: &mut Findings) {
    found.expect(line.balances(), || format!("{sku} at {store}"), || format!("{line:?}"));
}

pub(super) fn stock_follows_orders(state: &State, found: &mut Findings) {
    // Units by (store, SKU): awaiting payment, and with the store.
    let mut held: BTreeMap<(&StoreId, &Sku), (u64, u64)> = BTreeMap::new();
    let orders = state.orders();
    for order in &orders {
        for line in &order.lines {
            let (reserved, sold) = held.entry((&order.store, &line.sku)).or_default();
            match order.status {
                Status::AwaitingPayment => *reserved += u64::from(line.quantity),
                Status::Paid | Status::Accepted | Status::Ready => *sold += u64::from(line.quantity),
                Status::Collected | Status::Cancelled | Status::Rejected => {}
            }
        }
    }
    for (_, stores) in state.stores.iter() {
        for (store, of_store) in stores {
            for (sku, line) in of_store.stock.sorted() {
                let (reserved, sold) = held.remove(&(store, sku)).unwrap_or_default();
                let holds = u64::from(line.reserved) == reserved && line.sold >= sold;
                let detail = || format!("{line:?} where orders hold {reserved} reserved and {sold} sold");
                found.expect(holds, || format!("{sku} at {store}"), detail);
            }
        }
    }
    for ((store, sku), (reserved, sold)) in held {
        let holds = reserved + sold == 0;
        found.expect(holds, || format!("{sku} at {store}"), || "orders hold units of a line that is missing".into());
    }
}

pub(super) fn quota_holds(state: &State, found: &mut Findings) {
    for (_, counters) in state.campaigns() {
        let quota = state.catalog.campaigns.get(&counters.id).map_or(u32::MAX, |campaign| campaign.quota);
        let claimed = counters.claimed;
        found.expect(claimed <= quota, || counters.id.to_string(), || format!("{claimed} claimed of {quota}"));
    }
}

pub(super) fn claims_counted(state: &State, found: &mut Findings) {
    let mut counts: BTreeMap<CampaignNumber, u32> = BTreeMap::new();
    for (coupon, claim) in state.claims.iter().flat_map(|(_, claims)| claims) {
        *counts.entry(claim.campaign).or_default() += 1;
        let ordinal = claim.ordinal;
        found.expect(ordinal < PER_MEMBER_MAX, || coupon.to_string(), || format!("ordinal {ordinal}"));
    }
    for (number, counters) in state.campaigns() {
        let count = counts.remove(&number).unwrap_or(0);
        let detail = || format!("claimed says {}, there are {count}", counters.claimed);
        found.expect(count == counters.claimed, || counters.id.to_string(), detail);
    }
    for (number, count) in counts {
        found.expect(false, || format!("campaign number {}", number.0), || format!("{count} claims of no campaign"));
    }
}

pub(super) fn coupon_used_once(state: &State, found: &mut Findings) {
    let secret = state.secret();
    let mut used: BTreeMap<CouponId, OrderId> = BTreeMap::new();
    for order in state.orders() {
        let live = !matches!(order.status, Status::Cancelled | Status::Rejected);
        let Some(coupon) = order.coupon.as_ref().filter(|_| live) else { continue };
        let subject = || format!("coupon {} of order {}", coupon.id, order.id);
        let other = used.insert(coupon.id, order.id);
        found.expect(other.is_none(), subject, || format!("order {other:?} uses it too"));
        // A forgotten campaign has no claims any more.
        let known = state.campaign_number(&coupon.campaign);
        let Some((number, claim)) = known.zip(state.claim(coupon.id)) else { continue };
        if claim.campaign != number {
            continue;
        }
        let owner = coupon_id(&secret, &coupon.campaign, &order.member, claim.ordinal) == coupon.id;
        found.expect(owner, subject, || "it is not its member's".into());
        let names = claim.used_by == used_by(order.id);
        found.expect(names, subject, || format!("its claim names {:?}", claim.used_by));
    }
    for (coupon, claim) in state.claims.iter().flat_map(|(_, claims)| claims) {
        let Some(by) = claim.used_by.map(|by| OrderId::from_packed(state.tag, by.get())) else { continue };
        let lives = state.order(by).is_none() || used.get(&coupon) == Some(&by);
        found.expect(lives, || format!("coupon {coupon}"), || format!("order {by} does not use it"));
    }
}

pub(super) fn only_open_orders(state: &State, found: &mut Findings) {
    let epoch = state.region().map_or(0, |region| region.epoch);
    for order in state.orders() {
        let subject = || order.id.to_string();
        found.expect(!order.is_closed(), subject, || "it is closed".into());
        found.expect(order.id.region() == state.tag, subject, || "it is of another region".into());
        let of_epoch = order.id == OrderId::from_packed(state.tag, order.id.packed()) && order.id.epoch() <= epoch;
        found.expect(of_epoch, subject, || format!("it is of an epoch after {epoch}"));
    }
}

/// The state with everything derived made anew; without claims and keys, which nothing is derived from.
fn rebuilt(state: &State, found: &mut Findings) -> Option<State> {
    let parts = state.parts().filter(|part| !matches!(part, Part::Claims(..) | Part::Keys(..)));
    match State::from_parts(parts) {
        Ok(state) => Some(state),
        Err(error) => {
            found.expect(false, || "the state".into(), || error.to_string());
            None
        }
    }
}

pub(super) fn deadlines_derived(state: &State, found: &mut Findings) {
    let mut derived: Vec<_> =
        state.orders().iter().filter_map(|order| Some((order.deadline()?, order.id.packed()))).collect();
    derived.sort_unstable();
    let holds = state.orders.deadlines().iter().eq(derived.iter().copied());
    found.expect(holds, || "the deadlines".into(), || format!("{} orders have one", derived.len()));
}

pub(super) fn codes_unique(state: &State, found: &mut Findings) {
    let mut called = BTreeMap::new();
    for order in state.orders() {
        let on_board = matches!(order.status, Status::Accepted | Status::Ready);
        let Some(code) = order.pickup_code.as_ref().filter(|_| on_board) else { continue };
        let other = called.insert((&order.store, code), order.id);
        let detail = || format!("orders {other:?} and {} are both called by it", order.id);
        found.expect(other.is_none(), || format!("code {code} at {}", order.store), detail);
    }
    for (_, stores) in state.stores.iter() {
        for (store, of_store) in stores {
            for (code, order) in &of_store.codes_held {
                let called = called.remove(&(store, code));
                let detail = || format!("held for {order}, called for {called:?}");
                found.expect(called == Some(*order), || format!("code {code} at {store}"), detail);
            }
        }
    }
    for ((store, code), order) in called {
        found.expect(false, || format!("code {code} at {store}"), || format!("called for {order}, not held"));
    }
}

pub(super) fn positions_unique(state: &State, found: &mut Findings) {
    let mut given: BTreeSet<(&StoreId, u64)> = BTreeSet::new();
    for order in state.orders() {
        let Some(position) = order.position else { continue };
        let last = state.store_counters(&order.store).map_or(0, |counters| counters.last_position);
        let subject = || format!("position {position} of order {}", order.id);
        found.expect(given.insert((&order.store, position)), subject, || "another order has it".into());
        found.expect((1..=last).contains(&position), subject, || format!("the last one given is {last}"));
    }
}

/// Farthest that a time zone is ahead of UTC.
const ZONE_AHEAD_MAX: Millis = Millis::hours(15);

pub(super) fn keys_known(state: &State, found: &mut Findings) {
    let epoch = state.region().map_or(0, |region| region.epoch);
    let last = crate::domain::time::utc_day(state.clock().plus(ZONE_AHEAD_MAX));
    for (_, _, keys) in state.keys.iter() {
        for (fingerprint, entry) in keys.sorted() {
            let id = OrderId::from_packed(state.tag, entry.target);
            let known = entry.target == 0
                || ((1..=epoch).contains(&id.epoch()) && id.day() > BusinessDay::default() && id.day() <= last);
            found.expect(known, || format!("key {fingerprint:032x}"), || format!("it points to order {id}"));
        }
    }
}

pub(super) fn counts_derived(state: &State, found: &mut Findings) {
    if let Some(rebuilt) = rebuilt(state, found) {
        let count = rebuilt.orders.len();
        let detail = || format!("{} are counted, {count} are there", state.orders.len());
        found.expect(state.orders.same_counts(&rebuilt.orders), || "open orders and their members".into(), detail);
        for (store, _) in state.stores() {
            let waiting = |state: &State| state.stores.get(store).map(|store| store.waiting);
            let (counted, derived) = (waiting(state), waiting(&rebuilt));
            let detail = || format!("{counted:?} wait, derived are {derived:?}");
            found.expect(counted == derived, || format!("store {store}"), detail);
        }
    }
    for store in state.catalog.stores.keys() {
        let there = state.store_counters(store).is_some();
        found.expect(there, || format!("store {store}"), || "on sale without counters".into());
    }
}

pub(super) fn offsets_count(state: &State, found: &mut Findings) {
    let mut events: BTreeMap<&StoreId, u64> = BTreeMap::new();
    for order in state.orders() {
        *events.entry(&order.store).or_default() += order.offset;
    }
    for (store, counters) in state.stores() {
        let events = events.remove(store).unwrap_or(0);
        let (offset, board) = (counters.store_offset, counters.board_offset);
        let detail = || format!("offset {offset}, board {board}, where open orders have {events} events");
        found.expect(events <= offset && board <= offset, || format!("store {store}"), detail);
    }
}
