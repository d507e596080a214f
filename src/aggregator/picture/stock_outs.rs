//! What is sold out where. Looking through every stock line of a country every second would cost more than all the rest, so a
//! store is looked at again only when its stock or its catalogue has changed.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;

use crate::domain::catalog::Catalog;
use crate::domain::id::{Sku, StoreId};
use crate::engine::views::Views;

/// The stock-outs of a region's stores as they were last seen.
#[derive(Default)]
pub struct StockOutsCache {
    seen: Mutex<HashMap<StoreId, Seen>>,
}

struct Seen {
    stock_version: u64,
    catalog: Arc<Catalog>,
    skus: Arc<[Sku]>,
}

impl StockOutsCache {
    /// The SKUs on sale at a store of which nothing is left, in order.
    pub fn of(&self, views: &Views, catalog: &Arc<Catalog>, store: &StoreId) -> Arc<[Sku]> {
        // Read before the stock: a change in between is seen again the next time.
        let stock_version = views.stock_version(store);
        let mut seen = self.seen.lock();
        if let Some(known) = seen.get(store)
            && known.stock_version == stock_version
            && Arc::ptr_eq(&known.catalog, catalog)
        {
            return Arc::clone(&known.skus);
        }
        let sold_out = views.stock(store).into_iter().filter(|(sku, line)| {
            line.left() == Some(0) && catalog.items.get(sku).is_some_and(|item| item.stores.contains(store))
        });
        let skus: Arc<[Sku]> = sold_out.map(|(sku, _)| sku).collect();
        let now = Seen { stock_version, catalog: Arc::clone(catalog), skus: Arc::clone(&skus) };
        seen.insert(store.clone(), now);
        skus
    }

    /// Forgets stores that are no longer on sale.
    pub fn keep_only(&self, catalog: &Catalog) {
        let mut seen = self.seen.lock();
        if seen.len() > catalog.stores.len() {
            seen.retain(|store, _| catalog.stores.contains_key(store));
        }
    }
}
