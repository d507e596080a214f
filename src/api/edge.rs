//! What every request passes, whichever program it reaches: who may come in, how many, and what is counted. A node and the
//! centre each have one edge; front, extractors and operations ask for it and for nothing else.

use std::sync::Arc;

use prometheus_client::registry::Registry;
use tokio::sync::watch;

use super::admission::Admission;
use super::auth::Authenticator;
use super::metrics::HttpMetrics;
use super::server::Places;
use crate::config::{EdgeLimits, Mode};
use crate::domain::time::Timestamp;
use crate::engine::clock::Clock;

/// The edge of a running program.
pub struct Edge {
    /// Checks tokens.
    pub authenticator: Arc<Authenticator>,
    /// Sandbox or production.
    pub mode: Mode,
    /// Bounds of the edge.
    pub limits: EdgeLimits,
    /// Bounds on requests.
    pub admission: Admission,
    /// Connections there are.
    pub places: Arc<Places>,
    /// The edge in figures.
    pub metrics: HttpMetrics,
    /// Everything that `/metrics` shows.
    pub registry: Registry,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// When the process began.
    pub started_at: Timestamp,
    /// Becomes true when the program stops taking requests: whoever waits for something answers now.
    pub draining: watch::Receiver<bool>,
}

impl Edge {
    /// Now.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Follows whether the program is stopping.
    pub fn draining(&self) -> watch::Receiver<bool> {
        self.draining.clone()
    }

    /// Whether it is stopping.
    pub fn is_draining(&self) -> bool {
        *self.draining.borrow()
    }

    /// Seconds since the start.
    pub fn uptime_seconds(&self) -> i64 {
        (self.now().0 - self.started_at.0).max(0) / 1000
    }
}

/// The state behind a router, as far as the edge is concerned.
pub trait AtTheEdge: Send + Sync + 'static {
    /// Its edge.
    fn edge(&self) -> &Edge;

    /// Brings gauges up to date before they are shown.
    fn refresh_metrics(&self) {}
}
