//! One order with its history.

use serde_json::{Value, json};

use crate::common::centre::Centre;
use crate::common::tokens;
use crate::region::{Region, wait_until};

#[test]
fn an_order_s_history_says_who_did_what() {
    let centre = Centre::start();
    let node = Region::start("east", &centre);
    // Strangers before and between.
    for number in 0..20 {
        node.paid_order(&format!("s{number}"), "k");
    }
    let id = node.paid_order("mei", "k");
    let (mut store, mut operator) = (node.client(Some(tokens::store("s1"))), node.operator());
    let request_id = [("X-Request-Id", "pos-77")];
    store.send("POST", &format!("/v1/orders/{id}/accept"), &request_id, None).expect(200);
    for number in 0..20 {
        node.paid_order(&format!("t{number}"), "k");
    }
    operator.post(&format!("/v1/orders/{id}/reject"), &json!({"reason": "oven"})).expect(200);
    wait_until("the refund is settled", || {
        let order = node.operator().get(&format!("/v1/orders/{id}")).expect(200);
        let status = order["refund"]["status"].clone();
        if status == "succeeded" { Ok(()) } else { Err(status.to_string()) }
    });
    node.shipped("east", &centre);

    let order = centre.operator().get(&format!("/v1/orders/{id}")).expect(200);
    assert_eq!(order["history_complete"], true);
    let history = order["history"].as_array().unwrap();
    let of = |field: &str| -> Vec<Value> { history.iter().map(|entry| entry[field].clone()).collect() };
    assert_eq!(of("event"), ["placed", "paid", "accepted", "rejected", "refund_succeeded"]);
    let actors = [
        json!({"role": "customer", "subject": "mei"}),
        json!({"role": "provider"}),
        json!({"role": "store", "subject": "pos-s1"}),
        json!({"role": "operator", "subject": "ops"}),
        json!({"role": "provider"}),
    ];
    assert_eq!(of("actor"), actors);
    assert_eq!(history[2]["request_id"], "pos-77");
    assert_eq!(history[0]["at"], order["created_at"]);
    assert_eq!(history[3]["at"], order["closed_at"]);
    let sequences: Vec<u64> = history.iter().map(|entry| entry["sequence"].as_u64().unwrap()).collect();
    assert!(sequences.is_sorted_by(|a, b| a < b), "{sequences:?}");
}
