//! Promises of the stored forms: what is written is read back, what is damaged is an error, what is later is named.

use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::domain::actor::Actor;
use crate::domain::catalog::Name;
use crate::domain::event::{Event, KeyUse};
use crate::domain::id::{OrderId, RegionTag};
use crate::domain::money::{Currency, Fen};
use crate::domain::order::{ChosenOption, Line, Order, Status};
use crate::domain::time::{BusinessDay, Timestamp};

pub(crate) mod arbitrary;
mod state;

/// An order as a busy day brings it: two lines with an option each, names in two languages, a real openid.
pub(crate) fn usual_order() -> Order {
    let line = |sku: &str, zh: &str, en: &str, choice: &str| Line {
        sku: sku.parse().unwrap(),
        name: Name { zh: zh.into(), en: en.into() },
        quantity: 1,
        options: vec![ChosenOption {
            option: "drink".parse().unwrap(),
            choice: choice.parse().unwrap(),
            name: Name { zh: "可乐".into(), en: "Cola".into() },
            price: Fen::ZERO,
        }],
        unit_price: Fen(6_800),
        amount: Fen(6_800),
        discount: Fen::ZERO,
        tax: Some(Fen(385)),
    };
    Order {
        id: OrderId::new(RegionTag(0x1_2345_6789), 1, BusinessDay(2_518), 40_417),
        store: "sh-001".parse().unwrap(),
        member: "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o".parse().unwrap(),
        business_day: BusinessDay(2_518),
        status: Status::AwaitingPayment,
        lines: vec![
            line("set-1", "双人套餐", "Set meal for two", "cola"),
            line("burger-12", "香辣鸡腿堡", "Spicy chicken burger", "lemonade"),
        ],
        fees: Vec::new(),
        currency: Currency::CNY,
        total: Fen(13_600),
        discount: Fen::ZERO,
        payable: Fen(13_600),
        coupon: None,
        note: None,
        pickup_code: None,
        created_at: Timestamp(1_795_400_000_000),
        pay_by: Some(Timestamp(1_795_400_900_000)),
        paid_at: None,
        accept_by: None,
        accepted_at: None,
        ready_at: None,
        auto_at: None,
        collected_at: None,
        closed_at: None,
        reason: None,
        payments: Vec::new(),
        refunds: Vec::new(),
        position: None,
        wait_minutes: None,
        offset: 1,
    }
}

fn usual_entry() -> (EntryMeta, Event) {
    let order = usual_order();
    let meta = EntryMeta {
        at: order.created_at,
        actor: Actor::Customer(order.member.clone()),
        request_id: "01JDCR3Q8Z7K2M9QX4D2".into(),
        device: None,
    };
    (meta, Event::OrderPlaced { order: Arc::new(order), request: KeyUse { fingerprint: 7, body: 9 } })
}

#[test]
fn a_usual_order_takes_at_most_700_bytes() {
    let (meta, event) = usual_entry();
    let mut bytes = Vec::new();
    encode_entry(&mut bytes, &meta, &event).unwrap();
    println!("a placed order of two lines takes {} bytes", bytes.len());
    assert!(bytes.len() <= 700, "{} bytes", bytes.len());
}

#[test]
fn an_entry_behind_others_in_the_same_buffer_is_the_same_bytes() {
    let (meta, event) = usual_entry();
    let (mut alone, mut behind) = (Vec::new(), vec![0xAA; 12_345]);
    encode_entry(&mut alone, &meta, &event).unwrap();
    encode_entry(&mut behind, &meta, &event).unwrap();
    assert_eq!(alone, behind[12_345..]);
}

#[test]
fn kinds_and_versions_of_a_later_release_are_named() {
    let (meta, event) = usual_entry();
    let mut bytes = Vec::new();
    encode_entry(&mut bytes, &meta, &event).unwrap();
    let mut later = bytes.clone();
    later[0] = 99;
    let error = decode_entry(&later).unwrap_err();
    assert_eq!(error, RecordError::UnknownKind { kind: 99 });
    assert_eq!(entry_kind(&later).unwrap_err(), error);
    assert!(error.to_string().contains("kind 99") && error.to_string().contains("upgrade"), "{error}");
    let mut later = bytes;
    later[2] = 2;
    let error = decode_entry(&later).unwrap_err();
    assert_eq!(error, RecordError::UnknownVersion { what: "order_placed", version: 2 });
    assert_eq!(entry_kind(&later).unwrap_err(), error);
    let error = decode_order(&[2, 0, 1, 2, 3]).unwrap_err();
    assert_eq!(error, RecordError::UnknownVersion { what: "order record", version: 2 });
}

