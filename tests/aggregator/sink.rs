//! The receiving side without a line: what a region's node may say, and what it is told, word by word.

use std::sync::Arc;
use std::time::Duration;

use qucan::aggregator::Aggregator;
use qucan::aggregator::picture::{Health, Picture};
use qucan::aggregator::regions::{Pass, Regions};
use qucan::aggregator::sink::RegionSink;
use qucan::config::{self, Secret};
use qucan::domain::time::Timestamp;
use qucan_replication::{FenceReason, Greeting, Hello, Identity, Point, Sink, SinkError};
use qucan_storage::log::{GroupBuffer, Log, LogOptions, LogReader, OpenFrom, SpaceClass};
use qucan_storage::{Epoch, Position, Sequence, fs};

use crate::common::Client;

/// An aggregator in this process, for the region `east`.
struct World {
    aggregator: Aggregator,
    _directory: tempfile::TempDir,
}

impl World {
    async fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let mut config = config::load_aggregator(None, []).unwrap().config;
        config.data_dir = directory.path().join("data");
        config.listen = vec!["127.0.0.1:0".parse().unwrap()];
        config.regions = vec![("east".parse().unwrap(), Secret::new("sixteen bytes or more".to_owned()))];
        let aggregator = Aggregator::start(config).await.unwrap();
        Self { aggregator, _directory: directory }
    }

    fn regions(&self) -> Arc<Regions> {
        Arc::clone(self.aggregator.regions())
    }

    fn sink(&self) -> RegionSink {
        RegionSink::new(self.regions(), Pass::Of("east".parse().unwrap()))
    }
}

/// Groups of a log of its own; what is in their entries only the applying side would look at.
fn groups(entries: &[&[u8]], epoch: u32) -> Vec<Vec<u8>> {
    let dir = tempfile::tempdir().unwrap();
    let options = LogOptions { create: true, ..LogOptions::default() };
    let from = OpenFrom::snapshot(Position::ORIGIN);
    let (mut log, _) = Log::open(fs::real(), dir.path(), Epoch(epoch), from, options, |_| Ok(())).unwrap();
    for entry in entries {
        let mut group = GroupBuffer::new();
        group.push_with(|bytes| bytes.extend_from_slice(entry)).unwrap();
        log.ensure_room(group.bytes(), SpaceClass::Normal).unwrap();
        log.append(&mut group, SpaceClass::Normal).unwrap();
    }
    let end = log.last().sequence;
    let mut reader = LogReader::open(fs::real(), dir.path(), Sequence::NONE).unwrap();
    let mut groups = Vec::new();
    while let Some(group) = reader.next(end).unwrap() {
        groups.push(group.raw().to_vec());
    }
    groups
}

fn hello(region: &str, epoch: u32, first: u64, head: u64) -> Hello {
    let identity = Identity { region: region.to_owned(), epoch, instance: 7, announcement: Vec::new() };
    Hello { identity, first, head }
}

/// Greets as the region's node with that many entries, and is let in.
fn let_in(sink: &mut RegionSink, head: u64) -> Point {
    match sink.greet(&hello("east", 1, 1, head)).unwrap() {
        Greeting::Continue { from, epoch: 1 } => from,
        other => panic!("{other:?}"),
    }
}

fn slices(groups: &[Vec<u8>]) -> Vec<&[u8]> {
    groups.iter().map(Vec::as_slice).collect()
}

