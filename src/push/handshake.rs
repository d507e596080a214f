//! From an HTTP request to a session: the handshake, the bounds on connections, and the token where it comes with the
//! request.

use std::net::IpAddr;
use std::sync::Arc;

use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderValue, Response};
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};

use super::connections::Full;
use super::frames::SUBPROTOCOL;
use super::hub::Hub;
use super::session::{Presence, Session};
use super::{Authenticate, Authenticated};
use crate::engine::answer::Unavailable;
use crate::limits::PUSH_READ_BUFFER_BYTES;
use crate::websocket::{NotASocket, Opening};

/// A handshake that is refused; the edge makes a problem of it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HandshakeError {
    /// Not a handshake, or one with a mistake in it.
    #[error(transparent)]
    NotASocket(#[from] NotASocket),
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
    let opening = Opening::of(headers, SUBPROTOCOL)?;
    let upgrade = upgrade.ok_or(NotASocket::UpgradeRequired)?;
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
    let presence = Presence::new(Arc::clone(hub), outbox, address);
    tokio::spawn(serve(presence, upgrade, authenticate, authenticated));

    Ok(opening.response())
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
