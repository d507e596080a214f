//! The store's orders of a business day, to look something up.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;
use utoipa::IntoParams;

use super::check;
use super::queue::today;
use crate::api::AppState;
use crate::api::answer::json;
use crate::api::auth::StoreStaff;
use crate::api::body::{PathId, Query};
use crate::api::customer::orders::{OrdersPage, order_cursor};
use crate::api::page::limit;
use crate::api::problem::Problem;
use crate::domain::id::StoreId;
use crate::domain::order::Status;
use crate::domain::time::BusinessDay;
use crate::engine::history::StoreOrdersFilter;

/// Which of the store's orders.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct StoreOrdersQuery {
    /// The day they were placed on; today where not said.
    #[param(format = Date, example = "2026-11-23")]
    business_day: Option<String>,
    /// Only in this status.
    #[param(example = "ready")]
    status: Option<String>,
    /// Only with this pickup code.
    code: Option<String>,
    /// `next_cursor` of the page before; none or empty begins.
    cursor: Option<String>,
    /// Orders on a page.
    #[param(minimum = 1, maximum = 500, default = 50)]
    limit: Option<u32>,
}

/// The store's orders of a business day, in the order they were placed.
#[utoipa::path(get, path = "/v1/stores/{store}/orders", tag = "store", security(("token" = [])),
    params(("store" = String, Path, description = "The store"), StoreOrdersQuery),
    responses((status = 200, description = "A page of orders", body = OrdersPage)))]
pub async fn list_store_orders(
    State(state): State<Arc<AppState>>,
    staff: StoreStaff,
    PathId(store): PathId<StoreId>,
    Query(query): Query<StoreOrdersQuery>,
) -> Result<Response, Problem> {
    check(&state, &staff, &store)?;
    let limit = limit(query.limit)?;
    let after = order_cursor(query.cursor.as_deref())?;
    let filter = StoreOrdersFilter {
        day: match given(query.business_day.as_deref()) {
            None => today(&state, &store),
            Some(text) => parse_day(text)
                .ok_or_else(|| Problem::malformed("business_day", "expected a date such as 2026-11-23"))?,
        },
        status: given(query.status.as_deref())
            .map(|text| {
                let known = Status::ALL.into_iter().find(|status| status.as_str() == text);
                known.ok_or_else(|| Problem::malformed("status", "not a status of an order"))
            })
            .transpose()?,
        code: given(query.code.as_deref())
            .map(|text| text.parse().map_err(|error| Problem::malformed("code", error)))
            .transpose()?,
    };
    let orders = state.engine.orders_of_store(&store, filter.clone(), after, limit).await?;
    let more = match orders.last().filter(|_| orders.len() == limit) {
        Some(last) => !state.engine.orders_of_store(&store, filter, Some(last.id), 1).await?.is_empty(),
        None => false,
    };
    let (region, _) = state.engine.views().region();
    Ok(json(StatusCode::OK, &OrdersPage::of(&orders, &region, more)))
}

/// A parameter that is there but empty is as good as none, as forms send it.
fn given(parameter: Option<&str>) -> Option<&str> {
    parameter.filter(|text| !text.is_empty())
}

fn parse_day(text: &str) -> Option<BusinessDay> {
    let date: jiff::civil::Date = text.parse().ok()?;
    // The library knows other spellings of a date too.
    (date.to_string() == text).then(|| BusinessDay::from_date(date)).flatten()
}
