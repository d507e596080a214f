//! One connection: hyper's HTTP/1 over the guarded socket, one request after the other, upgrades kept working.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::Router;
use axum::body::{Body, Bytes, HttpBody};
use axum::http::{HeaderValue, Request, Response, StatusCode, Version, header};
use hyper::body::{Frame, Incoming, SizeHint};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tower::ServiceExt as _;

use super::stream::{Exchange, GuardedStream, Patience};
use super::{Peer, Stage};
use crate::api::problem::{Kind, Problem};
use crate::config::EdgeLimits;
use crate::limits::HEADERS_MAX;
use axum::response::IntoResponse as _;

/// What all connections share.
pub(super) struct Serving {
    router: Router,
    http: http1::Builder,
    patience: Patience,
}

impl Serving {
    pub(super) fn new(router: Router, limits: &EdgeLimits) -> Self {
        let mut http = http1::Builder::new();
        http.max_headers(HEADERS_MAX)
            .max_buf_size(limits.header_bytes.max(8 * 1024))
            // The guarded socket has its own clock for heads, idle time and stalled writes.
            .header_read_timeout(None);
        let patience = Patience { head: limits.header_timeout, idle: limits.idle_timeout, write: limits.write_timeout };
        Self { router, http, patience }
    }
}

/// Serves until the client or the node ends it.
pub(super) async fn serve(
    serving: Arc<Serving>,
    socket: TcpStream,
    peer: SocketAddr,
    mut stage: watch::Receiver<Stage>,
) {
    let exchange = Arc::new(Exchange::default());
    let io = TokioIo::new(GuardedStream::new(socket, Arc::clone(&exchange), serving.patience));
    let service = service_fn(|request| answer(&serving.router, Arc::clone(&exchange), peer, request));
    let mut connection = pin!(serving.http.serve_connection(io, service).with_upgrades());
    let draining = tokio::select! {
        // Errors here are the client's: cut lines, broken framing, too slow. They are counted nowhere and logged never.
        _ended = connection.as_mut() => return,
        stage = stage.wait_for(|stage| *stage != Stage::Serving) => stage.map_or(Stage::Ended, |stage| *stage),
    };
    if draining == Stage::Draining {
        connection.as_mut().graceful_shutdown();
        tokio::select! {
            _ended = connection.as_mut() => {}
            _cut = stage.wait_for(|stage| *stage == Stage::Ended) => {}
        }
    }
}

async fn answer(
    router: &Router,
    exchange: Arc<Exchange>,
    peer: SocketAddr,
    mut request: Request<Incoming>,
) -> Result<Response<AnswerBody>, Infallible> {
    let fault = exchange.begin();
    let busy = Busy(Arc::clone(&exchange));
    let chunked = request.headers().contains_key(header::TRANSFER_ENCODING);
    let fault = fault.map(super::HeadFault::as_str).or_else(|| host_fault(&request));
    let mut response = match fault {
        Some(fault) => Problem::new(Kind::BadRequest, fault).into_response(),
        None => {
            request.extensions_mut().insert(Peer(peer));
            match router.clone().oneshot(request).await {
                Ok(response) => response,
                Err(never) => match never {},
            }
        }
    };
    if response.status() == StatusCode::SWITCHING_PROTOCOLS {
        exchange.upgrade();
    } else if chunked {
        // Where the next head begins after chunks is not watched, so there is none.
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    Ok(response.map(|body| AnswerBody { body, _busy: busy }))
}

/// RFC 9112: exactly one `Host` in HTTP/1.1.
fn host_fault(request: &Request<Incoming>) -> Option<&'static str> {
    let mut hosts = request.headers().get_all(header::HOST).iter();
    match (hosts.next(), hosts.next()) {
        (None, _) if request.version() == Version::HTTP_11 => Some("there is no host header"),
        (Some(_), Some(_)) => Some("there is more than one host header"),
        _ => None,
    }
}

/// Tells the socket when the answer is out.
struct Busy(Arc<Exchange>);

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.end();
    }
}

/// An answer's body, which keeps the connection busy until it is written.
struct AnswerBody {
    body: Body,
    _busy: Busy,
}

impl HttpBody for AnswerBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
