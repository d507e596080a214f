//! What is there after a stop or a kill is what was acknowledged, no more and no less.

use std::sync::Arc;

use qucan::domain::command::Command;
use qucan::domain::id::OrderId;
use qucan::domain::order::{Order, Status};
use qucan::domain::state::State;
use qucan::domain::time::Millis;
use qucan::engine::records::{StateHash, state_hash};
use qucan::engine::replay::Replay;
use qucan::engine::snapshots::{self, HashCheck};
use qucan_storage::log::{OpenFrom, scan};
use qucan_storage::snapshot::SnapshotStore;
use qucan_storage::{Position, Sequence};

use crate::region::{Region, customer, member, operator, place, pos, region, store, until};

/// Everything a reader can see.
#[derive(Debug, PartialEq)]
pub struct Seen {
    catalog: Arc<qucan::domain::catalog::Catalog>,
    store: Option<qucan::engine::views::StoreView>,
    stock: Vec<(qucan::domain::id::Sku, qucan::domain::stock::StockLine)>,
    orders: Vec<Arc<Order>>,
    coupons: Vec<qucan::domain::coupon::Coupon>,
    claimed: u32,
    refunds: Vec<Arc<Order>>,
    open: usize,
}

pub fn seen(region: &Region) -> Seen {
    let handle = region.handle();
    let views = handle.views();
    Seen {
        catalog: views.catalog(),
        store: views.store(&store()),
        stock: views.stock(&store()),
        orders: views.open_orders_of_member(&member("ann")),
        coupons: views.coupons(&member("ann"), handle.now()),
        claimed: views.claimed(&"one-yuan".parse().unwrap()),
        refunds: views.pending_refunds(),
        open: views.open_orders(),
    }
}

/// Orders in every status, a claim, a pause, a refund.
pub fn a_day(region: &Region) -> Vec<OrderId> {
    let ids: Vec<OrderId> = (0..8).map(|i| region.place("ann", &format!("day-{i}")).id).collect();
    for (i, id) in ids.iter().enumerate().skip(1) {
        region.pay(*id, &format!("day-{i}"));
    }
    region.order(pos(), Command::AcceptOrder { order: ids[2], pickup_code: Some("A7".parse().unwrap()) });
    region.order(pos(), Command::AcceptOrder { order: ids[3], pickup_code: None });
    region.order(pos(), Command::MarkReady { order: ids[3] });
    region.finish(ids[4]);
    region.cancel("ann", ids[5]);
    region.order(pos(), Command::RejectOrder { order: ids[6], reason: "no rice".into() });
    region.refund_succeeds(ids[6], 1);
    region
        .ask(customer("ann"), Command::ClaimCoupon { member: member("ann"), campaign: "one-yuan".parse().unwrap() })
        .unwrap();
    let pause = Command::SetAccepting { store: "s2".parse().unwrap(), accepting: false, reason: None, until: None };
    region.ask(operator(), pause).unwrap();
    ids
}

/// The state that the whole log leads to, with its hash.
fn replayed(region: &Region) -> (StateHash, Position) {
    let mut replay = Replay::new(State::new(), Sequence::NONE);
    let log = region.options.data_dir.join("log");
    let found = scan(&region.options.fs, &log, None, OpenFrom::default(), |group| Ok(replay.group(group)?)).unwrap();
    (state_hash(replay.state()).unwrap(), found.last)
}

fn newest_snapshot(region: &Region) -> (StateHash, Position) {
    let store = SnapshotStore::open(Arc::clone(&region.options.fs), &region.options.data_dir.join("snapshot")).unwrap();
    let (loaded, bad) = snapshots::load_newest(&store, HashCheck::Compute).unwrap();
    assert!(bad.is_empty(), "{bad:?}");
    let loaded = loaded.unwrap();
    assert_eq!(state_hash(&loaded.state).unwrap(), loaded.hash);
    (loaded.hash, loaded.position)
}

