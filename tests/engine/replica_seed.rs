//! A copy that begins with a snapshot, copies over epochs, and snapshots that arrive beside the log.

use std::path::Path;
use std::sync::Arc;

use qucan::domain::command::Command;
use qucan::engine::replica::{OrdersFilter, Replica, SnapshotRefused};
use qucan::engine::snapshots::{self, HashCheck};
use qucan_storage::log::{AppendError, LogReader, ReadError};
use qucan_storage::snapshot::{SnapshotInfo, SnapshotStore};
use qucan_storage::{DataDir, Epoch, Expect, Position, Sequence};

use crate::copy::{Copy, append, copy, groups_after, state_of};
use crate::region::{Region, customer, member, pos, region, until};

fn snapshots_of(region: &Region) -> SnapshotStore {
    SnapshotStore::read_only(Arc::clone(&region.options.fs), &region.options.data_dir.join("snapshot"))
}

fn newest(store: &SnapshotStore) -> SnapshotInfo {
    store.list().unwrap().0.pop().unwrap()
}

fn send(from: &SnapshotStore, info: &SnapshotInfo, to: &Replica) -> Result<Position, SnapshotRefused> {
    let mut incoming = to.receive_snapshot(info.position, info.epoch, info.bytes)?;
    loop {
        let mut piece = Vec::new();
        from.read_at(info, incoming.received(), 10_000, &mut piece).unwrap();
        if piece.is_empty() {
            return to.take_snapshot(incoming);
        }
        incoming.write(incoming.received(), &piece)?;
    }
}

/// Sells, claims, leaves some open; then stops and starts, so that there is a snapshot.
fn a_day_and_a_snapshot(region: &mut Region, name: &str) {
    for i in 0..10 {
        region.sell("ann", &format!("{name}-{i}"));
    }
    for i in 0..4 {
        let order = region.place("bob", &format!("{name}-open-{i}")).id;
        region.pay(order, &format!("{name}-open-{i}"));
    }
    let claim = Command::ClaimCoupon { member: member(name), campaign: "one-yuan".parse().unwrap() };
    region.ask(customer(name), claim).unwrap();
    region.stop();
    region.start();
}

fn same_views(region: &Region, copy: &mut Copy) {
    let (hash, at) = state_of(region);
    assert_eq!(copy.applier().state_hash().unwrap(), hash);
    assert_eq!(copy.applier().published(), at);
    let (handle, reads) = (region.handle(), copy.replica().reads());
    let (here, there) = (reads.views(), handle.views());
    for store in ["s1", "s2"].map(|id| id.parse().unwrap()) {
        assert_eq!(here.store(&store), there.store(&store));
        assert_eq!(here.stock(&store), there.stock(&store));
    }
    for name in ["ann", "early", "late"].map(member) {
        assert_eq!(here.coupons(&name, handle.now()), there.coupons(&name, handle.now()));
    }
    let bob = member("bob");
    assert_eq!(here.open_orders_of_member(&bob), there.open_orders_of_member(&bob));
    assert_eq!((here.catalog(), here.region()), (there.catalog(), there.region()));
    assert_eq!(here.claimed(&"one-yuan".parse().unwrap()), there.claimed(&"one-yuan".parse().unwrap()));
}

#[test]
fn a_copy_that_begins_with_a_snapshot_is_whole_from_there_on() {
    let mut region = region(|_| {});
    a_day_and_a_snapshot(&mut region, "early");
    let (from, info) = (snapshots_of(&region), newest(&snapshots_of(&region)));
    let mut copy = copy(&region, |options| options.snapshot_every_entries = 20);
    let replica = copy.replica();
    assert!(replica.wants_snapshot(info.position, true));
    assert!(!replica.wants_snapshot(info.position, false), "it can get everything");
    assert_eq!(send(&from, &info, &replica).unwrap(), info.position);
    assert_eq!((replica.received(), replica.first()), (info.position, info.position.sequence.next()));
    assert!(!replica.wants_snapshot(info.position, true));
    drop(replica);
    // Killed before anything of it was applied.
    copy.kill();
    copy.start().unwrap();
    assert_eq!(copy.apply(usize::MAX, 10), 1);
    assert_eq!(copy.stored, Some(info.position));
    same_views(&region, &mut copy);
    let early = copy.replica().reads().views().open_orders();
    assert_eq!(early, 4);

    for round in 0..6 {
        let sold: Vec<_> = (0..5).map(|i| region.sell("ann", &format!("late-{round}-{i}"))).collect();
        let open: Vec<_> = region.handle().views().open_orders_of_member(&member("bob"));
        if let Some(order) = open.first() {
            region.finish(order.id);
        }
        copy.catch_up(&region);
        same_views(&region, &mut copy);
        copy.projected();
        for order in sold {
            assert_eq!(copy.replica().reads().order(order.id), Ok(Some(order)));
        }
        copy.kill();
        if round == 3 {
            // The store is lost: everything from the snapshot on comes again.
            (copy.stored, copy.orders) = (None, Default::default());
        }
        copy.start().unwrap();
        copy.apply(usize::MAX, 16);
        same_views(&region, &mut copy);
    }
    assert!(matches!(copy.replica().reader(Sequence(3)), Err(ReadError::Trimmed { .. })));
    assert_eq!(copy.replica().position_at(Sequence(3)).unwrap(), None);
    assert_eq!(copy.replica().position_at(info.position.sequence).unwrap(), Some(info.position));
    let groups = groups_after(&region, Sequence::NONE, usize::MAX);
    append(&copy.replica(), &groups).unwrap();
}

