//! One log entry: a small header that can be read without touching the rest, then the event's record.
//!
//! ```text
//! kind u16 · version u16 · time i64 (ms) · role u8 · lengths of subject, store, request id, device (u8 each)
//! the four texts · the record (rkyv, of the kind and version that the header names)
//! ```

use std::sync::Arc;

use rkyv::with::With;
use smol_str::SmolStr;

use super::v1::basics::CurrencyV1;
use super::v1::catalog::{CampaignV1, ItemV1, StoreV1};
use super::v1::event::{
    AcceptingChangedV1, ArchivedOrderSettledV1, CouponClaimedV1, OrderChangedV1, OrderPlacedV1, OrderSettledV1,
    StartRegionV1, StockAdjustedV1, StockDeclaredV1, StockSetV1,
};
use super::v1::order::OrderV1;
use super::with::Text;
use super::{RecordError, raw};
use crate::domain::actor::Actor;
use crate::domain::catalog::Item;
use crate::domain::command::StartRegion;
use crate::domain::coupon::Campaign;
use crate::domain::event::Event;
use crate::domain::id::{CampaignId, Sku, StoreId};
use crate::domain::money::Currency;
use crate::domain::order::Order;
use crate::domain::store::Store;
use crate::domain::time::Timestamp;

/// Largest entry in bytes, the log's own bound.
pub const ENTRY_BYTES_MAX: usize = qucan_storage::limits::ENTRY_BYTES_MAX;

const V1: u16 = 1;
const HEADER: usize = 17;
/// Lengths of texts are one byte; a device is stored with its length plus one, so that "none" differs from "empty".
const TEXT_BYTES_MAX: usize = 254;

/// What every entry says beside its event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntryMeta {
    /// The time of its group.
    pub at: Timestamp,
    /// Who asked.
    pub actor: Actor,
    /// Under which request id.
    pub request_id: SmolStr,
    /// From which device, where the client said so.
    pub device: Option<SmolStr>,
}

/// Which event an entry carries. The numbers are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u16)]
pub enum EventKind {
    /// `RegionStarted`
    RegionStarted = 1,
    /// `CurrencySet`
    CurrencySet = 2,
    /// `StoreDefined`
    StoreDefined = 3,
    /// `StoreWithdrawn`
    StoreWithdrawn = 4,
    /// `ItemDefined`
    ItemDefined = 5,
    /// `ItemWithdrawn`
    ItemWithdrawn = 6,
    /// `CampaignDefined`
    CampaignDefined = 7,
    /// `CampaignWithdrawn`
    CampaignWithdrawn = 8,
    /// `StockDeclared`
    StockDeclared = 9,
    /// `StockSet`
    StockSet = 10,
    /// `StockAdjusted`
    StockAdjusted = 11,
    /// `AcceptingChanged`
    AcceptingChanged = 12,
    /// `CouponClaimed`
    CouponClaimed = 13,
    /// `OrderPlaced`
    OrderPlaced = 14,
    /// `OrderChanged` of an order that stays open.
    OrderChanged = 15,
    /// `OrderChanged` that carries the whole order, because it closes it or opens a closed one again.
    OrderSettled = 16,
}

impl EventKind {
    /// Every kind, in the order of their numbers.
    pub const ALL: [Self; 16] = [
        Self::RegionStarted,
        Self::CurrencySet,
        Self::StoreDefined,
        Self::StoreWithdrawn,
        Self::ItemDefined,
        Self::ItemWithdrawn,
        Self::CampaignDefined,
        Self::CampaignWithdrawn,
        Self::StockDeclared,
        Self::StockSet,
        Self::StockAdjusted,
        Self::AcceptingChanged,
        Self::CouponClaimed,
        Self::OrderPlaced,
        Self::OrderChanged,
        Self::OrderSettled,
    ];

    /// The kind under which an event is stored.
    pub fn of(event: &Event) -> Self {
        match event {
            Event::RegionStarted(_) => Self::RegionStarted,
            Event::CurrencySet(_) => Self::CurrencySet,
            Event::StoreDefined(_) => Self::StoreDefined,
            Event::StoreWithdrawn(_) => Self::StoreWithdrawn,
            Event::ItemDefined(_) => Self::ItemDefined,
            Event::ItemWithdrawn(_) => Self::ItemWithdrawn,
            Event::CampaignDefined(_) => Self::CampaignDefined,
            Event::CampaignWithdrawn(_) => Self::CampaignWithdrawn,
            Event::StockDeclared { .. } => Self::StockDeclared,
            Event::StockSet { .. } => Self::StockSet,
            Event::StockAdjusted { .. } => Self::StockAdjusted,
            Event::AcceptingChanged { .. } => Self::AcceptingChanged,
            Event::CouponClaimed { .. } => Self::CouponClaimed,
            Event::OrderPlaced { .. } => Self::OrderPlaced,
            Event::OrderChanged { whole: None, .. } => Self::OrderChanged,
            Event::OrderChanged { whole: Some(_), .. } => Self::OrderSettled,
        }
    }

