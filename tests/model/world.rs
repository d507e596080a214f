//! From symbols to the domain's own types: the catalogue, the actors, the ids.

use qucan::domain::actor::Actor;
use qucan::domain::catalog::{CatalogImport, Choice, OptionGroup, StockDeclaration, StoreScope};
use qucan::domain::command::{RequestedLine, RequestedOption, StartRegion};
use qucan::domain::coupon::RegionSecret;
use qucan::domain::id::{CampaignId, MemberId, Sku, StoreId};
use qucan::domain::money::{Currency, Fen};

use crate::commands::{HOUR, Line, Options, Variant};
pub use crate::parts::BEGIN;
use crate::parts::{item, name, offer, only, open_between};

pub const SKUS: [&str; 6] = ["meal", "tea", "cake", "soup", "gift", "nothing"];
pub const STORES: [&str; 5] = ["s0", "s1", "s2", "s3", "nowhere"];
pub const CAMPAIGNS: [&str; 3] = ["yuan", "free", "none"];
pub const MEMBERS: [&str; 4] = ["ann", "bob", "cai", "dee"];
pub const YUAN_ENDS: i64 = BEGIN + 240 * HOUR;
pub const FREE_ENDS: i64 = BEGIN + 48 * HOUR;

pub fn member(index: usize) -> MemberId {
    MEMBERS[index].parse().unwrap()
}

pub fn store(index: usize) -> StoreId {
    STORES[index].parse().unwrap()
}

pub fn sku(index: usize) -> Sku {
    SKUS[index].parse().unwrap()
}

pub fn campaign(index: usize) -> CampaignId {
    CAMPAIGNS[index].parse().unwrap()
}

pub fn customer(index: usize) -> Actor {
    Actor::Customer(member(index))
}

pub fn pos(index: usize) -> Actor {
    Actor::Store { store: store(index), subject: "pos".into() }
}

pub fn operator() -> Actor {
    Actor::Operator { subject: "boss".into() }
}

pub fn start() -> StartRegion {
    StartRegion { region: "east".parse().unwrap(), epoch: 1, secret: RegionSecret([7; 32]) }
}

pub fn requested(line: &Line) -> RequestedLine {
    let options: &[(&str, &str)] = match line.options {
        Options::None => &[],
        Options::Cola => &[("drink", "cola")],
        Options::JuiceAndTwo => &[("extra", "a"), ("drink", "juice"), ("extra", "b")],
        Options::NoSuchOption => &[("drink", "cola"), ("sauce", "a")],
        Options::NoSuchChoice => &[("drink", "milk")],
        Options::Twice => &[("drink", "cola"), ("extra", "a"), ("extra", "a")],
        Options::TooMany => &[("drink", "cola"), ("drink", "juice")],
    };
    let option = |(option, choice): &(&str, &str)| RequestedOption {
        option: option.parse().unwrap(),
        choice: choice.parse().unwrap(),
    };
    RequestedLine { sku: sku(line.sku), quantity: line.quantity, options: options.iter().map(option).collect() }
}

pub fn import(variant: &Variant) -> CatalogImport {
    let mut stores = vec![open_between("s0", 0, 1_440), open_between("s1", 360, 1_320), open_between("s2", 1_080, 120)];
    if variant.fourth_store {
        stores.push(open_between("s3", 0, 1_440));
    }
    let mut items = vec![
        item("meal", variant.meal_price, Some(600), StoreScope::All),
        item("tea", 900, Some(1_300), only(&["s0", "s1"])),
        item("cake", 2_500, None, StoreScope::All),
        item("gift", 500, Some(600), StoreScope::All),
    ];
    items[0].options = vec![
        group("drink", 1, 1, &[("cola", 0), ("juice", 300)]),
        group("extra", 0, 2, &[("a", 100), ("b", 250), ("c", 0)]),
    ];
    if variant.soup {
        items.push(item("soup", 1_200, Some(0), StoreScope::All));
    }
    let stock = |stores, sku: &str, available| StockDeclaration { stores, sku: sku.parse().unwrap(), available };
    let mut declared = vec![
        stock(StoreScope::All, "meal", Some(6)),
        stock(StoreScope::All, "tea", Some(4)),
        stock(StoreScope::All, "cake", None),
        stock(StoreScope::All, "gift", Some(2)),
        stock(only(&["s0"]), "gift", Some(5)),
    ];
    if variant.soup {
        declared.push(stock(StoreScope::All, "soup", Some(variant.soup_stock)));
    }
    let mut campaigns = vec![offer("yuan", "meal", 100, variant.yuan_quota, 1, YUAN_ENDS)];
    if variant.free {
        campaigns.push(offer("free", "gift", 0, 5, 2, FREE_ENDS));
    }
    CatalogImport { currency: Currency::CNY, stores, items, stock: declared, campaigns, set_stock: variant.set_stock }
}

fn group(id: &str, min: u8, max: u8, choices: &[(&str, i64)]) -> OptionGroup {
    let choice = |(id, price): &(&str, i64)| Choice { id: id.parse().unwrap(), name: name(id), price: Fen(*price) };
    OptionGroup { id: id.parse().unwrap(), name: name(id), min, max, choices: choices.iter().map(choice).collect() }
}
