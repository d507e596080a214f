//! A copy that its region's log has outrun goes on with a snapshot, knows what it missed, and is the old one or the new one
//! whenever it is killed.

use std::sync::Arc;

use qucan::domain::id::OrderId;
use qucan::domain::order::Status;
use qucan::domain::time::Millis;
use qucan::engine::replica::{OrdersFilter, Replica, ReplicaOptions, SnapshotRefused};
use qucan::ops::verify::{VerifyOptions, verify};
use qucan_storage::fs::{CrashPolicy, Fault, FaultKind, Operation, SimFs};
use qucan_storage::log::{Preparation, ReadError};
use qucan_storage::snapshot::{SnapshotInfo, SnapshotStore};
use qucan_storage::{Position, Sequence};

use crate::copy::{Copy, append, copy, groups_after};
use crate::region::{Region, region, until};

/// A region with a small log, and what its copy had when it was last there.
struct Outrun {
    region: Region,
    copy: Copy,
    /// Closed before the gap.
    early: Vec<OrderId>,
    /// Open before the gap and closed in it, and open before and behind it.
    unseen: Vec<OrderId>,
    open: Vec<OrderId>,
    /// Placed in the gap: closed in it, and still open behind it.
    hidden: OrderId,
    late: OrderId,
}

fn outrun(change: impl FnOnce(&mut ReplicaOptions)) -> Outrun {
    let region = region(|options| {
        options.snapshot_every_entries = 40;
        options.log_bytes_max = 256 << 10;
        options.has_centre = true;
        options.log.segment_bytes_first = 16 << 10;
        options.log.segment_bytes_max = 16 << 10;
        options.log.reserve_bytes = 16 << 10;
    });
    let early = (0..10).map(|number| region.sell("ann", &format!("early-{number}")).id).collect();
    let paid = |name: &str| {
        let order = region.place("bob", name).id;
        region.pay(order, name);
        order
    };
    let unseen: Vec<OrderId> = (0..4).map(|number| paid(&format!("unseen-{number}"))).collect();
    let open: Vec<OrderId> = (0..3).map(|number| paid(&format!("open-{number}"))).collect();
    let mut copy = copy(&region, change);
    copy.catch_up(&region);
    if copy.options.projection {
        copy.projected();
    }

    region.advance(Millis::minutes(1));
    for order in &unseen {
        region.finish(*order);
    }
    let hidden = region.sell("eve", "hidden").id;
    let late = paid("late");
    region.order(
        crate::region::pos(),
        qucan::domain::command::Command::AcceptOrder { order: open[0], pickup_code: None },
    );
    let end = copy.replica().received().sequence;
    until("the copy is outrun", || {
        region.sell("kim", &format!("on-{}", region.handle().status().log_head));
        region.handle().status().log_first > end.0 + 1
    });
    Outrun { region, copy, early, unseen, open, hidden, late }
}

fn snapshots(region: &Region) -> SnapshotStore {
    SnapshotStore::read_only(Arc::clone(&region.options.fs), &region.options.data_dir.join("snapshot"))
}

/// What the region ships as its seed: the oldest snapshot from which its log goes on.
fn seed(region: &Region) -> SnapshotInfo {
    let first = region.handle().status().log_first;
    let (found, _) = snapshots(region).list().unwrap();
    found.into_iter().find(|info| info.position.sequence.0 + 1 >= first).unwrap()
}

fn send(from: &SnapshotStore, info: &SnapshotInfo, to: &Replica) -> Result<Position, SnapshotRefused> {
    let mut incoming = to.receive_seed(info.position, info.epoch, info.bytes)?;
    loop {
        let mut piece = Vec::new();
        from.read_at(info, incoming.received(), 10_000, &mut piece).unwrap();
        if piece.is_empty() {
            return to.take_seed(incoming).map(|gap| gap.to);
        }
        incoming.write(incoming.received(), &piece)?;
    }
}

/// Asks until the copy is ready; its applier does what is asked of it.
fn made_ready(copy: &mut Copy) {
    while copy.replica().is_ready_for_seed().is_err() {
        copy.apply(usize::MAX, 64);
    }
}

/// The state hash and end of the region, as the log from its base on leads to it.
fn same_as(region: &Region, copy: &mut Copy) {
    copy.catch_up(region);
    let (here, there) = (copy.replica().reads(), region.handle());
    assert_eq!(copy.replica().received().sequence.0, there.status().log_head);
    assert_eq!(here.views().open_orders(), there.views().open_orders());
    for store in ["s1", "s2"].map(|id| id.parse().unwrap()) {
        assert_eq!(here.views().store(&store), there.views().store(&store));
        assert_eq!(here.views().stock(&store), there.views().stock(&store));
    }
}