#[test]
fn a_snapshot_comes_beside_a_log_if_it_is_of_its_chain() {
    let mut region = region(|_| {});
    a_day_and_a_snapshot(&mut region, "early");
    let (from, info) = (snapshots_of(&region), newest(&snapshots_of(&region)));
    let mut copy = copy(&region, |options| options.snapshot_every_entries = u64::MAX);
    copy.ship(&region, 3, 1);
    let replica = copy.replica();
    assert!(!replica.wants_snapshot(info.position, true), "it is ahead of what has arrived");
    let refused = send(&from, &info, &replica);
    assert!(matches!(refused, Err(SnapshotRefused::OtherHistory { .. })), "{refused:?}");
    copy.catch_up(&region);
    assert!(replica.wants_snapshot(info.position, false));
    send(&from, &info, &replica).unwrap();
    let kept = replica.snapshot_file().unwrap().unwrap();
    assert_eq!((kept.position, kept.bytes), (info.position, info.bytes));
    let (mut whole, mut offset) = (Vec::new(), 0);
    loop {
        replica.read_snapshot(&kept, offset, 7_001, &mut whole).unwrap();
        if offset == whole.len() as u64 {
            break;
        }
        offset = whole.len() as u64;
    }
    assert!(whole == std::fs::read(&info.path).unwrap(), "what is given on is what came");
    assert!(!replica.wants_snapshot(info.position, false), "it is here");

    let mut stranger = crate::region::region(|_| {});
    a_day_and_a_snapshot(&mut stranger, "early");
    let other = newest(&snapshots_of(&stranger));
    let refused = send(&snapshots_of(&stranger), &other, &replica);
    assert!(matches!(refused, Err(SnapshotRefused::OtherHistory { .. })), "{refused:?}");
    let later = SnapshotInfo { epoch: Epoch(2), ..info.clone() };
    let refused = replica.receive_snapshot(later.position, later.epoch, later.bytes);
    assert!(matches!(refused, Err(SnapshotRefused::Epoch { .. })));
    drop(replica);
    copy.kill();
    copy.start().unwrap();
    same_views(&region, &mut copy);
}

#[test]
fn old_snapshots_go_and_the_one_the_log_begins_with_stays() {
    let mut region = region(|_| {});
    a_day_and_a_snapshot(&mut region, "early");
    let (from, base) = (snapshots_of(&region), newest(&snapshots_of(&region)));
    let mut copy = copy(&region, |options| options.snapshot_every_entries = 10);
    send(&from, &base, &copy.replica()).unwrap();
    let here = copy.options.data_dir.join("snapshot");
    let here = SnapshotStore::read_only(Arc::clone(&copy.options.fs), &here);
    let mut last = base.position.sequence;
    for round in 0..6 {
        until("there is a newer snapshot", || {
            region.sell("ann", &format!("{round}-{}", region.handle().status().log_head));
            copy.catch_up(&region);
            newest(&here).position.sequence > last
        });
        last = newest(&here).position.sequence;
    }
    until("only so many are left", || here.list().unwrap().0.len() == 3);
    assert_eq!(here.list().unwrap().0[0].position, base.position);
    let (loaded, bad) = snapshots::load_newest(&here, HashCheck::Compute).unwrap();
    assert!(loaded.is_some() && bad.is_empty());
}

/// The next epoch on a copy of the region's directory, as a restore makes it.
fn restored(region: &Region, epoch: Epoch) -> Region {
    let mut restored = crate::region::region(|_| {});
    restored.stop();
    std::fs::remove_dir_all(&restored.options.data_dir).unwrap();
    crate::copy::copy_dir(&region.options.data_dir, &restored.options.data_dir);
    let expect = Expect { region: Some("east"), create: false };
    let mut dir = DataDir::open(Arc::clone(&restored.options.fs), &restored.options.data_dir, expect).unwrap();
    dir.set_epoch(epoch).unwrap();
    drop(dir);
    restored.start();
    restored
}

