//! What a customer does: look, claim, order, pay, call off. Never here: what that does to the business.

use std::sync::Arc;

use axum::Router;
use axum::routing::{get, post};

use super::AppState;

pub mod campaigns;
pub mod menu;
pub mod order;
pub mod orders;
pub mod place;
pub mod stores;

/// The customer's calls.
pub fn routes() -> Router<Arc<AppState>> {
    Router::new()
        .route("/v1/stores", get(stores::list_stores))
        .route("/v1/stores/{store}/menu", get(menu::get_menu))
        .route("/v1/campaigns", get(campaigns::list_campaigns))
        .route("/v1/campaigns/{campaign}/claim", post(campaigns::claim_coupon))
        .route("/v1/me/coupons", get(campaigns::list_my_coupons))
        .route("/v1/me/orders", get(orders::list_my_orders))
        .route("/v1/orders", post(place::place_order))
        .route("/v1/orders/{order}", get(order::get_order))
        .route("/v1/orders/{order}/pay", post(order::pay_order))
        .route("/v1/orders/{order}/cancel", post(order::cancel_order))
}
