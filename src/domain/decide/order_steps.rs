//! The steps of an order's life after payment, by the customer, the store and the clock. A step that the order has made
//! already changes nothing; one that is no longer possible is refused.

use smol_str::SmolStr;

use super::payment::refunds_due;
use super::{Decision, Found, Outcome, change_event, find};
use crate::domain::actor::Actor;
use crate::domain::context::Context;
use crate::domain::event::OrderChange;
use crate::domain::id::{OrderId, PickupCode};
use crate::domain::order::{Order, Status, reason};
use crate::domain::rejection::Rejection;
use crate::domain::state::{State, StoreState};

/// First number the node gives as a code on a business day: three digits from the start.
const FIRST_CODE: u32 = 101;

/// Called off by the customer, until the store accepts.
pub(super) fn cancel(state: &State, context: &Context<'_>, id: OrderId) -> Result<Decision, Rejection> {
    let found = find(state, context, id)?;
    match found.order.status {
        Status::Cancelled => Ok(found.unchanged()),
        Status::AwaitingPayment | Status::Paid => {
            let refunds = refunds_due(found.order, context.now);
            Ok(found.changed(context.now, OrderChange::Cancelled { reason: None, refunds }))
        }
        Status::Accepted | Status::Ready | Status::Collected | Status::Rejected => Err(found.wrong_status()),
    }
}

/// Taken by the store, under its own code or the node's.
pub(super) fn accept(
    state: &State,
    context: &Context<'_>,
    id: OrderId,
    code: Option<&PickupCode>,
) -> Result<Decision, Rejection> {
    let found = find_for_store(state, context, id)?;
    match found.order.status {
        Status::Accepted | Status::Ready | Status::Collected => return Ok(found.unchanged()),
        Status::Paid => {}
        Status::AwaitingPayment | Status::Cancelled | Status::Rejected => return Err(found.wrong_status()),
    }
    let store = state.stores.get(&found.order.store);
    if let Some(code) = code.filter(|code| store.is_some_and(|store| store.codes_held.contains_key(code))) {
        return Err(Rejection::PickupCodeTaken { code: code.clone() });
    }
    let change = OrderChange::Accepted {
        pickup_code: code.cloned().unwrap_or_else(|| next_code(store, found.order)),
        chosen_by_pos: code.is_some(),
        auto_at: context.now.plus(context.settings.auto_after),
    };
    Ok(found.changed(context.now, change))
}

/// The next number of the order's business day that no POS chose and no open order holds.
fn next_code(store: Option<&StoreState>, order: &Order) -> PickupCode {
    let codes = store.and_then(|store| store.counters.codes.get(&order.business_day));
    let mut number = codes.map_or(0, |codes| codes.next).max(FIRST_CODE);
    loop {
        let code = PickupCode::from_number(number);
        let chosen = codes.is_some_and(|codes| codes.chosen.contains(&number));
        let held = store.is_some_and(|store| store.codes_held.contains_key(&code));
        if !chosen && !held {
            return code;
        }
        number = number.wrapping_add(1);
    }
}

/// Called off by the store or the operator, until collected.
pub(super) fn reject(
    state: &State,
    context: &Context<'_>,
    id: OrderId,
    reason: &SmolStr,
) -> Result<Decision, Rejection> {
    let found = find_for_store(state, context, id)?;
    match found.order.status {
        Status::Rejected => Ok(found.unchanged()),
        Status::Paid | Status::Accepted | Status::Ready => {
            let refunds = refunds_due(found.order, context.now);
            Ok(found.changed(context.now, OrderChange::Rejected { reason: reason.clone(), refunds }))
        }
        Status::AwaitingPayment | Status::Collected | Status::Cancelled => Err(found.wrong_status()),
    }
}

/// On the counter.
pub(super) fn ready(state: &State, context: &Context<'_>, id: OrderId) -> Result<Decision, Rejection> {
    let found = find_for_store(state, context, id)?;
    match found.order.status {
        Status::Ready | Status::Collected => Ok(found.unchanged()),
        Status::Accepted => {
            let auto_at = context.now.plus(context.settings.auto_after);
            Ok(found.changed(context.now, OrderChange::Ready { auto_at, reason: None }))
        }
        Status::AwaitingPayment | Status::Paid | Status::Cancelled | Status::Rejected => Err(found.wrong_status()),
    }
}

/// With the customer.
pub(super) fn collected(state: &State, context: &Context<'_>, id: OrderId) -> Result<Decision, Rejection> {
    let found = find_for_store(state, context, id)?;
    match found.order.status {
        Status::Collected => Ok(found.unchanged()),
        Status::Ready => Ok(found.changed(context.now, OrderChange::Collected { reason: None })),
        Status::AwaitingPayment | Status::Paid | Status::Accepted | Status::Cancelled | Status::Rejected => {
            Err(found.wrong_status())
        }
    }
}

/// What the passing of a deadline does to an order that is still in the status it was for; else nothing.
pub(super) fn pass_deadline(state: &State, context: &Context<'_>, id: OrderId) -> Decision {
    let nothing = Decision::nothing(Outcome::Done);
    let Some(order) = state.order(id) else { return nothing };
    let now = context.now;
    if order.deadline().is_none_or(|deadline| now < deadline) {
        return nothing;
    }
    let refunds = || refunds_due(order, now);
    let change = match order.status {
        Status::AwaitingPayment => {
            OrderChange::Cancelled { reason: Some(SmolStr::new_static(reason::PAYMENT_TIMEOUT)), refunds: refunds() }
        }
        Status::Paid => {
            OrderChange::Rejected { reason: SmolStr::new_static(reason::STORE_TIMEOUT), refunds: refunds() }
        }
        Status::Accepted => OrderChange::Ready {
            auto_at: now.plus(context.settings.auto_after),
            reason: Some(SmolStr::new_static(reason::AUTO)),
        },
        Status::Ready => OrderChange::Collected { reason: Some(SmolStr::new_static(reason::AUTO)) },
        Status::Collected | Status::Cancelled | Status::Rejected => return nothing,
    };
    Decision::one(change_event(order, true, now, change), Outcome::Done)
}

/// The steps of the store are not the customer's, even on an order it may see.
fn find_for_store<'a>(state: &'a State, context: &Context<'a>, id: OrderId) -> Result<Found<'a>, Rejection> {
    match context.actor {
        Actor::Customer(_) => Err(Rejection::OrderNotFound { order: id }),
        Actor::Store { .. } | Actor::Operator { .. } | Actor::Provider | Actor::Node => find(state, context, id),
    }
}
