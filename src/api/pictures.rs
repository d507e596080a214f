//! Pictures of dishes: served by the hash of their bytes, read again when a catalogue was imported.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::Response;
use axum::routing::get;

use super::AppState;
use crate::domain::catalog::{Catalog, Item};
use crate::engine::views::Views;
use crate::web::{Dishes, Missing, PICTURES_PATH};

/// The pictures' call.
pub fn routes() -> Router<Arc<AppState>> {
    Router::new().route(&format!("{PICTURES_PATH}{{name}}"), get(get_picture))
}

async fn get_picture(State(state): State<Arc<AppState>>, Path(name): Path<String>, headers: HeaderMap) -> Response {
    state.menus.dishes().answer(&name, &headers)
}

/// Reads the pictures that the catalogue on sale names; says which can't be had. It takes a while: not for a thread that others
/// wait for.
pub fn read(dishes: &Dishes, views: &Views) -> Vec<Missing> {
    dishes.read(|| named(&views.catalog()))
}

fn named(catalog: &Catalog) -> Vec<(String, String)> {
    let image = |item: &Item| Some((item.sku.to_string(), item.image.as_ref()?.to_string()));
    catalog.items.values().filter_map(|item| image(item)).collect()
}
