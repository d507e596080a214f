//! Pages and assets through the router, as a browser asks for them.

use std::collections::BTreeSet;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode};
use http_body_util::BodyExt;
use tower::ServiceExt;

use super::assets::BUNDLE;
use super::{aggregator_routes, routes};

/// What a page may take over the line the first time, compressed.
const PAGE_BYTES_MAX: usize = 60 * 1024;

async fn get(path: &str, if_none_match: Option<&str>) -> (StatusCode, HeaderMap, String) {
    get_from(routes(), path, if_none_match).await
}

async fn get_from(router: Router, path: &str, if_none_match: Option<&str>) -> (StatusCode, HeaderMap, String) {
    let mut request = Request::get(path);
    if let Some(tag) = if_none_match {
        request = request.header("if-none-match", tag);
    }
    let response = router.oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    let (parts, body) = response.into_parts();
    let bytes = body.collect().await.unwrap().to_bytes();
    (parts.status, parts.headers, String::from_utf8(bytes.to_vec()).unwrap())
}

async fn get_encoded(router: Router, path: &str, encoding: &'static str) -> (HeaderMap, Vec<u8>) {
    let request = Request::get(path).header("accept-encoding", encoding).body(Body::empty()).unwrap();
    let (parts, body) = router.oneshot(request).await.unwrap().into_parts();
    assert_eq!(parts.status, StatusCode::OK, "{path}");
    (parts.headers, body.collect().await.unwrap().to_bytes().to_vec())
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).map_or("", |value| value.to_str().unwrap())
}

/// Paths that a page asks for.
fn references(html: &str) -> Vec<&str> {
    html.split('"').filter(|part| part.starts_with("/assets/")).collect()
}

#[tokio::test]
async fn every_page_answers_and_everything_it_names_is_there_for_ever() {
    for page in ["/", "/pos", "/kitchen", "/screen"] {
        let (status, headers, html) = get(page, None).await;
        assert_eq!(status, StatusCode::OK, "{page}");
        assert_eq!(text(&headers, "content-type"), "text/html; charset=utf-8");
        assert_eq!(text(&headers, "cache-control"), "no-cache");
        assert!(!html.contains("{{"), "{page} has an unfilled mark");
        assert!(references(&html).len() >= 3, "{page} names its assets");
        for path in references(&html) {
            let (status, headers, _) = get(path, None).await;
            assert_eq!(status, StatusCode::OK, "{path}");
            assert_eq!(text(&headers, "cache-control"), "public, max-age=31536000, immutable", "{path}");
            assert_eq!(text(&headers, "x-content-type-options"), "nosniff", "{path}");
        }
    }
}

/// What a phone downloads for a page the first time, in this encoding.
async fn page_bytes(router: &Router, page: &str, encoding: &'static str) -> usize {
    let (headers, html) = get_encoded(router.clone(), page, encoding).await;
    assert_eq!(text(&headers, "content-encoding"), encoding, "{page}");
    let mut bytes = html.len();
    let plain = get_from(router.clone(), page, None).await.2;
    for path in BTreeSet::from_iter(references(&plain)) {
        let (headers, body) = get_encoded(router.clone(), path, encoding).await;
        assert_eq!(text(&headers, "vary"), "accept-encoding", "{path}");
        bytes += body.len();
    }
    bytes
}

#[tokio::test]
async fn a_page_is_one_script_and_one_style_sheet_and_small() {
    let pages = ["/", "/pos", "/kitchen", "/screen"].map(|page| (routes(), page));
    for (router, page) in pages.into_iter().chain([(aggregator_routes(), "/")]) {
        let html = get_from(router.clone(), page, None).await.2;
        let named = |end: &str| references(&html).iter().filter(|path| path.ends_with(end)).count();
        assert_eq!((named(".js"), named(".css")), (1, 1), "{page}");
        for encoding in ["br", "gzip"] {
            let bytes = page_bytes(&router, page, encoding).await;
            assert!(bytes <= PAGE_BYTES_MAX, "{page} has {bytes} bytes in {encoding}");
            println!("{page:9} {encoding:5} {bytes:6} bytes");
        }
    }
}

#[tokio::test]
async fn the_aggregator_serves_the_dashboard_and_no_page_of_a_node() {
    let (status, headers, html) = get_from(aggregator_routes(), "/", None).await;
    assert_eq!((status, text(&headers, "cache-control")), (StatusCode::OK, "no-cache"));
    assert!(html.contains("dashboard.js") && !html.contains("{{"), "{html}");
    assert!(!html.contains("<style") && !html.contains("style=") && !html.contains("://"), "inline or foreign parts");
    let policy = text(&headers, "content-security-policy");
    assert!(policy.contains("connect-src 'self'") && policy.contains("trusted-types qucan-worker"), "{policy}");
    for path in references(&html) {
        assert_eq!(get_from(aggregator_routes(), path, None).await.0, StatusCode::OK, "{path}");
    }
    for path in ["/pos", "/kitchen", "/screen"] {
        assert_eq!(get_from(aggregator_routes(), path, None).await.0, StatusCode::NOT_FOUND, "{path}");
    }
}

