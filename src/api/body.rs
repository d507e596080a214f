//! Extractors for what comes in: JSON bodies, queries, ids in paths, idempotency keys. Strict: unknown fields, other
//! content types and anything too large are refused before a handler runs. Never here: what the values mean.

use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::{FromRequest, FromRequestParts, RawPathParams, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use http_body_util::BodyExt;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::edge::AtTheEdge;
use super::objects::Objects;
use super::problem::{Kind, Problem};
use crate::domain::id::IdempotencyKey;

/// A JSON body that matches `T` to the letter. `T` derives `Deserialize` with `deny_unknown_fields`.
#[derive(Debug, Clone)]
pub struct JsonBody<T>(pub T);

/// The same where the body may be missing altogether: then `T::default()`.
#[derive(Debug, Clone)]
pub struct OptionalJsonBody<T>(pub T);

/// A query string that matches `T` to the letter. `T` derives `Deserialize` with `deny_unknown_fields`.
#[derive(Debug, Clone)]
pub struct Query<T>(pub T);

/// For calls that take no query.
pub type NoQuery = Query<Nothing>;

/// No parameters at all.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Nothing {}

/// The ids in the path, in order; what is not an id of its kind names nothing, so it is 404.
#[derive(Debug, Clone)]
pub struct PathId<T>(pub T);

/// The `Idempotency-Key` header of a call that needs one.
#[derive(Debug, Clone)]
pub struct RequiredKey(pub IdempotencyKey);

impl<S: AtTheEdge, T: DeserializeOwned> FromRequest<Arc<S>> for JsonBody<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &Arc<S>) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        check_content_type(&parts.headers)?;
        let limits = &state.edge().limits;
        let bytes = read(body, limits.body_bytes, limits.body_timeout).await?;
        parse_json(&bytes).map(Self)
    }
}

impl<S: AtTheEdge, T: DeserializeOwned + Default> FromRequest<Arc<S>> for OptionalJsonBody<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &Arc<S>) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        let limits = &state.edge().limits;
        let bytes = read(body, limits.body_bytes, limits.body_timeout).await?;
        if bytes.is_empty() {
            return Ok(Self(T::default()));
        }
        check_content_type(&parts.headers)?;
        parse_json(&bytes).map(Self)
    }
}

/// Reads a whole body of at most `limit` bytes that arrives within `within`.
pub async fn read(body: Body, limit: usize, within: Duration) -> Result<Bytes, Problem> {
    let too_large = || Problem::new(Kind::TooLarge, format!("at most {limit} bytes")).with("limit", limit);
    if body.size_hint().lower() > u64::try_from(limit).unwrap_or(u64::MAX) {
        return Err(too_large());
    }
    if body.is_end_stream() {
        return Ok(Bytes::new());
    }
    let collected = tokio::time::timeout(within, http_body_util::Limited::new(body, limit).collect()).await;
    match collected {
        Ok(Ok(collected)) => Ok(collected.to_bytes()),
        Ok(Err(error)) if error.is::<http_body_util::LengthLimitError>() => Err(too_large()),
        Ok(Err(_)) => Err(Problem::new(Kind::BadRequest, "the body ended early or its framing is broken")),
        Err(_) => Err(Problem::new(Kind::RequestTimeout, format!("the body took more than {} s", within.as_secs()))),
    }
}

/// Whether the body says it is JSON; `charset=utf-8` is tolerated, as JSON is nothing else.
pub fn check_content_type(headers: &HeaderMap) -> Result<(), Problem> {
    let refuse = |what: &str| Err(Problem::new(Kind::UnsupportedMediaType, format!("{what}, not application/json")));
    let Some(value) = headers.get(header::CONTENT_TYPE) else { return refuse("no content type") };
    let text = value.to_str().unwrap_or_default();
    let mut parts = text.split(';').map(str::trim);
    let essence = parts.next().unwrap_or_default();
    let parameters_fit = parts.all(|parameter| {
        parameter.split_once('=').is_some_and(|(name, value)| {
            name.eq_ignore_ascii_case("charset") && value.trim_matches('"').eq_ignore_ascii_case("utf-8")
        })
    });
    if essence.eq_ignore_ascii_case("application/json") && parameters_fit {
        Ok(())
    } else {
        refuse("the body is of another type")
    }
}

/// Parses JSON into exactly `T`. Nesting ends at the depth `T` has, and at 128 where `T` is open (serde_json's own limit).
pub fn parse_json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(Objects(&mut json)).map_err(|error| {
        let path = error.path().to_string();
        malformed(&path, error.inner())
    })?;
    json.end().map_err(|error| malformed(".", &error))?;
    Ok(value)
}

fn malformed(path: &str, error: &dyn std::fmt::Display) -> Problem {
    // `.` is the whole document, `?` a place that has no name.
    let path = path.trim_end_matches('?').trim_end_matches('.');
    if path.is_empty() { Problem::new(Kind::Malformed, error.to_string()) } else { Problem::malformed(path, error) }
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let query = parts.uri.query().unwrap_or_default();
        let pairs = form_urlencoded::parse(query.as_bytes());
        let parsed = serde_path_to_error::deserialize(serde_urlencoded::Deserializer::new(pairs));
        parsed.map(Self).map_err(|error| malformed(&error.path().to_string(), error.inner()))
    }
}

