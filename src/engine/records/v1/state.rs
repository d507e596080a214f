//! The parts of the state that are few or rich; the many small ones (keys, claims) are plain arrays, see `state`.

use std::sync::Arc;

use rkyv::with::Map;
use rkyv::{Archive, Deserialize, Serialize};

use super::super::with::{Shared, Text};
use super::basics::{BusinessDayV1, CurrencyV1, TimestampV1};
use super::catalog::{CampaignV1, ItemV1, PauseV1, StoreV1};
use super::event::StartRegionV1;
use super::order::OrderV1;
use crate::domain::catalog::{Catalog, Item};
use crate::domain::command::StartRegion;
use crate::domain::coupon::{Campaign, CampaignCounters, CampaignNumber};
use crate::domain::id::{CampaignId, Sku, StoreId};
use crate::domain::money::Currency;
use crate::domain::order::Order;
use crate::domain::state::Head;
use crate::domain::stock::StockLine;
use crate::domain::store::{DayCodes, Pause, Store, StoreCounters};
use crate::domain::time::{BusinessDay, Timestamp};

#[derive(Archive, Serialize, Deserialize)]
#[rkyv(remote = Head)]
pub(crate) struct HeadV1 {
    #[rkyv(with = Map<StartRegionV1>)]
    region: Option<StartRegion>,
    #[rkyv(with = TimestampV1)]
    clock: Timestamp,
    next_order: u32,
    next_campaign: u32,
    #[rkyv(with = TimestampV1)]
    keys_began: Timestamp,
}

impl From<HeadV1> for Head {
    fn from(HeadV1 { region, clock, next_order, next_campaign, keys_began }: HeadV1) -> Self {
        Self { region, clock, next_order, next_campaign, keys_began }
    }
}

#[derive(Archive, Serialize, Deserialize)]
pub(crate) struct CatalogV1 {
    revision: u64,
    #[rkyv(with = CurrencyV1)]
    currency: Currency,
    #[rkyv(with = Map<Shared<StoreV1>>)]
    stores: Vec<Arc<Store>>,
    #[rkyv(with = Map<Shared<ItemV1>>)]
    items: Vec<Arc<Item>>,
    #[rkyv(with = Map<Shared<CampaignV1>>)]
    campaigns: Vec<Arc<Campaign>>,
}

impl From<&Catalog> for CatalogV1 {
    fn from(catalog: &Catalog) -> Self {
        Self {
            revision: catalog.revision,
            currency: catalog.currency,
            stores: catalog.stores.values().cloned().collect(),
            items: catalog.items.values().cloned().collect(),
            campaigns: catalog.campaigns.values().cloned().collect(),
        }
    }
}

impl From<CatalogV1> for Catalog {
    fn from(CatalogV1 { revision, currency, stores, items, campaigns }: CatalogV1) -> Self {
        Self {
            revision,
            currency,
            stores: stores.into_iter().map(|store| (store.id.clone(), store)).collect(),
            items: items.into_iter().map(|item| (item.sku.clone(), item)).collect(),
            campaigns: campaigns.into_iter().map(|campaign| (campaign.id.clone(), campaign)).collect(),
        }
    }
}

#[derive(Archive, Serialize, Deserialize)]
pub(crate) struct CampaignCountersV1 {
    number: u32,
    #[rkyv(with = Text)]
    id: CampaignId,
    #[rkyv(with = TimestampV1)]
    ends_at: Timestamp,
    claimed: u32,
}

impl From<&(CampaignNumber, CampaignCounters)> for CampaignCountersV1 {
    fn from((number, counters): &(CampaignNumber, CampaignCounters)) -> Self {
        let CampaignCounters { id, ends_at, claimed } = counters.clone();
        Self { number: number.0, id, ends_at, claimed }
    }
}

impl From<CampaignCountersV1> for (CampaignNumber, CampaignCounters) {
    fn from(CampaignCountersV1 { number, id, ends_at, claimed }: CampaignCountersV1) -> Self {
        (CampaignNumber(number), CampaignCounters { id, ends_at, claimed })
    }
}

#[derive(Archive, Serialize, Deserialize)]
pub(crate) struct DayCodesV1 {
    #[rkyv(with = BusinessDayV1)]
    day: BusinessDay,
    next: u32,
    chosen: Vec<u32>,
}

#[derive(Archive, Serialize, Deserialize)]
pub(crate) struct StoreCountersV1 {
    #[rkyv(with = Text)]
    id: StoreId,
    store_offset: u64,
    board_offset: u64,
    last_position: u64,
    #[rkyv(with = Map<PauseV1>)]
    pause: Option<Pause>,
    codes: Vec<DayCodesV1>,
}

impl From<&(StoreId, StoreCounters)> for StoreCountersV1 {
    fn from((id, counters): &(StoreId, StoreCounters)) -> Self {
        let StoreCounters { store_offset, board_offset, last_position, pause, codes } = counters;
        let codes = codes.iter().map(|(day, codes)| {
            let DayCodes { next, chosen } = codes;
            DayCodesV1 { day: *day, next: *next, chosen: chosen.iter().copied().collect() }
        });
        Self {
            id: id.clone(),
            store_offset: *store_offset,
            board_offset: *board_offset,
            last_position: *last_position,
            pause: pause.clone(),
            codes: codes.collect(),
        }
    }
}

impl From<StoreCountersV1> for (StoreId, StoreCounters) {
    fn from(stored: StoreCountersV1) -> Self {
        let StoreCountersV1 { id, store_offset, board_offset, last_position, pause, codes } = stored;
        let codes = codes
            .into_iter()
            .map(|DayCodesV1 { day, next, chosen }| (day, DayCodes { next, chosen: chosen.into_iter().collect() }));
        (id, StoreCounters { store_offset, board_offset, last_position, pause, codes: codes.collect() })
    }
}

#[derive(Archive, Serialize, Deserialize)]
pub(crate) struct StockLineV1 {
    #[rkyv(with = Text)]
    store: StoreId,
    #[rkyv(with = Text)]
    sku: Sku,
    counted: bool,
    available: u32,
    reserved: u32,
    sold: u64,
    received: i64,
}

impl From<&(StoreId, Sku, StockLine)> for StockLineV1 {
    fn from((store, sku, line): &(StoreId, Sku, StockLine)) -> Self {
        let StockLine { counted, available, reserved, sold, received } = *line;
        Self { store: store.clone(), sku: sku.clone(), counted, available, reserved, sold, received }
    }
}

impl From<StockLineV1> for (StoreId, Sku, StockLine) {
    fn from(stored: StockLineV1) -> Self {
        let StockLineV1 { store, sku, counted, available, reserved, sold, received } = stored;
        (store, sku, StockLine { counted, available, reserved, sold, received })
    }
}

#[derive(Archive, Serialize, Deserialize)]
pub(crate) struct OrdersV1(#[rkyv(with = Map<Shared<OrderV1>>)] pub Vec<Arc<Order>>);
