//! Arbitrary domain values: every kind of event, with every optional thing there and missing.

use std::sync::Arc;

use jiff::tz::TimeZone;
use proptest::collection::{btree_set, vec};
use proptest::option::of;
use proptest::prelude::*;
use smol_str::SmolStr;

use crate::domain::actor::Actor;
use crate::domain::catalog::{Choice, Item, Name, OptionGroup, StockDeclaration, StoreScope};
use crate::domain::command::StartRegion;
use crate::domain::coupon::{AppliedCoupon, Campaign, RegionSecret};
use crate::domain::event::{Event, KeyUse, OrderChange};
use crate::domain::id::{CouponId, OrderId, RegionTag};
use crate::domain::money::{Currency, Fen};
use crate::domain::order::{ChosenOption, Fee, Line, Order, Status};
use crate::domain::payment::{Payment, Refund, RefundStatus};
use crate::domain::store::{Pause, Store};
use crate::domain::time::{BusinessDay, MinuteOfDay, Opening, Timestamp, WeeklyHours};
use crate::engine::records::EntryMeta;

fn text() -> impl Strategy<Value = SmolStr> {
    prop_oneof![Just(String::new()), "[a-z]{1,8}", "[ -~]{9,30}", "[双人套餐可乐🥤]{1,200}"].prop_map(SmolStr::from)
}

pub(crate) fn id<T: std::str::FromStr + std::fmt::Debug>() -> impl Strategy<Value = T>
where
    T::Err: std::fmt::Debug,
{
    prop_oneof!["[A-Za-z0-9._-]{1,8}", "[A-Za-z0-9._-]{9,32}"].prop_map(|text| text.parse().unwrap())
}

fn code() -> impl Strategy<Value = crate::domain::id::PickupCode> {
    "[A-Z0-9-]{1,12}".prop_map(|text| text.parse().unwrap())
}

fn visible<T: std::str::FromStr + std::fmt::Debug>() -> impl Strategy<Value = T>
where
    T::Err: std::fmt::Debug,
{
    "[!-~]{1,64}".prop_map(|text| text.parse().unwrap())
}

fn name() -> impl Strategy<Value = Name> {
    (text(), text()).prop_map(|(zh, en)| Name { zh, en })
}

fn fen() -> impl Strategy<Value = Fen> {
    any::<i64>().prop_map(Fen)
}

pub(crate) fn at() -> impl Strategy<Value = Timestamp> {
    (i64::MIN + 1..=i64::MAX).prop_map(Timestamp)
}

pub(crate) fn order_id() -> impl Strategy<Value = OrderId> {
    (0..1_u64 << 35, any::<u64>()).prop_map(|(tag, packed)| OrderId::from_packed(RegionTag(tag), packed))
}

fn chosen() -> impl Strategy<Value = ChosenOption> {
    (id(), id(), name(), fen()).prop_map(|(option, choice, name, price)| ChosenOption { option, choice, name, price })
}

fn line() -> impl Strategy<Value = Line> {
    (id(), name(), any::<u32>(), vec(chosen(), 0..4), (fen(), fen(), fen(), of(fen()))).prop_map(
        |(sku, name, quantity, options, (unit_price, amount, discount, tax))| Line {
            sku,
            name,
            quantity,
            options,
            unit_price,
            amount,
            discount,
            tax,
        },
    )
}

fn payment() -> impl Strategy<Value = Payment> {
    (text(), visible(), fen(), at()).prop_map(|(provider, reference, amount, at)| Payment {
        provider,
        reference,
        amount,
        at,
    })
}

fn refund_status() -> impl Strategy<Value = RefundStatus> {
    prop::sample::select(vec![RefundStatus::Pending, RefundStatus::Succeeded, RefundStatus::Failed])
}

fn refund() -> impl Strategy<Value = Refund> {
    (any::<u16>(), visible(), text(), fen(), refund_status(), at()).prop_map(
        |(number, payment, provider, amount, status, at)| Refund { number, payment, provider, amount, status, at },
    )
}

