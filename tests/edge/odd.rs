//! Requests that no honest client sends: each is one status, and changes nothing.

use crate::region::{Region, ask, get, post, read_answer};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

#[tokio::test]
async fn each_odd_request_has_its_status() {
    let region = Region::start(&[]).await;
    let json = "Content-Type: application/json\r\n";
    let chunks = "5\r\nabcde\r\n0\r\n\r\n";
    let long = "x".repeat(70_000);
    let many: String = (0..100).map(|n| format!("X-{n}: y\r\n")).collect();
    let tokens = "/v1/sandbox/tokens";
    let body = r#"{"role":"customer","subject":"m"}"#;
    let deep = format!("{{\"role\":{}", "[".repeat(60_000));
    // What is sent, the status, the problem (empty where the HTTP parser answers without one), whether the connection ends.
    let table: Vec<(&str, String, u16, &str, bool)> = vec![
        ("no host", "GET /healthz HTTP/1.1\r\n\r\n".into(), 400, "bad-request", true),
        ("two hosts", "GET /healthz HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n".into(), 400, "bad-request", true),
        (
            "length with chunks",
            format!(
                "POST {tokens} HTTP/1.1\r\nHost: x\r\n{json}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n{chunks}"
            ),
            400,
            "bad-request",
            true,
        ),
        (
            "chunks with length",
            format!(
                "POST {tokens} HTTP/1.1\r\nHost: x\r\n{json}Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n{chunks}"
            ),
            400,
            "bad-request",
            true,
        ),
        (
            "two lengths",
            format!("POST {tokens} HTTP/1.1\r\nHost: x\r\n{json}Content-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef"),
            400,
            "",
            true,
        ),
        (
            "a length that is no number",
            format!("POST {tokens} HTTP/1.1\r\nHost: x\r\nContent-Length: five\r\n\r\n"),
            400,
            "",
            true,
        ),
        ("a bare line feed", "GET /healthz HTTP/1.1\nHost: x\r\n\r\n".into(), 400, "bad-request", true),
        (
            "an unknown encoding",
            format!("POST {tokens} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n"),
            400,
            "",
            true,
        ),
        (
            "a broken chunk",
            format!("POST {tokens} HTTP/1.1\r\nHost: x\r\n{json}Transfer-Encoding: chunked\r\n\r\nzz\r\n"),
            400,
            "bad-request",
            true,
        ),
        ("no HTTP", "hello\r\n\r\n".into(), 400, "", true),
        ("a space before the colon", "GET /healthz HTTP/1.1\r\nHost : x\r\n\r\n".into(), 400, "", true),
        ("a huge head", format!("GET /healthz HTTP/1.1\r\nHost: x\r\nX: {long}\r\n\r\n"), 431, "", true),
        ("too many headers", format!("GET /healthz HTTP/1.1\r\nHost: x\r\n{many}\r\n"), 431, "", true),
        ("a huge body", post(tokens, "", &long), 413, "too-large", true),
        (
            "a huge body in chunks",
            format!(
                "POST {tokens} HTTP/1.1\r\nHost: x\r\n{json}Transfer-Encoding: chunked\r\n\r\n11170\r\n{long}\r\n0\r\n\r\n"
            ),
            413,
            "too-large",
            true,
        ),
        ("an encoded body", post(tokens, "Content-Encoding: gzip\r\n", body), 415, "unsupported-media-type", false),
        (
            "an encoded body, not encoded",
            post(tokens, "Content-Encoding: identity\r\n", body),
            415,
            "unsupported-media-type",
            false,
        ),
        (
            "no content type",
            format!("POST {tokens} HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n{body}", body.len()),
            415,
            "unsupported-media-type",
            false,
        ),
        ("nested without end", post(tokens, "", &deep), 400, "malformed", false),
        ("an unknown field", post(tokens, "", r#"{"role":"customer","subject":"m","x":1}"#), 400, "malformed", false),
        ("a wrong type", post(tokens, "", r#"{"role":"customer","subject":7}"#), 400, "malformed", false),
        ("an array for an object", post(tokens, "", r#"["customer","m"]"#), 400, "malformed", false),
        ("no body", post(tokens, "", ""), 400, "malformed", false),
        ("an unknown parameter", get("/readyz?verbose=1"), 400, "malformed", false),
        ("no such path", get("/v1/nothing"), 404, "not-found", false),
        ("another method", "DELETE /v1/stores HTTP/1.1\r\nHost: x\r\n\r\n".into(), 405, "method-not-allowed", false),
        ("an invented method", "BREW /v1/stores HTTP/1.1\r\nHost: x\r\n\r\n".into(), 405, "method-not-allowed", false),
        (
            "what is not JSON wanted",
            "GET /v1/stores HTTP/1.1\r\nHost: x\r\nAccept: image/png\r\n\r\n".into(),
            406,
            "not-acceptable",
            false,
        ),
        ("no handshake", get("/v1/push"), 426, "upgrade-required", false),
    ];
    let mut wrong = Vec::new();
    for (name, bytes, status, problem, closes) in table {
        let answer = ask(region.address, &bytes).await;
        let found = if answer.body.is_empty() { String::new() } else { answer.problem() };
        if answer.status != status || found != problem || answer.closed != closes {
            wrong.push(format!(
                "{name}: {} {found:?} closed {}, not {status} {problem:?} {closes}",
                answer.status, answer.closed
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    region.node.stop().await.unwrap();
}

#[tokio::test]
async fn honest_requests_of_every_kind_are_answered() {
    let region = Region::start(&[]).await;
    let json = "Content-Type: application/json\r\n";
    let body = r#"{"role":"customer","subject":"m"}"#;
    let table: Vec<(&str, String, u16)> = vec![
        ("HTTP/1.0 without a host", "GET /healthz HTTP/1.0\r\n\r\n".into(), 200),
        ("a head request", "HEAD /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".into(), 200),
        ("a whole URL", "GET http://x/healthz HTTP/1.1\r\nHost: x\r\n\r\n".into(), 200),
        (
            "a body in chunks",
            format!(
                "POST /v1/sandbox/tokens HTTP/1.1\r\nHost: x\r\n{json}Transfer-Encoding: chunked\r\n\r\n{:x}\r\n{body}\r\n0\r\n\r\n",
                body.len()
            ),
            201,
        ),
        ("an order without a token", post("/v1/orders", "", "{}"), 401),
    ];
    for (name, bytes, status) in table {
        assert_eq!(ask(region.address, &bytes).await.status, status, "{name}");
    }
    region.node.stop().await.unwrap();
}

#[tokio::test]
async fn one_connection_serves_request_after_request() {
    let region = Region::start(&[]).await;
    let mut socket = TcpStream::connect(region.address).await.unwrap();
    let body = r#"{"role":"customer","subject":"m"}"#;
    // Pipelined, with bodies that look like heads in between.
    let tricky = post("/v1/sandbox/tokens", "", "{\n\n\"role\":\"customer\",\n\n\"subject\":\"m\"}\n\n");
    let all = [get("/healthz"), post("/v1/sandbox/tokens", "", body), tricky, get("/readyz")].concat();
    socket.write_all(all.as_bytes()).await.unwrap();
    for status in [200, 201, 201, 200] {
        assert_eq!(read_answer(&mut socket).await.unwrap().status, status);
    }
    // A faulty head late on a connection is found all the same, and what follows it is not executed.
    let smuggled = format!("GET /healthz HTTP/1.1\r\nHost: x\nX: y\r\n\r\n{}", get("/healthz"));
    socket.write_all(smuggled.as_bytes()).await.unwrap();
    let refused = read_answer(&mut socket).await.unwrap();
    assert_eq!((refused.status, refused.closed), (400, true), "{refused:?}");
    region.node.stop().await.unwrap();
}

#[tokio::test]
async fn a_request_s_id_is_kept_where_it_is_sane() {
    let region = Region::start(&[]).await;
    let with = |id: &str| format!("GET /healthz HTTP/1.1\r\nHost: x\r\nX-Request-Id: {id}\r\n\r\n");
    let id_of = async |request: &str| ask(region.address, request).await.header("x-request-id").unwrap().to_owned();
    assert_eq!(id_of(&with("pos-7.2026_11")).await, "pos-7.2026_11");
    for insane in ["a b", "<script>", &"x".repeat(65), ""] {
        let id = id_of(&with(insane)).await;
        assert!(id.len() == 16 && id.bytes().all(|b| b.is_ascii_hexdigit()), "{insane}: {id}");
    }
    assert_ne!(id_of(&get("/healthz")).await, id_of(&get("/healthz")).await);
    let refused = ask(region.address, &get("/v1/nothing")).await;
    assert!(refused.header("x-request-id").is_some(), "refusals have an id too");
    region.node.stop().await.unwrap();
}

/// A connection closed while the client still sends is answered with a reset, which may overtake the answer.
#[tokio::test]
async fn a_refused_body_may_be_sent_to_its_end() {
    let region = Region::start(&[]).await;
    let mut socket = TcpStream::connect(region.address).await.unwrap();
    let body = vec![b' '; 1 << 20];
    let head = format!(
        "POST /v1/sandbox/tokens HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    socket.write_all(head.as_bytes()).await.unwrap();
    for piece in body.chunks(64 * 1024) {
        socket.write_all(piece).await.expect("what nobody wants is taken all the same");
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    let answer = read_answer(&mut socket).await.unwrap();
    assert_eq!((answer.status, answer.closed), (413, true));
    region.node.stop().await.unwrap();
}
