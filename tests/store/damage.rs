//! The embedded store's files damaged or lost: moved aside, said, counted again from the log.

use std::path::Path;

use qucan::aggregator::store::{Store, StoreError};

use crate::feed::Feed;
use crate::home::{apply, check, open};

async fn filled(dir: &Path, feed: &mut Feed) {
    let store = Store::embedded(dir.to_owned()).unwrap();
    open(&store, feed).await;
    for _ in 0..4 {
        apply(&store, feed, 100).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn damaged_figures_are_moved_aside_and_counted_again() {
    let home = tempfile::tempdir().unwrap();
    for (number, zeroed) in [false, true].into_iter().enumerate() {
        let dir = home.path().join(format!("store{number}"));
        let mut feed = Feed::new("east", 61, 1_000);
        filled(&dir, &mut feed).await;
        let db = dir.join("east.figures/db");
        let bytes = std::fs::read(&db).unwrap();
        let broken = if zeroed { vec![0; bytes.len()] } else { bytes.iter().map(|byte| byte ^ 0x55).collect() };
        std::fs::write(&db, broken).unwrap();

        let store = Store::embedded(dir.clone()).unwrap();
        let stored = open(&store, &feed).await;
        assert_eq!((stored.cursor, stored.figures.minutes.len()), (None, 0));
        let next = feed.next(50);
        assert_eq!(store.apply(&next).await, Err(StoreError::OtherHistory { region: feed.region.clone() }));
        feed.rewind();
        while !feed.is_done() {
            apply(&store, &mut feed, 100).await;
        }
        check(&open(&store, &feed).await, &feed);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_directory_that_can_not_be_made_is_said() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("file");
    std::fs::write(&file, "").unwrap();
    let Err(StoreError::Unavailable(why)) = Store::embedded(file.join("store")) else { panic!("taken") };
    assert!(why.contains("file/store"), "{why}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn questions_before_a_region_is_served_are_said_to_be_early() {
    let home = tempfile::tempdir().unwrap();
    let store = Store::embedded(home.path().join("store")).unwrap();
    let mut feed = Feed::new("east", 62, 200);
    let batch = feed.next(100);
    let id = feed.orders.lock().values().next().unwrap().id;
    store.apply(&batch).await.unwrap();
    assert!(matches!(store.order(&feed.region, id).await, Err(StoreError::Unavailable(_))));
}
