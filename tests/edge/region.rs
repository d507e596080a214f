//! A node in this process on a port of its own, and the plainest HTTP client there is.

use std::net::SocketAddr;
use std::time::Duration;

use qucan::config::{self, NodeConfig};
use qucan::node::Node;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// What must happen happens long before this; it only ends a test that hangs.
pub const AT_LAST: Duration = Duration::from_secs(30);

pub struct Region {
    pub node: Node,
    pub address: SocketAddr,
    pub data: tempfile::TempDir,
}

/// A sandbox's configuration with these keys set, in a directory of its own.
pub fn configuration(data: &std::path::Path, keys: &[(&str, &str)]) -> NodeConfig {
    let mut variables = vec![
        ("QUCAN_NODE__LISTEN".to_owned(), "127.0.0.1:0".to_owned()),
        ("QUCAN_NODE__DATA_DIR".to_owned(), data.to_str().unwrap().to_owned()),
        (
            "QUCAN_NODE__CATALOG".to_owned(),
            concat!(env!("CARGO_MANIFEST_DIR"), "/examples/catalog-east.json").to_owned(),
        ),
    ];
    variables.extend(keys.iter().map(|(name, value)| (format!("QUCAN_{name}"), (*value).to_owned())));
    config::load_node(None, variables).expect("a good configuration").config
}

impl Region {
    pub async fn start(keys: &[(&str, &str)]) -> Self {
        let data = tempfile::tempdir().unwrap();
        let node = Node::start(configuration(data.path(), keys)).await.expect("the node starts");
        let address = node.addresses()[0];
        Self { node, address, data }
    }

    /// A token from the sandbox.
    pub async fn token(&self, role: &str, subject: &str, store: Option<&str>) -> String {
        let store = store.map(|store| format!(",\"store\":\"{store}\"")).unwrap_or_default();
        let body = format!("{{\"role\":\"{role}\",\"subject\":\"{subject}\"{store}}}");
        let answer = ask(self.address, &post("/v1/sandbox/tokens", "", &body)).await;
        assert_eq!(answer.status, 201, "{answer:?}");
        answer.json()["token"].as_str().unwrap().to_owned()
    }
}

/// An answer as it came.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: String,
    /// Whether the node closed the connection after it.
    pub closed: bool,
}

impl Answer {
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (found, value) = line.split_once(':')?;
            found.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }

    /// The problem's slug.
    pub fn problem(&self) -> String {
        self.json()["type"].as_str().unwrap_or_default().trim_start_matches("/problems/").to_owned()
    }
}

pub fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n")
}

pub fn get_with(path: &str, token: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\r\n")
}

/// `headers` are whole lines.
pub fn post(path: &str, headers: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n{headers}\r\n{body}"
    )
}

/// Sends bytes over a new connection and reads one answer.
pub async fn ask(address: SocketAddr, bytes: &str) -> Answer {
    let mut socket = TcpStream::connect(address).await.expect("connect");
    // The node may have answered and closed before it has read everything.
    let _all_read = socket.write_all(bytes.as_bytes()).await;
    let shown = bytes.get(..80).unwrap_or(bytes);
    read_answer(&mut socket).await.unwrap_or_else(|| panic!("no answer to {shown:?}"))
}

/// Reads one answer; `None` when the connection ended without one.
pub async fn read_answer(socket: &mut TcpStream) -> Option<Answer> {
    tokio::time::timeout(AT_LAST, read_answer_patiently(socket)).await.expect("an answer at last")
}

async fn read_answer_patiently(socket: &mut TcpStream) -> Option<Answer> {
    let mut head = Vec::new();
    // Byte by byte, so that nothing of the next answer is taken.
    while !head.ends_with(b"\r\n\r\n") {
        head.push(socket.read_u8().await.ok()?);
    }
    let head = String::from_utf8(head).unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    let mut answer = Answer { status, head, body: String::new(), closed: false };
    let length: u64 = answer.header("content-length").map_or(0, |length| length.parse().unwrap());
    let mut body = Vec::new();
    socket.take(length).read_to_end(&mut body).await.unwrap();
    if answer.header("connection") == Some("close") {
        answer.closed = matches!(socket.read(&mut [0; 1]).await, Ok(0) | Err(_));
    }
    answer.body = String::from_utf8(body).unwrap();
    Some(answer)
}

/// Waits until the node has ended the connection, whatever it says before.
pub async fn until_closed(socket: &mut TcpStream) {
    let mut piece = [0; 4096];
    let closed = async { while matches!(socket.read(&mut piece).await, Ok(read) if read > 0) {} };
    tokio::time::timeout(AT_LAST, closed).await.expect("closed at last");
}
