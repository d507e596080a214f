//! What POS, kitchen and call screen rely on: the queue, the board, stock, pausing.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::shape::{ACCEPTING, BOARD, ORDERS, QUEUE, STOCK, STOCK_LINE, check};
use super::world::World;
use crate::common::Client;

fn ids(list: &Value) -> Vec<String> {
    list.as_array().unwrap().iter().map(|order| order["id"].as_str().unwrap().to_owned()).collect()
}

fn queue(client: &mut Client, after: &str, limit: usize) -> (Vec<Value>, String) {
    let answer = client.get(&format!("/v1/stores/s1/queue?after={after}&limit={limit}")).expect(200);
    check(&answer, QUEUE);
    (answer["orders"].as_array().unwrap().clone(), answer["cursor"].as_str().unwrap().to_owned())
}

#[test]
fn the_queue_gives_every_paid_order_once_in_the_order_of_payment() {
    let mut world = World::new();
    let orders: Vec<String> = (0..7).map(|_| world.awaiting()).collect();
    // Paid in another order than placed; the last two are not paid yet.
    let paid_order = [3, 0, 4, 1, 2];
    for index in paid_order {
        world.pay(&orders[index]);
    }
    let expected: Vec<&String> = paid_order.iter().map(|index| &orders[*index]).collect();
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let (page, next) = queue(&mut world.store, &cursor, 2);
        if page.is_empty() {
            break;
        }
        assert!(page.len() <= 2 && page.iter().all(|order| order["status"] == "paid"));
        seen.extend(page.iter().map(|order| order["id"].as_str().unwrap().to_owned()));
        cursor = next;
    }
    assert_eq!(seen.iter().collect::<Vec<_>>(), expected);
    let positions = queue(&mut world.store, "", 50).0;
    assert!(positions.windows(2).all(|pair| pair[0]["position"].as_i64() < pair[1]["position"].as_i64()));

    // The walk goes on with what is paid later, in its present state, closed or not; asked again, it says the same.
    world.pay(&orders[5]);
    world.anna.post_empty(&format!("/v1/orders/{}/cancel", orders[5])).expect(200);
    world.pay(&orders[6]);
    world.store.post_empty(&format!("/v1/orders/{}/accept", orders[6])).expect(200);
    world.eventually(&orders[5], |order| order["refund"]["status"] == "succeeded");
    let (page, next) = queue(&mut world.store, &cursor, 50);
    let states: Vec<&str> = page.iter().map(|order| order["status"].as_str().unwrap()).collect();
    assert_eq!(
        (ids(&json!(page)), states),
        (vec![orders[5].clone(), orders[6].clone()], vec!["cancelled", "accepted"])
    );
    assert_eq!(queue(&mut world.store, &cursor, 50).0, page, "a lost answer is asked for again");
    assert!(queue(&mut world.store, &next, 50).0.is_empty());

    // Without a cursor: what is before the store now.
    let (open, _) = queue(&mut world.store, "", 50);
    assert_eq!(open.len(), 6, "all but the cancelled one");
    assert!(open.iter().all(|order| ["paid", "accepted", "ready"].contains(&order["status"].as_str().unwrap())));
}

#[test]
fn the_queue_of_an_old_cursor_holds_after_the_orders_have_closed() {
    let mut world = World::new();
    let (_, beginning) = queue(&mut world.store, "", 50);
    let orders: Vec<String> = (0..5).map(|_| world.collected()).collect();
    let (page, _) = queue(&mut world.store, &beginning, 50);
    assert_eq!(ids(&json!(page)), orders);
    assert!(page.iter().all(|order| order["status"] == "collected"));
}

#[test]
fn a_long_poll_wakes_when_an_order_is_paid_and_ends_empty_when_none_is() {
    let mut world = World::new();
    let (_, cursor) = queue(&mut world.store, "", 50);
    let order = world.awaiting();
    let mut waiting = world.node.store("s1");
    let path = format!("/v1/stores/s1/queue?after={cursor}&wait=60");
    let poll = std::thread::spawn(move || (waiting.get(&path).expect(200), Instant::now()));
    // Whether the poll is there before or after the payment, it must answer at once.
    world.pay(&order);
    let paid_at = Instant::now();
    let (answer, answered_at) = poll.join().unwrap();
    assert_eq!(ids(&answer["orders"]), [order]);
    assert!(answered_at.saturating_duration_since(paid_at) < Duration::from_secs(5));

    let cursor = answer["cursor"].as_str().unwrap().to_owned();
    let started = Instant::now();
    let empty = world.store.get(&format!("/v1/stores/s1/queue?after={cursor}&wait=1")).expect(200);
    assert!(empty["orders"].as_array().unwrap().is_empty());
    assert!(started.elapsed() >= Duration::from_millis(900), "it waited");
    assert_eq!(empty["cursor"], cursor.as_str());
}

