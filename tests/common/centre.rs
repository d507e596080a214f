//! The aggregator: the real binary, on a port and in a directory of its own.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::ports::free_address;
use super::process::Process;
use super::{Client, tokens};

/// The token of every region of the tests.
pub const REGION_TOKEN: &str = "a region token of more than sixteen bytes";

/// An aggregator process for the regions `east` and `south`. Killed when dropped.
pub struct Centre {
    process: Process,
    directory: tempfile::TempDir,
    data: PathBuf,
}

impl Centre {
    /// A fresh aggregator with the embedded store.
    pub fn start() -> Self {
        Self::start_with("store = \"embedded\"", None)
    }

    /// The same with more keys of `[aggregator]`, and its data somewhere else.
    pub fn start_with(keys: &str, data: Option<&Path>) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let data = data.map_or_else(|| directory.path().join("data"), Path::to_owned);
        let address = free_address();
        let text = format!(
            "mode = \"sandbox\"\n[aggregator]\nlisten = [\"{address}\"]\ndata_dir = \"{}\"\n{keys}\n\
             [auth]\nhs256_secret = \"{}\"\n[regions.east]\ntoken = \"{REGION_TOKEN}\"\n\
             [regions.south]\ntoken = \"{REGION_TOKEN} of the south\"\n",
            data.display(),
            tokens::SECRET
        );
        let config = directory.path().join("aggregator.toml");
        std::fs::write(&config, text).unwrap();
        Self { process: Process::start("aggregator", &config, address), directory, data }
    }

    /// A new process on what a stopped one left, whether it becomes ready or not.
    pub fn start_again_alive(self) -> Self {
        let Self { mut process, directory, data } = self;
        process.end();
        let process = Process::start_alive("aggregator", &directory.path().join("aggregator.toml"), process.address());
        Self { process, directory, data }
    }

    /// Its data directory.
    pub fn data(&self) -> &Path {
        &self.data
    }

    /// The process itself.
    pub fn process(&mut self) -> &mut Process {
        &mut self.process
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.process.address()
    }

    /// Its configuration file.
    pub fn config(&self) -> PathBuf {
        self.directory.path().join("aggregator.toml")
    }

    /// A region's copy, a data directory like a node's.
    pub fn copy_of(&self, region: &str) -> PathBuf {
        self.data.join("regions").join(region)
    }

    /// The operator.
    pub fn operator(&self) -> Client {
        Client::new(self.process.address(), Some(tokens::operator()))
    }

    /// What it says about a region.
    pub fn region(&self, region: &str) -> Value {
        let regions = self.operator().get("/v1/regions").expect(200);
        regions["regions"].as_array().unwrap().iter().find(|entry| entry["region"] == region).cloned().unwrap()
    }

    /// Waits until everything up to `sequence` is applied; answers how long that took.
    pub fn wait_applied(&self, region: &str, sequence: u64, at_most: Duration) -> Duration {
        let began = Instant::now();
        loop {
            let says = self.region(region);
            if says["applied_sequence"].as_u64().unwrap() >= sequence {
                return began.elapsed();
            }
            assert!(began.elapsed() < at_most, "{sequence} is not applied after {at_most:?}: {says:#}");
            // No synchronisation: only the pace of asking.
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Every order that it lists of a region, newest first.
    pub fn orders(&self, region: &str) -> Vec<Value> {
        let mut client = self.operator();
        let (mut orders, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = client.get(&format!("/v1/orders?region={region}&limit=500{cursor}")).expect(200);
            orders.extend(page["orders"].as_array().unwrap().iter().cloned());
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return orders,
            }
        }
    }
}
