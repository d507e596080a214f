//! A region's stores, as its own page shows them.

use serde::Serialize;
use utoipa::ToSchema;

use super::today::{OpenView, TodayView};
use crate::aggregator::region::Region;
use crate::domain::store::{Pause, Store};
use crate::domain::time::Timestamp;
use crate::view::Rfc3339;

/// Why and until when a store takes no orders.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = Paused)]
pub struct PausedView {
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub reason: Option<String>,
    /// Until when; left out: until resumed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, value_type = Option<String>, format = DateTime)]
    pub until: Option<Rfc3339>,
}

/// A store of a region.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = StoreAtWork)]
pub struct StoreEntry {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its city.
    pub city: String,
    /// Whether its hours say open.
    pub open: bool,
    /// Whether it takes orders now.
    pub accepting: bool,
    /// Its pause, if it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub paused: Option<PausedView>,
    /// Its open orders.
    pub open_orders: OpenView,
    /// Its present business day.
    pub today: TodayView,
    /// What an order paid now would have to wait, in minutes.
    pub wait_minutes: u16,
    /// SKUs of which nothing is left.
    pub stock_outs: Vec<String>,
}

/// The pause that holds now.
pub fn pause_at(pause: Option<Pause>, now: Timestamp) -> Option<Pause> {
    pause.filter(|pause| pause.holds_at(now))
}

/// A region's stores by id.
pub fn stores_of(region: &Region, now: Timestamp) -> Vec<StoreEntry> {
    let catalog = region.reads().views().catalog();
    catalog.stores.values().map(|store| entry(region, store, now)).collect()
}

fn entry(region: &Region, store: &Store, now: Timestamp) -> StoreEntry {
    let views = region.reads().views();
    let catalog = views.catalog();
    let pause = pause_at(views.pause(&store.id), now);
    let open = store.open_at(now);
    let sold_out = region.stock_outs().of(views, &catalog, &store.id);
    StoreEntry {
        id: store.id.to_string(),
        name: store.name.to_string(),
        city: store.city.to_string(),
        open,
        accepting: open && pause.is_none(),
        paused: pause.map(|pause| PausedView {
            reason: pause.reason.map(|reason| reason.to_string()),
            until: pause.until.map(Rfc3339),
        }),
        open_orders: views.open_counts_of(&store.id).into(),
        today: TodayView::from(&region.figures().store_day(&store.id, store.business_day(now))),
        wait_minutes: views.wait_minutes(&store.id),
        stock_outs: sold_out.iter().map(ToString::to_string).collect(),
    }
}
