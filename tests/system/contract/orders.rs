//! An order's life, its money, and its idempotency.

use serde_json::{Value, json};

use super::shape::{ORDER, PREPAY, check};
use super::world::World;
use crate::common::one_meal;

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

#[test]
fn an_order_is_placed_and_priced_to_the_fen() {
    let mut world = World::new();
    let coupon = text(&world.anna.post_empty("/v1/campaigns/one-yuan/claim").expect(201)["id"]);
    let juice = json!([{"option": "drink", "choice": "juice"}]);
    let body = json!({"store": "s1", "coupon": coupon, "note": "不要辣", "expected_total": 9_100 + 100,
                      "fulfilment": {"kind": "pickup"},
                      "lines": [{"sku": "set", "quantity": 1, "options": juice}, {"sku": "meal", "quantity": 3}]});
    let mut wrong = body.clone();
    wrong["expected_total"] = json!(1);
    let refused = world.anna.post_with_key("/v1/orders", "p", &wrong);
    assert_eq!((refused.status, refused.problem().as_str()), (422, "price-changed"));
    let payable = refused.json()["payable"].as_i64().unwrap();
    let mut right = body.clone();
    right["expected_total"] = json!(payable);
    let reply = world.anna.post_with_key("/v1/orders", "p", &right);
    let order = reply.expect(201);
    check(&order, ORDER);
    assert_eq!(reply.header("location"), Some(format!("/v1/orders/{}", text(&order["id"])).as_str()));
    assert_eq!(order["total"], 7_100 + 9_000);
    assert_eq!(
        order["payable"].as_i64().unwrap(),
        order["total"].as_i64().unwrap() - order["discount"].as_i64().unwrap()
    );
    let of_lines: i64 = order["lines"].as_array().unwrap().iter().map(|line| line["discount"].as_i64().unwrap()).sum();
    assert_eq!(order["discount"], of_lines, "allotted to lines, to the fen");
    assert_eq!(order["lines"][0]["unit_price"], 7_100);
    assert_eq!((&order["lines"][1]["amount"], order["lines"][1]["tax"].as_i64()), (&json!(9_000), Some(509)));
    assert_eq!((order["status"].as_str(), order["offset"].as_i64()), (Some("awaiting_payment"), Some(1)));
    assert_eq!((order["coupon"].as_str(), order["note"].as_str()), (Some(coupon.as_str()), Some("不要辣")));
    assert_eq!(
        (order["store"].as_str(), order["member"].as_str(), order["region"].as_str()),
        (Some("s1"), Some("anna"), Some("east"))
    );
    let id = text(&order["id"]);
    assert!(id.len() <= 28 && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-'), "{id}");
    assert_eq!(world.anna.get(&format!("/v1/orders/{id}")).expect(200), order);
}

#[test]
fn an_order_walks_from_payment_to_the_counter_and_every_step_may_be_repeated() {
    let mut world = World::new();
    let id = world.awaiting();
    let path = |step: &str| format!("/v1/orders/{id}/{step}");
    let prepay = world.anna.post(&path("pay"), &json!({"provider": "sandbox"})).expect(200);
    check(&prepay, PREPAY);
    assert_eq!(world.anna.get(&format!("/v1/orders/{id}")).expect(200)["offset"], 1, "pay does not change the order");
    let mut provider = world.node.client(None);
    let failed = provider.post_empty(&format!("/v1/sandbox/payments/{id}/fail")).expect(200);
    assert_eq!((failed["status"].as_str(), failed["offset"].as_i64()), (Some("awaiting_payment"), Some(1)));
    let mut offset = 1;
    let mut step = |reply: Value, again: Value, status: &str, time: &str| {
        offset += 1;
        check(&reply, ORDER);
        assert_eq!((reply["status"].as_str(), reply["offset"].as_i64()), (Some(status), Some(offset)));
        assert!(reply[time].is_string(), "{time}");
        assert_eq!(again, reply, "the same step again");
    };
    let mut pay = || provider.post_empty(&format!("/v1/sandbox/payments/{id}/succeed")).expect(200);
    step(pay(), pay(), "paid", "paid_at");
    let mut accept = |code| world.store.post(&path("accept"), &json!({"pickup_code": code})).expect(200);
    let (accepted, again) = (accept("A7"), accept("B8"));
    assert_eq!(accepted["pickup_code"], "A7", "another code later is ignored");
    step(accepted, again, "accepted", "accepted_at");
    let mut store = |name: &str| world.store.post_empty(&path(name)).expect(200);
    step(store("ready"), store("ready"), "ready", "ready_at");
    step(store("collected"), store("collected"), "collected", "collected_at");
    let end = world.anna.get(&format!("/v1/orders/{id}")).expect(200);
    assert!(end["closed_at"].is_string() && end.get("refund").is_none());
    for repeated in ["accept", "ready", "collected"] {
        assert_eq!(world.store.post_empty(&path(repeated)).expect(200), end, "made already: {repeated}");
    }
}

#[test]
fn a_step_that_is_not_possible_is_409_and_names_the_status() {
    let mut world = World::new();
    let (awaiting, paid, accepted, ready, collected) =
        (world.awaiting(), world.paid(), world.accepted(), world.ready(), world.collected());
    let cancelled = world.awaiting();
    world.anna.post_empty(&format!("/v1/orders/{cancelled}/cancel")).expect(200);
    let rejected = world.paid();
    world.store.post(&format!("/v1/orders/{rejected}/reject"), &json!({"reason": "no gas"})).expect(200);
    world.eventually(&rejected, |order| order["refund"]["status"] == "succeeded");
    let before = world.everything();
    let impossible: &[(&str, &str, &[&str])] = &[
        (&awaiting, "awaiting_payment", &["accept", "reject", "ready", "collected"]),
        (&paid, "paid", &["ready", "collected", "pay"]),
        (&accepted, "accepted", &["cancel", "collected", "pay"]),
        (&ready, "ready", &["cancel", "pay"]),
        (&collected, "collected", &["cancel", "reject", "pay"]),
        (&cancelled, "cancelled", &["accept", "reject", "ready", "collected", "pay"]),
        (&rejected, "rejected", &["accept", "ready", "collected", "cancel", "pay"]),
    ];
    for (order, status, steps) in impossible {
        for step in *steps {
            let path = format!("/v1/orders/{order}/{step}");
            let reply = match *step {
                "cancel" => world.anna.post_empty(&path),
                "pay" => world.anna.post(&path, &json!({"provider": "sandbox"})),
                "reject" => world.store.post(&path, &json!({"reason": "x"})),
                _ => world.store.post_empty(&path),
            };
            assert_eq!((reply.status, reply.problem().as_str()), (409, "wrong-status"), "{status}: {step}");
            assert_eq!(reply.json()["order_status"], *status, "{step}");
        }
    }
    assert_eq!(world.everything(), before);
}

#[test]
fn money_goes_back_by_itself_whenever_an_order_ends_with_it() {
    let mut world = World::new();
    let refunded = |order: &Value| order["refund"]["status"] == "succeeded";

    let cancelled = world.paid();
    let reply = world.anna.post_empty(&format!("/v1/orders/{cancelled}/cancel")).expect(200);
    assert_eq!((reply["status"].as_str(), reply["refund"]["amount"].as_i64()), (Some("cancelled"), Some(3000)));
    assert_eq!(world.eventually(&cancelled, refunded)["refund"]["amount"], 3000);

    for make in [World::paid, World::accepted, World::ready] {
        let order = make(&mut world);
        let reply = world.store.post(&format!("/v1/orders/{order}/reject"), &json!({"reason": "没煤气了"})).expect(200);
        assert_eq!((reply["status"].as_str(), reply["reason"].as_str()), (Some("rejected"), Some("没煤气了")));
        assert_eq!(world.eventually(&order, refunded)["refund"]["amount"], 3000);
    }

    // Late, double and wrong money: recorded, returned, and the order stays what it is.
    let mut provider = world.node.client(None);
    let late = world.awaiting();
    world.anna.post_empty(&format!("/v1/orders/{late}/cancel")).expect(200);
    provider.post_empty(&format!("/v1/sandbox/payments/{late}/succeed")).expect(200);
    assert_eq!(world.eventually(&late, refunded)["status"], "cancelled");
    let twice = world.paid();
    provider.post(&format!("/v1/sandbox/payments/{twice}/succeed"), &json!({"reference": "again"})).expect(200);
    let after = world.eventually(&twice, refunded);
    assert_eq!((after["status"].as_str(), after["refund"]["amount"].as_i64()), (Some("paid"), Some(3000)));
    let wrong = world.awaiting();
    provider
        .post(&format!("/v1/sandbox/payments/{wrong}/succeed"), &json!({"reference": "w", "amount": 2999}))
        .expect(200);
    let after = world.eventually(&wrong, refunded);
    assert_eq!((after["status"].as_str(), after["refund"]["amount"].as_i64()), (Some("awaiting_payment"), Some(2999)));
    provider.post_empty(&format!("/v1/sandbox/payments/{wrong}/succeed")).expect(200);
    assert_eq!(world.anna.get(&format!("/v1/orders/{wrong}")).expect(200)["status"], "paid");
}

#[test]
fn a_refund_that_fails_is_asked_for_again() {
    let mut world = World::new();
    let id = world.awaiting();
    let path = format!("/v1/sandbox/payments/{id}/succeed");
    world.node.client(None).post(&path, &json!({"reference": "refund-fails-once-1"})).expect(200);
    world.anna.post_empty(&format!("/v1/orders/{id}/cancel")).expect(200);
    let failed = world.eventually(&id, |order| order["refund"]["status"] == "failed");
    assert_eq!(failed["status"], "cancelled");
    world.eventually(&id, |order| order["refund"]["status"] == "succeeded");
}

#[test]
fn an_order_with_nothing_to_pay_is_born_paid() {
    let mut world = World::new();
    let order = world.place(&json!({"store": "s1", "lines": [{"sku": "free", "quantity": 1}]}));
    check(&order, ORDER);
    assert_eq!((order["status"].as_str(), order["payable"].as_i64()), (Some("paid"), Some(0)));
    let coupon = text(&world.anna.post_empty("/v1/campaigns/twice/claim").expect(201)["id"]);
    let mut with_coupon = one_meal();
    with_coupon["coupon"] = json!(coupon);
    let order = world.place(&with_coupon);
    assert_eq!((order["status"].as_str(), order["payable"].as_i64()), (Some("paid"), Some(0)));
    assert!(order["position"].is_i64());
    let path = format!("/v1/sandbox/payments/{}/succeed", text(&order["id"]));
    assert_eq!(world.node.client(None).post_empty(&path).expect(200), order, "there is nothing to pay");
}

#[test]
fn the_same_key_is_the_same_order_as_it_is_now_and_another_body_is_refused() {
    let mut world = World::new();
    let body = json!({"store": "s1", "lines": [{"sku": "meal", "quantity": 2}], "note": "x"});
    let order = world.anna.post_with_key("/v1/orders", "once", &body).expect(201);
    assert_eq!(world.anna.post_with_key("/v1/orders", "once", &body).expect(200), order);
    // Compared after parsing: spaces and the order of fields mean nothing.
    let spelled = "{ \"note\":\"\\u0078\",\n \"lines\":[{\"quantity\":2,\"sku\":\"meal\"}], \"store\":\"s1\" }";
    let again = world.anna.send("POST", "/v1/orders", &[("Idempotency-Key", "once")], Some(spelled.as_bytes()));
    assert_eq!(again.expect(200), order);
    for (what, other) in [
        ("another quantity", json!({"store": "s1", "lines": [{"sku": "meal", "quantity": 3}], "note": "x"})),
        ("another note", json!({"store": "s1", "lines": [{"sku": "meal", "quantity": 2}]})),
        ("another store", json!({"store": "s2", "lines": [{"sku": "meal", "quantity": 2}], "note": "x"})),
    ] {
        let reply = world.anna.post_with_key("/v1/orders", "once", &other);
        assert_eq!((reply.status, reply.problem().as_str()), (422, "idempotency-key-reused"), "{what}");
    }
    // The key is the subject's own.
    let boris = world.node.customer("boris").post_with_key("/v1/orders", "once", &body).expect(201);
    assert_ne!(boris["id"], order["id"]);
    // The order as it is now, after it moved on and after it closed.
    let id = text(&order["id"]);
    world.pay(&id);
    assert_eq!(world.anna.post_with_key("/v1/orders", "once", &body).expect(200)["status"], "paid");
    world.anna.post_empty(&format!("/v1/orders/{id}/cancel")).expect(200);
    world.eventually(&id, |order| order["refund"]["status"] == "succeeded");
    let closed = world.anna.post_with_key("/v1/orders", "once", &body).expect(200);
    assert_eq!((closed["status"].as_str(), &closed["id"]), (Some("cancelled"), &order["id"]));
}

#[test]
fn a_refused_request_does_not_use_its_key_up() {
    let mut world = World::new();
    let body = json!({"store": "s1", "lines": [{"sku": "rare", "quantity": 4}]});
    assert_eq!(world.anna.post_with_key("/v1/orders", "k", &body).problem(), "out-of-stock");
    world.store.put("/v1/stores/s1/stock/rare", &json!({"available": 4})).expect(200);
    world.anna.post_with_key("/v1/orders", "k", &body).expect(201);
}

#[test]
fn how_many_orders_come_first_is_said_to_whoever_asks() {
    let mut world = World::new();
    let mut ids = Vec::new();
    for key in ["first", "second", "third"] {
        let order = world.anna.post_with_key("/v1/orders", key, &one_meal()).expect(201);
        let id = text(&order["id"]);
        world.node.client(None).post_empty(&format!("/v1/sandbox/payments/{id}/succeed")).expect(200);
        ids.push(id);
    }
    for (place, id) in ids.iter().enumerate() {
        let asked = world.anna.get(&format!("/v1/orders/{id}?ahead=true")).expect(200);
        assert_eq!(asked["ahead"], place);
        let order = world.anna.get(&format!("/v1/orders/{id}")).expect(200);
        assert!(order.get("ahead").is_none(), "it is no part of the order: {order:#}");
        check(&order, ORDER);
    }
    assert_eq!(world.anna.get(&format!("/v1/orders/{}?ahead=perhaps", ids[0])).problem(), "malformed");
}
