//! Pages and assets through the router, as a browser asks for them.

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode};
use http_body_util::BodyExt;
use tower::ServiceExt;

use super::assets::BUNDLE;
use super::{aggregator_routes, routes};

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
        assert!(references(&html).len() >= 5, "{page} names its assets");
        for path in references(&html) {
            let (status, headers, _) = get(path, None).await;
            assert_eq!(status, StatusCode::OK, "{path}");
            assert_eq!(text(&headers, "cache-control"), "public, max-age=31536000, immutable", "{path}");
            assert_eq!(text(&headers, "x-content-type-options"), "nosniff", "{path}");
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
    assert!(policy.contains("connect-src 'self'") && policy.contains("trusted-types 'none'"), "{policy}");
    assert!(references(&html).len() >= 5);
    for path in references(&html) {
        assert_eq!(get_from(aggregator_routes(), path, None).await.0, StatusCode::OK, "{path}");
    }
    for path in ["/pos", "/kitchen", "/screen"] {
        assert_eq!(get_from(aggregator_routes(), path, None).await.0, StatusCode::NOT_FOUND, "{path}");
    }
}

#[tokio::test]
async fn every_module_that_a_script_imports_is_embedded() {
    for name in ["customer.js", "dashboard.js", "pos.js", "kitchen.js", "screen.js"] {
        let mut open = vec![name.to_owned()];
        let mut seen = Vec::new();
        while let Some(name) = open.pop() {
            let asset = BUNDLE.asset(&name).unwrap_or_else(|| panic!("{name} is imported but not embedded"));
            let source = std::str::from_utf8(&asset.body).unwrap();
            seen.push(name);
            let imports = source.lines().filter_map(|line| line.split_once("from \"./")?.1.split('"').next());
            open.extend(imports.map(str::to_owned).filter(|import| !seen.contains(import)));
        }
    }
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
