//! Stock set and adjusted by the store. What orders do to stock follows from their own events.

use super::{Decision, Outcome, store};
use crate::domain::actor::Actor;
use crate::domain::event::Event;
use crate::domain::fingerprint;
use crate::domain::id::{IdempotencyKey, Sku, StoreId};
use crate::domain::rejection::Rejection;
use crate::domain::state::State;
use crate::domain::stock::STOCK_MAX;

/// What [`adjust`] is asked for.
pub(super) struct Adjustment<'a> {
    pub(super) store: &'a StoreId,
    pub(super) sku: &'a Sku,
    pub(super) delta: i32,
    pub(super) reason: &'a str,
    pub(super) key: &'a IdempotencyKey,
}

/// Sets what can be ordered of a SKU; what is so already is no event.
pub(super) fn set(state: &State, store: &StoreId, sku: &Sku, available: Option<u32>) -> Result<Decision, Rejection> {
    let line = known_line(state, store, sku)?;
    check_amount(available.unwrap_or(0).into())?;
    let outcome = Outcome::Stock { store: store.clone(), sku: sku.clone() };
    if line.is_some_and(|line| line.left() == available) {
        return Ok(Decision::nothing(outcome));
    }
    Ok(Decision::one(Event::StockSet { store: store.clone(), sku: sku.clone(), available }, outcome))
}

/// Takes stock in or out, once for each idempotency key.
pub(super) fn adjust(state: &State, actor: &Actor, asked: &Adjustment<'_>) -> Result<Decision, Rejection> {
    let &Adjustment { store, sku, delta, reason, key } = asked;
    let outcome = Outcome::Stock { store: store.clone(), sku: sku.clone() };
    let request = fingerprint::of_adjustment(&state.secret(), actor, key, (store, sku, delta, reason));
    if let Some(seen) = state.keys.get(request.fingerprint) {
        let same = seen.body == request.body;
        return if same { Ok(Decision::nothing(outcome)) } else { Err(Rejection::IdempotencyKeyReused) };
    }
    let available = match known_line(state, store, sku)? {
        Some(line) => {
            line.left().ok_or_else(|| Rejection::StockNotCounted { store: store.clone(), sku: sku.clone() })?
        }
        None => 0,
    };
    let after = i64::from(available) + i64::from(delta);
    if after < 0 {
        return Err(Rejection::OutOfStock { sku: sku.clone(), available });
    }
    check_amount(after)?;
    let (store, sku, reason) = (store.clone(), sku.clone(), reason.into());
    Ok(Decision::one(Event::StockAdjusted { store, sku, delta, reason, request }, outcome))
}

fn check_amount(available: i64) -> Result<(), Rejection> {
    if available <= i64::from(STOCK_MAX) {
        return Ok(());
    }
    Err(Rejection::OverLimit { what: "available", limit: STOCK_MAX.into() })
}

/// The line of something this store sells or once had in stock; nothing where it was never declared.
fn known_line(state: &State, store: &StoreId, sku: &Sku) -> Result<Option<crate::domain::stock::StockLine>, Rejection> {
    store::known(state, store)?;
    let line = state.stock_line(store, sku);
    let sold = state.catalog.items.get(sku).is_some_and(|item| item.stores.contains(store));
    if line.is_none() && !sold {
        return Err(Rejection::UnknownItem { sku: sku.clone() });
    }
    Ok(line)
}
