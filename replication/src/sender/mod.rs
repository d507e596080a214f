//! The region's session over one connection, without I/O: messages in, messages out, time as a value. It believes
//! nothing of the centre that its own log doesn't confirm. It never decides what to do after its end: the driver does.
//!
//! [`Sender::receive`] only takes note; whatever needs the log happens in [`Sender::poll`], which may block.

mod pace;
mod snapshots;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::time::Duration;

use bytes::Bytes;

use crate::end::End;
use crate::frame::{ByeReason, Message, encode_groups};
use crate::limits;
use crate::plant::Plant;
use crate::point::{Fence, FenceReason, Hello, Identity, Point, SnapshotInfo};
use crate::seam::{Batch, Source};
use pace::Pace;
use snapshots::Shipment;

/// What a sender may be told otherwise.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SenderOptions {
    /// Bytes on their way at most; the centre may ask for fewer.
    pub window: usize,
    /// Pause between heartbeats; the centre's own pause decides how long its silence is borne.
    pub heartbeat: Duration,
    /// Whether groups are compressed where it helps.
    pub compress: bool,
}

impl Default for SenderOptions {
    fn default() -> Self {
        Self { window: limits::WINDOW_BYTES, heartbeat: limits::HEARTBEAT, compress: true }
    }
}

/// What outlives a connection.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Carry {
    /// The last entry that was ever sent.
    pub shipped: u64,
    /// Entries that were sent again after they had been sent over an earlier connection.
    pub resends: u64,
}

/// What was sent and not acknowledged.
#[derive(Debug)]
struct Sent {
    last: Point,
    bytes: usize,
    at: Duration,
}

/// What the centre has answered to the hello.
#[derive(Debug)]
enum Answer {
    Continue { from: Point, epoch: u32 },
    Seed,
}

#[derive(Debug)]
enum Phase {
    /// The hello has not been sent.
    Fresh,
    /// The hello is on its way.
    Greeting,
    /// The centre has answered; the log has not been asked yet.
    Answered(Answer),
    /// A snapshot goes first.
    Seeding,
    /// Groups go.
    Shipping,
    /// The histories differ; the centre was told and its word is awaited.
    Diverged(Fence),
}

/// The region's session.
pub struct Sender<S> {
    source: S,
    identity: Identity,
    options: SenderOptions,
    carry: Carry,
    phase: Phase,
    /// Shipped up to here over this connection.
    position: Point,
    acknowledged: Point,
    sent: VecDeque<Sent>,
    sent_bytes: usize,
    window: usize,
    pace: Pace,
    batch: Batch,
    groups_at: Duration,
    raw_next: u32,
    shipment: Option<Shipment>,
    offered: Option<SnapshotInfo>,
    look_at: Duration,
    heartbeat_at: Duration,
    peer_heartbeat: Duration,
    heard_at: Duration,
    /// When the centre last took in anything, as far as it said.
    moved_at: Duration,
    /// Bytes that the centre has read from this connection, as far as it said.
    peer_bytes: u64,
    /// Bytes of all messages sent …
    sent_total: u64,
    /// … and of those up to the last one that has to be answered.
    awaited_bytes: u64,
    behind: u64,
    /// The bug it has.
    #[cfg(any(test, feature = "simulation"))]
    pub plant: Plant,
    #[cfg(not(any(test, feature = "simulation")))]
    plant: Plant,
}

impl<S: Source> Sender<S> {
    /// A session over a connection that has just been opened.
    pub fn new(source: S, options: SenderOptions, carry: Carry, now: Duration) -> Self {
        let options = SenderOptions { heartbeat: heartbeat_within(options.heartbeat), ..options };
        Self {
            identity: source.identity(),
            source,
            options,
            carry,
            phase: Phase::Fresh,
            position: Point::ORIGIN,
            acknowledged: Point::ORIGIN,
            sent: VecDeque::new(),
            sent_bytes: 0,
            window: options.window,
            pace: Pace::new(limits::BATCH_BYTES_FIRST, limits::BATCH_BYTES_MIN, limits::BATCH_BYTES_MAX),
            batch: Batch::new(0),
            groups_at: Duration::ZERO,
            raw_next: 0,
            shipment: None,
            offered: None,
            look_at: Duration::ZERO,
            heartbeat_at: now + options.heartbeat,
            peer_heartbeat: options.heartbeat,
            heard_at: now,
            moved_at: now,
            peer_bytes: 0,
            sent_total: 0,
            awaited_bytes: 0,
            behind: 0,
            plant: Plant::default(),
        }
    }