#[test]
fn cursors_survive_a_restart_and_those_of_another_epoch_are_gone() {
    let mut world = World::new();
    world.paid();
    let (_, cursor) = queue(&mut world.store, "", 50);
    let later = world.paid();
    world.node.kill_and_restart();
    let mut store = world.node.store("s1");
    assert_eq!(ids(&json!(queue(&mut store, &cursor, 50).0)), [later]);
    // A cursor ahead of the queue, as one of a lost epoch would be: another store's here.
    let (_, ahead) = queue(&mut store, "", 50);
    let gone = world.node.store("s2").get(&format!("/v1/stores/s2/queue?after={ahead}"));
    assert_eq!((gone.status, gone.problem().as_str()), (410, "gone"));
}

#[test]
fn pickup_codes_are_the_pos_s_own_or_short_and_unique() {
    let mut world = World::new();
    let first = world.paid();
    let path = |order: &str| format!("/v1/orders/{order}/accept");
    let code = |order: Value| order["pickup_code"].as_str().unwrap().to_owned();
    let own = world.store.post(&path(&first), &json!({"pickup_code": "K-7"})).expect(200);
    assert_eq!(code(own), "K-7");
    let second = world.paid();
    let taken = world.store.post(&path(&second), &json!({"pickup_code": "K-7"}));
    assert_eq!((taken.status, taken.problem().as_str()), (422, "pickup-code-taken"));
    let given = code(world.store.post(&path(&second), &json!({})).expect(200));
    assert!(given.len() <= 4 && given.bytes().all(|byte| byte.is_ascii_digit()), "{given}");
    let third = world.paid();
    assert_ne!(code(world.store.post_empty(&path(&third)).expect(200)), given);
}

#[test]
fn the_board_follows_the_orders() {
    let mut world = World::new();
    let order = world.paid();
    let board = |world: &mut World| {
        let board = world.store.get("/v1/stores/s1/board").expect(200);
        check(&board, BOARD);
        board
    };
    let empty = board(&mut world);
    assert_eq!((&empty["preparing"], &empty["ready"]), (&json!([]), &json!([])));
    world.store.post(&format!("/v1/orders/{order}/accept"), &json!({"pickup_code": "A1"})).expect(200);
    let preparing = board(&mut world);
    assert_eq!((&preparing["preparing"], &preparing["ready"]), (&json!(["A1"]), &json!([])));
    assert!(preparing["offset"].as_i64() > empty["offset"].as_i64());
    world.store.post_empty(&format!("/v1/orders/{order}/ready")).expect(200);
    let ready = board(&mut world);
    assert_eq!((&ready["preparing"], &ready["ready"]), (&json!([]), &json!(["A1"])));
    world.store.post_empty(&format!("/v1/orders/{order}/collected")).expect(200);
    assert_eq!(board(&mut world)["ready"], json!([]));
}

#[test]
fn stock_is_set_and_adjusted_and_follows_the_orders() {
    let mut world = World::new();
    let line = |world: &mut World, sku: &str| {
        let stock = world.store.get("/v1/stores/s1/stock").expect(200);
        check(&stock, STOCK);
        stock["stock"].as_array().unwrap().iter().find(|line| line["sku"] == sku).cloned().unwrap()
    };
    assert_eq!(line(&mut world, "meal"), json!({"sku": "meal", "available": 500, "reserved": 0, "sold": 0}));
    let waiting = world.awaiting();
    assert_eq!(line(&mut world, "meal"), json!({"sku": "meal", "available": 499, "reserved": 1, "sold": 0}));
    world.pay(&waiting);
    assert_eq!(line(&mut world, "meal"), json!({"sku": "meal", "available": 499, "reserved": 0, "sold": 1}));
    world.anna.post_empty(&format!("/v1/orders/{waiting}/cancel")).expect(200);
    assert_eq!(line(&mut world, "meal"), json!({"sku": "meal", "available": 500, "reserved": 0, "sold": 0}));

    let set = world.store.put("/v1/stores/s1/stock/meal", &json!({"available": 9})).expect(200);
    check(&set, STOCK_LINE);
    assert_eq!(set["available"], 9);
    let adjust = |world: &mut World, key: &str, delta: i64| {
        world.store.post_with_key("/v1/stores/s1/stock/meal/adjust", key, &json!({"delta": delta, "reason": "found"}))
    };
    assert_eq!(adjust(&mut world, "a", 3).expect(200)["available"], 12);
    assert_eq!(adjust(&mut world, "a", 3).expect(200)["available"], 12, "the same key counts once");
    assert_eq!(adjust(&mut world, "a", 4).problem(), "idempotency-key-reused");
    assert_eq!(adjust(&mut world, "b", -13).problem(), "out-of-stock", "never below nothing");
    assert_eq!(adjust(&mut world, "b", -12).expect(200)["available"], 0);
    let null = world.store.put("/v1/stores/s1/stock/meal", &json!({"available": null})).expect(200);
    assert_eq!(null["available"], Value::Null);
    assert_eq!(adjust(&mut world, "c", 1).problem(), "stock-not-counted");
    let many = world.store.put("/v1/stores/s1/stock/meal", &json!({"available": 4294967295u32}));
    assert_eq!((many.status, many.problem().as_str()), (422, "over-limit"));
    for unknown in ["x", "off"] {
        let reply = world.store.put(&format!("/v1/stores/s1/stock/{unknown}"), &json!({"available": 1}));
        assert_eq!((reply.status, reply.problem().as_str()), (404, "not-found"), "{unknown}");
    }
    let page = world.store.get("/v1/stores/s1/stock?limit=2").expect(200);
    let rest =
        world.store.get(&format!("/v1/stores/s1/stock?cursor={}", page["next_cursor"].as_str().unwrap())).expect(200);
    assert_eq!(page["stock"].as_array().unwrap().len() + rest["stock"].as_array().unwrap().len(), 4);
}

