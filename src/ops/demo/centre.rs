//! The demo's centre: an aggregator in a runtime of its own, which is taken away in the middle of the day as `kill -9` would
//! and comes back on the same data.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use tokio::runtime::Runtime;

use super::region::StartError;
use crate::aggregator::Aggregator;
use crate::config::{self, AggregatorConfig, ReplicationConfig, Secret};

/// How long the centre is away.
pub const AWAY: Duration = Duration::from_secs(1);

/// The centre, running or away.
pub struct Centre {
    /// Its address as a URL.
    pub base: String,
    config: AggregatorConfig,
    running: Option<(Aggregator, Runtime)>,
}

impl Centre {
    /// Starts the centre for these regions.
    pub fn start(data_dir: PathBuf, address: SocketAddr, regions: &[&str]) -> Result<Self, StartError> {
        let mut config = config::load_aggregator(None, [])?.config;
        config.data_dir = data_dir;
        config.listen = vec![address];
        config.regions.clear();
        for region in regions {
            if let Ok(region) = region.parse() {
                config.regions.push((region, draw_token()?));
            }
        }
        let mut centre = Self { base: format!("http://{address}"), config, running: None };
        centre.come_back()?;
        Ok(centre)
    }

    /// How a region reaches it.
    pub fn replication_of(&self, region: &str) -> Option<ReplicationConfig> {
        let (_, token) = self.config.regions.iter().find(|(name, _)| name.as_str() == region)?;
        let aggregator = format!("{}/v1/replicate", self.base.replacen("http", "ws", 1));
        Some(ReplicationConfig { aggregator, token: token.clone(), ca: None })
    }

    /// Ends it at once: nothing is drained, finished or marked.
    fn kill(&mut self) {
        if let Some((aggregator, runtime)) = self.running.take() {
            // Sockets are cut first, as the kernel would.
            runtime.shutdown_timeout(Duration::from_millis(100));
            drop(aggregator);
        }
    }

    /// Starts it on what is on disk.
    fn come_back(&mut self) -> Result<(), StartError> {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().thread_name("centre").build()?;
        let aggregator = runtime.block_on(Aggregator::start(self.config.clone()))?;
        self.running = Some((aggregator, runtime));
        Ok(())
    }

    /// Is killed, stays away for [`AWAY`], and comes back.
    pub fn go_away_and_come_back(&mut self) -> Result<(), StartError> {
        self.kill();
        std::thread::sleep(AWAY);
        self.come_back()
    }

    /// Stops it cleanly.
    pub fn stop(mut self) -> Result<(), String> {
        let Some((aggregator, runtime)) = self.running.take() else { return Ok(()) };
        let stopped = runtime.block_on(aggregator.stop()).map_err(|error| error.to_string());
        runtime.shutdown_timeout(Duration::from_secs(5));
        stopped
    }
}

fn draw_token() -> Result<Secret, StartError> {
    let mut random = [0u8; 16];
    getrandom::fill(&mut random).map_err(|error| StartError::Token(error.to_string()))?;
    Ok(Secret::new(random.iter().map(|byte| format!("{byte:02x}")).collect()))
}
