//! RFC 6455's opening handshake on the server's side, for every socket there is: what a request must bring, and the answer
//! that switches. Never here: who may come in, or a frame.

use base64::Engine as _;
use http::header::{
    CONNECTION, HeaderName, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_VERSION,
    UPGRADE,
};
use http::{HeaderMap, HeaderValue, Response, StatusCode};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

/// A request that can't become a socket.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotASocket {
    /// 426: not a WebSocket handshake, or of another version than 13.
    #[error("this is a websocket: connect with an upgrade of version 13")]
    UpgradeRequired,
    /// 400: a handshake with a mistake in it.
    #[error("{0}")]
    Malformed(String),
}

/// A handshake that is in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opening {
    accept: String,
    subprotocol: &'static str,
}

impl Opening {
    /// Looks at a request's head: the upgrade, its key, and the one subprotocol that is spoken here.
    pub fn of(headers: &HeaderMap, subprotocol: &'static str) -> Result<Self, NotASocket> {
        if !has_token(headers, &CONNECTION, "upgrade")
            || !has_token(headers, &UPGRADE, "websocket")
            || headers.get(SEC_WEBSOCKET_VERSION).is_none_or(|version| version != "13")
        {
            return Err(NotASocket::UpgradeRequired);
        }
        let malformed = |why: String| Err(NotASocket::Malformed(why));
        let Some(key) = headers.get(SEC_WEBSOCKET_KEY).filter(|key| is_key(key)) else {
            return malformed("sec-websocket-key must be 16 bytes in base64".to_owned());
        };
        if !has_token(headers, &SEC_WEBSOCKET_PROTOCOL, subprotocol) {
            return malformed(format!("offer the subprotocol {subprotocol} in sec-websocket-protocol"));
        }
        Ok(Self { accept: derive_accept_key(key.as_bytes()), subprotocol })
    }

    /// The answer after which both sides speak frames.
    pub fn response(&self) -> Response<()> {
        let mut response = Response::new(());
        *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
        let fields = [
            (CONNECTION, HeaderValue::from_static("Upgrade")),
            (UPGRADE, HeaderValue::from_static("websocket")),
            (SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(self.subprotocol)),
        ];
        response.headers_mut().extend(fields);
        if let Ok(accept) = HeaderValue::try_from(self.accept.as_str()) {
            response.headers_mut().insert(SEC_WEBSOCKET_ACCEPT, accept);
        }
        response
    }
}

/// Whether a header that is a list holds a token, whatever its case.
fn has_token(headers: &HeaderMap, name: &HeaderName, token: &str) -> bool {
    let values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|part| part.trim().eq_ignore_ascii_case(token))
}

fn is_key(key: &HeaderValue) -> bool {
    base64::engine::general_purpose::STANDARD.decode(key.as_bytes()).is_ok_and(|bytes| bytes.len() == 16)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(fields: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            headers.append(*name, HeaderValue::from_static(value));
        }
        headers
    }

    const WHOLE: [(&str, &str); 5] = [
        ("connection", "keep-alive, Upgrade"),
        ("upgrade", "WebSocket"),
        ("sec-websocket-version", "13"),
        ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
        ("sec-websocket-protocol", "other, one.v1"),
    ];

    #[test]
    fn a_whole_handshake_is_answered_with_its_key() {
        let response = Opening::of(&headers(&WHOLE), "one.v1").unwrap().response();
        assert_eq!(response.status(), 101);
        assert_eq!(response.headers()["sec-websocket-accept"], "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", "RFC 6455's example");
        assert_eq!(response.headers()["sec-websocket-protocol"], "one.v1");
    }

    #[test]
    fn a_part_that_is_missing_is_told() {
        for (part, upgrade) in [(0, true), (1, true), (2, true), (3, false), (4, false)] {
            let mut fields = WHOLE.to_vec();
            fields.remove(part);
            let refused = Opening::of(&headers(&fields), "one.v1").unwrap_err();
            assert_eq!(refused == NotASocket::UpgradeRequired, upgrade, "{refused}");
        }
        assert!(Opening::of(&headers(&WHOLE), "two.v1").is_err(), "nothing else is spoken here");
    }
}
