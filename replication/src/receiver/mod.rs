//! The centre's session over one connection, without I/O: messages in, messages out, time as a value. Nothing damaged,
//! missing or out of order reaches the sink; nothing is acknowledged that the sink hasn't synced.
//!
//! [`Receiver::receive`] gathers groups; [`Receiver::settle`] hands all of them to the sink at once. Both may block.

mod snapshots;

use std::collections::VecDeque;
use std::time::Duration;

use bytes::Bytes;

use crate::end::End;
use crate::frame::{ByeReason, FrameError, Groups, Message};
use crate::limits;
use crate::plant::Plant;
use crate::point::{Hello, Point};
use crate::seam::{Greeting, Sink, SinkError};
use snapshots::Arrival;

/// What a receiver may be told otherwise.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ReceiverOptions {
    /// Bytes that the region may have on their way.
    pub window: usize,
    /// Pause between heartbeats; both sides' silence is measured by it.
    pub heartbeat: Duration,
}

impl Default for ReceiverOptions {
    fn default() -> Self {
        Self { window: limits::WINDOW_BYTES, heartbeat: limits::HEARTBEAT }
    }
}

#[derive(Debug)]
enum Phase {
    /// Nobody has said hello.
    Fresh,
    /// Groups come.
    Open,
    /// A snapshot has to come first.
    Seeding,
}

/// The centre's session.
pub struct Receiver<K> {
    sink: K,
    options: ReceiverOptions,
    phase: Phase,
    hello: Option<Hello>,
    epoch: u32,
    /// Synced up to here.
    position: Point,
    /// Arrived up to here.
    arrived: Point,
    gathered: Vec<Groups>,
    gathered_bytes: usize,
    arrival: Option<Arrival>,
    out: VecDeque<Bytes>,
    heartbeat_at: Duration,
    heard_at: Duration,
    bytes_read: u64,
    /// The bug it has.
    #[cfg(any(test, feature = "simulation"))]
    pub plant: Plant,
    #[cfg(not(any(test, feature = "simulation")))]
    plant: Plant,
}

impl<K: Sink> Receiver<K> {
    /// A session over a connection that has just been opened.
    pub fn new(sink: K, options: ReceiverOptions, now: Duration) -> Self {
        let heartbeat = options.heartbeat.clamp(limits::HEARTBEAT_MIN, limits::HEARTBEAT_MAX);
        Self {
            sink,
            options: ReceiverOptions { heartbeat, ..options },
            phase: Phase::Fresh,
            hello: None,
            epoch: 0,
            position: Point::ORIGIN,
            arrived: Point::ORIGIN,
            gathered: Vec::new(),
            gathered_bytes: 0,
            arrival: None,
            out: VecDeque::new(),
            heartbeat_at: now + heartbeat,
            heard_at: now,
            bytes_read: 0,
            plant: Plant::default(),
        }
    }

    /// The sink, after the session.
    pub fn into_sink(self) -> K {
        self.sink
    }

    /// Synced up to here.
    pub fn position(&self) -> Point {
        self.position
    }

    /// Group bytes that wait for [`Self::settle`].
    pub fn gathered_bytes(&self) -> usize {
        self.gathered_bytes
    }

    /// Bytes have arrived: so many in all over this connection, the last of them at `at`.
    pub fn heard(&mut self, at: Duration, bytes_read: u64) {
        self.heard_at = self.heard_at.max(at);
        self.bytes_read = self.bytes_read.max(bytes_read);
    }

    /// Ends the session when the region has been silent for too long.
    pub fn check(&self, now: Duration) -> Result<(), End> {
        let silence = self.options.heartbeat * limits::HEARTBEATS_MISSED_MAX;
        if now >= self.heard_at + silence { Err(End::Silence(silence)) } else { Ok(()) }
    }

    /// When [`Self::check`] may fail if nothing happens until then.
    pub fn deadline(&self) -> Duration {
        self.heard_at + self.options.heartbeat * limits::HEARTBEATS_MISSED_MAX
    }

    /// When [`Self::poll`] may have something that it hasn't now, though nothing else happened.
    pub fn poll_at(&self) -> Duration {
        self.heartbeat_at
    }

    /// The next message to send. After the session's end too: its last words.
    pub fn poll(&mut self, now: Duration) -> Option<Bytes> {
        if let Some(message) = self.out.pop_front() {
            return Some(message);
        }
        if now < self.heartbeat_at {
            return None;
        }
        self.heartbeat_at = now + self.options.heartbeat;
        Some(self.heartbeat())
    }

    /// The heartbeat that is sent now, whatever the session is busy with.
    pub fn heartbeat(&self) -> Bytes {
        Message::Heartbeat { head: self.position.sequence, bytes: self.bytes_read }.encode()
    }

    fn say(&mut self, message: &Message) {
        self.out.push_back(message.encode());
    }