#[test]
fn it_goes_on_behind_the_gap_and_keeps_what_it_knew() {
    let Outrun { region, mut copy, early, unseen, open, hidden, late } =
        outrun(|options| options.snapshot_every_entries = 30);
    let groups = groups_after(&region, Sequence(region.handle().status().log_first - 1), 1);
    assert!(append(&copy.replica(), &groups).is_err(), "a gap is never appended over");
    let before = copy.replica().received();
    made_ready(&mut copy);
    let info = seed(&region);
    assert_eq!(send(&snapshots(&region), &info, &copy.replica()).unwrap(), info.position);
    assert!(append(&copy.replica(), &groups).is_err(), "nothing before it was opened anew");
    copy.stop();
    for restarts in 0..3 {
        copy.start().unwrap();
        let replica = copy.replica();
        assert_eq!((replica.received(), replica.first()), (info.position, info.position.sequence.next()));
        let gap = replica.gaps()[0];
        assert_eq!((gap.from, gap.to, replica.gaps().len()), (before, info.position, 1));
        assert!(gap.from_time < gap.to_time && gap.to_time <= gap.at);
        match restarts {
            // Killed before anything of it was stored.
            0 => assert_eq!(copy.stored, Some(before)),
            // The store has it, nobody else does.
            1 => {
                assert!(copy.store_next(64));
                assert_eq!(copy.stored, Some(info.position));
            }
            _ => {}
        }
        drop(replica);
        if restarts < 2 {
            copy.kill();
        }
    }
    same_as(&region, &mut copy);
    for again in [false, true] {
        copy.projected();
        let reads = copy.replica().reads();
        for order in early.iter().chain(&unseen) {
            assert_eq!(reads.order(*order).unwrap().unwrap().id, *order);
        }
        let last_seen = reads.order(unseen[0]).unwrap().unwrap();
        assert_eq!((last_seen.status, last_seen.is_closed()), (Status::Paid, false), "as it was last seen");
        assert_eq!(reads.order(open[0]).unwrap().unwrap().status, Status::Accepted);
        assert_eq!(reads.order(late).unwrap().unwrap().status, Status::Paid);
        assert_eq!(reads.order(hidden), Ok(None), "nobody can know");
        let listed = copy.walk(&OrdersFilter::default(), 7);
        assert!(unseen.iter().all(|id| listed.iter().filter(|order| order.id == *id).count() == 1));
        if again {
            break;
        }
        copy.stop();
        let report = verify(&copy.options.data_dir, &VerifyOptions::default()).unwrap();
        assert!(report.ok, "{}", report.text());
        copy.start().unwrap();
        same_as(&region, &mut copy);
    }
    // A store that begins from nothing gets what the copy still has.
    copy.kill();
    (copy.stored, copy.orders) = (None, Default::default());
    copy.start().unwrap();
    same_as(&region, &mut copy);
    assert!(copy.orders.values().all(|order| order.id != hidden));
    assert!(matches!(copy.replica().reader(before.sequence), Err(ReadError::Trimmed { .. })));
}

#[test]
fn a_seed_waits_until_what_has_arrived_is_applied_and_another_history_is_never_one() {
    let Outrun { region, mut copy, .. } = outrun(|_| {});
    let replica = copy.replica();
    let why = replica.is_ready_for_seed().unwrap_err();
    assert!(why.contains("snapshot"), "{why}");
    made_ready(&mut copy);
    let other = outrun(|_| {});
    let info = seed(&other.region);
    let refused = send(&snapshots(&other.region), &info, &replica);
    assert!(matches!(refused, Err(SnapshotRefused::Foreign { .. })), "{refused:?}");
    assert!(replica.gaps().is_empty());
    let (found, _) =
        SnapshotStore::read_only(Arc::clone(&copy.options.fs), &copy.options.data_dir.join("snapshot")).list().unwrap();
    assert!(found.iter().all(|found| found.position.sequence <= replica.received().sequence), "nothing of it stays");
    let early = SnapshotInfo { position: replica.received(), ..seed(&region) };
    let refused = replica.receive_seed(early.position, early.epoch, early.bytes).map(drop);
    assert!(matches!(refused, Err(SnapshotRefused::OtherHistory { .. })), "{refused:?}");
    send(&snapshots(&region), &seed(&region), &replica).unwrap();
    drop(replica);
    copy.kill();
    copy.start().unwrap();
    same_as(&region, &mut copy);
}

#[test]
fn cut_off_at_any_step_it_is_the_old_copy_or_the_new_one() {
    let fs = SimFs::new(1);
    let Outrun { region, mut copy, .. } = outrun(|options| {
        options.fs = fs.shared();
        options.data_dir = "/copy".into();
        options.projection = false;
        options.log.preparation = Preparation::Inline;
    });
    made_ready(&mut copy);
    let (info, from, half) = (seed(&region), snapshots(&region), copy.replica().received());
    copy.kill();
    let (before, orders) = (fs.backup(), copy.orders.clone());
    let (mut old, mut new) = (0, 0);
    for nth in 1.. {
        fs.restore(&before);
        (copy.stored, copy.orders) = (Some(half), orders.clone());
        copy.start().unwrap();
        fs.plan(Fault::nth(Operation::AnyChange, nth, FaultKind::PowerCut));
        let sent = send(&from, &info, &copy.replica());
        copy.kill();
        if sent.is_ok() && copy.start().is_ok() {
            copy.apply(1, 64);
            copy.kill();
        }
        let reached = fs.fault_reached();
        fs.crash(if nth % 2 == 0 { CrashPolicy::DropUnsynced } else { CrashPolicy::Random(nth) });
        copy.start().unwrap();
        if copy.replica().received() == half {
            old += 1;
            assert!(copy.replica().gaps().is_empty());
            made_ready(&mut copy);
            send(&from, &info, &copy.replica()).unwrap();
            copy.kill();
            copy.start().unwrap();
        } else {
            new += 1;
        }
        assert_eq!((copy.replica().received(), copy.replica().gaps().len()), (info.position, 1), "cut at {nth}");
        same_as(&region, &mut copy);
        copy.kill();
        if !reached {
            break;
        }
    }
    assert!(old > 5 && new > 5, "{old} times the old one, {new} times the new one");
}
