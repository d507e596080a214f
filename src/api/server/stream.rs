//! A connection's socket with a guard: it ends itself when a head, the next request or a reader takes too long, and it
//! watches heads go by. Bodies have their own time-out where they are read; upgraded connections their own heartbeat.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep};

use super::head::{HeadFault, HeadWatch};
use crate::limits::{LINGER, LINGER_BYTES_MAX};

/// What the socket and the requests on it tell each other.
#[derive(Debug, Default)]
pub(super) struct Exchange {
    /// A request is being answered: silence is not the client's fault.
    busy: AtomicBool,
    /// The connection is no longer HTTP.
    upgraded: AtomicBool,
    faulty_head: AtomicU64,
    fault: AtomicU8,
    served: AtomicU64,
}

impl Exchange {
    /// A request was parsed: what is wrong with its head, if anything.
    pub(super) fn begin(&self) -> Option<HeadFault> {
        self.busy.store(true, Ordering::Release);
        let head = self.served.fetch_add(1, Ordering::AcqRel);
        let fault = match self.fault.load(Ordering::Acquire) {
            1 => HeadFault::TwoLengths,
            2 => HeadFault::BareLineFeed,
            _ => return None,
        };
        // The connection ends with the first faulty head, so only that one is remembered.
        (self.faulty_head.load(Ordering::Acquire) == head).then_some(fault)
    }

    /// The answer is written, or given up.
    pub(super) fn end(&self) {
        self.busy.store(false, Ordering::Release);
    }

    /// What follows is not HTTP.
    pub(super) fn upgrade(&self) {
        self.upgraded.store(true, Ordering::Release);
    }

    fn report(&self, head: u64, fault: HeadFault) {
        if self.fault.load(Ordering::Acquire) == 0 {
            self.faulty_head.store(head, Ordering::Release);
            let code = match fault {
                HeadFault::TwoLengths => 1,
                HeadFault::BareLineFeed => 2,
            };
            self.fault.store(code, Ordering::Release);
        }
    }

    fn is_upgraded(&self) -> bool {
        self.upgraded.load(Ordering::Acquire)
    }
}

/// How long things may take.
#[derive(Debug, Clone, Copy)]
pub(super) struct Patience {
    pub head: Duration,
    pub idle: Duration,
    pub write: Duration,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wait {
    Nothing,
    Head,
    NextRequest,
}

/// A guarded socket.
pub(super) struct GuardedStream<S> {
    socket: S,
    exchange: Arc<Exchange>,
    patience: Patience,
    watch: HeadWatch,
    wait: Wait,
    read_timer: Option<Pin<Box<Sleep>>>,
    write_timer: Option<Pin<Box<Sleep>>>,
    writing_stalled: bool,
    /// Set while what the client still sends is read and discarded before the end.
    lingering: Option<Linger>,
}

struct Linger {
    timer: Pin<Box<Sleep>>,
    bytes_left: usize,
}

impl<S> GuardedStream<S> {
    pub(super) fn new(socket: S, exchange: Arc<Exchange>, patience: Patience) -> Self {
        Self {
            socket,
            exchange,
            patience,
            watch: HeadWatch::default(),
            wait: Wait::Nothing,
            read_timer: None,
            write_timer: None,
            writing_stalled: false,
            lingering: None,
        }
    }

    /// What the client is being waited for.
    fn waited_for(&self) -> Wait {
        if self.exchange.is_upgraded() || self.exchange.busy.load(Ordering::Acquire) {
            Wait::Nothing
        } else if self.watch.in_head() || self.watch.is_fresh() {
            Wait::Head
        } else {
            Wait::NextRequest
        }
    }

    /// Nothing to read: ready with an error once patience is at its end.
    fn poll_patience(&mut self, cx: &mut Context<'_>) -> Poll<io::Error> {
        let wait = self.waited_for();
        let patience = match wait {
            Wait::Nothing => {
                self.wait = wait;
                return Poll::Pending;
            }
            Wait::Head => self.patience.head,
            Wait::NextRequest => self.patience.idle,
        };
        // The time runs from the first moment of waiting for this; single bytes don't start it anew.
        if wait != self.wait {
            self.wait = wait;
            set(&mut self.read_timer, patience);
        }
        match &mut self.read_timer {
            Some(timer) => {
                ready!(timer.as_mut().poll(cx));
                Poll::Ready(io::Error::new(io::ErrorKind::TimedOut, "the client took too long"))
            }
            None => Poll::Pending,
        }
    }

    /// Whether the client is in the midst of a request that was answered already. Closing at once would answer the rest
    /// with a reset, and the reset would overtake the answer.
    fn should_linger(&self) -> bool {
        !self.exchange.is_upgraded() && self.watch.is_mid_request()
    }

    /// The result of a write: an error once the client has taken nothing for too long.
    fn poll_stall(&mut self, cx: &mut Context<'_>, result: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        if result.is_ready() {
            self.writing_stalled = false;
            return result;
        }
        if !self.writing_stalled {
            self.writing_stalled = true;
            set(&mut self.write_timer, self.patience.write);
        }
        match &mut self.write_timer {
            Some(timer) => {
                ready!(timer.as_mut().poll(cx));
                Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the client took nothing for too long")))
            }
            None => Poll::Pending,
        }
    }
}

fn set(timer: &mut Option<Pin<Box<Sleep>>>, patience: Duration) {
    let deadline = Instant::now() + patience;
    match timer {
        Some(timer) => timer.as_mut().reset(deadline),
        None => *timer = Some(Box::pin(tokio::time::sleep_until(deadline))),
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for GuardedStream<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buffer.filled().len();
        match Pin::new(&mut this.socket).poll_read(cx, buffer) {
            Poll::Ready(result) => {
                if !this.exchange.is_upgraded() {
                    let exchange = &this.exchange;
                    let bytes = buffer.filled().get(before..).unwrap_or_default();
                    this.watch.feed(bytes, |head, fault| exchange.report(head, fault));
                }
                Poll::Ready(result)
            }
            Poll::Pending => this.poll_patience(cx).map(Err),
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for GuardedStream<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let result = Pin::new(&mut this.socket).poll_write(cx, bytes);
        this.poll_stall(cx, result)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let result = Pin::new(&mut this.socket).poll_write_vectored(cx, slices);
        this.poll_stall(cx, result)
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().socket).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.lingering.is_none() {
            ready!(Pin::new(&mut this.socket).poll_shutdown(cx))?;
            if !this.should_linger() {
                return Poll::Ready(Ok(()));
            }
        }
        let linger = this.lingering.get_or_insert_with(|| Linger {
            timer: Box::pin(tokio::time::sleep(LINGER)),
            bytes_left: LINGER_BYTES_MAX,
        });
        let mut scrap = [0; 4096];
        while linger.bytes_left > 0 && linger.timer.as_mut().poll(cx).is_pending() {
            let mut buffer = ReadBuf::new(&mut scrap);
            match ready!(Pin::new(&mut this.socket).poll_read(cx, &mut buffer)) {
                Ok(()) if !buffer.filled().is_empty() => {
                    linger.bytes_left = linger.bytes_left.saturating_sub(buffer.filled().len());
                }
                _ended => break,
            }
        }
        Poll::Ready(Ok(()))
    }
}
