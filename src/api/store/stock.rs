//! A store's stock: exact figures, counted anew or taken in and out.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::check;
use crate::api::AppState;
use crate::api::answer::{json, submit, unexpected};
use crate::api::auth::StoreStaff;
use crate::api::body::{JsonBody, NoQuery, PathId, PathIds, Query, RequiredKey};
use crate::api::page::{PageQuery, cut, decode_cursor, encode_cursor, limit};
use crate::api::problem::Problem;
use crate::api::request_id::RequestId;
use crate::api::text::{nullable, short_required};
use crate::domain::actor::Actor;
use crate::domain::command::Command;
use crate::domain::id::{Sku, StoreId};
use crate::engine::answer::Answer;
use crate::view::StockLineView;

/// A page of stock lines.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Stock)]
pub struct StockPage<'a> {
    stock: Vec<StockLineView<'a>>,
    /// There when there are more.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    next_cursor: Option<String>,
}

/// The store's stock lines, by SKU.
#[utoipa::path(get, path = "/v1/stores/{store}/stock", tag = "store", security(("token" = [])),
    params(("store" = String, Path, description = "The store"), PageQuery),
    responses((status = 200, description = "A page of stock lines", body = StockPage)))]
pub async fn list_stock(
    State(state): State<Arc<AppState>>,
    staff: StoreStaff,
    PathId(store): PathId<StoreId>,
    Query(query): Query<PageQuery>,
) -> Result<Response, Problem> {
    check(&state, &staff, &store)?;
    let limit = limit(query.limit)?;
    let after = decode_cursor("cursor", "l", query.cursor.as_deref(), |sku| sku.parse::<Sku>().ok())?;
    let (page, next) = cut(state.engine.views().stock(&store), |(sku, _)| sku.clone(), after, limit);
    let next_cursor = next.map(|sku| encode_cursor("l", sku.as_str()));
    let stock = page.iter().map(|(sku, line)| StockLineView::of(sku, line)).collect();
    Ok(json(StatusCode::OK, &StockPage { stock, next_cursor }))
}

/// A count.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SetStock)]
pub struct SetStockBody {
    /// How many can be ordered; `null` is not counted.
    #[serde(deserialize_with = "nullable")]
    #[schema(required = true)]
    available: Option<u32>,
}

/// Counts stock anew. What is reserved or sold does not change.
#[utoipa::path(put, path = "/v1/stores/{store}/stock/{sku}", tag = "store", security(("token" = [])),
    params(("store" = String, Path, description = "The store"), ("sku" = String, Path, description = "The item")),
    request_body = SetStockBody, responses((status = 200, description = "The line", body = StockLineView)))]
pub async fn set_stock(
    State(state): State<Arc<AppState>>,
    staff: StoreStaff,
    PathIds(store, sku): PathIds<StoreId, Sku>,
    _: NoQuery,
    request_id: RequestId,
    JsonBody(body): JsonBody<SetStockBody>,
) -> Result<Response, Problem> {
    check(&state, &staff, &store)?;
    let command = Command::SetStock { store, sku, available: body.available };
    change(&state, command, staff.0, request_id).await
}

/// Stock taken in or out.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = AdjustStock)]
pub struct AdjustStockBody {
    /// How many, in (positive) or out (negative).
    delta: i32,
    /// Why.
    #[schema(min_length = 1, max_length = 200)]
    reason: String,
}

/// Takes stock in or out, once for each key.
#[utoipa::path(post, path = "/v1/stores/{store}/stock/{sku}/adjust", tag = "store", security(("token" = [])),
    params(("store" = String, Path, description = "The store"), ("sku" = String, Path, description = "The item"),
           ("Idempotency-Key" = String, Header, min_length = 1, max_length = 64,
            description = "1 to 64 visible ASCII characters, the subject's own, kept for 24 h")),
    request_body = AdjustStockBody, responses((status = 200, description = "The line", body = StockLineView)))]
pub async fn adjust_stock(
    State(state): State<Arc<AppState>>,
    staff: StoreStaff,
    PathIds(store, sku): PathIds<StoreId, Sku>,
    _: NoQuery,
    RequiredKey(key): RequiredKey,
    request_id: RequestId,
    JsonBody(body): JsonBody<AdjustStockBody>,
) -> Result<Response, Problem> {
    check(&state, &staff, &store)?;
    let reason = short_required("reason", &body.reason)?;
    let command = Command::AdjustStock { store, sku, delta: body.delta, reason, key };
    change(&state, command, staff.0, request_id).await
}

async fn change(state: &AppState, command: Command, actor: Actor, request_id: RequestId) -> Result<Response, Problem> {
    match submit(state, command, actor, request_id).await.map_err(Problem::in_path)? {
        Answer::Stock { sku, line, .. } => Ok(json(StatusCode::OK, &StockLineView::of(&sku, &line))),
        other => Err(unexpected(&other)),
    }
}
