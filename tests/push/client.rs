//! A push client that waits for what must come, and never long.

use std::net::SocketAddr;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::{HeaderMap, StatusCode};
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async};

/// Far beyond anything that must happen; only a broken hub gets there.
const PATIENCE: Duration = Duration::from_secs(20);

pub struct Client(pub WebSocketStream<TcpStream>);

/// What came: a frame of the protocol, or the end.
#[derive(Debug, Clone, PartialEq)]
pub enum Came {
    Frame(Value),
    Closed(Option<u16>),
}

/// Connects with these headers beside the handshake's own.
pub async fn handshake(address: SocketAddr, headers: &[(&'static str, &str)]) -> Result<Client, StatusCode> {
    let socket = TcpSocket::new_v4().unwrap();
    connect(socket, address, headers).await
}

async fn connect(
    socket: TcpSocket,
    address: SocketAddr,
    headers: &[(&'static str, &str)],
) -> Result<Client, StatusCode> {
    let stream = socket.connect(address).await.unwrap();
    let mut request = format!("ws://{address}/v1/push").into_client_request().unwrap();
    let fields: HeaderMap =
        headers.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect();
    request.headers_mut().extend(fields);
    match client_async(request, stream).await {
        Ok((socket, _)) => Ok(Client(socket)),
        Err(Error::Http(response)) => Err(response.status()),
        Err(other) => panic!("{other}"),
    }
}

impl Client {
    /// Connects without saying who it is.
    pub async fn connect(address: SocketAddr) -> Self {
        handshake(address, &[("sec-websocket-protocol", "qucan.v1")]).await.unwrap()
    }

    /// Connects with a receive buffer as small as the system allows.
    pub async fn connect_narrow(address: SocketAddr) -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(4_096).unwrap();
        connect(socket, address, &[("sec-websocket-protocol", "qucan.v1")]).await.unwrap()
    }

    /// Connects and authenticates.
    pub async fn of(address: SocketAddr, token: &str) -> Self {
        let mut client = Self::connect(address).await;
        client.authenticate(token).await;
        client
    }

    pub async fn authenticate(&mut self, token: &str) -> Value {
        self.send(json!({"type": "auth", "token": token})).await;
        let ready = self.frame().await;
        assert_eq!(ready["type"], "ready", "{ready}");
        ready
    }

    pub async fn send(&mut self, frame: Value) {
        self.send_raw(Message::text(frame.to_string())).await;
    }

    pub async fn send_raw(&mut self, message: Message) {
        // The server may have closed meanwhile; what it says then is read afterwards.
        let _ = self.0.send(message).await;
    }

    pub async fn subscribe(&mut self, topic: &str) {
        self.send(json!({"type": "subscribe", "topic": topic})).await;
    }

    pub async fn resume(&mut self, topic: &str, since: u64) {
        self.send(json!({"type": "subscribe", "topic": topic, "since": since})).await;
    }

    pub async fn ack(&mut self, topic: &str, offset: u64) {
        self.send(json!({"type": "ack", "topic": topic, "offset": offset})).await;
    }

    pub async fn came(&mut self) -> Came {
        timeout(PATIENCE, self.came_sometime()).await.expect("nothing came")
    }

    async fn came_sometime(&mut self) -> Came {
        loop {
            match self.0.next().await {
                Some(Ok(Message::Text(text))) => return Came::Frame(serde_json::from_str(&text).unwrap()),
                Some(Ok(Message::Close(frame))) => return Came::Closed(frame.map(|frame| frame.code.into())),
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return Came::Closed(None),
            }
        }
    }

    /// The next frame.
    pub async fn frame(&mut self) -> Value {
        match self.came().await {
            Came::Frame(frame) => frame,
            Came::Closed(code) => panic!("closed with {code:?}"),
        }
    }

    /// The next frame, which must be of this type and topic; its offset and data.
    pub async fn expect(&mut self, kind: &str, topic: &str) -> (u64, Value) {
        let frame = self.frame().await;
        assert_eq!((&frame["type"], &frame["topic"]), (&json!(kind), &json!(topic)), "{frame}");
        (frame["offset"].as_u64().unwrap(), frame["data"].clone())
    }

    /// The code with which the server ends the connection, after whatever frames.
    pub async fn close_code(&mut self) -> Option<u16> {
        loop {
            if let Came::Closed(code) = self.came().await {
                return code;
            }
        }
    }

    /// Proves that nothing else is on its way: the answer to a ping comes next.
    pub async fn expect_silence(&mut self) {
        self.send(json!({"type": "ping"})).await;
        assert_eq!(self.frame().await, json!({"type": "pong"}));
    }
}
