//! The centre's driver for one connection: takes what has arrived, lets the sink append and sync it where waiting is
//! allowed, acknowledges. Heartbeats go on while the sink works.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::mpsc;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::Role;

use super::life::{Life, Watched};
use super::wire::{self, Arrival, Arrived};
use crate::end::End;
use crate::frame::Message;
use crate::limits;
use crate::receiver::{Receiver, ReceiverOptions};
use crate::seam::Sink;

/// How the centre's side waits, and how much it lets come.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ServeOptions {
    /// Pause between heartbeats; a region that is silent for three of them is taken as gone.
    pub heartbeat: Duration,
    /// Bytes that the region may have on their way.
    pub window: usize,
}

impl Default for ServeOptions {
    fn default() -> Self {
        Self { heartbeat: limits::HEARTBEAT, window: limits::WINDOW_BYTES }
    }
}

/// Why a connection ended, in words for the log.
pub type Ended = String;

/// Receives over one upgraded connection until it ends. The socket must be fresh: its stream is taken over and bounded
/// anew. The sink is dropped as soon as the session has ended, before the last words are out. When the future itself is
/// dropped, an append that is under way still ends, and the sink with it: a newer connection has to wait for that.
pub async fn serve<IO, K>(socket: WebSocketStream<IO>, sink: K, options: ServeOptions) -> Ended
where
    IO: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    K: Sink,
{
    let life = Life::begin();
    let io = Watched::new(socket.into_inner(), Arc::clone(&life));
    let config = wire::config(limits::MESSAGE_BYTES_MAX);
    let socket = WebSocketStream::from_raw_socket(io, Role::Server, Some(config)).await;
    let (out, stream) = socket.split();
    let (arrived, arrivals) = mpsc::channel(limits::ARRIVED_MESSAGES_MAX);
    let (say, said) = mpsc::channel(8);
    let session = ReceiverOptions { window: options.window, heartbeat: options.heartbeat };
    let receiver = Box::new(Receiver::new(sink, session, life.now()));
    let linger = options.heartbeat * limits::HEARTBEATS_MISSED_MAX;
    let work = receive(receiver, arrivals, say, &life, options.heartbeat);
    let end = wire::alongside(work, wire::read(stream, arrived, &life), wire::write(out, said), |end| {
        let gone = matches!(end, End::Silence(_) | End::Closed(_));
        (if gone { Duration::ZERO } else { linger }, true)
    })
    .await;
    end.to_string()
}

async fn receive<K: Sink>(
    mut receiver: Box<Receiver<K>>,
    mut arrivals: mpsc::Receiver<Arrival>,
    say: mpsc::Sender<Bytes>,
    life: &Life,
    heartbeat: Duration,
) -> End {
    let mut pending: Option<Bytes> = None;
    let mut can_say = true;
    loop {
        let now = life.now();
        receiver.heard(life.heard_at(), life.read_bytes());
        if let Err(end) = receiver.check(now) {
            return end;
        }
        if pending.is_none() && can_say {
            pending = receiver.poll(now);
        }
        // While nothing can be said, a heartbeat that is due doesn't wake anybody.
        let says = pending.is_none() && can_say;
        let wake = if says { receiver.poll_at().min(receiver.deadline()) } else { receiver.deadline() };
        tokio::select! {
            biased;
            room = say.reserve(), if pending.is_some() && can_say => match (room, pending.take()) {
                (Ok(room), Some(message)) => room.send(message),
                _ => can_say = false,
            },
            // Whoever doesn't take acknowledgements isn't listened to further.
            arrival = arrivals.recv(), if pending.is_none() || !can_say => {
                let (messages, last) = what_arrived(arrival, &mut arrivals);
                let (session, worked) = work_through(receiver, messages, &say, life, heartbeat).await;
                let Some(session) = session else { return End::Closed("the sink panicked".to_owned()) };
                if let Err(end) = worked {
                    last_words(session, &say, heartbeat).await;
                    return end;
                }
                receiver = session;
                if let Some(end) = last {
                    return end;
                }
            }
            () = tokio::time::sleep_until(life.instant(wake)) => {}
        }
    }
}

/// Everything that has arrived, up to what is appended at once; and the end, if it is among it.
fn what_arrived(first: Option<Arrival>, arrivals: &mut mpsc::Receiver<Arrival>) -> (Vec<Arrived>, Option<End>) {
    let mut messages = Vec::new();
    let mut bytes = 0;
    let mut next = first;
    loop {
        match next {
            Some(Ok(arrived)) => {
                bytes += arrived.bytes.len();
                messages.push(arrived);
            }
            Some(Err(text)) => return (messages, Some(End::Closed(text))),
            None => return (messages, Some(End::Closed("the connection ended".to_owned()))),
        }
        if bytes >= limits::APPEND_BYTES_MAX {
            return (messages, None);
        }
        match arrivals.try_recv() {
            Ok(arrival) => next = Some(arrival),
            Err(_) => return (messages, None),
        }
    }
}

/// Lets the session work where blocking is allowed. Heartbeats go on meanwhile.
async fn work_through<K: Sink>(
    mut receiver: Box<Receiver<K>>,
    messages: Vec<Arrived>,
    say: &mpsc::Sender<Bytes>,
    life: &Life,
    heartbeat: Duration,
) -> (Option<Box<Receiver<K>>>, Result<(), End>) {
    let now = life.now();
    let head = receiver.position().sequence;
    let mut working = tokio::task::spawn_blocking(move || {
        let mut work = || {
            for arrived in &messages {
                receiver.receive(now, &arrived.bytes)?;
                if receiver.gathered_bytes() >= limits::APPEND_BYTES_MAX {
                    receiver.settle()?;
                }
            }
            receiver.settle()
        };
        let worked = work();
        (receiver, worked)
    });
    loop {
        tokio::select! {
            worked = &mut working => return match worked {
                Ok((receiver, worked)) => (Some(receiver), worked),
                Err(_) => (None, Ok(())),
            },
            () = tokio::time::sleep(heartbeat) => {
                let alive = Message::Heartbeat { head, bytes: life.read_bytes() };
                let _ = say.try_send(alive.encode()); // a full queue is busy with something that shows life
            }
        }
    }
}

/// What the session still has to say, as long as it can be said. The sink is free before that.
async fn last_words<K: Sink>(mut receiver: Box<Receiver<K>>, say: &mpsc::Sender<Bytes>, heartbeat: Duration) {
    let words: Vec<Bytes> = std::iter::from_fn(|| receiver.poll(Duration::ZERO)).collect();
    drop(receiver);
    let saying = async {
        for word in words {
            if say.send(word).await.is_err() {
                return;
            }
        }
    };
    let _ = tokio::time::timeout(heartbeat * limits::HEARTBEATS_MISSED_MAX, saying).await;
}
