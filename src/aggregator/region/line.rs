//! What the centre knows about a region's line: who is connected, how far the region is, how old the centre's picture is,
//! and who was refused. Facts only; decisions are made in `judge`.

use std::sync::Arc;

use parking_lot::Mutex;
use qucan_replication::{Fence, FenceReason};

use crate::domain::time::Timestamp;
use crate::engine::clock::Clock;
use crate::limits::FENCE_REMEMBERED;

/// A node that was refused for good, as it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FenceFact {
    /// Why.
    pub reason: FenceReason,
    /// In words.
    pub detail: String,
    /// When it was first told.
    pub since: Timestamp,
    /// When it last asked.
    pub asked_at: Timestamp,
    /// Which process.
    pub instance: u128,
}

/// A look at the line.
#[derive(Debug, Clone, PartialEq)]
pub struct LineView {
    /// Whether a node ships.
    pub connected: bool,
    /// The region's last sequence, as it last said.
    pub head: u64,
    /// Bytes it had not acknowledged, as it last said.
    pub bytes_behind: u64,
    /// When it last spoke.
    pub heard_at: Option<Timestamp>,
    /// When entries were last acknowledged.
    pub acknowledged_at: Option<Timestamp>,
    /// Entries acknowledged by this process.
    pub received_entries: u64,
    /// Connections accepted by this process.
    pub connects: u64,
    /// Since when the centre has known that it lacks something, or has not been able to know.
    pub behind_since: Option<Timestamp>,
    /// Who was refused.
    pub fence: Option<FenceFact>,
    /// Whether the region's log begins behind the centre's end.
    pub needs_seed: bool,
}

#[derive(Debug)]
struct Facts {
    /// Numbers of connections; a later one replaces an earlier one once the region has agreed to the centre's position.
    connections: u64,
    current: Option<u64>,
    view: LineView,
}

impl Facts {
    /// A connection agrees with the centre's position: it is the region's from now on, unless a later one is.
    fn proven(&mut self, connection: u64, now: Timestamp) -> Option<(&mut LineView, bool)> {
        if self.current.is_some_and(|current| current > connection) {
            return None;
        }
        let is_new = self.current != Some(connection);
        if is_new {
            self.current = Some(connection);
            self.view.connects += 1;
            self.view.fence = None;
            self.view.needs_seed = false;
        }
        self.view.connected = true;
        self.view.heard_at = Some(now);
        Some((&mut self.view, is_new))
    }
}

/// The facts of one region's line.
pub struct Line {
    clock: Arc<dyn Clock>,
    facts: Mutex<Facts>,
}

impl Line {
    /// A region that nobody has heard of since the start.
    pub fn new(clock: Arc<dyn Clock>, received: u64) -> Self {
        let view = LineView {
            connected: false,
            head: received,
            bytes_behind: 0,
            heard_at: None,
            acknowledged_at: None,
            received_entries: 0,
            connects: 0,
            behind_since: Some(clock.now()),
            fence: None,
            needs_seed: false,
        };
        Self { clock, facts: Mutex::new(Facts { connections: 0, current: None, view }) }
    }

    /// The number of a connection that begins.
    pub fn enter(&self) -> u64 {
        let mut facts = self.facts.lock();
        facts.connections += 1;
        facts.connections
    }

    /// Whether a connection may go on: no later one has proved itself.
    pub fn is_latest(&self, connection: u64) -> bool {
        self.facts.lock().current.is_none_or(|current| current <= connection)
    }

    /// The region spoke over a connection and agrees with the centre's position: the connection is the region's from now on,
    /// and whoever was refused before is forgotten. `received` is the centre's end. Whether it became the region's just now.
    pub fn heard(&self, connection: u64, head: u64, bytes_behind: u64, received: u64) -> bool {
        let now = self.clock.now();
        let mut facts = self.facts.lock();
        let Some((view, is_new)) = facts.proven(connection, now) else { return false };
        view.head = head.max(received);
        view.bytes_behind = if view.head > received { bytes_behind } else { 0 };
        view.note_progress(received, now);
        is_new
    }

    /// Entries were synced; the log's end moved from `before` to `received`. Whether the connection became the region's with it.
    pub fn received(&self, connection: u64, before: u64, received: u64) -> bool {
        let now = self.clock.now();
        let mut facts = self.facts.lock();
        let Some((view, is_new)) = facts.proven(connection, now) else { return false };
        view.received_entries += received.saturating_sub(before);
        view.acknowledged_at = Some(now);
        view.head = view.head.max(received);
        if view.head == received {
            view.bytes_behind = 0;
        }
        view.note_progress(received, now);
        is_new
    }

    /// The connection is over.
    pub fn left(&self, connection: u64) {
        let now = self.clock.now();
        let mut facts = self.facts.lock();
        if facts.current == Some(connection) {
            facts.current = None;
            facts.view.connected = false;
            // Nothing is known from here on, although all was well until now.
            facts.view.behind_since.get_or_insert(now);
        }
    }

