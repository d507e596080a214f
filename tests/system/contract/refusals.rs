//! Orders that match the schema and are refused all the same, each by its name and with what helps; and those that
//! don't match it.

use serde_json::{Value, json};

use super::world::World;
use crate::common::one_meal;

/// `one_meal` with something else.
fn with(field: &str, value: Value) -> Value {
    let mut order = one_meal();
    order[field] = value;
    order
}

fn line(line: Value) -> Value {
    with("lines", json!([line]))
}

#[test]
fn every_refusal_of_an_order_has_its_name_and_changes_nothing() {
    let mut world = World::new();
    let mut boris = world.node.customer("boris");
    let theirs = boris.post_empty("/v1/campaigns/one-yuan/claim").expect(201)["id"].clone();
    let mine = world.anna.post_empty("/v1/campaigns/one-yuan/claim").expect(201)["id"].clone();
    let used = world.anna.post_empty("/v1/campaigns/twice/claim").expect(201)["id"].clone();
    world.place(&with("coupon", used.clone()));
    world.node.store("s2").put("/v1/stores/s2/accepting", &json!({"accepting": false, "reason": "oven"})).expect(200);
    let cola = json!({"option": "drink", "choice": "cola"});
    let set = |options: Value| line(json!({"sku": "set", "quantity": 1, "options": options}));
    let before = world.everything();
    let table: Vec<(&str, Value, &str, Value)> = vec![
        ("an unknown store", with("store", json!("nowhere")), "unknown-store", json!({})),
        ("a store that can't be one", with("store", json!("no where")), "unknown-store", json!({})),
        ("a closed store", with("store", json!("shut")), "store-closed", json!({})),
        ("a paused store", with("store", json!("s2")), "store-paused", json!({"reason": "oven"})),
        ("an unknown item", line(json!({"sku": "x", "quantity": 1})), "unknown-item", json!({"sku": "x"})),
        ("no item at all", line(json!({"sku": "", "quantity": 1})), "unknown-item", json!({})),
        ("an item of another store", line(json!({"sku": "off", "quantity": 1})), "unknown-item", json!({"sku": "off"})),
        ("a missing choice", line(json!({"sku": "set", "quantity": 1})), "unknown-option", json!({"sku": "set"})),
        ("two choices of one", set(json!([cola, {"option": "drink", "choice": "juice"}])), "unknown-option", json!({})),
        ("a choice twice", set(json!([cola, cola])), "unknown-option", json!({})),
        ("an unknown choice", set(json!([{"option": "drink", "choice": "tea"}])), "unknown-option", json!({})),
        ("an unknown option", set(json!([cola, {"option": "x", "choice": "y"}])), "unknown-option", json!({})),
        (
            "options where there are none",
            line(json!({"sku": "meal", "quantity": 1, "options": [cola]})),
            "unknown-option",
            json!({}),
        ),
        (
            "more than there is",
            line(json!({"sku": "rare", "quantity": 4})),
            "out-of-stock",
            json!({"sku": "rare", "available": 3}),
        ),
        (
            "more than there is, in two lines",
            with("lines", json!([{"sku": "rare", "quantity": 2}, {"sku": "rare", "quantity": 2}])),
            "out-of-stock",
            json!({"sku": "rare", "available": 3}),
        ),
        ("too many of one", line(json!({"sku": "meal", "quantity": 1000})), "over-limit", json!({"limit": 999})),
        ("as many as fit 32 bits", line(json!({"sku": "meal", "quantity": 4294967295u32})), "over-limit", json!({})),
        (
            "too many lines",
            with("lines", vec![json!({"sku": "meal", "quantity": 1}); 51].into()),
            "over-limit",
            json!({"limit": 50}),
        ),
        ("another price", with("expected_total", json!(2999)), "price-changed", json!({"payable": 3000})),
        ("no coupon of ours", with("coupon", json!("nothing")), "coupon-not-usable", json!({})),
        ("somebody else's coupon", with("coupon", theirs), "coupon-not-usable", json!({})),
        ("a used coupon", with("coupon", used), "coupon-not-usable", json!({})),
        ("a coupon for something else", with("coupon", mine), "coupon-not-usable", json!({})),
        ("delivery", with("fulfilment", json!({"kind": "delivery"})), "fulfilment-not-offered", json!({})),
        ("dine in", with("fulfilment", json!({"kind": "dine_in"})), "fulfilment-not-offered", json!({})),
        ("nonsense", with("fulfilment", json!({"kind": "x"})), "fulfilment-not-offered", json!({})),
    ];
    for (what, body, problem, members) in table {
        let key = world.key();
        let reply = world.anna.post_with_key("/v1/orders", &key, &body);
        let json = reply.json();
        assert_eq!((reply.status, reply.problem().as_str()), (422, problem), "{what}: {json}");
        for (name, value) in members.as_object().unwrap() {
            assert_eq!(json[name], *value, "{what}: {json}");
        }
    }
    assert_eq!(world.everything(), before);
}

