//! The public directory of all stores: where a phone finds the node it orders at.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Serialize;
use utoipa::ToSchema;

use super::blocking;
use crate::aggregator::region::Region;
use crate::aggregator::state::Centre;
use crate::api::answer::json_bytes;
use crate::api::body::Query;
use crate::api::page::{cut, decode_cursor, encode_cursor};
use crate::api::problem::Problem;
use crate::api::store_search::{Search, StoresQuery};
use crate::domain::id::{RegionId, StoreId};
use crate::domain::store::Store;
use crate::domain::time::Timestamp;
use crate::view::StoreListing;

/// A store with the way to its node.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DirectoryStore)]
pub struct DirectoryEntry<'a> {
    #[serde(flatten)]
    store: StoreListing<'a>,
    /// Its region.
    region: &'a str,
    /// Where customers reach its region's node; left out where the region has not said.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    public_url: Option<&'a str>,
}

/// A page of the directory.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Directory)]
pub struct DirectoryPage<'a> {
    stores: Vec<DirectoryEntry<'a>>,
    /// There when there are more.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    next_cursor: Option<String>,
}

/// Where a store stands in the list: by distance, then by id, then by region.
type Key = (u32, StoreId, RegionId);

/// All stores on sale, by distance or by id. The same store id in two regions is two stores.
#[utoipa::path(get, path = "/v1/stores", tag = "directory", params(StoresQuery),
    responses((status = 200, description = "A page of stores", body = DirectoryPage)))]
pub async fn find_stores(
    State(state): State<Arc<Centre>>,
    Query(query): Query<StoresQuery>,
) -> Result<Response, Problem> {
    let search = Search::of(&query)?;
    let after = decode_cursor("cursor", "d", query.cursor.as_deref(), |place| {
        let (distance, rest) = place.split_once(':')?;
        let (store, region) = rest.split_once(':')?;
        Some((distance.parse().ok()?, store.parse().ok()?, region.parse().ok()?))
    })?;
    let (regions, now) = (state.regions.all(), state.edge.now());
    let body = blocking(move || page(&regions, &search, after, now)).await?;
    Ok(json_bytes(StatusCode::OK, body?))
}

fn page(regions: &[Arc<Region>], search: &Search, after: Option<Key>, now: Timestamp) -> Result<Vec<u8>, Problem> {
    let catalogs: Vec<_> = regions.iter().map(|region| region.reads().views().catalog()).collect();
    let announcements: Vec<_> = regions.iter().map(|region| region.announcement()).collect();
    let mut hits: Vec<(u32, &Store, usize)> = Vec::new();
    for (index, catalog) in catalogs.iter().enumerate() {
        let found = catalog.stores.values().filter_map(|store| Some((search.rank(store)?, store.as_ref(), index)));
        hits.extend(found);
    }
    // Regions come by name, so the index stands for it.
    hits.sort_by(|(a, store, i), (b, other, j)| (a, &store.id, i).cmp(&(b, &other.id, j)));
    let key = |(distance, store, index): &(u32, &Store, usize)| {
        let region = regions.get(*index).map(|region| region.id().clone());
        (*distance, store.id.clone(), region)
    };
    let after = after.map(|(distance, store, region)| (distance, store, Some(region)));
    let (hits, next) = cut(hits, key, after, search.limit());
    let entries = hits.iter().filter_map(|(distance, store, index)| {
        let (region, announcement) = (regions.get(*index)?, announcements.get(*index)?);
        let views = region.reads().views();
        let (pause, wait_minutes) = (views.pause(&store.id), views.wait_minutes(&store.id));
        let distance = search.has_place().then_some(*distance);
        Some(DirectoryEntry {
            store: StoreListing::of(store, pause.as_ref(), wait_minutes, distance, now),
            region: region.id().as_str(),
            public_url: announcement.public_url.as_deref(),
        })
    });
    let next_cursor =
        next.and_then(|(distance, store, region)| Some(encode_cursor("d", &format!("{distance}:{store}:{}", region?))));
    let page = DirectoryPage { stores: entries.collect(), next_cursor };
    serde_json::to_vec(&page).map_err(|_| Problem::defect())
}
