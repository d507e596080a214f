//! The way in for a region's node: a handshake with the region's token becomes a line on which the log is shipped.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use qucan_replication::{SUBPROTOCOL, line};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::Role;

use super::region_token::pass;
use crate::aggregator::regions::Pass;
use crate::aggregator::sink::RegionSink;
use crate::aggregator::state::Centre;
use crate::api::problem::{Kind, Problem};
use crate::api::websocket;
use crate::websocket::{NotASocket, Opening};

/// Answers a handshake and begins to receive.
pub async fn open(State(state): State<Arc<Centre>>, mut request: Request) -> Response {
    let upgrade = request.extensions_mut().remove::<OnUpgrade>();
    match accept(&state, &request, upgrade) {
        Ok(response) => response,
        Err(Refused::Handshake(error)) => websocket::refuse(&error),
        Err(Refused::Problem(problem)) => problem.into_response(),
    }
}

enum Refused {
    Handshake(NotASocket),
    Problem(Problem),
}

impl From<NotASocket> for Refused {
    fn from(error: NotASocket) -> Self {
        Self::Handshake(error)
    }
}

impl From<Problem> for Refused {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}

fn accept(state: &Arc<Centre>, request: &Request, upgrade: Option<OnUpgrade>) -> Result<Response, Refused> {
    let opening = Opening::of(request.headers(), SUBPROTOCOL)?;
    let upgrade = upgrade.ok_or(NotASocket::UpgradeRequired)?;
    let pass = pass(request.headers(), state)?;
    if state.edge.is_draining() {
        return Err(Problem::new(Kind::ShuttingDown, "the centre is shutting down").into());
    }
    let place = state.regions.lines().take(&pass);
    let place = place.ok_or_else(|| Problem::new(Kind::TooManyRequests, "too many connections of this region"))?;
    let state = Arc::clone(state);
    tokio::spawn(async move {
        receive(state, pass, upgrade).await;
        drop(place);
    });
    Ok(opening.response().map(|()| Body::empty()))
}

async fn receive(state: Arc<Centre>, pass: Pass, upgrade: OnUpgrade) {
    let Ok(upgraded) = upgrade.await else { return };
    let io: TokioIo<Upgraded> = TokioIo::new(upgraded);
    let socket = WebSocketStream::from_raw_socket(io, Role::Server, None).await;
    let sink = RegionSink::new(Arc::clone(&state.regions), pass.clone());
    let (cut, mut draining) = (sink.cut(), state.edge.draining());
    tokio::select! {
        ended = line::serve(socket, sink, line::ServeOptions::default()) => {
            tracing::debug!(?pass, %ended, "a line has ended");
        }
        () = cut.told() => tracing::debug!(?pass, "a line was cut: its epoch is over, or another one has taken over"),
        _ = draining.wait_for(|draining| *draining) => {}
    }
}
