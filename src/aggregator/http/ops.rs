//! How the centre is: readiness and status.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Serialize;
use utoipa::ToSchema;

use super::picture;
use crate::aggregator::picture::RegionEntry;
use crate::aggregator::region::applying::Trouble;
use crate::aggregator::state::Centre;
use crate::api::answer::json;
use crate::api::auth::Operator;
use crate::api::body::NoQuery;
use crate::api::ops::{CheckView, Readiness};
use crate::api::problem::Problem;

/// Whether the centre can receive, apply and answer.
#[utoipa::path(get, path = "/readyz", tag = "operations",
    responses((status = 200, description = "Ready", body = Readiness), (status = 503, description = "Not ready", body = Readiness)))]
pub async fn readiness(State(state): State<Arc<Centre>>, _: NoQuery) -> Response {
    let check =
        |name: String, problem: Option<String>| CheckView { name: name.into(), ok: problem.is_none(), detail: problem };
    let draining = state.edge.is_draining();
    let mut checks = vec![check("draining".to_owned(), draining.then(|| "the centre is stopping".to_owned()))];
    let mut store = None;
    for (region, why) in state.regions.broken() {
        checks.push(check(format!("storage/{region}"), Some(why)));
    }
    for region in state.regions.all() {
        let id = region.id();
        checks.push(check(format!("storage/{id}"), region.replica().failure().map(|why| why.to_string())));
        let (ended, waits) = match region.applying().trouble {
            Some(Trouble::Ended(why)) => (Some(why), None),
            Some(Trouble::Waiting(why)) => (None, Some(why)),
            None => (None, None),
        };
        store = store.or(waits);
        checks.push(check(format!("applying/{id}"), ended));
    }
    checks.push(check("store".to_owned(), store));
    Readiness::of(checks).answer()
}

/// How the centre is.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CentreStatus)]
pub struct Status {
    /// The program's version.
    version: &'static str,
    /// Always `aggregator`.
    role: &'static str,
    /// `production` or `sandbox`.
    mode: &'static str,
    /// Seconds since the start.
    uptime_seconds: i64,
    /// `embedded` or `postgres`.
    store: &'static str,
    /// Connections open.
    connections: usize,
    /// Readers of the live stream.
    stream_clients: usize,
    /// The regions.
    regions: Vec<RegionEntry>,
}

/// The centre in figures, for operators.
#[utoipa::path(get, path = "/v1/status", tag = "operations", security(("token" = [])),
    responses((status = 200, description = "The centre", body = Status)))]
pub async fn status(State(state): State<Arc<Centre>>, _: Operator, _: NoQuery) -> Result<Response, Problem> {
    let status = Status {
        version: env!("CARGO_PKG_VERSION"),
        role: "aggregator",
        mode: state.edge.mode.as_str(),
        uptime_seconds: state.edge.uptime_seconds(),
        store: state.store_kind,
        connections: state.edge.places.taken(),
        stream_clients: state.live.clients(),
        regions: picture(&state).await?.regions,
    };
    Ok(json(StatusCode::OK, &status))
}
