//! What every store promises about forgetting.

use qucan::aggregator::store::OrderQuery;

use crate::feed::Feed;
use crate::home::{Home, apply, check, open};

pub async fn a_forgotten_region_begins_again_and_leaves_the_others_alone(home: Home) {
    let (mut east, mut west) = (Feed::new("east", 51, 2_000), Feed::new("west", 52, 500));
    let store = home.open().await;
    for feed in [&mut east, &mut west] {
        open(&store, feed).await;
        apply(&store, feed, usize::MAX / 2).await;
    }
    store.forget_region(&east.region).await.unwrap();
    store.forget_region(&east.region).await.unwrap();
    east.rewind();
    check(&open(&store, &east).await, &east);
    let of = |feed: &Feed| OrderQuery {
        regions: vec![feed.region.clone()],
        store: None,
        status: None,
        from: None,
        to: None,
        after: None,
        limit: 500,
    };
    assert_eq!(store.orders(&of(&east)).await.unwrap().orders.len(), 0);
    assert!(!store.orders(&of(&west)).await.unwrap().orders.is_empty());
    check(&open(&store, &west).await, &west);
    while !east.is_done() {
        apply(&store, &mut east, 300).await;
    }
    check(&open(&store, &east).await, &east);
    drop(store);
    let store = home.open().await;
    check(&open(&store, &east).await, &east);
    // A region that never was.
    store.forget_region(&"nowhere".parse().unwrap()).await.unwrap();
}

pub async fn figures_before_a_time_are_forgotten(home: Home) {
    let (mut east, mut west) = (Feed::new("east", 53, 3_000), Feed::new("west", 54, 500));
    let store = home.open().await;
    for feed in [&mut east, &mut west] {
        open(&store, feed).await;
        apply(&store, feed, usize::MAX / 2).await;
    }
    let days: Vec<_> = east.figures.store_days.keys().map(|(day, _)| *day).collect();
    let (day, time) = (days[days.len() / 2], east.steps[east.steps.len() / 2].at);
    for _ in 0..2 {
        store.forget_before(&east.region, time, day).await.unwrap();
        let stored = open(&store, &east).await;
        east.figures.forget_before(time, day);
        assert_eq!((stored.cursor, &stored.figures), (east.cursor, &east.figures));
        assert!(!stored.figures.minutes.is_empty());
    }
    check(&open(&store, &west).await, &west);
    if home.keeps_orders() {
        let orders: Vec<_> = east.orders.lock().values().cloned().collect();
        let mut forgotten = 0;
        for order in orders {
            let kept = store.order(&east.region, order.id).await.unwrap().is_some();
            assert_eq!(kept, order.id.day() >= day || !order.is_closed(), "{:?}", order.id);
            forgotten += usize::from(!kept);
        }
        assert!(forgotten > 20, "{forgotten} orders forgotten");
    }
}
