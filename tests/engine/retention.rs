//! A log that is trimmed behind what nobody needs any more: it stays small, and everything that was promised still holds.

use std::path::PathBuf;
use std::sync::Arc;

use qucan::domain::id::OrderId;
use qucan::domain::order::Status;
use qucan::domain::time::Millis;
use qucan::engine::EngineOptions;
use qucan::engine::answer::Answer;
use qucan::engine::projection::directories;
use qucan::engine::replica::ReplicaOptions;
use qucan::ops::verify::{Report, VerifyOptions, verify};
use qucan_storage::fs::{CrashPolicy, Fault, FaultKind, Operation, SimFs};
use qucan_storage::log::{AppendError, LogReader, Preparation, ReadError, segment_sizes};
use qucan_storage::snapshot::SnapshotStore;
use qucan_storage::{Position, Sequence};

use crate::copy::{append, copy, groups_after, state_of};
use crate::region::{Region, customer, member, place, region, until};

/// Small segments, so that something goes after few orders.
fn small(options: &mut EngineOptions) {
    options.closed_orders_days = 2;
    options.snapshot_every_entries = 40;
    options.log.segment_bytes_first = 16 << 10;
    options.log.segment_bytes_max = 16 << 10;
    options.log.reserve_bytes = 16 << 10;
}

fn log_dir(region: &Region) -> PathBuf {
    region.options.data_dir.join("log")
}

fn snapshots(region: &Region) -> Vec<Position> {
    let store = SnapshotStore::read_only(Arc::clone(&region.options.fs), &region.options.data_dir.join("snapshot"));
    store.list().unwrap().0.into_iter().map(|info| info.position).collect()
}

fn first(region: &Region) -> u64 {
    segment_sizes(&*region.options.fs, &log_dir(region)).unwrap()[0].0.0
}

fn bytes(region: &Region) -> u64 {
    segment_sizes(&*region.options.fs, &log_dir(region)).unwrap().iter().map(|(_, bytes)| bytes).sum()
}

fn verified(region: &Region) -> Report {
    let report = verify(&region.options.data_dir, &VerifyOptions::default()).unwrap();
    assert!(report.ok, "{}", report.text());
    report
}

/// A day's orders, each closed at once; the clock goes on to the next morning.
fn a_day(region: &Region, day: u32, orders: u32) -> Vec<OrderId> {
    let ids = (0..orders).map(|number| region.sell("ann", &format!("{day}-{number}")).id).collect();
    region.projected();
    region.advance(Millis::hours(24));
    ids
}

/// Sells until something happens that another thread brings about.
fn sell_until(region: &Region, what: &str, mut happened: impl FnMut() -> bool) {
    until(what, || {
        region.sell("bea", &format!("until-{}", region.handle().status().log_head));
        happened()
    });
}

#[test]
fn days_that_are_past_go_and_what_is_answered_stays_provable() {
    let mut region = region(small);
    let open = region.place("olga", "stays-open").id;
    region.pay(open, "stays-open");
    let mut days = Vec::new();
    for day in 0..12 {
        days.push(a_day(&region, day, 30));
        if day % 4 == 3 {
            region.stop();
            verified(&region);
            region.start();
            assert_eq!(
                region.handle().views().order(open).unwrap().status,
                Status::Rejected,
                "the store never answered"
            );
        }
    }
    sell_until(&region, "old entries go", || first(&region) > 1_000);
    // 12 days of some 150 entries; what is left are two days, those beside them, and the present.
    assert!(bytes(&region) < 6 * 150 * 600, "{} bytes", bytes(&region));
    assert!(snapshots(&region).len() <= 8, "{:?}", snapshots(&region));
    assert_eq!(directories(&region.state_dir()).unwrap().len(), 2, "days of the projection");
    until("the files go", || region.handle().status().log_first == first(&region));
    assert_eq!(region.handle().status().log_trimmed_early, None);

    let last = days.last().unwrap();
    until("history is known", || region.find(last[0]).is_ok());
    for restarted in [false, true] {
        for order in last {
            assert_eq!(region.find(*order).unwrap().unwrap().id, *order);
        }
        let (repeat, fresh) = match region.ask(customer("ann"), place("ann", "11-7")).unwrap() {
            Answer::Order { order, fresh } => (order, fresh),
            other => panic!("{other:?}"),
        };
        assert_eq!((repeat.id, fresh), (last[7], false), "a repeat is answered with the order that there is");
        for order in &days[0] {
            assert_eq!(region.find(*order), Ok(None));
            assert!(region.handle().may_be_gone(*order));
        }
        assert!(!region.handle().may_be_gone(last[0]));
        region.projected();
        region.kill();
        verified(&region);
        if !restarted {
            std::fs::remove_dir_all(region.state_dir()).unwrap();
        }
        region.start();
        until("history is known", || region.find(last[0]).is_ok());
        region.projected();
    }
    region.stop();
    let report = verified(&region);
    assert!(report.text().contains("the log begins at"), "{}", report.text());
}

