//! Regions and their stores.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Serialize;
use utoipa::ToSchema;

use super::{blocking, picture};
use crate::aggregator::picture::{RegionEntry, StoreEntry, stores_of};
use crate::aggregator::state::Centre;
use crate::api::answer::json;
use crate::api::auth::Operator;
use crate::api::body::{NoQuery, PathId};
use crate::api::problem::Problem;
use crate::domain::id::RegionId;

/// All regions.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Regions)]
pub struct RegionList {
    regions: Vec<RegionEntry>,
}

/// The regions, how they are and how far the centre is behind each.
#[utoipa::path(get, path = "/v1/regions", tag = "headquarters", security(("token" = [])),
    responses((status = 200, description = "The regions by name", body = RegionList)))]
pub async fn list_regions(State(state): State<Arc<Centre>>, _: Operator, _: NoQuery) -> Result<Response, Problem> {
    Ok(json(StatusCode::OK, &RegionList { regions: picture(&state).await?.regions }))
}

/// A region's stores.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = StoresOfRegion)]
pub struct RegionStores {
    /// The region.
    region: String,
    /// Its stores by id.
    stores: Vec<StoreEntry>,
}

/// A region's stores at work.
#[utoipa::path(get, path = "/v1/regions/{region}/stores", tag = "headquarters", security(("token" = [])),
    params(("region" = String, Path, description = "The region")),
    responses((status = 200, description = "The stores by id", body = RegionStores)))]
pub async fn list_region_stores(
    State(state): State<Arc<Centre>>,
    _: Operator,
    PathId(region): PathId<RegionId>,
    _: NoQuery,
) -> Result<Response, Problem> {
    let region = state.regions.get(&region).ok_or_else(Problem::not_found)?;
    let now = state.edge.now();
    let list = blocking(move || RegionStores { region: region.id().to_string(), stores: stores_of(&region, now) });
    Ok(json(StatusCode::OK, &list.await?))
}
