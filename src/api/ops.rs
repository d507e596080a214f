//! Health, readiness, figures, status: for machines that watch and people who run the node.

use std::borrow::Cow;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde::Serialize;
use utoipa::ToSchema;

use super::AppState;
use super::answer;
use super::auth::Operator;
use super::body::NoQuery;
use super::edge::AtTheEdge;
use super::problem::Problem;
use super::projection::ProjectionView;
use super::replication::ReplicationView;

/// What answers JSON.
pub fn routes() -> Router<Arc<AppState>> {
    Router::new().route("/readyz", get(readiness)).route("/v1/status", get(status))
}

/// What answers text.
pub fn text_routes<S: AtTheEdge>() -> Router<Arc<S>> {
    Router::new().route("/healthz", get(health)).route("/metrics", get(metrics::<S>))
}

/// The process is alive.
#[utoipa::path(get, path = "/healthz", tag = "operations",
    responses((status = 200, description = "Alive", body = String, content_type = "text/plain")))]
pub async fn health(_: NoQuery) -> &'static str {
    "ok\n"
}

/// Whether the program can do what it is there for.
#[derive(Debug, Serialize, ToSchema)]
pub struct Readiness {
    /// Whether every check is fine.
    ready: bool,
    /// What was looked at.
    checks: Vec<CheckView>,
}

impl Readiness {
    /// Ready where every check is fine.
    pub fn of(checks: Vec<CheckView>) -> Self {
        Self { ready: checks.iter().all(|check| check.ok), checks }
    }

    /// 200 or 503.
    pub fn answer(&self) -> Response {
        let status = if self.ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
        answer::json(status, self)
    }
}

/// One thing looked at.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Check)]
pub struct CheckView {
    /// What.
    pub name: Cow<'static, str>,
    /// Whether it lets the program be ready.
    pub ok: bool,
    /// What a person should know.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub detail: Option<String>,
}

/// Whether orders can be taken now, and if not, why.
#[utoipa::path(get, path = "/readyz", tag = "operations",
    responses((status = 200, description = "Ready", body = Readiness), (status = 503, description = "Not ready", body = Readiness)))]
pub async fn readiness(State(state): State<Arc<AppState>>, _: NoQuery) -> Response {
    let mut checks: Vec<CheckView> = state
        .engine
        .checks()
        .into_iter()
        .map(|check| CheckView { name: check.name.into(), ok: check.ok, detail: check.detail })
        .collect();
    let draining = state.edge.is_draining();
    checks.push(CheckView {
        name: "draining".into(),
        ok: !draining,
        detail: draining.then(|| "the node is stopping".into()),
    });
    let on_sale = !state.engine.views().catalog().stores.is_empty();
    let empty = (!on_sale).then(|| "no store is on sale yet; import a catalogue".into());
    checks.push(CheckView { name: "catalog".into(), ok: true, detail: empty });
    if let Some(look) = &state.replication {
        // The centre may be away for as long as it likes: the region sells.
        checks.push(CheckView { name: "replication".into(), ok: true, detail: look().describe() });
    }
    Readiness::of(checks).answer()
}

/// Requests that wait in front of the writer.
#[derive(Debug, Serialize, ToSchema)]
pub struct QueueDepth {
    /// Payments, POS, refunds.
    critical: usize,
    /// New orders, claims, imports.
    normal: usize,
}

/// How the node is.
#[derive(Debug, Serialize, ToSchema)]
pub struct Status {
    /// The program's version.
    version: &'static str,
    /// Always `node`.
    role: &'static str,
    /// `production` or `sandbox`.
    mode: &'static str,
    /// The region.
    region: String,
    /// The epoch of the history that is written.
    epoch: u16,
    /// Seconds since the start.
    uptime_seconds: i64,
    /// Sequence of the last durable log entry.
    log_head: u64,
    /// First log entry that is still there.
    log_first: u64,
    /// Bytes of the log on disk.
    log_bytes: u64,
    /// The bound of these bytes, `retention.log_bytes`.
    log_bytes_max: u64,
    /// What of the log went before its time since the start because it came near that bound, if anything did.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    log_trimmed_early: Option<String>,
    /// What of the log was found to be damaged since the start, by file, offset and sequences, and what to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    log_damaged: Option<String>,
    /// Sequence of the newest snapshot.
    snapshot_at: u64,
    /// Sequence the centre has, as far as is known; left out where the region does not replicate.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    replicated_to: Option<u64>,
    /// The line to the centre; left out where the region does not replicate.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    replication: Option<ReplicationView>,
    /// Sequence up to which closed orders are on disk for questions.
    projected_to: u64,
    /// What is done about closed orders on disk; the progress of a rebuild.
    projection: ProjectionView,
    /// Requests waiting.
    queue_depth: QueueDepth,
    /// Orders that can still change.
    open_orders: usize,
    /// Connections open.
    connections: usize,
    /// Push connections open.
    push_connections: usize,
    /// Why nothing is acknowledged any more, if so.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    failed: Option<String>,
    /// Why new orders are refused for want of disk space, if so.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    disk_full: Option<String>,
    /// Why this node may not go on with its region, if so.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    fenced: Option<String>,
}

/// The node in figures, for operators.
#[utoipa::path(get, path = "/v1/status", tag = "operations", security(("token" = [])),
    responses((status = 200, description = "The node", body = Status)))]
pub async fn status(State(state): State<Arc<AppState>>, _: Operator, _: NoQuery) -> Response {
    let engine = state.engine.status();
    let replication = state.replication.as_ref().map(|look| look());
    let status = Status {
        version: env!("CARGO_PKG_VERSION"),
        role: "node",
        mode: state.edge.mode.as_str(),
        region: engine.region.to_string(),
        epoch: engine.epoch,
        uptime_seconds: state.edge.uptime_seconds(),
        log_head: engine.log_head,
        log_first: engine.log_first,
        log_bytes: engine.log_bytes,
        log_bytes_max: engine.log_bytes_max,
        log_trimmed_early: engine.log_trimmed_early,
        log_damaged: engine.log_damaged,
        snapshot_at: engine.snapshot_at,
        replicated_to: replication.as_ref().map(|replication| replication.acknowledged),
        replication,
        projected_to: engine.projected_to,
        projection: ProjectionView::of(&engine.projection),
        queue_depth: QueueDepth { critical: engine.critical_queue, normal: engine.normal_queue },
        open_orders: engine.open_orders,
        connections: state.edge.places.taken(),
        push_connections: state.push.connections(),
        failed: engine.failed,
        disk_full: engine.disk_full,
        fenced: engine.fenced,
    };
    answer::json(StatusCode::OK, &status)
}

/// Figures in OpenMetrics text.
#[utoipa::path(get, path = "/metrics", tag = "operations",
    responses((status = 200, description = "OpenMetrics", body = String, content_type = "application/openmetrics-text")))]
pub async fn metrics<S: AtTheEdge>(State(state): State<Arc<S>>, _: NoQuery) -> Response {
    let gauge = |value: usize| i64::try_from(value).unwrap_or(i64::MAX);
    let edge = state.edge();
    edge.metrics.in_flight.set(gauge(edge.admission.in_flight()));
    edge.metrics.connections.set(gauge(edge.places.taken()));
    edge.metrics.tokens_cached.set(gauge(edge.authenticator.cached()));
    state.refresh_metrics();
    let mut text = String::new();
    if let Err(error) = prometheus_client::encoding::text::encode(&mut text, &edge.registry) {
        tracing::error!(%error, "the figures could not be written");
        return Problem::defect().into_response();
    }
    let mut response = text.into_response();
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}
