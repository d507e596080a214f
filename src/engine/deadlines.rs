//! When deadlines may fire. They are derived from the state and decided again like any command; here is only the grace:
//! after a start or a jump of the clock nothing fires for a while, so that people can answer first.

use std::time::Duration;

use smol_str::SmolStr;

use super::answer::Request;
use crate::domain::actor::Actor;
use crate::domain::command::Command;
use crate::domain::id::OrderId;
use crate::domain::time::{Millis, Timestamp};

/// The clock jumped when it and the machine's steady clock differ by more than this since the last look.
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
}

impl DeadlineGate {
    /// Closed for the grace from `now` on; `steady` is the machine's steady clock.
    pub(super) fn new(grace: Millis, now: Timestamp, steady: Duration) -> Self {
        Self { grace, closed_until: now.plus(grace), seen: (now, steady) }
    }

    /// Looks at both clocks; a jump closes the gate for the grace.
    pub(super) fn look(&mut self, now: Timestamp, steady: Duration) {
        let (before, then) = self.seen;
        let passed = i64::try_from(steady.saturating_sub(then).as_millis()).unwrap_or(i64::MAX);
        let drift = now.0.saturating_sub(before.0).saturating_sub(passed);
        if drift.abs() > JUMP.0 {
            self.closed_until = now.plus(self.grace);
        }
        self.seen = (now, steady);
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
    pub(super) fn sleep(&self, next: Option<Timestamp>, now: Timestamp) -> Option<Duration> {
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

    #[test]
    fn without_a_grace_a_deadline_fires_at_once() {
        let gate = DeadlineGate::new(Millis(0), Timestamp(5), Duration::ZERO);
        assert!(gate.is_open(Timestamp(5)));
        assert_eq!(gate.sleep(Some(Timestamp(5)), Timestamp(5)), Some(Duration::ZERO));
    }
}