    /// A node was refused for good.
    pub fn fenced(&self, fence: &Fence, instance: u128) {
        let now = self.clock.now();
        let mut facts = self.facts.lock();
        let since = facts.view.fence.as_ref().filter(|fact| fact.reason == fence.reason && fact.instance == instance);
        let since = since.map_or(now, |fact| fact.since);
        facts.view.fence =
            Some(FenceFact { reason: fence.reason, detail: fence.detail.clone(), since, asked_at: now, instance });
    }

    /// The region's log begins behind the centre's end.
    pub fn needs_seed(&self) {
        self.facts.lock().view.needs_seed = true;
    }

    /// A look.
    pub fn view(&self) -> LineView {
        let now = self.clock.now();
        let mut facts = self.facts.lock();
        let remembered = i64::try_from(FENCE_REMEMBERED.as_millis()).unwrap_or(i64::MAX);
        let view = &mut facts.view;
        // Gone for a while, and its region is served: nobody needs to look after it any more.
        if view.connected && view.fence.as_ref().is_some_and(|fence| now.0 - fence.asked_at.0 > remembered) {
            view.fence = None;
        }
        view.clone()
    }
}

impl LineView {
    fn note_progress(&mut self, received: u64, now: Timestamp) {
        if received >= self.head && self.connected {
            self.behind_since = None;
        } else {
            self.behind_since.get_or_insert(now);
        }
    }

    /// Seconds since the centre last had everything.
    pub fn lag_seconds(&self, now: Timestamp) -> f64 {
        let millis = self.behind_since.map_or(0, |since| now.0.saturating_sub(since.0).max(0));
        #[expect(clippy::cast_precision_loss, reason = "milliseconds stay exact for 285,000 years")]
        let seconds = millis as f64 / 1e3;
        seconds
    }
}

/// The contract's name of a fence's reason.
pub fn reason_name(reason: FenceReason) -> &'static str {
    match reason {
        FenceReason::EpochSuperseded => "epoch_superseded",
        FenceReason::BehindCentre => "behind_centre",
        FenceReason::OtherHistory => "other_history",
        FenceReason::EpochNotGranted => "epoch_not_granted",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::clock::ManualClock;

    fn line() -> (Line, Arc<ManualClock>) {
        let clock = Arc::new(ManualClock::new(Timestamp(0)));
        (Line::new(Arc::clone(&clock) as Arc<dyn Clock>, 10), clock)
    }

    fn lag(line: &Line, clock: &ManualClock) -> f64 {
        line.view().lag_seconds(clock.now())
    }

    #[test]
    fn lag_counts_on_while_the_line_is_down() {
        let (line, clock) = line();
        clock.set(Timestamp(5_000));
        assert!((lag(&line, &clock) - 5.0).abs() < 1e-9, "never heard of since the start");
        let first = line.enter();
        line.heard(first, 12, 900, 10);
        assert!((lag(&line, &clock) - 5.0).abs() < 1e-9, "heard, but two entries are missing");
        line.received(first, 10, 12);
        assert!(lag(&line, &clock).abs() < 1e-9, "everything is here");
        clock.set(Timestamp(65_000));
        assert!(lag(&line, &clock).abs() < 1e-9, "and stays so while the line is up");
        line.left(first);
        clock.set(Timestamp(125_000));
        assert!((lag(&line, &clock) - 60.0).abs() < 1e-9);
        let second = line.enter();
        line.heard(second, 12, 0, 12);
        assert!(lag(&line, &clock).abs() < 1e-9, "nothing had happened meanwhile");
        assert_eq!(line.view().connects, 2);
    }

    #[test]
    fn a_later_connection_replaces_an_earlier_one_only_once_it_has_proved_itself() {
        let (line, _) = line();
        let (first, second) = (line.enter(), line.enter());
        line.heard(first, 10, 0, 10);
        assert!(line.is_latest(first) && line.is_latest(second));
        line.heard(second, 10, 0, 10);
        assert!(!line.is_latest(first) && line.is_latest(second));
        line.left(first);
        assert!(line.view().connected, "the one that left was not the region's any more");
        line.left(second);
        assert!(!line.view().connected);
    }

    #[test]
    fn a_fence_is_shown_until_a_connection_is_accepted_or_nobody_asks_any_more() {
        let (line, clock) = line();
        let fence = Fence { reason: FenceReason::BehindCentre, detail: "old".to_owned(), epoch: 1 };
        line.fenced(&fence, 7);
        clock.set(Timestamp(30_000));
        line.fenced(&fence, 7);
        let fact = line.view().fence.unwrap();
        assert_eq!((fact.since, fact.asked_at), (Timestamp(0), Timestamp(30_000)));
        clock.set(Timestamp(9_000_000));
        assert!(line.view().fence.is_some(), "the region is not served: somebody has to look");
        let connection = line.enter();
        line.heard(connection, 10, 0, 10);
        assert_eq!(line.view().fence, None);
        line.fenced(&fence, 7);
        line.heard(connection, 10, 0, 10);
        assert!(line.view().fence.is_some(), "the healthy one's heartbeat does not hide the other");
        clock.set(Timestamp(9_100_000));
        assert_eq!(line.view().fence, None, "it has not asked for a while");
    }
}
