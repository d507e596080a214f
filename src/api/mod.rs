//! The HTTP edge: routes and extractors, tokens, problems, admission. A request becomes a command or a question to the
//! engine, an answer becomes JSON. Never here: rules of the business, files, timers.

pub mod auth;
pub mod body;
pub mod catalog_file;
pub mod problem;
pub mod request_id;

use std::sync::Arc;

use axum::Router;

use self::auth::Authenticator;
use self::problem::{Kind, Problem};
use crate::config::{EdgeLimits, Mode};
use crate::domain::time::Timestamp;
use crate::engine::Handle;

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
}

/// All routes of a node.
pub fn router(state: Arc<AppState>) -> Router {
    Router::new()
        .fallback(|| async { Problem::new(Kind::NotFound, "there is no such path") })
        .method_not_allowed_fallback(|| async { Problem::new(Kind::MethodNotAllowed, "not with this method") })
        .with_state(state)
}
