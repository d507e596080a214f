//! Bugs planted on purpose, in simulations only: a harness that doesn't find each of them proves nothing. The choice is
//! the thread's own, so that simulations run beside each other.

use std::cell::Cell;

use super::command::Command;
use super::decide::Decision;

/// Which bug.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Plant {
    /// What a cancelled or rejected order had taken stays taken.
    StockNotGivenBack,
    /// A deadline does everything twice.
    TimerFiredTwice,
    /// The projection is believed wherever it says it is, even ahead of the log.
    ProjectionBelieved,
}

thread_local! {
    static PLANTED: Cell<Option<Plant>> = const { Cell::new(None) };
}

/// Plants a bug in whatever this thread does from here on, or takes it out.
pub fn plant(plant: Option<Plant>) {
    PLANTED.set(plant);
}

/// Whether this bug is planted.
pub(crate) fn is(plant: Plant) -> bool {
    PLANTED.get() == Some(plant)
}

/// The decision, doubled where that is planted.
pub(crate) fn fired_twice(command: &Command, mut decision: Decision) -> Decision {
    if is(Plant::TimerFiredTwice) && matches!(command, Command::PassDeadline { .. }) {
        let again = decision.events.clone();
        decision.events.extend(again);
    }
    decision
}
