//! A handshake that is no handshake, as a problem.

use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};

use super::problem::{Kind, Problem};
use crate::websocket::NotASocket;

/// 426 or 400.
pub fn refuse(error: &NotASocket) -> Response {
    let detail = error.to_string();
    match error {
        NotASocket::UpgradeRequired => {
            let mut response = Problem::new(Kind::UpgradeRequired, detail).into_response();
            let headers = response.headers_mut();
            headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
            headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
            headers.insert(header::SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
            response
        }
        NotASocket::Malformed(_) => Problem::new(Kind::Malformed, detail).into_response(),
    }
}
