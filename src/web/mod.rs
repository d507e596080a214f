//! The pages: customer, POS, kitchen and call screen of a node, dashboard of the aggregator; embedded in the binary,
//! without a build step or a foreign byte.
//!
//! Pages are plain HTML that names one script and one style sheet under a path holding the hash of them all, so those never change
//! and are cached for ever, while the HTML is asked for again each time. This room serves bytes: it never renders data, never
//! reads a token and knows no order; the pages talk to the public API like any other client.

mod assets;
mod bundle;
mod dishes;
pub mod encoding;
mod response;

use std::sync::LazyLock;

use axum::Router;
use axum::extract::Path;
use axum::http::HeaderMap;
use axum::response::Response;
use axum::routing::get;

use assets::{Asset, BUNDLE};
pub use dishes::{Dishes, Missing, PATH as PICTURES_PATH, Table as DishTable};
use response::{Freshness, answer, missing};

/// The pages and their assets. Every one of them answers without a token.
pub fn routes<S>() -> Router<S>
where
    S: Clone + Send + Sync + 'static,
{
    Router::new()
        .route("/", get(|headers: HeaderMap| page("customer", headers)))
        .route("/pos", get(|headers: HeaderMap| page("pos", headers)))
        .route("/kitchen", get(|headers: HeaderMap| page("kitchen", headers)))
        .route("/screen", get(|headers: HeaderMap| page("screen", headers)))
        .merge(assets())
}

/// The aggregator's page and its assets. The page answers without a token; what it shows needs one.
pub fn aggregator_routes<S>() -> Router<S>
where
    S: Clone + Send + Sync + 'static,
{
    Router::new().route("/", get(|headers: HeaderMap| page("dashboard", headers))).merge(assets())
}

fn assets<S>() -> Router<S>
where
    S: Clone + Send + Sync + 'static,
{
    // Compressing takes a moment, which nobody should wait for. Without a thread for it the first request does it.
    let _ = std::thread::Builder::new().name("pages".to_owned()).spawn(|| LazyLock::force(&BUNDLE));
    Router::new()
        .route("/worker.js", get(worker))
        .route("/assets/{name}", get(asset))
        .route("/assets/{version}/{name}", get(versioned_asset))
}

async fn page(name: &'static str, headers: HeaderMap) -> Response {
    BUNDLE.page(name).map_or_else(missing, |page| answer(page, &headers, Freshness::AskAgain))
}

/// The service worker: its address must never change, so its content is asked for again.
async fn worker(headers: HeaderMap) -> Response {
    answer(&BUNDLE.worker, &headers, Freshness::AskAgain)
}

/// A picture by the name that a catalogue gives it: it may change with the next version.
async fn asset(Path(name): Path<String>, headers: HeaderMap) -> Response {
    BUNDLE.asset(&name).map_or_else(missing, |asset| answer(asset, &headers, Freshness::AnHour))
}

/// Scripts and styles. A page of the version before, still open while the node was upgraded, gets today's files, which no
/// cache may keep under yesterday's name.
async fn versioned_asset(Path((version, name)): Path<(String, String)>, headers: HeaderMap) -> Response {
    let freshness = if version == BUNDLE.version { Freshness::ForEver } else { Freshness::Never };
    BUNDLE.asset(&name).map_or_else(missing, |asset: &Asset| answer(asset, &headers, freshness))
}

#[cfg(test)]
mod tests;
