//! When deadlines may fire. They are derived from the state and decided again like any command; here is only the grace:
//! after a start, a jump of the clock or a stall nothing fires for a while, so that people can answer first.

use std::time::Duration;

use smol_str::SmolStr;

use super::answer::Request;
use crate::domain::actor::Actor;
use crate::domain::command::Command;
use crate::domain::id::OrderId;
use crate::domain::time::{Millis, Timestamp};

/// The clock jumped when it and the machine's steady clock differ by more than this since the last look. A look that comes
/// so much later than it was planned is a stall: a stopped process, a paused machine, a disk that hung.
const JUMP: Millis = Millis::seconds(5);
/// How long the writer sleeps at most while a deadline is ahead: so that it notices a jump of the clock.
pub(super) const NAP_MAX: Duration = Duration::from_millis(250);
/// How long deadlines rest after one that led to nothing, which should never be.
const REST: Millis = Millis::seconds(1);

/// Opens and closes the way for deadlines.
#[derive(Debug)]
pub(super) struct DeadlineGate {
    grace: Millis,
    closed_until: Timestamp,
    seen: (Timestamp, Duration),
    /// No deadline was ahead when the writer went to sleep: it may have slept for hours, and nothing was late.
    idle: bool,
}

impl DeadlineGate {
    /// Closed for the grace from `now` on; `steady` is the machine's steady clock.
    pub(super) fn new(grace: Millis, now: Timestamp, steady: Duration) -> Self {
        Self { grace, closed_until: now.plus(grace), seen: (now, steady), idle: true }
    }

    /// Looks at both clocks; a jump or a stall closes the gate for the grace.
    pub(super) fn look(&mut self, now: Timestamp, steady: Duration) {
        let (before, then) = self.seen;
        let passed = i64::try_from(steady.saturating_sub(then).as_millis()).unwrap_or(i64::MAX);
        let drift = now.0.saturating_sub(before.0).saturating_sub(passed);
        let stalled = !self.idle && passed > JUMP.0;
        if drift.abs() > JUMP.0 || stalled {
            self.closed_until = now.plus(self.grace);
        }
        self.seen = (now, steady);
        self.idle = false;
    }

    /// Closed for the grace from `now` on.
    pub(super) fn close(&mut self, now: Timestamp) {
        self.closed_until = now.plus(self.grace);
    }

    /// Whether deadlines may fire now.
    pub(super) fn is_open(&self, now: Timestamp) -> bool {
        now >= self.closed_until
    }

    /// A deadline led to nothing: firing it again at once would spin.
    pub(super) fn rest(&mut self, now: Timestamp) {
        self.closed_until = self.closed_until.max(now.plus(REST));
    }

    /// How long the writer may sleep; nothing where no deadline is ahead.
    pub(super) fn sleep(&mut self, next: Option<Timestamp>, now: Timestamp) -> Option<Duration> {
        self.idle = next.is_none();
        let at = next?.max(self.closed_until);
        let millis = u64::try_from(at.0.saturating_sub(now.0)).unwrap_or(0);
        Some(Duration::from_millis(millis).min(NAP_MAX))
    }
}

/// The node's own request to look at an order whose deadline has come.
pub(super) fn request(order: OrderId) -> Request {
    Request {
        command: Command::PassDeadline { order },
        actor: Actor::Node,
        request_id: SmolStr::new_static("deadline"),
        device: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_fires_within_the_grace_after_a_start_or_a_jump_of_the_clock() {
        let start = Timestamp(1_000_000);
        let mut gate = DeadlineGate::new(Millis::minutes(2), start, Duration::ZERO);
        assert!(!gate.is_open(start));
        assert!(gate.is_open(start.plus(Millis::minutes(2))));
        let later = start.plus(Millis::hours(1));
        gate.look(later, Duration::ZERO);
        assert!(!gate.is_open(later), "an hour passed on the clock but not on the machine");
        assert_eq!(gate.sleep(Some(start), later), Some(NAP_MAX));
        assert_eq!(gate.sleep(None, later), None);
        gate.look(later.plus(Millis::minutes(2)), Duration::from_secs(120));
        assert!(gate.is_open(later.plus(Millis::minutes(2))), "time that passed on both");
    }

    /// A process was stopped for longer than an order waits for its money. The clock had not jumped, so the deadline fired with
    /// the first look, before the payment that had come meanwhile was read: the customer paid and was called off. Now a look
    /// that comes far too late is taken for a stall, and people get the grace.
    #[test]
    fn nothing_fires_within_the_grace_after_a_stall() {
        let start = Timestamp(1_000_000);
        let mut gate = DeadlineGate::new(Millis::minutes(2), start, Duration::ZERO);
        let seconds = Duration::from_secs;
        let at = |passed: i64| start.plus(Millis::seconds(passed));
        gate.look(at(200), seconds(200));
        assert!(gate.is_open(at(200)), "idle for long is no stall");
        assert_eq!(gate.sleep(Some(at(230)), at(200)), Some(NAP_MAX));
        gate.look(at(201), seconds(201));
        assert!(gate.is_open(at(201)));
        gate.look(at(240), seconds(240));
        assert!(!gate.is_open(at(240)), "nobody could pay for 39 seconds");
        assert!(gate.is_open(at(360)));
        assert_eq!(gate.sleep(None, at(241)), None);
        gate.look(at(9000), seconds(9000));
        assert!(gate.is_open(at(9000)));
    }

    #[test]
    fn without_a_grace_a_deadline_fires_at_once() {
        let mut gate = DeadlineGate::new(Millis(0), Timestamp(5), Duration::ZERO);
        assert!(gate.is_open(Timestamp(5)));
        assert_eq!(gate.sleep(Some(Timestamp(5)), Timestamp(5)), Some(Duration::ZERO));
    }
}
