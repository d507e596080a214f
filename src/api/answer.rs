//! What goes out: views as JSON, and commands handed to the engine with who asks.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use super::AppState;
use super::problem::{Kind, Problem};
use super::request_id::RequestId;
use crate::domain::actor::Actor;
use crate::domain::command::Command;
use crate::domain::id::OrderId;
use crate::domain::order::Order;
use crate::domain::rejection::Rejection;
use crate::domain::time::{MinuteOfDay, business_day};
use crate::engine::answer::{Answer, Refusal, Request};
use crate::view::encode_order;

/// A JSON answer.
pub fn json(status: StatusCode, value: &impl Serialize) -> Response {
    match serde_json::to_vec(value) {
        Ok(body) => json_bytes(status, body),
        Err(error) => {
            tracing::error!(%error, "an answer could not be written as JSON");
            Problem::defect().into_response()
        }
    }
}

/// JSON that is encoded already.
pub fn json_bytes(status: StatusCode, body: impl Into<axum::body::Body>) -> Response {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// An order.
pub fn order(state: &AppState, status: StatusCode, order: &Order) -> Response {
    json_bytes(status, encode_order(order, &state.engine.views().region().0))
}

/// Asks the engine on somebody's behalf.
pub async fn submit(
    state: &AppState,
    command: Command,
    actor: Actor,
    RequestId(request_id): RequestId,
) -> Result<Answer, Problem> {
    let asked = state.engine.submit(Request { command, actor, request_id, device: None }).await;
    asked.map_err(|refusal| match refusal {
        Refusal::Rejected(Rejection::OrderNotFound { order }) => not_found(state, order),
        refusal => refusal.into(),
    })
}

/// Asks the engine for something that is answered by an order.
pub async fn submit_about_order(
    state: &AppState,
    command: Command,
    actor: Actor,
    request_id: RequestId,
) -> Result<Response, Problem> {
    match submit(state, command, actor, request_id).await? {
        Answer::Order { order: now, .. } => Ok(order(state, StatusCode::OK, &now)),
        other => Err(unexpected(&other)),
    }
}

/// What is said about an order that is not there, or not for whoever asks: neither reveals whether it ever was.
pub fn not_found(state: &AppState, id: OrderId) -> Problem {
    if is_past_retention(state, id) || state.engine.may_be_gone(id) {
        Problem::new(Kind::Gone, "orders of that day are no longer kept here")
    } else {
        Problem::not_found()
    }
}

/// Whether an order of that day could be here no longer.
fn is_past_retention(state: &AppState, id: OrderId) -> bool {
    let views = state.engine.views();
    // One day more: stores' days begin hours apart.
    let days = state.closed_orders_days.saturating_add(1);
    let today = business_day(&jiff::tz::TimeZone::UTC, MinuteOfDay::default(), state.engine.now());
    id.region() == views.region_tag() && id.day().0.saturating_add(days) < today.0
}

/// The engine answered something else than was asked.
pub fn unexpected(answer: &Answer) -> Problem {
    tracing::error!(?answer, "the engine answered another question");
    Problem::defect()
}
