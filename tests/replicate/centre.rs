//! A centre that does what the test says: real sockets, a real copy of the region's log; only who may come in is scripted.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use qucan::engine::clock::SystemClock;
use qucan::engine::options::EngineLimits;
use qucan::engine::replica::{Applier, Next, Replica, ReplicaOptions};
use qucan_replication::line::{ServeOptions, serve};
use qucan_replication::{Fence, Greeting, Hello, Point, SUBPROTOCOL, Sink, SinkError, SnapshotInfo};
use qucan_storage::log::{AppendError, Group, LogOptions};
use tokio::net::TcpListener;
use tokio::task::{JoinHandle, JoinSet};
use tokio_tungstenite::tungstenite::handshake::server::{Request, Response};

/// What the test says, and what came.
#[derive(Default)]
pub struct Script {
    pub fence: Option<Fence>,
    /// How long its disk takes.
    pub sync_takes: Duration,
    pub hellos: Vec<Hello>,
}

pub struct Centre {
    pub address: SocketAddr,
    pub script: Arc<Mutex<Script>>,
    pub replica: Arc<Replica>,
    pub applier: Applier,
    _dir: tempfile::TempDir,
    accepting: Option<JoinHandle<()>>,
}

struct Receiving {
    script: Arc<Mutex<Script>>,
    replica: Arc<Replica>,
}

fn end(replica: &Replica) -> Point {
    let at = replica.received();
    Point { sequence: at.sequence.0, hash: at.hash.0 }
}

impl Sink for Receiving {
    fn greet(&mut self, hello: &Hello) -> Result<Greeting, SinkError> {
        let mut script = self.script.lock().unwrap();
        script.hellos.push(hello.clone());
        Ok(match &script.fence {
            Some(fence) => Greeting::Fenced(fence.clone()),
            None => Greeting::Continue { from: end(&self.replica), epoch: self.replica.epoch().0 },
        })
    }

    fn append(&mut self, groups: &[&[u8]]) -> Result<Point, SinkError> {
        if let Some(fence) = &self.script.lock().unwrap().fence {
            return Err(SinkError::Fenced(fence.clone()));
        }
        let takes = self.script.lock().unwrap().sync_takes;
        std::thread::sleep(takes);
        let groups: Vec<_> = groups.iter().map(|group| Group::parse(group).unwrap()).collect();
        match self.replica.append(&groups) {
            Ok(_) => Ok(end(&self.replica)),
            Err(error @ AppendError::NoRoom { .. }) => Err(SinkError::Busy(error.to_string())),
            Err(error) => Err(SinkError::Failed(error.to_string())),
        }
    }

    fn heard(&mut self, _head: u64, _bytes_behind: u64) {}

    fn snapshot_wanted(&mut self, _info: &SnapshotInfo) -> bool {
        false
    }

    fn snapshot_bytes(&mut self, _info: &SnapshotInfo, _offset: u64, _bytes: &[u8]) -> Result<(), SinkError> {
        Err(SinkError::Malformed("nobody asked for it".to_owned()))
    }

    fn snapshot_end(&mut self, _info: &SnapshotInfo) -> Result<Point, SinkError> {
        Err(SinkError::Malformed("nobody asked for it".to_owned()))
    }
}

impl Centre {
    /// Listens on a port of its own.
    pub async fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let options = ReplicaOptions {
            data_dir: dir.path().join("east"),
            region: "east".parse().unwrap(),
            closed_orders_days: 7,
            projection: false,
            snapshot_every_entries: 1_000,
            log_bytes_max: u64::MAX,
            log: LogOptions::default(),
            clock: Arc::new(SystemClock),
            fs: qucan_storage::fs::real(),
            limits: EngineLimits::default(),
        };
        let (replica, applier) = Replica::open(options, None).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut centre = Self { address, script: Arc::default(), replica, applier, _dir: dir, accepting: None };
        centre.accept(listener);
        centre
    }

    pub fn url(&self) -> String {
        format!("ws://{}/v1/replicate", self.address)
    }

    fn accept(&mut self, listener: TcpListener) {
        let (script, replica) = (Arc::clone(&self.script), Arc::clone(&self.replica));
        self.accepting = Some(tokio::spawn(async move {
            let mut lines = JoinSet::new();
            loop {
                let (socket, _) = listener.accept().await.unwrap();
                let sink = Receiving { script: Arc::clone(&script), replica: Arc::clone(&replica) };
                lines.spawn(async move {
                    #[expect(clippy::result_large_err, reason = "the library's own type")]
                    let agree = |_: &Request, mut response: Response| {
                        response.headers_mut().insert("Sec-WebSocket-Protocol", SUBPROTOCOL.parse().unwrap());
                        Ok(response)
                    };
                    let socket = tokio_tungstenite::accept_hdr_async(socket, agree).await.unwrap();
                    serve(socket, sink, ServeOptions::default()).await
                });
            }
        }));
    }

    /// Every line is cut and nobody listens any more.
    pub async fn away(&mut self) {
        let accepting = self.accepting.take().unwrap();
        accepting.abort();
        let _cancelled = accepting.await;
    }

    pub async fn back(&mut self) {
        let listener = TcpListener::bind(self.address).await.unwrap();
        self.accept(listener);
    }

    pub fn set_fence(&self, fence: Option<Fence>) {
        self.script.lock().unwrap().fence = fence;
    }

    /// Applies everything that has arrived.
    pub fn apply(&mut self) {
        while let Next::Batch(_) = self.applier.next(1_000, Duration::ZERO).unwrap() {
            self.applier.publish();
        }
    }
}