    /// Takes a message. Groups are only gathered; everything else is done at once, after them.
    pub fn receive(&mut self, now: Duration, message: &Bytes) -> Result<(), End> {
        let message = match Message::decode(message) {
            Ok(message) => message,
            Err(error) => return Err(self.unreadable(error)),
        };
        self.heard_at = self.heard_at.max(now);
        if let Message::Groups(groups) = message {
            return self.gather(groups);
        }
        self.settle()?;
        match (message, &self.phase) {
            (Message::Hello(hello), Phase::Fresh) => self.greet(hello),
            (_, Phase::Fresh) => Err(self.leave("the first message has to be a hello".to_owned())),
            (Message::Hello(hello), _) if self.hello.as_ref() == Some(&hello) => Ok(()),
            (Message::Heartbeat { head, bytes }, _) => {
                self.sink.heard(head, bytes);
                Ok(())
            }
            (Message::Diverged { at, hash }, Phase::Open) if at == self.position.sequence => {
                let fence = self.sink.diverged(self.position, hash, self.epoch);
                self.say(&Message::Fence(fence.clone()));
                Err(End::Fenced(fence))
            }
            (Message::SnapshotOffer(info), _) => self.offered(info),
            (Message::SnapshotPiece { at, offset, bytes }, _) => self.piece(at, offset, &bytes),
            (Message::SnapshotEnd { at }, _) => self.ended(at),
            (Message::Bye { reason, text }, _) => Err(End::Bye(reason, text)),
            _ => Err(self.leave("a message came that only the centre sends, or at the wrong time".to_owned())),
        }
    }

    fn unreadable(&mut self, error: FrameError) -> End {
        match &error {
            FrameError::Version { .. } => self.say(&Message::Refuse(error.to_string())),
            _ => self.say(&Message::Bye { reason: ByeReason::Protocol, text: error.to_string() }),
        }
        End::Frame(error)
    }

    fn leave(&mut self, text: String) -> End {
        self.say(&Message::Bye { reason: ByeReason::Protocol, text: text.clone() });
        End::Protocol(text)
    }

    /// The end that a sink's error means, after telling the region.
    fn sink_failed(&mut self, error: SinkError) -> End {
        let (reason, text) = match error {
            SinkError::Fenced(fence) => {
                self.say(&Message::Fence(fence.clone()));
                return End::Fenced(fence);
            }
            SinkError::Busy(text) => (ByeReason::Busy, text),
            SinkError::Failed(text) => (ByeReason::Failed, text),
            SinkError::Malformed(text) => (ByeReason::Protocol, text),
        };
        self.say(&Message::Bye { reason, text: text.clone() });
        End::Left(reason, text)
    }

    fn greet(&mut self, hello: Hello) -> Result<(), End> {
        if hello.identity.region.is_empty() || hello.first == 0 || hello.first - 1 > hello.head {
            return Err(self.leave("the hello names no region, or a log that begins after its end".to_owned()));
        }
        let greeting = match self.sink.greet(&hello) {
            Ok(greeting) => greeting,
            Err(error) => return Err(self.sink_failed(error)),
        };
        let window = u32::try_from(self.options.window).unwrap_or(u32::MAX);
        let heartbeat = self.options.heartbeat;
        match greeting {
            Greeting::Continue { from, epoch } => {
                self.phase = Phase::Open;
                (self.position, self.arrived, self.epoch) = (from, from, epoch);
                self.say(&Message::Welcome { from, epoch, window, heartbeat });
            }
            Greeting::Seed { epoch } => {
                self.phase = Phase::Seeding;
                self.epoch = epoch;
                self.say(&Message::Seed { epoch, window, heartbeat });
            }
            Greeting::Fenced(fence) => {
                self.say(&Message::Fence(fence.clone()));
                return Err(End::Fenced(fence));
            }
            Greeting::Refused(text) => {
                self.say(&Message::Refuse(text.clone()));
                return Err(End::Refused(text));
            }
        }
        self.hello = Some(hello);
        Ok(())
    }

    /// Puts groups aside if they continue what has arrived. What has arrived already is passed over.
    fn gather(&mut self, groups: Groups) -> Result<(), End> {
        if !matches!(self.phase, Phase::Open) {
            return Err(self.leave("groups came before it was agreed where they continue".to_owned()));
        }
        let seen = groups.last.sequence <= self.arrived.sequence;
        if groups.last.sequence == self.arrived.sequence && groups.last != self.arrived {
            return Err(self.leave(format!("groups came that end at {:?} instead of {:?}", groups.last, self.arrived)));
        }
        if seen && !self.plant.applies_duplicates() {
            return Ok(());
        }
        if groups.after != self.arrived && !seen {
            let text = format!("groups came that continue {:?} instead of {:?}", groups.after, self.arrived);
            return Err(self.leave(text));
        }
        if !seen {
            self.arrived = groups.last;
        }
        self.gathered_bytes += groups.data.len();
        self.gathered.push(groups);
        if self.plant.acknowledges_before_sync() {
            self.say(&Message::Ack(self.arrived));
        }
        Ok(())
    }

    /// Gives everything gathered to the sink and acknowledges it.
    pub fn settle(&mut self) -> Result<(), End> {
        let gathered = std::mem::take(&mut self.gathered);
        self.gathered_bytes = 0;
        let Some(newest) = gathered.last() else { return Ok(()) };
        let groups: Vec<&[u8]> = gathered.iter().flat_map(Groups::iter).collect();
        let end = match self.sink.append(&groups) {
            Ok(end) => end,
            Err(error) => return Err(self.sink_failed(error)),
        };
        if end != self.arrived {
            // Somebody else appends to the same log: a newer connection of this region, as a rule.
            return Err(self.leave(format!("the log ends at {end:?} instead of {:?}", self.arrived)));
        }
        self.position = end;
        self.say(&Message::Ack(end));
        self.sink.heard(newest.head, newest.behind);
        Ok(())
    }
}
