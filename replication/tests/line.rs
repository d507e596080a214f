//! `ship` and `serve` over real sockets on the loopback interface: what has to work.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "a test may stop where it fails"
)]

mod doubles;
mod sockets;

use std::time::Duration;

use doubles::{Dice, lock};
use qucan_replication::FenceReason;
use sockets::{Region, World, quick, until};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everything_arrives_and_what_is_committed_later_too() {
    let mut world = World::new();
    let mut region = Region::new();
    let mut dice = Dice::new(1);
    for _ in 0..300 {
        region.commit(&mut dice);
    }
    let port = world.serve().await;
    region.ship(quick(port));
    until("the log has arrived", || world.end() == region.end()).await;
    for _ in 0..50 {
        let point = region.commit(&mut dice);
        until("a commit was acknowledged", || region.status.acknowledged() == point).await;
    }
    assert_eq!(lock(&world.centre).log.groups, lock(&region.log).groups);
    until("the centre heard that nothing is missing", || lock(&world.centre).heard == Some((region.end().sequence, 0)))
        .await;
    let reading = region.status.read();
    assert!(reading.connected && reading.connects == 1 && reading.resends == 0 && reading.last_error.is_none());
    assert!(reading.bytes_sent > 1000 && reading.last_ack.is_some());
    region.stop();
    until("a region that stopped isn't connected", || !region.status.is_connected()).await;
    until("the centre knows it", || lock(&world.ends).len() == 1).await;
}

