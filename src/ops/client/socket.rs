//! A push socket as a client holds it: small buffers, one frame at a time.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use http::HeaderValue;
use http::header::SEC_WEBSOCKET_PROTOCOL;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

/// Largest frame the server may send.
const FRAME_BYTES_MAX: usize = 1 << 20;
/// How long connecting and authenticating may take.
const CONNECT_WITHIN: Duration = Duration::from_secs(20);

/// A socket that could not be opened, or ended.
#[derive(Debug, Clone, thiserror::Error)]
pub enum SocketError {
    /// It could not be opened.
    #[error("the push socket could not be opened: {0}")]
    Open(String),
    /// The server closed it.
    #[error("the push socket was closed with {code}: {reason}")]
    Closed {
        /// The close code.
        code: u16,
        /// The server's words.
        reason: String,
    },
    /// It broke, or spoke another protocol.
    #[error("the push socket broke: {0}")]
    Broken(String),
}

/// What the server says. Fields and types we don't know are tolerated.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Frame {
    /// Authenticated.
    Ready {
        /// Of which epoch offsets are.
        epoch: u64,
    },
    /// A topic's object as it is now.
    Snapshot {
        /// Which topic.
        topic: String,
        /// Its offset.
        offset: u64,
        /// The object.
        data: Value,
    },
    /// One event.
    Event {
        /// Which topic.
        topic: String,
        /// Its offset after the event.
        offset: u64,
        /// What happened.
        event: String,
        /// The object after the event.
        data: Value,
    },
    /// Something can't be done.
    Error {
        /// About which topic.
        topic: Option<String>,
        /// What and why.
        problem: Value,
    },
    /// The node is about to stop.
    Drain {
        /// When to come back, in milliseconds.
        reconnect_after_ms: u64,
    },
    /// The answer to a ping.
    Pong,
    /// Something newer than this client.
    #[serde(other)]
    Unknown,
}

/// An authenticated push socket.
pub struct Socket {
    stream: WebSocketStream<TcpStream>,
    /// The epoch of its offsets.
    pub epoch: u64,
}

impl Socket {
    /// Connects to the node at `base` (`http://host:port`) and authenticates as a mini-program does: by a frame.
    pub async fn open(base: &str, token: &str) -> Result<Self, SocketError> {
        let opened = timeout(CONNECT_WITHIN, Self::open_sometime(base, token)).await;
        opened.unwrap_or_else(|_| Err(SocketError::Open("no answer in time".to_owned())))
    }

    async fn open_sometime(base: &str, token: &str) -> Result<Self, SocketError> {
        let failed = |error: Error| SocketError::Open(error.to_string());
        let authority = base.trim_start_matches("http://");
        let stream = TcpStream::connect(authority).await.map_err(|error| SocketError::Open(error.to_string()))?;
        let _ = stream.set_nodelay(true);
        let mut request = format!("ws://{authority}/v1/push").into_client_request().map_err(failed)?;
        request.headers_mut().insert(SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static("qucan.v1"));
        let config = WebSocketConfig::default()
            .read_buffer_size(4 << 10)
            .write_buffer_size(0)
            .max_write_buffer_size(128 << 10)
            .max_message_size(Some(FRAME_BYTES_MAX))
            .max_frame_size(Some(FRAME_BYTES_MAX));
        let (stream, _) = client_async_with_config(request, stream, Some(config)).await.map_err(failed)?;
        let mut socket = Self { stream, epoch: 0 };
        socket.send(&json!({"type": "auth", "token": token})).await?;
        match socket.next().await? {
            Frame::Ready { epoch } => {
                socket.epoch = epoch;
                Ok(socket)
            }
            other => Err(SocketError::Open(format!("expected ready, got {other:?}"))),
        }
    }

    /// Listens to a topic; with `since` everything after it is sent, or a snapshot.
    pub async fn subscribe(&mut self, topic: &str, since: Option<u64>) -> Result<(), SocketError> {
        let frame = match since {
            Some(since) => json!({"type": "subscribe", "topic": topic, "since": since, "epoch": self.epoch}),
            None => json!({"type": "subscribe", "topic": topic}),
        };
        self.send(&frame).await
    }

    /// Says that everything up to `offset` is here.
    pub async fn ack(&mut self, topic: &str, offset: u64) -> Result<(), SocketError> {
        self.send(&json!({"type": "ack", "topic": topic, "offset": offset})).await
    }

    async fn send(&mut self, frame: &Value) -> Result<(), SocketError> {
        self.stream.send(Message::text(frame.to_string())).await.map_err(|error| SocketError::Broken(error.to_string()))
    }

    /// The next frame. May be dropped while waiting; nothing is lost.
    pub async fn next(&mut self) -> Result<Frame, SocketError> {
        loop {
            match self.stream.next().await {
                Some(Ok(Message::Text(text))) => {
                    return serde_json::from_str(&text).map_err(|error| SocketError::Broken(error.to_string()));
                }
                Some(Ok(Message::Close(Some(frame)))) => {
                    return Err(SocketError::Closed { code: frame.code.into(), reason: frame.reason.to_string() });
                }
                Some(Ok(_)) => {}
                Some(Err(error)) => return Err(SocketError::Broken(error.to_string())),
                None => return Err(SocketError::Broken("the connection ended".to_owned())),
            }
        }
    }
}
