//! A failed sync, a panic, a full disk: what is promised then.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use qucan::domain::command::Command;
use qucan::domain::time::Timestamp;
use qucan::engine::answer::{Refusal, Unavailable};
use qucan::engine::clock::Clock;
use qucan_storage::fs::{Fault, FaultKind, Operation, SimFs};
use qucan_storage::log::LogOptions;

use crate::gate::GatedFs;
use crate::region::{BEGIN, Region, block_on, customer, pay, place, region, request, until};

#[test]
fn after_a_failed_sync_nothing_is_acknowledged_and_nothing_of_it_is_shown() {
    let fs = GatedFs::new();
    let mut region = region(|options| options.fs = Arc::new(fs.clone()));
    let kept = region.place("ann", "kept");
    fs.syncs.fail();
    let failed = region.ask(customer("ann"), place("ann", "lost"));
    assert_eq!(failed, Err(Unavailable::StorageFailed.into()));
    let handle = region.handle();
    assert!(block_on(handle.failed()).contains("the test says so"), "the node hears why");
    for command in [place("ann", "later"), pay(kept.id, "later", 6_800), Command::CancelOrder { order: kept.id }] {
        assert_eq!(region.ask(customer("ann"), command), Err(Unavailable::StorageFailed.into()));
    }
    assert_eq!(handle.views().order(kept.id), Some(kept.clone()), "what was durable can still be read");
    assert_eq!(handle.views().open_orders(), 1);
    assert!(handle.status().failed.is_some());
    assert!(handle.checks().iter().any(|check| check.name == "storage" && !check.ok));
    assert!(region.stop_engine().stop().is_err(), "that was no clean stop");

    region.options.fs = qucan_storage::fs::real();
    region.start();
    assert_eq!(region.handle().views().order(kept.id), Some(kept));
    assert!(region.place("ann", "lost").offset >= 1, "the same key settles what came of it");
}

/// A clock that panics in the writer when told.
struct PanickyClock(AtomicBool);

impl Clock for PanickyClock {
    fn now(&self) -> Timestamp {
        let in_writer = std::thread::current().name() == Some("writer");
        assert!(!(in_writer && self.0.load(Ordering::SeqCst)), "the test says so");
        BEGIN
    }
}

#[test]
fn after_a_panic_of_the_writer_nothing_is_acknowledged() {
    let clock = Arc::new(PanickyClock(AtomicBool::new(false)));
    let mut region = region(|options| options.clock = Arc::clone(&clock) as _);
    let kept = region.place("ann", "kept");
    clock.0.store(true, Ordering::SeqCst);
    assert_eq!(region.ask(customer("ann"), place("ann", "lost")), Err(Unavailable::StorageFailed.into()));
    let handle = region.handle();
    assert!(block_on(handle.failed()).contains("panicked"));
    assert_eq!(region.ask(customer("ann"), place("ann", "later")), Err(Unavailable::StorageFailed.into()));
    clock.0.store(false, Ordering::SeqCst);
    region.kill();
    region.start();
    assert_eq!(region.handle().views().order(kept.id), Some(kept));
    assert_eq!(region.handle().views().open_orders(), 1);
}

/// A region on a disk of its own that becomes full, with small segments.
fn on(disk: &SimFs) -> Region {
    region(|options| {
        options.fs = disk.shared();
        options.projection = false;
        options.data_dir = "/data".into();
        options.log = LogOptions {
            segment_bytes_first: 64 << 10,
            segment_bytes_max: 64 << 10,
            reserve_bytes: 64 << 10,
            ..LogOptions::default()
        };
    })
}

/// Sells until the disk is full; the refusal.
fn fill(region: &Region, disk: &SimFs) -> Refusal {
    disk.set_capacity(Some(0));
    let refused = (0..1_000).find_map(|turn| region.ask(customer("bob"), place("bob", &format!("more-{turn}"))).err());
    assert!(refused.is_some(), "the disk never was full");
    refused.unwrap()
}

#[test]
fn a_full_disk_refuses_new_orders_and_lets_open_ones_end() {
    let disk = SimFs::new(1);
    let region = on(&disk);
    let open: Vec<_> = (0..20).map(|i| region.place("ann", &format!("open-{i}")).id).collect();
    let refused = fill(&region, &disk);
    let handle = region.handle();
    assert_eq!(refused, Refusal::Unavailable(Unavailable::DiskFull), "{:?}", handle.status());
    assert!(handle.status().failed.is_none(), "a full disk is not a failure");
    for order in &open {
        region.pay(*order, &format!("p-{order}"));
        region.finish(*order);
    }
    assert!(handle.status().disk_full.is_some());
    assert!(handle.checks().iter().any(|check| check.name == "disk" && !check.ok));
    disk.set_capacity(None);
    until("it says by itself that there is room", || handle.status().disk_full.is_none());
    assert!(handle.submit_blocking(request(customer("bob"), place("bob", "again"))).is_ok());
}

/// A spare segment that could not be written for an I/O error was told as a full disk, and the failing disk was tried again
/// every second. Now the engine fails with it, though nobody asks for anything.
#[test]
fn a_disk_that_fails_under_the_next_segment_ends_selling_without_a_request() {
    let disk = SimFs::new(1);
    let mut region = on(&disk);
    region.place("ann", "there");
    let fails = Fault::nth(Operation::Write, 1, FaultKind::Error);
    disk.plan(Fault { path_contains: Some("next.tmp"), ..fails });
    let acknowledged = (0..1_000).take_while(|turn| {
        let placed = region.ask(customer("bob"), place("bob", &format!("more-{turn}")));
        assert!(matches!(placed, Ok(_) | Err(Refusal::Unavailable(Unavailable::StorageFailed))), "{placed:?}");
        placed.is_ok() && !disk.fault_reached()
    });
    let acknowledged = acknowledged.count();
    let handle = region.handle();
    let why = block_on(handle.failed());
    assert!(why.contains("next.spare") && why.contains("os error 5"), "{why}");
    assert_eq!((handle.status().failed.as_deref(), handle.status().disk_full), (Some(&*why), None));
    assert_eq!(region.ask(customer("ann"), place("ann", "later")), Err(Unavailable::StorageFailed.into()));
    assert!(region.stop_engine().stop().is_err(), "that was no clean stop");
    disk.kill();
    region.start();
    assert!(region.handle().views().open_orders() > acknowledged);
}

/// On a full disk a repeated order was refused like a new one: whoever had lost the answer could not learn that the order
/// was there. And a stop ended as if storage had failed, because there was no room for the last snapshot. Now only what has
/// to be written is refused, and a stop without a snapshot is a stop.
#[test]
fn on_a_full_disk_repeats_are_answered_and_a_stop_is_clean() {
    let disk = SimFs::new(1);
    let mut region = on(&disk);
    let there = region.place("ann", "there");
    let refused = fill(&region, &disk);
    assert_eq!(refused, Refusal::Unavailable(Unavailable::DiskFull));
    assert_eq!(region.place("ann", "there"), there, "the order that there is");
    assert_eq!(region.ask(customer("ann"), place("ann", "new")), Err(refused));
    region.import();
    region.stop();
    region.start();
    assert_eq!(region.place("ann", "there"), there);
    region.stop();
}