#[test]
fn a_stop_and_a_start_change_nothing_that_can_be_seen() {
    let mut region = region(|_| {});
    a_day(&region);
    let before = seen(&region);
    assert_eq!((before.open, before.claimed, before.refunds.len()), (6, 1, 1));
    region.stop();
    region.start();
    assert_eq!(seen(&region), before);
}

#[test]
fn a_kill_changes_nothing_that_was_acknowledged() {
    let mut region = region(|options| options.snapshot_every_entries = 10);
    let ids = a_day(&region);
    let before = seen(&region);
    for _ in 0..3 {
        region.kill();
        region.start();
        assert_eq!(seen(&region), before);
    }
    assert_eq!(region.find_in_time(ids[4]).unwrap().status, Status::Collected);
    assert_eq!(region.find_in_time(ids[6]).unwrap().status, Status::Rejected);
}

#[test]
fn the_state_hash_is_the_same_live_and_replayed() {
    let mut region = region(|_| {});
    a_day(&region);
    region.stop();
    assert_eq!(newest_snapshot(&region), replayed(&region));
    region.start();
    region.sell("bob", "one-more");
    region.stop();
    assert_eq!(newest_snapshot(&region), replayed(&region), "from a snapshot on");
}

#[test]
fn snapshots_are_taken_while_it_sells_and_shorten_the_replay() {
    let mut region = region(|options| options.snapshot_every_entries = 20);
    until("there is a snapshot", || {
        region.sell("ann", &format!("key-{}", region.handle().status().log_head));
        region.handle().status().snapshot_at > 0
    });
    region.kill();
    let (hash, position) = newest_snapshot(&region);
    assert!(position.sequence > Sequence::NONE);
    let mut replay = Replay::new(State::new(), Sequence::NONE);
    let log = region.options.data_dir.join("log");
    scan(&region.options.fs, &log, None, OpenFrom::default(), |group| {
        if group.last() <= position.sequence {
            replay.group(group)?;
        }
        Ok(())
    })
    .unwrap();
    assert_eq!(state_hash(replay.state()).unwrap(), hash, "a snapshot in the middle is what the log says there");
}

#[test]
fn a_deadline_that_passes_while_it_is_down_leads_to_exactly_one_cancel() {
    let mut region = region(|_| {});
    let order = region.place("ann", "late").id;
    region.kill();
    region.advance(Millis::hours(1));
    region.start();
    let handle = region.handle();
    until("the order is cancelled", || handle.views().order(order).is_none_or(|order| order.status.is_final()));
    let cancelled = region.find_in_time(order).unwrap();
    assert_eq!((cancelled.status, cancelled.offset), (Status::Cancelled, 2));
    assert_eq!(cancelled.reason.as_deref(), Some("payment_timeout"));
    let head = handle.status().log_head;
    region.kill();
    region.start();
    region.place("ann", "next");
    assert_eq!(region.handle().status().log_head, head + 1, "nothing but the new order was written");
}

#[test]
fn no_deadline_fires_within_the_grace_after_a_start() {
    let mut region = region(|_| {});
    let order = region.place("ann", "late").id;
    region.kill();
    region.advance(Millis::hours(1));
    region.options.grace = Millis::minutes(2);
    region.start();
    region.place("bob", "in-between");
    let paid = region.pay(order, "just-in-time");
    assert_eq!(paid.status, Status::Paid, "the money came within the grace");
}

#[test]
fn two_engines_never_share_a_directory() {
    let region = region(|_| {});
    let second = qucan::engine::Engine::open(region.options.clone());
    assert!(second.is_err_and(|error| error.to_string().contains("in use")));
}

#[test]
fn a_stopped_engine_says_so_and_answers_nothing() {
    let mut region = region(|_| {});
    let handle = region.handle();
    region.stop();
    let refused = handle.submit_blocking(crate::region::request(customer("ann"), place("ann", "late")));
    assert_eq!(refused, Err(qucan::engine::answer::Unavailable::ShuttingDown.into()));
    assert!(handle.checks().iter().any(|check| !check.ok));
}