    /// The kind's name in exports and errors.
    pub fn name(self) -> &'static str {
        match self {
            Self::RegionStarted => "region_started",
            Self::CurrencySet => "currency_set",
            Self::StoreDefined => "store_defined",
            Self::StoreWithdrawn => "store_withdrawn",
            Self::ItemDefined => "item_defined",
            Self::ItemWithdrawn => "item_withdrawn",
            Self::CampaignDefined => "campaign_defined",
            Self::CampaignWithdrawn => "campaign_withdrawn",
            Self::StockDeclared => "stock_declared",
            Self::StockSet => "stock_set",
            Self::StockAdjusted => "stock_adjusted",
            Self::AcceptingChanged => "accepting_changed",
            Self::CouponClaimed => "coupon_claimed",
            Self::OrderPlaced => "order_placed",
            Self::OrderChanged => "order_changed",
            Self::OrderSettled => "order_settled",
        }
    }

    fn from_number(kind: u16) -> Result<Self, RecordError> {
        let known = usize::from(kind).checked_sub(1).and_then(|index| Self::ALL.get(index));
        known.copied().ok_or(RecordError::UnknownKind { kind })
    }
}

/// Appends an entry. On an error the buffer is as it was. Texts of the meta data beyond 254 bytes are cut: they are for
/// people, and the edge bounds them far below.
pub fn encode_entry(out: &mut Vec<u8>, meta: &EntryMeta, event: &Event) -> Result<(), RecordError> {
    let before = out.len();
    let kind = EventKind::of(event);
    append_header(out, kind, meta);
    append_record(out, kind.name(), event).inspect_err(|_| out.truncate(before))?;
    let bytes = out.len() - before;
    if bytes > ENTRY_BYTES_MAX {
        out.truncate(before);
        return Err(RecordError::TooLarge { what: kind.name(), bytes, limit: ENTRY_BYTES_MAX });
    }
    Ok(())
}

fn append_header(out: &mut Vec<u8>, kind: EventKind, meta: &EntryMeta) {
    let (role, subject, store) = match &meta.actor {
        Actor::Customer(member) => (1, member.as_str(), ""),
        Actor::Store { store, subject } => (2, subject.as_str(), store.as_str()),
        Actor::Operator { subject } => (3, subject.as_str(), ""),
        Actor::Provider => (4, "", ""),
        Actor::Node => (5, "", ""),
    };
    let (subject, store, request_id) = (cut(subject), cut(store), cut(&meta.request_id));
    let device = meta.device.as_deref().map(cut);
    let length = |text: &str| u8::try_from(text.len()).unwrap_or(u8::MAX);
    out.extend_from_slice(&(kind as u16).to_le_bytes());
    out.extend_from_slice(&V1.to_le_bytes());
    out.extend_from_slice(&meta.at.0.to_le_bytes());
    let device_length = device.map_or(0, |device| length(device) + 1);
    out.extend_from_slice(&[role, length(subject), length(store), length(request_id), device_length]);
    for text in [subject, store, request_id, device.unwrap_or_default()] {
        out.extend_from_slice(text.as_bytes());
    }
}

fn cut(text: &str) -> &str {
    text.get(..text.floor_char_boundary(TEXT_BYTES_MAX)).unwrap_or_default()
}