pub(crate) fn order() -> impl Strategy<Value = Order> {
    let coupon = (any::<u128>(), id()).prop_map(|(coupon, campaign)| AppliedCoupon { id: CouponId(coupon), campaign });
    let who = (order_id(), id(), visible(), any::<u16>(), prop::sample::select(Status::ALL.to_vec()));
    let fee = (text(), fen()).prop_map(|(kind, amount)| Fee { kind, amount });
    let what = (vec(line(), 0..5), vec(fee, 0..2), "[A-Z]{3}", fen(), fen(), fen());
    let words = (of(coupon), of(text()), of(code()), of(text()));
    let times = (at(), prop::array::uniform8(of(at())));
    let rest = (vec(payment(), 0..3), vec(refund(), 0..3), of(any::<u64>()), of(any::<u16>()), any::<u64>());
    (who, what, words, times, rest).prop_map(|(who, what, words, times, rest)| {
        let (id, store, member, business_day, status) = who;
        let (lines, fees, currency, total, discount, payable) = what;
        let (coupon, note, pickup_code, reason) = words;
        let (created_at, [pay_by, paid_at, accept_by, accepted_at, ready_at, auto_at, collected_at, closed_at]) = times;
        let (payments, refunds, position, wait_minutes, offset) = rest;
        let (business_day, currency) = (BusinessDay(business_day), Currency::parse(&currency).unwrap());
        Order {
            id,
            store,
            member,
            business_day,
            status,
            lines,
            fees,
            currency,
            total,
            discount,
            payable,
            coupon,
            note,
            pickup_code,
            created_at,
            pay_by,
            paid_at,
            accept_by,
            accepted_at,
            ready_at,
            auto_at,
            collected_at,
            closed_at,
            reason,
            payments,
            refunds,
            position,
            wait_minutes,
            offset,
        }
    })
}

fn scope() -> impl Strategy<Value = StoreScope> {
    prop_oneof![Just(StoreScope::All), btree_set(id(), 0..5).prop_map(StoreScope::Listed)]
}

pub(crate) fn store() -> impl Strategy<Value = Store> {
    let opening =
        (0..=1440_u16, 0..=1440_u16).prop_map(|(from, to)| Opening { from: MinuteOfDay(from), to: MinuteOfDay(to) });
    let days = prop::array::uniform7(vec(opening, 0..3));
    let zone = prop::sample::select(vec!["Asia/Shanghai", "Europe/Berlin", "UTC", "Australia/Lord_Howe"]);
    (id(), (text(), text(), text()), any::<[i32; 2]>(), zone, days, 0..1440_u16).prop_map(
        |(id, (name, city, address), [lat_micro, lon_micro], zone, days, starts)| Store {
            id,
            name,
            city,
            address,
            lat_micro,
            lon_micro,
            timezone: TimeZone::get(zone).unwrap(),
            hours: WeeklyHours(days),
            business_day_starts: MinuteOfDay(starts),
        },
    )
}

pub(crate) fn item() -> impl Strategy<Value = Item> {
    let choice = (id(), name(), fen()).prop_map(|(id, name, price)| Choice { id, name, price });
    let group = (id(), name(), any::<[u8; 2]>(), vec(choice, 0..4))
        .prop_map(|(id, name, [min, max], choices)| OptionGroup { id, name, min, max, choices });
    (id(), name(), fen(), of(any::<u16>()), text(), scope(), vec(group, 0..3), of(text())).prop_map(
        |(sku, name, price, tax_rate_bp, category, stores, options, image)| Item {
            sku,
            name,
            price,
            tax_rate_bp,
            category,
            stores,
            options,
            image,
        },
    )
}

pub(crate) fn campaign() -> impl Strategy<Value = Campaign> {
    (id(), name(), id(), fen(), any::<u32>(), any::<u16>(), at(), at()).prop_map(
        |(id, name, sku, pay_price, quota, per_member, starts_at, ends_at)| Campaign {
            id,
            name,
            sku,
            pay_price,
            quota,
            per_member,
            starts_at,
            ends_at,
        },
    )
}

