//! What every store promises about lists, against plain vectors.

use qucan::aggregator::store::{OrderQuery, Store};
use qucan::domain::order::Status;
use qucan::domain::time::{Millis, Timestamp};

use crate::feed::{Feed, expected};
use crate::home::{Home, apply, open};
use crate::lives::{BEGIN, Random};

fn everything(feeds: &[Feed], limit: usize) -> OrderQuery {
    let regions = feeds.iter().map(|feed| feed.region.clone()).collect();
    OrderQuery { regions, store: None, status: None, from: None, to: None, after: None, limit }
}

/// Walks to the end; every page's orders, in the order in which they came.
async fn walk(store: &Store, mut query: OrderQuery) -> Vec<String> {
    let mut orders = Vec::new();
    loop {
        let page = store.orders(&query).await.unwrap();
        assert!(page.orders.len() <= query.limit);
        orders.extend(page.orders.iter().map(|order| String::from_utf8(order.to_vec()).unwrap()));
        match page.next {
            Some(next) => {
                assert!(query.after.is_none_or(|after| after < next), "a walk goes on");
                query.after = Some(next);
            }
            None => return orders,
        }
    }
}

pub async fn lists_with_every_filter_and_page_size_are_what_a_plain_list_is(home: Home) {
    // East and its twin have the same numbers, so that the region decides between equals.
    let mut feeds = [("east", 31), ("west", 31), ("north", 32)].map(|(name, seed)| Feed::new(name, seed, 1_500));
    let store = home.open().await;
    for feed in &mut feeds {
        open(&store, feed).await;
        apply(&store, feed, usize::MAX / 2).await;
    }
    let mut random = Random(7);
    let created: Vec<Timestamp> = feeds[0].orders.lock().values().map(|order| order.created_at).collect();
    let mut found = 0;
    for round in 0..160 {
        let mut query = everything(&feeds, [1, 2, 3, 10, 50, 500][random.below(6)]);
        if random.chance(50) {
            query.regions.remove(random.below(query.regions.len()));
        }
        query.store = random.chance(40).then(|| format!("s{}", random.below(5)).parse().unwrap());
        query.status = random.chance(50).then(|| Status::ALL[random.below(7)]);
        // Bounds that fall exactly on an order, and beside it.
        let mut bound = || {
            let at = created[random.below(created.len())];
            Timestamp(at.0 + i64::try_from(random.below(3)).unwrap() - 1)
        };
        let (one, other) = (bound(), bound());
        query.from = (round % 3 == 0).then_some(one.min(other));
        query.to = (round % 4 < 2).then_some(one.max(other));
        let expected: Vec<String> = expected(&feeds, &query).into_iter().map(|(_, json)| json).collect();
        found += expected.len();
        if query.limit < 10 && expected.len() > 60 {
            query.limit = 10;
        }
        assert_eq!(walk(&store, query.clone()).await, expected, "{query:?}");
    }
    assert!(found > 3_000, "{found} orders in all lists");
    for (from, to) in [(i64::MIN, i64::MAX), (0, 1), (BEGIN.0 + Millis::hours(24 * 400).0, i64::MAX), (i64::MIN, 0)] {
        let query = OrderQuery { from: Some(Timestamp(from)), to: Some(Timestamp(to)), ..everything(&feeds, 500) };
        let expected = expected(&feeds, &query);
        assert_eq!(walk(&store, query).await.len(), expected.len(), "{from} to {to}");
    }
    // A key in the middle, of an order that is not there.
    let mut query = everything(&feeds, 10);
    let mut middle = expected(&feeds, &query).swap_remove(100).0;
    middle.packed += 1;
    query.after = Some(middle);
    let expected: Vec<String> = expected(&feeds, &query).into_iter().map(|(_, json)| json).collect();
    assert_eq!(walk(&store, query).await, expected);
}

pub async fn a_walk_meets_every_order_once_while_orders_come_and_change(home: Home) {
    let mut feeds = [("east", 41), ("west", 42)].map(|(name, seed)| Feed::new(name, seed, 3_000));
    let store = home.open().await;
    for feed in &mut feeds {
        open(&store, feed).await;
        let half = feed.steps.len() / 2;
        apply(&store, feed, half).await;
    }
    let id = |order: &str| serde_json::from_str::<serde_json::Value>(order).unwrap()["id"].as_str().unwrap().to_owned();
    let mut query = everything(&feeds, 5);
    let there: Vec<String> = expected(&feeds, &query).iter().map(|(_, json)| id(json)).collect();
    let mut walked = Vec::new();
    loop {
        let page = store.orders(&query).await.unwrap();
        walked.extend(page.orders.iter().map(|order| id(std::str::from_utf8(order).unwrap())));
        for feed in &mut feeds {
            apply(&store, feed, 30).await;
        }
        query.after = page.next;
        if query.after.is_none() {
            break;
        }
    }
    assert!(feeds.iter().all(Feed::is_done), "orders came all the while");
    walked.retain(|id| there.contains(id));
    assert_eq!(walked, there);
}
