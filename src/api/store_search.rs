//! Finding stores by place and words: the same on a node, among its own, and at the centre, among all. Never here: where
//! stores come from.

use serde::Deserialize;
use utoipa::IntoParams;

use super::page::limit;
use super::problem::Problem;
use crate::domain::store::Store;
use crate::limits::SEARCH_CHARS_MAX;

/// What to look for.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct StoresQuery {
    /// `LAT,LON` in degrees: nearest first, with `distance_m`.
    #[param(example = "31.2304,121.4737")]
    pub near: Option<String>,
    /// Part of the name, city, address or id; case does not matter.
    #[param(max_length = 100)]
    pub q: Option<String>,
    /// `next_cursor` of the page before; none or empty begins.
    pub cursor: Option<String>,
    /// Stores on a page.
    #[param(minimum = 1, maximum = 500, default = 50)]
    pub limit: Option<u32>,
}

/// A query that was understood.
#[derive(Debug, Clone)]
pub struct Search {
    near: Option<Place>,
    text: String,
    limit: usize,
}

impl Search {
    /// Checks a query; its cursor is the caller's.
    pub fn of(query: &StoresQuery) -> Result<Self, Problem> {
        let limit = limit(query.limit)?;
        let near = query.near.as_deref().filter(|near| !near.is_empty()).map(parse_place).transpose()?;
        let text = query.q.as_deref().unwrap_or_default().to_lowercase();
        if text.chars().count() > SEARCH_CHARS_MAX {
            return Err(Problem::malformed("q", format!("more than {SEARCH_CHARS_MAX} characters")));
        }
        Ok(Self { near, text, limit })
    }

    /// Stores on a page.
    pub fn limit(&self) -> usize {
        self.limit
    }

    /// Whether distances mean something.
    pub fn has_place(&self) -> bool {
        self.near.is_some()
    }

    /// Metres to a store that is looked for (0 without a place); nothing for any other store.
    pub fn rank(&self, store: &Store) -> Option<u32> {
        let found = self.text.is_empty() || is_about(store, &self.text);
        found.then(|| self.near.map_or(0, |near| distance_m(near, store)))
    }
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
    use super::super::catalog_file;
    use super::*;

    #[test]
    fn distances_are_those_of_the_map() {
        let file = include_bytes!("../../examples/catalog-east.json");
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
