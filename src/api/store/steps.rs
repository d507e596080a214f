//! The steps of a paid order: accepted or rejected, ready, collected. Repeating one is answered with the order as it is.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::api::AppState;
use crate::api::answer::submit_about_order;
use crate::api::auth::StoreStaff;
use crate::api::body::{JsonBody, NoQuery, Nothing, OptionalJsonBody, PathId};
use crate::api::problem::Problem;
use crate::api::request_id::RequestId;
use crate::api::text::short_required;
use crate::domain::command::Command;
use crate::domain::id::OrderId;
use crate::view::OrderView;

/// How the store takes an order.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Accept)]
pub struct AcceptBody {
    /// The POS's own code, 1 to 12 of `A-Z a-z 0-9 -`; without one the node gives a number.
    #[schema(min_length = 1, max_length = 12)]
    pickup_code: Option<String>,
}

/// Takes the order; it has a pickup code from then on.
#[utoipa::path(post, path = "/v1/orders/{order}/accept", tag = "store", security(("token" = [])),
    params(("order" = String, Path, description = "The order")), request_body = Option<AcceptBody>,
    responses((status = 200, description = "The order, accepted", body = OrderView)))]
pub async fn accept_order(
    State(state): State<Arc<AppState>>,
    StoreStaff(actor): StoreStaff,
    PathId(order): PathId<OrderId>,
    _: NoQuery,
    request_id: RequestId,
    OptionalJsonBody(body): OptionalJsonBody<AcceptBody>,
) -> Result<Response, Problem> {
    let code = body
        .pickup_code
        .as_deref()
        .map(|text| text.parse().map_err(|error: crate::domain::id::IdError| Problem::malformed("pickup_code", error)));
    let command = Command::AcceptOrder { order, pickup_code: code.transpose()? };
    submit_about_order(&state, command, actor, request_id).await
}

/// Why an order can't be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Reject)]
pub struct RejectBody {
    /// For the customer.
    #[schema(min_length = 1, max_length = 200)]
    reason: String,
}

/// Calls the order off, until it is collected. Money goes back by itself.
#[utoipa::path(post, path = "/v1/orders/{order}/reject", tag = "store", security(("token" = [])),
    params(("order" = String, Path, description = "The order")), request_body = RejectBody,
    responses((status = 200, description = "The order, rejected", body = OrderView)))]
pub async fn reject_order(
    State(state): State<Arc<AppState>>,
    StoreStaff(actor): StoreStaff,
    PathId(order): PathId<OrderId>,
    _: NoQuery,
    request_id: RequestId,
    JsonBody(body): JsonBody<RejectBody>,
) -> Result<Response, Problem> {
    let command = Command::RejectOrder { order, reason: short_required("reason", &body.reason)? };
    submit_about_order(&state, command, actor, request_id).await
}

/// It is on the counter.
#[utoipa::path(post, path = "/v1/orders/{order}/ready", tag = "store", security(("token" = [])),
    params(("order" = String, Path, description = "The order")),
    responses((status = 200, description = "The order, ready", body = OrderView)))]
pub async fn mark_ready(
    State(state): State<Arc<AppState>>,
    StoreStaff(actor): StoreStaff,
    PathId(order): PathId<OrderId>,
    _: NoQuery,
    request_id: RequestId,
    _: OptionalJsonBody<Nothing>,
) -> Result<Response, Problem> {
    submit_about_order(&state, Command::MarkReady { order }, actor, request_id).await
}

/// The customer has it.
#[utoipa::path(post, path = "/v1/orders/{order}/collected", tag = "store", security(("token" = [])),
    params(("order" = String, Path, description = "The order")),
    responses((status = 200, description = "The order, collected", body = OrderView)))]
pub async fn mark_collected(
    State(state): State<Arc<AppState>>,
    StoreStaff(actor): StoreStaff,
    PathId(order): PathId<OrderId>,
    _: NoQuery,
    request_id: RequestId,
    _: OptionalJsonBody<Nothing>,
) -> Result<Response, Problem> {
    submit_about_order(&state, Command::MarkCollected { order }, actor, request_id).await
}
