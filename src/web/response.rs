//! An asset as an HTTP answer: entity tag and 304, how long it may be kept, and what a browser is forbidden to do with it.

use axum::body::Body;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, IF_NONE_MATCH, REFERRER_POLICY, VARY,
    X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};

use super::assets::{Asset, Part};

/// How long a cache may keep an answer.
#[derive(Clone, Copy)]
pub(super) enum Freshness {
    /// Kept, but asked about each time.
    AskAgain,
    /// Kept for an hour.
    AnHour,
    /// Its path holds its hash: it never changes.
    ForEver,
    /// Not kept.
    Never,
}

impl Freshness {
    fn directive(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Self::AskAgain => "no-cache",
            Self::AnHour => "public, max-age=3600",
            Self::ForEver => "public, max-age=31536000, immutable",
            Self::Never => "no-store",
        })
    }
}

/// Own scripts and styles only, no inline ones, connections to this node only (`'self'` covers its WebSocket); pictures may
/// come from the chain's CDN. Nothing may frame the pages, and no text can become HTML: the one policy for trusted types gives
/// out the address of our own worker and nothing else (`keep.js`).
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' https:; \
    connect-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; \
    require-trusted-types-for 'script'; trusted-types qucan-worker";

/// A picture shows itself, wherever it came from: opened on its own it runs nothing and asks for nothing.
const PICTURE_POLICY: &str = "default-src 'none'; frame-ancestors 'none'; sandbox";

/// What the pages may use of the device: the position, for the nearest store; the wake lock, for the call screen.
const PERMISSIONS: &str = "geolocation=(self), screen-wake-lock=(self), camera=(), microphone=(), payment=(), usb=()";

/// Answers with the asset, or 304 where the client has it.
pub(super) fn answer(asset: &Asset, request: &HeaderMap, freshness: Freshness) -> Response {
    let Some(form) = asset.form(request) else { return missing() };
    let kept = request.get_all(IF_NONE_MATCH).iter().any(|tags| matches(tags, &form.etag));
    let (status, body) =
        if kept { (StatusCode::NOT_MODIFIED, Body::empty()) } else { (StatusCode::OK, Body::from(form.body.clone())) };
    let mut response = (status, body).into_response();
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, freshness.directive());
    headers.insert(ETAG, form.etag.clone());
    if asset.varies() {
        headers.insert(VARY, HeaderValue::from_static("accept-encoding"));
    }
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if !kept {
        headers.insert(CONTENT_TYPE, asset.content_type.clone());
        if let Some(encoding) = form.encoding.header() {
            headers.insert(CONTENT_ENCODING, encoding);
        }
    }
    // A picture opened on its own is a document too: a policy goes with everything.
    let policy = if asset.part == Part::Picture { PICTURE_POLICY } else { POLICY };
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    if asset.part == Part::Document {
        headers.insert(HeaderName::from_static("permissions-policy"), HeaderValue::from_static(PERMISSIONS));
        headers.insert(HeaderName::from_static("cross-origin-opener-policy"), HeaderValue::from_static("same-origin"));
    }
    response
}

/// Whether a list of entity tags holds this one; comparison is weak, as RFC 9110 wants it for `If-None-Match`.
fn matches(tags: &HeaderValue, etag: &HeaderValue) -> bool {
    let (Ok(tags), Ok(etag)) = (tags.to_str(), etag.to_str()) else { return false };
    tags.split(',').map(str::trim).any(|tag| tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == etag)
}

/// No such asset, in the form of every other problem.
pub(super) fn missing() -> Response {
    let body = r#"{"type":"/problems/not-found","title":"not found","status":404}"#;
    let content_type = [(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"))];
    (StatusCode::NOT_FOUND, content_type, body).into_response()
}
