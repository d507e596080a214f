//! A centre and a region on loopback sockets, for the drivers' tests.

#![allow(dead_code, reason = "each test uses its part")]

pub mod proxy;

use std::sync::Arc;
use std::time::Duration;

use qucan_replication::line::{LineOptions, ServeOptions, Status, serve, ship};
use qucan_replication::{Greeting, Hello, Point, SUBPROTOCOL, Sink, SinkError, SnapshotInfo};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};
use tokio_tungstenite::tungstenite::http::StatusCode;

use super::doubles::{Centre, CentreSink, Dice, Log, LogSource, Shared, lock, shared};

pub const TOKEN: &str = "north-region-token";

/// Timings with which a test doesn't wait.
pub fn quick(port: u16) -> LineOptions {
    let mut options = LineOptions::new(format!("ws://127.0.0.1:{port}/v1/replicate"), TOKEN);
    options.timings.heartbeat = Duration::from_millis(100);
    options.timings.backoff_first = Duration::from_millis(5);
    options.timings.backoff_max = Duration::from_millis(50);
    options.timings.refused_min = Duration::from_millis(20);
    options.timings.refused_max = Duration::from_millis(40);
    options
}

/// Waits until something holds; looks again every few milliseconds, because nobody tells.
pub async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let looking = async {
        while !holds() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    assert!(tokio::time::timeout(Duration::from_secs(20), looking).await.is_ok(), "not in time: {what}");
}

/// The handshake of the centre's HTTP server, in short.
#[expect(clippy::result_large_err, reason = "the callback's type is the library's")]
pub fn handshake(request: &Request, mut response: Response) -> Result<Response, ErrorResponse> {
    let headers = request.headers();
    let authorized = headers.get("authorization").is_some_and(|value| *value == format!("Bearer {TOKEN}"));
    if !authorized {
        let mut refusal = ErrorResponse::new(Some("no".into()));
        *refusal.status_mut() = StatusCode::UNAUTHORIZED;
        return Err(refusal);
    }
    response.headers_mut().insert("sec-websocket-protocol", SUBPROTOCOL.parse().unwrap());
    Ok(response)
}

pub async fn accept<IO: AsyncRead + AsyncWrite + Unpin>(io: IO) -> Option<WebSocketStream<IO>> {
    tokio_tungstenite::accept_hdr_async(io, handshake).await.ok()
}

pub trait Io: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Io for T {}

/// A sink whose disk takes its time.
struct SlowSink(CentreSink, Duration);

impl Sink for SlowSink {
    fn greet(&mut self, hello: &Hello) -> Result<Greeting, SinkError> {
        self.0.greet(hello)
    }

    fn append(&mut self, groups: &[&[u8]]) -> Result<Point, SinkError> {
        std::thread::sleep(self.1);
        self.0.append(groups)
    }

    fn heard(&mut self, head: u64, bytes_behind: u64) {
        self.0.heard(head, bytes_behind);
    }

    fn snapshot_wanted(&mut self, info: &SnapshotInfo) -> bool {
        self.0.snapshot_wanted(info)
    }

    fn snapshot_bytes(&mut self, info: &SnapshotInfo, offset: u64, bytes: &[u8]) -> Result<(), SinkError> {
        self.0.snapshot_bytes(info, offset, bytes)
    }

    fn snapshot_end(&mut self, info: &SnapshotInfo) -> Result<Point, SinkError> {
        self.0.snapshot_end(info)
    }
}

/// A centre that takes connections.
pub struct World {
    pub centre: Shared<Centre>,
    pub ends: Shared<Vec<String>>,
    pub options: ServeOptions,
    /// How long the sink takes for every append.
    pub slow: Duration,
    serving: Vec<JoinHandle<()>>,
}

impl World {
    pub fn new() -> Self {
        let options = ServeOptions { heartbeat: Duration::from_millis(100), ..ServeOptions::default() };
        Self {
            centre: shared(Centre::default()),
            ends: shared(Vec::new()),
            options,
            slow: Duration::ZERO,
            serving: Vec::new(),
        }
    }

    pub fn end(&self) -> Point {
        lock(&self.centre).log.durable_end()
    }

    /// Serves on a port of its own.
    pub async fn serve(&mut self) -> u16 {
        self.serve_on(0, None).await
    }

    /// Serves on this port, behind TLS if there is some.
    pub async fn serve_on(&mut self, port: u16, tls: Option<TlsAcceptor>) -> u16 {
        let listener = TcpListener::bind(("127.0.0.1", port)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (slow, tls) = (self.slow, Arc::new(tls));
        let (centre, ends, options) = (Arc::clone(&self.centre), Arc::clone(&self.ends), self.options);
        self.serving.push(tokio::spawn(async move {
            let mut connections = tokio::task::JoinSet::new();
            while let Ok((socket, _)) = listener.accept().await {
                socket.set_nodelay(true).unwrap();
                let sink = SlowSink(CentreSink(Arc::clone(&centre)), slow);
                let (ends, tls) = (Arc::clone(&ends), Arc::clone(&tls));
                connections.spawn(async move {
                    let io: Box<dyn Io> = match tls.as_ref() {
                        None => Box::new(socket),
                        Some(tls) => match tls.accept(socket).await {
                            Ok(io) => Box::new(io),
                            Err(_) => return,
                        },
                    };
                    if let Some(socket) = accept(io).await {
                        let end = serve(socket, sink, options).await;
                        lock(&ends).push(end);
                    }
                });
            }
        }));
        port
    }

    /// Nobody listens any more, and all connections are cut.
    pub fn stop(&mut self) {
        for serving in self.serving.drain(..) {
            serving.abort();
        }
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.stop();
    }
}

/// A region that commits and ships.
pub struct Region {
    pub log: Shared<Log>,
    pub status: Arc<Status>,
    pub epoch: u32,
    head: watch::Sender<u64>,
    shipping: Option<JoinHandle<()>>,
}

impl Region {
    pub fn new() -> Self {
        Self {
            log: shared(Log::default()),
            status: Arc::new(Status::default()),
            epoch: 1,
            head: watch::Sender::new(0),
            shipping: None,
        }
    }

    pub fn end(&self) -> Point {
        lock(&self.log).durable_end()
    }

    pub fn commit(&mut self, dice: &mut Dice) -> Point {
        let payload = vec![dice.next() as u8; dice.index(600)];
        self.commit_bytes(1 + dice.below(5) as u32, &payload)
    }

    pub fn commit_bytes(&mut self, count: u32, payload: &[u8]) -> Point {
        let point = lock(&self.log).commit(self.epoch, count, payload);
        self.head.send_replace(point.sequence);
        point
    }

    pub fn ship(&mut self, options: LineOptions) {
        let source = LogSource::new(&self.log, self.epoch, 7);
        let shipping = ship(source, options, self.head.subscribe(), Arc::clone(&self.status));
        self.shipping = Some(tokio::spawn(shipping));
    }

    pub fn stop(&mut self) {
        if let Some(shipping) = self.shipping.take() {
            shipping.abort();
        }
    }
}

impl Drop for Region {
    fn drop(&mut self) {
        self.stop();
    }
}
