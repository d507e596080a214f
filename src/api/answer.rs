//! What goes out: views as JSON, and commands handed to the engine with who asks.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use super::AppState;
use super::problem::Problem;
use super::request_id::RequestId;
use crate::domain::actor::Actor;
use crate::domain::command::Command;
use crate::domain::order::Order;
use crate::engine::answer::{Answer, Request};
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
    Ok(state.engine.submit(Request { command, actor, request_id, device: None }).await?)
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

/// The engine answered something else than was asked.
pub fn unexpected(answer: &Answer) -> Problem {
    tracing::error!(?answer, "the engine answered another question");
    Problem::defect()
}