/// One arm a kind. Cloning here is copying short texts and raising a count, never an order.
fn append_record(out: &mut Vec<u8>, what: &'static str, event: &Event) -> Result<(), RecordError> {
    match event {
        Event::RegionStarted(start) => raw::append(out, what, With::<StartRegion, StartRegionV1>::cast(start)),
        Event::CurrencySet(currency) => raw::append(out, what, With::<Currency, CurrencyV1>::cast(currency)),
        Event::StoreDefined(store) => raw::append(out, what, With::<Store, StoreV1>::cast(store)),
        Event::StoreWithdrawn(store) => raw::append(out, what, With::<StoreId, Text>::cast(store)),
        Event::ItemDefined(item) => raw::append(out, what, With::<Item, ItemV1>::cast(item)),
        Event::ItemWithdrawn(sku) => raw::append(out, what, With::<Sku, Text>::cast(sku)),
        Event::CampaignDefined(campaign) => raw::append(out, what, With::<Campaign, CampaignV1>::cast(campaign)),
        Event::CampaignWithdrawn(campaign) => raw::append(out, what, With::<CampaignId, Text>::cast(campaign)),
        Event::StockDeclared { declaration, overwrite } => {
            raw::append(out, what, &StockDeclaredV1 { declaration: declaration.clone(), overwrite: *overwrite })
        }
        Event::StockSet { store, sku, available } => {
            raw::append(out, what, &StockSetV1 { store: store.clone(), sku: sku.clone(), available: *available })
        }
        Event::StockAdjusted { store, sku, delta, reason, request } => {
            let (store, sku, reason) = (store.clone(), sku.clone(), reason.clone());
            raw::append(out, what, &StockAdjustedV1 { store, sku, delta: *delta, reason, request: *request })
        }
        Event::AcceptingChanged { store, pause } => {
            raw::append(out, what, &AcceptingChangedV1 { store: store.clone(), pause: pause.clone() })
        }
        Event::CouponClaimed { coupon, campaign, member, ordinal } => {
            let (campaign, member) = (campaign.clone(), member.clone());
            raw::append(out, what, &CouponClaimedV1 { coupon: *coupon, campaign, member, ordinal: *ordinal })
        }
        Event::OrderPlaced { order, request } => {
            raw::append(out, what, &OrderPlacedV1 { order: Arc::clone(order), request: *request })
        }
        Event::OrderChanged { order, change, whole: None } => {
            raw::append(out, what, &OrderChangedV1 { order: *order, change: change.clone() })
        }
        Event::OrderChanged { order, change, whole: Some(whole) } => {
            raw::append(out, what, &OrderSettledV1 { order: *order, change: change.clone(), whole: Arc::clone(whole) })
        }
    }
}

/// An entry's header, read and checked; the record is looked at only when asked for.
#[derive(Debug, Clone, Copy)]
pub struct EntryView<'e> {
    /// Which event it carries.
    pub kind: EventKind,
    /// The time of its group.
    pub at: Timestamp,
    role: u8,
    subject: &'e str,
    store: &'e str,
    request_id: &'e str,
    device: Option<&'e str>,
    record: &'e [u8],
}

impl<'e> EntryView<'e> {
    /// Reads the header.
    pub fn parse(bytes: &'e [u8]) -> Result<Self, RecordError> {
        let short = || RecordError::Short { what: "entry", bytes: bytes.len() };
        let (header, rest) = bytes.split_first_chunk::<HEADER>().ok_or_else(short)?;
        let [k0, k1, v0, v1, time @ .., role, subject, store, request_id, device] = *header;
        let kind = EventKind::from_number(u16::from_le_bytes([k0, k1]))?;
        let version = u16::from_le_bytes([v0, v1]);
        if version != V1 {
            return Err(RecordError::UnknownVersion { what: kind.name(), version });
        }
        let mut rest = rest;
        let mut text = |length: u8| {
            let (text, behind) = rest.split_at_checked(usize::from(length)).ok_or_else(short)?;
            rest = behind;
            std::str::from_utf8(text).map_err(|error| RecordError::Damaged { what: "entry", why: error.to_string() })
        };
        Ok(Self {
            kind,
            at: Timestamp(i64::from_le_bytes(time)),
            role,
            subject: text(subject)?,
            store: text(store)?,
            request_id: text(request_id)?,
            device: device.checked_sub(1).map(text).transpose()?,
            record: rest,
        })
    }

    /// The header as values.
    pub fn meta(&self) -> Result<EntryMeta, RecordError> {
        let damaged = |why: String| RecordError::Damaged { what: "entry", why };
        let actor = match self.role {
            1 => Actor::Customer(self.subject.parse().map_err(|error| damaged(format!("actor: {error}")))?),
            2 => Actor::Store {
                store: self.store.parse().map_err(|error| damaged(format!("actor: {error}")))?,
                subject: SmolStr::new(self.subject),
            },
            3 => Actor::Operator { subject: SmolStr::new(self.subject) },
            4 => Actor::Provider,
            5 => Actor::Node,
            role => return Err(damaged(format!("role {role} is unknown"))),
        };
        let (request_id, device) = (SmolStr::new(self.request_id), self.device.map(SmolStr::new));
        Ok(EntryMeta { at: self.at, actor, request_id, device })
    }

