//! Placing an order: every rule that stands between a wish and a reservation, in the order of the contract.

use std::sync::Arc;

use smallvec::{SmallVec, smallvec};

use super::{Decision, Outcome, coupon, payment, price, store};
use crate::domain::command::PlaceOrder;
use crate::domain::context::Context;
use crate::domain::coupon::AppliedCoupon;
use crate::domain::event::{Event, KeyUse};
use crate::domain::fingerprint;
use crate::domain::id::{OrderId, Sku, StoreId};
use crate::domain::money::Fen;
use crate::domain::order::{Line, Order, Status};
use crate::domain::rejection::Rejection;
use crate::domain::state::{KeyEntry, State};

pub(super) fn place_order(state: &State, context: &Context<'_>, request: &PlaceOrder) -> Result<Decision, Rejection> {
    let key = fingerprint::of_order(&state.secret(), request);
    if let Some(seen) = state.keys.get(key.fingerprint) {
        return repeated(state, seen, key);
    }
    let store = store::selling(state, &request.store, context.now)?;
    let mut priced = price::lines(state, &request.store, &request.lines)?;
    check_stock(state, &request.store, &priced.lines)?;
    let mut discount = Fen::ZERO;
    let mut applied = None;
    if let Some(id) = request.coupon {
        let campaign = coupon::usable(state, context.now, &request.member, id)?;
        discount = priced.discount(id, campaign)?;
        applied = Some(AppliedCoupon { id, campaign: campaign.id.clone() });
    }
    let lines = priced.taxed();
    let total: Fen = lines.iter().map(|line| line.amount).sum();
    let payable = total - discount;
    if let Some(expected) = request.expected_total.filter(|expected| *expected != payable) {
        return Err(Rejection::PriceChanged { expected, payable });
    }
    check_open_orders(state, context, request)?;
    let business_day = store.business_day(context.now);
    let epoch = state.region().map_or(0, |region| region.epoch);
    let order = Order {
        id: OrderId::new(state.tag, epoch, business_day, state.head.next_order),
        store: request.store.clone(),
        member: request.member.clone(),
        business_day,
        status: Status::AwaitingPayment,
        lines,
        fees: Vec::new(),
        currency: state.catalog.currency,
        total,
        discount,
        payable,
        coupon: applied,
        note: request.note.clone(),
        pickup_code: None,
        created_at: context.now,
        pay_by: Some(context.now.plus(context.settings.pay_within)),
        paid_at: None,
        accept_by: None,
        accepted_at: None,
        ready_at: None,
        auto_at: None,
        collected_at: None,
        closed_at: None,
        reason: None,
        payments: Vec::new(),
        refunds: Vec::new(),
        position: None,
        wait_minutes: None,
        offset: 1,
    };
    Ok(placed(state, context, order, key))
}

/// The events of a new order; one with nothing to pay is born paid.
fn placed(state: &State, context: &Context<'_>, order: Order, request: KeyUse) -> Decision {
    let outcome = Outcome::Order { id: order.id, fresh: true };
    let paid = (order.payable == Fen::ZERO).then(|| {
        let change = payment::paid(state, context, &order.store, None);
        Event::OrderChanged { order: order.id, change, whole: None }
    });
    let mut events: SmallVec<[Event; 2]> = smallvec![Event::OrderPlaced { order: Arc::new(order), request }];
    events.extend(paid);
    Decision { events, outcome }
}

/// The same key again: the same order if the same was asked for, whatever has become of it.
fn repeated(state: &State, seen: KeyEntry, key: KeyUse) -> Result<Decision, Rejection> {
    if seen.body != key.body || seen.target == 0 {
        return Err(Rejection::IdempotencyKeyReused);
    }
    let id = OrderId::from_packed(state.tag, seen.target);
    Ok(Decision::nothing(Outcome::Order { id, fresh: false }))
}

/// Enough of everything, where several lines of one SKU count together.
fn check_stock(state: &State, store: &StoreId, lines: &[Line]) -> Result<(), Rejection> {
    for (index, line) in lines.iter().enumerate() {
        if lines.iter().take(index).any(|earlier| earlier.sku == line.sku) {
            continue;
        }
        let same = lines.iter().skip(index).filter(|other| other.sku == line.sku);
        check_left(state, store, &line.sku, same.map(|other| other.quantity).sum())?;
    }
    Ok(())
}

fn check_left(state: &State, store: &StoreId, sku: &Sku, quantity: u32) -> Result<(), Rejection> {
    let line = state.stores.get(store).and_then(|store| store.stock.get(sku));
    if line.is_some_and(|line| line.can_reserve(quantity)) {
        return Ok(());
    }
    Err(Rejection::OutOfStock { sku: sku.clone(), available: line.map_or(0, |line| line.available) })
}

fn check_open_orders(state: &State, context: &Context<'_>, request: &PlaceOrder) -> Result<(), Rejection> {
    let Some(limit) = context.settings.open_orders_per_member_max else { return Ok(()) };
    let open = state.orders.of_member(fingerprint::of_member(&state.secret(), &request.member));
    if open < limit { Ok(()) } else { Err(Rejection::OverLimit { what: "open orders", limit: limit.into() }) }
}
