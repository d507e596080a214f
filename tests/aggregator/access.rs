//! Who may ask what, and what is refused.

use serde_json::{Value, json};

use crate::common::centre::{Centre, REGION_TOKEN};
use crate::common::{Client, tokens};
use crate::region::token_of;

const FOR_OPERATORS: [&str; 8] = [
    "/v1/summary",
    "/v1/regions",
    "/v1/regions/east/stores",
    "/v1/orders",
    "/v1/orders/261123-7K2M9QX-1-1",
    "/v1/series?metric=orders&window=1h",
    "/v1/stream",
    "/v1/status",
];

fn with(centre: &Centre, token: &str) -> Client {
    Client::new(centre.address(), Some(token.to_owned()))
}

#[test]
fn queries_are_for_operators() {
    let centre = Centre::start();
    for path in FOR_OPERATORS {
        let mut nobody = Client::new(centre.address(), None);
        assert_eq!(nobody.get(path).problem(), "unauthenticated", "{path}");
        for token in [tokens::customer("m"), tokens::store("s1")] {
            assert_eq!(with(&centre, &token).get(path).problem(), "wrong-role", "{path}");
        }
        assert_eq!(
            with(&centre, REGION_TOKEN).get(path).problem(),
            "unauthenticated",
            "a region is no operator: {path}"
        );
        for (what, token) in tokens::bad() {
            assert_eq!(with(&centre, &token).get(path).status, 401, "{path}: {what}");
        }
    }
    let regional = json!({"sub": "ops", "role": "operator", "region": "east", "exp": 4_000_000_000_u64});
    let regional = tokens::sign(&regional, tokens::SECRET);
    let reply = with(&centre, &regional).get("/v1/summary");
    assert_eq!(reply.status, 401, "an operator of one region is none of the country");
}

#[test]
fn what_is_public_needs_no_token() {
    let centre = Centre::start();
    let mut anybody = Client::new(centre.address(), None);
    for (path, kind) in [
        ("/", "text/html; charset=utf-8"),
        ("/healthz", "text/plain; charset=utf-8"),
        ("/readyz", "application/json"),
        ("/metrics", "application/openmetrics-text; version=1.0.0; charset=utf-8"),
        ("/openapi.json", "application/json"),
        ("/asyncapi.json", "application/json"),
        ("/v1/stores", "application/json"),
    ] {
        let reply = anybody.get(path);
        assert_eq!((reply.status, reply.header("content-type")), (200, Some(kind)), "{path}");
    }
    assert_eq!(anybody.get("/v1/menu").problem(), "not-found");
    assert_eq!(anybody.post_empty("/v1/summary").problem(), "method-not-allowed");
    assert_eq!(anybody.get("/pos").problem(), "not-found", "the pages of a node are not here");
    let html = [("Accept", "text/html")];
    assert_eq!(anybody.send("GET", "/v1/stores", &html, None).problem(), "not-acceptable");
    let token = json!({"role": "operator", "subject": "me"});
    let issued = anybody.post("/v1/sandbox/tokens", &token).expect(201);
    with(&centre, issued["token"].as_str().unwrap()).get("/v1/summary").expect(200);
    let body = format!("{{\"role\":\"operator\",\"subject\":\"{}\"}}", "x".repeat(70_000));
    assert_eq!(anybody.send("POST", "/v1/sandbox/tokens", &[], Some(body.as_bytes())).problem(), "too-large");
}

#[test]
fn a_query_that_does_not_match_is_refused_by_name() {
    let centre = Centre::start();
    let mut client = centre.operator();
    let long = format!("/v1/stores?q={}", "x".repeat(101));
    let table = [
        ("/v1/summary?x=1", "x"),
        ("/v1/regions?x=1", "x"),
        ("/v1/status?x=1", "x"),
        ("/v1/stream?x=1", "x"),
        ("/v1/orders?limit=0", "limit"),
        ("/v1/orders?limit=501", "limit"),
        ("/v1/orders?limit=many", "limit"),
        ("/v1/orders?region=west", "region"),
        ("/v1/orders?region=%20", "region"),
        ("/v1/orders?store=a%2Fb", "store"),
        ("/v1/orders?status=done", "status"),
        ("/v1/orders?from=yesterday", "from"),
        ("/v1/orders?to=2026-11-23", "to"),
        ("/v1/orders?cursor=x", "cursor"),
        ("/v1/orders?cursor=bzoxMg", "cursor"),
        ("/v1/orders?member=m", "member"),
        ("/v1/stores?near=1", "near"),
        ("/v1/stores?cursor=x", "cursor"),
        (long.as_str(), "q"),
        ("/v1/series?metric=orders&window=2h", "window"),
        ("/v1/series?metric=sales&window=1h", "metric"),
        ("/v1/series?metric=orders&window=1h&compare=month", "compare"),
        ("/v1/series?metric=orders&window=1h&region=west", "region"),
        ("/v1/series?metric=orders&window=1h&step=60", "step"),
    ];
    for (path, field) in table {
        let reply = client.get(path);
        assert_eq!(reply.problem(), "malformed", "{path}: {reply:?}");
        assert_eq!(reply.json()["field"], field, "{path}");
    }
    assert_eq!(client.get("/v1/series").problem(), "malformed", "metric and window are needed");
    assert_eq!(client.get("/v1/regions/west/stores").problem(), "not-found");
    assert_eq!(client.get("/v1/orders/nonsense").problem(), "not-found");
    assert_eq!(client.get("/v1/orders/261123-0000000-1-1").problem(), "not-found", "no region has this tag");
}

