//! Whether a client takes JSON at all. Asked before anything else, so that nothing happens for nothing.

use axum::extract::Request;
use axum::http::{HeaderMap, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::problem::{Kind, Problem};

/// Layer for calls that answer `application/json`: 406 where `Accept` excludes it.
pub async fn json_only(request: Request, next: Next) -> Response {
    if takes(request.headers(), "application", "json") {
        return next.run(request).await;
    }
    Problem::new(Kind::NotAcceptable, "this path answers application/json only").into_response()
}

/// Whether `Accept` takes a media type: by its most specific range that fits, unless that has `q=0`. None takes all.
pub fn takes(headers: &HeaderMap, kind: &str, subtype: &str) -> bool {
    let mut values = headers.get_all(header::ACCEPT).iter().peekable();
    if values.peek().is_none() {
        return true;
    }
    let ranges = values.filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(','));
    let fitting = ranges.filter_map(|range| {
        let mut parts = range.split(';').map(str::trim);
        let (range_kind, range_subtype) = parts.next()?.split_once('/')?;
        let specificity = match (range_kind, range_subtype) {
            ("*", "*") => 0,
            (k, "*") if k.eq_ignore_ascii_case(kind) => 1,
            (k, s) if k.eq_ignore_ascii_case(kind) && s.eq_ignore_ascii_case(subtype) => 2,
            _ => return None,
        };
        let quality = parts.find_map(|parameter| parameter.strip_prefix("q=").or(parameter.strip_prefix("Q=")));
        let excluded = quality.is_some_and(|quality| quality.parse::<f32>().is_ok_and(|quality| quality <= 0.0));
        Some((specificity, !excluded))
    });
    fitting.max_by_key(|(specificity, _)| *specificity).is_some_and(|(_, taken)| taken)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_given_to_whoever_does_not_exclude_it() {
        let table = [
            (None, true),
            (Some("*/*"), true),
            (Some("application/json"), true),
            (Some("Application/JSON;charset=utf-8"), true),
            (Some("application/*"), true),
            (Some("text/html, application/xhtml+xml, */*;q=0.8"), true),
            (Some("text/html"), false),
            (Some("application/jsonx"), false),
            (Some("application/json;q=0, */*"), false),
            (Some("*/*;q=0, application/json"), true),
            (Some("application/*;q=0.0"), false),
            (Some(""), false),
            (Some("nonsense"), false),
        ];
        for (accept, expected) in table {
            let mut headers = HeaderMap::new();
            if let Some(accept) = accept {
                headers.insert(header::ACCEPT, accept.parse().unwrap());
            }
            assert_eq!(takes(&headers, "application", "json"), expected, "{accept:?}");
        }
    }
}
