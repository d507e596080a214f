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
pub mod edge;
pub mod front;
pub mod menus;
pub mod metrics;
pub mod objects;
pub mod openapi;
pub mod ops;
pub mod page;
pub mod pictures;
pub mod problem;
pub mod push;
pub mod replication;
pub mod request_id;
pub mod sandbox;
pub mod server;
pub mod store;
pub mod store_search;
pub mod text;
pub mod tokens;
pub mod websocket;

use std::sync::Arc;

use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;

use self::edge::{AtTheEdge, Edge};
use self::menus::Menus;
use self::problem::{Kind, Problem};
use crate::config::Mode;
use crate::engine::Handle;
use crate::payment::Providers;
use crate::push::Push;

/// What every handler may use.
pub struct AppState {
    /// The way to the engine.
    pub engine: Handle,
    /// Who comes in, and what is counted.
    pub edge: Edge,
    /// Where customers reach this node, for the store directory.
    pub public_url: Option<String>,
    /// The push hub.
    pub push: Push,
    /// Encoded menus, and the pictures that they name.
    pub menus: Menus,
    /// Who takes money here.
    pub providers: Providers,
    /// Business days for which closed orders are answered.
    pub closed_orders_days: u16,
    /// How the line to the centre is, where there is one.
    pub replication: Option<replication::ReplicationLook>,
}

impl AtTheEdge for AppState {
    fn edge(&self) -> &Edge {
        &self.edge
    }

    fn refresh_metrics(&self) {
        // Asking brings the engine's gauges up to date.
        self.engine.metrics();
    }
}

/// All routes of a node.
pub fn router(state: Arc<AppState>) -> Router {
    let sandbox =
        if state.edge.mode == Mode::Sandbox { sandbox::routes().merge(tokens::routes()) } else { Router::new() };
    let json_calls = Router::new()
        .merge(customer::routes())
        .merge(store::routes())
        .merge(catalog::routes())
        .merge(ops::routes())
        .merge(sandbox)
        .merge(documents())
        .route_layer(axum::middleware::from_fn(accept::json_only));
    let routes = Router::new()
        .merge(json_calls)
        .merge(ops::text_routes())
        .merge(push::routes())
        .merge(pictures::routes())
        .merge(crate::web::routes());
    behind_the_edge(routes, state)
}

/// Routes with what stands before all of them: front, and problems for paths and methods that there are not.
pub fn behind_the_edge<S: AtTheEdge>(routes: Router<Arc<S>>, state: Arc<S>) -> Router {
    routes
        .fallback(|| async { Problem::new(Kind::NotFound, "there is no such path") })
        .method_not_allowed_fallback(|| async { Problem::new(Kind::MethodNotAllowed, "not with this method") })
        .layer(axum::middleware::from_fn_with_state(Arc::clone(&state), front::front::<S>))
        .with_state(state)
}

/// The two documents that describe all this.
fn documents() -> Router<Arc<AppState>> {
    Router::new()
        .route("/openapi.json", get(|| async { answer::json_bytes(StatusCode::OK, openapi::document()) }))
        .route("/asyncapi.json", get(|| async { answer::json_bytes(StatusCode::OK, crate::push::ASYNCAPI) }))
}
