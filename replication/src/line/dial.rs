//! Reaches the centre: TCP, TLS where the URL says so, the WebSocket handshake with the region's token. Says in words
//! what went wrong, and whether trying again soon makes sense.

use std::sync::Arc;

use http::Uri;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::ClientRequestBuilder;
use tokio_tungstenite::tungstenite::error::{Error, ProtocolError};

use super::life::{Life, Watched};
use super::{LineOptions, tls, wire};
use crate::{SUBPROTOCOL, limits};

/// Any stream that a WebSocket can run over.
pub(super) trait Io: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Io for T {}

/// A line that has been opened.
pub(super) type Socket = WebSocketStream<Box<dyn Io>>;

/// Why it could not be opened.
#[derive(Debug)]
pub(super) struct DialError {
    pub(super) text: String,
    /// Somebody has to change something first: it is tried slowly.
    pub(super) refused: bool,
}

fn refused(text: impl Into<String>) -> DialError {
    DialError { text: text.into(), refused: true }
}

fn failed(text: impl Into<String>) -> DialError {
    DialError { text: text.into(), refused: false }
}

/// Opens a line.
pub(super) async fn dial(options: &LineOptions, life: Arc<Life>) -> Result<Socket, DialError> {
    let uri: Uri = options.url.parse().map_err(|error| refused(format!("`{}` is not a URL: {error}", options.url)))?;
    let secure = match uri.scheme_str() {
        Some("ws") => false,
        Some("wss") => true,
        _ => return Err(refused(format!("`{}` begins neither with ws:// nor with wss://", options.url))),
    };
    let Some(host) = uri.host().map(|host| host.trim_start_matches('[').trim_end_matches(']').to_owned()) else {
        return Err(refused(format!("`{}` names no host", options.url)));
    };
    let port = uri.port_u16().unwrap_or(if secure { 443 } else { 80 });
    let tcp = timeout(options.timings.connect, TcpStream::connect((host.as_str(), port)))
        .await
        .map_err(|_| failed(format!("no connection to {host}:{port} within {:?}", options.timings.connect)))?
        .map_err(|error| failed(format!("no connection to {host}:{port}: {error}")))?;
    tcp.set_nodelay(true).map_err(|error| failed(format!("no connection to {host}:{port}: {error}")))?;
    let watched = Watched::new(tcp, life);
    let opening = async {
        let io: Box<dyn Io> =
            if secure { Box::new(encrypt(watched, &host, options).await?) } else { Box::new(watched) };
        upgrade(io, uri, &options.token).await
    };
    timeout(options.timings.handshake, opening).await.map_err(|_| {
        failed(format!("{host}:{port} didn't answer the handshake within {:?}", options.timings.handshake))
    })?
}

async fn encrypt(
    io: Watched<TcpStream>,
    host: &str,
    options: &LineOptions,
) -> Result<tokio_rustls::client::TlsStream<Watched<TcpStream>>, DialError> {
    let config = match &options.tls {
        Some(config) => Arc::clone(config),
        None => tokio::task::spawn_blocking(|| tls::platform_tls(None))
            .await
            .map_err(|error| failed(format!("no TLS: {error}")))?
            .map_err(|error| refused(format!("no TLS: {error}")))?,
    };
    let name = ServerName::try_from(host.to_owned()).map_err(|_| refused(format!("`{host}` is not a name for TLS")))?;
    let connecting = TlsConnector::from(config).connect(name, io);
    connecting.await.map_err(|error| {
        let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
        match inner {
            Some(rustls::Error::InvalidCertificate(why)) => {
                refused(format!("the certificate of {host} is not trusted: {why}"))
            }
            Some(why) => refused(format!("no TLS with {host}: {why}")),
            None => failed(format!("no TLS with {host}: {error}")),
        }
    })
}

async fn upgrade(io: Box<dyn Io>, uri: Uri, token: &str) -> Result<Socket, DialError> {
    let request = ClientRequestBuilder::new(uri)
        .with_header("Authorization", format!("Bearer {token}"))
        .with_sub_protocol(SUBPROTOCOL);
    let config = wire::config(limits::ANSWER_BYTES_MAX);
    match tokio_tungstenite::client_async_with_config(request, io, Some(config)).await {
        Ok((socket, _)) => Ok(socket),
        Err(Error::Http(response)) => {
            let status = response.status();
            let what = match status.as_u16() {
                401 => "the region's token is not accepted",
                403 => "the region's token is not for this region",
                404 => "nothing takes replication at this URL",
                _ => "no WebSocket",
            };
            let text = format!("the centre answered HTTP {status}: {what}");
            Err(DialError { text, refused: status.is_client_error() && status.as_u16() != 429 })
        }
        Err(Error::Protocol(ProtocolError::SecWebSocketSubProtocolError(_))) => {
            Err(refused(format!("what answers at this URL doesn't speak {SUBPROTOCOL}")))
        }
        Err(Error::HttpFormat(error)) => Err(refused(format!("URL or token can't stand in a request: {error}"))),
        Err(error) => Err(failed(format!("the handshake failed: {error}"))),
    }
}