/// Runs what blocks where blocking is allowed.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    tokio::task::spawn_blocking(work).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_whole_or_not_next_is_refused_and_changes_nothing() {
    let world = World::new().await;
    let mut sink = world.sink();
    blocking(move || {
        assert!(matches!(sink.append(&[b"x"]), Err(SinkError::Malformed(_))), "nobody has said hello");
        let mine = groups(&[b"one", b"two", b"three"], 1);
        assert_eq!(let_in(&mut sink, 3), Point::ORIGIN);
        for wrong in [&mine[1..2], &mine[2..3]] {
            let refused = sink.append(&slices(wrong)).unwrap_err();
            assert!(matches!(&refused, SinkError::Malformed(why) if why.contains("missing")), "{refused:?}");
        }
        let mut flipped = mine[0].clone();
        let middle = flipped.len() / 2;
        flipped[middle] ^= 1;
        assert!(matches!(sink.append(&[&flipped]), Err(SinkError::Malformed(_))));
        assert!(matches!(sink.append(&[&mine[0][..mine[0].len() - 1]]), Err(SinkError::Malformed(_))));
        let later = groups(&[b"one"], 2);
        assert!(matches!(sink.append(&slices(&later)), Err(SinkError::Malformed(_))), "an epoch its node did not name");
        assert_eq!(sink.append(&slices(&mine[..2])).unwrap().sequence, 2);
        assert_eq!(sink.append(&slices(&mine)).unwrap().sequence, 3, "what is there already is passed over");
        let others = groups(&[b"one", b"two", b"three", b"four"], 1);
        assert_eq!(sink.append(&slices(&others)).unwrap().sequence, 4, "the same history goes on");
        let foreign = groups(&[b"ONE", b"two", b"three", b"four", b"five"], 1);
        match sink.append(&slices(&foreign[4..])).unwrap_err() {
            SinkError::Fenced(fence) => assert_eq!(fence.reason, FenceReason::OtherHistory),
            other => panic!("{other:?}"),
        }
    })
    .await;
    assert_eq!(world.regions().all()[0].received().sequence, Sequence(4));
    world.aggregator.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_later_connection_takes_over_when_it_has_proved_itself() {
    let world = World::new().await;
    let (mut first, mut second) = (world.sink(), world.sink());
    let cut = first.cut();
    let mut first = blocking(move || {
        let mine = groups(&[b"one", b"two"], 1);
        let_in(&mut first, 2);
        first.append(&slices(&mine[..1])).unwrap();
        let_in(&mut second, 2);
        first.append(&slices(&mine[1..])).unwrap();
        second.heard(2, 0);
        let refused = first.append(&slices(&mine)).unwrap_err();
        assert!(matches!(&refused, SinkError::Busy(why) if why.contains("taken over")), "{refused:?}");
        first.heard(9, 9);
        (first, second)
    })
    .await;
    tokio::time::timeout(Duration::from_secs(10), cut.told()).await.unwrap();
    let region = world.regions().all().remove(0);
    assert_eq!((region.line().head, region.line().connected), (2, true), "the earlier one's word counts no more");
    drop(first.1);
    assert!(!region.line().connected);
    first.0.heard(2, 0);
    world.aggregator.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn strangers_and_logs_that_begin_later_are_told_apart() {
    let world = World::new().await;
    let (mut sink, mut again) = (world.sink(), world.sink());
    blocking(move || {
        for (region, words) in [("west", "serves region west"), ("..", "no name"), ("", "no name")] {
            match sink.greet(&hello(region, 1, 1, 0)).unwrap() {
                Greeting::Refused(why) => assert!(why.contains(words), "{why}"),
                other => panic!("{region}: {other:?}"),
            }
        }
        let greeting = sink.greet(&hello("east", 1, 41, 90)).unwrap();
        assert_eq!(greeting, Greeting::Seed { epoch: 1 });
        let mine = groups(&[b"one"], 1);
        let_in(&mut again, 1);
        again.append(&slices(&mine)).unwrap();
        // Nothing of it can be applied, so nothing may take its place.
        match again.greet(&hello("east", 1, 41, 90)).unwrap_err() {
            SinkError::Busy(why) => assert!(why.contains("what has arrived is applied up to 0 of 1"), "{why}"),
            other => panic!("{other:?}"),
        }
        match again.greet(&hello("east", 2, 41, 90)).unwrap() {
            Greeting::Refused(why) => assert!(why.contains("never granted") && why.contains("seeded anew"), "{why}"),
            other => panic!("{other:?}"),
        }
    })
    .await;
    let picture = Picture::of(&world.regions(), Timestamp(0));
    assert!(picture.regions[0].needs_seed);
    world.aggregator.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_can_t_be_applied_is_received_all_the_same_and_said() {
    let world = World::new().await;
    let mut sink = world.sink();
    let mut sink = blocking(move || {
        let_in(&mut sink, 2);
        sink.append(&slices(&groups(&[b"no entry of ours"], 1))).unwrap();
        sink
    })
    .await;
    let region = world.regions().all().remove(0);
    let began = std::time::Instant::now();
    while !region.applying().has_ended() {
        assert!(began.elapsed() < Duration::from_secs(30));
        tokio::task::yield_now().await;
    }
    blocking(move || {
        let more = groups(&[b"no entry of ours", b"nor this"], 1);
        assert_eq!(sink.append(&slices(&more[1..])).unwrap().sequence, 2, "reception goes on");
    })
    .await;
    let picture = Picture::of(&world.regions(), Timestamp(0));
    assert_eq!((picture.regions[0].health, picture.regions[0].applied_sequence), (Health::Red, 0));
    assert!(picture.regions[0].reason.as_ref().unwrap().contains("applying has ended"));
    let address = world.aggregator.addresses()[0];
    let reply = blocking(move || Client::new(address, None).get("/readyz")).await;
    assert_eq!(reply.status, 503);
    let json = reply.json();
    let check = json["checks"].as_array().unwrap().iter().find(|check| check["name"] == "applying/east").unwrap();
    assert_eq!(check["ok"], false, "{json:#}");
    drop(region);
    world.aggregator.stop().await.unwrap();
}