#[test]
fn what_the_centre_has_not_stays_until_it_has_or_the_bytes_are_used_up() {
    let region = region(|options| {
        small(options);
        options.has_centre = true;
        options.log_bytes_max = 400 << 10;
    });
    let mut day = 0;
    while bytes(&region) < 250 << 10 {
        a_day(&region, day, 8);
        day += 1;
        assert_eq!(first(&region), 1, "the centre has said nothing");
    }
    assert!(day > 6, "longer than the retention");
    region.handle().centre_has(region.handle().status().log_head / 2);
    sell_until(&region, "what it has goes", || first(&region) > 1);
    assert!(first(&region) <= region.handle().status().log_head / 2 + 1);
    assert_eq!(region.handle().status().log_trimmed_early, None);

    let lacks = region.handle().status().log_head / 2 + 1;
    let mut most = 0;
    sell_until(&region, "bytes come first", || {
        most = most.max(bytes(&region));
        first(&region) > lacks
    });
    assert!(most <= 400 << 10, "{most} bytes");
    let said = region.handle().status().log_trimmed_early.unwrap();
    assert!(said.contains("the centre may lack entries") && said.contains("seeded"), "{said}");
    // It never stops, however long the centre is away.
    for _ in 0..4 {
        let before = first(&region);
        sell_until(&region, "it goes on", || {
            most = most.max(bytes(&region));
            first(&region) > before
        });
    }
    assert!(most <= 400 << 10, "{most} bytes");
    assert!(snapshots(&region).len() <= 12, "{:?}", snapshots(&region));
}

/// A region whose log was cut in the middle of what it still answers.
fn cut_short() -> (Region, Vec<OrderId>) {
    let region = region(|options| {
        small(options);
        options.log_bytes_max = 256 << 10;
    });
    let mut orders = Vec::new();
    until("the bytes are used up", || {
        orders.push(region.sell("ann", &format!("key-{}", orders.len())).id);
        first(&region) > 200
    });
    region.projected();
    (region, orders)
}

#[test]
fn history_outlives_its_log_and_what_can_t_be_built_again_is_gone_and_not_unknown() {
    let (mut region, orders) = cut_short();
    for order in &orders {
        assert_eq!(region.find(*order).unwrap().unwrap().id, *order, "state/ has it, the log has it no longer");
    }
    region.stop();
    verified(&region);
    region.start();
    assert_eq!(region.find_in_time(orders[0]).unwrap().id, orders[0]);
    // Late money opens one again whose end is in no log any more, and it closes again.
    region.pay(orders[1], "late");
    region.refund_succeeds(orders[1], 1);
    region.projected();
    region.stop();
    verified(&region);

    std::fs::remove_dir_all(region.state_dir()).unwrap();
    region.start();
    assert_eq!(region.find_in_time(orders[0]), None);
    assert!(region.handle().may_be_gone(orders[0]));
    assert_eq!(region.find(orders[1]).unwrap().unwrap().payments.len(), 2, "its second end is there");
    assert_eq!(region.find(*orders.last().unwrap()).unwrap().unwrap().id, *orders.last().unwrap());
    region.projected();
    region.stop();
    verified(&region);
}

