//! Menus, encoded once for everybody. A store's menu is encoded again when the catalogue changed, or when its stock did
//! and a second has passed. Its version is a hash of what it shows, so that a sale beyond the shown figure changes nothing.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use arc_swap::ArcSwapOption;
use axum::body::Bytes;
use axum::http::HeaderValue;
use parking_lot::{Mutex, RwLock};

use crate::domain::catalog::Catalog;
use crate::domain::id::{Sku, StoreId};
use crate::domain::stock::StockLine;
use crate::engine::views::Views;
use crate::limits::{MENU_CACHE_BYTES_MAX, MENU_REFRESH};
use crate::view::MenuView;
use crate::view::menu::items_of;

/// A menu as it goes out.
#[derive(Debug)]
pub struct EncodedMenu {
    /// The JSON.
    pub body: Bytes,
    /// The strong `ETag`.
    pub etag: HeaderValue,
    version: String,
    catalog_revision: u64,
    stock_version: u64,
    encoded_at: Instant,
}

/// The encoded menus of all stores.
#[derive(Debug, Default)]
pub struct Menus {
    slots: RwLock<Slots>,
}

#[derive(Debug, Default)]
struct Slots {
    by_store: HashMap<StoreId, Arc<Slot>>,
    bytes: usize,
}

#[derive(Debug, Default)]
struct Slot {
    menu: ArcSwapOption<EncodedMenu>,
    /// Held by whoever encodes; the others go on showing the menu before.
    encoding: Mutex<()>,
}

impl Menus {
    /// The menu of a store on sale.
    pub fn get(&self, views: &Views, store: &StoreId, now: Instant) -> Option<Arc<EncodedMenu>> {
        let catalog = views.catalog();
        catalog.stores.get(store)?;
        let slot = self.slot(store);
        let current = slot.menu.load_full();
        if let Some(menu) = current.as_ref().filter(|menu| menu.is_fresh(&catalog, views, store, now)) {
            return Some(Arc::clone(menu));
        }
        let same_catalog = current.as_ref().filter(|menu| menu.catalog_revision == catalog.revision);
        let guard = match (slot.encoding.try_lock(), same_catalog) {
            (Some(guard), _) => guard,
            (None, Some(menu)) => return Some(Arc::clone(menu)),
            (None, None) => slot.encoding.lock(),
        };
        // Somebody else may have been here meanwhile.
        let current = slot.menu.load_full();
        if let Some(menu) = current.as_ref().filter(|menu| menu.is_fresh(&catalog, views, store, now)) {
            return Some(Arc::clone(menu));
        }
        let menu = Arc::new(EncodedMenu::encode(&catalog, views, store, now, current.as_deref()));
        slot.menu.store(Some(Arc::clone(&menu)));
        drop(guard);
        self.account(current.map_or(0, |menu| menu.body.len()), menu.body.len());
        Some(menu)
    }

    fn slot(&self, store: &StoreId) -> Arc<Slot> {
        if let Some(slot) = self.slots.read().by_store.get(store) {
            return Arc::clone(slot);
        }
        Arc::clone(self.slots.write().by_store.entry(store.clone()).or_default())
    }

    /// Thousands of stores with long menus begin anew rather than fill the memory.
    fn account(&self, before: usize, after: usize) {
        if before == after {
            return;
        }
        let mut slots = self.slots.write();
        slots.bytes = slots.bytes.saturating_sub(before).saturating_add(after);
        if slots.bytes > MENU_CACHE_BYTES_MAX {
            *slots = Slots::default();
        }
    }
}

impl EncodedMenu {
    fn is_fresh(&self, catalog: &Catalog, views: &Views, store: &StoreId, now: Instant) -> bool {
        self.catalog_revision == catalog.revision
            && (now.saturating_duration_since(self.encoded_at) < MENU_REFRESH
                || self.stock_version == views.stock_version(store))
    }

    fn encode(catalog: &Catalog, views: &Views, store: &StoreId, now: Instant, before: Option<&Self>) -> Self {
        // The version first: stock that moves in between is shown now and looked at again later.
        let stock_version = views.stock_version(store);
        let stock = views.stock(store);
        let (body, version) = render(catalog, store, &stock);
        let mut menu = Self {
            body,
            etag: HeaderValue::try_from(format!("\"{version}\"")).unwrap_or(HeaderValue::from_static("\"\"")),
            version,
            catalog_revision: catalog.revision,
            stock_version,
            encoded_at: now,
        };
        if let Some(before) = before.filter(|before| before.version == menu.version) {
            menu.body = before.body.clone();
        }
        menu
    }
}

/// The menu's JSON and its version.
fn render(catalog: &Catalog, store: &StoreId, stock: &[(Sku, StockLine)]) -> (Bytes, String) {
    let line = |sku: &Sku| stock.binary_search_by(|(known, _)| known.cmp(sku)).ok().and_then(|at| stock.get(at));
    let items = items_of(catalog, store, |sku| line(sku).map(|(_, line)| *line));
    let view =
        |version| MenuView { store: store.as_str(), version, currency: catalog.currency.as_str(), items: &items };
    let unversioned = serde_json::to_vec(&view("")).unwrap_or_default();
    let version = blake3::hash(&unversioned).to_hex().get(..16).unwrap_or_default().to_owned();
    (serde_json::to_vec(&view(&version)).unwrap_or_default().into(), version)
}

/// Whether an `If-None-Match` names `etag`. Weak comparison, as RFC 9110 asks for here.
pub fn matches(if_none_match: &str, etag: &HeaderValue) -> bool {
    let etag = etag.to_str().unwrap_or_default();
    if_none_match
        .split(',')
        .map(str::trim)
        .any(|candidate| candidate == "*" || candidate.strip_prefix("W/").unwrap_or(candidate) == etag)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_etag_is_found_in_whatever_a_client_sends() {
        let etag = HeaderValue::from_static("\"abc\"");
        for (header, expected) in
            [("\"abc\"", true), ("W/\"abc\"", true), ("\"x\", \"abc\"", true), ("*", true), ("abc", false), ("", false)]
        {
            assert_eq!(matches(header, &etag), expected, "{header}");
        }
    }

    #[test]
    fn the_version_follows_what_is_shown_and_nothing_else() {
        let import =
            crate::api::catalog_file::parse(include_bytes!("../../examples/catalog-east.json"), false).unwrap();
        let mut catalog = Catalog::default();
        for item in import.items {
            catalog.items.insert(item.sku.clone(), Arc::new(item));
        }
        let store = "sh-001".parse().unwrap();
        let line = |available| StockLine { counted: true, available, ..StockLine::default() };
        let stock = |available| vec![("set-1".parse().unwrap(), line(available))];
        let (body, many) = render(&catalog, &store, &stock(500));
        assert!(serde_json::from_slice::<serde_json::Value>(&body).is_ok());
        assert_eq!(render(&catalog, &store, &stock(21)).1, many, "beyond 20 nobody sees the difference");
        assert_ne!(render(&catalog, &store, &stock(19)).1, many);
        catalog.revision += 1;
        assert_eq!(render(&catalog, &store, &stock(500)).1, many, "a change elsewhere in the catalogue");
    }
}
