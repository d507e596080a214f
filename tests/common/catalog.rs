//! Parts of catalogues for tests of the business alone: stores, items and campaigns that differ only in what matters.

use jiff::tz::TimeZone;
use qucan::domain::catalog::{Item, Name, StoreScope};
use qucan::domain::coupon::Campaign;
use qucan::domain::money::Fen;
use qucan::domain::store::Store;
use qucan::domain::time::{MinuteOfDay, Opening, Timestamp, WeeklyHours};

/// 2026-11-23 10:00 in Shanghai, a Monday.
pub const BEGIN: i64 = 1_795_399_200_000;

/// A store in Shanghai that is open every day between two minutes of the day.
pub fn open_between(id: &str, from: u16, to: u16) -> Store {
    let opening = Opening { from: MinuteOfDay(from), to: MinuteOfDay(to) };
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

/// An item without options.
pub fn item(sku: &str, price: i64, tax_rate_bp: Option<u16>, stores: StoreScope) -> Item {
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

/// Some stores.
pub fn only(names: &[&str]) -> StoreScope {
    StoreScope::Listed(names.iter().map(|name| name.parse().unwrap()).collect())
}

/// A campaign that begins with the tests' time.
pub fn offer(id: &str, sku: &str, pay_price: i64, quota: u32, per_member: u16, ends_at: i64) -> Campaign {
    Campaign {
        id: id.parse().unwrap(),
        name: name(id),
        sku: sku.parse().unwrap(),
        pay_price: Fen(pay_price),
        quota,
        per_member,
        starts_at: Timestamp(BEGIN),
        ends_at: Timestamp(ends_at),
    }
}

/// The same name in both languages.
pub fn name(text: &str) -> Name {
    Name { zh: text.into(), en: text.into() }
}
