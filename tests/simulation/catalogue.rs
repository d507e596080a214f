//! What the region sells on its compressed promotion day: three stores, four things, one campaign that everybody wants.

use std::collections::BTreeSet;

use jiff::tz::TimeZone;
use qucan::domain::catalog::{CatalogImport, Item, Name, StockDeclaration, StoreScope};
use qucan::domain::coupon::Campaign;
use qucan::domain::id::{CampaignId, StoreId};
use qucan::domain::money::{Currency, Fen};
use qucan::domain::store::Store;
use qucan::domain::time::{MinuteOfDay, Opening, Timestamp, WeeklyHours};

use crate::clock::BEGIN;

pub const STORES: [&str; 3] = ["s0", "s1", "s2"];
pub const SKUS: [&str; 4] = ["meal", "tea", "cake", "gift"];
pub const MEMBERS: [&str; 8] = ["ann", "bob", "cai", "dee", "eva", "fay", "gus", "hal"];

pub fn store(index: usize) -> StoreId {
    STORES[index].parse().unwrap()
}

pub fn campaign() -> CampaignId {
    "yuan".parse().unwrap()
}

/// A catalogue file; `variant` changes prices, the campaign's quota and whether stock is counted anew.
pub fn import(variant: u64) -> CatalogImport {
    let only = |names: &[&str]| {
        StoreScope::Listed(names.iter().map(|name| name.parse().unwrap()).collect::<BTreeSet<StoreId>>())
    };
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
    let campaigns = vec![Campaign {
        id: campaign(),
        name: name("yuan"),
        sku: "meal".parse().unwrap(),
        pay_price: Fen(100),
        quota: 9 + (variant % 4) as u32 * 3,
        per_member: 2,
        starts_at: Timestamp(BEGIN - 1),
        ends_at: Timestamp(BEGIN + 240 * 3_600_000),
    }];
    let stores = STORES.map(open_all_day).into();
    CatalogImport { currency: Currency::CNY, stores, items, stock: declared, campaigns, set_stock: variant % 5 == 4 }
}

fn open_all_day(id: &str) -> Store {
    let opening = Opening { from: MinuteOfDay(0), to: MinuteOfDay(1_440) };
    Store {
        id: id.parse().unwrap(),
        name: id.into(),
        city: "上海".into(),
        address: "".into(),
        lat_micro: 31_230_400,
        lon_micro: 121_473_700,
        timezone: TimeZone::get("Asia/Shanghai").unwrap(),
        hours: WeeklyHours(std::array::from_fn(|_| vec![opening])),
        business_day_starts: MinuteOfDay(240),
    }
}

fn item(sku: &str, price: i64, tax_rate_bp: Option<u16>, stores: StoreScope) -> Item {
    Item {
        sku: sku.parse().unwrap(),
        name: name(sku),
        price: Fen(price),
        tax_rate_bp,
        category: "all".into(),
        stores,
        options: Vec::new(),
        image: None,
    }
}

fn name(text: &str) -> Name {
    Name { zh: text.into(), en: text.into() }
}
