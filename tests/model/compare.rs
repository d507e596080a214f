//! The two worlds side by side: every figure of the domain against the plain model's.

use std::collections::BTreeMap;

use qucan::domain::decide::Outcome;
use qucan::domain::id::{CouponId, OrderId};
use qucan::domain::invariants::{check_all, check_order};
use qucan::domain::order::Order;
use qucan::domain::payment::RefundStatus;
use qucan::domain::rejection::Rejection;
use qucan::domain::time::Timestamp;

use crate::plain::{self, Done, Plain, Refusal};
use crate::system::System;
use crate::world::{MEMBERS, SKUS, STORES, sku, store};

/// Which of the model's things is which of the domain's.
#[derive(Default)]
pub struct Names {
    pub orders: Vec<OrderId>,
    pub coupons: BTreeMap<(usize, usize, usize), CouponId>,
}

pub fn word(rejection: &Rejection) -> Refusal {
    match rejection {
        Rejection::OrderNotFound { .. } => "order_not_found",
        Rejection::RecordNeeded { .. } => "record_needed",
        Rejection::UnknownStore { .. } => "unknown_store",
        Rejection::UnknownCampaign { .. } => "unknown_campaign",
        Rejection::UnknownItem { .. } => "unknown_item",
        Rejection::UnknownOption { .. } => "unknown_option",
        Rejection::OutOfStock { .. } => "out_of_stock",
        Rejection::StockNotCounted { .. } => "stock_not_counted",
        Rejection::StoreClosed { .. } => "store_closed",
        Rejection::StorePaused { .. } => "store_paused",
        Rejection::CouponNotUsable { .. } => "coupon_not_usable",
        Rejection::PriceChanged { .. } => "price_changed",
        Rejection::OverLimit { .. } => "over_limit",
        Rejection::QuotaExhausted { .. } => "quota_exhausted",
        Rejection::CampaignClosed { .. } => "campaign_closed",
        Rejection::IdempotencyKeyReused => "idempotency_key_reused",
        Rejection::WrongStatus { .. } => "wrong_status",
        Rejection::PickupCodeTaken { .. } => "pickup_code_taken",
        Rejection::QuotaBelowClaimed { .. } => "quota_below_claimed",
        Rejection::WrongRegion { .. } => "wrong_region",
    }
}

/// Compares an answer, learns new names from it, and looks at what it was about.
pub fn answers(
    system: &System,
    names: &mut Names,
    plain: &Plain,
    actual: &Result<(Outcome, usize), Rejection>,
    expected: Result<Done, Refusal>,
) {
    let (outcome, done) = match (actual, expected) {
        (Ok((outcome, _)), Ok(done)) => (outcome, done),
        (Err(rejection), Err(refusal)) => return assert_eq!(word(rejection), refusal, "{rejection}"),
        (actual, expected) => panic!("the domain answers {actual:?}, the model {expected:?}"),
    };
    match (outcome, done) {
        (Outcome::Order { id, fresh }, Done::Order { index, fresh: new }) => {
            assert_eq!(*fresh, new);
            if new {
                assert_eq!(names.orders.len(), index);
                assert!(!names.orders.contains(id), "an order id is given twice");
                names.orders.push(*id);
            }
            assert_eq!(names.orders[index], *id, "another order is answered");
            order(system, names, plain, index);
        }
        (Outcome::Coupon { id, fresh }, Done::Coupon { campaign, member, ordinal, fresh: new }) => {
            assert_eq!(*fresh, new);
            let known = *names.coupons.entry((campaign, member, ordinal)).or_insert(*id);
            assert_eq!(known, *id, "another coupon is answered");
        }
        (Outcome::Done | Outcome::Stock { .. } | Outcome::Accepting { .. } | Outcome::Catalog(_), Done::Nothing) => {}
        (outcome, done) => panic!("the domain answers {outcome:?}, the model {done:?}"),
    }
}

