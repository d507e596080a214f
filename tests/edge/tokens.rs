//! Tokens through HTTP: 401 without a good one, 403 for the wrong role, 404 for somebody else's.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::region::{Region, ask, get_with, post};

#[tokio::test]
async fn nobody_gets_in_with_a_bad_token() {
    let region = Region::start(&[("AUTH__HS256_SECRET", "a secret of thirty-two bytes....")]).await;
    let elsewhere =
        Region::start(&[("NODE__REGION", "elsewhere"), ("AUTH__HS256_SECRET", "a secret of thirty-two bytes....")])
            .await;
    let stranger = Region::start(&[]).await;
    let good = region.token("operator", "ann", None).await;
    let (head, rest) = good.split_once('.').unwrap();
    let (claims, signature) = rest.split_once('.').unwrap();
    let none = URL_SAFE_NO_PAD.encode(r#"{"alg":"none","typ":"JWT"}"#);
    let table = [
        ("another secret", stranger.token("operator", "ann", None).await),
        ("another region", elsewhere.token("operator", "ann", None).await),
        ("no algorithm", format!("{none}.{claims}.")),
        ("no algorithm but a signature", format!("{none}.{claims}.{signature}")),
        ("no signature", format!("{head}.{claims}.")),
        ("nothing", String::new()),
        ("garbage", "garbage".into()),
    ];
    assert_eq!(ask(region.address, &get_with("/v1/status", &good)).await.status, 200);
    for (name, token) in table {
        let answer = ask(region.address, &get_with("/v1/status", &token)).await;
        assert_eq!((answer.status, answer.problem().as_str()), (401, "unauthenticated"), "{name}");
        assert_eq!(answer.header("www-authenticate"), Some("Bearer"), "{name}");
    }
    for (name, line) in [
        ("basic", "Authorization: Basic YTpi\r\n".to_owned()),
        ("two headers", format!("Authorization: Bearer {good}\r\nAuthorization: Bearer {good}\r\n")),
    ] {
        let answer = ask(region.address, &format!("GET /v1/status HTTP/1.1\r\nHost: x\r\n{line}\r\n")).await;
        assert_eq!(answer.status, 401, "{name}");
    }
    for region in [region, elsewhere, stranger] {
        region.node.stop().await.unwrap();
    }
}

#[tokio::test]
async fn each_role_does_what_it_may_and_nothing_else() {
    let region = Region::start(&[]).await;
    let operator = region.token("operator", "ann", None).await;
    let store = region.token("store", "pos-1", Some("hf-001")).await;
    let customer = region.token("customer", "m-1", None).await;
    for (path, role, token, status) in [
        ("/v1/status", "operator", &operator, 200),
        ("/v1/status", "store", &store, 403),
        ("/v1/status", "customer", &customer, 403),
        ("/v1/stores/hf-001/stock", "store", &store, 200),
        ("/v1/stores/hf-001/stock", "operator", &operator, 200),
        ("/v1/stores/hf-001/stock", "customer", &customer, 403),
        ("/v1/stores/nj-001/stock", "store", &store, 404),
        ("/v1/me/orders", "customer", &customer, 200),
        ("/v1/me/orders", "operator", &operator, 403),
    ] {
        let answer = ask(region.address, &get_with(path, token)).await;
        assert_eq!(answer.status, status, "{role} {path}: {answer:?}");
        if status == 403 {
            assert_eq!(answer.problem(), "wrong-role");
        }
    }
    let body = r#"{"role":"store","subject":"pos"}"#;
    let answer = ask(region.address, &post("/v1/sandbox/tokens", "", body)).await;
    assert_eq!((answer.status, answer.json()["field"].as_str()), (400, Some("store")));
    region.node.stop().await.unwrap();
}

#[tokio::test]
async fn a_sandbox_s_tokens_survive_a_restart_and_production_gives_none_out() {
    let first = Region::start(&[]).await;
    let token = first.token("operator", "ann", None).await;
    let data = first.data;
    first.node.stop().await.unwrap();
    let node = qucan::node::Node::start(crate::region::configuration(data.path(), &[])).await.unwrap();
    assert_eq!(ask(node.addresses()[0], &get_with("/v1/status", &token)).await.status, 200);
    node.stop().await.unwrap();

    let production = Region::start(&[
        ("MODE", "production"),
        ("NODE__REGION", "east"),
        ("AUTH__HS256_SECRET", "a secret of thirty-two bytes...."),
    ])
    .await;
    let body = r#"{"role":"operator","subject":"ann"}"#;
    assert_eq!(ask(production.address, &post("/v1/sandbox/tokens", "", body)).await.status, 404);
    production.node.stop().await.unwrap();
}
