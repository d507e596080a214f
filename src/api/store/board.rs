//! The store's board, for call screens that don't hold a socket open.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

use super::check;
use crate::api::AppState;
use crate::api::answer::json;
use crate::api::auth::StoreStaff;
use crate::api::body::{NoQuery, PathId};
use crate::api::problem::Problem;
use crate::domain::id::StoreId;
use crate::view::BoardView;

/// Codes in the making and codes on the counter.
#[utoipa::path(get, path = "/v1/stores/{store}/board", tag = "store", security(("token" = [])),
    params(("store" = String, Path, description = "The store")),
    responses((status = 200, description = "The board", body = BoardView)))]
pub async fn get_board(
    State(state): State<Arc<AppState>>,
    staff: StoreStaff,
    PathId(store): PathId<StoreId>,
    _: NoQuery,
) -> Result<Response, Problem> {
    check(&state, &staff, &store)?;
    let board = state.engine.views().board(&store).ok_or_else(Problem::not_found)?;
    Ok(json(StatusCode::OK, &BoardView::of(&store, &board.preparing, &board.ready, board.offset)))
}
