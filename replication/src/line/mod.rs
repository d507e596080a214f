//! The drivers: sessions over WebSockets on tokio. They own sockets, clocks and pauses; what may be believed and sent is
//! the sessions' business. Nothing that may block runs on tokio's own threads.

mod dial;
mod life;
mod serve;
mod ship;
mod status;
mod tls;
mod wire;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::limits;

pub use serve::{Ended, ServeOptions, serve};
pub use ship::ship;
pub use status::{Reading, Status};
pub use tls::{TlsError, platform_tls};

/// How a sender reaches the centre.
#[derive(Clone)]
pub struct LineOptions {
    /// `ws://…` or `wss://…`
    pub url: String,
    /// The region's token.
    pub token: String,
    /// Whom to trust behind `wss://`; the platform's roots where nothing is said.
    pub tls: Option<Arc<rustls::ClientConfig>>,
    /// How long is waited for what.
    pub timings: Timings,
}

impl fmt::Debug for LineOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The token stays out of logs.
        f.debug_struct("LineOptions").field("url", &self.url).field("timings", &self.timings).finish_non_exhaustive()
    }
}

impl LineOptions {
    /// The usual way to `url` with this token.
    #[must_use]
    pub fn new(url: impl Into<String>, token: impl Into<String>) -> Self {
        Self { url: url.into(), token: token.into(), tls: None, timings: Timings::default() }
    }
}

/// How long a sender waits for what, and how much it has on its way.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Timings {
    /// Pause between heartbeats.
    pub heartbeat: Duration,
    /// Bytes on their way at most.
    pub window: usize,
    /// Whether groups are compressed where it helps.
    pub compress: bool,
    /// For the TCP connection.
    pub connect: Duration,
    /// For TLS and the WebSocket handshake.
    pub handshake: Duration,
    /// The pause before the first attempt after a lost line is drawn from nothing to this; doubles …
    pub backoff_first: Duration,
    /// … up to this.
    pub backoff_max: Duration,
    /// The shortest pause after a fence or a refusal …
    pub refused_min: Duration,
    /// … and the longest.
    pub refused_max: Duration,
}

impl Default for Timings {
    fn default() -> Self {
        Self {
            heartbeat: limits::HEARTBEAT,
            window: limits::WINDOW_BYTES,
            compress: true,
            connect: limits::CONNECT_TIMEOUT,
            handshake: limits::HANDSHAKE_TIMEOUT,
            backoff_first: limits::BACKOFF_FIRST,
            backoff_max: limits::BACKOFF_MAX,
            refused_min: limits::REFUSED_PAUSE_MIN,
            refused_max: limits::REFUSED_PAUSE_MAX,
        }
    }
}