    /// Takes the session apart for the next connection.
    pub fn into_parts(self) -> (S, Carry) {
        (self.source, self.carry)
    }

    /// What outlives the connection, as it is now.
    pub fn carry(&self) -> Carry {
        self.carry
    }

    /// What the session was told to do.
    pub fn options(&self) -> SenderOptions {
        self.options
    }

    /// Whether the centre has agreed and the log confirmed it.
    pub fn is_agreed(&self) -> bool {
        matches!(self.phase, Phase::Seeding | Phase::Shipping)
    }

    /// The last position the centre has synced, as this session knows; the origin before it has agreed.
    pub fn acknowledged(&self) -> Point {
        self.acknowledged
    }

    /// The heartbeat that may be sent while the session is busy with its log: as far behind as it last knew. None
    /// before the hello, which comes first.
    pub fn heartbeat(&self) -> Option<Bytes> {
        let greeted = !matches!(self.phase, Phase::Fresh);
        greeted.then(|| Message::Heartbeat { head: self.source.head(), bytes: self.behind }.encode())
    }

    /// The fence that holds if the connection ends before the centre's word on a divergence has come.
    pub fn own_fence(&self) -> Option<&Fence> {
        match &self.phase {
            Phase::Diverged(fence) => Some(fence),
            _ => None,
        }
    }

    /// Bytes of the other side have arrived.
    pub fn heard(&mut self, at: Duration) {
        self.heard_at = self.heard_at.max(at);
    }

    /// Ends the session when the other side has been silent or idle for too long.
    pub fn check(&self, now: Duration) -> Result<(), End> {
        let silence = self.peer_heartbeat * limits::HEARTBEATS_MISSED_MAX;
        if now >= self.heard_at + silence {
            return Err(End::Silence(silence));
        }
        let stalled = self.peer_heartbeat * limits::HEARTBEATS_STALLED_MAX;
        if self.waits_for_progress() && now >= self.moved_at + stalled {
            return Err(End::Stalled(stalled));
        }
        Ok(())
    }

    fn waits_for_progress(&self) -> bool {
        !self.sent.is_empty()
            || matches!(self.phase, Phase::Greeting | Phase::Diverged(_))
            || self.shipment.as_ref().is_some_and(Shipment::waits)
    }

    /// When [`Self::check`] may fail if nothing happens until then.
    pub fn deadline(&self) -> Duration {
        let silence = self.heard_at + self.peer_heartbeat * limits::HEARTBEATS_MISSED_MAX;
        if !self.waits_for_progress() {
            return silence;
        }
        silence.min(self.moved_at + self.peer_heartbeat * limits::HEARTBEATS_STALLED_MAX)
    }

    /// When [`Self::poll`] may have something that it hasn't now, though nothing else happened.
    pub fn poll_at(&self) -> Duration {
        if matches!(self.phase, Phase::Shipping) && self.groups_are_waiting() {
            return self.heartbeat_at.min(self.groups_at);
        }
        self.heartbeat_at
    }

    /// Before this a commit gives [`Self::poll`] nothing to do: whoever listens for commits need not, until then. None
    /// while only the centre's word matters.
    pub fn heeds_commits_at(&self) -> Option<Duration> {
        (matches!(self.phase, Phase::Shipping) && self.has_room()).then_some(self.groups_at)
    }

    /// Takes note of a message. Never touches the log.
    pub fn receive(&mut self, now: Duration, message: &Bytes) -> Result<(), End> {
        let message = Message::decode(message)?;
        self.heard(now);
        match (message, &self.phase) {
            (Message::Welcome { from, epoch, window, heartbeat }, Phase::Greeting) => {
                self.agree(window, heartbeat, now);
                self.phase = Phase::Answered(Answer::Continue { from, epoch });
                Ok(())
            }
            (Message::Seed { window, heartbeat, .. }, Phase::Greeting) => {
                self.agree(window, heartbeat, now);
                self.phase = Phase::Answered(Answer::Seed);
                Ok(())
            }
            // The line may bring a message twice.
            (Message::Welcome { .. } | Message::Seed { .. }, _) => Ok(()),
            (Message::Fence(fence), _) => Err(End::Fenced(fence)),
            (Message::Refuse(text), _) => Err(End::Refused(text)),
            (Message::Bye { reason, text }, _) => Err(End::Bye(reason, text)),
            (Message::Ack(point), Phase::Seeding) => self.seeded(point, now),
            (Message::Ack(point), Phase::Shipping) => self.acknowledge(point, now),
            (Message::Heartbeat { bytes, .. }, _) => {
                // Reading nothing but heartbeats is no progress.
                let read = bytes.saturating_sub(self.peer_bytes);
                if read > limits::PROGRESS_BYTES_MIN && self.peer_bytes < self.awaited_bytes {
                    self.moved_at = now;
                }
                self.peer_bytes = self.peer_bytes.max(bytes);
                Ok(())
            }
            (Message::SnapshotAnswer { at, wanted }, Phase::Seeding | Phase::Shipping) => {
                self.snapshot_answered(at, wanted, now)
            }
            (Message::SnapshotTaken { at, offset }, Phase::Seeding | Phase::Shipping) => {
                self.snapshot_taken(at, offset, now)
            }
            (message, phase) => Err(End::Protocol(format!("the centre sent {} while {}", name(&message), word(phase)))),
        }
    }

