//! What every call refuses before it looks at the business: shapes, sizes, types, methods. Nothing changes by any of it.

use serde_json::json;

use super::calls::{Call, PUBLIC, Who, with_token};
use super::shape::{READY, check};
use super::world::World;
use crate::common::{Client, Reply, tokens};

/// A client that may make the call.
fn allowed(world: &World, call: &Call) -> Client {
    let token = match call.who {
        Who::Customer | Who::Anybody => tokens::customer("anna"),
        Who::Store => tokens::store("s1"),
        Who::Operator => tokens::operator(),
    };
    world.node.client(Some(token))
}

fn send(world: &World, call: &Call, order: &str, headers: &[(&str, &str)], body: Option<&[u8]>) -> Reply {
    let mut all = headers.to_vec();
    if call.key {
        all.push(("Idempotency-Key", "edge"));
    }
    allowed(world, call).send(call.method, &call.path.replace("{order}", order), &all, body)
}

fn refused(reply: &Reply, status: u16, problem: &str, what: &str) {
    assert_eq!(
        (reply.status, reply.problem().as_str()),
        (status, problem),
        "{what}: {}",
        String::from_utf8_lossy(&reply.body)
    );
    assert_eq!(reply.header("content-type"), Some("application/problem+json"), "{what}");
    let json = reply.json();
    assert_eq!(json["status"], status, "{what}");
    assert!(json["title"].is_string() && json["detail"].is_string(), "{what}: {json}");
}

#[test]
fn a_body_that_does_not_match_is_400_and_changes_nothing() {
    let mut world = World::new();
    let order = world.paid();
    let before = world.everything();
    let deep = format!("{}1{}", "[".repeat(10_000), "]".repeat(10_000));
    for call in with_token().iter().filter(|call| call.body.is_some()) {
        let good = call.body.clone().unwrap();
        let mut unknown = good.clone();
        unknown["colour"] = json!("red");
        let bodies = [
            ("a list", "[]".to_owned()),
            ("a text", "\"x\"".to_owned()),
            ("null", "null".to_owned()),
            ("no JSON", "{".to_owned()),
            ("two documents", format!("{good}{good}")),
            ("an unknown field", unknown.to_string()),
            ("deep nesting", deep.clone()),
            ("deep nesting in a field", format!("{{\"store\":{deep}}}")),
        ];
        for (what, body) in bodies {
            let reply = send(&world, call, &order, &[], Some(body.as_bytes()));
            refused(&reply, 400, "malformed", &format!("{} {} with {what}", call.method, call.path));
        }
        let reply = send(&world, call, &order, &[], Some(b"{\"store\":\"\xff\"}"));
        refused(&reply, 400, "malformed", "bytes that are not UTF-8");
    }
    assert_eq!(world.everything(), before);
}

#[test]
fn another_content_type_or_any_encoding_is_415_and_a_huge_body_413() {
    let mut world = World::new();
    let order = world.paid();
    let before = world.everything();
    for call in with_token().iter().filter(|call| call.body.is_some()) {
        let what = format!("{} {}", call.method, call.path);
        let body = call.body.clone().unwrap().to_string();
        for kind in ["text/plain", "application/x-www-form-urlencoded", "application/xml", "x"] {
            let reply = send(&world, call, &order, &[("Content-Type", kind)], Some(body.as_bytes()));
            refused(&reply, 415, "unsupported-media-type", &format!("{what} as {kind}"));
        }
        for encoding in ["gzip", "br", "deflate", "zstd"] {
            let reply = send(&world, call, &order, &[("Content-Encoding", encoding)], Some(body.as_bytes()));
            refused(&reply, 415, "unsupported-media-type", &format!("{what} in {encoding}"));
        }
        let huge = vec![b' '; if call.path == "/v1/catalog" { (8 << 20) + 1 } else { 1 << 20 }];
        let reply = send(&world, call, &order, &[], Some(&huge));
        refused(&reply, 413, "too-large", &what);
    }
    assert_eq!(world.everything(), before);
}

#[test]
fn a_missing_or_impossible_idempotency_key_is_400() {
    let mut world = World::new();
    let before = world.everything();
    let long = "k".repeat(65);
    for call in with_token().iter().filter(|call| call.key) {
        let body = call.body.clone().unwrap().to_string();
        for key in [None, Some(""), Some("two words"), Some("schl\u{fc}ssel"), Some(long.as_str())] {
            let headers: Vec<(&str, &str)> = key.map(|key| ("Idempotency-Key", key)).into_iter().collect();
            let reply = allowed(&world, call).send(call.method, call.path, &headers, Some(body.as_bytes()));
            refused(&reply, 400, "idempotency-key-missing", &format!("{} with {key:?}", call.path));
        }
    }
    assert_eq!(world.everything(), before);
}