/// One order, in every figure.
pub fn order(system: &System, names: &Names, plain: &Plain, index: usize) {
    let id = names.orders[index];
    let expected = &plain.orders[index];
    let actual: &Order = &system.mirror.orders[&id];
    let open = system.state.order(id);
    assert_eq!(open.is_none(), expected.closed(), "an order is in the state while it is open");
    assert!(open.is_none_or(|open| **open == *actual), "the effects show another order than the state");
    assert_eq!(check_order(actual), []);

    assert_eq!(actual.status.as_str(), expected.status);
    assert_eq!(actual.offset, expected.offset);
    assert_eq!(actual.member.as_str(), MEMBERS[expected.member]);
    assert_eq!(actual.store.as_str(), STORES[expected.store]);
    assert_eq!((actual.total.0, actual.payable.0), (expected.total, expected.payable));
    assert_eq!(i64::from(actual.business_day.0), expected.day);
    assert_eq!(actual.created_at.0, expected.born);
    assert_eq!(actual.reason.as_deref(), expected.reason.as_deref());
    assert_eq!(actual.pickup_code.as_ref().map(|code| code.as_str()), expected.code.as_deref());
    assert_eq!(actual.position, expected.position);
    assert_eq!(actual.wait_minutes.map(i64::from), expected.wait);
    assert_eq!(actual.deadline().map(|at| at.0), expected.deadline);
    let coupon = expected.coupon.map(|coupon| names.coupons[&coupon]);
    assert_eq!(actual.coupon.as_ref().map(|coupon| coupon.id), coupon);

    assert_eq!(actual.lines.len(), expected.lines.len());
    for (line, expected) in actual.lines.iter().zip(&expected.lines) {
        let plain::Line { sku, quantity, unit, discount, tax } = expected;
        assert_eq!(line.sku.as_str(), SKUS[*sku]);
        assert_eq!((i64::from(line.quantity), line.unit_price.0, line.amount.0), (*quantity, *unit, unit * quantity));
        assert_eq!((line.discount.0, line.tax.map(|tax| tax.0)), (*discount, *tax));
    }
    let payments = actual.payments.iter().map(|payment| (payment.reference.as_str(), payment.amount.0));
    assert!(payments.eq(expected.money.iter().map(|money| (money.reference.as_str(), money.amount))));
    let refunds: BTreeMap<u16, (&str, i64, &str)> = (actual.refunds.iter())
        .map(|refund| {
            let status = match refund.status {
                RefundStatus::Pending => "pending",
                RefundStatus::Succeeded => "succeeded",
                RefundStatus::Failed => "failed",
            };
            (refund.number, (refund.payment.as_str(), refund.amount.0, status))
        })
        .collect();
    let expected = expected.money.iter().filter_map(|money| {
        let (number, status) = money.refund?;
        Some((number, (money.reference.as_str(), money.amount, status)))
    });
    assert_eq!(refunds, expected.collect());
}

/// Everything there is, and every invariant.
pub fn everything(system: &System, names: &Names, plain: &Plain) {
    let state = &system.state;
    assert_eq!(check_all(state), []);
    (0..plain.orders.len()).for_each(|index| order(system, names, plain, index));
    assert_eq!(state.open_orders(), plain.orders.iter().filter(|order| !order.closed()).count());
    let ids: Vec<OrderId> = state.orders().iter().map(|order| order.id).collect();
    assert!(ids.is_sorted());

    for at in 0..STORES.len() {
        let at_store = store(at);
        let lines = state.stock_of(&at_store);
        let expected: BTreeMap<&str, &plain::Stock> = plain
            .stock
            .iter()
            .filter(|((store, _), _)| *store == at)
            .map(|((_, sku), line)| (SKUS[*sku], line))
            .collect();
        assert_eq!(lines.len(), expected.len(), "stock lines at {at_store}");
        for (sku, line) in lines {
            let expected = expected[sku.as_str()];
            let figures = (line.counted, line.available.into(), line.reserved.into(), line.sold as i64);
            let plain::Stock { counted, available, reserved, sold } = *expected;
            assert_eq!(figures, (counted, available, reserved, sold), "{sku} at {at_store}");
            assert_eq!(system.mirror.stock[&(at_store.clone(), sku.clone())], line);
        }
    }
    assert_eq!(state.stock_line(&store(0), &sku(5)), None);

    let expected: usize = plain.campaigns.values().flat_map(|campaign| campaign.claims.values()).map(Vec::len).sum();
    assert_eq!(system.mirror.claims.len(), expected);
    assert!(state.campaigns().eq(system.mirror.campaigns.iter().map(|(number, counters)| (*number, counters))));
    for (campaign, claims) in &plain.campaigns {
        for (member, used) in &claims.claims {
            for (ordinal, used) in used.iter().enumerate() {
                let coupon = names.coupons[&(*campaign, *member, ordinal)];
                let claim = state.claim(coupon).expect("a claim is gone");
                let by = used.map(|index| names.orders[index].packed());
                assert_eq!(claim.used_by.map(u64::from), by, "coupon {ordinal} of member {member}");
                assert_eq!(system.mirror.claims[&coupon], claim);
                let seen = state.coupons_of(Timestamp(plain.now), &crate::world::member(*member));
                assert!(seen.iter().any(|seen| seen.id == coupon), "a member does not see its coupon");
            }
        }
    }
    assert!(state.catalog() == &system.mirror.catalog);
    assert!(system.replayed() == *state, "the log gives another state");
}
