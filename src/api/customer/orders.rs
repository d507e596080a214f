//! The customer's own orders.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Serialize;
use utoipa::ToSchema;

use crate::api::AppState;
use crate::api::answer::json;
use crate::api::auth::Customer;
use crate::api::body::Query;
use crate::api::page::{PageQuery, decode_cursor, encode_cursor, limit};
use crate::api::problem::Problem;
use crate::domain::id::{OrderId, RegionId};
use crate::domain::order::Order;
use crate::view::OrderView;

/// A page of orders.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Orders)]
pub struct OrdersPage<'a> {
    orders: Vec<OrderView<'a>>,
    /// There when there are more.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    next_cursor: Option<String>,
}

impl<'a> OrdersPage<'a> {
    /// These orders; `more` of them come after the last.
    pub fn of(orders: &'a [Arc<Order>], region: &'a RegionId, more: bool) -> Self {
        let next_cursor = orders.last().filter(|_| more).map(|last| encode_cursor("o", &last.id.to_string()));
        Self { orders: orders.iter().map(|order| OrderView::of(order, region)).collect(), next_cursor }
    }
}

/// The order that a cursor of such a page names.
pub fn order_cursor(cursor: Option<&str>) -> Result<Option<OrderId>, Problem> {
    decode_cursor("cursor", "o", cursor, |id| id.parse().ok())
}

/// The customer's orders, newest first.
#[utoipa::path(get, path = "/v1/me/orders", tag = "customer", security(("token" = [])), params(PageQuery),
    responses((status = 200, description = "A page of orders", body = OrdersPage)))]
pub async fn list_my_orders(
    State(state): State<Arc<AppState>>,
    Customer(member, _): Customer,
    Query(query): Query<PageQuery>,
) -> Result<Response, Problem> {
    let limit = limit(query.limit)?;
    let before = order_cursor(query.cursor.as_deref())?;
    let orders = state.engine.orders_of_member(&member, before, limit).await?;
    let more = match orders.last().filter(|_| orders.len() == limit) {
        Some(last) => !state.engine.orders_of_member(&member, Some(last.id), 1).await?.is_empty(),
        None => false,
    };
    let (region, _) = state.engine.views().region();
    Ok(json(StatusCode::OK, &OrdersPage::of(&orders, &region, more)))
}
