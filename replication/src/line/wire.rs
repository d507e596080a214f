//! A WebSocket's two directions, each a loop between the socket and a bounded queue. What the queues don't take isn't
//! read from the socket: that is how a busy side pushes back.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{Sink, SinkExt, Stream, StreamExt};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{self, Message};

use super::life::Life;
use crate::limits;

/// A message that has arrived; it takes room until it is dropped.
#[derive(Debug)]
pub(super) struct Arrived {
    pub(super) bytes: Bytes,
    _room: Option<OwnedSemaphorePermit>,
}

/// What comes out of the reading loop: messages, and in the end why there are no more.
pub(super) type Arrival = Result<Arrived, String>;

/// Bounds for a socket that takes messages up to this size.
pub(super) fn config(message_bytes_max: usize) -> WebSocketConfig {
    WebSocketConfig::default()
        .read_buffer_size(limits::READ_BUFFER_BYTES)
        .write_buffer_size(0)
        .max_write_buffer_size(limits::MESSAGE_BYTES_MAX + (64 << 10))
        .max_message_size(Some(message_bytes_max))
        .max_frame_size(Some(message_bytes_max))
}

/// Reads until the connection ends. When nobody wants the messages any more they are read and dropped, so that the last
/// words on their way out aren't lost to a reset.
pub(super) async fn read<S>(mut stream: S, to: mpsc::Sender<Arrival>, life: &Life)
where
    S: Stream<Item = Result<Message, tungstenite::Error>> + Unpin,
{
    let room = Arc::new(Semaphore::new(limits::ARRIVED_BYTES_MAX));
    let why = loop {
        match stream.next().await {
            Some(Ok(Message::Binary(bytes))) => {
                let wanted = bytes.len().min(limits::ARRIVED_BYTES_MAX);
                let wanted = u32::try_from(wanted).unwrap_or(u32::MAX);
                life.hold(true);
                let permit = tokio::select! {
                    permit = Arc::clone(&room).acquire_many_owned(wanted) => permit.ok(),
                    () = to.closed() => None,
                };
                // An error means that nobody listens any more.
                let _ = to.send(Ok(Arrived { bytes, _room: permit })).await;
                life.hold(false);
            }
            Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => {}
            Some(Ok(Message::Text(_))) => break "the other side sent text instead of the protocol".to_owned(),
            Some(Ok(Message::Close(_))) | None => break "the other side closed the connection".to_owned(),
            Some(Err(error)) => break format!("the connection broke: {error}"),
        }
    };
    let _ = to.send(Err(why)).await;
}

/// Writes what is put into the queue, each message at once, then closes.
pub(super) async fn write<S>(mut sink: S, mut from: mpsc::Receiver<Bytes>)
where
    S: Sink<Message, Error = tungstenite::Error> + Unpin,
{
    while let Some(bytes) = from.recv().await {
        if sink.send(Message::Binary(bytes)).await.is_err() {
            return; // the reading loop says why
        }
    }
    let _ = sink.close().await;
}

/// Runs `work` with both loops beside it. After it the loops may go on for a moment: the writing one to get the last
/// words out, the reading one (when `drain`) until the other side has closed.
pub(super) async fn alongside<T>(
    work: impl Future<Output = T>,
    reading: impl Future<Output = ()>,
    writing: impl Future<Output = ()>,
    linger: impl FnOnce(&T) -> (Duration, bool),
) -> T {
    let (mut work, mut reading, mut writing) = (pin!(work), pin!(reading), pin!(writing));
    let (mut read_done, mut write_done) = (false, false);
    let result = loop {
        tokio::select! {
            result = &mut work => break result,
            () = &mut reading, if !read_done => read_done = true,
            () = &mut writing, if !write_done => write_done = true,
        }
    };
    let (pause, drain) = linger(&result);
    let rest = async {
        while !write_done || (drain && !read_done) {
            tokio::select! {
                () = &mut reading, if !read_done => read_done = true,
                () = &mut writing, if !write_done => write_done = true,
            }
        }
    };
    let _ = tokio::time::timeout(pause, rest).await;
    result
}
