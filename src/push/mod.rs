//! Push: the protocol `qucan.v1` over WebSocket. A client listens to an order, a store or a board; it gets the whole object
//! as it is now, then every event after it, never a gap, never an event twice unless it does not acknowledge.
//!
//! `handshake` makes a `session` of a request; `hub` follows the engine and hands events to the sessions' outboxes
//! through `topics`; `subscribe` begins a subscription. Never here: a truth of its own (every fact it pushes is also
//! in a `GET`), unbounded buffers, routes.

mod connections;
mod event;
pub mod frames;
mod handshake;
mod hub;
mod metrics;
mod options;
mod outbox;
mod session;
mod subscribe;
mod subscriptions;
mod topic;
mod topics;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, Response};
use hyper::upgrade::OnUpgrade;
use prometheus_client::registry::Registry;

pub use handshake::HandshakeError;
pub use metrics::PushMetrics;
pub use options::PushOptions;
pub use topic::Topic;
pub use topics::RingLimits;

use crate::domain::actor::Actor;
use crate::domain::time::Timestamp;
use crate::engine::Handle;
use hub::Hub;

/// The AsyncAPI document of the protocol.
pub const ASYNCAPI: &str = include_str!("asyncapi.json");

/// Who is behind a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authenticated {
    /// Who it is.
    pub actor: Actor,
    /// Until when the token is good; the connection ends with it unless another one is shown.
    pub expires_at: Timestamp,
}

/// Checks tokens; the edge knows how.
pub trait Authenticate: Send + Sync + 'static {
    /// Who is behind a token, or in a few words why nobody is.
    fn authenticate(&self, token: &str) -> Result<Authenticated, String>;
}

/// The push hub of a node. Clones share it.
#[derive(Clone)]
pub struct Push {
    hub: Arc<Hub>,
}

impl Push {
    /// Starts to follow the engine, on the present tokio runtime.
    pub fn start(engine: Handle, options: PushOptions) -> Self {
        // Listening begins before anybody can subscribe: no event falls between a picture and the stream.
        let committed = engine.subscribe();
        let hub = Arc::new(Hub::new(engine, options));
        tokio::spawn(Arc::clone(&hub).follow(committed));
        Self { hub }
    }

    /// Answers a WebSocket handshake and starts the session behind it. `upgrade` comes from the request's extensions,
    /// `address` is the client's. The answer has no body.
    pub fn upgrade(
        &self,
        headers: &HeaderMap,
        upgrade: Option<OnUpgrade>,
        address: IpAddr,
        authenticate: Arc<dyn Authenticate>,
    ) -> Result<Response<()>, HandshakeError> {
        handshake::accept(&self.hub, headers, upgrade, address, authenticate)
    }

    /// Takes no more connections, tells every client to come back later, closes them with 1001, and waits until all are
    /// gone, at most so long. Answers how many were still there.
    pub async fn drain(&self, at_most: Duration) -> usize {
        self.hub.drain();
        let _ = tokio::time::timeout(at_most, self.hub.connections.ended()).await;
        self.hub.connections.count()
    }

    /// Open connections.
    pub fn connections(&self) -> usize {
        self.hub.connections.count()
    }

    /// The hub in figures.
    pub fn metrics(&self) -> &PushMetrics {
        &self.hub.metrics
    }

    /// Makes the figures visible.
    pub fn register(&self, registry: &mut Registry) {
        self.hub.metrics.register(registry);
    }
}