#[test]
fn unknown_parameters_and_limits_out_of_range_are_400() {
    let mut world = World::new();
    let before = world.everything();
    let lists = [
        "/v1/stores",
        "/v1/campaigns",
        "/v1/me/coupons",
        "/v1/me/orders",
        "/v1/stores/s1/queue",
        "/v1/stores/s1/stock",
        "/v1/stores/s1/orders",
    ];
    for path in lists {
        let mut client = if path.starts_with("/v1/me") { world.node.customer("anna") } else { world.node.operator() };
        for query in ["limit=0", "limit=501", "limit=-1", "limit=x", "limit=1.5", "limit=99999999999", "colour=red"] {
            refused(&client.get(&format!("{path}?{query}")), 400, "malformed", &format!("{path}?{query}"));
        }
        let cursor = if path.ends_with("queue") { "after" } else { "cursor" };
        for wrong in ["x", "%00", "AAAA", "eDox", &"A".repeat(500)] {
            refused(&client.get(&format!("{path}?{cursor}={wrong}")), 400, "malformed", &format!("{path} {wrong}"));
        }
        assert_eq!(client.get(&format!("{path}?limit=500")).status, 200, "{path}");
        assert_eq!(client.get(&format!("{path}?{cursor}=&limit=1")).status, 200, "{path}");
    }
    for query in ["near=x", "near=1", "near=91,0", "near=0,181", "near=1,2,3"] {
        refused(&world.anna.get(&format!("/v1/stores?{query}")), 400, "malformed", query);
    }
    for query in ["wait=61", "wait=-1", "wait=x"] {
        refused(&world.store.get(&format!("/v1/stores/s1/queue?{query}")), 400, "malformed", query);
    }
    for query in
        ["business_day=today", "business_day=2026-13-01", "business_day=1999-01-01", "status=eaten", "code=%20"]
    {
        refused(&world.store.get(&format!("/v1/stores/s1/orders?{query}")), 400, "malformed", query);
    }
    assert_eq!(world.everything(), before);
}

#[test]
fn other_methods_are_405_and_say_which_are_allowed() {
    let mut world = World::new();
    let order = world.paid();
    for call in with_token() {
        let method = if call.method == "DELETE" { "GET" } else { "DELETE" };
        let reply = allowed(&world, &call).send(method, &call.path.replace("{order}", &order), &[], None);
        refused(&reply, 405, "method-not-allowed", call.path);
        let allow = reply.header("allow").unwrap_or_default().to_owned();
        assert!(allow.contains(call.method), "{}: Allow is {allow:?}", call.path);
    }
    for path in PUBLIC {
        let reply = world.anna.send("DELETE", path, &[], None);
        refused(&reply, 405, "method-not-allowed", path);
        assert!(reply.header("allow").is_some_and(|allow| allow.contains("GET")), "{path}");
    }
}

#[test]
fn a_client_that_excludes_json_gets_406_and_nothing_happens() {
    let mut world = World::new();
    let order = world.paid();
    let before = world.everything();
    for call in with_token() {
        let body = call.body.as_ref().map(ToString::to_string);
        let accept = [("Accept", "text/html, application/json;q=0")];
        let reply = send(&world, &call, &order, &accept, body.as_ref().map(|body| body.as_bytes()));
        refused(&reply, 406, "not-acceptable", call.path);
    }
    assert_eq!(world.everything(), before);
}

#[test]
fn paths_that_do_not_exist_are_404_as_problems() {
    let mut world = World::new();
    for path in
        ["/v1", "/v1/nothing", "/v2/stores", "/v1/stores/s1", "/v1/orders/x/eat", "/index.php", "/v1/stores/s1/menu/"]
    {
        refused(&world.anna.get(path), 404, "not-found", path);
    }
    assert_eq!(world.anna.get("/v1/stores/nowhere/menu").problem(), "not-found");
    assert_eq!(world.anna.post_empty("/v1/campaigns/nothing/claim").problem(), "not-found");
}

#[test]
fn head_is_get_without_the_body() {
    let mut world = World::new();
    for path in PUBLIC {
        let (get, head) = (world.anna.get(path), world.anna.send("HEAD", path, &[], None));
        assert_eq!(head.status, get.status, "{path}");
        assert_eq!(head.header("content-type"), get.header("content-type"), "{path}");
        assert!(head.body.is_empty());
    }
}

#[test]
fn health_and_documents_are_there_for_everybody() {
    let mut world = World::new();
    let mut nobody = world.node.client(None);
    assert_eq!(nobody.get("/healthz").status, 200);
    let ready = nobody.get("/readyz").expect(200);
    check(&ready, READY);
    assert_eq!(ready["ready"], true);
    let metrics = nobody.get("/metrics");
    let text = String::from_utf8(metrics.body).unwrap();
    assert!(text.lines().any(|line| line.starts_with("qucan_")) && text.trim_end().ends_with("# EOF"), "OpenMetrics");
    assert!(nobody.get("/openapi.json").expect(200)["openapi"].as_str().unwrap().starts_with("3.1"));
    assert!(nobody.get("/asyncapi.json").expect(200)["asyncapi"].is_string());
    let status = world.operator.get("/v1/status").expect(200);
    assert_eq!((status["region"].as_str(), status["epoch"].as_i64()), (Some("east"), Some(1)));
    for page in ["/", "/pos", "/kitchen", "/screen"] {
        let page = nobody.get(page);
        assert_eq!(page.status, 200);
        assert!(page.header("content-type").is_some_and(|kind| kind.starts_with("text/html")));
    }
}