#[test]
fn a_later_epoch_goes_on_once_it_was_granted_and_the_earlier_one_ends() {
    let mut old = region(|_| {});
    old.sell("ann", "old");
    let mut copy = copy(&old, |_| {});
    copy.catch_up(&old);
    old.stop();
    let new = restored(&old, Epoch(2));
    old.start();
    let order = new.sell("ann", "new");
    assert_eq!(order.id.epoch(), 2);

    let replica = copy.replica();
    let groups = groups_after(&new, replica.received().sequence, usize::MAX);
    let refused = append(&replica, &groups);
    assert!(matches!(refused, Err(AppendError::OtherEpoch { .. })), "{refused:?}");
    replica.grant(Epoch(2)).unwrap();
    replica.grant(Epoch(1)).unwrap();
    assert_eq!(replica.epoch(), Epoch(2));
    drop(replica);
    copy.kill();
    copy.start().unwrap();
    let replica = copy.replica();
    assert_eq!(replica.epoch(), Epoch(2), "a grant is durable");
    // The old node sends on: it was let in with epoch 1.
    old.sell("ann", "too-late");
    let late = groups_after(&old, replica.received().sequence, usize::MAX);
    let late: Vec<_> = late.iter().map(|raw| qucan_storage::log::Group::parse(raw).unwrap()).collect();
    let refused = replica.append_as(Epoch(1), &late);
    assert!(matches!(refused, Err(AppendError::OtherEpoch { .. })), "{refused:?}");
    copy.catch_up(&new);
    same_views(&new, &mut copy);
    assert_eq!(replica.reads().views().region().1, 2);
    assert!(append(&replica, &groups_after(&old, Sequence::NONE, usize::MAX)).is_err(), "two histories never mix");
    copy.projected();
    drop(replica);
    for _ in 0..2 {
        copy.kill();
        copy.start().unwrap();
        same_views(&new, &mut copy);
        copy.projected();
        assert_eq!(copy.walk(&OrdersFilter::default(), 5).first(), Some(&order));
    }
}

#[test]
fn a_full_disk_says_try_later_and_a_failed_one_says_never() {
    use qucan_storage::fs::{Fault, FaultKind, Operation, SimFs};
    let region = region(|_| {});
    (0..40).for_each(|i| drop(region.sell("ann", &format!("key-{i}"))));
    let fs = SimFs::new(1);
    let mut copy = copy(&region, |options| {
        options.fs = fs.shared();
        options.data_dir = "/copy".into();
        options.projection = false;
        options.log.segment_bytes_first = 16 << 10;
        options.log.segment_bytes_max = 16 << 10;
        options.log.reserve_bytes = 16 << 10;
        options.log.preparation = qucan_storage::log::Preparation::Inline;
    });
    let groups = groups_after(&region, Sequence::NONE, usize::MAX);
    append(&copy.replica(), &groups[..4]).unwrap();
    fs.set_capacity(Some(fs.used()));
    let refused = append(&copy.replica(), &groups);
    assert!(matches!(refused, Err(AppendError::NoRoom { .. })), "{refused:?}");
    assert_eq!(copy.replica().failure(), None);
    assert!(copy.replica().reads().status().disk_full.is_some());
    let half = copy.replica().received();
    copy.apply(usize::MAX, 16);
    assert_eq!(copy.stored, Some(half), "what has arrived is applied all the same");
    fs.set_capacity(None);
    until("there is room", || append(&copy.replica(), &groups).is_ok());
    assert_eq!(copy.replica().received(), state_of(&region).1);
    assert_eq!(copy.replica().reads().status().disk_full, None);

    region.sell("ann", "one-more");
    fs.plan(Fault::nth(Operation::Sync, 1, FaultKind::Error));
    let more = groups_after(&region, copy.replica().received().sequence, usize::MAX);
    let refused = append(&copy.replica(), &more);
    assert!(matches!(refused, Err(AppendError::Poisoned { .. })), "{refused:?}");
    assert!(append(&copy.replica(), &more).is_err());
    assert!(copy.replica().failure().is_some());
    copy.apply(usize::MAX, 16);
    copy.kill();
    fs.heal();
    copy.start().unwrap();
    copy.catch_up(&region);
    same_views(&region, &mut copy);
}

#[test]
fn a_log_without_its_snapshot_says_what_is_missing() {
    let mut region = region(|_| {});
    a_day_and_a_snapshot(&mut region, "early");
    let info = newest(&snapshots_of(&region));
    let mut copy = copy(&region, |_| {});
    send(&snapshots_of(&region), &info, &copy.replica()).unwrap();
    region.order(
        pos(),
        Command::AcceptOrder {
            order: region.handle().views().open_orders_of_member(&member("bob"))[0].id,
            pickup_code: None,
        },
    );
    copy.catch_up(&region);
    copy.kill();
    let snapshots = copy.options.data_dir.join("snapshot");
    for entry in std::fs::read_dir(&snapshots).unwrap() {
        std::fs::remove_file(entry.unwrap().path()).unwrap();
    }
    let error = copy.start().unwrap_err().to_string();
    assert!(error.contains("the log begins at"), "{error}");
    let reader = LogReader::open(
        Arc::clone(&copy.options.fs),
        Path::new(&copy.options.data_dir.join("log")),
        info.position.sequence,
    );
    assert!(reader.is_ok(), "the log is as it was");
}
