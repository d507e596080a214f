//! What can happen to a database and the line to it. The applier's part (again, after a pause) is played by [`insist`].

use std::sync::Arc;
use std::time::{Duration, Instant};

use qucan::aggregator::store::{OrderQuery, Store, StoreBatch, StoreError};
use rustix::process::Signal;
use tokio_postgres::NoTls;

use crate::feed::Feed;
use crate::home::{apply, check, open};
use crate::lives::Random;
use crate::proxy::Proxy;
use crate::server::Server;

/// Applies until it is done; how often it was not.
async fn insist(store: &Store, batch: &StoreBatch) -> usize {
    let (began, mut failures) = (Instant::now(), 0);
    loop {
        match store.apply(batch).await {
            Ok(()) => return failures,
            Err(StoreError::Unavailable(_)) if began.elapsed() < Duration::from_secs(30) => failures += 1,
            Err(error) => panic!("{error}"),
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// A connection of the test's own.
async fn session(server: &Server) -> tokio_postgres::Client {
    let (client, connection) = tokio_postgres::connect(&server.url(), NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

fn all(feed: &Feed) -> OrderQuery {
    let regions = vec![feed.region.clone()];
    OrderQuery { regions, store: None, status: None, from: None, to: None, after: None, limit: 500 }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_restarts_or_crashes_loses_and_doubles_nothing() {
    let Some(mut server) = Server::start() else { return };
    let store = Arc::new(Store::postgres(&server.url()).await.unwrap());
    let mut feed = Feed::new("east", 71, 3_000);
    open(&store, &feed).await;
    let mut failures = 0;
    for round in 0..8 {
        apply(&store, &mut feed, 100).await;
        let batch = Arc::new(feed.next(200));
        let applying = tokio::spawn({
            let (store, batch) = (Arc::clone(&store), Arc::clone(&batch));
            async move { insist(&store, &batch).await }
        });
        if round % 2 == 0 {
            server.stop()
        } else {
            server.crash()
        }
        assert!(store.orders(&all(&feed)).await.is_err(), "nobody answers");
        assert!(server.begin(), "{}", server.log());
        failures += applying.await.unwrap();
        // Every connection of the pool is broken now; no question fails for it.
        store.orders(&all(&feed)).await.unwrap();
        check(&open(&store, &feed).await, &feed);
    }
    assert!(failures > 0, "no batch met a server that was away");
    while !feed.is_done() {
        insist(&store, &feed.next(500)).await;
    }
    check(&open(&store, &feed).await, &feed);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_line_cut_after_any_byte_of_a_batch_loses_and_doubles_nothing() {
    let Some(server) = Server::start() else { return };
    let proxy = Proxy::to(server.port()).await;
    let store = Store::postgres(&server.url_at(proxy.port)).await.unwrap();
    let mut feed = Feed::new("east", 72, 12_000);
    open(&store, &feed).await;
    let mut random = Random(9);
    let (mut failures, mut batches) = (0, 0);
    while !feed.is_done() {
        let batch = feed.next(1 + random.below(60));
        proxy.cut_after(i64::try_from(random.below(30_000)).unwrap());
        failures += insist(&store, &batch).await;
        batches += 1;
        if random.chance(10) {
            proxy.cut_after(-1);
            check(&open(&store, &feed).await, &feed);
        }
    }
    proxy.cut_after(-1);
    check(&open(&store, &feed).await, &feed);
    println!("{batches} batches, {failures} attempts failed, {} lines cut", proxy.cuts());
    assert!(failures > batches / 8, "{failures} of {batches}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_whose_answer_is_lost_is_not_made_twice() {
    let Some(server) = Server::start() else { return };
    let proxy = Proxy::to(server.port()).await;
    let store = Store::postgres(&server.url_at(proxy.port)).await.unwrap();
    let mut feed = Feed::new("east", 73, 2_000);
    open(&store, &feed).await;
    apply(&store, &mut feed, 100).await;
    let watcher = session(&server).await;
    while !feed.is_done() {
        let batch = feed.next(40);
        proxy.lose_commit();
        let Err(StoreError::Unavailable(why)) = store.apply(&batch).await else { panic!("the answer arrived") };
        assert!(why.contains("connection closed") || why.contains("reset"), "{why}");
        let row = watcher.query_one("SELECT sequence FROM region_cursors", &[]).await.unwrap();
        assert_eq!(row.get::<_, i64>(0), i64::try_from(batch.to.sequence.0).unwrap(), "it was made");
        store.apply(&batch).await.unwrap();
        check(&open(&store, &feed).await, &feed);
    }
    assert!(proxy.cuts() > 10);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_killed_by_the_operator_are_replaced() {
    let Some(server) = Server::start() else { return };
    let store = Arc::new(Store::postgres(&server.url()).await.unwrap());
    let mut feed = Feed::new("east", 74, 4_000);
    open(&store, &feed).await;
    let operator = session(&server).await;
    let kill =
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = 'qucan aggregator'";
    let mut killed = 0;
    while !feed.is_done() {
        let batch = Arc::new(feed.next(150));
        let applying = tokio::spawn({
            let (store, batch) = (Arc::clone(&store), Arc::clone(&batch));
            async move { insist(&store, &batch).await }
        });
        killed += operator.query_one(kill, &[]).await.unwrap().get::<_, i64>(0);
        applying.await.unwrap();
        killed += operator.query_one(kill, &[]).await.unwrap().get::<_, i64>(0);
        store.orders(&all(&feed)).await.unwrap();
    }
    assert!(killed > 10, "{killed} connections killed");
    check(&open(&store, &feed).await, &feed);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_batch_that_waits_for_a_lock_gives_up_and_comes_again() {
    let Some(server) = Server::start() else { return };
    let store = Arc::new(Store::postgres(&server.url()).await.unwrap());
    let mut feed = Feed::new("east", 75, 600);
    open(&store, &feed).await;
    apply(&store, &mut feed, 50).await;
    let mut other = session(&server).await;
    let transaction = other.transaction().await.unwrap();
    transaction.execute("UPDATE region_cursors SET epoch = epoch", &[]).await.unwrap();
    let batch = feed.next(50);
    let began = Instant::now();
    let Err(StoreError::Unavailable(why)) = store.apply(&batch).await else { panic!("nobody held it up") };
    assert!(why.contains("57014"), "{why}");
    assert!(began.elapsed() < Duration::from_secs(15), "{:?}", began.elapsed());
    assert!(store.orders(&all(&feed)).await.is_ok(), "questions go on");
    transaction.rollback().await.unwrap();
    store.apply(&batch).await.unwrap();
    check(&open(&store, &feed).await, &feed);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_hangs_is_given_up_in_time() {
    let Some(server) = Server::start() else { return };
    let store = Store::postgres(&server.url()).await.unwrap();
    let mut feed = Feed::new("east", 76, 600);
    open(&store, &feed).await;
    apply(&store, &mut feed, 50).await;
    store.orders(&all(&feed)).await.unwrap();
    server.signal_backends(Signal::STOP);
    let began = Instant::now();
    let outcome = store.orders(&all(&feed)).await;
    assert!(matches!(outcome, Err(StoreError::Unavailable(_))), "{outcome:?}");
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
    server.signal_backends(Signal::CONT);
    store.orders(&all(&feed)).await.unwrap();
    while !feed.is_done() {
        insist(&store, &feed.next(500)).await;
    }
    check(&open(&store, &feed).await, &feed);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn several_aggregators_migrate_at_once() {
    let Some(server) = Server::start() else { return };
    for round in 0..4 {
        let operator = session(&server).await;
        operator.batch_execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public").await.unwrap();
        let url = server.url();
        let starting: Vec<_> = (0..4)
            .map(|_| {
                tokio::spawn({
                    let url = url.clone();
                    async move { Store::postgres(&url).await.map(drop) }
                })
            })
            .collect();
        for task in starting {
            task.await.unwrap().unwrap_or_else(|error| panic!("round {round}: {error}"));
        }
        let row = operator.query_one("SELECT count(*) FROM qucan_migrations", &[]).await.unwrap();
        assert_eq!(row.get::<_, i64>(0), 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn forgetting_that_was_interrupted_is_ended_at_the_next_look() {
    let Some(server) = Server::start() else { return };
    let store = Store::postgres(&server.url()).await.unwrap();
    let mut feed = Feed::new("east", 77, 600);
    open(&store, &feed).await;
    apply(&store, &mut feed, usize::MAX / 2).await;
    let operator = session(&server).await;
    operator
        .batch_execute("UPDATE region_cursors SET sequence = -1; DELETE FROM ticks WHERE tick % 2 = 0")
        .await
        .unwrap();
    let first = {
        feed.rewind();
        feed.next(50)
    };
    assert!(matches!(store.apply(&first).await, Err(StoreError::OtherHistory { .. })), "nothing begins amid old rows");
    feed.rewind();
    check(&open(&store, &feed).await, &feed);
    for table in ["orders", "minute_figures", "store_day_figures", "ticks", "region_cursors"] {
        let row = operator.query_one(&format!("SELECT count(*) FROM {table}"), &[]).await.unwrap();
        assert_eq!(row.get::<_, i64>(0), 0, "{table}");
    }
    while !feed.is_done() {
        apply(&store, &mut feed, 200).await;
    }
    check(&open(&store, &feed).await, &feed);
}