#[tokio::test]
async fn sources_become_a_script_that_names_every_module_once() {
    for name in ["customer.js", "dashboard.js", "pos.js", "kitchen.js", "screen.js"] {
        let script = get(&format!("/assets/{name}"), None).await.2;
        assert!(!script.contains("import {") && !script.contains("\nexport "), "{name}");
        assert!(!script.starts_with("throw"), "{script}");
        assert_eq!(
            script.matches("\n// api.js\n").count() + usize::from(script.starts_with("// api.js\n")),
            1,
            "{name}"
        );
    }
    for name in ["customer.css", "dashboard.css", "pos.css", "kitchen.css", "screen.css"] {
        let style = get(&format!("/assets/{name}"), None).await.2;
        assert!(style.contains("--ground") && !style.contains("@import"), "{name}: {style:.60}");
    }
}

#[tokio::test]
async fn every_encoding_has_a_tag_of_its_own() {
    let mut tags = BTreeSet::new();
    for encoding in ["br", "gzip", "identity"] {
        let (headers, _) = get_encoded(routes(), "/pos", encoding).await;
        assert!(tags.insert(text(&headers, "etag").to_owned()), "{tags:?}");
    }
    // What was kept in another encoding is another thing: it is sent.
    let first = tags.first().unwrap();
    let statuses = [get("/pos", Some(first)).await.0, get("/pos", Some(tags.last().unwrap())).await.0];
    assert!(statuses.contains(&StatusCode::OK), "{statuses:?}");
}

#[tokio::test]
async fn the_worker_is_asked_for_again_each_time_and_knows_its_version() {
    let (status, headers, script) = get("/worker.js", None).await;
    assert_eq!((status, text(&headers, "cache-control")), (StatusCode::OK, "no-cache"));
    assert!(script.contains(&format!("qucan-{}", BUNDLE.version)) && !script.contains("{{"), "{script:.300}");
}

#[tokio::test]
async fn what_a_browser_has_is_not_sent_again() {
    let (_, headers, _) = get("/pos", None).await;
    let etag = text(&headers, "etag").to_owned();
    for tags in [etag.clone(), format!("\"other\", {etag}"), format!("W/{etag}"), "*".to_owned()] {
        let (status, headers, body) = get("/pos", Some(&tags)).await;
        assert_eq!((status, body.as_str()), (StatusCode::NOT_MODIFIED, ""), "{tags}");
        assert_eq!(text(&headers, "etag"), etag);
    }
    assert_eq!(get("/pos", Some("\"other\"")).await.0, StatusCode::OK);
}

#[tokio::test]
async fn a_page_runs_no_foreign_or_inline_code_and_cannot_be_framed() {
    let (_, headers, html) = get("/", None).await;
    let policy = text(&headers, "content-security-policy");
    assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"), "{policy}");
    assert!(!policy.contains("unsafe"), "{policy}");
    assert_eq!(text(&headers, "referrer-policy"), "no-referrer");
    assert!(!html.contains("<style") && !html.contains("style=") && !html.contains("://"), "inline or foreign parts");
}

#[tokio::test]
async fn a_page_of_the_version_before_still_works_and_poisons_no_cache() {
    let (status, headers, _) = get("/assets/0123456789abcdef/customer.js", None).await;
    assert_eq!((status, text(&headers, "cache-control")), (StatusCode::OK, "no-store"));
    assert_eq!(get("/assets/logo.svg", None).await.0, StatusCode::OK);
    for path in ["/assets/nothing.js", "/assets/x/nothing.js", "/assets/..%2Fmod.rs"] {
        assert_eq!(get(path, None).await.0, StatusCode::NOT_FOUND, "{path}");
    }
}

#[test]
fn every_picture_of_the_example_catalogues_is_embedded() {
    for catalogue in
        [include_str!("../../examples/catalog-east.json"), include_str!("../../examples/catalog-south.json")]
    {
        let pictures: Vec<_> = catalogue.split('"').filter_map(|part| part.strip_prefix("/assets/")).collect();
        assert!(pictures.len() > 20);
        for name in pictures {
            assert!(BUNDLE.asset(name).is_some(), "{name}");
        }
    }
}
