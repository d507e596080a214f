//! Importing a catalogue file: only what differs becomes an event, so importing a file again changes nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use smallvec::SmallVec;

use super::{Decision, Outcome};
use crate::domain::catalog::{CatalogImport, ImportSummary, StockDeclaration, StoreScope};
use crate::domain::event::Event;
use crate::domain::evolve::declares;
use crate::domain::id::{Sku, StoreId};
use crate::domain::rejection::Rejection;
use crate::domain::state::State;

type Events = SmallVec<[Event; 2]>;

/// Brings the catalogue to what the file says: definitions first, then withdrawals, then stock.
pub(super) fn import(state: &State, import: &CatalogImport) -> Result<Decision, Rejection> {
    check_quotas(state, import)?;
    let mut events = Events::new();
    let mut summary = ImportSummary::default();
    if state.catalog.currency != import.currency {
        events.push(Event::CurrencySet(import.currency));
    }
    define(state, import, &mut events, &mut summary);
    withdraw(state, import, &mut events, &mut summary);
    declare_stock(state, import, &mut events, &mut summary);
    Ok(Decision { events, outcome: Outcome::Catalog(summary) })
}

/// A quota can't be below what is claimed already.
fn check_quotas(state: &State, import: &CatalogImport) -> Result<(), Rejection> {
    for campaign in &import.campaigns {
        let number = state.campaigns.number(&campaign.id);
        let claimed = number.and_then(|number| state.campaigns.get(number)).map_or(0, |counters| counters.claimed);
        if campaign.quota < claimed {
            let (campaign, quota) = (campaign.id.clone(), campaign.quota);
            return Err(Rejection::QuotaBelowClaimed { campaign, quota, claimed });
        }
    }
    Ok(())
}

fn define(state: &State, import: &CatalogImport, events: &mut Events, summary: &mut ImportSummary) {
    let now = &state.catalog;
    for store in &import.stores {
        if now.stores.get(&store.id).is_none_or(|known| **known != *store) {
            events.push(Event::StoreDefined(Arc::new(store.clone())));
            summary.stores += 1;
        }
    }
    for item in &import.items {
        if now.items.get(&item.sku).is_none_or(|known| **known != *item) {
            events.push(Event::ItemDefined(Arc::new(item.clone())));
            summary.items += 1;
        }
    }
    for campaign in &import.campaigns {
        if now.campaigns.get(&campaign.id).is_none_or(|known| **known != *campaign) {
            events.push(Event::CampaignDefined(Arc::new(campaign.clone())));
            summary.campaigns += 1;
        }
    }
}

fn withdraw(state: &State, import: &CatalogImport, events: &mut Events, summary: &mut ImportSummary) {
    let now = &state.catalog;
    let campaigns: BTreeSet<_> = import.campaigns.iter().map(|campaign| &campaign.id).collect();
    let items: BTreeSet<_> = import.items.iter().map(|item| &item.sku).collect();
    let stores: BTreeSet<_> = import.stores.iter().map(|store| &store.id).collect();
    let before = events.len();
    let gone = now.campaigns.keys().filter(|id| !campaigns.contains(id));
    events.extend(gone.map(|id| Event::CampaignWithdrawn(id.clone())));
    events.extend(now.items.keys().filter(|sku| !items.contains(sku)).map(|sku| Event::ItemWithdrawn(sku.clone())));
    events.extend(now.stores.keys().filter(|id| !stores.contains(id)).map(|id| Event::StoreWithdrawn(id.clone())));
    summary.withdrawn = u32::try_from(events.len() - before).unwrap_or(u32::MAX);
}

/// Declares stock where that would change a line: a missing one, or with `set_stock` one that differs.
fn declare_stock(state: &State, import: &CatalogImport, events: &mut Events, summary: &mut ImportSummary) {
    let stores: BTreeSet<&StoreId> = import.stores.iter().map(|store| &store.id).collect();
    let sold: BTreeMap<&Sku, &StoreScope> = import.items.iter().map(|item| (&item.sku, &item.stores)).collect();
    for declaration in disjoint(&import.stock, &stores) {
        let Some(sold) = sold.get(&declaration.sku) else { continue };
        let mut places = stores.iter().filter(|store| declaration.stores.contains(store) && sold.contains(store));
        let changes = places.any(|store| match state.stock_line(store, &declaration.sku) {
            None => true,
            Some(line) => import.set_stock && !declares(&declaration, &line),
        });
        if changes {
            events.push(Event::StockDeclared { declaration, overwrite: import.set_stock });
            summary.stock += 1;
        }
    }
}

/// The declarations such that no two meet in one line: one that names a store beats `"*"`, a later one an earlier.
/// `"*"` stays as it is where nothing beats it.
fn disjoint(declarations: &[StockDeclaration], stores: &BTreeSet<&StoreId>) -> Vec<StockDeclaration> {
    let mut taken: BTreeMap<&Sku, BTreeSet<StoreId>> = BTreeMap::new();
    let mut effective = Vec::with_capacity(declarations.len());
    let (listed, all): (Vec<_>, Vec<_>) =
        declarations.iter().partition(|declaration| matches!(declaration.stores, StoreScope::Listed(_)));
    for declaration in listed.into_iter().rev().chain(all.into_iter().rev()) {
        let taken = taken.entry(&declaration.sku).or_default();
        let meant = stores.iter().filter(|store| declaration.stores.contains(store));
        let free: BTreeSet<StoreId> =
            meant.filter(|store| !taken.contains(*store)).map(|store| (*store).clone()).collect();
        if free.is_empty() {
            continue;
        }
        let whole = taken.is_empty() && declaration.stores == StoreScope::All;
        taken.extend(free.iter().cloned());
        let stores = if whole { StoreScope::All } else { StoreScope::Listed(free) };
        effective.push(StockDeclaration { stores, ..declaration.clone() });
    }
    effective.reverse();
    effective
}
