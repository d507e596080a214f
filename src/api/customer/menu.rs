//! A store's menu, encoded and compressed already; unchanged ones are answered 304.

use std::sync::Arc;
use std::time::Instant;

use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;

use crate::api::AppState;
use crate::api::answer::json_bytes;
use crate::api::body::{NoQuery, PathId};
use crate::api::menus;
use crate::api::problem::Problem;
use crate::domain::id::StoreId;
use crate::view::MenuView;

/// What a store sells.
#[utoipa::path(get, path = "/v1/stores/{store}/menu", tag = "customer",
    params(("store" = String, Path, description = "The store"),
           ("If-None-Match" = Option<String>, Header, description = "The `ETag` of the menu that is there already")),
    responses((status = 200, description = "The menu", body = MenuView,
               headers(("ETag" = String, description = "Strong; changes with anything shown, and with the encoding"),
                       ("Vary" = String, description = "`accept-encoding`: brotli and gzip are there"))),
              (status = 304, description = "The menu is the one that `If-None-Match` names")))]
pub async fn get_menu(
    State(state): State<Arc<AppState>>,
    PathId(store): PathId<StoreId>,
    _: NoQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let menu = state.menus.get(state.engine.views(), &store, Instant::now()).ok_or_else(Problem::not_found)?;
    let form = menu.form(&headers);
    let known = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    let unchanged = known.into_iter().any(|value| menus::matches(value, &form.etag));
    let mut response = if unchanged {
        let mut response = Response::default();
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        response
    } else {
        let mut response = json_bytes(StatusCode::OK, form.body.clone());
        if let Some(encoding) = form.encoding.header() {
            response.headers_mut().insert(header::CONTENT_ENCODING, encoding);
        }
        response
    };
    let headers = response.headers_mut();
    headers.insert(header::ETAG, form.etag.clone());
    headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    // Anybody may keep it, nobody may show it without asking whether it is still true.
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    Ok(response)
}
