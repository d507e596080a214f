//! Promises of the state's bytes: every part survives, damage is an error, equal states have equal hashes.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU64;
use std::sync::Arc;

use proptest::collection::{btree_map, btree_set, vec};
use proptest::option::of;
use proptest::prelude::*;

use super::arbitrary::{at, campaign, id, item, order, pause, start, store};
use crate::domain::catalog::Catalog;
use crate::domain::coupon::{CampaignCounters, CampaignNumber, Claim};
use crate::domain::id::CouponId;
use crate::domain::money::Currency;
use crate::domain::state::{Generation, Head, KeyEntry, Part, State};
use crate::domain::stock::StockLine;
use crate::domain::store::{DayCodes, StoreCounters};
use crate::domain::time::BusinessDay;
use crate::engine::records::{RecordError, StateHasher, decode_part, encode_part, state_hash};

fn catalog() -> impl Strategy<Value = Catalog> {
    (any::<u64>(), "[A-Z]{3}", vec(store(), 0..4), vec(item(), 0..4), vec(campaign(), 0..4)).prop_map(
        |(revision, currency, stores, items, campaigns)| Catalog {
            revision,
            currency: Currency::parse(&currency).unwrap(),
            stores: stores.into_iter().map(|store| (store.id.clone(), Arc::new(store))).collect(),
            items: items.into_iter().map(|item| (item.sku.clone(), Arc::new(item))).collect(),
            campaigns: campaigns.into_iter().map(|campaign| (campaign.id.clone(), Arc::new(campaign))).collect(),
        },
    )
}

fn head() -> impl Strategy<Value = Head> {
    (of(start()), at(), any::<[u32; 2]>(), at()).prop_map(|(region, clock, [next_order, next_campaign], keys_began)| {
        Head { region, clock, next_order, next_campaign, keys_began }
    })
}

fn counters() -> impl Strategy<Value = StoreCounters> {
    let codes = (any::<u32>(), btree_set(any::<u32>(), 0..4)).prop_map(|(next, chosen)| DayCodes { next, chosen });
    let codes = btree_map(any::<u16>().prop_map(BusinessDay), codes, 0..3);
    (any::<[u64; 3]>(), of(pause()), codes).prop_map(|([store_offset, board_offset, last_position], pause, codes)| {
        StoreCounters { store_offset, board_offset, last_position, pause, codes }
    })
}

fn stock_line() -> impl Strategy<Value = StockLine> {
    (any::<bool>(), any::<[u32; 2]>(), any::<u64>(), any::<i64>()).prop_map(
        |(counted, [available, reserved], sold, received)| StockLine { counted, available, reserved, sold, received },
    )
}

