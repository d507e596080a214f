//! The HTTP edge: routes and extractors, tokens, problems, admission. A request becomes a command or a question to the
//! engine, an answer becomes JSON. Never here: rules of the business, files, timers.

pub mod accept;
pub mod admission;
pub mod answer;
pub mod auth;
pub mod body;
pub mod catalog;
pub mod catalog_file;
pub mod customer;
pub mod front;
pub mod menus;
pub mod metrics;
pub mod objects;
pub mod openapi;
pub mod ops;
pub mod page;
pub mod problem;
pub mod push;
pub mod request_id;
pub mod sandbox;
pub mod server;
pub mod store;
pub mod text;
pub mod tokens;

use std::sync::Arc;

use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;
use prometheus_client::registry::Registry;
use tokio::sync::watch;

use self::admission::Admission;
use self::auth::Authenticator;
use self::menus::Menus;
use self::metrics::HttpMetrics;
use self::problem::{Kind, Problem};
use self::server::Places;
use crate::config::{EdgeLimits, Mode};
use crate::domain::time::Timestamp;
use crate::engine::Handle;
use crate::payment::Providers;
use crate::push::Push;

/// What every handler may use.
pub struct AppState {
    /// The way to the engine.
    pub engine: Handle,
    /// Checks tokens.
    pub authenticator: Arc<Authenticator>,
    /// Sandbox or production.
    pub mode: Mode,
    /// Bounds of the edge.
    pub limits: EdgeLimits,
    /// When the process began.
    pub started_at: Timestamp,
    /// Where customers reach this node, for the store directory.
    pub public_url: Option<String>,
    /// Bounds on requests.
    pub admission: Admission,
    /// Connections there are.
    pub places: Arc<Places>,
    /// The edge in figures.
    pub metrics: HttpMetrics,
    /// Everything that `/metrics` shows.
    pub registry: Registry,
    /// The push hub.
    pub push: Push,
    /// Encoded menus.
    pub menus: Menus,
    /// Who takes money here.
    pub providers: Providers,
    /// Business days for which closed orders are answered.
    pub closed_orders_days: u16,
    /// Becomes true when the node stops taking requests: whoever waits for something answers now.
    pub draining: watch::Receiver<bool>,
}

impl AppState {
    /// Follows whether the node is stopping.
    pub fn draining(&self) -> watch::Receiver<bool> {
        self.draining.clone()
    }
}

/// All routes of a node.
pub fn router(state: Arc<AppState>) -> Router {
    let sandbox = if state.mode == Mode::Sandbox { sandbox::routes().merge(tokens::routes()) } else { Router::new() };
    let json_calls = Router::new()
        .merge(customer::routes())
        .merge(store::routes())
        .merge(catalog::routes())
        .merge(ops::routes())
        .merge(sandbox)
        .merge(documents())
        .route_layer(axum::middleware::from_fn(accept::json_only));
    Router::new()
        .merge(json_calls)
        .merge(ops::text_routes())
        .merge(push::routes())
        .merge(crate::web::routes())
        .fallback(|| async { Problem::new(Kind::NotFound, "there is no such path") })
        .method_not_allowed_fallback(|| async { Problem::new(Kind::MethodNotAllowed, "not with this method") })
        .layer(axum::middleware::from_fn_with_state(Arc::clone(&state), front::front))
        .with_state(state)
}

/// The two documents that describe all this.
fn documents() -> Router<Arc<AppState>> {
    Router::new()
        .route("/openapi.json", get(|| async { answer::json_bytes(StatusCode::OK, openapi::document()) }))
        .route("/asyncapi.json", get(|| async { answer::json_bytes(StatusCode::OK, crate::push::ASYNCAPI) }))
}
