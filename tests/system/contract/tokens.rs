//! Who may see and do what: 401 without a good token, 403 for a role that the call never allows, 404 for what is
//! somebody else's.

use serde_json::json;

use super::calls::{Who, with_token};
use super::shape::{TOKEN, check};
use super::world::World;
use crate::common::tokens;

fn send(client: &mut crate::common::Client, call: &super::calls::Call, order: &str) -> crate::common::Reply {
    let body = call.body.as_ref().map(ToString::to_string);
    let headers: &[(&str, &str)] = if call.key { &[("Idempotency-Key", "matrix")] } else { &[] };
    client.send(call.method, &call.path.replace("{order}", order), headers, body.as_ref().map(|body| body.as_bytes()))
}

#[test]
fn without_a_good_token_every_protected_call_is_401_and_changes_nothing() {
    let mut world = World::new();
    let order = world.paid();
    let before = world.everything();
    for call in with_token() {
        let reply = send(&mut world.node.client(None), &call, &order);
        assert_eq!((reply.status, reply.problem().as_str()), (401, "unauthenticated"), "{} {}", call.method, call.path);
        assert!(reply.header("www-authenticate").is_some_and(|value| value.starts_with("Bearer")));
        assert_eq!(reply.header("content-type"), Some("application/problem+json"));
    }
    for (what, token) in tokens::bad() {
        let reply = world.node.client(Some(token)).get("/v1/me/orders");
        assert_eq!(reply.status, 401, "{what}: {}", String::from_utf8_lossy(&reply.body));
    }
    let good = tokens::customer("anna");
    for header in [format!("Basic {good}"), good.clone(), format!("Bearer  {good} {good}"), "Bearer".to_owned()] {
        let reply = world.node.client(None).send("GET", "/v1/me/orders", &[("Authorization", &header)], None);
        assert_eq!(reply.status, 401, "{header}");
    }
    assert_eq!(world.everything(), before);
}

#[test]
fn a_role_that_a_call_never_allows_is_403_and_changes_nothing() {
    let mut world = World::new();
    let order = world.paid();
    let before = world.everything();
    for call in with_token() {
        for (role, token) in
            [("customer", tokens::customer("anna")), ("store", tokens::store("s1")), ("operator", tokens::operator())]
        {
            if call.allows(role) {
                continue;
            }
            let reply = send(&mut world.node.client(Some(token)), &call, &order);
            assert_eq!(
                (reply.status, reply.problem().as_str()),
                (403, "wrong-role"),
                "{role}: {} {}",
                call.method,
                call.path
            );
        }
    }
    assert_eq!(world.everything(), before);
}

#[test]
fn what_is_somebody_else_s_is_404_in_the_same_words_as_what_does_not_exist() {
    let mut world = World::new();
    let order = world.paid();
    let before = world.everything();
    let missing = format!("{}-ZZZZ", order.rsplit_once('-').unwrap().0);
    for call in with_token().iter().filter(|call| call.who != Who::Operator) {
        let (mut stranger, mut other_store) = (world.node.customer("boris"), world.node.store("s2"));
        let of_order = call.path.contains("{order}");
        if of_order && call.allows("customer") {
            let (theirs, none) = (send(&mut stranger, call, &order), send(&mut stranger, call, &missing));
            assert_eq!(theirs.status, 404, "{} {}", call.method, call.path);
            assert_eq!(theirs.body, none.body, "an answer that tells them apart: {} {}", call.method, call.path);
        }
        if call.allows("store") {
            let theirs = send(&mut other_store, call, &order);
            assert_eq!((theirs.status, theirs.problem().as_str()), (404, "not-found"), "{} {}", call.method, call.path);
        }
    }
    assert_eq!(world.everything(), before);
    for nonsense in ["x", "..", "%00", "261123-0000000-1-1", &"9".repeat(200)] {
        assert_eq!(world.anna.get(&format!("/v1/orders/{nonsense}")).status, 404, "{nonsense}");
    }
    assert_eq!(world.operator.get("/v1/stores/nowhere/board").status, 404);
    assert_eq!(world.node.store("nowhere").get("/v1/stores/nowhere/board").status, 404);
}

#[test]
fn an_operator_may_do_whatever_a_store_may() {
    let mut world = World::new();
    for step in ["accept", "ready", "collected"] {
        let order = match step {
            "accept" => world.paid(),
            "ready" => world.accepted(),
            _ => world.ready(),
        };
        world.operator.post_empty(&format!("/v1/orders/{order}/{step}")).expect(200);
    }
    let order = world.paid();
    world.operator.post(&format!("/v1/orders/{order}/reject"), &json!({"reason": "no gas"})).expect(200);
    for path in ["queue", "stock", "orders", "board"] {
        world.operator.get(&format!("/v1/stores/s2/{path}")).expect(200);
    }
    world.operator.put("/v1/stores/s2/accepting", &json!({"accepting": false})).expect(200);
    world.operator.put("/v1/stores/s2/stock/meal", &json!({"available": 1})).expect(200);
}

#[test]
fn the_sandbox_hands_out_tokens_that_work() {
    let mut world = World::new();
    let mut nobody = world.node.client(None);
    for (body, path) in [
        (json!({"role": "customer", "subject": "carl"}), "/v1/me/orders"),
        (json!({"role": "store", "subject": "pos", "store": "s1"}), "/v1/stores/s1/board"),
        (json!({"role": "operator", "subject": "ops"}), "/v1/status"),
    ] {
        let reply = nobody.post("/v1/sandbox/tokens", &body).expect(201);
        check(&reply, TOKEN);
        let token = reply["token"].as_str().unwrap().to_owned();
        assert_eq!(world.node.client(Some(token)).get(path).status, 200, "{body}");
    }
    for wrong in [
        json!({"role": "king", "subject": "x"}),
        json!({"role": "customer"}),
        json!({"role": "customer", "subject": ""}),
        json!({"role": "store", "subject": "pos"}),
        json!({"role": "customer", "subject": "x", "store": "s1", "ttl": 1}),
    ] {
        assert_eq!(nobody.post("/v1/sandbox/tokens", &wrong).problem(), "malformed", "{wrong}");
    }
    assert_eq!(world.everything()["orders"], json!({"orders": []}));
}

#[test]
fn in_production_there_is_no_sandbox() {
    let mut world = World::of(crate::common::Node::in_production());
    let order = world.awaiting();
    let mut nobody = world.node.client(None);
    for path in ["/v1/sandbox/tokens".to_owned(), format!("/v1/sandbox/payments/{order}/succeed")] {
        let reply = nobody.post(&path, &json!({"role": "operator", "subject": "me"}));
        assert_eq!((reply.status, reply.problem().as_str()), (404, "not-found"), "{path}");
    }
    let pay = world.anna.post(&format!("/v1/orders/{order}/pay"), &json!({"provider": "sandbox"}));
    assert_eq!((pay.status, pay.problem().as_str()), (400, "malformed"));
    assert_eq!(world.anna.get(&format!("/v1/orders/{order}")).expect(200)["status"], "awaiting_payment");
}