#[test]
fn every_order_that_does_not_match_the_schema_is_malformed_and_names_the_field() {
    let mut world = World::new();
    let before = world.everything();
    let table: Vec<(Value, &str)> = vec![
        (json!({}), ""),
        (json!({"store": "s1"}), ""),
        (json!({"lines": []}), ""),
        (with("store", json!(1)), "store"),
        (with("store", Value::Null), "store"),
        (with("lines", json!([])), "lines"),
        (with("lines", json!({})), "lines"),
        (with("lines", json!(["meal"])), "lines[0]"),
        (line(json!({"sku": "meal"})), "lines[0]"),
        (line(json!({"quantity": 1})), "lines[0]"),
        (line(json!({"sku": 1, "quantity": 1})), "lines[0].sku"),
        (line(json!({"sku": "meal", "quantity": 0})), "lines[0].quantity"),
        (line(json!({"sku": "meal", "quantity": -1})), "lines[0].quantity"),
        (line(json!({"sku": "meal", "quantity": 1.5})), "lines[0].quantity"),
        (line(json!({"sku": "meal", "quantity": "1"})), "lines[0].quantity"),
        (line(json!({"sku": "meal", "quantity": 4294967296u64})), "lines[0].quantity"),
        (line(json!({"sku": "meal", "quantity": 1, "price": 1})), "lines[0].price"),
        (line(json!({"sku": "meal", "quantity": 1, "options": [{"option": "drink"}]})), "lines[0].options[0]"),
        (line(json!({"sku": "meal", "quantity": 1, "options": "cola"})), "lines[0].options"),
        (with("coupon", json!(1)), "coupon"),
        (with("note", json!("x".repeat(201))), "note"),
        (with("note", json!(["x"])), "note"),
        (with("expected_total", json!("3000")), "expected_total"),
        (with("expected_total", json!(1.5)), "expected_total"),
        (with("fulfilment", json!("pickup")), "fulfilment"),
        (with("fulfilment", json!({})), "fulfilment"),
        (with("fulfilment", json!({"kind": "pickup", "at": "12:00"})), "fulfilment.at"),
        (with("payable", json!(1)), "payable"),
        (with("member", json!("boris")), "member"),
    ];
    for (body, field) in table {
        let key = world.key();
        let reply = world.anna.post_with_key("/v1/orders", &key, &body);
        assert_eq!((reply.status, reply.problem().as_str()), (400, "malformed"), "{body}: {}", reply.json());
        if !field.is_empty() {
            assert_eq!(reply.json()["field"], field, "{body}: {}", reply.json());
        }
    }
    assert_eq!(world.everything(), before);
    world.place(&with("note", json!("好".repeat(200))));
}

#[test]
fn other_bodies_that_do_not_match_are_malformed_too() {
    let mut world = World::new();
    let (awaiting, paid) = (world.awaiting(), world.paid());
    let before = world.everything();
    let table: Vec<(&str, String, Value)> = vec![
        ("POST", format!("/v1/orders/{awaiting}/pay"), json!({})),
        ("POST", format!("/v1/orders/{awaiting}/pay"), json!({"provider": 1})),
        ("POST", format!("/v1/orders/{awaiting}/pay"), json!({"provider": "gold"})),
        ("POST", format!("/v1/orders/{awaiting}/cancel"), json!({"reason": "x"})),
        ("POST", format!("/v1/orders/{paid}/accept"), json!({"pickup_code": 7})),
        ("POST", format!("/v1/orders/{paid}/accept"), json!({"pickup_code": ""})),
        ("POST", format!("/v1/orders/{paid}/accept"), json!({"pickup_code": "one two"})),
        ("POST", format!("/v1/orders/{paid}/accept"), json!({"pickup_code": "1234567890123"})),
        ("POST", format!("/v1/orders/{paid}/reject"), json!({})),
        ("POST", format!("/v1/orders/{paid}/reject"), json!({"reason": ""})),
        ("POST", format!("/v1/orders/{paid}/reject"), json!({"reason": "x".repeat(201)})),
        ("POST", format!("/v1/orders/{paid}/ready"), json!({"x": 1})),
        ("POST", format!("/v1/orders/{paid}/collected"), json!([])),
        ("PUT", "/v1/stores/s1/stock/meal".into(), json!({})),
        ("PUT", "/v1/stores/s1/stock/meal".into(), json!({"available": -1})),
        ("PUT", "/v1/stores/s1/stock/meal".into(), json!({"available": 1.5})),
        ("PUT", "/v1/stores/s1/stock/meal".into(), json!({"available": "7"})),
        ("POST", "/v1/stores/s1/stock/meal/adjust".into(), json!({"delta": 1})),
        ("POST", "/v1/stores/s1/stock/meal/adjust".into(), json!({"delta": 1, "reason": ""})),
        ("POST", "/v1/stores/s1/stock/meal/adjust".into(), json!({"delta": 99999999999i64, "reason": "x"})),
        ("PUT", "/v1/stores/s1/accepting".into(), json!({})),
        ("PUT", "/v1/stores/s1/accepting".into(), json!({"accepting": "no"})),
        ("PUT", "/v1/stores/s1/accepting".into(), json!({"accepting": false, "reason": "x".repeat(201)})),
        ("PUT", "/v1/stores/s1/accepting".into(), json!({"accepting": false, "until": "tomorrow"})),
        ("PUT", "/v1/stores/s1/accepting".into(), json!({"accepting": false, "until": "2020-01-01T00:00:00.000Z"})),
        ("POST", format!("/v1/sandbox/payments/{awaiting}/succeed"), json!({"amount": 0})),
        ("POST", format!("/v1/sandbox/payments/{awaiting}/succeed"), json!({"reference": ""})),
        ("POST", format!("/v1/sandbox/payments/{awaiting}/fail"), json!({"x": 1})),
    ];
    for (method, path, body) in table {
        let customer = path.ends_with("pay") || path.ends_with("cancel");
        let client = if customer { &mut world.anna } else { &mut world.store };
        let reply = client.send(method, &path, &[("Idempotency-Key", "m")], Some(body.to_string().as_bytes()));
        assert_eq!((reply.status, reply.problem().as_str()), (400, "malformed"), "{path} {body}: {}", reply.json());
    }
    assert_eq!(world.everything(), before);
}
