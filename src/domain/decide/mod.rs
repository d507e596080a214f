//! Decide: state + context + command → events, or a rejection. Pure; never changes anything.

mod catalog;
mod coupon;
mod order_steps;
mod payment;
mod place_order;
mod price;
mod region;
mod stock;
mod store;

pub use payment::promise;

use std::sync::Arc;

use smallvec::SmallVec;

use super::catalog::ImportSummary;
use super::command::Command;
use super::context::Context;
use super::event::{Event, OrderChange};
use super::id::{CouponId, OrderId, Sku, StoreId};
use super::order::Order;
use super::payment::{Payment, RefundStatus};
use super::rejection::Rejection;
use super::state::State;
use super::store::Pause;
use super::time::Timestamp;

/// What a command led to.
#[derive(Debug, Clone, PartialEq)]
pub struct Decision {
    /// What happens, in order; empty for a harmless repetition.
    pub events: SmallVec<[Event; 2]>,
    /// What the answer will be about.
    pub outcome: Outcome,
}

/// What to answer with, read after the events took effect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// An order; `fresh` when this command placed it (201 rather than 200).
    Order {
        /// Which.
        id: OrderId,
        /// Whether it is new.
        fresh: bool,
    },
    /// A coupon; `fresh` when this command claimed it.
    Coupon {
        /// Which.
        id: CouponId,
        /// Whether it is new.
        fresh: bool,
    },
    /// A stock line.
    Stock {
        /// Where.
        store: StoreId,
        /// Of what.
        sku: Sku,
    },
    /// Whether a store takes orders.
    Accepting {
        /// Which.
        store: StoreId,
    },
    /// A catalogue was imported.
    Catalog(ImportSummary),
    /// Nothing to say.
    Done,
}

/// Decides a command against the present state.
///
/// # Errors
/// A [`Rejection`] changed nothing and will be given again as long as nothing else happens.
pub fn decide(state: &State, context: &Context<'_>, command: &Command) -> Result<Decision, Rejection> {
    if let Command::StartRegion(start) = command {
        return region::start(state, start);
    }
    if state.region().is_none() {
        return Err(Rejection::WrongRegion { why: "the region has not begun" });
    }
    match command {
        Command::StartRegion(start) => region::start(state, start),
        Command::ImportCatalog(import) => catalog::import(state, import),
        Command::ClaimCoupon { member, campaign } => coupon::claim(state, context.now, member, campaign),
        Command::PlaceOrder(request) => place_order::place_order(state, context, request),
        Command::RecordPayment { order, provider, reference, amount } => {
            let came =
                Payment { provider: provider.clone(), reference: reference.clone(), amount: *amount, at: context.now };
            payment::record(state, context, *order, came)
        }
        Command::SettleRefund { order, number, outcome } => {
            payment::settle_refund(state, context, *order, *number, *outcome)
        }
        Command::CancelOrder { order } => order_steps::cancel(state, context, *order),
        Command::AcceptOrder { order, pickup_code } => {
            order_steps::accept(state, context, *order, pickup_code.as_ref())
        }
        Command::RejectOrder { order, reason } => order_steps::reject(state, context, *order, reason),
        Command::MarkReady { order } => order_steps::ready(state, context, *order),
        Command::MarkCollected { order } => order_steps::collected(state, context, *order),
        Command::PassDeadline { order } => Ok(order_steps::pass_deadline(state, context, *order)),
        Command::SetStock { store, sku, available } => stock::set(state, store, sku, *available),
        Command::AdjustStock { store, sku, delta, reason, key } => {
            stock::adjust(state, context.actor, &stock::Adjustment { store, sku, delta: *delta, reason, key })
        }
        Command::SetAccepting { store, accepting, reason, until } => {
            let pause = (!accepting).then(|| Pause { reason: reason.clone(), until: *until });
            store::set_accepting(state, store, pause)
        }
    }
}

impl Decision {
    /// Nothing happens: a harmless repetition.
    fn nothing(outcome: Outcome) -> Self {
        Self { events: SmallVec::new(), outcome }
    }

    /// One thing happens.
    fn one(event: Event, outcome: Outcome) -> Self {
        let mut events = SmallVec::new();
        events.push(event);
        Self { events, outcome }
    }
}

/// The order a command is about: open in the state, or closed and come with the context.
struct Found<'a> {
    order: &'a Order,
    open: bool,
}

/// Finds the order a command is about. One that the actor may not see is as if it did not exist.
fn find<'a>(state: &'a State, context: &Context<'a>, id: OrderId) -> Result<Found<'a>, Rejection> {
    let not_found = Rejection::OrderNotFound { order: id };
    let found = match (state.order(id), context.closed.filter(|closed| closed.id == id)) {
        (Some(order), _) => Found { order, open: true },
        (None, Some(order)) => Found { order, open: false },
        (None, None) if state.region_tag() == Some(id.region()) => return Err(Rejection::RecordNeeded { order: id }),
        (None, None) => return Err(not_found),
    };
    if found.order.visible_to(context.actor) { Ok(found) } else { Err(not_found) }
}

impl Found<'_> {
    /// Nothing changes; the order is the answer.
    fn unchanged(&self) -> Decision {
        Decision::nothing(Outcome::Order { id: self.order.id, fresh: false })
    }

    /// The order is past this.
    fn wrong_status(&self) -> Rejection {
        Rejection::WrongStatus { status: self.order.status }
    }

    /// The order changes.
    fn changed(&self, now: Timestamp, change: OrderChange) -> Decision {
        let event = change_event(self.order, self.open, now, change);
        Decision::one(event, Outcome::Order { id: self.order.id, fresh: false })
    }
}

/// The event of a change, with the whole order where the change closes it or opens a closed one again.
fn change_event(order: &Order, open: bool, now: Timestamp, change: OrderChange) -> Event {
    let may_close = match &change {
        OrderChange::Collected { .. } => true,
        OrderChange::Cancelled { refunds, .. } | OrderChange::Rejected { refunds, .. } => refunds.is_empty(),
        OrderChange::RefundSettled { status, .. } => *status == RefundStatus::Succeeded && order.status.is_final(),
        OrderChange::Paid { .. }
        | OrderChange::Accepted { .. }
        | OrderChange::Ready { .. }
        | OrderChange::MoneyReturned { .. } => false,
    };
    let after = (may_close || !open).then(|| {
        let mut after = order.clone();
        after.apply(now, &change);
        after
    });
    let whole = after.filter(|after| !open || after.is_closed()).map(Arc::new);
    Event::OrderChanged { order: order.id, change, whole }
}
