//! The demo's region node: in a runtime of its own, on its own port and data directory, with deadlines short enough to
//! happen while somebody watches.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;
use tempfile::TempDir;
use tokio::runtime::Runtime;

use super::world::{Trouble, refused};
use crate::config::{self, ConfigError};
use crate::engine::StopError;
use crate::node::{self, Node};
use crate::ops::client::http::{Call, Http};

/// The example region's catalogue.
const CATALOG: &[u8] = include_bytes!("../../../examples/catalog-east.json");
/// Where a node listens where nothing else is said.
const PORT: u16 = 7100;
/// How long an order waits for its money: long enough for a busy machine, short enough to see it happen.
const PAY_WITHIN: Duration = Duration::from_secs(4);
/// How long a paid order waits for its store.
const ACCEPT_WITHIN: Duration = Duration::from_secs(4);

/// Why the demo can't start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// No runtime, no directory.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// The defaults don't hold, because of the environment.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The port that was asked for is not free.
    #[error("port {port} can't be used: {why}; give another one with --port, or none")]
    Port {
        /// Which.
        port: u16,
        /// Why not.
        why: std::io::Error,
    },
    /// The node does not start.
    #[error(transparent)]
    Node(#[from] node::StartError),
}

/// Where the node's data is.
#[derive(Debug)]
pub struct Directory {
    /// The directory.
    pub path: PathBuf,
    temporary: Option<TempDir>,
}

impl Directory {
    /// Keeps a temporary directory; answers where it is.
    pub fn keep(self) -> Option<PathBuf> {
        self.temporary.map(TempDir::keep)
    }
}

/// A running node.
pub struct Region {
    /// Its address as a URL.
    pub base: String,
    node: Node,
    runtime: Runtime,
    directory: Directory,
}

impl Region {
    /// Starts a node in sandbox mode. `port` is that of the aggregator, whose place is kept free.
    pub fn start(data: Option<&Path>, port: Option<u16>) -> Result<Self, StartError> {
        let directory = match data {
            Some(path) => Directory { path: path.to_owned(), temporary: None },
            None => {
                let temporary = TempDir::with_prefix("qucan-demo-")?;
                Directory { path: temporary.path().join("east"), temporary: Some(temporary) }
            }
        };
        let mut config = config::load_node(None, [])?.config;
        config.region = "east".parse().unwrap_or(config.region);
        config.data_dir.clone_from(&directory.path);
        config.listen = vec![address(port)?];
        config.orders.pay_within = PAY_WITHIN;
        config.orders.accept_within = ACCEPT_WITHIN;
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().thread_name("node").build()?;
        let node = runtime.block_on(Node::start(config))?;
        let address = node.addresses().first().copied();
        let address = address.ok_or_else(|| std::io::Error::other("the node listens nowhere"))?;
        Ok(Self { base: format!("http://{address}"), node, runtime, directory })
    }

    /// Stops the node cleanly; answers where its data is.
    pub fn stop(self) -> Result<Directory, StopError> {
        self.runtime.block_on(self.node.stop())?;
        self.runtime.shutdown_timeout(Duration::from_secs(5));
        Ok(self.directory)
    }
}

/// The port asked for, else the default, else any that is free.
fn address(port: Option<u16>) -> Result<SocketAddr, StartError> {
    let on = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let is_free = |port| TcpListener::bind(on(port)).map(drop);
    match port.map(|port| port.saturating_add(1)) {
        Some(port) => is_free(port).map(|()| on(port)).map_err(|why| StartError::Port { port, why }),
        None => Ok(on(if is_free(PORT).is_ok() { PORT } else { 0 })),
    }
}

/// Imports the catalogue as an operator does.
pub async fn import(http: &Http, operator: &str) -> Result<(), Trouble> {
    let call = Call::put("/v1/catalog").token(operator).bytes(Bytes::from_static(CATALOG));
    let reply = http.send(call).await?;
    match reply.status {
        StatusCode::OK => Ok(()),
        _ => Err(refused("PUT /v1/catalog", &reply)),
    }
}
