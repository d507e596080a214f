//! From an HTTP request to a session: RFC 6455's handshake, the subprotocol, the bounds on connections, and the token
//! where it comes with the request.

use std::net::IpAddr;
use std::sync::Arc;

use base64::Engine as _;
use http::header::{
    AUTHORIZATION, CONNECTION, HeaderName, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL,
    SEC_WEBSOCKET_VERSION, UPGRADE,
};
use http::{HeaderMap, HeaderValue, Response, StatusCode};
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};

use super::connections::Full;
use super::frames::SUBPROTOCOL;
use super::hub::Hub;
use super::session::{Presence, Session};
use super::{Authenticate, Authenticated};
use crate::engine::answer::Unavailable;
use crate::limits::PUSH_READ_BUFFER_BYTES;

/// A handshake that is refused; the edge makes a problem of it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HandshakeError {
    /// 426: not a WebSocket handshake, or of another version than 13.
    #[error("this is a websocket: connect with an upgrade of version 13")]
    UpgradeRequired,
    /// 400: a handshake with a mistake in it.
    #[error("{0}")]
    Malformed(&'static str),
    /// 401: the token in the header is not accepted.
    #[error("the token is not accepted: {0}")]
    NotAuthenticated(String),
    /// 429: too many connections from this address.
    #[error("too many push connections from your address")]
    TooManyOfAddress,
    /// 503: too many connections altogether, or the node is stopping.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

/// Answers a handshake and starts the session behind it. `upgrade` is what the HTTP server put into the request.
pub(super) fn accept(
    hub: &Arc<Hub>,
    headers: &HeaderMap,
    upgrade: Option<OnUpgrade>,
    address: IpAddr,
    authenticate: Arc<dyn Authenticate>,
) -> Result<Response<()>, HandshakeError> {
    if !has_token(headers, &CONNECTION, "upgrade")
        || !has_token(headers, &UPGRADE, "websocket")
        || headers.get(SEC_WEBSOCKET_VERSION).is_none_or(|version| version != "13")
    {
        return Err(HandshakeError::UpgradeRequired);
    }
    let upgrade = upgrade.ok_or(HandshakeError::UpgradeRequired)?;
    let key = headers.get(SEC_WEBSOCKET_KEY).filter(|key| is_key(key));
    let key = key.ok_or(HandshakeError::Malformed("sec-websocket-key must be 16 bytes in base64"))?;
    if !has_token(headers, &SEC_WEBSOCKET_PROTOCOL, SUBPROTOCOL) {
        return Err(HandshakeError::Malformed("offer the subprotocol qucan.v1 in sec-websocket-protocol"));
    }
    let authenticated = match headers.get(AUTHORIZATION) {
        Some(header) => Some(check(authenticate.as_ref(), header)?),
        None => None,
    };
    if hub.is_draining() {
        return Err(Unavailable::ShuttingDown.into());
    }
    let outbox = hub.connections.open(address, &hub.options).map_err(|full| match full {
        Full::Altogether => Unavailable::Overloaded.into(),
        Full::Address => HandshakeError::TooManyOfAddress,
    })?;
    let accept = derive_accept_key(key.as_bytes());
    let presence = Presence::new(Arc::clone(hub), outbox, address);
    tokio::spawn(serve(presence, upgrade, authenticate, authenticated));

    let mut response = Response::new(());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let fields = [
        (CONNECTION, HeaderValue::from_static("Upgrade")),
        (UPGRADE, HeaderValue::from_static("websocket")),
        (SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(SUBPROTOCOL)),
    ];
    response.headers_mut().extend(fields);
    if let Ok(accept) = HeaderValue::try_from(accept) {
        response.headers_mut().insert(SEC_WEBSOCKET_ACCEPT, accept);
    }
    Ok(response)
}

async fn serve(
    presence: Presence,
    upgrade: OnUpgrade,
    authenticate: Arc<dyn Authenticate>,
    authenticated: Option<Authenticated>,
) {
    // Boxed, so that what is only needed to begin takes no room while the connection waits.
    let Some(mut session) = Box::pin(begin(presence, upgrade, authenticate)).await else { return };
    session.run(authenticated).await;
}

/// A session on the upgraded connection; none where the client went away before that.
async fn begin(
    presence: Presence,
    upgrade: OnUpgrade,
    authenticate: Arc<dyn Authenticate>,
) -> Option<Box<Session<TokioIo<Upgraded>>>> {
    let upgraded = upgrade.await.ok()?;
    let options = &presence.hub.options;
    let config = WebSocketConfig::default()
        .read_buffer_size(PUSH_READ_BUFFER_BYTES)
        .write_buffer_size(WRITE_BUFFER_BYTES)
        .max_write_buffer_size(2 * options.server_frame_bytes + WRITE_BUFFER_BYTES)
        .max_message_size(Some(options.client_frame_bytes))
        .max_frame_size(Some(options.client_frame_bytes));
    let socket = WebSocketStream::from_raw_socket(TokioIo::new(upgraded), Role::Server, Some(config)).await;
    Some(Box::new(Session::new(presence, socket, authenticate)))
}

/// From this many bytes on a burst of events is written before it is whole. The buffer grows only while it is needed.
const WRITE_BUFFER_BYTES: usize = 8 << 10;

fn check(authenticate: &dyn Authenticate, header: &HeaderValue) -> Result<Authenticated, HandshakeError> {
    let text = header.to_str().unwrap_or_default();
    let (scheme, token) = text.split_once(' ').unwrap_or_default();
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(HandshakeError::NotAuthenticated("authorization must be a bearer token".to_owned()));
    }
    authenticate.authenticate(token.trim()).map_err(HandshakeError::NotAuthenticated)
}

/// Whether a header that is a list holds a token, whatever its case.
fn has_token(headers: &HeaderMap, name: &HeaderName, token: &str) -> bool {
    let values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|part| part.trim().eq_ignore_ascii_case(token))
}

fn is_key(key: &HeaderValue) -> bool {
    base64::engine::general_purpose::STANDARD.decode(key.as_bytes()).is_ok_and(|bytes| bytes.len() == 16)
}
