//! What a store's POS, kitchen and call screen do: take orders from the queue, move them on, count stock, pause. An
//! operator may do all of it for every store. Never here: what that does to the business.

use std::sync::Arc;

use axum::Router;
use axum::routing::{get, post, put};

use super::AppState;
use super::auth::StoreStaff;
use super::problem::Problem;
use crate::domain::id::StoreId;

pub mod accepting;
pub mod board;
pub mod orders;
pub mod queue;
pub mod steps;
pub mod stock;

/// The store's calls.
pub fn routes() -> Router<Arc<AppState>> {
    Router::new()
        .route("/v1/stores/{store}/queue", get(queue::follow_queue))
        .route("/v1/stores/{store}/orders", get(orders::list_store_orders))
        .route("/v1/stores/{store}/board", get(board::get_board))
        .route("/v1/stores/{store}/accepting", get(accepting::get_accepting).put(accepting::set_accepting))
        .route("/v1/stores/{store}/stock", get(stock::list_stock))
        .route("/v1/stores/{store}/stock/{sku}", put(stock::set_stock))
        .route("/v1/stores/{store}/stock/{sku}/adjust", post(stock::adjust_stock))
        .route("/v1/orders/{order}/accept", post(steps::accept_order))
        .route("/v1/orders/{order}/reject", post(steps::reject_order))
        .route("/v1/orders/{order}/ready", post(steps::mark_ready))
        .route("/v1/orders/{order}/collected", post(steps::mark_collected))
}

/// 404 unless the store is theirs and ever was in this region; one withdrawn from sale still has orders to work off.
fn check(state: &AppState, staff: &StoreStaff, store: &StoreId) -> Result<(), Problem> {
    staff.of(store)?;
    state.engine.views().paid_signal(store).map(|_| ()).ok_or_else(Problem::not_found)
}