async fn path_texts<S: Send + Sync>(parts: &mut Parts, state: &S) -> Result<Vec<String>, Problem> {
    let texts = RawPathParams::from_request_parts(parts, state).await.map_err(|_| Problem::not_found())?;
    Ok(texts.iter().map(|(_, text)| text.to_owned()).collect())
}

fn path_id<T: FromStr>(texts: &[String], index: usize) -> Result<T, Problem> {
    texts.get(index).and_then(|text| text.parse().ok()).ok_or_else(Problem::not_found)
}

impl<S: Send + Sync, T: FromStr> FromRequestParts<S> for PathId<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        Ok(Self(path_id(&path_texts(parts, state).await?, 0)?))
    }
}

/// Two ids in a path, such as store and SKU.
#[derive(Debug, Clone)]
pub struct PathIds<A, B>(pub A, pub B);

impl<S: Send + Sync, A: FromStr, B: FromStr> FromRequestParts<S> for PathIds<A, B> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let texts = path_texts(parts, state).await?;
        Ok(Self(path_id(&texts, 0)?, path_id(&texts, 1)?))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for RequiredKey {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let mut values = parts.headers.get_all("idempotency-key").iter();
        let missing = |why: &str| Problem::new(Kind::IdempotencyKeyMissing, why.to_owned());
        let value = values.next().ok_or_else(|| missing("there is no Idempotency-Key header"))?;
        if values.next().is_some() {
            return Err(missing("there is more than one Idempotency-Key header"));
        }
        let key = value.to_str().ok().and_then(|text| text.parse().ok());
        key.map(Self).ok_or_else(|| missing("the key is not 1 to 64 visible ASCII characters"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Line {
        #[expect(dead_code, reason = "only its type matters here")]
        quantity: u32,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Order {
        #[expect(dead_code, reason = "only its type matters here")]
        lines: Vec<Line>,
    }

    #[test]
    fn a_body_that_does_not_match_names_the_field() {
        let deep = format!("{{\"lines\":{}1", "[".repeat(100_000));
        let open = format!("{{\"a\":{}", "[".repeat(100_000));
        for (body, field) in [
            ("", None),
            ("{", None),
            ("[]x", None),
            ("{\"lines\":[]} {}", None),
            ("{\"lines\":[{\"quantity\":\"1\"}]}", Some("lines[0].quantity")),
            ("{\"lines\":[{\"quantity\":4294967296}]}", Some("lines[0].quantity")),
            ("{\"lines\":[{\"quantity\":-1}]}", Some("lines[0].quantity")),
            ("{\"lines\":[{\"quantity\":1,\"price\":1}]}", Some("lines[0].price")),
            ("{\"lines\":[{}]}", Some("lines[0]")),
            ("{\"lines\":[],\"lines\":[]}", None),
            ("{\"lines\":null}", Some("lines")),
            (deep.as_str(), Some("lines[0]")),
            ("[[]]", None),
            ("{\"lines\":[[1]]}", Some("lines[0]")),
        ] {
            let shown = body.get(..40.min(body.len())).unwrap();
            let problem = parse_json::<Order>(body.as_bytes()).expect_err(shown);
            assert_eq!(problem.kind, Kind::Malformed, "{shown}");
            assert_eq!(problem.member("field").and_then(|v| v.as_str()), field, "{shown}: {}", problem.detail);
        }
        assert!(parse_json::<serde_json::Value>(open.as_bytes()).is_err(), "an open type is cut at a depth");
        assert!(parse_json::<Order>(b"{\"lines\":[{\"quantity\":1}]}").is_ok());
        assert!(parse_json::<Order>(b"{\"lines\":[\xff]}").is_err(), "not UTF-8");
    }

    #[test]
    fn only_plain_json_is_taken() {
        for (value, taken) in [
            (Some("application/json"), true),
            (Some("Application/JSON; charset=UTF-8"), true),
            (Some("application/json; charset=gbk"), false),
            (Some("text/json"), false),
            (Some("application/json2"), false),
            (Some("multipart/form-data"), false),
            (None, false),
        ] {
            let mut headers = HeaderMap::new();
            if let Some(value) = value {
                headers.insert(header::CONTENT_TYPE, value.parse().unwrap());
            }
            assert_eq!(check_content_type(&headers).is_ok(), taken, "{value:?}");
        }
    }

    #[tokio::test]
    async fn a_body_is_read_to_its_limit_and_no_further() {
        let within = Duration::from_secs(5);
        assert_eq!(read(Body::from("1234"), 4, within).await.unwrap(), "1234");
        assert_eq!(read(Body::from("12345"), 4, within).await.unwrap_err().kind, Kind::TooLarge);
        let chunks = (0..3).map(|_| Ok::<_, std::io::Error>(Bytes::from_static(b"12")));
        let stream = Body::from_stream(futures_util::stream::iter(chunks));
        assert_eq!(read(stream, 4, within).await.unwrap_err().kind, Kind::TooLarge, "no length announced");
        let silent = Body::from_stream(futures_util::stream::pending::<Result<Bytes, std::io::Error>>());
        let late = read(silent, 4, Duration::from_millis(1)).await.unwrap_err();
        assert_eq!(late.kind, Kind::RequestTimeout);
    }
}
