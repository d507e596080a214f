//! A campaign of the catalogue file.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::domain::catalog::Item;
use crate::domain::coupon::{Campaign, PER_MEMBER_MAX};
use crate::domain::id::Sku;
use crate::domain::stock::STOCK_MAX;
use crate::domain::time::Timestamp;
use crate::view::Rfc3339;

use super::reader::{Object, Path, Reader, shown};

pub(super) fn campaign(
    reader: &mut Reader,
    value: &Value,
    path: &Path<'_>,
    known_skus: &BTreeSet<Sku>,
    items: &[Option<Item>],
) -> Option<Campaign> {
    let required = ["id", "name", "sku", "pay_price", "quota", "per_member", "starts_at", "ends_at"];
    let campaign = reader.object(value, path, &required, &[])?;
    let id = reader.id(campaign, path, "id");
    let name = reader.name(campaign, path, "name");
    let sku = reader.id::<Sku>(campaign, path, "sku");
    if let Some(sku) = &sku
        && !known_skus.contains(sku)
    {
        reader.error(path.key("sku"), format!("no item of this file has the sku \"{sku}\""));
    }
    let pay_price = reader.price(campaign, path, "pay_price");
    let price = items.iter().flatten().find(|item| Some(&item.sku) == sku.as_ref()).map(|item| item.price);
    if let (Some(pay_price), Some(price)) = (pay_price, price)
        && pay_price > price
    {
        let detail = format!("{} is more than the item's price of {}", pay_price.0, price.0);
        reader.error(path.key("pay_price"), detail);
    }
    let quota = reader.number(campaign, path, "quota", 0..=i64::from(STOCK_MAX));
    let per_member = reader.number(campaign, path, "per_member", 1..=i64::from(PER_MEMBER_MAX));
    let starts_at = time(reader, campaign, path, "starts_at");
    let ends_at = time(reader, campaign, path, "ends_at");
    if let (Some(starts_at), Some(ends_at)) = (starts_at, ends_at)
        && ends_at <= starts_at
    {
        reader.error(path.key("ends_at"), "not after `starts_at`");
    }
    Some(Campaign {
        id: id?,
        name: name?,
        sku: sku?,
        pay_price: pay_price?,
        quota: quota?,
        per_member: per_member?,
        starts_at: starts_at?,
        ends_at: ends_at?,
    })
}

fn time(reader: &mut Reader, campaign: &Object, path: &Path<'_>, key: &str) -> Option<Timestamp> {
    let value = campaign.get(key)?;
    let time = value.as_str().and_then(Rfc3339::parse);
    if time.is_none() {
        let detail = format!("expected an RFC 3339 time such as 2026-01-01T00:00:00.000Z, found {}", shown(value));
        reader.error(path.key(key), detail);
    }
    time
}
