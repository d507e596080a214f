//! Puts a region's node together: engine, hub, refunds, catalogue, server; and takes it apart in the right order. The only
//! place that knows all rooms. Never here: what any of them does.

mod replicate;
mod start;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::api::admission::Admission;
use crate::api::auth::{Authenticator, SecretError, key_set};
use crate::api::edge::Edge;
use crate::api::metrics::HttpMetrics;
use crate::api::server::{BindError, Listeners, Places, Server};
use crate::api::{self, AppState, menus::Menus};
use crate::config::{Mode, NodeConfig};
use crate::engine::clock::{Clock, SystemClock};
use crate::engine::{Engine, Handle, OpenError, StopError};
use crate::payment::{Provider, Providers, Refunder, Sandbox};
use crate::push::{Push, PushOptions};
use crate::web::Dishes;

use replicate::Replication;

#[cfg(feature = "simulation")]
pub use replicate::LogSource;
pub use replicate::ReplicationError;
pub use start::{CatalogStartError, engine_options, read_catalog};

/// A node that can't start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// An address is taken.
    #[error(transparent)]
    Bind(#[from] BindError),
    /// The engine can't be opened.
    #[error(transparent)]
    Engine(#[from] Box<OpenError>),
    /// Keys of tokens can't be used.
    #[error(transparent)]
    Keys(#[from] SecretError),
    /// There is nothing on sale and the catalogue can't be imported.
    #[error(transparent)]
    Catalog(#[from] CatalogStartError),
    /// The line to the centre can't be set up.
    #[error(transparent)]
    Replication(#[from] ReplicationError),
    /// A thread could not be used.
    #[error("a thread ended early while starting")]
    Thread,
}

impl StartError {
    /// Whether starting again won't help before somebody changed the configuration or the data.
    pub fn needs_a_person(&self) -> bool {
        use qucan_storage::DirectoryError::{Damaged, Foreign, Missing, NewerFormat, OtherRegion, RegionName};
        use qucan_storage::log::OpenError::Io;
        match self {
            Self::Bind(_) | Self::Keys(_) | Self::Catalog(_) | Self::Replication(ReplicationError::Tls(_)) => true,
            Self::Engine(error) => match &**error {
                OpenError::Directory(error) => matches!(
                    error,
                    Damaged { .. }
                        | Foreign { .. }
                        | Missing { .. }
                        | NewerFormat { .. }
                        | OtherRegion { .. }
                        | RegionName { .. }
                ),
                // A log that is damaged stays so, however often it is read.
                OpenError::Log(error) => !matches!(error, Io { .. }),
                OpenError::EpochTooHigh { .. } => true,
                _ => false,
            },
            Self::Replication(ReplicationError::Random(_)) | Self::Thread => false,
        }
    }
}

/// A running node.
pub struct Node {
    engine: Engine,
    handle: Handle,
    server: Server,
    push: Push,
    refunder: JoinHandle<()>,
    replication: Option<Replication>,
    draining: watch::Sender<bool>,
    drain_within: Duration,
    addresses: Vec<SocketAddr>,
}

impl Node {
    /// Starts a node on the machine's clock. It serves when this returns.
    pub async fn start(config: NodeConfig) -> Result<Self, StartError> {
        Self::start_at(config, Arc::new(SystemClock)).await
    }

    /// Starts a node on another clock, for tests.
    pub async fn start_at(config: NodeConfig, clock: Arc<dyn Clock>) -> Result<Self, StartError> {
        let started_at = clock.now();
        // Listening comes first: a busy port is said before the data is touched, and clients that come while the log is
        // read wait instead of being refused.
        let listeners = Listeners::bind(&config.listen, "node.listen")?;
        let addresses = listeners.addresses();
        let options = start::engine_options(&config, Arc::clone(&clock));
        let engine = tokio::task::spawn_blocking(move || Engine::open(options)).await;
        let engine = engine.map_err(|_| StartError::Thread)?.map_err(Box::new)?;
        let handle = engine.handle();
        let keys = key_set(&config.auth, config.mode, &config.data_dir)?;
        start::import_catalog(&handle, config.catalog.as_deref()).await?;
        let dishes = Arc::new(Dishes::new(config.pictures_dir.clone()));
        start::read_pictures(&dishes, &handle).await;

        let authenticator =
            Authenticator::new(keys, Some(config.region.clone()), Arc::clone(&clock), config.limits.tokens_cached);
        let providers = providers(&config);
        let refunder = tokio::spawn(Refunder::new(handle.clone(), providers.clone()).run());
        let push = Push::start(handle.clone(), push_options(&config));
        let places = Places::new(&config.limits);
        let metrics = HttpMetrics::default();
        let mut registry = registry(&handle, &metrics, &push);
        let replication = Replication::start(&config, &engine, Arc::clone(&clock))?;
        if let Some(replication) = &replication {
            replication.register(&mut registry);
        }
        let (draining, is_draining) = watch::channel(false);
        let limits = config.limits.clone();
        let state = Arc::new(AppState {
            engine: handle.clone(),
            edge: Edge {
                authenticator: Arc::new(authenticator),
                mode: config.mode,
                admission: Admission::new(&limits),
                limits: limits.clone(),
                places: Arc::clone(&places),
                metrics,
                registry,
                clock,
                started_at,
                draining: is_draining,
            },
            push: push.clone(),
            public_url: config.public_url,
            menus: Menus::new(dishes),
            providers,
            closed_orders_days: config.orders.keep_days,
            replication: replication.as_ref().map(Replication::look),
        });
        let server = Server::start(listeners, api::router(state), &limits, places);
        let status = handle.status();
        tracing::info!(
            region = %status.region, epoch = status.epoch, mode = config.mode.as_str(), log_head = status.log_head,
            open_orders = status.open_orders, addresses = ?addresses, "the node serves"
        );
        Ok(Self {
            engine,
            handle,
            server,
            push,
            refunder,
            replication,
            draining,
            drain_within: limits.drain_within,
            addresses,
        })
    }

    /// Where it listens; a port 0 has become a real one.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// The way to the engine.
    pub fn handle(&self) -> Handle {
        self.handle.clone()
    }

    /// Drains and stops: not ready any more, nothing new accepted, sockets told to come back, what was begun is answered,
    /// a snapshot and the clean-stop mark are written.
    pub async fn stop(mut self) -> Result<(), StopError> {
        tracing::info!("stopping");
        self.draining.send_replace(true);
        self.server.stop_accepting().await;
        let (left, ()) = tokio::join!(self.push.drain(self.drain_within), self.server.drain(self.drain_within));
        if left > 0 {
            tracing::warn!(sockets = left, "sockets were cut");
        }
        self.refunder.abort();
        let engine = self.engine;
        let stopped = match tokio::task::spawn_blocking(move || engine.stop()).await {
            Ok(stopped) => stopped,
            Err(error) => Err(StopError::Failed(error.to_string())),
        };
        if let Some(replication) = self.replication.take() {
            replication.stop().await;
        }
        stopped
    }
}

fn providers(config: &NodeConfig) -> Providers {
    let mut providers: Vec<Arc<dyn Provider>> = Vec::new();
    if config.mode == Mode::Sandbox {
        providers.push(Arc::new(Sandbox));
    }
    Providers::new(providers)
}

fn push_options(config: &NodeConfig) -> PushOptions {
    match config.mode {
        Mode::Sandbox => PushOptions::sandbox(),
        Mode::Production => PushOptions::default(),
    }
}

fn registry(handle: &Handle, metrics: &HttpMetrics, push: &Push) -> Registry {
    let mut registry = Registry::with_prefix("qucan");
    let region = handle.status().region.to_string();
    let labels =
        vec![("version", env!("CARGO_PKG_VERSION").to_owned()), ("role", "node".to_owned()), ("region", region)];
    registry.register("build", "What runs here", Info::new(labels));
    metrics.register(&mut registry);
    handle.metrics().register(&mut registry);
    push.register(&mut registry);
    registry
}
