//! Pause and resume; and whether a store takes an order now.

use std::sync::Arc;

use super::{Decision, Outcome};
use crate::domain::event::Event;
use crate::domain::id::StoreId;
use crate::domain::rejection::Rejection;
use crate::domain::state::State;
use crate::domain::store::{Pause, Store};
use crate::domain::time::Timestamp;

/// A store on sale.
pub(super) fn known<'a>(state: &'a State, store: &StoreId) -> Result<&'a Arc<Store>, Rejection> {
    state.catalog.stores.get(store).ok_or_else(|| Rejection::UnknownStore { store: store.clone() })
}

/// A store that takes orders at `now`: open by its hours and not paused.
pub(super) fn selling<'a>(state: &'a State, store: &StoreId, now: Timestamp) -> Result<&'a Arc<Store>, Rejection> {
    let known = known(state, store)?;
    if !known.open_at(now) {
        return Err(Rejection::StoreClosed { store: store.clone() });
    }
    let pause = state.store_counters(store).and_then(|counters| counters.pause.as_ref());
    match pause.filter(|pause| pause.holds_at(now)) {
        None => Ok(known),
        Some(Pause { reason, until }) => {
            Err(Rejection::StorePaused { store: store.clone(), reason: reason.clone(), until: *until })
        }
    }
}

/// Pauses (`Some`) or resumes (`None`) a store; what holds already is no event.
pub(super) fn set_accepting(state: &State, store: &StoreId, pause: Option<Pause>) -> Result<Decision, Rejection> {
    known(state, store)?;
    let outcome = Outcome::Accepting { store: store.clone() };
    if state.store_counters(store).is_some_and(|counters| counters.pause == pause) {
        return Ok(Decision::nothing(outcome));
    }
    Ok(Decision::one(Event::AcceptingChanged { store: store.clone(), pause }, outcome))
}
