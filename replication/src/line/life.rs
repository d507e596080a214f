//! Signs of life: a stream that notes when bytes moved and how many. On a slow line a message takes minutes; its bytes
//! show that the other side is there.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;

/// What moved on one connection. Times are since its beginning.
#[derive(Debug)]
pub(super) struct Life {
    begun: Instant,
    read_at_micros: AtomicU64,
    read_bytes: AtomicU64,
    written_bytes: AtomicU64,
    holding: AtomicBool,
}

impl Life {
    pub(super) fn begin() -> Arc<Self> {
        Arc::new(Self {
            begun: Instant::now(),
            read_at_micros: AtomicU64::new(0),
            read_bytes: AtomicU64::new(0),
            written_bytes: AtomicU64::new(0),
            holding: AtomicBool::new(false),
        })
    }

    /// Now, on the connection's clock.
    pub(super) fn now(&self) -> Duration {
        self.begun.elapsed()
    }

    /// The instant that the connection's clock calls `at`.
    pub(super) fn instant(&self, at: Duration) -> Instant {
        self.begun + at
    }

    /// When the other side last showed that it is there: bytes were read, or this side didn't want to read any.
    pub(super) fn heard_at(&self) -> Duration {
        if self.holding.load(Ordering::Relaxed) {
            return self.now();
        }
        Duration::from_micros(self.read_at_micros.load(Ordering::Relaxed))
    }

    /// Bytes read.
    pub(super) fn read_bytes(&self) -> u64 {
        self.read_bytes.load(Ordering::Relaxed)
    }

    /// Bytes written.
    pub(super) fn written_bytes(&self) -> u64 {
        self.written_bytes.load(Ordering::Relaxed)
    }

    /// Nothing is read from now on (`true`): this side pushes back; or it is again.
    pub(super) fn hold(&self, holding: bool) {
        self.heard();
        self.holding.store(holding, Ordering::Relaxed);
    }

    fn heard(&self) {
        let micros = u64::try_from(self.now().as_micros()).unwrap_or(u64::MAX);
        self.read_at_micros.store(micros, Ordering::Relaxed);
    }

    fn read(&self, bytes: usize) {
        self.heard();
        self.read_bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    }
}

/// A stream whose movement is noted.
#[derive(Debug)]
pub(super) struct Watched<IO> {
    io: IO,
    life: Arc<Life>,
}

impl<IO> Watched<IO> {
    pub(super) fn new(io: IO, life: Arc<Life>) -> Self {
        Self { io, life }
    }
}

impl<IO: AsyncRead + Unpin> AsyncRead for Watched<IO> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        ready!(Pin::new(&mut self.io).poll_read(cx, buf))?;
        let read = buf.filled().len().saturating_sub(before);
        if read > 0 {
            self.life.read(read);
        }
        Poll::Ready(Ok(()))
    }
}

impl<IO: AsyncWrite + Unpin> AsyncWrite for Watched<IO> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.io).poll_write(cx, buf))?;
        self.life.written_bytes.fetch_add(written as u64, Ordering::Relaxed);
        Poll::Ready(Ok(written))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}