#[test]
fn a_start_after_a_kill_at_any_time_finds_a_log_that_begins_with_a_snapshot() {
    let (mut region, _) = cut_short();
    for round in 0..12 {
        let before = first(&region);
        let mut number = 0;
        until("it is trimmed again", || {
            region.sell("ann", &format!("{round}-{number}"));
            number += 1;
            first(&region) > before
        });
        // In the middle of whatever it does.
        region.kill();
        assert!(snapshots(&region).iter().any(|at| at.sequence.0 + 1 >= first(&region)));
        region.start();
        let order = region.place("bob", &format!("open-{round}")).id;
        assert!(region.handle().views().order(order).is_some());
    }
    region.stop();
    verified(&region);
    let reader = LogReader::open(Arc::clone(&region.options.fs), &log_dir(&region), Sequence::NONE);
    assert!(matches!(reader, Err(ReadError::Trimmed { .. })));
}

#[test]
fn a_base_that_rotted_is_named_and_another_one_serves() {
    let (mut region, orders) = cut_short();
    region.stop();
    let base = snapshots(&region).into_iter().find(|at| at.sequence.0 + 1 >= first(&region)).unwrap();
    let path = region.options.data_dir.join("snapshot").join(format!("{:020}.snap", base.sequence.0));
    let mut rotten = std::fs::read(&path).unwrap();
    let middle = rotten.len() / 2;
    rotten[middle] ^= 1;
    std::fs::write(&path, &rotten).unwrap();
    region.start();
    region.order(customer("bob"), place("bob", "after"));
    sell_until(&region, "it goes on being trimmed", || Sequence(first(&region)) > base.sequence.next());
    assert_eq!(std::fs::read(&path).unwrap(), rotten, "it stays for a person to look at");
    assert_eq!(region.find_in_time(orders[0]).unwrap().id, orders[0]);
    let bob = region.handle().views().open_orders_of_member(&member("bob"));
    assert_eq!(bob.len(), 1);
    region.stop();
    std::fs::remove_file(&path).unwrap();
    verified(&region);
}

#[test]
fn nothing_is_trimmed_to_a_snapshot_that_rotted_after_it_was_written() {
    let mut region = region(small);
    for day in 0..3 {
        a_day(&region, day, 30);
    }
    region.stop();
    // Every one but the newest, with which it starts.
    let found = snapshots(&region);
    let (_, older) = found.split_last().unwrap();
    for at in older {
        let path = region.options.data_dir.join("snapshot").join(format!("{:020}.snap", at.sequence.0));
        let mut bytes = std::fs::read(&path).unwrap();
        let last = bytes.len() - 60;
        bytes[last] ^= 1;
        std::fs::write(&path, bytes).unwrap();
    }
    region.start();
    for day in 3..9 {
        a_day(&region, day, 30);
    }
    sell_until(&region, "the log is trimmed", || first(&region) > 1);
    let base = snapshots(&region).into_iter().find(|at| at.sequence.0 + 1 >= first(&region)).unwrap();
    assert!(older.iter().all(|bad| bad.sequence < base.sequence), "{older:?}, {base:?}");
    region.kill();
    for at in older {
        let path = region.options.data_dir.join("snapshot").join(format!("{:020}.snap", at.sequence.0));
        let _gone = std::fs::remove_file(path);
    }
    verified(&region);
}

