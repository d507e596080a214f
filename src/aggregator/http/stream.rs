//! The live stream: what the dashboard shows, as server-sent events.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::Response;

use crate::aggregator::state::Centre;
use crate::api::accept::takes;
use crate::api::auth::Operator;
use crate::api::body::NoQuery;
use crate::api::problem::{Kind, Problem};

/// Follows the country: first a `snapshot`, then a `tick` every second in which something changed and every five seconds
/// otherwise, each with everything there is to show. Comes again by `retry`; `Last-Event-ID` is not needed.
#[utoipa::path(get, path = "/v1/stream", tag = "headquarters", security(("token" = [])),
    responses((status = 200, description = "Events whose data is a `Picture`", body = crate::aggregator::picture::Picture,
               content_type = "text/event-stream")))]
pub async fn follow(
    State(state): State<Arc<Centre>>,
    _: Operator,
    _: NoQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    if !takes(&headers, "text", "event-stream") {
        return Err(Problem::new(Kind::NotAcceptable, "this path answers text/event-stream only"));
    }
    if state.edge.is_draining() {
        return Err(Problem::new(Kind::ShuttingDown, "the centre is shutting down"));
    }
    let overloaded = || Problem::new(Kind::Overloaded, "too many readers of the stream");
    let stream = state.live.open().await.ok_or_else(overloaded)?;
    let mut response = Response::new(Body::from_stream(stream));
    let fields = [
        (header::CONTENT_TYPE, "text/event-stream"),
        (header::CACHE_CONTROL, "no-store"),
        // nginx would hold events back until it has a buffer full.
        (header::HeaderName::from_static("x-accel-buffering"), "no"),
    ];
    response.headers_mut().extend(fields.map(|(name, value)| (name, HeaderValue::from_static(value))));
    Ok(response)
}
