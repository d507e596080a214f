//! The country in figures.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

use super::picture;
use crate::aggregator::picture::Summary;
use crate::aggregator::state::Centre;
use crate::api::answer::json;
use crate::api::auth::Operator;
use crate::api::body::NoQuery;
use crate::api::problem::Problem;

/// The country now: regions, stores, open orders, the present business day, what is sold out, campaigns.
#[utoipa::path(get, path = "/v1/summary", tag = "headquarters", security(("token" = [])),
    responses((status = 200, description = "The country", body = Summary)))]
pub async fn get_summary(State(state): State<Arc<Centre>>, _: Operator, _: NoQuery) -> Result<Response, Problem> {
    Ok(json(StatusCode::OK, &picture(&state).await?.summary))
}