/// Between two messages the driver doesn't listen for commits. What falls into that pause goes when it is over, though
/// nothing else happens on the line: no heartbeat, no later commit.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_last_of_a_stream_of_commits_waits_for_nothing_but_the_pause() {
    let (mut world, mut region, mut dice) = (World::new(), Region::new(), Dice::new(8));
    world.options.heartbeat = Duration::from_secs(60);
    let mut options = quick(world.serve().await);
    options.timings.heartbeat = Duration::from_secs(60);
    region.ship(options);
    for _ in 0..10 {
        for _ in 0..50 {
            region.commit(&mut dice);
            tokio::task::yield_now().await;
        }
        until("the last one has arrived", || region.status.acknowledged() == region.end()).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_centre_that_comes_back_gets_the_rest() {
    let mut world = World::new();
    let mut region = Region::new();
    let mut dice = Dice::new(2);
    let port = world.serve().await;
    region.ship(quick(port));
    for round in 1..5 {
        for _ in 0..40 {
            region.commit(&mut dice);
        }
        until("some have arrived", || world.end().sequence > 0).await;
        world.stop();
        until("the line is down", || !region.status.is_connected()).await;
        for _ in 0..40 {
            region.commit(&mut dice);
        }
        world.serve_on(port, None).await;
        until("all have arrived", || region.status.acknowledged() == region.end()).await;
        assert_eq!(lock(&world.centre).log.groups, lock(&region.log).groups);
        assert_eq!(region.status.read().connects, round + 1);
    }
    assert_eq!(lock(&world.centre).groups_appended, 4 * 80);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_centre_restored_from_an_older_copy_gets_it_again() {
    let mut world = World::new();
    let mut region = Region::new();
    let mut dice = Dice::new(3);
    let port = world.serve().await;
    region.ship(quick(port));
    for _ in 0..100 {
        region.commit(&mut dice);
    }
    until("all have arrived", || region.status.acknowledged() == region.end()).await;
    world.stop();
    {
        let mut centre = lock(&world.centre);
        centre.log.groups.truncate(30);
        centre.log.durable = 30;
    }
    until("the line is down", || !region.status.is_connected()).await;
    world.serve_on(port, None).await;
    until("all are there again", || world.end() == region.end()).await;
    until("it is acknowledged", || region.status.acknowledged() == region.end()).await;
    let again: u64 = lock(&region.log).groups[30..].iter().map(|group| group.last.sequence - group.first + 1).sum();
    assert_eq!(region.status.read().resends, again);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_old_copy_is_fenced_and_the_fence_can_be_lifted() {
    let mut world = World::new();
    let mut region = Region::new();
    let mut dice = Dice::new(4);
    let port = world.serve().await;
    region.ship(quick(port));
    for _ in 0..50 {
        region.commit(&mut dice);
    }
    until("all have arrived", || region.status.acknowledged() == region.end()).await;
    region.stop();
    // The same region from an old copy of its directory, which has sold on meanwhile.
    let mut copy = Region::new();
    {
        let mut log = lock(&copy.log);
        log.groups = lock(&region.log).groups[..20].to_vec();
        log.durable = 20;
    }
    for _ in 0..60 {
        copy.commit(&mut dice);
    }
    let mut fence = copy.status.watch_fence();
    copy.ship(quick(port));
    let fenced = fence.wait_for(Option::is_some).await.unwrap().clone().unwrap();
    assert_eq!(fenced.reason, FenceReason::OtherHistory);
    assert!(fenced.detail.contains("the centre stands at #"), "{}", fenced.detail);
    let reading = copy.status.read();
    assert!(!reading.connected && reading.fenced_since.is_some());
    assert_eq!(world.end(), region.end());
    // Somebody decides that the copy goes on, and empties the centre.
    lock(&world.centre).log = doubles::Log::default();
    fence.wait_for(Option::is_none).await.unwrap();
    until("the copy's log has arrived", || world.end() == copy.end()).await;
    assert!(copy.status.read().fenced.is_none());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_older_epoch_is_fenced() {
    let mut world = World::new();
    lock(&world.centre).epoch = 2;
    let mut region = Region::new();
    let port = world.serve().await;
    let mut fence = region.status.watch_fence();
    region.ship(quick(port));
    let fenced = fence.wait_for(Option::is_some).await.unwrap().clone().unwrap();
    assert_eq!((fenced.reason, fenced.epoch), (FenceReason::EpochSuperseded, 2));
    until("it asks again", || lock(&world.ends).len() > 2).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_trimmed_log_seeds_an_empty_centre() {
    let mut world = World::new();
    let mut region = Region::new();
    let mut dice = Dice::new(5);
    for _ in 0..100 {
        region.commit(&mut dice);
    }
    {
        let mut log = lock(&region.log);
        log.take_snapshot(1, 700_000);
        log.trim(60);
    }
    for _ in 0..20 {
        region.commit(&mut dice);
    }
    let port = world.serve().await;
    region.ship(quick(port));
    until("all have arrived", || region.status.acknowledged() == region.end()).await;
    let centre = lock(&world.centre);
    assert_eq!(Some(centre.log.base), lock(&region.log).snapshot.map(|snapshot| snapshot.at));
    assert_eq!(centre.log.groups, lock(&region.log).groups[40..]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_largest_group_passes_and_snapshots_follow() {
    let mut world = World::new();
    let mut region = Region::new();
    let mut dice = Dice::new(6);
    let port = world.serve().await;
    let large = dice.bytes((16 << 20) - 80);
    region.commit_bytes(1000, &large);
    for _ in 0..10 {
        region.commit(&mut dice);
    }
    lock(&region.log).take_snapshot(1, 1_500_000);
    region.ship(quick(port));
    until("all have arrived", || region.status.acknowledged() == region.end()).await;
    until("the snapshot too", || !lock(&world.centre).snapshots.is_empty()).await;
    // A newer one is noticed, and live entries go on beside it.
    region.commit(&mut dice);
    lock(&region.log).take_snapshot(1, 100_000);
    region.commit(&mut dice);
    until("the newer one", || lock(&world.centre).snapshots.len() == 2).await;
    until("the entries", || region.status.acknowledged() == region.end()).await;
    assert_eq!(region.status.read().connects, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_disk_pushes_back_and_keeps_its_line() {
    let mut world = World::new();
    world.slow = Duration::from_millis(700); // more than three heartbeats
    let mut region = Region::new();
    let mut dice = Dice::new(7);
    let port = world.serve().await;
    region.ship(quick(port));
    region.commit(&mut dice);
    until("the first has arrived", || world.end() == region.end()).await;
    for _ in 0..30 {
        let bytes = dice.bytes(1 << 20);
        region.commit_bytes(1, &bytes);
    }
    until("all have arrived", || region.status.acknowledged() == region.end()).await;
    let reading = region.status.read();
    assert_eq!((reading.connects, reading.last_error), (1, None));
    assert!(lock(&world.centre).appends < 20, "what has arrived is appended together");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_at_the_centre_is_waited_for() {
    let mut world = World::new();
    lock(&world.centre).busy = true;
    let mut region = Region::new();
    let mut dice = Dice::new(8);
    let port = world.serve().await;
    region.ship(quick(port));
    region.commit(&mut dice);
    until("the centre said so", || region.status.read().last_error.is_some_and(|text| text.contains("disk full")))
        .await;
    lock(&world.centre).busy = false;
    until("it has arrived", || region.status.acknowledged() == region.end()).await;
}
