//! One order with what happened to it.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Serialize;
use utoipa::ToSchema;

use super::blocking;
use super::history::{self, HistoryEntry, Times};
use crate::aggregator::region::Region;
use crate::aggregator::state::Centre;
use crate::api::answer::json_bytes;
use crate::api::auth::Operator;
use crate::api::body::{NoQuery, PathId};
use crate::api::problem::{Kind, Problem};
use crate::domain::id::OrderId;
use crate::view::OrderView;

/// An order with its history.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = OrderWithHistory)]
pub struct OrderWithHistory<'a> {
    #[serde(flatten)]
    order: OrderView<'a>,
    /// What happened to it, in order.
    history: Vec<HistoryEntry>,
    /// Whether that is all that happened; not where the log was trimmed, or has too much between.
    history_complete: bool,
    /// True where it was open before a gap of the centre's copy and not behind it: it ended in between, and how is known to
    /// its region only. What is shown is how it was last seen. Left out elsewhere.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    ended_unseen: Option<bool>,
}

/// An order and its history: every event with who caused it, read from the region's log.
#[utoipa::path(get, path = "/v1/orders/{order}", tag = "headquarters", security(("token" = [])),
    params(("order" = String, Path, description = "The order")),
    responses((status = 200, description = "The order with its history", body = OrderWithHistory)))]
pub async fn get_order(
    State(state): State<Arc<Centre>>,
    _: Operator,
    PathId(id): PathId<OrderId>,
    _: NoQuery,
) -> Result<Response, Problem> {
    let region = state.regions.of_order(id).ok_or_else(Problem::not_found)?;
    // Asked first: one that closes meanwhile was there.
    let is_there = region.reads().views().order(id).is_some();
    let order = state.store.order(region.id(), id).await?.ok_or_else(Problem::not_found)?;
    let times = Times::of(&order).ok_or_else(Problem::defect)?;
    let ended_unseen = !is_there && times.is_open() && is_before_a_gap(&region, &times);
    let permit = Arc::clone(&state.histories).try_acquire_owned();
    let permit = permit.map_err(|_| Problem::new(Kind::Overloaded, "too many histories are being read"))?;
    let read = blocking(move || {
        let read = history::read(&region, id, &times);
        drop(permit);
        read
    });
    Ok(json_bytes(StatusCode::OK, with_history(&order, &read.await?, ended_unseen)?))
}

fn is_before_a_gap(region: &Region, times: &Times) -> bool {
    let created = times.created();
    region.replica().gaps().iter().any(|gap| created.is_some_and(|created| created <= gap.from_time))
}

/// Puts the history into an order that is JSON already.
fn with_history(order: &Bytes, history: &history::History, ended_unseen: bool) -> Result<Vec<u8>, Problem> {
    let open = order.strip_suffix(b"}").ok_or_else(Problem::defect)?;
    let entries = serde_json::to_vec(&history.entries).map_err(|_| Problem::defect())?;
    let mut out = Vec::with_capacity(open.len() + entries.len() + 64);
    out.extend_from_slice(open);
    out.extend_from_slice(b",\"history\":");
    out.extend_from_slice(&entries);
    out.extend_from_slice(b",\"history_complete\":");
    out.extend_from_slice(if history.is_complete { b"true" } else { b"false" });
    if ended_unseen {
        out.extend_from_slice(b",\"ended_unseen\":true");
    }
    out.push(b'}');
    Ok(out)
}
