//! Orders of the whole country, newest first.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{given, parsed, word};
use crate::aggregator::state::Centre;
use crate::aggregator::store::{OrderKey, OrderQuery};
use crate::api::answer::json_bytes;
use crate::api::auth::Operator;
use crate::api::body::Query;
use crate::api::page::{decode_cursor, encode_cursor, limit};
use crate::api::problem::Problem;
use crate::domain::id::{RegionId, StoreId};
use crate::domain::order::Status;
use crate::domain::time::Timestamp;
use crate::limits::ORDER_PAGES_JOINED_MAX;
use crate::view::{OrderView, Rfc3339};

/// Which orders.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct OrdersQuery {
    /// Of this region.
    region: Option<String>,
    /// Of this store.
    store: Option<String>,
    /// In this status.
    #[param(example = "paid")]
    status: Option<String>,
    /// Placed at or after this time.
    #[param(example = "2026-11-23T00:00:00.000Z")]
    from: Option<String>,
    /// Placed before this time.
    to: Option<String>,
    /// `next_cursor` of the page before; none or empty begins.
    cursor: Option<String>,
    /// Orders on a page.
    #[param(minimum = 1, maximum = 500, default = 50)]
    limit: Option<u32>,
}

/// A page of orders.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = OrdersOfCountry)]
pub struct OrdersPageShape<'a> {
    orders: Vec<OrderView<'a>>,
    /// There when there are more; a page may be short and yet have one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    next_cursor: Option<String>,
}

/// Orders, newest business day and number first.
#[utoipa::path(get, path = "/v1/orders", tag = "headquarters", security(("token" = [])), params(OrdersQuery),
    responses((status = 200, description = "A page of orders", body = OrdersPageShape)))]
pub async fn list_orders(
    State(state): State<Arc<Centre>>,
    _: Operator,
    Query(query): Query<OrdersQuery>,
) -> Result<Response, Problem> {
    let region = parsed::<RegionId>("region", query.region.as_deref())?;
    let regions = match region {
        Some(region) if state.regions.get(&region).is_none() => {
            return Err(Problem::malformed("region", format!("there is no region {region}")));
        }
        Some(region) => vec![region],
        None => state.regions.all().iter().map(|region| region.id().clone()).collect(),
    };
    let status = given(query.status.as_deref());
    let mut asked = OrderQuery {
        regions,
        store: parsed::<StoreId>("store", query.store.as_deref())?,
        status: status.map(|text| word("status", text, &Status::ALL, Status::as_str)).transpose()?,
        from: time("from", query.from.as_deref())?,
        to: time("to", query.to.as_deref())?,
        after: decode_cursor("cursor", "n", query.cursor.as_deref(), parse_key)?,
        limit: limit(query.limit)?,
    };
    let wanted = asked.limit;
    let mut orders: Vec<Bytes> = Vec::new();
    let mut next = None;
    // A store that looks at a bounded number of orders may find few of a rare kind in one go.
    for _ in 0..ORDER_PAGES_JOINED_MAX {
        asked.limit = wanted - orders.len();
        let page = state.store.orders(&asked).await?;
        orders.extend(page.orders);
        next.clone_from(&page.next);
        if orders.len() >= wanted || page.next.is_none() {
            break;
        }
        asked.after = page.next;
    }
    let next = next.map(|key| encode_cursor("n", &format!("{}:{}", key.packed, key.region)));
    Ok(json_bytes(StatusCode::OK, join(&orders, next.as_deref())))
}

fn parse_key(place: &str) -> Option<OrderKey> {
    let (packed, region) = place.split_once(':')?;
    Some(OrderKey { packed: packed.parse().ok()?, region: region.parse().ok()? })
}

fn time(field: &str, text: Option<&str>) -> Result<Option<Timestamp>, Problem> {
    let parse = |text| Rfc3339::parse(text).ok_or_else(|| Problem::malformed(field, "not an RFC 3339 time"));
    given(text).map(parse).transpose()
}

/// A page of orders that are JSON already.
fn join(orders: &[Bytes], next_cursor: Option<&str>) -> Vec<u8> {
    let mut out = Vec::with_capacity(orders.iter().map(|order| order.len() + 1).sum::<usize>() + 128);
    out.extend_from_slice(b"{\"orders\":[");
    for (index, order) in orders.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        out.extend_from_slice(order);
    }
    out.push(b']');
    if let Some(cursor) = next_cursor {
        // A cursor is base 64: nothing in it needs an escape.
        out.extend_from_slice(b",\"next_cursor\":\"");
        out.extend_from_slice(cursor.as_bytes());
        out.push(b'"');
    }
    out.push(b'}');
    out
}
