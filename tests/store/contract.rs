//! What every store promises about batches and single orders.

use std::sync::Arc;

use qucan::aggregator::store::{OrderQuery, StoreBatch, StoreError};
use qucan::domain::id::{OrderId, RegionTag};
use qucan::domain::time::BusinessDay;
use qucan::view::encode_order;
use qucan_storage::{ChainHash, Position};

use crate::feed::{Feed, expected, position};
use crate::home::{Home, apply, check, open};
use crate::lives::Random;

pub async fn batches_of_any_size_survive_reopening(home: Home) {
    let mut feed = Feed::new("east", 11, 3_000);
    let mut random = Random(5);
    let mut store = home.open().await;
    assert_eq!(open(&store, &feed).await.cursor, None);
    while !feed.is_done() {
        for _ in 0..6 {
            apply(&store, &mut feed, 1 + random.below(120)).await;
        }
        if random.chance(40) {
            drop(store);
            store = home.open().await;
        }
        check(&open(&store, &feed).await, &feed);
    }
    assert!(feed.figures.minutes.len() > 100 && feed.figures.store_days.len() > 8);
}

pub async fn a_repeated_batch_is_harmless(home: Home) {
    let mut feed = Feed::new("east", 12, 800);
    let mut store = home.open().await;
    open(&store, &feed).await;
    while !feed.is_done() {
        let batch = apply(&store, &mut feed, 100).await;
        // The outcome was not known, so it comes again; also after a restart of the aggregator.
        store.apply(&batch).await.unwrap();
        check(&open(&store, &feed).await, &feed);
        drop(store);
        store = home.open().await;
        store.apply(&batch).await.unwrap();
    }
    check(&open(&store, &feed).await, &feed);
}

pub async fn a_batch_that_does_not_continue_is_refused_and_changes_nothing(home: Home) {
    let mut feed = Feed::new("east", 13, 800);
    let store = home.open().await;
    open(&store, &feed).await;
    let first = apply(&store, &mut feed, 50).await;
    apply(&store, &mut feed, 50).await;
    let before = feed.cursor;
    let figures = feed.figures.clone();
    let next = feed.next(50);
    let other = Some(Position { hash: ChainHash([1; 32]), ..before.unwrap() });
    for (from, to, what) in [
        (first.from, next.to, "from the beginning"),
        (Some(first.to), next.to, "from an earlier position"),
        (Some(position(101)), next.to, "from a later position"),
        (other, next.to, "from another chain"),
        (before, next.to, ""),
    ] {
        let batch = StoreBatch { from, to, ..again(&next) };
        if what.is_empty() {
            store.apply(&batch).await.unwrap();
            break;
        }
        let refused = StoreError::OtherHistory { region: feed.region.clone() };
        assert_eq!(store.apply(&batch).await, Err(refused), "{what}");
        let stored = store.open_region(&feed.region).await.unwrap();
        assert_eq!((stored.cursor, &stored.figures), (before, &figures), "{what}");
    }
    check(&open(&store, &feed).await, &feed);
    let ahead = Position { hash: ChainHash([2; 32]), ..next.to };
    let forked = StoreBatch { to: ahead, ..again(&next) };
    assert!(
        matches!(store.apply(&forked).await, Err(StoreError::OtherHistory { .. })),
        "the same number, another chain"
    );
}

/// The same batch once more; batches are not for copying.
fn again(batch: &StoreBatch) -> StoreBatch {
    StoreBatch {
        region: batch.region.clone(),
        from: batch.from,
        to: batch.to,
        epoch: batch.epoch,
        unseen: Vec::new(),
        orders: batch.orders.clone(),
        minutes: batch.minutes.clone(),
        store_days: batch.store_days.clone(),
        ticks: batch.ticks.clone(),
    }
}

/// More rows than one transaction of sled or one statement takes.
pub async fn a_very_large_batch_comes_whole(home: Home) {
    let mut feed = Feed::new("east", 14, 6_000);
    let store = home.open().await;
    open(&store, &feed).await;
    apply(&store, &mut feed, 100).await;
    let mut batch = feed.next(usize::MAX / 2);
    let busy = *feed.figures.minutes.values().next().unwrap();
    for number in 0..9_000 {
        let (minute, tick) = (qucan::aggregator::figures::Minute(-number - 1), -number - 1);
        batch.minutes.push((minute, busy));
        feed.figures.minutes.insert(minute, busy);
        batch.ticks.push((tick, u64::try_from(number).unwrap()));
        feed.figures.ticks.insert(tick, u64::try_from(number).unwrap());
    }
    for number in 0..3_000_u16 {
        let key = (BusinessDay(3_000 + number % 3), format!("store-{number}").parse().unwrap());
        batch.store_days.push((key.clone(), busy));
        feed.figures.store_days.insert(key, busy);
    }
    store.apply(&batch).await.unwrap();
    store.apply(&batch).await.unwrap();
    let stored = open(&store, &feed).await;
    assert_eq!((stored.cursor, &stored.figures), (Some(batch.to), &feed.figures));
    drop(store);
    let store = home.open().await;
    let stored = open(&store, &feed).await;
    assert_eq!((stored.cursor, stored.figures), (Some(batch.to), feed.figures.clone()));
}

/// A region's name may look like a path.
pub async fn regions_are_applied_side_by_side(home: Home) {
    let store = Arc::new(home.open().await);
    let mut tasks = Vec::new();
    for (name, seed) in [("east", 21), ("..", 22), ("west", 23), (".", 24), ("north", 25), ("south", 26)] {
        let store = Arc::clone(&store);
        tasks.push(tokio::spawn(async move {
            let mut feed = Feed::new(name, seed, 1_200);
            open(&store, &feed).await;
            while !feed.is_done() {
                apply(&store, &mut feed, 37).await;
            }
            check(&open(&store, &feed).await, &feed);
            feed
        }));
    }
    let mut feeds = Vec::new();
    for task in tasks {
        feeds.push(task.await.unwrap());
    }
    let regions = feeds.iter().map(|feed| feed.region.clone()).collect();
    let all = OrderQuery { regions, store: None, status: None, from: None, to: None, after: None, limit: 500 };
    let listed = tokio::spawn(async move { store.orders(&all).await.map(|page| (page, all)) }).await.unwrap();
    let (page, all) = listed.unwrap();
    let expected = expected(&feeds, &all);
    assert_eq!(page.orders.len(), 500.min(expected.len()).min(page.orders.len()));
    for (order, (_, json)) in page.orders.iter().zip(&expected) {
        assert_eq!(order, json);
    }
}

pub async fn every_order_is_answered_as_it_is(home: Home) {
    let mut feed = Feed::new("east", 15, 1_500);
    let store = home.open().await;
    open(&store, &feed).await;
    while !feed.is_done() {
        apply(&store, &mut feed, 200).await;
        let orders: Vec<_> = feed.orders.lock().values().cloned().collect();
        for order in orders {
            let answer = store.order(&feed.region, order.id).await.unwrap().unwrap();
            assert_eq!(answer, encode_order(&order, &feed.region));
        }
    }
    let known = feed.orders.lock().values().next().unwrap().id;
    let tag = RegionTag::of(&feed.region);
    let unknown = OrderId::from_packed(tag, known.packed() + 1_000_000);
    assert_eq!(store.order(&feed.region, unknown).await.unwrap(), None);
    let elsewhere = OrderId::from_packed(RegionTag::of(&"west".parse().unwrap()), known.packed());
    assert_eq!(store.order(&feed.region, elsewhere).await.unwrap(), None, "the same number of another region");
}
