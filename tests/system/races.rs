//! Many at once, a kill -9 in between: nothing sold twice, no key worth two orders.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

use serde_json::{Value, json};

use crate::common::{Client, Node, Reply, catalogue, one_meal};

/// Asks until there is an answer that says what happened: a dead or overloaded node says nothing.
pub fn insist(client: &mut Client, path: &str, key: &str, body: Option<&Value>) -> Reply {
    let body = body.map(ToString::to_string);
    loop {
        let reply =
            client.try_send("POST", path, &[("Idempotency-Key", key)], body.as_ref().map(|body| body.as_bytes()));
        match reply {
            Ok(reply) if reply.status != 503 => return reply,
            // The pace of a client that tries again; nothing is synchronised by it.
            _ => std::thread::sleep(std::time::Duration::from_millis(5)),
        }
    }
}

/// Lets `count` clients do something at once, tells about every answer, and gives all answers at the end.
fn race(
    node: &Node,
    count: usize,
    act: impl Fn(&mut Client, usize) -> Reply + Clone + Send + 'static,
) -> (Receiver<()>, Vec<JoinHandle<Reply>>) {
    let (answered, heard): (Sender<()>, Receiver<()>) = channel();
    let start = std::sync::Arc::new(std::sync::Barrier::new(count));
    let racers = (0..count).map(|number| {
        let (mut client, act, answered, start) =
            (node.customer(&format!("member-{number}")), act.clone(), answered.clone(), start.clone());
        std::thread::spawn(move || {
            start.wait();
            let reply = act(&mut client, number);
            let _ = answered.send(());
            reply
        })
    });
    let racers = racers.collect();
    (heard, racers)
}

/// kill -9 once `after` answers have been heard, and up again.
fn kill_amid(node: &mut Node, heard: &Receiver<()>, after: usize) {
    for _ in 0..after {
        heard.recv().unwrap();
    }
    node.kill_and_restart();
}

fn won_and_lost(racers: Vec<JoinHandle<Reply>>, lost_with: &str) -> (usize, usize) {
    let replies: Vec<Reply> = racers.into_iter().map(|racer| racer.join().unwrap()).collect();
    let won = replies.iter().filter(|reply| matches!(reply.status, 200 | 201)).count();
    let lost = replies.iter().filter(|reply| reply.problem() == lost_with).count();
    assert_eq!(won + lost, replies.len(), "{replies:#?}");
    (won, lost)
}

#[test]
fn of_64_customers_who_race_for_50_meals_50_get_one_over_a_kill() {
    let mut node = Node::start();
    node.store("s1").put("/v1/stores/s1/stock/meal", &json!({"available": 50})).expect(200);
    let (heard, racers) =
        race(&node, 64, |client, number| insist(client, "/v1/orders", &format!("meal-{number}"), Some(&one_meal())));
    kill_amid(&mut node, &heard, 16);
    assert_eq!(won_and_lost(racers, "out-of-stock"), (50, 14));
    let stock = node.store("s1").get("/v1/stores/s1/stock").expect(200);
    let meal = stock["stock"].as_array().unwrap().iter().find(|line| line["sku"] == "meal").unwrap();
    assert_eq!(*meal, json!({"sku": "meal", "available": 0, "reserved": 50, "sold": 0}));
    node.stop();
    let verified = node.verify();
    assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stdout));
}

#[test]
fn of_60_customers_who_race_for_40_coupons_40_get_one_over_a_kill() {
    let mut node = Node::start();
    let (heard, racers) = race(&node, 60, |client, number| {
        insist(client, "/v1/campaigns/one-yuan/claim", &format!("coupon-{number}"), None)
    });
    kill_amid(&mut node, &heard, 15);
    assert_eq!(won_and_lost(racers, "quota-exhausted"), (40, 20));
    let campaigns = node.client(None).get("/v1/campaigns").expect(200);
    assert_eq!(campaigns["campaigns"][0]["remaining"], 0);
    let holding = (0..60).filter(|number| {
        let coupons = node.customer(&format!("member-{number}")).get("/v1/me/coupons").expect(200);
        coupons["coupons"].as_array().unwrap().len() == 1
    });
    assert_eq!(holding.count(), 40);
    node.stop();
    assert!(node.verify().status.success());
}

#[test]
fn the_same_key_a_hundred_times_at_once_is_one_order_for_ever() {
    let mut node = Node::start();
    let start = std::sync::Arc::new(std::sync::Barrier::new(100));
    let racers: Vec<JoinHandle<Reply>> = (0..100)
        .map(|_| {
            let (mut client, start) = (node.customer("anna"), start.clone());
            std::thread::spawn(move || {
                start.wait();
                insist(&mut client, "/v1/orders", "the-key", Some(&one_meal()))
            })
        })
        .collect();
    let replies: Vec<Reply> = racers.into_iter().map(|racer| racer.join().unwrap()).collect();
    assert_eq!(replies.iter().filter(|reply| reply.status == 201).count(), 1, "one is new");
    assert_eq!(replies.iter().filter(|reply| reply.status == 200).count(), 99, "the others find it");
    let id = replies[0].json()["id"].as_str().unwrap().to_owned();
    assert!(replies.iter().all(|reply| reply.json()["id"] == id.as_str()));

    let again = |node: &Node, status: &str| {
        let reply = insist(&mut node.customer("anna"), "/v1/orders", "the-key", Some(&one_meal())).expect(200);
        assert_eq!((reply["id"].as_str(), reply["status"].as_str()), (Some(id.as_str()), Some(status)));
    };
    node.kill_and_restart();
    again(&node, "awaiting_payment");
    node.client(None).post_empty(&format!("/v1/sandbox/payments/{id}/succeed")).expect(200);
    for step in ["accept", "ready", "collected"] {
        node.store("s1").post_empty(&format!("/v1/orders/{id}/{step}")).expect(200);
    }
    again(&node, "collected");
    node.kill_and_restart();
    again(&node, "collected");
    node.stop();
    std::fs::remove_dir_all(node.data().join("state")).unwrap();
    node.restart();
    again(&node, "collected");
    let orders = node.customer("anna").get("/v1/me/orders").expect(200);
    assert_eq!(orders["orders"].as_array().unwrap().len(), 1);
}

#[test]
fn an_import_amid_a_race_sells_nothing_twice() {
    let mut node = Node::start();
    node.store("s1").put("/v1/stores/s1/stock/meal", &json!({"available": 20})).expect(200);
    let (heard, racers) =
        race(&node, 30, |client, number| insist(client, "/v1/orders", &format!("i-{number}"), Some(&one_meal())));
    let mut dearer = catalogue();
    dearer["items"][0]["category"] = json!("C");
    node.operator().put("/v1/catalog", &dearer).expect(200);
    drop(heard);
    assert_eq!(won_and_lost(racers, "out-of-stock"), (20, 10));
    node.stop();
    assert!(node.verify().status.success());
}
