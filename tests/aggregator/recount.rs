//! The centre's figures counted again from its orders, by the plainest code there is.

use std::collections::BTreeMap;

use serde_json::{Value, json};

/// An order's times as minutes since 1970.
pub fn minute(text: &Value) -> Option<i64> {
    let at = text.as_str()?.parse::<jiff::Timestamp>().unwrap();
    Some(at.as_second().div_euclid(60))
}

fn seconds_between(from: &Value, to: &Value) -> i64 {
    let at = |text: &Value| text.as_str().unwrap().parse::<jiff::Timestamp>().unwrap().as_millisecond();
    (at(to) - at(from)).div_euclid(1000)
}

/// Counters of a day, as `today` shows them.
pub fn today<'o>(orders: impl IntoIterator<Item = &'o Value>) -> Value {
    let mut counts: BTreeMap<&str, i64> = BTreeMap::new();
    for name in ["placed", "paid", "accepted", "ready", "collected", "cancelled", "rejected", "revenue"] {
        counts.insert(name, 0);
    }
    let (mut waited, mut waits) = (0, 0);
    for order in orders {
        let mut add = |name, by| *counts.get_mut(name).unwrap() += by;
        add("placed", 1);
        if order["paid_at"].is_string() {
            add("paid", 1);
            add("revenue", order["payable"].as_i64().unwrap());
        }
        for (name, time) in [("accepted", "accepted_at"), ("ready", "ready_at"), ("collected", "collected_at")] {
            add(name, i64::from(order[time].is_string()));
        }
        match order["status"].as_str().unwrap() {
            "cancelled" => add("cancelled", 1),
            "rejected" => add("rejected", 1),
            _ => {}
        }
        if order["ready_at"].is_string() {
            waited += seconds_between(&order["paid_at"], &order["ready_at"]);
            waits += 1;
        }
    }
    let mut today = json!(counts);
    if waits > 0 {
        today["wait_seconds"] = json!((waited + waits / 2) / waits);
    }
    today
}

/// Open orders by status.
pub fn open<'o>(orders: impl IntoIterator<Item = &'o Value>) -> Value {
    let mut open = json!({"awaiting_payment": 0, "paid": 0, "accepted": 0, "ready": 0});
    for order in orders {
        if let Some(count) = open.get_mut(order["status"].as_str().unwrap()) {
            *count = json!(count.as_i64().unwrap() + 1);
        }
    }
    open
}