#[test]
fn a_copy_goes_behind_what_was_applied_and_takes_no_more_where_that_is_not_enough() {
    let region = region(small);
    let small_copy = |options: &mut ReplicaOptions| {
        options.log_bytes_max = 160 << 10;
        options.snapshot_every_entries = 30;
        options.log = region.options.log;
    };
    let mut copy = copy(&region, small_copy);
    let mut refused = None;
    for number in 0..400 {
        region.sell("ann", &format!("key-{number}"));
        let groups = groups_after(&region, copy.replica().received().sequence, usize::MAX);
        refused = append(&copy.replica(), &groups).err();
        if refused.is_some() {
            break;
        }
    }
    // Nothing of it was applied: nothing may go.
    let why = refused.unwrap();
    assert!(
        matches!(&why, AppendError::NoRoom { detail, .. } if detail.contains("only what was applied may go")),
        "{why}"
    );
    assert_eq!((copy.replica().first(), copy.replica().failure()), (Sequence(1), None));
    let mut most = 0;
    for number in 400..1_000 {
        let sold = region.sell("ann", &format!("key-{number}"));
        until("there is room again", || {
            copy.apply(usize::MAX, 64);
            let groups = groups_after(&region, copy.replica().received().sequence, usize::MAX);
            append(&copy.replica(), &groups).is_ok()
        });
        copy.apply(usize::MAX, 64);
        assert!(copy.orders.contains_key(&sold.id));
        most = most.max(copy.replica().reads().status().log_bytes);
    }
    assert!(most <= 160 << 10, "{most} bytes");
    assert!(copy.replica().first() > Sequence(1_000), "{}", copy.replica().first());
    copy.projected();
    copy.stop();
    let report = verify(&copy.options.data_dir, &VerifyOptions::default()).unwrap();
    assert!(report.ok, "{}", report.text());
    // Another store gets what the log still has, beginning with its base.
    (copy.stored, copy.orders) = (None, Default::default());
    copy.start().unwrap();
    copy.catch_up(&region);
    assert_eq!(copy.applier().state_hash().unwrap(), state_of(&region).0);
}

/// A region on a simulated disk whose log is trimmed after so many orders, or that has just been.
fn on_the_brink(fs: &SimFs, orders: Option<usize>) -> (Region, usize) {
    let region = region(|options| {
        small(options);
        options.fs = fs.shared();
        options.data_dir = "/data".into();
        options.projection = false;
        options.snapshot_every_entries = 10;
        options.log_bytes_max = 128 << 10;
        options.log.preparation = Preparation::Inline;
    });
    let mut placed = 0;
    while orders.map_or(region.handle().status().log_first == 1, |orders| placed < orders) {
        region.place(&format!("m-{placed}"), "key");
        placed += 1;
    }
    (region, placed)
}

#[test]
fn a_power_cut_at_any_step_of_a_trim_loses_nothing_that_was_acknowledged() {
    let (_trimmed, after) = on_the_brink(&SimFs::new(7), None);
    let fs = SimFs::new(7);
    let (mut region, already) = on_the_brink(&fs, Some(after - 8));
    region.kill();
    let before = fs.backup();
    let (mut cuts, mut trims) = (0, 0);
    for nth in 1.. {
        fs.restore(&before);
        region.start();
        assert_eq!(region.handle().status().log_first, 1);
        fs.plan(Fault::nth(Operation::AnyChange, nth, FaultKind::PowerCut));
        let mut acknowledged = Vec::new();
        for number in 0..14 {
            let name = format!("again-{number}");
            match region.ask(customer(&name), place(&name, "key")) {
                Ok(Answer::Order { order, .. }) => acknowledged.push(order.id),
                Ok(other) => panic!("{other:?}"),
                Err(_) => break,
            }
        }
        trims += usize::from(region.handle().status().log_first > 1);
        let reached = fs.fault_reached();
        region.kill();
        fs.crash(if nth % 2 == 0 { CrashPolicy::DropUnsynced } else { CrashPolicy::Random(nth) });
        region.start();
        cuts += 1;
        let handle = region.handle();
        assert!(acknowledged.iter().all(|order| handle.views().order(*order).is_some()), "cut at {nth}");
        assert!(handle.views().open_orders() >= already + acknowledged.len(), "cut at {nth}");
        // Whatever is left of the files, it can be written on and trimmed.
        for number in 0..14 {
            region.place(&format!("then-{number}"), "key");
        }
        assert!(handle.status().log_first > 1, "cut at {nth}");
        region.kill();
        if !reached {
            break;
        }
    }
    assert!(cuts > 30 && trims > 3, "{cuts} cuts, {trims} trims");
}