#[test]
fn a_region_s_token_is_good_for_its_region_alone() {
    let centre = Centre::start();
    let (east, south) = (token_of("east"), token_of("south"));
    for (method, path) in [
        ("GET", "/v1/regions/east/log?after=0"),
        ("GET", "/v1/regions/east/snapshot"),
        ("POST", "/v1/regions/east/epoch"),
    ] {
        let send =
            |token: Option<&str>| Client::new(centre.address(), token.map(str::to_owned)).send(method, path, &[], None);
        for wrong in [None, Some(south.as_str()), Some("a region token of more than sixteen bytex"), Some("")] {
            assert_eq!(send(wrong).problem(), "unauthenticated", "{path} with {wrong:?}");
        }
        assert_eq!(send(Some(&tokens::operator())).problem(), "unauthenticated", "an operator is no region: {path}");
        let fine = send(Some(&east));
        assert!(fine.status == 200 || fine.problem() == "not-found", "{path}: {fine:?}");
    }
    for path in ["/v1/regions/west/log?after=0", "/v1/regions/south/log?after=0", "/v1/regions/../log?after=0"] {
        assert_eq!(with(&centre, &east).get(path).status, 401, "{path}: it doesn't tell which regions there are");
    }
    let mut client = with(&centre, &east);
    for (path, field) in [
        ("/v1/regions/east/log", "after"),
        ("/v1/regions/east/log?after=-1", "after"),
        ("/v1/regions/east/log?after=0&limit_bytes=0", "limit_bytes"),
        ("/v1/regions/east/log?after=0&limit_bytes=99999999999", "limit_bytes"),
        ("/v1/regions/east/log?after=0&x=1", "x"),
    ] {
        let reply = client.get(path);
        assert_eq!(reply.problem(), "malformed", "{path}");
        assert!(reply.json()["detail"].as_str().unwrap().contains(field), "{path}: {reply:?}");
    }
    assert_eq!(client.get("/v1/regions/east/log?after=0&epoch=7").problem(), "gone");
}

#[test]
fn a_line_begins_with_a_handshake_and_a_token() {
    let centre = Centre::start();
    let key = ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==");
    let whole = [
        ("Connection", "Upgrade"),
        ("Upgrade", "websocket"),
        ("Sec-WebSocket-Version", "13"),
        key,
        ("Sec-WebSocket-Protocol", "qucan.replication.v1"),
    ];
    let mut plain = with(&centre, REGION_TOKEN);
    assert_eq!(plain.get("/v1/replicate").problem(), "upgrade-required");
    let other = whole.map(|(name, value)| (name, if name == "Sec-WebSocket-Protocol" { "qucan.v1" } else { value }));
    assert_eq!(plain.send("GET", "/v1/replicate", &other, None).problem(), "malformed");
    let tokens = [None, Some("wrong"), Some("a region token of more than sixteen bytes of the west")];
    for token in tokens {
        let mut client = Client::new(centre.address(), token.map(str::to_owned));
        assert_eq!(client.send("GET", "/v1/replicate", &whole, None).problem(), "unauthenticated", "{token:?}");
    }
    assert_eq!(with(&centre, &tokens::operator()).send("GET", "/v1/replicate", &whole, None).status, 401);
    let mut fine = with(&centre, REGION_TOKEN);
    assert_eq!(fine.send("GET", "/v1/replicate", &whole, None).status, 101);
}

#[test]
fn documents_describe_every_call() {
    let centre = Centre::start();
    let openapi: Value = Client::new(centre.address(), None).get("/openapi.json").expect(200);
    for path in
        ["/v1/summary", "/v1/regions/{region}/stores", "/v1/stores", "/v1/orders/{order}", "/v1/series", "/v1/stream"]
    {
        assert!(openapi["paths"][path]["get"].is_object(), "{path}");
    }
    assert!(openapi["paths"]["/v1/regions/{region}/epoch"]["post"].is_object());
    assert!(openapi["paths"].get("/v1/campaigns").is_none(), "a node's calls are not here");
    let asyncapi = Client::new(centre.address(), None).get("/asyncapi.json").expect(200);
    assert_eq!(asyncapi["channels"]["replicate"]["address"], "/v1/replicate");
}
