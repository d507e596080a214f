//! The region's stores, the nearest first where a place is given.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::api::AppState;
use crate::api::answer::json;
use crate::api::body::Query;
use crate::api::page::{cut, decode_cursor, encode_cursor, limit};
use crate::api::problem::Problem;
use crate::domain::id::StoreId;
use crate::domain::store::Store;
use crate::limits::SEARCH_CHARS_MAX;
use crate::view::StoreListing;

/// What to look for.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct StoresQuery {
    /// `LAT,LON` in degrees: nearest first, with `distance_m`.
    #[param(example = "31.2304,121.4737")]
    near: Option<String>,
    /// Part of the name, city, address or id; case does not matter.
    #[param(max_length = 100)]
    q: Option<String>,
    /// `next_cursor` of the page before; none or empty begins.
    cursor: Option<String>,
    /// Stores on a page.
    #[param(minimum = 1, maximum = 500, default = 50)]
    limit: Option<u32>,
}

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
    let limit = limit(query.limit)?;
    let near = query.near.as_deref().filter(|near| !near.is_empty()).map(parse_place).transpose()?;
    let after = decode_cursor("cursor", "s", query.cursor.as_deref(), |place| {
        let (distance, id) = place.split_once(':')?;
        Some((distance.parse::<u32>().ok()?, id.parse::<StoreId>().ok()?))
    })?;
    let text = query.q.unwrap_or_default().to_lowercase();
    if text.chars().count() > SEARCH_CHARS_MAX {
        return Err(Problem::malformed("q", format!("more than {SEARCH_CHARS_MAX} characters")));
    }
    let views = state.engine.views();
    let catalog = views.catalog();
    let mut hits: Vec<(u32, &Store)> = catalog
        .stores
        .values()
        .filter(|store| text.is_empty() || is_about(store, &text))
        .map(|store| (near.map_or(0, |near| distance_m(near, store)), store.as_ref()))
        .collect();
    // By id they are already; a stable sort keeps that among equals.
    hits.sort_by_key(|(distance, _)| *distance);
    let (page, next) = cut(hits, |(distance, store)| (*distance, store.id.clone()), after, limit);
    let now = state.engine.now();
    let stores = page.iter().map(|(distance, store)| {
        let (pause, wait_minutes) = (views.pause(&store.id), views.wait_minutes(&store.id));
        StoreListing::of(store, pause.as_ref(), wait_minutes, near.map(|_| *distance), now)
    });
    let next_cursor = next.map(|(distance, id)| encode_cursor("s", &format!("{distance}:{id}")));
    Ok(json(StatusCode::OK, &StoresPage { stores: stores.collect(), next_cursor }))
}

fn is_about(store: &Store, lower_case: &str) -> bool {
    let fields = [store.name.as_str(), store.city.as_str(), store.address.as_str(), store.id.as_str()];
    fields.iter().any(|field| field.to_lowercase().contains(lower_case))
}

/// Latitude and longitude in degrees.
type Place = (f64, f64);

fn parse_place(text: &str) -> Result<Place, Problem> {
    let parse = || {
        let (lat, lon) = text.split_once(',')?;
        let (lat, lon): (f64, f64) = (lat.trim().parse().ok()?, lon.trim().parse().ok()?);
        (lat.abs() <= 90.0 && lon.abs() <= 180.0).then_some((lat, lon))
    };
    parse().ok_or_else(|| Problem::malformed("near", "expected LAT,LON in degrees, such as 31.2304,121.4737"))
}

/// Metres on a sphere (haversine): right to half a per cent, which is nothing to a hungry person.
fn distance_m((lat, lon): Place, store: &Store) -> u32 {
    const EARTH_RADIUS_M: f64 = 6_371_000.0;
    let (store_lat, store_lon) = (f64::from(store.lat_micro) / 1e6, f64::from(store.lon_micro) / 1e6);
    let half_lat = (store_lat - lat).to_radians() / 2.0;
    let half_lon = (store_lon - lon).to_radians() / 2.0;
    let chord = half_lat.sin().powi(2) + lat.to_radians().cos() * store_lat.to_radians().cos() * half_lon.sin().powi(2);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 20 million metres")]
    let metres = (2.0 * EARTH_RADIUS_M * chord.clamp(0.0, 1.0).sqrt().asin()).round() as u32;
    metres
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::catalog_file;

    #[test]
    fn distances_are_those_of_the_map() {
        let file = include_bytes!("../../../examples/catalog-east.json");
        let stores = catalog_file::parse(file, false).unwrap().stores;
        let store = |id: &str| stores.iter().find(|store| store.id.as_str() == id).unwrap();
        let people_s_square = parse_place("31.2304,121.4737").unwrap();
        assert_eq!(distance_m(people_s_square, store("sh-001")), 0);
        let hangzhou = distance_m(people_s_square, store("hz-001"));
        assert!((160_000..170_000).contains(&hangzhou), "{hangzhou}");
    }

    #[test]
    fn a_place_that_is_none_is_refused() {
        for wrong in ["", "1", "a,b", "91,0", "0,181", "NaN,0", "inf,0", "1,2,3"] {
            assert!(parse_place(wrong).is_err(), "{wrong}");
        }
    }
}
