//! Replay: entries of the log, decoded and taken into a state. Used by recovery and by `verify`; what comes out is the
//! state that the writer had, to the bit.

use qucan_storage::Sequence;
use qucan_storage::log::Group;

use super::records::{EntryView, RecordError};
use crate::domain::effect::Effect;
use crate::domain::event::Event;
use crate::domain::evolve::EvolveError;
use crate::domain::state::State;
use crate::domain::time::Timestamp;

/// An entry that can't be replayed. The state is then of no more use.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// The entry can't be decoded.
    #[error("entry {sequence}: {source}")]
    Record {
        /// Which.
        sequence: Sequence,
        /// What is wrong.
        source: RecordError,
    },
    /// The entry does not fit the state.
    #[error("entry {sequence} does not follow from the entries before it: {source}")]
    Evolve {
        /// Which.
        sequence: Sequence,
        /// What does not fit.
        source: EvolveError,
    },
}

/// One entry in a replay.
#[derive(Debug, Clone, Copy)]
pub struct Step<'s> {
    /// Its sequence.
    pub sequence: Sequence,
    /// When it happened.
    pub at: Timestamp,
    /// Its event.
    pub event: &'s Event,
}

/// Watches a replay.
pub trait Witness {
    /// Before an entry is taken in.
    fn before(&mut self, step: Step<'_>, state: &State) {
        let _ = (step, state);
    }

    /// After it, with what it changed.
    fn after(&mut self, step: Step<'_>, effects: &[Effect]) {
        let _ = (step, effects);
    }
}

impl Witness for () {}

/// A state that follows a log.
#[derive(Debug)]
pub struct Replay {
    state: State,
    after: Sequence,
    entries: u64,
    effects: Vec<Effect>,
}

impl Replay {
    /// Goes on from a state that holds everything up to `after`.
    pub fn new(state: State, after: Sequence) -> Self {
        Self { state, after, entries: 0, effects: Vec::new() }
    }

    /// Takes in the entries of a group that are not in the state yet.
    pub fn group(&mut self, group: &Group<'_>) -> Result<(), ReplayError> {
        self.group_with(group, &mut ())
    }

    /// The same, watched.
    pub fn group_with(&mut self, group: &Group<'_>, witness: &mut impl Witness) -> Result<(), ReplayError> {
        self.begin_group();
        let after = self.after;
        for (sequence, bytes) in group.entries().filter(|(sequence, _)| *sequence > after) {
            let record = |source| ReplayError::Record { sequence, source };
            let entry = EntryView::parse(bytes).map_err(record)?;
            let event = entry.event().map_err(record)?;
            self.step(Step { sequence, at: entry.at, event: &event }, witness)?;
        }
        Ok(())
    }

    /// The entries that come are of another group. For those who decode elsewhere.
    pub fn begin_group(&mut self) {
        self.effects.clear();
    }

    /// Takes in one entry that was decoded elsewhere, if it is not in the state yet.
    pub fn step(&mut self, step: Step<'_>, witness: &mut impl Witness) -> Result<(), ReplayError> {
        let Step { sequence, at, event } = step;
        if sequence <= self.after {
            return Ok(());
        }
        witness.before(step, &self.state);
        let effects_before = self.effects.len();
        let evolved = self.state.evolve(at, event, &mut self.effects);
        evolved.map_err(|source| ReplayError::Evolve { sequence, source })?;
        witness.after(step, self.effects.get(effects_before..).unwrap_or_default());
        self.after = sequence;
        self.entries += 1;
        Ok(())
    }

    /// What the entries of the last group changed.
    pub fn effects(&self) -> &[Effect] {
        &self.effects
    }

    /// The same, taken away.
    pub fn take_effects(&mut self) -> Vec<Effect> {
        std::mem::take(&mut self.effects)
    }

    /// The last sequence that the state holds.
    pub fn after(&self) -> Sequence {
        self.after
    }

    /// Entries taken in.
    pub fn entries(&self) -> u64 {
        self.entries
    }

    /// The state so far.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// The state at the end.
    pub fn into_state(self) -> State {
        self.state
    }
}
