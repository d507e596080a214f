//! The HTTP edge: routes and extractors, tokens, problems, admission. A request becomes a command or a question to the
//! engine, an answer becomes JSON. Never here: rules of the business, files, timers.

pub mod accept;
pub mod answer;
pub mod auth;
pub mod body;
pub mod catalog;
pub mod catalog_file;
pub mod customer;
pub mod menus;
pub mod openapi;
pub mod page;
pub mod problem;
pub mod request_id;
pub mod sandbox;
pub mod store;
pub mod text;

use std::sync::Arc;

use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;

use tokio::sync::watch;

use self::auth::Authenticator;
use self::menus::Menus;
use self::problem::{Kind, Problem};
use crate::config::{EdgeLimits, Mode};
use crate::domain::time::Timestamp;
use crate::engine::Handle;
use crate::payment::Providers;

/// What every handler may use.
pub struct AppState {
    /// The way to the engine.
    pub engine: Handle,
    /// Checks tokens.
    pub authenticator: Authenticator,
    /// Sandbox or production.
    pub mode: Mode,
    /// Bounds of the edge.
    pub limits: EdgeLimits,
    /// When the process began.
    pub started_at: Timestamp,
    /// Where customers reach this node, for the store directory.
    pub public_url: Option<String>,
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
    let sandbox = if state.mode == Mode::Sandbox { sandbox::routes() } else { Router::new() };
    let json_calls = Router::new()
        .merge(customer::routes())
        .merge(store::routes())
        .merge(catalog::routes())
        .merge(crate::web::routes())
        .merge(sandbox)
        .merge(documents())
        .route_layer(axum::middleware::from_fn(accept::json_only));
    Router::new()
        .merge(json_calls)
        .fallback(|| async { Problem::new(Kind::NotFound, "there is no such path") })
        .method_not_allowed_fallback(|| async { Problem::new(Kind::MethodNotAllowed, "not with this method") })
        .with_state(state)
}

/// The two documents that describe all this.
fn documents() -> Router<Arc<AppState>> {
    Router::new()
        .route("/openapi.json", get(|| async { answer::json_bytes(StatusCode::OK, openapi::document()) }))
        .route("/asyncapi.json", get(|| async { answer::json_bytes(StatusCode::OK, crate::push::ASYNCAPI) }))
}
