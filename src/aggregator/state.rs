//! What every handler of the centre may use.

use std::sync::Arc;

use tokio::sync::Semaphore;

use super::metrics::CentreMetrics;
use super::regions::Regions;
use super::store::Store;
use super::stream::Live;
use crate::api::edge::{AtTheEdge, Edge};

/// The state behind the centre's routes.
pub struct Centre {
    /// Who comes in, and what is counted.
    pub edge: Edge,
    /// All regions.
    pub regions: Arc<Regions>,
    /// Orders and figures.
    pub store: Arc<Store>,
    /// `embedded` or `postgres`.
    pub store_kind: &'static str,
    /// The live picture.
    pub live: Arc<Live>,
    /// The centre in figures.
    pub metrics: CentreMetrics,
    /// Histories read at once.
    pub histories: Arc<Semaphore>,
    /// Pages and snapshots sent at once.
    pub seedings: Arc<Semaphore>,
}

impl AtTheEdge for Centre {
    fn edge(&self) -> &Edge {
        &self.edge
    }

    fn refresh_metrics(&self) {
        self.metrics.refresh(&self.regions, self.live.clients(), self.edge.now());
    }
}
