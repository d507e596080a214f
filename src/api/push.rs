//! The way into the push hub: a handshake becomes a session, a refusal becomes a problem.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use hyper::upgrade::OnUpgrade;

use super::AppState;
use super::auth::Authenticator;
use super::front::Client;
use super::problem::{Kind, Problem};
use super::websocket;
use crate::push::{Authenticate, Authenticated, HandshakeError};

/// The socket.
pub fn routes() -> Router<Arc<AppState>> {
    Router::new().route("/v1/push", get(open))
}

impl Authenticate for Authenticator {
    fn authenticate(&self, token: &str) -> Result<Authenticated, String> {
        let identity = self.identify(token).map_err(|error| error.to_string())?;
        Ok(Authenticated { actor: identity.actor.clone(), expires_at: identity.expires_at })
    }
}

async fn open(State(state): State<Arc<AppState>>, mut request: Request) -> Response {
    let upgrade = request.extensions_mut().remove::<OnUpgrade>();
    let address = request.extensions().get::<Client>().map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |client| client.0);
    let authenticator = Arc::clone(&state.edge.authenticator) as Arc<dyn Authenticate>;
    match state.push.upgrade(request.headers(), upgrade, address, authenticator) {
        Ok(response) => response.map(|()| Body::empty()),
        Err(error) => refuse(error),
    }
}

fn refuse(error: HandshakeError) -> Response {
    let detail = error.to_string();
    match error {
        HandshakeError::NotASocket(error) => websocket::refuse(&error),
        HandshakeError::NotAuthenticated(_) => Problem::new(Kind::Unauthenticated, detail).into_response(),
        HandshakeError::TooManyOfAddress => Problem::new(Kind::TooManyRequests, detail).into_response(),
        HandshakeError::Unavailable(unavailable) => Problem::from(unavailable).into_response(),
    }
}
