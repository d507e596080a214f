//! Clients that are silent, drip, stop half-way or take nothing: closed in the configured time, at nobody's cost.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

use crate::region::{AT_LAST, Region, ask, get, read_answer, until_closed};

const PATIENCE: &[(&str, &str)] = &[
    ("LIMITS__HEADER_TIMEOUT", "500ms"),
    ("LIMITS__IDLE_TIMEOUT", "700ms"),
    ("LIMITS__BODY_TIMEOUT", "500ms"),
    ("LIMITS__WRITE_TIMEOUT", "500ms"),
];

#[derive(Debug, Clone, Copy)]
enum Kind {
    /// Connects and says nothing.
    Silent,
    /// Half of a head, then nothing.
    HalfHead,
    /// One byte of an endless head at a time.
    DripsHead,
    /// A head, half of the body, then nothing.
    HalfBody,
    /// One byte of a long body at a time.
    DripsBody,
    /// A whole request, then nothing.
    Idle,
    /// Empty lines between requests, one at a time.
    DripsLines,
}

/// Behaves badly until the node ends the connection.
async fn misbehave(address: SocketAddr, kind: Kind) {
    let mut socket = TcpStream::connect(address).await.expect("connect");
    let head =
        "POST /v1/sandbox/tokens HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 2000\r\n\r\n";
    let (first, drip) = match kind {
        Kind::Silent => ("", ""),
        Kind::HalfHead => ("GET /healthz HTTP/1.1\r\nHo", ""),
        Kind::DripsHead => ("GET /healthz HTTP/1.1\r\nX: ", "y"),
        Kind::HalfBody => (head, ""),
        Kind::DripsBody => (head, " "),
        Kind::Idle => ("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n", ""),
        Kind::DripsLines => ("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n", "\r\n"),
    };
    socket.write_all(first.as_bytes()).await.expect("the first bytes are taken");
    if drip.is_empty() {
        return until_closed(&mut socket).await;
    }
    let (mut reader, mut writer) = socket.into_split();
    let mut pace = tokio::time::interval(Duration::from_millis(100));
    let closed = async {
        let mut piece = [0; 1024];
        while matches!(tokio::io::AsyncReadExt::read(&mut reader, &mut piece).await, Ok(read) if read > 0) {}
    };
    let dripping = async {
        loop {
            pace.tick().await;
            if writer.write_all(drip.as_bytes()).await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    };
    tokio::select! {
        () = closed => {}
        () = dripping => {}
        () = tokio::time::sleep(AT_LAST) => panic!("{kind:?} was never closed"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_bad_clients_are_closed_while_honest_ones_are_answered() {
    let region = Region::start(PATIENCE).await;
    let address = region.address;
    let kinds =
        [Kind::Silent, Kind::HalfHead, Kind::DripsHead, Kind::HalfBody, Kind::DripsBody, Kind::Idle, Kind::DripsLines];
    let bad: Vec<_> = (0..1_001).map(|number| tokio::spawn(misbehave(address, kinds[number % kinds.len()]))).collect();
    let over = Arc::new(AtomicBool::new(false));
    let honest = {
        let over = Arc::clone(&over);
        tokio::spawn(async move {
            let mut answered = 0;
            while !over.load(Ordering::Relaxed) {
                assert_eq!(ask(address, &get("/v1/stores?limit=1")).await.status, 200);
                answered += 1;
            }
            answered
        })
    };
    for client in bad {
        client.await.expect("a bad client saw its connection end");
    }
    over.store(true, Ordering::Relaxed);
    let answered: u32 = honest.await.unwrap();
    assert!(answered > 20, "honest requests went on: {answered}");
    region.node.stop().await.unwrap();
}

#[tokio::test]
async fn a_client_that_takes_nothing_is_cut() {
    let region = Region::start(PATIENCE).await;
    let mut socket = TcpStream::connect(region.address).await.unwrap();
    let many = get("/openapi.json").repeat(200);
    // More answers than the sockets' buffers hold; none is read. The node reads on until it has to wait for us.
    let greedy = async { while socket.write_all(many.as_bytes()).await.is_ok() {} };
    tokio::time::timeout(AT_LAST, greedy).await.expect("cut at last");
    region.node.stop().await.unwrap();
}

#[tokio::test]
async fn a_body_that_takes_too_long_is_told_so() {
    let region = Region::start(PATIENCE).await;
    let mut socket = TcpStream::connect(region.address).await.unwrap();
    let half =
        "POST /v1/sandbox/tokens HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 50\r\n\r\n{";
    socket.write_all(half.as_bytes()).await.unwrap();
    let answer = read_answer(&mut socket).await.unwrap();
    assert_eq!((answer.status, answer.problem().as_str(), answer.closed), (408, "request-timeout", true));
    region.node.stop().await.unwrap();
}

/// A long poll waits longer than any of the edge's patience: the node is busy, not the client slow.
#[tokio::test]
async fn a_long_poll_and_a_socket_outlive_the_edge_s_patience() {
    let region = Region::start(PATIENCE).await;
    let token = region.token("operator", "ann", None).await;
    let request = crate::region::get_with("/v1/stores/hf-001/queue?wait=2", &token);
    let began = std::time::Instant::now();
    let answer = ask(region.address, &request).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert!(began.elapsed() >= Duration::from_secs(2), "it waited as asked");

    use futures_util::{SinkExt as _, StreamExt as _};
    use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
    let mut request = format!("ws://{}/v1/push", region.address).into_client_request().unwrap();
    request.headers_mut().insert("sec-websocket-protocol", "qucan.v1".parse().unwrap());
    request.headers_mut().insert("authorization", format!("Bearer {token}").parse().unwrap());
    let (mut socket, _) = tokio_tungstenite::connect_async(request).await.expect("the handshake is answered");
    let ready = socket.next().await.unwrap().unwrap();
    assert!(ready.to_text().unwrap().contains("\"ready\""), "{ready}");
    // Twice as long as an idle HTTP connection lives.
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    socket.send(r#"{"type":"ping"}"#.into()).await.unwrap();
    let pong = socket.next().await.unwrap().unwrap();
    assert!(pong.to_text().unwrap().contains("\"pong\""), "{pong}");
    drop(socket);
    region.node.stop().await.unwrap();
}
