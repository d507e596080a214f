//! One order: looking at it, paying it, calling it off.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::api::AppState;
use crate::api::answer::{json, not_found, submit_about_order};
use crate::api::auth::{Caller, Customer};
use crate::api::body::{JsonBody, NoQuery, Nothing, OptionalJsonBody, PathId, Query};
use crate::api::problem::{Kind, Problem};
use crate::api::request_id::RequestId;
use crate::domain::actor::Actor;
use crate::domain::command::Command;
use crate::domain::id::OrderId;
use crate::domain::order::{Order, Status};
use crate::view::OrderView;

/// What else to say about an order.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct OrderQuery {
    /// Say how many orders the store makes before this one, too (`ahead`).
    #[serde(default)]
    ahead: bool,
}

/// The order, for whoever may see it; for others it is as if it did not exist.
#[utoipa::path(get, path = "/v1/orders/{order}", tag = "customer", security(("token" = [])),
    params(("order" = String, Path, description = "The order"), OrderQuery),
    responses((status = 200, description = "The order as it is now", body = OrderView)))]
pub async fn get_order(
    State(state): State<Arc<AppState>>,
    Caller(actor): Caller,
    PathId(id): PathId<OrderId>,
    Query(query): Query<OrderQuery>,
) -> Result<Response, Problem> {
    let order = find(&state, &actor, id).await?;
    let views = state.engine.views();
    let region = views.region().0;
    let ahead = query.ahead.then(|| views.ahead(&order)).flatten();
    Ok(json(StatusCode::OK, &OrderView { ahead, ..OrderView::of(&order, &region) }))
}

/// How to pay.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Pay)]
pub struct PayBody {
    /// A provider of this node, `sandbox` in sandbox mode; any other is `malformed`.
    provider: String,
}

/// What the client needs to pay.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Prepay)]
pub struct PrepayView {
    provider: &'static str,
    /// The provider's own.
    #[schema(value_type = Object)]
    prepay: serde_json::Value,
}

/// Prepares the payment of an order that waits for it. The order does not change.
#[utoipa::path(post, path = "/v1/orders/{order}/pay", tag = "customer", security(("token" = [])),
    params(("order" = String, Path, description = "The order")), request_body = PayBody,
    responses((status = 200, description = "What the client needs to pay", body = PrepayView)))]
pub async fn pay_order(
    State(state): State<Arc<AppState>>,
    Customer(_, actor): Customer,
    PathId(id): PathId<OrderId>,
    _: NoQuery,
    JsonBody(body): JsonBody<PayBody>,
) -> Result<Response, Problem> {
    let order = find(&state, &actor, id).await?;
    let Some(provider) = state.providers.get(&body.provider) else {
        let offered = state.providers.names().join(", ");
        return Err(Problem::malformed("provider", format!("not one of this node's: {offered}")));
    };
    if order.status != Status::AwaitingPayment {
        let status = order.status.as_str();
        let detail = format!("not possible any more: the order is {status}");
        return Err(Problem::new(Kind::WrongStatus, detail).with("order_status", status));
    }
    let prepay = provider.prepare(&order).await.map_err(|error| {
        tracing::warn!(order = %id, %error, "a payment could not be prepared");
        Problem::new(Kind::ProviderUnavailable, format!("{} does not answer", provider.name()))
    })?;
    Ok(json(StatusCode::OK, &PrepayView { provider: provider.name(), prepay }))
}

/// Calls the order off, until the store accepts. Money goes back by itself.
#[utoipa::path(post, path = "/v1/orders/{order}/cancel", tag = "customer", security(("token" = [])),
    params(("order" = String, Path, description = "The order")),
    responses((status = 200, description = "The order, cancelled", body = OrderView)))]
pub async fn cancel_order(
    State(state): State<Arc<AppState>>,
    Customer(_, actor): Customer,
    PathId(order): PathId<OrderId>,
    _: NoQuery,
    request_id: RequestId,
    _: OptionalJsonBody<Nothing>,
) -> Result<Response, Problem> {
    submit_about_order(&state, Command::CancelOrder { order }, actor, request_id).await
}

/// An order that `actor` may see.
pub(in crate::api) async fn find(state: &AppState, actor: &Actor, id: OrderId) -> Result<Arc<Order>, Problem> {
    match state.engine.order(id).await? {
        Some(order) if order.visible_to(actor) => Ok(order),
        _ => Err(not_found(state, id)),
    }
}
