//! Initial stock in the catalogue file.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::domain::catalog::{StockDeclaration, StoreScope};
use crate::domain::id::{Sku, StoreId};
use crate::domain::stock::STOCK_MAX;

use super::reader::{Path, Reader, shown};

/// Where and what a line of the file is about; the amount does not make it another one.
#[derive(Debug, Clone)]
pub(super) struct Declared {
    /// `None` is every store.
    store: Option<StoreId>,
    sku: Sku,
    available: Option<u32>,
}

impl PartialEq for Declared {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}
impl Eq for Declared {}
impl PartialOrd for Declared {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Declared {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (&self.sku, &self.store).cmp(&(&other.sku, &other.store))
    }
}

pub(super) fn declaration(
    reader: &mut Reader,
    value: &Value,
    path: &Path<'_>,
    known_stores: &BTreeSet<StoreId>,
    known_skus: &BTreeSet<Sku>,
) -> Option<Declared> {
    let line = reader.object(value, path, &["store", "sku", "available"], &[])?;
    let store = line.get("store").and_then(|store| match store.as_str() {
        Some("*") => Some(None),
        text => {
            let id = text.and_then(|text| text.parse::<StoreId>().ok()).filter(|id| known_stores.contains(id));
            if id.is_none() {
                let detail = format!("expected \"*\" or the id of a store of this file, found {}", shown(store));
                reader.error(path.key("store"), detail);
            }
            id.map(Some)
        }
    });
    let sku = line.get("sku").and_then(|sku| {
        let id = sku.as_str().and_then(|text| text.parse::<Sku>().ok()).filter(|id| known_skus.contains(id));
        if id.is_none() {
            reader.error(path.key("sku"), format!("no item of this file has the sku {}", shown(sku)));
        }
        id
    });
    let available = match line.get("available") {
        None => None,
        Some(Value::Null) => Some(None),
        Some(_) => reader.number(line, path, "available", 0..=i64::from(STOCK_MAX)).map(Some),
    };
    Some(Declared { store: store?, sku: sku?, available: available? })
}

/// A line for one store wins over `"*"` wherever it stands in the file: `"*"` then means the others.
pub(super) fn specific_before_general(
    declared: Vec<Declared>,
    all_stores: &BTreeSet<StoreId>,
) -> Vec<StockDeclaration> {
    let mut specific: BTreeMap<&Sku, BTreeSet<&StoreId>> = BTreeMap::new();
    for line in &declared {
        if let Some(store) = &line.store {
            specific.entry(&line.sku).or_default().insert(store);
        }
    }
    let stores_of = |line: &Declared| match (&line.store, specific.get(&line.sku)) {
        (Some(store), _) => StoreScope::Listed(BTreeSet::from([store.clone()])),
        (None, None) => StoreScope::All,
        (None, Some(others)) => {
            StoreScope::Listed(all_stores.iter().filter(|store| !others.contains(store)).cloned().collect())
        }
    };
    declared
        .iter()
        .map(|line| StockDeclaration { stores: stores_of(line), sku: line.sku.clone(), available: line.available })
        .collect()
}
