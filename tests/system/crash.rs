//! kill -9, ten times, under load: whatever was answered stays true.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::thread::JoinHandle;

use serde_json::{Value, json};

use crate::common::{Client, Node, one_meal};
use crate::races::insist;

const KILLS: usize = 10;
const CUSTOMERS: usize = 8;
/// Answers between two kills.
const ANSWERS_A_KILL: usize = 150;

/// What one customer was told.
#[derive(Default)]
struct Told {
    /// Every order as it was last answered.
    orders: BTreeMap<String, Value>,
    /// Keys with the order that they stand for.
    keys: BTreeMap<String, String>,
    /// Whether the last piece was ever said to be gone.
    sold_out: bool,
}

/// A customer who orders, pays, calls off and repeats, until told to go home.
fn customer(node: &Node, number: usize, answered: Sender<()>, home: Arc<AtomicBool>) -> JoinHandle<Told> {
    let (mut client, mut provider) = (node.customer(&format!("c{number}")), node.client(None));
    std::thread::spawn(move || {
        let mut told = Told::default();
        let mut turn = 0;
        while !home.load(Ordering::Relaxed) {
            turn += 1;
            one_visit(&mut client, &mut provider, &mut told, &format!("k{turn}"), turn, &answered);
        }
        told
    })
}

fn one_visit(
    client: &mut Client,
    provider: &mut Client,
    told: &mut Told,
    key: &str,
    turn: usize,
    answered: &Sender<()>,
) {
    let rare = turn.is_multiple_of(5);
    let body = if rare { json!({"store": "s1", "lines": [{"sku": "rare", "quantity": 1}]}) } else { one_meal() };
    let reply = insist(client, "/v1/orders", key, Some(&body));
    let _ = answered.send(());
    if reply.problem() == "out-of-stock" {
        assert!(rare, "there are meals enough");
        told.sold_out = true;
        return;
    }
    assert!(!(rare && told.sold_out), "sold after it was said to be gone");
    let order = reply.json();
    let id = order["id"].as_str().unwrap_or_else(|| panic!("{reply:?}")).to_owned();
    told.keys.insert(key.to_owned(), id.clone());
    told.orders.insert(id.clone(), order);
    if turn.is_multiple_of(7) {
        let other = json!({"store": "s1", "lines": [{"sku": "meal", "quantity": 9}]});
        let reused = insist(client, "/v1/orders", key, Some(&other));
        assert_eq!(reused.problem(), "idempotency-key-reused", "the order was acknowledged, so its key is taken");
    }
    if rare || turn.is_multiple_of(4) {
        return;
    }
    let paid = insist(provider, &format!("/v1/sandbox/payments/{id}/succeed"), key, None);
    let _ = answered.send(());
    told.orders.insert(id.clone(), paid.expect(200));
    if turn.is_multiple_of(6) {
        let cancelled = insist(client, &format!("/v1/orders/{id}/cancel"), key, None);
        let _ = answered.send(());
        // The store may have been faster.
        if cancelled.status == 200 {
            told.orders.insert(id, cancelled.json());
        }
    }
}

/// A POS that walks the queue over every restart and accepts what it sees, once.
fn pos(node: &Node, home: Arc<AtomicBool>) -> JoinHandle<(Vec<String>, BTreeMap<String, Value>)> {
    let mut client = node.store("s1");
    std::thread::spawn(move || {
        let (mut walked, mut accepted) = (Vec::new(), BTreeMap::new());
        let mut cursor = String::new();
        loop {
            let last = home.load(Ordering::Relaxed);
            let Ok(reply) = client.try_send("GET", &format!("/v1/stores/s1/queue?after={cursor}"), &[], None) else {
                std::thread::sleep(std::time::Duration::from_millis(5));
                continue;
            };
            if reply.status == 503 {
                continue;
            }
            let answer = reply.expect(200);
            let orders = answer["orders"].as_array().unwrap().clone();
            for order in &orders {
                let id = order["id"].as_str().unwrap().to_owned();
                let accept = insist(&mut client, &format!("/v1/orders/{id}/accept"), "a", None);
                if accept.status == 200 {
                    accepted.insert(id.clone(), accept.json());
                }
                walked.push(id);
            }
            cursor = answer["cursor"].as_str().unwrap().to_owned();
            if last && orders.is_empty() {
                return (walked, accepted);
            }
        }
    })
}

#[test]
fn whatever_was_answered_before_ten_kills_is_true_after_them() {
    let mut node = Node::start_with("[orders]\ngrace = \"1h\"\n");
    node.store("s1").put("/v1/stores/s1/stock/meal", &json!({"available": null})).expect(200);
    node.store("s1").put("/v1/stores/s1/stock/rare", &json!({"available": 100})).expect(200);
    let (answered, heard) = channel();
    let home = Arc::new(AtomicBool::new(false));
    let customers: Vec<_> =
        (0..CUSTOMERS).map(|number| customer(&node, number, answered.clone(), home.clone())).collect();
    let pos_home = Arc::new(AtomicBool::new(false));
    let pos = pos(&node, pos_home.clone());
    for _ in 0..KILLS {
        for _ in 0..ANSWERS_A_KILL {
            heard.recv().unwrap();
        }
        node.kill_and_restart();
    }
    home.store(true, Ordering::Relaxed);
    let told: Vec<Told> = customers.into_iter().map(|customer| customer.join().unwrap()).collect();
    pos_home.store(true, Ordering::Relaxed);
    let (walked, accepted) = pos.join().unwrap();

    let mut operator = node.operator();
    let mut paid = BTreeSet::new();
    let mut orders = 0;
    for (number, told) in told.iter().enumerate() {
        for (id, then) in &told.orders {
            orders += 1;
            let now = operator.get(&format!("/v1/orders/{id}")).expect(200);
            let later = now["offset"].as_i64() > then["offset"].as_i64();
            assert!(later || now == *then, "acknowledged {then:#}\nfound {now:#}");
            for field in ["id", "member", "store", "lines", "total", "payable", "created_at"] {
                assert_eq!(now[field], then[field], "{field}");
            }
            if now["position"].is_i64() {
                paid.insert(id.clone());
            }
        }
        let mut client = node.customer(&format!("c{number}"));
        for (key, id) in told.keys.iter().filter(|(key, _)| key.ends_with('3')) {
            let again = insist(&mut client, "/v1/orders", key, Some(&one_meal())).expect(200);
            assert_eq!(again["id"], id.as_str(), "the key still stands for its order");
        }
    }
    for (id, then) in &accepted {
        let now = operator.get(&format!("/v1/orders/{id}")).expect(200);
        assert_eq!(now["pickup_code"], then["pickup_code"], "a code that was told stays");
    }
    let once: BTreeSet<String> = walked.iter().cloned().collect();
    assert_eq!(once.len(), walked.len(), "one walk gave an order twice");
    assert_eq!(once, paid, "the queue's walk and what was paid");
    let stock = operator.get("/v1/stores/s1/stock").expect(200);
    let rare = stock["stock"].as_array().unwrap().iter().find(|line| line["sku"] == "rare").unwrap().clone();
    assert_eq!(rare["available"].as_i64().unwrap() + rare["reserved"].as_i64().unwrap(), 100);
    assert!(
        told.iter().all(|told| !told.sold_out) || rare["available"] == 0,
        "said to be gone, and here again: {rare}"
    );
    node.stop();
    let verified = node.verify();
    assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stdout));
    println!("{orders} acknowledged orders, {} walked, {KILLS} kills", walked.len());
}