#[test]
fn a_pause_holds_until_it_ends_or_is_ended() {
    let mut world = World::new();
    let accepting = |world: &mut World| {
        let stores = world.anna.get("/v1/stores").expect(200);
        stores["stores"][0]["accepting"].as_bool().unwrap()
    };
    let until = "2090-01-01T00:00:00.000Z";
    let paused = world
        .store
        .put("/v1/stores/s1/accepting", &json!({"accepting": false, "reason": "烤箱坏了", "until": until}))
        .expect(200);
    check(&paused, ACCEPTING);
    assert_eq!(paused, json!({"store": "s1", "accepting": false, "reason": "烤箱坏了", "until": until}));
    assert!(!accepting(&mut world));
    assert_eq!(world.store.get("/v1/stores/s1/accepting").expect(200), paused, "another till sees why and until when");
    let key = world.key();
    let refused = world.anna.post_with_key("/v1/orders", &key, &crate::common::one_meal());
    assert_eq!((refused.problem().as_str(), refused.json()["until"].as_str()), ("store-paused", Some(until)));
    let resumed = world.store.put("/v1/stores/s1/accepting", &json!({"accepting": true})).expect(200);
    assert_eq!(resumed, json!({"store": "s1", "accepting": true}));
    assert!(accepting(&mut world));
    world.awaiting();

    // A pause of a moment is over by itself.
    #[expect(clippy::disallowed_methods, reason = "the pause ends by the real clock")]
    let soon = std::time::SystemTime::now() + Duration::from_millis(700);
    let soon = jiff::Timestamp::try_from(soon).unwrap().strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string();
    world.store.put("/v1/stores/s1/accepting", &json!({"accepting": false, "until": soon})).expect(200);
    assert!(!accepting(&mut world));
    let started = Instant::now();
    while !accepting(&mut world) {
        assert!(started.elapsed() < Duration::from_secs(20), "the pause never ended");
    }
}

#[test]
fn a_store_finds_its_orders_by_day_status_and_code() {
    let mut world = World::new();
    let (awaiting, collected) = (world.awaiting(), world.collected());
    let accepted = world.paid();
    world.store.post(&format!("/v1/orders/{accepted}/accept"), &json!({"pickup_code": "Z9"})).expect(200);
    let day =
        world.anna.get(&format!("/v1/orders/{awaiting}")).expect(200)["business_day"].as_str().unwrap().to_owned();
    let mut find = |query: &str| {
        let page = world.store.get(&format!("/v1/stores/s1/orders?{query}")).expect(200);
        check(&page, ORDERS);
        ids(&page["orders"])
    };
    assert_eq!(find(""), [&awaiting, &collected, &accepted].map(Clone::clone));
    assert_eq!(find(&format!("business_day={day}")).len(), 3);
    assert!(find("business_day=2026-01-01").is_empty());
    assert_eq!(find("status=collected"), std::slice::from_ref(&collected));
    assert_eq!(find("code=Z9"), std::slice::from_ref(&accepted));
    assert!(find("code=Z9&status=ready").is_empty());
    let page = world.store.get("/v1/stores/s1/orders?limit=2").expect(200);
    let cursor = page["next_cursor"].as_str().unwrap();
    let rest = world.store.get(&format!("/v1/stores/s1/orders?limit=2&cursor={cursor}")).expect(200);
    assert_eq!(ids(&rest["orders"]), [accepted]);
    assert!(rest.get("next_cursor").is_none());
}
