//! What whole-system tests share: the real binary on its own port and directory, a small blocking HTTP client, tokens.
//! Written from the contract; knows nothing of the program's inside.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::indexing_slicing,
    reason = "a test may stop where it fails"
)]

pub mod centre;
pub mod client;
pub mod node;
pub mod ports;
pub mod process;
pub mod tokens;

pub use client::{Client, Reply};
pub use node::Node;

use serde_json::{Value, json};

/// A catalogue with one store for every trouble: open, always closed, paused by tests.
pub fn catalogue() -> Value {
    let name = |en: &str| json!({"zh": en, "en": en});
    let store = |id: &str, hours: Value| {
        json!({"id": id, "name": format!("Store {id}"), "city": "上海", "address": "1", "lat": 31.2304, "lon": 121.4737,
               "timezone": "Asia/Shanghai", "hours": hours})
    };
    json!({
        "currency": "CNY",
        "stores": [store("s1", json!("00:00-24:00")), store("s2", json!("00:00-24:00")), store("shut", json!({}))],
        "items": [
            {"sku": "meal", "name": name("Meal"), "price": 3000, "tax_rate_bp": 600, "category": "A", "stores": "*"},
            {"sku": "set", "name": name("Set"), "price": 6800, "category": "A", "stores": "*",
             "options": [{"id": "drink", "name": name("Drink"), "min": 1, "max": 1, "choices": [
                {"id": "cola", "name": name("Cola"), "price": 0}, {"id": "juice", "name": name("Juice"), "price": 300}]}]},
            {"sku": "rare", "name": name("Rare"), "price": 500, "category": "B", "stores": ["s1"], "image": "rare.webp"},
            {"sku": "free", "name": name("Free"), "price": 0, "category": "B", "stores": ["s1"]},
            {"sku": "off", "name": name("Elsewhere"), "price": 500, "category": "B", "stores": ["s2"]}],
        "stock": [{"store": "*", "sku": "meal", "available": 500}, {"store": "*", "sku": "set", "available": null},
                  {"store": "s1", "sku": "rare", "available": 3}, {"store": "s1", "sku": "free", "available": null},
                  {"store": "s2", "sku": "off", "available": 5}],
        "campaigns": [
            {"id": "one-yuan", "name": name("1 yuan"), "sku": "set", "pay_price": 100, "quota": 40, "per_member": 1,
             "starts_at": "2026-01-01T00:00:00.000Z", "ends_at": "2090-01-01T00:00:00.000Z"},
            {"id": "twice", "name": name("Twice"), "sku": "meal", "pay_price": 0, "quota": 1000, "per_member": 2,
             "starts_at": "2026-01-01T00:00:00.000Z", "ends_at": "2090-01-01T00:00:00.000Z"},
            {"id": "over", "name": name("Over"), "sku": "set", "pay_price": 100, "quota": 10, "per_member": 1,
             "starts_at": "2020-01-01T00:00:00.000Z", "ends_at": "2021-01-01T00:00:00.000Z"},
            {"id": "tiny", "name": name("Tiny"), "sku": "set", "pay_price": 100, "quota": 1, "per_member": 1,
             "starts_at": "2026-01-01T00:00:00.000Z", "ends_at": "2090-01-01T00:00:00.000Z"}]
    })
}

/// One meal at `s1`.
pub fn one_meal() -> Value {
    json!({"store": "s1", "lines": [{"sku": "meal", "quantity": 1}]})
}