fn change() -> impl Strategy<Value = OrderChange> {
    prop_oneof![
        (of(payment()), any::<u64>(), at(), any::<u16>()).prop_map(|(payment, position, accept_by, wait_minutes)| {
            OrderChange::Paid { payment, position, accept_by, wait_minutes }
        }),
        (code(), any::<bool>(), at()).prop_map(|(pickup_code, chosen_by_pos, auto_at)| OrderChange::Accepted {
            pickup_code,
            chosen_by_pos,
            auto_at
        }),
        (at(), of(text())).prop_map(|(auto_at, reason)| OrderChange::Ready { auto_at, reason }),
        of(text()).prop_map(|reason| OrderChange::Collected { reason }),
        (of(text()), vec(refund(), 0..3)).prop_map(|(reason, refunds)| OrderChange::Cancelled { reason, refunds }),
        (text(), vec(refund(), 0..3)).prop_map(|(reason, refunds)| OrderChange::Rejected { reason, refunds }),
        (payment(), refund()).prop_map(|(payment, refund)| OrderChange::MoneyReturned { payment, refund }),
        (any::<u16>(), refund_status()).prop_map(|(number, status)| OrderChange::RefundSettled { number, status }),
    ]
}

fn key_use() -> impl Strategy<Value = KeyUse> {
    (any::<u128>(), any::<u64>()).prop_map(|(fingerprint, body)| KeyUse { fingerprint, body })
}

pub(crate) fn start() -> impl Strategy<Value = StartRegion> {
    (id(), any::<u16>(), any::<[u8; 32]>()).prop_map(|(region, epoch, secret)| StartRegion {
        region,
        epoch,
        secret: RegionSecret(secret),
    })
}

pub(crate) fn pause() -> impl Strategy<Value = Pause> {
    (of(text()), of(at())).prop_map(|(reason, until)| Pause { reason, until })
}

pub(crate) fn event() -> impl Strategy<Value = Event> {
    let declaration = (scope(), id(), of(any::<u32>())).prop_map(|(stores, sku, available)| StockDeclaration {
        stores,
        sku,
        available,
    });
    prop_oneof![
        start().prop_map(Event::RegionStarted),
        "[A-Z]{3}".prop_map(|code| Event::CurrencySet(Currency::parse(&code).unwrap())),
        store().prop_map(|store| Event::StoreDefined(Arc::new(store))),
        id().prop_map(Event::StoreWithdrawn),
        item().prop_map(|item| Event::ItemDefined(Arc::new(item))),
        id().prop_map(Event::ItemWithdrawn),
        campaign().prop_map(|campaign| Event::CampaignDefined(Arc::new(campaign))),
        id().prop_map(Event::CampaignWithdrawn),
        (declaration, any::<bool>())
            .prop_map(|(declaration, overwrite)| Event::StockDeclared { declaration, overwrite }),
        (id(), id(), of(any::<u32>())).prop_map(|(store, sku, available)| Event::StockSet { store, sku, available }),
        (id(), id(), any::<i32>(), text(), key_use()).prop_map(|(store, sku, delta, reason, request)| {
            Event::StockAdjusted { store, sku, delta, reason, request }
        }),
        (id(), of(pause())).prop_map(|(store, pause)| Event::AcceptingChanged { store, pause }),
        (any::<u128>(), id(), visible(), any::<u16>()).prop_map(|(coupon, campaign, member, ordinal)| {
            Event::CouponClaimed { coupon: CouponId(coupon), campaign, member, ordinal }
        }),
        (order(), key_use()).prop_map(|(order, request)| Event::OrderPlaced { order: Arc::new(order), request }),
        (order_id(), change(), of(order())).prop_map(|(order, change, whole)| Event::OrderChanged {
            order,
            change,
            whole: whole.map(Arc::new)
        }),
    ]
}

pub(crate) fn meta() -> impl Strategy<Value = EntryMeta> {
    let actor = prop_oneof![
        visible().prop_map(Actor::Customer),
        (id(), "[!-~]{1,64}").prop_map(|(store, subject)| Actor::Store { store, subject: subject.into() }),
        "[!-~]{1,64}".prop_map(|subject| Actor::Operator { subject: subject.into() }),
        Just(Actor::Provider),
        Just(Actor::Node),
    ];
    (at(), actor, "[!-~]{0,64}", of("[ -~]{0,64}")).prop_map(|(at, actor, request_id, device)| EntryMeta {
        at,
        actor,
        request_id: request_id.into(),
        device: device.map(Into::into),
    })
}
