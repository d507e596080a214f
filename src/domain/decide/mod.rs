//! Decide: state + context + command → events, or a rejection. Pure; never changes anything.

use smallvec::SmallVec;

use super::catalog::ImportSummary;
use super::command::Command;
use super::context::Context;
use super::event::Event;
use super::id::{CouponId, OrderId, Sku, StoreId};
use super::rejection::Rejection;
use super::state::State;

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
pub fn decide(_state: &State, _context: &Context<'_>, _command: &Command) -> Result<Decision, Rejection> {
    Err(Rejection::WrongRegion { why: "no rule is built yet" })
}
