//! What subscribers see.

use std::time::Duration;

use qucan::push::PushOptions;
use qucan::view::encode_order;
use serde_json::{Value, json};

use crate::client::Client;
use crate::region::{Region, STORE, options};

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_sees_an_order_from_its_place_to_its_code_to_the_counter() {
    let region = Region::start(options()).await;
    let order = region.place("m1", STORE, "k1").await;
    let topic = format!("order/{}", order.id);
    let mut client = Client::of(region.address, "customer:m1").await;
    client.subscribe(&topic).await;
    let (offset, data) = client.expect("snapshot", &topic).await;
    assert_eq!(offset, 1);
    assert_eq!(data, as_json(&order));

    let steps = [
        ("paid", region.pay(&order).await),
        ("accepted", region.accept(order.id).await),
        ("ready", region.ready(order.id).await),
        ("collected", region.collected(order.id).await),
    ];
    for (index, (event, order)) in steps.iter().enumerate() {
        let frame = client.frame().await;
        let offset = index as u64 + 2;
        assert_eq!(
            frame,
            json!({"type": "event", "topic": topic, "offset": offset, "event": event, "data": as_json(order)})
        );
    }
    client.expect_silence().await;
    let code = steps[1].1.pickup_code.as_ref().unwrap();
    assert!(!code.as_str().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_comes_back_gets_exactly_what_it_missed() {
    let region = Region::start(options()).await;
    let order = region.place("m1", STORE, "k1").await;
    let topic = format!("order/{}", order.id);
    let mut client = Client::of(region.address, "customer:m1").await;
    client.subscribe(&topic).await;
    client.expect("snapshot", &topic).await;
    drop(client);
    region.pay(&order).await;
    region.accept(order.id).await;

    let mut client = Client::of(region.address, "customer:m1").await;
    client.resume(&topic, 1).await;
    assert_eq!(client.expect("event", &topic).await.0, 2);
    assert_eq!(client.expect("event", &topic).await.0, 3);
    client.expect_silence().await;

    // Up to date: nothing but what comes next.
    client.resume(&topic, 3).await;
    client.expect_silence().await;
    region.ready(order.id).await;
    assert_eq!(client.expect("event", &topic).await.0, 4);

    // Ahead, or of another epoch: the whole picture.
    client.resume(&topic, 99).await;
    assert_eq!(client.expect("snapshot", &topic).await.0, 4);
    client.send(json!({"type": "subscribe", "topic": topic, "since": 4, "epoch": 7})).await;
    assert_eq!(client.expect("snapshot", &topic).await.0, 4);
    client.send(json!({"type": "subscribe", "topic": topic, "since": 2, "epoch": 1})).await;
    assert_eq!(client.expect("event", &topic).await.0, 3);
    assert_eq!(client.expect("event", &topic).await.0, 4);
    client.expect_silence().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_order_is_still_shown() {
    let region = Region::start(options()).await;
    let order = region.whole_life("m1", STORE, "k1").await;
    let topic = format!("order/{}", order.id);
    let mut client = Client::of(region.address, "customer:m1").await;
    client.subscribe(&topic).await;
    let (offset, data) = client.expect("snapshot", &topic).await;
    assert_eq!(offset, 5);
    assert_eq!(data, as_json(&order));
}

#[tokio::test(flavor = "multi_thread")]
async fn over_a_restart_offsets_hold_and_a_lost_ring_is_a_snapshot() {
    let region = Region::start(options()).await;
    let order = region.place("m1", STORE, "k1").await;
    let (topic, store, board) = (format!("order/{}", order.id), format!("store/{STORE}"), format!("board/{STORE}"));
    region.pay(&order).await;
    region.accept(order.id).await;
    let region = region.restart(options()).await;

    let mut client = Client::connect(region.address).await;
    assert_eq!(client.authenticate("store:sh-001").await["epoch"], 1, "a restart keeps the epoch");
    for (topic, now) in [(&topic, 3), (&store, 3), (&board, 1)] {
        client.resume(topic, now - 1).await;
        assert_eq!(client.expect("snapshot", topic).await.0, now, "what was missed is lost: a picture");
        client.resume(topic, now).await;
        client.expect_silence().await;
    }
    region.ready(order.id).await;
    let mut came = Vec::new();
    for _ in 0..3 {
        let frame = client.frame().await;
        assert_eq!(frame["event"], "ready");
        came.push((frame["topic"].as_str().unwrap().to_owned(), frame["offset"].as_u64().unwrap()));
    }
    came.sort();
    assert_eq!(came, [(board, 2), (topic, 4), (store, 4)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_sees_its_open_orders_then_every_event() {
    let region = Region::start(options()).await;
    let topic = format!("store/{STORE}");
    let unpaid = region.place("m1", STORE, "k1").await;
    let paid = region.place("m2", STORE, "k2").await;
    region.pay(&paid).await;
    region.whole_life("m3", STORE, "k3").await;
    region.place("m4", "sh-002", "k4").await;
    let mut pos = Client::of(region.address, "store:sh-001").await;
    pos.subscribe(&topic).await;
    let (offset, data) = pos.expect("snapshot", &topic).await;
    assert_eq!(offset, 8);
    assert_eq!(data["store"], STORE);
    let ids: Vec<_> = data["orders"].as_array().unwrap().iter().map(|order| order["id"].clone()).collect();
    assert_eq!(ids, [json!(paid.id.to_string())], "open is paid, accepted or ready");
    assert_eq!(data.get("more"), None);

    let changed = region.pay(&unpaid).await;
    let frame = pos.frame().await;
    let expected = json!({"type": "event", "topic": topic, "offset": 9, "event": "paid", "data": as_json(&changed)});
    assert_eq!(frame, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_snapshot_too_large_for_a_frame_is_cut_and_says_so() {
    let region = Region::start(PushOptions { server_frame_bytes: 4_096, ..options() }).await;
    for index in 0..10 {
        let order = region.place("m1", STORE, &format!("k{index}")).await;
        region.pay(&order).await;
    }
    let topic = format!("store/{STORE}");
    let mut pos = Client::of(region.address, "store:sh-001").await;
    pos.subscribe(&topic).await;
    let frame = pos.frame().await;
    assert!(frame.to_string().len() <= 4_096);
    assert_eq!(frame["offset"], 20);
    assert_eq!(frame["data"]["more"], true);
    let positions: Vec<_> =
        frame["data"]["orders"].as_array().unwrap().iter().map(|order| order["position"].clone()).collect();
    assert_eq!(positions, (1..=positions.len()).map(|position| json!(position)).collect::<Vec<_>>());
    assert!(!positions.is_empty() && positions.len() < 10);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_screen_sees_codes_move_from_the_kitchen_to_the_counter() {
    let region = Region::start(options()).await;
    let topic = format!("board/{STORE}");
    let first = region.place("m1", STORE, "k1").await;
    region.pay(&first).await;
    let code = region.accept(first.id).await.pickup_code.clone().unwrap();
    let mut screen = Client::of(region.address, "store:sh-001").await;
    screen.subscribe(&topic).await;
    let shown = |preparing: &[&str], ready: &[&str], offset: u64| json!({"store": STORE, "preparing": preparing, "ready": ready, "offset": offset});
    assert_eq!(screen.expect("snapshot", &topic).await, (1, shown(&[code.as_str()], &[], 1)));
    let second = region.place("m2", STORE, "k2").await;
    region.pay(&second).await;
    let other = region.accept(second.id).await.pickup_code.clone().unwrap();
    region.ready(first.id).await;
    region.collected(first.id).await;
    assert_eq!(screen.expect("event", &topic).await, (2, shown(&[code.as_str(), other.as_str()], &[], 2)));
    assert_eq!(screen.expect("event", &topic).await, (3, shown(&[other.as_str()], &[code.as_str()], 3)));
    assert_eq!(screen.expect("event", &topic).await, (4, shown(&[other.as_str()], &[], 4)));
    screen.expect_silence().await;
    screen.resume(&topic, 2).await;
    assert_eq!(screen.expect("event", &topic).await.0, 3);
    assert_eq!(screen.expect("event", &topic).await.0, 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_is_sent_again_until_it_is_acknowledged() {
    let region = Region::start(PushOptions { resend_after: Duration::from_millis(600), ..options() }).await;
    let order = region.place("m1", STORE, "k1").await;
    let topic = format!("order/{}", order.id);
    let mut client = Client::of(region.address, "customer:m1").await;
    client.subscribe(&topic).await;
    client.expect("snapshot", &topic).await;
    region.pay(&order).await;
    let first = client.frame().await;
    assert_eq!(first["offset"], 2);
    for _ in 0..3 {
        assert_eq!(client.frame().await, first, "sent again as it was");
    }
    // Three times and no more: the next frame is the next event.
    region.accept(order.id).await;
    let second = client.frame().await;
    assert_eq!(second["offset"], 3);
    client.ack(&topic, 3).await;
    client.expect_silence().await;
    assert_eq!(region.push.metrics().acks.get(), 1);
    let resends = region.push.metrics().resends.get();
    region.ready(order.id).await;
    assert_eq!(client.frame().await["offset"], 4);
    client.ack(&topic, 4).await;
    client.expect_silence().await;
    assert_eq!(region.push.metrics().resends.get(), resends, "acknowledged events are not sent again");

    client.ack(&topic, 9).await;
    assert_eq!(client.frame().await["problem"]["type"], "/problems/ack-ahead");
    client.ack("order/261123-7K2M9QX-1-4D2", 1).await;
    assert_eq!(client.frame().await["problem"]["type"], "/problems/not-subscribed");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_unsubscribes_hears_nothing_more() {
    let region = Region::start(options()).await;
    let order = region.place("m1", STORE, "k1").await;
    let topic = format!("order/{}", order.id);
    let mut client = Client::of(region.address, "customer:m1").await;
    client.subscribe(&topic).await;
    client.expect("snapshot", &topic).await;
    client.send(json!({"type": "unsubscribe", "topic": topic})).await;
    client.expect_silence().await;
    region.pay(&order).await;
    client.expect_silence().await;
    client.resume(&topic, 1).await;
    assert_eq!(client.expect("event", &topic).await.0, 2);
}

fn as_json(order: &qucan::domain::order::Order) -> Value {
    serde_json::from_str(&encode_order(order, &"east".parse().unwrap())).unwrap()
}