#[test]
fn what_can_not_be_stored_leaves_the_buffer_as_it_was() {
    let (meta, _) = usual_entry();
    let store = crate::domain::store::Store {
        id: "s".parse().unwrap(),
        name: "".into(),
        city: "".into(),
        address: "".into(),
        lat_micro: 0,
        lon_micro: 0,
        timezone: jiff::tz::TimeZone::fixed(jiff::tz::offset(8)),
        hours: Default::default(),
        business_day_starts: Default::default(),
    };
    let mut bytes = vec![1, 2, 3];
    let error = encode_entry(&mut bytes, &meta, &Event::StoreDefined(Arc::new(store))).unwrap_err();
    assert!(error.to_string().contains("IANA"), "{error}");
    assert_eq!(bytes, [1, 2, 3]);
}

#[test]
fn texts_about_a_request_are_cut_at_a_character() {
    let (mut meta, event) = usual_entry();
    meta.device = Some("取".repeat(200).into());
    let mut bytes = Vec::new();
    encode_entry(&mut bytes, &meta, &event).unwrap();
    let (read, _) = decode_entry(&bytes).unwrap();
    assert_eq!(read.device.unwrap(), "取".repeat(84));
}

fn rewritten(bytes: &[u8], damage: &[(prop::sample::Index, u8)], cut: Option<prop::sample::Index>) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for (index, value) in damage {
        let index = index.index(bytes.len());
        bytes[index] ^= value;
    }
    if let Some(cut) = cut {
        bytes.truncate(cut.index(bytes.len()));
    }
    bytes
}

/// Reads bytes in every way there is; only panics matter. Whatever is read can be written again.
fn read_all(bytes: &[u8]) {
    let _ = entry_kind(bytes);
    let _ = whole_order(bytes);
    let _ = decode_order(bytes);
    if let Ok((meta, event)) = decode_entry(bytes) {
        let mut again = Vec::new();
        encode_entry(&mut again, &meta, &event).unwrap();
        assert_eq!(decode_entry(&again).unwrap(), (meta, event));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn every_event_survives_storage(meta in arbitrary::meta(), event in arbitrary::event()) {
        let mut bytes = Vec::new();
        encode_entry(&mut bytes, &meta, &event).unwrap();
        prop_assert_eq!(entry_kind(&bytes).unwrap(), EventKind::of(&event));
        let expected = match &event {
            Event::OrderChanged { whole: Some(whole), .. } => Some(whole.as_ref().clone()),
            _ => None,
        };
        prop_assert_eq!(whole_order(&bytes).unwrap(), expected);
        let (read_meta, read_event) = decode_entry(&bytes).unwrap();
        prop_assert_eq!(read_meta, meta);
        prop_assert_eq!(read_event, event);
    }

    #[test]
    fn every_order_survives_storage(order in arbitrary::order()) {
        let mut bytes = Vec::new();
        encode_order(&mut bytes, &order).unwrap();
        prop_assert_eq!(decode_order(&bytes).unwrap(), order);
    }

    #[test]
    fn no_damage_makes_reading_panic(
        meta in arbitrary::meta(),
        event in arbitrary::event(),
        damage in prop::collection::vec((any::<prop::sample::Index>(), 1..=255_u8), 1..8),
        cut in prop::option::of(any::<prop::sample::Index>()),
    ) {
        let mut bytes = Vec::new();
        encode_entry(&mut bytes, &meta, &event).unwrap();
        read_all(&rewritten(&bytes, &damage, cut));
    }

    #[test]
    fn no_bytes_make_reading_panic(kind in 0..20_u8, bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        read_all(&bytes);
        let mut entry = vec![kind, 0, 1, 0];
        entry.extend_from_slice(&bytes);
        read_all(&entry);
        let mut order = vec![1, 0];
        order.extend_from_slice(&bytes);
        read_all(&order);
    }
}

#[test]
fn every_number_of_a_kind_names_that_kind() {
    for kind in EventKind::ALL {
        let bytes = [(kind as u16).to_le_bytes(), [1, 0]].concat();
        assert_eq!(entry_kind(&bytes).unwrap(), kind, "{}", kind.name());
    }
}
