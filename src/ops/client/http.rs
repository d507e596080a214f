//! Calls to a node over pooled HTTP/1.1 connections.

use std::time::Duration;

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, ETAG, HeaderValue, IF_NONE_MATCH, RETRY_AFTER};
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use serde_json::Value;
use tokio::time::timeout;

/// Largest answer that is read: a page of orders, a catalogue.
const ANSWER_BYTES_MAX: usize = 16 << 20;
/// How long one call may take; longer than the longest long poll.
const CALL_WITHIN: Duration = Duration::from_secs(75);

/// A call that got no answer; whether it was done is not known.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{method} {path}: {why}")]
pub struct CallError {
    method: Method,
    path: String,
    why: String,
}

/// An answer.
#[derive(Debug, Clone)]
pub struct Reply {
    /// Its status.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body as it came.
    pub body: Bytes,
}

impl Reply {
    /// The body as JSON; null where it is none.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }

    /// The last part of a problem's type, such as `out-of-stock`; empty where the answer is none.
    pub fn problem(&self) -> String {
        let json = self.json();
        let kind = json.get("type").and_then(Value::as_str).unwrap_or_default();
        kind.rsplit('/').next().unwrap_or_default().to_owned()
    }

    /// Whether the node asks to try again later: too busy, nothing was done.
    pub fn is_busy(&self) -> bool {
        matches!(self.status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE)
    }

    /// How long to wait before trying again.
    pub fn retry_after(&self) -> Duration {
        let seconds = self.headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
        Duration::from_secs(seconds.unwrap_or(1)).min(Duration::from_secs(10))
    }

    /// The strong validator, to ask again with.
    pub fn etag(&self) -> Option<HeaderValue> {
        self.headers.get(ETAG).cloned()
    }
}

/// One call, to be sent.
#[derive(Debug, Clone)]
pub struct Call<'a> {
    method: Method,
    path: &'a str,
    token: Option<&'a str>,
    key: Option<&'a str>,
    etag: Option<HeaderValue>,
    body: Option<Bytes>,
}

impl<'a> Call<'a> {
    /// A call with this method.
    pub fn new(method: Method, path: &'a str) -> Self {
        Self { method, path, token: None, key: None, etag: None, body: None }
    }

    /// `GET`.
    pub fn get(path: &'a str) -> Self {
        Self::new(Method::GET, path)
    }

    /// `POST`.
    pub fn post(path: &'a str) -> Self {
        Self::new(Method::POST, path)
    }

    /// `PUT`.
    pub fn put(path: &'a str) -> Self {
        Self::new(Method::PUT, path)
    }

    /// As whom.
    pub fn token(mut self, token: &'a str) -> Self {
        self.token = Some(token);
        self
    }

    /// With an idempotency key.
    pub fn key(mut self, key: &'a str) -> Self {
        self.key = Some(key);
        self
    }

    /// Only if it changed.
    pub fn unless(mut self, etag: Option<HeaderValue>) -> Self {
        self.etag = etag;
        self
    }

    /// With a JSON body.
    pub fn json(mut self, body: &Value) -> Self {
        self.body = Some(Bytes::from(body.to_string()));
        self
    }

    /// With a body of JSON that is already encoded.
    pub fn bytes(mut self, body: Bytes) -> Self {
        self.body = Some(body);
        self
    }

    fn request(self, base: &str) -> Result<Request<Full<Bytes>>, http::Error> {
        let mut request = Request::builder().method(self.method).uri(format!("{base}{}", self.path));
        if let Some(token) = self.token {
            request = request.header(AUTHORIZATION, format!("Bearer {token}"));
        }
        if let Some(key) = self.key {
            request = request.header("idempotency-key", key);
        }
        if let Some(etag) = self.etag {
            request = request.header(IF_NONE_MATCH, etag);
        }
        if self.body.is_some() {
            request = request.header(CONTENT_TYPE, "application/json");
        }
        request.body(Full::new(self.body.unwrap_or_default()))
    }
}

/// A client of one node. Clones share its connections.
#[derive(Clone)]
pub struct Http {
    client: Client<HttpConnector, Full<Bytes>>,
    base: String,
}

impl Http {
    /// A client of the node at `base`, such as `http://127.0.0.1:7100`.
    pub fn new(base: &str) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            // Below the server's idle timeout, so that a call rarely meets a connection that is just being closed.
            .pool_idle_timeout(Duration::from_secs(5))
            .build(connector);
        Self { client, base: base.trim_end_matches('/').to_owned() }
    }

    /// Where the node is.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// Sends a call and waits for the whole answer.
    pub async fn send(&self, call: Call<'_>) -> Result<Reply, CallError> {
        let (method, path) = (call.method.clone(), call.path.to_owned());
        let failed = |why: String| CallError { method: method.clone(), path: path.clone(), why };
        let request = call.request(&self.base).map_err(|error| failed(error.to_string()))?;
        let exchange = async {
            let response = self.client.request(request).await.map_err(|error| failed(causes(&error)))?;
            let (head, body) = response.into_parts();
            let body = Limited::new(body, ANSWER_BYTES_MAX).collect().await;
            let body = body.map_err(|error| failed(error.to_string()))?.to_bytes();
            Ok(Reply { status: head.status, headers: head.headers, body })
        };
        timeout(CALL_WITHIN, exchange).await.unwrap_or_else(|_| Err(failed("no answer in time".to_owned())))
    }
}

fn causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text.push_str(": ");
        text.push_str(&inner.to_string());
        cause = inner.source();
    }
    text
}
