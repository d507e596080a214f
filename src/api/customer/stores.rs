//! The region's stores, the nearest first where a place is given.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Serialize;
use utoipa::ToSchema;

use crate::api::AppState;
use crate::api::answer::json;
use crate::api::body::Query;
use crate::api::page::{cut, decode_cursor, encode_cursor};
use crate::api::problem::Problem;
use crate::api::store_search::{Search, StoresQuery};
use crate::domain::id::StoreId;
use crate::domain::store::Store;
use crate::view::StoreListing;

/// A page of stores.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Stores)]
pub struct StoresPage<'a> {
    stores: Vec<StoreListing<'a>>,
    /// There when there are more.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    next_cursor: Option<String>,
}

/// The stores on sale, by distance or by id.
#[utoipa::path(get, path = "/v1/stores", tag = "customer", params(StoresQuery),
    responses((status = 200, description = "A page of stores", body = StoresPage)))]
pub async fn list_stores(
    State(state): State<Arc<AppState>>,
    Query(query): Query<StoresQuery>,
) -> Result<Response, Problem> {
    let search = Search::of(&query)?;
    let after = decode_cursor("cursor", "s", query.cursor.as_deref(), |place| {
        let (distance, id) = place.split_once(':')?;
        Some((distance.parse::<u32>().ok()?, id.parse::<StoreId>().ok()?))
    })?;
    let views = state.engine.views();
    let catalog = views.catalog();
    let mut hits: Vec<(u32, &Store)> =
        catalog.stores.values().filter_map(|store| Some((search.rank(store)?, store.as_ref()))).collect();
    // By id they are already; a stable sort keeps that among equals.
    hits.sort_by_key(|(distance, _)| *distance);
    let (page, next) = cut(hits, |(distance, store)| (*distance, store.id.clone()), after, search.limit());
    let now = state.engine.now();
    let stores = page.iter().map(|(distance, store)| {
        let (pause, wait_minutes) = (views.pause(&store.id), views.wait_minutes(&store.id));
        StoreListing::of(store, pause.as_ref(), wait_minutes, search.has_place().then_some(*distance), now)
    });
    let next_cursor = next.map(|(distance, id)| encode_cursor("s", &format!("{distance}:{id}")));
    Ok(json(StatusCode::OK, &StoresPage { stores: stores.collect(), next_cursor }))
}