    /// The event, decoded whole.
    pub fn event(&self) -> Result<Event, RecordError> {
        let (what, bytes) = (self.kind.name(), self.record);
        Ok(match self.kind {
            EventKind::RegionStarted => {
                Event::RegionStarted(raw::read_with::<StartRegion, StartRegionV1>(what, bytes)?)
            }
            EventKind::CurrencySet => Event::CurrencySet(raw::read_with::<Currency, CurrencyV1>(what, bytes)?),
            EventKind::StoreDefined => Event::StoreDefined(Arc::new(raw::read_with::<Store, StoreV1>(what, bytes)?)),
            EventKind::StoreWithdrawn => Event::StoreWithdrawn(raw::read_with::<StoreId, Text>(what, bytes)?),
            EventKind::ItemDefined => Event::ItemDefined(Arc::new(raw::read_with::<Item, ItemV1>(what, bytes)?)),
            EventKind::ItemWithdrawn => Event::ItemWithdrawn(raw::read_with::<Sku, Text>(what, bytes)?),
            EventKind::CampaignDefined => {
                Event::CampaignDefined(Arc::new(raw::read_with::<Campaign, CampaignV1>(what, bytes)?))
            }
            EventKind::CampaignWithdrawn => Event::CampaignWithdrawn(raw::read_with::<CampaignId, Text>(what, bytes)?),
            EventKind::StockDeclared => {
                let StockDeclaredV1 { declaration, overwrite } = raw::read(what, bytes)?;
                Event::StockDeclared { declaration, overwrite }
            }
            EventKind::StockSet => {
                let StockSetV1 { store, sku, available } = raw::read(what, bytes)?;
                Event::StockSet { store, sku, available }
            }
            EventKind::StockAdjusted => {
                let StockAdjustedV1 { store, sku, delta, reason, request } = raw::read(what, bytes)?;
                Event::StockAdjusted { store, sku, delta, reason, request }
            }
            EventKind::AcceptingChanged => {
                let AcceptingChangedV1 { store, pause } = raw::read(what, bytes)?;
                Event::AcceptingChanged { store, pause }
            }
            EventKind::CouponClaimed => {
                let CouponClaimedV1 { coupon, campaign, member, ordinal } = raw::read(what, bytes)?;
                Event::CouponClaimed { coupon, campaign, member, ordinal }
            }
            EventKind::OrderPlaced => {
                let OrderPlacedV1 { order, request } = raw::read(what, bytes)?;
                Event::OrderPlaced { order, request }
            }
            EventKind::OrderChanged => {
                let OrderChangedV1 { order, change } = raw::read(what, bytes)?;
                Event::OrderChanged { order, change, whole: None }
            }
            EventKind::OrderSettled => {
                let OrderSettledV1 { order, change, whole } = raw::read(what, bytes)?;
                Event::OrderChanged { order, change, whole: Some(whole) }
            }
        })
    }

    /// The whole order of an event that closes it or opens a closed one again; nothing for every other event.
    pub fn whole_order(&self) -> Result<Option<Order>, RecordError> {
        if self.kind != EventKind::OrderSettled {
            return Ok(None);
        }
        let settled = raw::check::<ArchivedOrderSettledV1>(self.kind.name(), self.record)?;
        raw::restore::<Order, OrderV1>(self.kind.name(), &settled.whole).map(Some)
    }
}

/// Reads an entry whole.
pub fn decode_entry(bytes: &[u8]) -> Result<(EntryMeta, Event), RecordError> {
    let entry = EntryView::parse(bytes)?;
    Ok((entry.meta()?, entry.event()?))
}

/// Which event an entry carries, from its first four bytes.
pub fn entry_kind(bytes: &[u8]) -> Result<EventKind, RecordError> {
    let Some([k0, k1, v0, v1]) = bytes.first_chunk::<4>() else {
        return Err(RecordError::Short { what: "entry", bytes: bytes.len() });
    };
    let kind = EventKind::from_number(u16::from_le_bytes([*k0, *k1]))?;
    match u16::from_le_bytes([*v0, *v1]) {
        V1 => Ok(kind),
        version => Err(RecordError::UnknownVersion { what: kind.name(), version }),
    }
}

/// The whole order of an entry that closes it or opens a closed one again; every other entry is skipped by its kind.
pub fn whole_order(bytes: &[u8]) -> Result<Option<Order>, RecordError> {
    match entry_kind(bytes)? {
        EventKind::OrderSettled => EntryView::parse(bytes)?.whole_order(),
        _ => Ok(None),
    }
}
