//! Bounds on connections and requests, and the drain.

use std::time::Duration;

use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

use crate::region::{AT_LAST, Region, ask, get, get_with, read_answer, until_closed};

#[tokio::test]
async fn connections_beyond_the_bound_are_told_to_come_again() {
    let region = Region::start(&[("LIMITS__CONNECTIONS", "16"), ("LIMITS__CONNECTIONS_PER_ADDRESS", "4")]).await;
    let mut held = Vec::new();
    for _ in 0..4 {
        let mut socket = TcpStream::connect(region.address).await.unwrap();
        socket.write_all(get("/healthz").as_bytes()).await.unwrap();
        assert_eq!(read_answer(&mut socket).await.unwrap().status, 200);
        held.push(socket);
    }
    let mut fifth = TcpStream::connect(region.address).await.unwrap();
    let answer = read_answer(&mut fifth).await.unwrap();
    assert_eq!((answer.status, answer.problem().as_str()), (429, "too-many-requests"));
    assert_eq!(answer.header("retry-after"), Some("1"));
    // A place is free again once a connection is gone.
    drop(held.pop());
    tokio::time::timeout(AT_LAST, async {
        loop {
            let mut socket = TcpStream::connect(region.address).await.unwrap();
            let _refused = socket.write_all(get("/healthz").as_bytes()).await;
            if read_answer(&mut socket).await.is_some_and(|answer| answer.status == 200) {
                break;
            }
        }
    })
    .await
    .expect("a place at last");
    region.node.stop().await.unwrap();
}

#[tokio::test]
async fn requests_beyond_the_rate_are_refused_before_any_work() {
    let region = Region::start(&[
        ("LIMITS__REQUESTS_PER_SECOND_PER_ADDRESS", "1000"),
        ("LIMITS__REQUESTS_PER_SECOND_PER_MEMBER", "1"),
    ])
    .await;
    let token = region.token("customer", "m-1", None).await;
    let other = region.token("customer", "m-2", None).await;
    let mine = get_with("/v1/me/orders", &token);
    let mut refused = None;
    for _ in 0..50 {
        let answer = ask(region.address, &mine).await;
        if answer.status == 429 {
            refused = Some(answer);
            break;
        }
    }
    let refused = refused.expect("the burst is used up");
    assert_eq!(refused.problem(), "too-many-requests");
    assert!(refused.json()["retry_after_ms"].as_u64().unwrap() <= 1_000, "{refused:?}");
    assert!(refused.header("retry-after").is_some());
    assert_eq!(ask(region.address, &get_with("/v1/me/orders", &other)).await.status, 200, "others are not held up");
    region.node.stop().await.unwrap();
}

#[tokio::test]
async fn behind_a_trusted_proxy_the_client_counts_and_not_the_proxy() {
    let region = Region::start(&[
        ("LIMITS__REQUESTS_PER_SECOND_PER_ADDRESS", "1"),
        ("LIMITS__TRUSTED_PROXIES", "127.0.0.0/8, 10.0.0.0/8"),
    ])
    .await;
    let from =
        |client: &str| format!("GET /v1/stores?limit=1 HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: {client}\r\n\r\n");
    let mut statuses = Vec::new();
    for number in 0..10 {
        // What the client itself claims (first) is not believed; its address is what our proxies saw.
        let chain = format!("9.9.9.{number}, 203.0.113.5, 10.1.2.3");
        statuses.push(ask(region.address, &from(&chain)).await.status);
    }
    assert!(statuses.contains(&429), "one client is one client: {statuses:?}");
    assert_eq!(ask(region.address, &from("203.0.113.6, 10.1.2.3")).await.status, 200, "another client is not held up");
    region.node.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_answers_what_was_begun_and_accepts_nothing_new() {
    let region = Region::start(&[("LIMITS__DRAIN_WITHIN", "20s")]).await;
    let address = region.address;
    let token = region.token("operator", "ann", None).await;
    let mut idle = TcpStream::connect(address).await.unwrap();
    let mut waiting = TcpStream::connect(address).await.unwrap();
    waiting.write_all(get_with("/v1/stores/hf-001/queue?wait=60", &token).as_bytes()).await.unwrap();
    // The wait has begun once its connection and the request on it are counted.
    tokio::time::timeout(AT_LAST, async {
        while !ask(address, &get_with("/v1/status", &token)).await.body.contains("\"connections\":3") {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await
    .expect("three connections");
    let stopping = tokio::spawn(region.node.stop());
    let answer = read_answer(&mut waiting).await.expect("a wait that was begun is answered");
    assert_eq!(answer.status, 200, "{answer:?}");
    until_closed(&mut idle).await;
    tokio::time::timeout(AT_LAST, stopping).await.expect("stopped at last").unwrap().unwrap();
    assert!(TcpStream::connect(address).await.is_err(), "nobody listens any more");
}
