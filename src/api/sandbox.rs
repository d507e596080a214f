//! Sandbox mode's stand-in for a payment provider's notification. Not routed in production.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::post;
use serde::Deserialize;
use utoipa::ToSchema;

use super::AppState;
use super::answer::{self, submit_about_order};
use super::body::{NoQuery, Nothing, OptionalJsonBody, PathId};
use super::customer::order::find;
use super::problem::Problem;
use super::request_id::RequestId;
use crate::domain::actor::Actor;
use crate::domain::command::Command;
use crate::domain::id::{IdError, OrderId, ProviderReference};
use crate::domain::money::Fen;
use crate::domain::order::PAYMENT_MAX;
use crate::payment::Sandbox;
use crate::view::OrderView;

/// The sandbox's payment calls.
pub fn routes() -> Router<Arc<AppState>> {
    Router::new()
        .route("/v1/sandbox/payments/{order}/succeed", post(succeed_payment))
        .route("/v1/sandbox/payments/{order}/fail", post(fail_payment))
}

/// Another payment than the plain one.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SandboxPayment)]
pub struct SandboxPaymentBody {
    /// The provider's transaction id: another one is a second payment. One that begins with `refund-fails-once` is
    /// refunded only at the second attempt.
    #[schema(min_length = 1, max_length = 64)]
    reference: Option<String>,
    /// Fen that came, where it is not what was payable.
    #[schema(minimum = 1)]
    amount: Option<i64>,
}

/// The customer paid. Said again it is the same payment.
#[utoipa::path(post, path = "/v1/sandbox/payments/{order}/succeed", tag = "sandbox",
    params(("order" = String, Path, description = "The order")), request_body = Option<SandboxPaymentBody>,
    responses((status = 200, description = "The order as it is now", body = OrderView)))]
pub async fn succeed_payment(
    State(state): State<Arc<AppState>>,
    PathId(id): PathId<OrderId>,
    _: NoQuery,
    request_id: RequestId,
    OptionalJsonBody(body): OptionalJsonBody<SandboxPaymentBody>,
) -> Result<Response, Problem> {
    let reference: ProviderReference = match body.reference {
        Some(text) => text.parse().map_err(|error: IdError| Problem::malformed("reference", error))?,
        None => format!("sandbox-{id}").parse().map_err(|error: IdError| Problem::malformed("order", error))?,
    };
    if body.amount.is_some_and(|amount| !(1..=PAYMENT_MAX.0).contains(&amount)) {
        return Err(Problem::malformed("amount", format!("not between 1 and {}", PAYMENT_MAX.0)));
    }
    let order = find(&state, &Actor::Provider, id).await?;
    let command = Command::RecordPayment {
        order: id,
        provider: Sandbox::NAME.into(),
        reference,
        amount: body.amount.map_or(order.payable, Fen),
    };
    submit_about_order(&state, command, Actor::Provider, request_id).await
}

/// The customer did not pay. Nothing changes: the order waits for its money until it is due.
#[utoipa::path(post, path = "/v1/sandbox/payments/{order}/fail", tag = "sandbox",
    params(("order" = String, Path, description = "The order")),
    responses((status = 200, description = "The order as it is now", body = OrderView)))]
pub async fn fail_payment(
    State(state): State<Arc<AppState>>,
    PathId(id): PathId<OrderId>,
    _: NoQuery,
    _: OptionalJsonBody<Nothing>,
) -> Result<Response, Problem> {
    let order = find(&state, &Actor::Provider, id).await?;
    Ok(answer::order(&state, StatusCode::OK, &order))
}
