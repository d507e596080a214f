//! What a region sells on its compressed promotion day: three stores, four things, one campaign that everybody wants.

use qucan::domain::catalog::{CatalogImport, StockDeclaration, StoreScope};
use qucan::domain::id::{CampaignId, StoreId};
use qucan::domain::money::Currency;

use crate::parts::{BEGIN, item, offer, only, open_between};

pub const STORES: [&str; 3] = ["s0", "s1", "s2"];
pub const SKUS: [&str; 4] = ["meal", "tea", "cake", "gift"];
pub const MEMBERS: [&str; 8] = ["ann", "bob", "cai", "dee", "eva", "fay", "gus", "hal"];
/// The campaign lasts longer than any run.
const ENDS: i64 = BEGIN + 60 * 24 * 3_600_000;

pub fn store(index: usize) -> StoreId {
    STORES[index].parse().unwrap()
}

pub fn campaign() -> CampaignId {
    "yuan".parse().unwrap()
}

/// A catalogue file; `variant` changes prices, the campaign's quota and whether stock is counted anew.
pub fn import(variant: u64) -> CatalogImport {
    let prices = [6_800, 6_500, 7_000];
    let items = vec![
        item("meal", prices[(variant % 3) as usize], Some(600), StoreScope::All),
        item("tea", 900, Some(1_300), only(&["s0", "s1"])),
        item("cake", 2_500, None, StoreScope::All),
        item("gift", 500, Some(600), StoreScope::All),
    ];
    let stock = |stores, sku: &str, available| StockDeclaration { stores, sku: sku.parse().unwrap(), available };
    let declared = vec![
        stock(StoreScope::All, "meal", Some(12)),
        stock(StoreScope::All, "tea", Some(6)),
        stock(StoreScope::All, "cake", None),
        stock(StoreScope::All, "gift", Some(3)),
    ];
    let campaigns = vec![offer("yuan", "meal", 100, 9 + (variant % 4) as u32 * 3, 2, ENDS)];
    let stores = STORES.map(|id| open_between(id, 0, 1_440)).into();
    CatalogImport { currency: Currency::CNY, stores, items, stock: declared, campaigns, set_stock: variant % 5 == 4 }
}
