//! One connection from its first frame to its last. One task, no buffer that can grow: what comes is read only as fast as
//! it is answered, what goes waits in the bounded outbox.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite};
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::frame::Utf8Bytes;
use tokio_tungstenite::tungstenite::{Bytes, Error, Message};

use super::event::Event;
use super::frames::{self, ClientFrame, Close, Problem};
use super::hub::Hub;
use super::outbox::{Next, Outbox};
use super::subscribe::{self, Refused, Start};
use super::subscriptions::{Acknowledged, Place, Subscriptions};
use super::topic::{NotATopic, Topic};
use super::{Authenticate, Authenticated};
use crate::domain::actor::Actor;

/// Events written before the socket is flushed.
const EVENTS_PER_FLUSH: usize = 64;

/// A connection's place among the others; leaving it, or dropping it, removes every trace.
pub(super) struct Presence {
    pub(super) hub: Arc<Hub>,
    outbox: Arc<Outbox>,
    address: IpAddr,
    actor: Option<Actor>,
    subscriptions: Subscriptions,
    left: bool,
}

impl Presence {
    pub(super) fn new(hub: Arc<Hub>, outbox: Arc<Outbox>, address: IpAddr) -> Self {
        hub.metrics.connections.inc();
        Self { hub, outbox, address, actor: None, subscriptions: Subscriptions::default(), left: false }
    }

    fn leave(&mut self) {
        if std::mem::replace(&mut self.left, true) {
            return;
        }
        for topic in self.subscriptions.topics() {
            self.hub.topics.unsubscribe(topic, &self.outbox);
            self.hub.metrics.subscribed(topic, -1);
        }
        self.hub.connections.close(&self.outbox, self.address, self.actor.as_ref());
        self.hub.metrics.connections.dec();
    }
}

impl Drop for Presence {
    fn drop(&mut self) {
        self.leave();
    }
}

/// Why a conversation is over.
enum End {
    /// The server ends it.
    Close(Close, Option<String>),
    /// The client is gone or has closed.
    Gone,
}

impl From<Close> for End {
    fn from(close: Close) -> Self {
        Self::Close(close, None)
    }
}

