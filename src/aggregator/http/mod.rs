//! The centre's calls: a question to memory or to the store becomes JSON; a region's node comes in here. Never here: what the
//! figures mean, or who may ship.

pub mod history;
pub mod openapi;
pub mod ops;
pub mod order;
pub mod orders;
pub mod region_token;
pub mod regions;
pub mod replicate;
pub mod seed;
pub mod series;
pub mod stores;
pub mod stream;
pub mod summary;

use std::sync::Arc;

use axum::Router;
use axum::http::StatusCode;
use axum::routing::{get, post};

use super::picture::Picture;
use super::state::Centre;
use super::store::StoreError;
use crate::api::problem::{Kind, Problem};
use crate::api::{accept, answer, behind_the_edge, tokens};
use crate::config::Mode;

/// All routes of the centre.
pub fn router(state: Arc<Centre>) -> Router {
    let sandbox = if state.edge.mode == Mode::Sandbox { tokens::routes() } else { Router::new() };
    let json_calls = Router::new()
        .route("/v1/summary", get(summary::get_summary))
        .route("/v1/regions", get(regions::list_regions))
        .route("/v1/regions/{region}/stores", get(regions::list_region_stores))
        .route("/v1/regions/{region}/epoch", post(seed::grant_epoch))
        .route("/v1/stores", get(stores::find_stores))
        .route("/v1/orders", get(orders::list_orders))
        .route("/v1/orders/{order}", get(order::get_order))
        .route("/v1/series", get(series::get_series))
        .route("/readyz", get(ops::readiness))
        .route("/v1/status", get(ops::status))
        .route("/openapi.json", get(|| async { answer::json_bytes(StatusCode::OK, openapi::document()) }))
        .route("/asyncapi.json", get(|| async { answer::json_bytes(StatusCode::OK, ASYNCAPI) }))
        .merge(sandbox)
        .route_layer(axum::middleware::from_fn(accept::json_only));
    let routes = Router::new()
        .merge(json_calls)
        .route("/v1/stream", get(stream::follow))
        .route("/v1/replicate", get(replicate::open))
        .route("/v1/regions/{region}/log", get(seed::read_log))
        .route("/v1/regions/{region}/snapshot", get(seed::read_snapshot))
        .merge(crate::api::ops::text_routes())
        .merge(crate::web::aggregator_routes());
    behind_the_edge(routes, state)
}

/// The document of the two live lines.
const ASYNCAPI: &str = include_str!("asyncapi.json");

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        let text = error.to_string();
        match error {
            StoreError::Rebuilding | StoreError::OtherHistory { .. } => Self::new(Kind::Rebuilding, text),
            StoreError::Unavailable(_) | StoreError::Refused(_) => Self::new(Kind::StoreUnavailable, text),
        }
    }
}

/// The country now. On a thread that may take its time: a large one has many stores.
async fn picture(state: &Centre) -> Result<Picture, Problem> {
    let (regions, now) = (Arc::clone(&state.regions), state.edge.now());
    blocking(move || Picture::of(&regions, now)).await
}

/// Runs something that waits for files or takes its time.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Problem> {
    tokio::task::spawn_blocking(work).await.map_err(|error| {
        tracing::error!(%error, "an answer's thread ended badly");
        Problem::defect()
    })
}

/// A parameter that may be missing; empty counts as missing.
fn given(text: Option<&str>) -> Option<&str> {
    text.filter(|text| !text.is_empty())
}

/// A parameter of a kind, or 400 that names it.
fn parsed<T: std::str::FromStr<Err: std::fmt::Display>>(field: &str, text: Option<&str>) -> Result<Option<T>, Problem> {
    given(text).map(|text| text.parse().map_err(|error| Problem::malformed(field, error))).transpose()
}

/// One of a few words, or 400 that lists them.
fn word<T: Copy>(field: &str, text: &str, words: &[T], name: impl Fn(T) -> &'static str) -> Result<T, Problem> {
    let known = words.iter().copied().find(|word| name(*word) == text);
    known.ok_or_else(|| {
        let names: Vec<&str> = words.iter().map(|word| name(*word)).collect();
        Problem::malformed(field, format!("{text:?} is none of {}", names.join(", ")))
    })
}
