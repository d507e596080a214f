//! Money that came, and money that went back. Whatever comes is recorded; what an order has no use for is returned.

use super::{Decision, Found, find};
use crate::domain::context::Context;
use crate::domain::event::OrderChange;
use crate::domain::id::{OrderId, StoreId};
use crate::domain::order::{Order, PAYMENT_MAX, PAYMENTS_MAX, Status};
use crate::domain::payment::{Payment, Refund, RefundOutcome, RefundStatus};
use crate::domain::rejection::Rejection;
use crate::domain::state::State;
use crate::domain::time::Timestamp;

/// Minutes that a store needs at least.
const WAIT_MINUTES_LEAST: u32 = 5;
/// Minutes that every order before this one adds.
const WAIT_MINUTES_EACH: u32 = 2;
/// A promise beyond this is none.
const WAIT_MINUTES_MAX: u32 = 120;

/// Minutes to promise with `ahead` orders paid or accepted before this one.
pub fn promise(ahead: u32) -> u16 {
    let minutes = ahead.saturating_mul(WAIT_MINUTES_EACH).saturating_add(WAIT_MINUTES_LEAST);
    u16::try_from(minutes.min(WAIT_MINUTES_MAX)).unwrap_or_default()
}

/// The change that makes an order paid: it goes to the end of its store's queue.
pub(super) fn paid(state: &State, context: &Context<'_>, store: &StoreId, payment: Option<Payment>) -> OrderChange {
    let store = state.stores.get(store);
    OrderChange::Paid {
        payment,
        position: store.map_or(0, |store| store.counters.last_position) + 1,
        accept_by: context.now.plus(context.settings.accept_within),
        wait_minutes: promise(store.map_or(0, |store| store.waiting)),
    }
}

/// Records money. The exact amount for an order that waits for it pays it; anything else goes back by itself.
pub(super) fn record(
    state: &State,
    context: &Context<'_>,
    id: OrderId,
    payment: Payment,
) -> Result<Decision, Rejection> {
    let found = find(state, context, id)?;
    let order = found.order;
    let known = order.payments.iter().any(|known| is_of(known, &payment));
    if known || payment.amount.0 <= 0 {
        return Ok(found.unchanged());
    }
    if payment.amount > PAYMENT_MAX {
        return Err(Rejection::OverLimit { what: "amount", limit: u64::try_from(PAYMENT_MAX.0).unwrap_or(u64::MAX) });
    }
    if order.payments.len() >= PAYMENTS_MAX {
        let limit = u64::try_from(PAYMENTS_MAX).unwrap_or(u64::MAX);
        return Err(Rejection::OverLimit { what: "payments of this order", limit });
    }
    let change = if order.status == Status::AwaitingPayment && payment.amount == order.payable {
        paid(state, context, &order.store, Some(payment))
    } else {
        let refund = refund(&payment, next_refund(order), context.now);
        OrderChange::MoneyReturned { payment, refund }
    };
    Ok(found.changed(context.now, change))
}

/// Takes in what a provider answered to a refund. Once succeeded it stays so.
pub(super) fn settle_refund(
    state: &State,
    context: &Context<'_>,
    id: OrderId,
    number: u16,
    outcome: RefundOutcome,
) -> Result<Decision, Rejection> {
    let found = find(state, context, id)?;
    let refund = found.order.refunds.iter().find(|refund| refund.number == number);
    let refund = refund.ok_or_else(|| found.wrong_status())?;
    let status = match (refund.status, outcome) {
        (RefundStatus::Pending | RefundStatus::Failed, RefundOutcome::Succeeded) => RefundStatus::Succeeded,
        (RefundStatus::Pending, RefundOutcome::Failed) => RefundStatus::Failed,
        (RefundStatus::Failed, RefundOutcome::Retried) => RefundStatus::Pending,
        (RefundStatus::Succeeded, _)
        | (RefundStatus::Failed, RefundOutcome::Failed)
        | (RefundStatus::Pending, RefundOutcome::Retried) => return Ok(found.unchanged()),
    };
    Ok(settled(&found, context.now, number, status))
}

fn settled(found: &Found<'_>, now: Timestamp, number: u16, status: RefundStatus) -> Decision {
    found.changed(now, OrderChange::RefundSettled { number, status })
}

/// A refund for every payment that is not on its way back yet.
pub(super) fn refunds_due(order: &Order, now: Timestamp) -> Vec<Refund> {
    let kept = order.payments.iter().filter(|payment| {
        !order.refunds.iter().any(|refund| refund.payment == payment.reference && refund.provider == payment.provider)
    });
    (next_refund(order)..).zip(kept).map(|(number, payment)| refund(payment, number, now)).collect()
}

fn refund(payment: &Payment, number: u16, now: Timestamp) -> Refund {
    Refund {
        number,
        payment: payment.reference.clone(),
        provider: payment.provider.clone(),
        amount: payment.amount,
        status: RefundStatus::Pending,
        at: now,
    }
}

/// Refunds are numbered from 1; there are at most [`PAYMENTS_MAX`].
fn next_refund(order: &Order) -> u16 {
    u16::try_from(order.refunds.len() + 1).unwrap_or(u16::MAX)
}

fn is_of(known: &Payment, payment: &Payment) -> bool {
    known.provider == payment.provider && known.reference == payment.reference
}
