//! How connections begin and how they end.

use std::time::Duration;

use futures_util::StreamExt;
use qucan::push::PushOptions;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::http::StatusCode;

use crate::client::{Client, handshake};
use crate::region::{OTHER_STORE, Region, STORE, options};

const PROTOCOL: (&str, &str) = ("sec-websocket-protocol", "qucan.v1");

#[tokio::test(flavor = "multi_thread")]
async fn a_token_comes_as_a_frame_or_with_the_handshake() {
    let region = Region::start(options()).await;
    let mut first = Client::connect(region.address).await;
    let ready = first.authenticate("customer:m1").await;
    assert_eq!(ready["epoch"], 1);
    assert_eq!(ready["heartbeat_ms"], 20_000);

    let mut second = handshake(region.address, &[PROTOCOL, ("authorization", "Bearer customer:m1")]).await.unwrap();
    let other = second.frame().await;
    assert_eq!(other["type"], "ready");
    assert_ne!(other["connection"], ready["connection"]);
    second.expect_silence().await;
    assert_eq!(region.push.connections(), 2);

    // The same subject may show a newer token; another one may not.
    first.authenticate("customer:m1@500000").await;
    first.send(json!({"type": "auth", "token": "customer:m2"})).await;
    assert_eq!(first.close_code().await, Some(4401));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_handshake_that_is_none_is_refused() {
    let region = Region::start(options()).await;
    for (headers, status) in [
        (vec![], StatusCode::BAD_REQUEST),
        (vec![("sec-websocket-protocol", "graphql-ws, qucan.v2")], StatusCode::BAD_REQUEST),
        (vec![PROTOCOL, ("authorization", "Bearer nonsense")], StatusCode::UNAUTHORIZED),
        (vec![PROTOCOL, ("authorization", "Basic Zm9v")], StatusCode::UNAUTHORIZED),
    ] {
        assert_eq!(handshake(region.address, &headers).await.err(), Some(status), "{headers:?}");
    }
    assert!(handshake(region.address, &[("sec-websocket-protocol", "other, qucan.v1")]).await.is_ok());
    for (request, status) in [
        ("GET /v1/push HTTP/1.1\r\nhost: x\r\n\r\n", "426"),
        (
            "GET /v1/push HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 8\r\n\
             sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\nsec-websocket-protocol: qucan.v1\r\n\r\n",
            "426",
        ),
        (
            "GET /v1/push HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n\
             sec-websocket-key: short\r\nsec-websocket-protocol: qucan.v1\r\n\r\n",
            "400",
        ),
    ] {
        let mut stream = tokio::net::TcpStream::connect(region.address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = [0; 12];
        stream.read_exact(&mut answer).await.unwrap();
        assert_eq!(std::str::from_utf8(&answer).unwrap(), format!("HTTP/1.1 {status}"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_stays_without_a_good_token() {
    let short = PushOptions { authenticate_within: Duration::from_secs(1), ..options() };
    let region = Region::start(short).await;
    let mut silent = Client::connect(region.address).await;
    let mut chatty = Client::connect(region.address).await;
    chatty.expect_silence().await;
    assert_eq!(silent.close_code().await, Some(4401));
    assert_eq!(chatty.close_code().await, Some(4401));

    let mut wrong = Client::connect(region.address).await;
    wrong.send(json!({"type": "auth", "token": "nobody"})).await;
    assert_eq!(wrong.close_code().await, Some(4401));

    let mut early = Client::connect(region.address).await;
    early.subscribe("store/sh-001").await;
    assert_eq!(early.close_code().await, Some(4401));

    let mut expiring = Client::of(region.address, "customer:m1@200").await;
    assert_eq!(expiring.close_code().await, Some(4401), "the token expired");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_frame_ends_the_connection() {
    let region = Region::start(options()).await;
    let bad = [
        Message::text("hello"),
        Message::text(r#"{"type":"dance"}"#),
        Message::text(r#"{"type":"ping","extra":true}"#),
        Message::text(r#"{"type":"subscribe"}"#),
        Message::text(r#"{"type":"subscribe","topic":"menu/sh-001"}"#),
        Message::text(r#"{"type":"ack","topic":"store/sh-001","offset":-1}"#),
        Message::binary(vec![1, 2, 3]),
    ];
    for message in bad {
        let mut client = Client::of(region.address, "store:sh-001").await;
        client.send_raw(message.clone()).await;
        assert_eq!(client.close_code().await, Some(4400), "{message:?}");
    }
    // An unmasked frame is none at all.
    let mut client = Client::of(region.address, "store:sh-001").await;
    client.0.get_mut().write_all(&[0x81, 2, b'h', b'i']).await.unwrap();
    assert_eq!(client.close_code().await, Some(4400));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_frame_too_large_ends_the_connection() {
    let region = Region::start(options()).await;
    let mut client = Client::of(region.address, "customer:m1").await;
    let just_fits = format!(r#"{{"type":"ping"}}{}"#, " ".repeat(65_536 - 15));
    assert_eq!(just_fits.len(), 65_536);
    client.send_raw(Message::text(just_fits)).await;
    assert_eq!(client.frame().await["type"], "pong");
    client.send_raw(Message::text(" ".repeat(65_537))).await;
    assert_eq!(client.close_code().await, Some(4413));

    // Far larger, announced but never sent whole: the code arrives all the same.
    let mut client = Client::of(region.address, "customer:m1").await;
    let mut head = vec![0x81, 0x80 | 127];
    head.extend_from_slice(&(1u64 << 40).to_be_bytes());
    head.extend_from_slice(&[0; 16_384]);
    client.0.get_mut().write_all(&head).await.unwrap();
    assert_eq!(client.close_code().await, Some(4413));
    // What was still on its way was read and discarded: an end, not a reset, which would lose the code on the way.
    let mut rest = [0; 1];
    let end = tokio::time::timeout(Duration::from_secs(20), client.0.get_mut().read(&mut rest)).await.unwrap();
    assert_eq!(end.map_err(|error| error.kind()), Ok(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn other_peoples_topics_are_closed_and_reveal_nothing() {
    let region = Region::start(options()).await;
    let mine = region.place("m1", STORE, "k1").await;
    let missing = mine.id.to_string().rsplit_once('-').unwrap().0.to_owned() + "-ZZZ";
    let cases = [
        ("customer:m2", format!("order/{}", mine.id)),
        ("customer:m2", format!("order/{missing}")),
        ("customer:m2", "order/nonsense".to_owned()),
        ("customer:m1", format!("store/{STORE}")),
        ("customer:m1", format!("board/{STORE}")),
        ("store:sh-002", format!("order/{}", mine.id)),
        ("store:sh-002", format!("store/{STORE}")),
        ("store:sh-002", format!("board/{STORE}")),
        ("store:sh-001", "store/nowhere".to_owned()),
        ("store:nowhere", "store/nowhere".to_owned()),
    ];
    for (token, topic) in cases {
        let mut client = Client::of(region.address, token).await;
        client.subscribe(&topic).await;
        assert_eq!(client.close_code().await, Some(4403), "{token} on {topic}");
    }
    for (token, topic) in [
        ("customer:m1", format!("order/{}", mine.id)),
        ("store:sh-001", format!("order/{}", mine.id)),
        ("operator", format!("order/{}", mine.id)),
        ("operator", format!("store/{OTHER_STORE}")),
        ("operator", format!("board/{STORE}")),
    ] {
        let mut client = Client::of(region.address, token).await;
        client.subscribe(&topic).await;
        client.expect("snapshot", &topic).await;
    }
    // An operator may know what there is not, and stays connected.
    let mut operator = Client::of(region.address, "operator").await;
    for topic in [format!("order/{missing}"), "store/nowhere".to_owned(), "board/nowhere".to_owned()] {
        operator.subscribe(&topic).await;
        let error = operator.frame().await;
        assert_eq!((&error["type"], &error["topic"]), (&json!("error"), &json!(topic)));
        assert_eq!(error["problem"]["type"], "/problems/not-found");
    }
    operator.expect_silence().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_falls_silent_is_closed_and_one_that_answers_pings_is_not() {
    let short = PushOptions { heartbeat: Duration::from_millis(600), ..options() };
    let region = Region::start(short).await;
    let mut silent = Client::of(region.address, "customer:m1").await;
    let mut living = Client::of(region.address, "customer:m2").await;
    // Reading answers the server's pings; the other one isn't read, so it doesn't.
    let pings = async {
        let mut pings = 0;
        while pings < 4 {
            match living.0.next().await {
                Some(Ok(Message::Ping(_))) => pings += 1,
                other => panic!("{other:?}"),
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(20), pings).await.unwrap();
    assert_eq!(silent.close_code().await, Some(4408));
    living.expect_silence().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_oldest_of_too_many_connections_of_a_subject_is_replaced() {
    let few = PushOptions { connections_per_customer: Some(2), ..options() };
    let region = Region::start(few).await;
    let mut first = Client::of(region.address, "customer:m1").await;
    let mut second = Client::of(region.address, "customer:m1").await;
    let mut other = Client::of(region.address, "customer:m2").await;
    let mut third = Client::of(region.address, "customer:m1").await;
    assert_eq!(first.close_code().await, Some(4409));
    for client in [&mut second, &mut third, &mut other] {
        client.expect_silence().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_are_counted_per_address_and_altogether() {
    let few = PushOptions { connections: 3, connections_per_address: Some(2), ..options() };
    let region = Region::start(few).await;
    let first = Client::of(region.address, "customer:m1").await;
    let _second = Client::of(region.address, "customer:m1").await;
    let third = handshake(region.address, &[PROTOCOL]).await;
    assert_eq!(third.err(), Some(StatusCode::TOO_MANY_REQUESTS));
    drop(first);
    // The server notices in its own time.
    let again = async { while handshake(region.address, &[PROTOCOL]).await.is_err() {} };
    tokio::time::timeout(Duration::from_secs(20), again).await.unwrap();

    let region = Region::start(PushOptions { connections: 1, ..options() }).await;
    let _only = Client::of(region.address, "customer:m1").await;
    assert_eq!(handshake(region.address, &[PROTOCOL]).await.err(), Some(StatusCode::SERVICE_UNAVAILABLE));
}

#[tokio::test(flavor = "multi_thread")]
async fn too_many_subscriptions_or_frames_end_the_connection() {
    let few = PushOptions { subscriptions: 2, client_frames_burst: 20, client_frames_per_second: 1, ..options() };
    let region = Region::start(few).await;
    let mut greedy = Client::of(region.address, "operator").await;
    for topic in ["store/sh-001", "board/sh-001", "store/sh-001", "store/sh-002"] {
        greedy.subscribe(topic).await;
    }
    assert_eq!(greedy.close_code().await, Some(4429));

    let mut noisy = Client::of(region.address, "customer:m1").await;
    for _ in 0..30 {
        noisy.send(json!({"type": "ping"})).await;
    }
    assert_eq!(noisy.close_code().await, Some(4429));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_client_is_closed_and_the_others_are_unharmed() {
    let region = Region::start(PushOptions { queue_events: 64, ..options() }).await;
    let topic = format!("store/{STORE}");
    let mut slow = Client::connect_narrow(region.address).await;
    slow.authenticate("store:sh-001").await;
    slow.subscribe(&topic).await;
    slow.expect("snapshot", &topic).await;
    let mut quick = Client::of(region.address, "store:sh-001").await;
    quick.subscribe(&topic).await;
    quick.expect("snapshot", &topic).await;

    // Large orders, until the slow client's socket and queue are full. It reads nothing meanwhile.
    let mut seen = 0;
    let mut placed = 0;
    while region.push.connections() == 2 {
        let note = Some("慢".repeat(200));
        region.place_lines("m1", STORE, &format!("k{placed}"), 50, note).await;
        placed += 1;
        let (offset, _) = quick.expect("event", &topic).await;
        seen += 1;
        assert_eq!(offset, seen);
        assert!(placed < 4_000, "a client that reads nothing was never closed");
    }
    quick.expect_silence().await;
    let code = slow.close_code().await;
    assert!(code == Some(4429) || code.is_none(), "closed with 4429, or cut off where not even that fits: {code:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_stops_says_when_to_come_back() {
    let region = Region::start(options()).await;
    let mut client = Client::of(region.address, "customer:m1").await;
    let (address, push) = (region.address, region.push.clone());
    let draining = tokio::spawn(async move { push.drain(Duration::from_secs(20)).await });
    let drain = client.frame().await;
    assert_eq!(drain["type"], "drain");
    assert!(drain["reconnect_after_ms"].as_u64().is_some_and(|wait| wait <= 5_000), "{drain}");
    assert_eq!(client.close_code().await, Some(1001));
    assert_eq!(draining.await.unwrap(), 0, "every connection was closed");
    assert_eq!(handshake(address, &[PROTOCOL]).await.err(), Some(StatusCode::SERVICE_UNAVAILABLE));
}
