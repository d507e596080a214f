//! The drivers: sessions over WebSockets on tokio.

use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;
use tokio_tungstenite::WebSocketStream;

use crate::point::{Fence, Point};
use crate::seam::{Sink, Source};

/// How a sender reaches the centre.
#[derive(Clone, Debug)]
pub struct LineOptions {
    /// `ws://…` or `wss://…`
    pub url: String,
    /// The region's token.
    pub token: String,
    /// Whom to trust behind `wss://`.
    pub tls: Option<Arc<rustls::ClientConfig>>,
}

/// How shipping goes; read at any time.
#[derive(Debug, Default)]
pub struct Status {}

impl Status {
    /// The position that the centre has synced.
    pub fn acknowledged(&self) -> Point {
        unimplemented!()
    }

    /// Whether the line is up and the centre has agreed.
    pub fn is_connected(&self) -> bool {
        unimplemented!()
    }

    /// The fence, as it comes and goes.
    pub fn watch_fence(&self) -> watch::Receiver<Option<Arc<Fence>>> {
        unimplemented!()
    }
}

/// Ships for ever, over one connection after the other; ends when dropped.
pub async fn ship<S: Source>(source: S, options: LineOptions, head: watch::Receiver<u64>, status: Arc<Status>) {
    let _ = (source, options, head, status);
    unimplemented!()
}

/// How the centre's side waits.
#[derive(Clone, Debug, Default)]
pub struct ServeOptions {}

/// Why a connection ended, in words for the log.
pub type Ended = String;

/// Receives over one upgraded connection until it ends.
pub async fn serve<IO, K>(socket: WebSocketStream<IO>, sink: K, options: ServeOptions) -> Ended
where
    IO: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    K: Sink,
{
    let _ = (socket, sink, options);
    unimplemented!()
}
