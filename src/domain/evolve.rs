//! Evolve: state + event → state. The only place where the state changes; it concludes nothing that the event doesn't say.

use super::effect::Effect;
use super::event::Event;
use super::id::OrderId;
use super::state::State;
use super::time::Timestamp;

/// An event that does not fit the state: the log and the state are not of one history. Never happens to an event that
/// decide made against this very state.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EvolveError {
    /// The order is not there, or is already.
    #[error("order {order}: {why}")]
    Order {
        /// Which.
        order: OrderId,
        /// What does not fit.
        why: &'static str,
    },
}

impl State {
    /// Takes one event in, which happened `at`; appends what it changed to `effects`.
    pub fn evolve(&mut self, at: Timestamp, _event: &Event, _effects: &mut Vec<Effect>) -> Result<(), EvolveError> {
        self.head.clock = self.head.clock.max(at);
        Ok(())
    }
}
