//! A node and an aggregator in runtimes of their own, as the demo has them.

use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use qucan::aggregator::Aggregator;
use qucan::aggregator::region::Region;
use qucan::config::{self, ReplicationConfig, Secret};
use qucan::engine::Handle;
use qucan::node::Node;
use tokio::runtime::Runtime;

/// Names the threads of a node's runtime.
pub const NODE: &str = "node";
const TOKEN: &str = "a region token for a benchmark";

/// An address that nobody listens on.
pub fn free_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

/// The way to a centre at `address`.
pub fn line_to(address: SocketAddr) -> ReplicationConfig {
    let aggregator = format!("ws://{address}/v1/replicate");
    ReplicationConfig { aggregator, token: Secret::new(TOKEN.to_owned()), ca: None }
}

/// A running centre.
pub struct Centre {
    aggregator: Option<Aggregator>,
    runtime: Option<Runtime>,
}

impl Centre {
    pub fn start(dir: &Path, address: SocketAddr) -> Self {
        let mut config = config::load_aggregator(None, []).unwrap().config;
        config.data_dir = dir.to_owned();
        config.listen = vec![address];
        config.regions = vec![("east".parse().unwrap(), Secret::new(TOKEN.to_owned()))];
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().thread_name("centre").build().unwrap();
        let aggregator = runtime.block_on(Aggregator::start(config)).unwrap();
        Self { aggregator: Some(aggregator), runtime: Some(runtime) }
    }

    pub fn east(&self) -> Arc<Region> {
        self.aggregator.as_ref().unwrap().regions().get(&"east".parse().unwrap()).unwrap()
    }

    /// As `kill -9` would.
    pub fn kill(mut self) {
        self.runtime.take().unwrap().shutdown_timeout(Duration::from_millis(100));
        drop(self.aggregator.take());
    }
}

/// A running node.
pub struct Node1 {
    pub base: String,
    pub handle: Handle,
    node: Option<Node>,
    runtime: Option<Runtime>,
}

impl Node1 {
    pub fn start(dir: &Path, replication: Option<ReplicationConfig>) -> Self {
        let address = free_address();
        let mut config = config::load_node(None, []).unwrap().config;
        config.region = "east".parse().unwrap();
        config.data_dir = dir.to_owned();
        config.listen = vec![address];
        config.orders.grace = Duration::from_secs(3600);
        config.orders.open_per_member = None;
        config.replication = replication;
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().thread_name(NODE).build().unwrap();
        let node = runtime.block_on(Node::start(config)).unwrap();
        let handle = node.handle();
        Self { base: format!("http://{address}"), handle, node: Some(node), runtime: Some(runtime) }
    }
}

impl Drop for Node1 {
    fn drop(&mut self) {
        if let (Some(node), Some(runtime)) = (self.node.take(), self.runtime.take()) {
            runtime.block_on(node.stop()).unwrap();
            runtime.shutdown_timeout(Duration::from_secs(5));
        }
    }
}

/// Waits until it is so; answers how long that took.
pub fn until(what: &str, mut is_so: impl FnMut() -> bool) -> Duration {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < Duration::from_secs(600), "{what}: not after ten minutes");
        std::thread::sleep(Duration::from_micros(500));
    }
    began.elapsed()
}
