//! Entries that say something else than what happened, in a log that is whole.

use std::collections::BTreeSet;
use std::sync::Arc;

use qucan::domain::event::{Event, OrderChange};
use qucan::domain::id::CouponId;
use qucan::domain::invariants::Invariant;
use qucan::domain::money::Fen;
use qucan::domain::order::Order;
use qucan::engine::records::EntryMeta;
use qucan::ops::verify::Check;
use qucan_storage::Epoch;

use super::{Sabotage, on};
use crate::fixtures::Fixture::Day;
use crate::forge;

/// Changes every order as it is collected.
fn collected(edit: fn(&mut Order)) -> impl FnMut(&mut EntryMeta, &mut Event) {
    move |_, event| {
        if let Event::OrderChanged { whole: Some(whole), change: OrderChange::Collected { .. }, .. } = event {
            edit(Arc::make_mut(whole));
        }
    }
}

/// Changes every order as it is placed.
fn placed(edit: fn(&mut Order)) -> impl FnMut(&mut EntryMeta, &mut Event) {
    move |_, event| {
        if let Event::OrderPlaced { order, .. } = event {
            edit(Arc::make_mut(order));
        }
    }
}

/// An order that late money opens again, and everything it does afterwards, carries another note than it closed with.
pub fn reopen_as_another() -> impl FnMut(&mut EntryMeta, &mut Event) {
    let mut opened = BTreeSet::new();
    move |_, event| {
        if let Event::OrderChanged { order, whole: Some(whole), change, .. } = event
            && (matches!(change, OrderChange::MoneyReturned { .. }) || opened.contains(order))
        {
            opened.insert(*order);
            Arc::make_mut(whole).note = Some("never said".into());
        }
    }
}

pub fn cases() -> Vec<Sabotage> {
    vec![
        on(Day, Check::EntryDecodes, "entry 40: entry of unknown kind 99", |dir| {
            let mut number = 0;
            forge::edit_log_bytes(dir, |entry| {
                number += 1;
                if number == 40 {
                    entry[0] = 99;
                }
            });
        }),
        on(Day, Check::EntryFollows, "it is another than the event carries", |dir| {
            forge::edit_log(dir, collected(|order| order.note = Some("never said".into())));
        }),
        on(Day, Check::EntryFollows, "does not follow from the entries before it", |dir| {
            // What was placed is not there.
            let mut groups = forge::read_log(dir);
            groups.remove(4);
            forge::write_log(dir, &groups, Epoch::FIRST);
        }),
        on(Day, Check::Identity, "the log is of region east in epoch 1, the directory of west in 1", |dir| {
            forge::edit_identity(dir, "region = east", "region = west");
        }),
        on(Day, Check::Identity, "the log does not say whose it is", |dir| {
            let groups = forge::read_log(dir);
            forge::write_log(dir, &groups[1..2], Epoch::FIRST);
        }),
        on(Day, Check::OrderActor, "role 9 is unknown", |dir| {
            let mut number = 0;
            forge::edit_log_bytes(dir, |entry| {
                number += 1;
                if number == 40 {
                    entry[12] = 9;
                }
            });
        }),
        on(Day, Check::OrderBegins, "does not begin as awaiting payment", |dir| {
            forge::edit_log(dir, placed(|order| order.offset = 2));
        }),
        on(Day, Check::OrderReopens, "is opened again as another than it was closed", |dir| {
            forge::edit_log(dir, reopen_as_another());
        }),
        on(Day, Check::OrderHolds(Invariant::AmountsAddUp), "I6 amounts add up", |dir| {
            forge::edit_log(dir, placed(|order| order.total += Fen(1)));
        }),
        on(Day, Check::OrderHolds(Invariant::MoneyBalances), "I7 money balances", |dir| {
            forge::edit_log(dir, collected(|order| order.payments[0].amount -= Fen(1)));
        }),
        on(Day, Check::OrderHolds(Invariant::LifeFollowsStatus), "I8 life follows status", |dir| {
            forge::edit_log(dir, collected(|order| order.paid_at = None));
        }),
        on(Day, Check::ClaimHolds(Invariant::QuotaHolds), "I3 quota holds", |dir| {
            forge::edit_log(dir, |_, event| {
                if let Event::CampaignDefined(campaign) = event {
                    Arc::make_mut(campaign).quota = 15;
                }
            });
        }),
        on(Day, Check::ClaimHolds(Invariant::ClaimsCounted), "the id is not its member's", |dir| {
            forge::edit_log(dir, |_, event| {
                if let Event::CouponClaimed { coupon, .. } = event {
                    *coupon = CouponId(coupon.0.wrapping_add(1));
                }
            });
        }),
    ]
}
