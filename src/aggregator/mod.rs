//! The centre: receives every region's log, keeps it, applies it, answers headquarters' questions. Here it is put together and
//! taken apart in the right order. Never here: a decision about an order; the regions decide.

pub mod figures;
pub mod http;
pub mod metrics;
pub mod picture;
pub mod region;
pub mod regions;
pub mod sink;
pub mod state;
pub mod store;
pub mod stream;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;
use qucan_storage::fs::{self, Lock};
use tokio::runtime::Handle;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinHandle;

use self::metrics::CentreMetrics;
use self::region::{OpenRegionError, Opening};
use self::regions::Regions;
use self::state::Centre;
use self::store::{Store, StoreError};
use self::stream::Live;
use crate::api::admission::Admission;
use crate::api::auth::{Authenticator, SecretError, key_set};
use crate::api::edge::Edge;
use crate::api::metrics::HttpMetrics;
use crate::api::server::{BindError, Listeners, Places, Server};
use crate::config::{AggregatorConfig, Mode, StoreConfig};
use crate::engine::clock::{Clock, SystemClock};
use crate::engine::options::segments_for;
use crate::limits::{HISTORIES_AT_ONCE, REPLICA_SNAPSHOT_ENTRIES, SEEDINGS_AT_ONCE};

/// An aggregator that can't start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// An address is taken.
    #[error(transparent)]
    Bind(#[from] BindError),
    /// The data directory can't be used.
    #[error("{}: the data directory can't be used: {error}", path.display())]
    Directory {
        /// Which.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// Another aggregator works there.
    #[error("{}: in use by another process; stop that one first, or name another data directory", path.display())]
    InUse {
        /// Which.
        path: PathBuf,
    },
    /// Keys of tokens can't be used.
    #[error(transparent)]
    Keys(#[from] SecretError),
    /// The store can't be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A region's copy can't be used, for a reason that concerns all.
    #[error(transparent)]
    Region(#[from] OpenRegionError),
    /// A thread could not be used.
    #[error("a thread ended early while starting")]
    Thread,
}

impl StartError {
    /// Whether starting again won't help before somebody changed the configuration or the data.
    pub fn needs_a_person(&self) -> bool {
        match self {
            Self::Bind(_) | Self::Keys(_) | Self::Directory { .. } | Self::InUse { .. } => true,
            Self::Store(error) => matches!(error, StoreError::Refused(_)),
            Self::Region(_) | Self::Thread => false,
        }
    }
}

/// A stop that did not end cleanly. What was acknowledged is on disk all the same.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct StopError(String);

/// A running aggregator. Dropped without [`Aggregator::stop`], it ends as if the process had been killed.
pub struct Aggregator {
    regions: Arc<Regions>,
    server: Server,
    live: JoinHandle<()>,
    draining: watch::Sender<bool>,
    drain_within: Duration,
    addresses: Vec<SocketAddr>,
    _lock: Box<dyn Lock>,
}

impl Aggregator {
    /// Starts an aggregator on the machine's clock. It serves when this returns; what had arrived and was not applied comes
    /// after.
    pub async fn start(config: AggregatorConfig) -> Result<Self, StartError> {
        Self::start_at(config, Arc::new(SystemClock)).await
    }

    /// Starts an aggregator on another clock, for tests.
    pub async fn start_at(config: AggregatorConfig, clock: Arc<dyn Clock>) -> Result<Self, StartError> {
        let started_at = clock.now();
        // Listening comes first: a busy port is said before the data is touched, and regions that come while logs are read
        // wait instead of being refused.
        let listeners = Listeners::bind(&config.listen, "aggregator.listen")?;
        let addresses = listeners.addresses();
        let data_dir = config.data_dir.clone();
        let lock = tokio::task::spawn_blocking(move || take_directory(&data_dir)).await;
        let lock = lock.map_err(|_| StartError::Thread)??;
        let keys = key_set(&config.auth, config.mode, &config.data_dir)?;
        let (store, store_kind) = open_store(&config).await?;
        let store = Arc::new(store);
        let (restart, must_restart) = watch::channel(None);
        let opening = Opening {
            data_dir: config.data_dir.clone(),
            keep_days: config.keep_days,
            clock: Arc::clone(&clock),
            store: Arc::clone(&store),
            runtime: Handle::current(),
            restart,
            fs: fs::real(),
            log: segments_for(config.log_bytes),
            snapshot_every_entries: REPLICA_SNAPSHOT_ENTRIES,
            log_bytes_max: config.log_bytes,
        };
        let (configured, is_sandbox) = (config.regions, config.mode == Mode::Sandbox);
        let opened =
            tokio::task::spawn_blocking(move || Regions::open(opening, &configured, must_restart, is_sandbox)).await;
        let regions = opened.map_err(|_| StartError::Thread)??;

        let (draining, is_draining) = watch::channel(false);
        let live = Live::new(Arc::clone(&regions), Arc::clone(&clock), is_draining.clone());
        let (http_metrics, metrics) = (HttpMetrics::default(), CentreMetrics::default());
        let limits = config.limits;
        let places = Places::new(&limits);
        let edge = Edge {
            authenticator: Arc::new(Authenticator::new(keys, None, Arc::clone(&clock), limits.tokens_cached)),
            mode: config.mode,
            admission: Admission::new(&limits),
            limits: limits.clone(),
            places: Arc::clone(&places),
            registry: registry(&http_metrics, &metrics),
            metrics: http_metrics,
            clock,
            started_at,
            draining: is_draining,
        };
        let state = Arc::new(Centre {
            edge,
            regions: Arc::clone(&regions),
            store,
            store_kind,
            live: Arc::clone(&live),
            metrics,
            histories: Arc::new(Semaphore::new(HISTORIES_AT_ONCE)),
            seedings: Arc::new(Semaphore::new(SEEDINGS_AT_ONCE)),
        });
        let live = tokio::spawn(live.run());
        let server = Server::start(listeners, http::router(state), &limits, places);
        tracing::info!(
            regions = regions.all().len(), store = store_kind, mode = config.mode.as_str(), addresses = ?addresses,
            "the aggregator serves"
        );
        Ok(Self { regions, server, live, draining, drain_within: limits.drain_within, addresses, _lock: lock })
    }

    /// Where it listens; a port 0 has become a real one.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// Its regions.
    pub fn regions(&self) -> &Arc<Regions> {
        &self.regions
    }

    /// Drains and stops: lines and streams end, what was begun is answered, copies get their clean-stop marks.
    pub async fn stop(mut self) -> Result<(), StopError> {
        tracing::info!("stopping");
        self.draining.send_replace(true);
        self.server.stop_accepting().await;
        self.server.drain(self.drain_within).await;
        self.live.abort();
        let regions = Arc::clone(&self.regions);
        match tokio::task::spawn_blocking(move || regions.stop()).await {
            Ok(stopped) => stopped.map_err(StopError),
            Err(error) => Err(StopError(error.to_string())),
        }
    }
}

/// Makes the data directory where there is none, and takes it for this process alone.
fn take_directory(path: &Path) -> Result<Box<dyn Lock>, StartError> {
    let failed = |error| StartError::Directory { path: path.to_owned(), error };
    std::fs::create_dir_all(path.join("regions")).map_err(failed)?;
    let lock = fs::real().try_lock(&path.join("LOCK")).map_err(failed)?;
    lock.ok_or_else(|| StartError::InUse { path: path.to_owned() })
}

async fn open_store(config: &AggregatorConfig) -> Result<(Store, &'static str), StoreError> {
    match &config.store {
        StoreConfig::Embedded => Ok((Store::embedded(config.data_dir.join("store"))?, "embedded")),
        StoreConfig::Postgres(url) => Ok((Store::postgres(url.reveal()).await?, "postgres")),
    }
}

fn registry(http: &HttpMetrics, centre: &CentreMetrics) -> Registry {
    let mut registry = Registry::with_prefix("qucan");
    let labels = vec![("version", env!("CARGO_PKG_VERSION")), ("role", "aggregator")];
    registry.register("build", "What runs here", Info::new(labels));
    http.register(&mut registry);
    centre.register(&mut registry);
    registry
}