    fn agree(&mut self, window: u32, heartbeat: Duration, now: Duration) {
        self.window = self.window.min(window as usize);
        self.peer_heartbeat = heartbeat_within(heartbeat);
        self.moved_at = now;
    }

    fn acknowledge(&mut self, point: Point, now: Duration) -> Result<(), End> {
        if point.sequence < self.acknowledged.sequence || point == self.acknowledged {
            return Ok(());
        }
        if self.plant.believes_acknowledgements() {
            self.acknowledged = point;
            return Ok(());
        }
        let Some(covered) = self.sent.iter().position(|sent| sent.last == point) else {
            return Err(End::Protocol(format!("the centre acknowledged {point:?}, which was never sent to it")));
        };
        for sent in self.sent.drain(..=covered) {
            self.sent_bytes = self.sent_bytes.saturating_sub(sent.bytes);
            self.pace.answered(now.saturating_sub(sent.at));
        }
        self.acknowledged = point;
        self.moved_at = now;
        Ok(())
    }

    /// Whether [`Self::poll`] has something to do.
    pub fn is_ready(&self, now: Duration) -> bool {
        match self.phase {
            Phase::Fresh | Phase::Answered(_) => true,
            Phase::Greeting | Phase::Diverged(_) => now >= self.heartbeat_at,
            Phase::Seeding => now >= self.heartbeat_at || self.shipment_is_ready(),
            Phase::Shipping => {
                now >= self.heartbeat_at
                    || self.groups_are_ready(now)
                    || now >= self.look_at
                    || self.shipment_is_ready()
            }
        }
    }

    fn groups_are_ready(&self, now: Duration) -> bool {
        now >= self.groups_at && self.groups_are_waiting()
    }

    /// There are some, and room for them.
    fn groups_are_waiting(&self) -> bool {
        self.position.sequence < self.source.head() && self.has_room()
    }

    fn has_room(&self) -> bool {
        self.sent.is_empty() || self.sent_bytes + self.pace.bytes() <= self.window
    }

    /// The next message to send. May read the log, so it may block.
    pub fn poll(&mut self, now: Duration) -> Result<Option<Bytes>, End> {
        let heartbeat_at = self.heartbeat_at;
        let message = self.next_message(now)?;
        if let Some(message) = &message {
            self.sent_total += message.len() as u64;
            if self.heartbeat_at == heartbeat_at {
                self.awaited_bytes = self.sent_total;
            }
        }
        Ok(message)
    }

    fn next_message(&mut self, now: Duration) -> Result<Option<Bytes>, End> {
        match std::mem::replace(&mut self.phase, Phase::Greeting) {
            Phase::Fresh => return self.hello().map(Some),
            Phase::Answered(Answer::Continue { from, epoch }) => {
                if let Some(message) = self.resume(from, epoch, now)? {
                    return Ok(Some(message));
                }
            }
            Phase::Answered(Answer::Seed) => {
                self.begin_seed()?;
                self.phase = Phase::Seeding;
            }
            phase => self.phase = phase,
        }
        if now >= self.heartbeat_at {
            self.heartbeat_at = now + self.options.heartbeat;
            self.behind = self.source.bytes_behind(self.acknowledged.sequence);
            return Ok(self.heartbeat());
        }
        if matches!(self.phase, Phase::Shipping) {
            if self.groups_are_ready(now) {
                return self.next_groups(now).map(Some);
            }
            if now >= self.look_at {
                self.look_at = now + self.options.heartbeat * limits::SNAPSHOT_LOOK_HEARTBEATS;
                self.look_for_snapshot();
            }
        }
        if self.is_agreed() && self.shipment_is_ready() {
            return self.next_of_shipment(now);
        }
        Ok(None)
    }