/// A connection's state.
pub(super) struct Session<S> {
    presence: Presence,
    socket: WebSocketStream<S>,
    authenticate: Arc<dyn Authenticate>,
    /// Until when the client must authenticate, or its token is good.
    authenticated_until: Instant,
    heard_at: Instant,
    ping_at: Instant,
    close_at: Option<Instant>,
    budget: Budget,
    /// The socket can't be read as frames any more.
    broken: bool,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Session<S> {
    pub(super) fn new(presence: Presence, socket: WebSocketStream<S>, authenticate: Arc<dyn Authenticate>) -> Self {
        let now = Instant::now();
        let options = &presence.hub.options;
        Self {
            authenticated_until: now + options.authenticate_within,
            heard_at: now,
            ping_at: now + options.heartbeat,
            close_at: None,
            budget: Budget { left: f64::from(options.client_frames_burst), at: now },
            broken: false,
            presence,
            socket,
            authenticate,
        }
    }

    /// Talks until one of both ends it.
    pub(super) async fn run(&mut self, authenticated: Option<Authenticated>) {
        let end = self.converse(authenticated).await;
        // Off the topics first: nothing more is queued for it.
        self.presence.leave();
        if let Err(End::Close(close, detail)) = end {
            self.presence.hub.metrics.closed(close);
            let linger = self.presence.hub.options.linger;
            let goodbye = goodbye(&mut self.socket, close, detail, self.broken);
            let _ = Box::pin(timeout(linger, goodbye)).await;
        }
    }

    async fn converse(&mut self, authenticated: Option<Authenticated>) -> Result<(), End> {
        if let Some(authenticated) = authenticated {
            Box::pin(self.welcome(authenticated)).await?;
        }
        let outbox = Arc::clone(&self.presence.outbox);
        let timer = sleep_until(self.next_deadline());
        tokio::pin!(timer);
        loop {
            let deadline = self.next_deadline();
            if timer.deadline() != deadline {
                timer.as_mut().reset(deadline);
            }
            tokio::select! {
                received = self.socket.next() => self.received(received).await?,
                next = outbox.next() => Box::pin(self.deliver(next)).await?,
                () = &mut timer => Box::pin(self.tick()).await?,
            }
        }
    }

    fn next_deadline(&self) -> Instant {
        let missed_at = self.heard_at + 2 * self.presence.hub.options.heartbeat;
        let due = [self.authenticated_until, self.ping_at, missed_at].into_iter();
        let due = due.chain(self.close_at).chain(self.presence.subscriptions.next_resend());
        due.min().unwrap_or(missed_at)
    }

    /// Something is due.
    async fn tick(&mut self) -> Result<(), End> {
        let now = Instant::now();
        let heartbeat = self.presence.hub.options.heartbeat;
        if now >= self.authenticated_until {
            let expired = self.presence.actor.is_some().then(|| "the token has expired".to_owned());
            return Err(End::Close(Close::NotAuthenticated, expired));
        }
        if now >= self.heard_at + 2 * heartbeat {
            return Err(Close::HeartbeatMissed.into());
        }
        if self.close_at.is_some_and(|at| now >= at) {
            return Err(Close::GoingAway.into());
        }
        if now >= self.ping_at {
            self.ping_at = now + heartbeat;
            self.send(Message::Ping(Bytes::new())).await?;
        }
        let resend_after = self.presence.hub.options.resend_after;
        while let Some(event) = self.presence.subscriptions.take_resend(now, resend_after) {
            self.presence.hub.metrics.resends.inc();
            self.send_text(event.frame(&self.presence.hub.region)).await?;
        }
        Ok(())
    }

    /// The client sent something, or is gone.
    async fn received(&mut self, received: Option<Result<Message, Error>>) -> Result<(), End> {
        let message = match received {
            Some(Ok(message)) => message,
            Some(Err(error)) => return Err(self.unreadable(error)),
            None => return Err(End::Gone),
        };
        let now = Instant::now();
        self.heard_at = now;
        let options = &self.presence.hub.options;
        if !self.budget.take(now, options.client_frames_burst, options.client_frames_per_second) {
            return Err(End::Close(Close::TooMuch, Some("too many frames".to_owned())));
        }
        match message {
            Message::Text(text) => {
                let frame = frames::parse(&text).map_err(|why| End::Close(Close::BadFrame, Some(why)))?;
                // Boxed, because a connection that waits should not keep room for everything it may ever do.
                Box::pin(self.act(frame)).await
            }
            Message::Binary(_) => Err(End::Close(Close::BadFrame, Some("text frames only".to_owned()))),
            // Pings are answered by the protocol; a close is answered by reading on.
            Message::Ping(_) | Message::Pong(_) | Message::Close(_) | Message::Frame(_) => Ok(()),
        }
    }

    fn unreadable(&mut self, error: Error) -> End {
        self.broken = true;
        match error {
            Error::Capacity(_) => Close::TooLarge.into(),
            Error::Protocol(error) if !is_disconnect(&error) => End::Close(Close::BadFrame, Some(error.to_string())),
            Error::Utf8(_) => End::Close(Close::BadFrame, Some("not utf-8".to_owned())),
            _ => End::Gone,
        }
    }

    async fn act(&mut self, frame: ClientFrame) -> Result<(), End> {
        match frame {
            ClientFrame::Auth { token } => {
                let refused = |why| End::Close(Close::NotAuthenticated, Some(why));
                let authenticated = self.authenticate.authenticate(&token).map_err(refused)?;
                self.welcome(authenticated).await
            }
            ClientFrame::Ping {} => self.send_text(frames::pong()).await,
            _ if self.presence.actor.is_none() => {
                Err(End::Close(Close::NotAuthenticated, Some("authenticate first".to_owned())))
            }
            ClientFrame::Subscribe { topic, since, epoch } => {
                let Some(topic) = self.topic(&topic).await? else { return Ok(()) };
                let since = since.filter(|_| epoch.is_none_or(|epoch| epoch == self.presence.hub.epoch));
                self.subscribe(topic, since).await
            }
            ClientFrame::Unsubscribe { topic } => {
                let Some(topic) = self.topic(&topic).await? else { return Ok(()) };
                if self.presence.subscriptions.remove(&topic) {
                    self.presence.hub.topics.unsubscribe(&topic, &self.presence.outbox);
                    self.presence.hub.metrics.subscribed(&topic, -1);
                }
                Ok(())
            }
            ClientFrame::Ack { topic, offset } => {
                let Some(topic) = self.topic(&topic).await? else { return Ok(()) };
                match self.presence.subscriptions.acknowledge(&topic, offset) {
                    Acknowledged::Yes => {
                        self.presence.hub.metrics.acks.inc();
                        Ok(())
                    }
                    Acknowledged::Ahead => self.send_text(frames::error(Some(&topic), Problem::ACK_AHEAD)).await,
                    Acknowledged::NotSubscribed => {
                        self.send_text(frames::error(Some(&topic), Problem::NOT_SUBSCRIBED)).await
                    }
                }
            }
        }
    }

    /// The client has shown a token, at first or again before the old one expires.
    async fn welcome(&mut self, authenticated: Authenticated) -> Result<(), End> {
        let Authenticated { actor, expires_at } = authenticated;
        let hub = Arc::clone(&self.presence.hub);
        match &self.presence.actor {
            Some(before) if *before != actor => {
                return Err(End::Close(Close::NotAuthenticated, Some("the token is of another subject".to_owned())));
            }
            Some(_) => {}
            None => {
                hub.connections.authenticate(&self.presence.outbox, &actor, &hub.options);
                self.presence.actor = Some(actor);
            }
        }
        let left = u64::try_from(expires_at.0.saturating_sub(hub.engine.now().0)).unwrap_or(0);
        self.authenticated_until = Instant::now() + Duration::from_millis(left.min(FOREVER_MS));
        let connection = format!("{:08x}-{:x}", hub.run, self.presence.outbox.id);
        self.send_text(frames::ready(&connection, hub.epoch, hub.options.heartbeat.as_millis())).await
    }

    /// Reads a topic's name; nothing where the client was told that it can't be.
    async fn topic(&mut self, text: &str) -> Result<Option<Topic>, End> {
        match text.parse() {
            Ok(topic) => Ok(Some(topic)),
            Err(NotATopic::Kind) => Err(End::Close(Close::BadFrame, Some(NotATopic::Kind.to_string()))),
            Err(NotATopic::Id) => match self.presence.actor.as_ref().map(subscribe::not_there) {
                Some(Refused::Problem(problem)) => self.send_text(frames::error(None, problem)).await.map(|()| None),
                _ => Err(Close::NotYourTopic.into()),
            },
        }
    }

    async fn subscribe(&mut self, topic: Topic, since: Option<u64>) -> Result<(), End> {
        let hub = Arc::clone(&self.presence.hub);
        if !self.presence.subscriptions.has(&topic) {
            if self.presence.subscriptions.len() >= hub.options.subscriptions {
                return Err(End::Close(Close::TooMuch, Some("too many subscriptions".to_owned())));
            }
            self.presence.subscriptions.add(topic.clone());
            hub.metrics.subscribed(&topic, 1);
        }
        self.begin(topic, since).await
    }

    /// Begins a subscription, or begins it again after a gap.
    async fn begin(&mut self, topic: Topic, since: Option<u64>) -> Result<(), End> {
        let hub = Arc::clone(&self.presence.hub);
        let Some(actor) = &self.presence.actor else { return Ok(()) };
        let begun = subscribe::begin(&hub, &self.presence.outbox, actor, &topic, since).await;
        match begun {
            Ok(Start::Snapshot { offset, frame }) => {
                self.presence.subscriptions.start_at(&topic, offset);
                hub.metrics.sent_snapshot(&topic);
                self.send_text(frame).await
            }
            Ok(Start::UpToDate { offset }) => {
                self.presence.subscriptions.start_at(&topic, offset);
                Ok(())
            }
            Ok(Start::Events(missed)) => {
                self.presence.subscriptions.start_at(&topic, since.unwrap_or(0));
                for event in missed {
                    self.feed_event(&event).await?;
                }
                self.flush().await
            }
            Err(refused) => {
                self.presence.subscriptions.remove(&topic);
                hub.metrics.subscribed(&topic, -1);
                match refused {
                    Refused::NotYours => Err(Close::NotYourTopic.into()),
                    Refused::Problem(problem) => self.send_text(frames::error(Some(&topic), problem)).await,
                }
            }
        }
    }

    /// The hub has something for the client.
    async fn deliver(&mut self, next: Next) -> Result<(), End> {
        let mut written = Vec::new();
        let mut next = Some(next);
        while let Some(now) = next {
            match now {
                Next::Event(event) => {
                    if self.feed_event(&event).await? {
                        written.push(event.committed);
                    }
                }
                Next::Resync => {
                    for topic in self.presence.subscriptions.topics().cloned().collect::<Vec<_>>() {
                        self.begin(topic, None).await?;
                    }
                }
                Next::Drain => {
                    let options = &self.presence.hub.options;
                    self.close_at = Some(Instant::now() + options.drain_linger);
                    let reconnect_after = spread(self.presence.outbox.id, options.reconnect_spread);
                    self.send_text(frames::drain(reconnect_after.as_millis())).await?;
                }
                Next::Close(reason) => return Err(reason.into()),
            }
            next = if written.len() < EVENTS_PER_FLUSH { self.presence.outbox.try_next() } else { None };
        }
        if !written.is_empty() {
            self.flush().await?;
            let histogram = &self.presence.hub.metrics.commit_to_sent_seconds;
            written.iter().for_each(|committed| histogram.observe(committed.elapsed().as_secs_f64()));
        }
        Ok(())
    }

    /// Writes an event that is the topic's next; drops what the client has; fills a gap with a snapshot. Answers
    /// whether it was written.
    async fn feed_event(&mut self, event: &Arc<Event>) -> Result<bool, End> {
        match self.presence.subscriptions.place(&event.topic, event.offset) {
            Place::Next => {}
            Place::Known => return Ok(false),
            Place::Gap => return Box::pin(self.begin(event.topic.clone(), None)).await.map(|()| false),
        }
        let frame = event.frame(&self.presence.hub.region);
        self.write(Message::Text(frame), false).await?;
        let again_at = Instant::now() + self.presence.hub.options.resend_after;
        self.presence.subscriptions.sent(event, again_at);
        self.presence.hub.metrics.sent_event(&event.topic);
        Ok(true)
    }

    async fn send_text(&mut self, frame: Utf8Bytes) -> Result<(), End> {
        self.send(Message::Text(frame)).await
    }

    async fn send(&mut self, message: Message) -> Result<(), End> {
        self.write(message, true).await
    }

    /// Writes, but neither for ever nor longer than the hub bears with the client.
    async fn write(&mut self, message: Message, flush: bool) -> Result<(), End> {
        let patience = 2 * self.presence.hub.options.heartbeat;
        let socket = &mut self.socket;
        let write = async { if flush { socket.send(message).await } else { socket.feed(message).await } };
        tokio::select! {
            biased;
            written = write => written.map_err(|_| End::Gone),
            reason = self.presence.outbox.condemned() => Err(reason.into()),
            () = sleep(patience) => Err(Close::TooMuch.into()),
        }
    }

    async fn flush(&mut self) -> Result<(), End> {
        let patience = 2 * self.presence.hub.options.heartbeat;
        tokio::select! {
            biased;
            flushed = self.socket.flush() => flushed.map_err(|_| End::Gone),
            reason = self.presence.outbox.condemned() => Err(reason.into()),
            () = sleep(patience) => Err(Close::TooMuch.into()),
        }
    }
}

/// A token's life beyond this is not watched: a timer that far ahead is of no use.
const FOREVER_MS: u64 = 365 * 24 * 3_600 * 1_000;

/// Sends the close code, then reads and discards until the client has taken it: closing with unread bytes would reset
/// the connection, and the code would be lost.
async fn goodbye<S>(socket: &mut WebSocketStream<S>, close: Close, detail: Option<String>, broken: bool)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let sent = socket.send(Message::Close(Some(close.frame(detail.as_deref())))).await;
    let mut readable = sent.is_ok() && !broken;
    while readable {
        match socket.next().await {
            Some(Ok(_)) => {}
            Some(Err(_)) => readable = false,
            None => return,
        }
    }
    let mut discarded = [0; 1_024];
    while let Ok(1..) = socket.get_mut().read(&mut discarded).await {}
}

fn is_disconnect(error: &tokio_tungstenite::tungstenite::error::ProtocolError) -> bool {
    use tokio_tungstenite::tungstenite::error::ProtocolError;
    matches!(error, ProtocolError::ResetWithoutClosingHandshake | ProtocolError::ReceivedAfterClosing)
}

/// Spreads connections evenly over a time by their number, so that they don't all come back at once.
fn spread(id: u64, within: Duration) -> Duration {
    let thousandth = u32::try_from(id.wrapping_mul(619) % 1_000).unwrap_or(0);
    within * thousandth / 1_000
}

/// How many frames a client may still send.
struct Budget {
    left: f64,
    at: Instant,
}

impl Budget {
    fn take(&mut self, now: Instant, burst: u32, per_second: u32) -> bool {
        let earned = now.saturating_duration_since(self.at).as_secs_f64() * f64::from(per_second);
        self.left = (self.left + earned).min(f64::from(burst));
        self.at = now;
        if self.left < 1.0 {
            return false;
        }
        self.left -= 1.0;
        true
    }
}
