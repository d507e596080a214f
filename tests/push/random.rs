//! Subscribers that come and go at random while orders change: each sees every offset once, in order, from the picture or
//! its own `since` on, and ends where the engine ends.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use serde_json::{Value, json};

use crate::client::Client;
use crate::region::{Region, STORE, options};

/// A small generator with a seed, so that a failing run can be repeated.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }
}

/// Follows a topic over many connections until it stands where the engine ends; panics at a gap or a repetition.
async fn follow(region: Arc<Region>, token: &'static str, topic: String, goal: Arc<OnceLock<u64>>, seed: u64) {
    let mut dice = Dice(seed);
    let mut at: Option<u64> = None;
    while at.is_none() || at.as_ref() != goal.get() {
        let mut client = Client::of(region.address, token).await;
        match at.filter(|_| dice.roll(4) > 0) {
            Some(since) => client.resume(&topic, since).await,
            None => client.subscribe(&topic).await,
        }
        client.send(json!({"type": "ping"})).await;
        // Some frames, and at least the answer to the subscription, which comes before the pong.
        let mut frames = dice.roll(40);
        let mut answered = false;
        while !answered || frames > 0 {
            let frame = client.frame().await;
            match frame["type"].as_str().unwrap() {
                "pong" => {
                    answered = true;
                    if frames > 0 && goal.get().is_none() {
                        client.send(json!({"type": "ping"})).await;
                    } else {
                        frames = 0;
                    }
                }
                "snapshot" => at = Some(take(&frame, at, false, seed)),
                "event" => at = Some(take(&frame, at, true, seed)),
                other => panic!("{other}: {frame}"),
            }
            frames = frames.saturating_sub(1);
        }
    }
}

fn take(frame: &Value, at: Option<u64>, event: bool, seed: u64) -> u64 {
    let offset = frame["offset"].as_u64().unwrap();
    let at_least = at.unwrap_or(0);
    if event {
        assert_eq!(Some(offset - 1), at, "seed {seed}: an event after a gap, or twice");
    } else {
        assert!(offset >= at_least, "seed {seed}: a picture older than what was seen");
    }
    offset
}

async fn storm(region: Region, seed: u64) {
    let region = Arc::new(region);
    let order = region.place("m1", STORE, "first").await;
    let topics = [
        ("store:sh-001", format!("store/{STORE}")),
        ("operator", format!("board/{STORE}")),
        ("customer:m1", format!("order/{}", order.id)),
    ];
    let goals: [Arc<OnceLock<u64>>; 3] = Default::default();
    let mut followers = tokio::task::JoinSet::new();
    for number in 0..12 {
        let (token, topic) = topics[number % 3].clone();
        let goal = Arc::clone(&goals[number % 3]);
        followers.spawn(follow(Arc::clone(&region), token, topic, goal, seed + number as u64));
    }
    let mut customers = tokio::task::JoinSet::new();
    for customer in 0..6 {
        let region = Arc::clone(&region);
        customers.spawn(async move {
            for number in 0..60 {
                region.whole_life(&format!("c{customer}"), STORE, &format!("k{number}")).await;
            }
        });
    }
    customers.join_all().await;
    region.pay(&order).await;
    region.accept(order.id).await;
    let store = region.engine.views().store(&STORE.parse().unwrap()).unwrap();
    for (goal, reached) in goals.iter().zip([store.store_offset, store.board.offset, 3]) {
        goal.set(reached).unwrap();
    }
    tokio::time::timeout(Duration::from_secs(60), followers.join_all()).await.expect("every follower reaches the end");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_comes_and_goes_misses_nothing_and_sees_nothing_twice() {
    let seed = u64::from(std::process::id()) * 7_919 + 1;
    println!("seed {seed}");
    storm(Region::start(options()).await, seed).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hub_that_hardly_keeps_up_hides_no_gap() {
    let seed = u64::from(std::process::id()) * 104_729 + 1;
    println!("seed {seed}");
    let region = Region::start_with(options(), |engine| engine.limits.committed_groups = 1).await;
    storm(region, seed).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_hub_that_fell_behind_the_engine_sends_pictures() {
    let region = Region::start_with(options(), |engine| engine.limits.committed_groups = 1).await;
    let order = region.place("m1", STORE, "k1").await;
    let topics = [format!("order/{}", order.id), format!("store/{STORE}"), format!("board/{STORE}")];
    let mut client = Client::of(region.address, "operator").await;
    for topic in &topics {
        client.subscribe(topic).await;
        client.expect("snapshot", topic).await;
    }
    client.expect_silence().await;

    // The only worker is kept busy, so that the hub can't run while the engine goes on; the last event is another store's.
    let (go_on, wait) = std::sync::mpsc::channel::<()>();
    let (is_busy, busy) = std::sync::mpsc::channel();
    tokio::spawn(async move {
        is_busy.send(()).unwrap();
        wait.recv().unwrap();
    });
    busy.recv().unwrap();
    region.pay(&order).await;
    region.accept(order.id).await;
    region.place("m2", "sh-002", "k2").await;
    region.place("m3", "sh-002", "k3").await;
    go_on.send(()).unwrap();

    for (topic, offset) in topics.iter().zip([3, 3, 1]) {
        assert_eq!(client.expect("snapshot", topic).await.0, offset, "{topic}");
    }
    assert_eq!(region.push.metrics().lagged.get(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_event_is_never_lost_between_picture_and_stream() {
    let region = Region::start(options()).await;
    let mut client = Client::of(region.address, "customer:m1").await;
    for number in 0..200 {
        let order = region.place("m1", STORE, &format!("k{number}")).await;
        let topic = format!("order/{}", order.id);
        // Nothing happens after the payment, so a lost event would never come to light by a gap.
        let hears = async {
            client.subscribe(&topic).await;
            let (mut offset, _) = client.expect("snapshot", &topic).await;
            while offset < 2 {
                offset = client.expect("event", &topic).await.0;
            }
            client.send(json!({"type": "unsubscribe", "topic": topic})).await;
        };
        tokio::join!(hears, region.pay(&order));
    }
}