    fn hello(&mut self) -> Result<Bytes, End> {
        let first = self.source.first()?;
        let hello = Hello { identity: self.identity.clone(), head: self.source.head(), first };
        Ok(Message::Hello(hello).encode())
    }

    /// Goes on where the centre stands, if the own log has the same there; else tells it.
    fn resume(&mut self, from: Point, epoch: u32, now: Duration) -> Result<Option<Bytes>, End> {
        let mut ours =
            if from.sequence == 0 { Some(Point::ORIGIN.hash) } else { self.source.hash_at(from.sequence)? };
        let first = self.source.first()?;
        if from.sequence.saturating_add(1) < first {
            let text = format!(
                "the centre stands at {}, the region's log begins at {first}: it needs a snapshot first",
                from.sequence
            );
            return Err(End::Left(ByeReason::Protocol, text));
        }
        // Right before the log's first entry the hash is gone with the group; the chain is checked on append.
        let unknown = ours.is_none() && from.sequence + 1 == first;
        if ours != Some(from.hash) && !unknown && from.sequence > 0 {
            ours = self.source.verify_at(from.sequence)?;
        }
        if ours == Some(from.hash) || unknown || self.plant.skips_hash_check() {
            self.position = from;
            self.acknowledged = from;
            self.moved_at = now;
            self.phase = Phase::Shipping;
            return Ok(None);
        }
        let found = if ours.is_some() { "another hash" } else { "no group that ends there" };
        let detail = format!("the centre stands at {from:?}, where this log has {found}");
        self.phase = Phase::Diverged(Fence { reason: FenceReason::OtherHistory, detail, epoch });
        self.moved_at = now;
        Ok(Some(Message::Diverged { at: from.sequence, hash: ours }.encode()))
    }

    fn next_groups(&mut self, now: Duration) -> Result<Bytes, End> {
        self.batch.restart(self.pace.bytes());
        self.source.read(self.position.sequence, &mut self.batch)?;
        let Some(last) = self.batch.end_after(self.position.sequence) else {
            let what = if self.batch.is_empty() { "nothing" } else { "a gap" };
            let text =
                format!("the log has {what} after {}, its head is {}", self.position.sequence, self.source.head());
            return Err(End::Source(crate::SourceError(text)));
        };
        let bytes = self.batch.bytes().len();
        if bytes > limits::RAW_BYTES_MAX {
            return Err(End::Source(crate::SourceError(format!(
                "{bytes} bytes of groups at once are too many to ship"
            ))));
        }
        let head = self.source.head().max(last.sequence);
        let behind = if head == last.sequence { 0 } else { self.source.bytes_behind(last.sequence) };
        let compress = self.options.compress && self.raw_next == 0;
        let (message, packed) = encode_groups(self.position, last, &self.batch, head, behind, compress);
        if compress {
            self.raw_next = if packed { 0 } else { limits::COMPRESSION_SKIPS };
        } else {
            self.raw_next = self.raw_next.saturating_sub(1);
        }
        self.carry.resends += self.carry.shipped.min(last.sequence).saturating_sub(self.position.sequence);
        self.carry.shipped = self.carry.shipped.max(last.sequence);
        if !self.batch.is_full() {
            self.groups_at = now + limits::GROUPS_GAP;
        }
        if self.sent.is_empty() {
            self.moved_at = now;
        }
        self.sent.push_back(Sent { last, bytes, at: now });
        self.sent_bytes += bytes;
        self.position = last;
        Ok(message)
    }
}

fn heartbeat_within(heartbeat: Duration) -> Duration {
    heartbeat.clamp(limits::HEARTBEAT_MIN, limits::HEARTBEAT_MAX)
}

fn name(message: &Message) -> &'static str {
    match message {
        Message::Ack(_) => "an acknowledgement",
        Message::SnapshotAnswer { .. } | Message::SnapshotTaken { .. } => "an answer about a snapshot",
        _ => "a message that only regions send",
    }
}

fn word(phase: &Phase) -> &'static str {
    match phase {
        Phase::Fresh | Phase::Greeting => "it was being greeted",
        Phase::Answered(_) => "its greeting was being checked",
        Phase::Seeding => "it was being seeded",
        Phase::Shipping => "groups were shipped",
        Phase::Diverged(_) => "it was told that histories differ",
    }
}