fn part() -> impl Strategy<Value = Part> {
    let campaign = (any::<u32>(), id(), at(), any::<u32>())
        .prop_map(|(number, id, ends_at, claimed)| (CampaignNumber(number), CampaignCounters { id, ends_at, claimed }));
    let claim = (any::<u32>(), any::<u16>(), any::<u64>()).prop_map(|(campaign, ordinal, used_by)| Claim {
        campaign: CampaignNumber(campaign),
        ordinal,
        used_by: NonZeroU64::new(used_by),
    });
    let claims = btree_map(any::<u128>().prop_map(CouponId), claim, 0..20);
    let key = any::<[u64; 2]>().prop_map(|[body, target]| KeyEntry { body, target });
    let generation = prop::sample::select(vec![Generation::Current, Generation::Previous]);
    prop_oneof![
        head().prop_map(Part::Head),
        catalog().prop_map(|catalog| Part::Catalog(Arc::new(catalog))),
        vec(campaign, 0..5).prop_map(Part::Campaigns),
        (any::<u16>(), vec((id(), counters()), 0..5)).prop_map(|(shard, stores)| Part::Stores(shard, stores)),
        (any::<u16>(), vec((id(), id(), stock_line()), 0..5)).prop_map(|(shard, lines)| Part::Stock(shard, lines)),
        (any::<u16>(), vec(order().prop_map(Arc::new), 0..4)).prop_map(|(shard, orders)| Part::Orders(shard, orders)),
        (any::<u16>(), claims).prop_map(|(shard, claims)| Part::Claims(shard, claims.into_iter().collect())),
        (any::<u16>(), generation, btree_map(any::<u128>(), key, 0..20))
            .prop_map(|(shard, generation, keys)| Part::Keys(shard, generation, keys.into_iter().collect())),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, ..ProptestConfig::default() })]

    #[test]
    fn every_part_survives_storage(part in part()) {
        let mut bytes = vec![0xAA; 3];
        let section = encode_part(&mut bytes, &part).unwrap();
        prop_assert_eq!(decode_part(section, &bytes[3..]).unwrap(), part);
    }

    #[test]
    fn no_damage_makes_reading_a_part_panic(
        part in part(),
        damage in vec((any::<prop::sample::Index>(), 1..=255_u8), 1..8),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut bytes = Vec::new();
        let section = encode_part(&mut bytes, &part).unwrap();
        prop_assert!(decode_part(section ^ 0x0200_0000, &bytes).is_err(), "a later version");
        if !bytes.is_empty() {
            let _ = decode_part(section, &bytes[..cut.index(bytes.len())]);
            for (index, value) in damage {
                let index = index.index(bytes.len());
                bytes[index] ^= value;
            }
            let _ = decode_part(section, &bytes);
        }
    }
}

fn state(clock: i64, claims: &BTreeSet<u128>) -> State {
    let head = Head { clock: crate::domain::time::Timestamp(clock), ..Head::default() };
    let mut shards: BTreeMap<u16, Vec<(CouponId, Claim)>> = BTreeMap::new();
    for coupon in claims {
        let claim = Claim { campaign: CampaignNumber(1), ordinal: 0, used_by: None };
        shards.entry(u16::try_from(coupon >> 120).unwrap()).or_default().push((CouponId(*coupon), claim));
    }
    let claims = shards.into_iter().map(|(shard, claims)| Part::Claims(shard, claims));
    State::from_parts([Part::Head(head), Part::Catalog(Arc::default())].into_iter().chain(claims)).unwrap()
}

proptest! {
    #[test]
    fn the_hash_names_the_state_and_not_the_way_to_it(
        claims in btree_set(any::<u128>(), 1..200),
        other in any::<u128>(),
    ) {
        let first = state(5, &claims);
        let mut again = Vec::new();
        for part in first.parts() {
            let mut bytes = Vec::new();
            let section = encode_part(&mut bytes, &part).unwrap();
            again.push(decode_part(section, &bytes).unwrap());
        }
        let hash = state_hash(&first).unwrap();
        prop_assert_eq!(hash, state_hash(&State::from_parts(again).unwrap()).unwrap());
        prop_assert_ne!(hash, state_hash(&state(6, &claims)).unwrap());
        let mut more = claims.clone();
        if more.insert(other) {
            prop_assert_ne!(hash, state_hash(&state(5, &more)).unwrap());
        }
    }
}

#[test]
fn where_a_section_ends_is_part_of_the_hash() {
    let (mut one, mut two) = (StateHasher::default(), StateHasher::default());
    one.section(1, b"ab");
    one.section(2, b"c");
    two.section(1, b"a");
    two.section(2, b"bc");
    assert_ne!(one.finish(), two.finish());
}

#[test]
fn rows_out_of_order_or_twice_are_refused() {
    let claim = Claim { campaign: CampaignNumber(1), ordinal: 0, used_by: None };
    for coupons in [[2, 1], [2, 2]] {
        let mut bytes = Vec::new();
        let part = Part::Claims(0, coupons.map(|coupon| (CouponId(coupon), claim)).to_vec());
        let section = encode_part(&mut bytes, &part).unwrap();
        assert!(matches!(decode_part(section, &bytes), Err(RecordError::Damaged { .. })));
    }
}
