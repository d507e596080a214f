//! A name for each request, the same in the answer, the log lines and the log entry. The client's own is kept where it
//! is sane. Never here: secrets or meaning; it is only a name.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName};
use smol_str::SmolStr;

use crate::limits::REQUEST_ID_BYTES_MAX;

/// The header, in both directions.
pub const HEADER: HeaderName = HeaderName::from_static("x-request-id");

/// The request's id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestId(pub SmolStr);

impl RequestId {
    /// The client's id if it is 1 to 64 of `A-Za-z0-9._-`, else a new one.
    pub fn of(headers: &HeaderMap) -> Self {
        let sane = |text: &&str| {
            (1..=REQUEST_ID_BYTES_MAX).contains(&text.len())
                && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'))
        };
        match headers.get(HEADER).and_then(|value| value.to_str().ok()).filter(sane) {
            Some(text) => Self(SmolStr::new(text)),
            None => Self::random(),
        }
    }

    /// A new id.
    pub fn random() -> Self {
        // Without entropy the id is all zeros: a poor name, not a failed order.
        Self(smol_str::format_smolstr!("{:016x}", getrandom::u64().unwrap_or_default()))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for RequestId {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(parts.extensions.get().cloned().unwrap_or_else(|| Self::of(&parts.headers)))
    }
}
