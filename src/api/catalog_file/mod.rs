//! The catalogue file: JSON in, a checked [`CatalogImport`] out. Every error is found and named by its JSON pointer; a
//! file with any error changes nothing. Never here: what is on sale already (the domain compares and decides).

use std::collections::BTreeSet;
use std::fmt;

use crate::domain::catalog::CatalogImport;
use crate::domain::money::Currency;
use crate::limits::{
    CATALOG_CAMPAIGNS_MAX, CATALOG_ERRORS_LISTED_MAX, CATALOG_FILE_BYTES_MAX, CATALOG_ITEMS_MAX, CATALOG_STOCK_MAX,
    CATALOG_STORES_MAX,
};

mod campaigns;
mod hours;
mod items;
mod reader;
mod stock;
mod stores;

#[cfg(test)]
mod tests;

use reader::{Path, Reader};

/// One thing that is wrong with a catalogue file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CatalogError {
    /// Where, as a JSON pointer (RFC 6901); empty means the whole file.
    pub pointer: String,
    /// What, and what would be right.
    pub detail: String,
}

/// Everything that is wrong with a catalogue file, the first so many in words.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CatalogErrors {
    /// The errors in the order of the file, as many as are listed at most.
    pub listed: Vec<CatalogError>,
    /// How many there are.
    pub total: usize,
}

impl CatalogErrors {
    fn add(&mut self, pointer: String, detail: String) {
        self.total += 1;
        if self.listed.len() < CATALOG_ERRORS_LISTED_MAX {
            self.listed.push(CatalogError { pointer, detail });
        }
    }

    fn only(detail: String) -> Self {
        Self { listed: vec![CatalogError { pointer: String::new(), detail }], total: 1 }
    }
}

impl fmt::Display for CatalogErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, error) in self.listed.iter().enumerate() {
            let pointer = if error.pointer.is_empty() { "/" } else { &error.pointer };
            let end = if number == 0 { "" } else { "\n" };
            write!(f, "{end}{pointer}: {}", error.detail)?;
        }
        match self.total.saturating_sub(self.listed.len()) {
            0 => Ok(()),
            more => write!(f, "\n… and {more} more"),
        }
    }
}

impl std::error::Error for CatalogErrors {}

/// Reads and checks a whole catalogue file. `set_stock` overwrites stock that is already there.
pub fn parse(file: &[u8], set_stock: bool) -> Result<CatalogImport, CatalogErrors> {
    if file.len() > CATALOG_FILE_BYTES_MAX {
        return Err(CatalogErrors::only(format!(
            "the file has {} bytes, at most {CATALOG_FILE_BYTES_MAX} are read",
            file.len()
        )));
    }
    let value: serde_json::Value =
        serde_json::from_slice(file).map_err(|error| CatalogErrors::only(format!("not JSON: {error}")))?;
    let mut reader = Reader::default();
    let import = read(&mut reader, &value, set_stock);
    match import {
        Some(import) if reader.errors.total == 0 => Ok(import),
        _ => Err(reader.errors),
    }
}

fn read(reader: &mut Reader, value: &serde_json::Value, set_stock: bool) -> Option<CatalogImport> {
    let root = Path::ROOT;
    let file = reader.object(value, root, &["currency", "stores", "items"], &["stock", "campaigns"])?;
    let currency = reader.text(file, root, "currency", 3).and_then(|text| {
        let currency = Currency::parse(text);
        if currency.is_none() {
            reader.error(root.key("currency"), "not a currency: three capital letters such as CNY");
        }
        currency
    });

    let stores = reader.list(file, root, "stores", CATALOG_STORES_MAX, stores::store);
    // Names that stand in the file, also where the rest of the entry is wrong: one error is not to cause others.
    let store_ids = reader::ids(file, "stores", "id");
    reader.unique(&stores, root.key("stores"), "id", |store| &store.id);

    let items = reader.list(file, root, "items", CATALOG_ITEMS_MAX, |reader, value, path| {
        items::item(reader, value, path, &store_ids)
    });
    let skus = reader::ids(file, "items", "sku");
    reader.unique(&items, root.key("items"), "sku", |item| &item.sku);

    let declared = reader.list(file, root, "stock", CATALOG_STOCK_MAX, |reader, value, path| {
        stock::declaration(reader, value, path, &store_ids, &skus)
    });
    reader.unique(&declared, root.key("stock"), "sku", |declared| declared);

    let campaigns = reader.list(file, root, "campaigns", CATALOG_CAMPAIGNS_MAX, |reader, value, path| {
        campaigns::campaign(reader, value, path, &skus, &items)
    });
    reader.unique(&campaigns, root.key("campaigns"), "id", |campaign| &campaign.id);

    let all_stores: BTreeSet<_> = stores.iter().flatten().map(|store| store.id.clone()).collect();
    Some(CatalogImport {
        currency: currency?,
        stock: stock::specific_before_general(declared.into_iter().flatten().collect(), &all_stores),
        stores: stores.into_iter().flatten().collect(),
        items: items.into_iter().flatten().collect(),
        campaigns: campaigns.into_iter().flatten().collect(),
        set_stock,
    })
}
