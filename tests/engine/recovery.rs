//! A start that is cut short at every call it makes to the file system, five times in a row: whatever was acknowledged is
//! there in the end. And what a start does with snapshots that are no good.

use std::collections::BTreeSet;
use std::path::PathBuf;

use qucan::engine::Engine;
use qucan_storage::fs::{CrashPolicy, Fault, FaultKind, Operation, SimFs};
use qucan_storage::log::{LogOptions, Preparation};

use crate::region::{Region, customer, place, region};
use crate::restart::{Seen, a_day, seen};

/// Starts in a row that are cut short.
const IN_A_ROW: u64 = 5;

/// A region on a disk of its own; everything on one thread, so that the calls of a start are always the same.
fn on(disk: &SimFs) -> Region {
    region(|options| {
        options.fs = disk.shared();
        options.projection = false;
        options.data_dir = "/data".into();
        options.snapshot_every_entries = 20;
        options.log = LogOptions {
            segment_bytes_first: 16 << 10,
            segment_bytes_max: 16 << 10,
            reserve_bytes: 16 << 10,
            preparation: Preparation::Inline,
            ..LogOptions::default()
        };
    })
}

/// What a start finds: a region that was killed, one whose last write was torn, one that a failed sync ended.
fn killed(disk: &SimFs) -> (Region, Seen) {
    let mut region = on(disk);
    a_day(&region);
    let told = seen(&region);
    region.kill();
    disk.kill();
    (region, told)
}

fn torn(disk: &SimFs) -> (Region, Seen) {
    let mut region = on(disk);
    a_day(&region);
    let told = seen(&region);
    // The power goes in the middle of a write.
    disk.plan(Fault::nth(Operation::Write, 1, FaultKind::PowerCut));
    region.ask(customer("bob"), place("bob", "torn")).unwrap_err();
    region.kill();
    disk.crash(CrashPolicy::Random(7));
    (region, told)
}

fn failed(disk: &SimFs) -> (Region, Seen) {
    let mut region = on(disk);
    a_day(&region);
    let told = seen(&region);
    disk.plan(Fault::nth(Operation::Sync, 1, FaultKind::Error));
    region.ask(customer("bob"), place("bob", "failed")).unwrap_err();
    region.kill();
    disk.kill();
    (region, told)
}

/// Cuts starts short at the nth call of a kind, and goes on until no start has that many.
fn cut_at_every_call(
    left: fn(&SimFs) -> (Region, Seen),
    operation: Operation,
    kind: FaultKind,
    policy: CrashPolicy,
) -> u64 {
    let disk = SimFs::new(1);
    let (mut region, told) = left(&disk);
    let before = disk.backup();
    // A start that nobody disturbs; a request without an answer may have happened.
    region.start();
    let undisturbed = seen(&region);
    region.kill();
    for nth in 1.. {
        disk.restore(&before);
        let mut reached = false;
        for _ in 0..IN_A_ROW {
            disk.plan(Fault::nth(operation, nth, kind));
            let opened = Engine::open(region.options.clone());
            let cut = disk.fault_reached();
            assert!(cut || opened.is_ok(), "{operation:?} {nth}: {:?}", opened.err());
            drop(opened);
            reached |= cut;
            disk.crash(policy);
        }
        region.start();
        let found = seen(&region);
        assert!(found == told || found == undisturbed, "{operation:?} {nth} {kind:?} {policy:?}: {found:#?}");
        region.place("eve", "next");
        region.kill();
        disk.kill();
        if !reached {
            return nth - 1;
        }
    }
    unreachable!("a start has an end")
}

fn cut_everywhere(left: fn(&SimFs) -> (Region, Seen)) {
    let mut calls = 0;
    for (operation, kind) in [
        (Operation::AnyChange, FaultKind::PowerCut),
        (Operation::Read, FaultKind::PowerCut),
        (Operation::AnyChange, FaultKind::Error),
        (Operation::Read, FaultKind::Error),
    ] {
        for policy in [CrashPolicy::DropUnsynced, CrashPolicy::Random(3)] {
            calls += cut_at_every_call(left, operation, kind, policy);
        }
    }
    assert!(calls > 100, "only {calls} places");
}

#[test]
fn a_start_after_a_kill_may_be_cut_short_anywhere() {
    cut_everywhere(killed);
}

#[test]
fn a_start_after_a_torn_write_may_be_cut_short_anywhere() {
    cut_everywhere(torn);
}

#[test]
fn a_start_after_a_failed_sync_may_be_cut_short_anywhere() {
    cut_everywhere(failed);
}

/// Snapshots rot, one after another: the one before serves, and in the end the whole log.
#[test]
fn every_snapshot_that_rots_is_passed_over_down_to_the_whole_log() {
    let mut region = region(|options| options.snapshot_every_entries = 15);
    a_day(&region);
    region.stop();
    region.start();
    region.sell("bob", "more");
    let told = seen(&region);
    region.stop();
    let mut rotten = BTreeSet::new();
    while let Some(newest) = snapshots(&region).into_iter().rfind(|path| !rotten.contains(path)) {
        let mut bytes = std::fs::read(&newest).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        std::fs::write(&newest, bytes).unwrap();
        region.start();
        assert_eq!(seen(&region), told, "without {}", newest.display());
        region.kill();
        rotten.insert(newest);
    }
    assert!(rotten.len() >= 2, "{rotten:?}");
}

/// Snapshots, oldest first.
fn snapshots(region: &Region) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(region.options.data_dir.join("snapshot")).unwrap();
    let mut found: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    found.sort();
    found
}
