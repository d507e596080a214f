//! The node's own accept loop: bounded connections, each with its patience; drains when told. HTTP/1.1 without TLS, which a
//! proxy in front ends. Never here: routes, or anything a request means.

mod connection;
mod head;
mod places;
mod stream;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use self::connection::Serving;
pub use self::head::HeadFault;
use self::places::Full;
pub use self::places::{ClientAddress, Places};
use crate::config::EdgeLimits;
use crate::limits::{ACCEPT_PAUSE, LISTEN_BACKLOG};

/// Who is on the other end; in every request's extensions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer(pub SocketAddr);

/// An address that can't be listened on.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// Somebody else is there.
    #[error("{address} is in use by another program; stop it or change `{key}`")]
    InUse {
        /// Where.
        address: SocketAddr,
        /// The key that says so.
        key: &'static str,
    },
    /// Not allowed.
    #[error("{address} can't be listened on: permission denied; ports below 1024 need a privilege")]
    Denied {
        /// Where.
        address: SocketAddr,
    },
    /// Anything else.
    #[error("{address} can't be listened on: {error}")]
    Other {
        /// Where.
        address: SocketAddr,
        /// Why.
        error: io::Error,
    },
}

/// Sockets that listen and don't accept yet.
pub struct Listeners {
    listeners: Vec<TcpListener>,
}

impl Listeners {
    /// Listens on every address that the configuration's `key` says, or on none.
    pub fn bind(addresses: &[SocketAddr], key: &'static str) -> Result<Self, BindError> {
        let bind = |address: &SocketAddr| {
            listen(*address).map_err(|error| match error.kind() {
                io::ErrorKind::AddrInUse => BindError::InUse { address: *address, key },
                io::ErrorKind::PermissionDenied => BindError::Denied { address: *address },
                _ => BindError::Other { address: *address, error },
            })
        };
        Ok(Self { listeners: addresses.iter().map(bind).collect::<Result<_, _>>()? })
    }

    /// Where they listen; a port 0 has become a real one.
    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.listeners.iter().filter_map(|listener| listener.local_addr().ok()).collect()
    }
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    // A restart must not wait for the old connections' last minutes.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(LISTEN_BACKLOG)
}

/// A server that accepts.
pub struct Server {
    draining: watch::Sender<Stage>,
    acceptors: Vec<JoinHandle<()>>,
    /// Answers `None` when the last connection is gone.
    gone: mpsc::Receiver<()>,
}

/// How far a stop is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Serving,
    Draining,
    Ended,
}

impl Server {
    /// Accepts and serves `router`, on the present tokio runtime.
    pub fn start(listeners: Listeners, router: Router, limits: &EdgeLimits, places: Arc<Places>) -> Self {
        let (draining, stage) = watch::channel(Stage::Serving);
        // Never sent to: it only counts who still holds it.
        let (alive, gone) = mpsc::channel(1);
        let serving = Arc::new(Serving::new(router, limits));
        let mut acceptors = Vec::new();
        for listener in listeners.listeners {
            let acceptor = Acceptor {
                listener,
                serving: Arc::clone(&serving),
                places: Arc::clone(&places),
                stage: stage.clone(),
                alive: alive.clone(),
            };
            acceptors.push(tokio::spawn(acceptor.run()));
        }
        Self { draining, acceptors, gone }
    }

    /// Stops accepting and asks every connection to end after the request it is at.
    pub async fn stop_accepting(&mut self) {
        self.draining.send_replace(Stage::Draining);
        for acceptor in self.acceptors.drain(..) {
            if let Err(error) = acceptor.await {
                tracing::error!(%error, "an accept loop ended badly");
            }
        }
    }

    /// Waits until the last connection is gone, at most so long; cuts what is left. Upgraded connections are not waited for.
    pub async fn drain(mut self, at_most: Duration) {
        self.stop_accepting().await;
        if tokio::time::timeout(at_most, self.gone.recv()).await.is_err() {
            self.draining.send_replace(Stage::Ended);
            self.gone.recv().await;
        }
    }
}

struct Acceptor {
    listener: TcpListener,
    serving: Arc<Serving>,
    places: Arc<Places>,
    stage: watch::Receiver<Stage>,
    alive: mpsc::Sender<()>,
}

impl Acceptor {
    async fn run(mut self) {
        loop {
            let accepted = tokio::select! {
                accepted = self.listener.accept() => accepted,
                _ = self.stage.wait_for(|stage| *stage != Stage::Serving) => return,
            };
            match accepted {
                Ok((socket, peer)) => self.take(socket, peer),
                Err(error) if is_client_s(&error) => {}
                Err(error) => {
                    // Out of descriptors, mostly: they come back when connections end.
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }

    fn take(&self, socket: TcpStream, peer: SocketAddr) {
        let place = match self.places.take(peer.ip()) {
            Ok(place) => place,
            Err(full) => return refuse(&socket, full),
        };
        // An answer is one write; it must not wait for the client's acknowledgement of the one before.
        if socket.set_nodelay(true).is_err() {
            return;
        }
        let (serving, stage, alive) = (Arc::clone(&self.serving), self.stage.clone(), self.alive.clone());
        tokio::spawn(async move {
            connection::serve(serving, socket, peer, stage).await;
            drop((place, alive));
        });
    }
}

/// The client was gone before it was accepted.
fn is_client_s(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionRefused
    )
}

/// Says why without reading a byte, as far as the socket's buffer takes it.
fn refuse(socket: &TcpStream, full: Full) {
    let (status, problem, title) = match full {
        Full::Altogether => ("503 Service Unavailable", "overloaded", "Too many connections"),
        Full::Address => ("429 Too Many Requests", "too-many-requests", "Too many connections from your address"),
    };
    let code = status.get(..3).unwrap_or_default();
    let body = format!(
        "{{\"type\":\"/problems/{problem}\",\"title\":\"{title}\",\"status\":{code},\"detail\":\"{title}\",\"retry_after_ms\":1000}}"
    );
    let answer = format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/problem+json\r\nretry-after: 1\r\nconnection: close\r\n\
         content-length: {}\r\n\r\n{body}",
        body.len()
    );
    // Best effort: a client that can't take it learns from the closed connection.
    let _written = socket.try_write(answer.as_bytes());
}
