//! What the region sells, as events and snapshots carry it.

use std::collections::BTreeSet;

use jiff::tz::TimeZone;
use rkyv::with::Map;
use rkyv::{Archive, Deserialize, Serialize};
use smol_str::SmolStr;

use super::super::with::{MaybeAt, Text, TextSet, Zone};
use super::basics::{FenV1, MinuteOfDayV1, NameV1, TimestampV1};
use crate::domain::catalog::{Choice, Item, Name, OptionGroup, StockDeclaration, StoreScope};
use crate::domain::coupon::Campaign;
use crate::domain::id::{CampaignId, OptionId, Sku, StoreId};
use crate::domain::money::Fen;
use crate::domain::store::{Pause, Store};
use crate::domain::time::{MinuteOfDay, Opening, Timestamp, WeeklyHours};

#[derive(Archive, Serialize, Deserialize)]
#[rkyv(remote = StoreScope)]
pub(crate) enum StoreScopeV1 {
    All,
    Listed(#[rkyv(with = TextSet)] BTreeSet<StoreId>),
}

impl From<StoreScopeV1> for StoreScope {
    fn from(scope: StoreScopeV1) -> Self {
        match scope {
            StoreScopeV1::All => Self::All,
            StoreScopeV1::Listed(stores) => Self::Listed(stores),
        }
    }
}

#[derive(Archive, Serialize, Deserialize)]
#[rkyv(remote = Choice)]
pub(crate) struct ChoiceV1 {
    #[rkyv(with = Text)]
    id: OptionId,
    #[rkyv(with = NameV1)]
    name: Name,
    #[rkyv(with = FenV1)]
    price: Fen,
}

impl From<ChoiceV1> for Choice {
    fn from(ChoiceV1 { id, name, price }: ChoiceV1) -> Self {
        Self { id, name, price }
    }
}

#[derive(Archive, Serialize, Deserialize)]
#[rkyv(remote = OptionGroup)]
pub(crate) struct OptionGroupV1 {
    #[rkyv(with = Text)]
    id: OptionId,
    #[rkyv(with = NameV1)]
    name: Name,
    min: u8,
    max: u8,
    #[rkyv(with = Map<ChoiceV1>)]
    choices: Vec<Choice>,
}

impl From<OptionGroupV1> for OptionGroup {
    fn from(OptionGroupV1 { id, name, min, max, choices }: OptionGroupV1) -> Self {
        Self { id, name, min, max, choices }
    }
}

#[derive(Archive, Serialize, Deserialize)]
#[rkyv(remote = Item)]
pub(crate) struct ItemV1 {
    #[rkyv(with = Text)]
    sku: Sku,
    #[rkyv(with = NameV1)]
    name: Name,
    #[rkyv(with = FenV1)]
    price: Fen,
    tax_rate_bp: Option<u16>,
    #[rkyv(with = Text)]
    category: SmolStr,
    #[rkyv(with = StoreScopeV1)]
    stores: StoreScope,
    #[rkyv(with = Map<OptionGroupV1>)]
    options: Vec<OptionGroup>,
    #[rkyv(with = Map<Text>)]
    image: Option<SmolStr>,
}

impl From<ItemV1> for Item {
    fn from(ItemV1 { sku, name, price, tax_rate_bp, category, stores, options, image }: ItemV1) -> Self {
        Self { sku, name, price, tax_rate_bp, category, stores, options, image }
    }
}

#[derive(Archive, Serialize, Deserialize)]
#[rkyv(remote = StockDeclaration)]
pub(crate) struct StockDeclarationV1 {
    #[rkyv(with = StoreScopeV1)]
    stores: StoreScope,
    #[rkyv(with = Text)]
    sku: Sku,
    available: Option<u32>,
}

impl From<StockDeclarationV1> for StockDeclaration {
    fn from(StockDeclarationV1 { stores, sku, available }: StockDeclarationV1) -> Self {
        Self { stores, sku, available }
    }
}

#[derive(Archive, Serialize, Deserialize)]
#[rkyv(remote = Campaign)]
pub(crate) struct CampaignV1 {
    #[rkyv(with = Text)]
    id: CampaignId,
    #[rkyv(with = NameV1)]
    name: Name,
    #[rkyv(with = Text)]
    sku: Sku,
    #[rkyv(with = FenV1)]
    pay_price: Fen,
    quota: u32,
    per_member: u16,
    #[rkyv(with = TimestampV1)]
    starts_at: Timestamp,
    #[rkyv(with = TimestampV1)]
    ends_at: Timestamp,
}

impl From<CampaignV1> for Campaign {
    fn from(stored: CampaignV1) -> Self {
        let CampaignV1 { id, name, sku, pay_price, quota, per_member, starts_at, ends_at } = stored;
        Self { id, name, sku, pay_price, quota, per_member, starts_at, ends_at }
    }
}

#[derive(Archive, Serialize, Deserialize)]
#[rkyv(remote = Opening)]
pub(crate) struct OpeningV1 {
    #[rkyv(with = MinuteOfDayV1)]
    from: MinuteOfDay,
    #[rkyv(with = MinuteOfDayV1)]
    to: MinuteOfDay,
}

impl From<OpeningV1> for Opening {
    fn from(OpeningV1 { from, to }: OpeningV1) -> Self {
        Self { from, to }
    }
}

#[derive(Archive, Serialize, Deserialize)]
#[rkyv(remote = WeeklyHours)]
pub(crate) struct WeeklyHoursV1(#[rkyv(with = Map<Map<OpeningV1>>)] [Vec<Opening>; 7]);

impl From<WeeklyHoursV1> for WeeklyHours {
    fn from(WeeklyHoursV1(days): WeeklyHoursV1) -> Self {
        Self(days)
    }
}

#[derive(Archive, Serialize, Deserialize)]
#[rkyv(remote = Store)]
pub(crate) struct StoreV1 {
    #[rkyv(with = Text)]
    id: StoreId,
    #[rkyv(with = Text)]
    name: SmolStr,
    #[rkyv(with = Text)]
    city: SmolStr,
    #[rkyv(with = Text)]
    address: SmolStr,
    lat_micro: i32,
    lon_micro: i32,
    #[rkyv(with = Zone)]
    timezone: TimeZone,
    #[rkyv(with = WeeklyHoursV1)]
    hours: WeeklyHours,
    #[rkyv(with = MinuteOfDayV1)]
    business_day_starts: MinuteOfDay,
}

impl From<StoreV1> for Store {
    fn from(stored: StoreV1) -> Self {
        let StoreV1 { id, name, city, address, lat_micro, lon_micro, timezone, hours, business_day_starts } = stored;
        Self { id, name, city, address, lat_micro, lon_micro, timezone, hours, business_day_starts }
    }
}

#[derive(Archive, Serialize, Deserialize)]
#[rkyv(remote = Pause)]
pub(crate) struct PauseV1 {
    #[rkyv(with = Map<Text>)]
    reason: Option<SmolStr>,
    #[rkyv(with = MaybeAt)]
    until: Option<Timestamp>,
}

impl From<PauseV1> for Pause {
    fn from(PauseV1 { reason, until }: PauseV1) -> Self {
        Self { reason, until }
    }
}
