//! One of the demo's regions: a node in a runtime of its own, on its own port and data directory, with deadlines short
//! enough to happen while somebody watches, shipping its log to the demo's centre.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;
use tokio::runtime::Runtime;

use super::world::{Trouble, refused};
use crate::aggregator;
use crate::config::{self, ConfigError, ReplicationConfig};
use crate::engine::StopError;
use crate::node::{self, Node};
use crate::ops::client::http::{Call, Http};

/// A region of the demo.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// Its name.
    pub name: &'static str,
    /// What it sells.
    pub catalog: &'static [u8],
}

/// The regions, with the example catalogues.
pub const PLANS: [Plan; 2] = [
    Plan { name: "east", catalog: include_bytes!("../../../examples/catalog-east.json") },
    Plan { name: "south", catalog: include_bytes!("../../../examples/catalog-south.json") },
];

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
    /// A node does not start.
    #[error(transparent)]
    Node(#[from] node::StartError),
    /// The centre does not start.
    #[error(transparent)]
    Centre(#[from] aggregator::StartError),
    /// No random token for the line between them.
    #[error("no random token: {0}")]
    Token(String),
}

/// A running region.
pub struct Region {
    /// Its name.
    pub name: &'static str,
    /// Its address as a URL.
    pub base: String,
    node: Node,
    runtime: Runtime,
}

impl Region {
    /// Starts a node in sandbox mode.
    pub fn start(
        plan: Plan,
        data_dir: PathBuf,
        address: SocketAddr,
        replication: Option<ReplicationConfig>,
    ) -> Result<Self, StartError> {
        let mut config = config::load_node(None, [])?.config;
        config.region = plan.name.parse().unwrap_or(config.region);
        config.data_dir = data_dir;
        config.listen = vec![address];
        config.public_url = Some(format!("http://{address}"));
        config.orders.pay_within = PAY_WITHIN;
        config.orders.accept_within = ACCEPT_WITHIN;
        config.replication = replication;
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().thread_name(plan.name).build()?;
        let node = runtime.block_on(Node::start(config))?;
        Ok(Self { name: plan.name, base: format!("http://{address}"), node, runtime })
    }

    /// Stops the node cleanly.
    pub fn stop(self) -> Result<(), StopError> {
        self.runtime.block_on(self.node.stop())?;
        self.runtime.shutdown_timeout(Duration::from_secs(5));
        Ok(())
    }
}

/// Imports the catalogue as an operator does.
pub async fn import(http: &Http, operator: &str, catalog: &'static [u8]) -> Result<(), Trouble> {
    let call = Call::put("/v1/catalog").token(operator).bytes(Bytes::from_static(catalog));
    let reply = http.send(call).await?;
    match reply.status {
        StatusCode::OK => Ok(()),
        _ => Err(refused("PUT /v1/catalog", &reply)),
    }
}
