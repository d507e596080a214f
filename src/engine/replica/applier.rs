//! The applying side of a replica: replays what has arrived, batch by batch, and publishes a batch once the caller has
//! stored what it wants of it. Waits for the log and for the projection, nobody waits for it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use qucan_storage::log::{Group, LogReader, Place, ReadError};
use qucan_storage::{Epoch, Position, Sequence};

use super::core::Core;
use crate::domain::effect::Effect;
use crate::domain::state::State;
use crate::domain::time::{BusinessDay, Timestamp};
use crate::engine::records::{RecordError, StateHash, state_hash};
use crate::engine::replay::{Replay, ReplayError, Step, Witness};
use crate::engine::snapshots::{self, HashCheck, LoadError};

/// The applying side: reads what has arrived, replays it, and publishes it once the caller has stored what it wants.
pub struct Applier {
    core: Arc<Core>,
    replay: Replay,
    reader: Option<LogReader>,
    batch: AppliedBatch,
    /// The batch was replayed and is not published yet.
    pending: bool,
    /// The batch is a snapshot with which the log begins.
    seeded: bool,
    published: Position,
    newest_day: BusinessDay,
    /// A replay stopped in the middle of an entry: the state is of no more use.
    broken: Option<Arc<str>>,
}

/// What there is to apply.
pub enum Next<'a> {
    /// Some groups.
    Batch(&'a AppliedBatch),
    /// Nothing arrived within the time, or the projection had no room for more.
    Idle,
    /// The replica was stopped.
    Closed,
}

/// Groups that were replayed and are not published yet.
#[derive(Debug, Default)]
pub struct AppliedBatch {
    /// Where the batch begins.
    pub from: Position,
    /// Where it ends.
    pub to: Position,
    /// The epoch of its last group.
    pub epoch: u32,
    /// Its entries, in order. None in a batch that goes to a snapshot with which the log begins.
    pub steps: Vec<AppliedStep>,
    /// In such a batch the state before it, where it goes over a gap.
    pub before: Option<State>,
}

/// One entry with what it changed.
#[derive(Debug)]
pub struct AppliedStep {
    /// Its sequence.
    pub sequence: Sequence,
    /// The time of its group.
    pub at: Timestamp,
    /// What it changed.
    pub effects: Vec<Effect>,
}

/// What has arrived can't be applied: the copy is damaged or was made by a later version.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ApplyError {
    /// The log can't be read: damage stays, anything else may pass.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// An entry can't be replayed.
    #[error(transparent)]
    Replay(#[from] ReplayError),
    /// An entry could not be replayed before.
    #[error("{0}")]
    Broken(Arc<str>),
    /// What was applied is not on the log's chain.
    #[error("the log has another history at {}", .0.sequence)]
    OtherHistory(Position),
    /// The log begins with a snapshot that can't be used.
    #[error("the log begins after {after}, and the snapshot there can't be used: {why}")]
    Base {
        /// Before its first entry.
        after: Sequence,
        /// Why.
        why: String,
    },
}

/// Where the effects of each entry of a group end.
#[derive(Default)]
struct Ends(Vec<(Sequence, Timestamp, usize)>);

impl Witness for Ends {
    fn after(&mut self, step: Step<'_>, effects: &[Effect]) {
        let before = self.0.last().map_or(0, |(_, _, end)| *end);
        self.0.push((step.sequence, step.at, before + effects.len()));
    }
}

impl Applier {
    pub(super) fn new(core: Arc<Core>, replay: Replay, published: Position) -> Self {
        let newest_day = replay.state().orders().into_iter().map(|order| order.business_day).max().unwrap_or_default();
        Self {
            core,
            replay,
            reader: None,
            batch: AppliedBatch::default(),
            pending: false,
            seeded: false,
            published,
            newest_day,
            broken: None,
        }
    }

    /// Replays what comes next, up to roughly `entries_max` entries; waits at most so long for something to arrive. The batch
    /// stays the same until [`Applier::publish`].
    pub fn next(&mut self, entries_max: usize, at_most: Duration) -> Result<Next<'_>, ApplyError> {
        if let Some(why) = self.broken.as_ref().filter(|_| !self.pending) {
            return Err(ApplyError::Broken(Arc::clone(why)));
        }
        let core = Arc::clone(&self.core);
        let begun = Instant::now();
        if !self.pending {
            let (end, closed) = core.arrived.wait_above(self.published.sequence.0, at_most);
            if closed {
                return Ok(Next::Closed);
            }
            if end <= self.published.sequence.0 && core.takes_close_wanted() {
                self.close();
            }
            if end <= self.published.sequence.0 || !self.has_room(at_most.saturating_sub(begun.elapsed())) {
                return Ok(Next::Idle);
            }
            let filled = self.fill(entries_max);
            self.pending = self.batch.to != self.batch.from;
            if let Err(error) = filled {
                // Read anew the next time.
                self.reader = None;
                if let ApplyError::Read(error @ ReadError::Rot { .. }) = &error {
                    core.shared.could_not_read(error);
                }
                if let ApplyError::Replay(error) = &error {
                    self.broken = Some(error.to_string().into());
                }
                // What was replayed before it is given out first.
                if !self.pending {
                    return Err(error);
                }
            }
        }
        Ok(if self.pending { Next::Batch(&self.batch) } else { Next::Idle })
    }

    /// Has a snapshot written of what is published.
    fn close(&self) {
        let state = self.replay.state();
        let epoch = Epoch(state.region().map_or(0, |region| u32::from(region.epoch)));
        if let Some(offers) = &mut *self.core.offers.lock() {
            offers.insist(state, self.published, epoch);
        }
    }

    /// Waits for the projection where it is too far behind: nothing that closed is ever forgotten for it.
    fn has_room(&self, at_most: Duration) -> bool {
        let shared = &self.core.shared;
        let begun = Instant::now();
        loop {
            let seen = shared.projected.get();
            if shared.views.overlay().len() < shared.overlay_orders_max {
                return true;
            }
            let left = at_most.saturating_sub(begun.elapsed());
            let (_, closed) = shared.projected.wait_above(seen, left);
            if closed || left.is_zero() {
                return false;
            }
        }
    }

    fn fill(&mut self, entries_max: usize) -> Result<(), ApplyError> {
        let span = *self.core.span.read();
        let batch = &mut self.batch;
        batch.steps.clear();
        (batch.from, batch.to) = (self.published, self.published);
        self.seeded = span.begin.sequence > self.published.sequence;
        if self.seeded {
            return self.begin_with_snapshot(span.begin);
        }
        let mut reader = match self.reader.take() {
            Some(reader) => reader,
            None => self.open_reader()?,
        };
        while self.batch.steps.len() < entries_max.max(1) {
            let Some(group) = reader.next(span.end.sequence)? else { break };
            self.take(&group)?;
        }
        self.reader = Some(reader);
        Ok(())
    }

    fn open_reader(&self) -> Result<LogReader, ApplyError> {
        let mut reader = LogReader::open(Arc::clone(&self.core.fs), &self.core.log_dir, self.published.sequence)?;
        if reader.position() != Some(self.published) {
            reader.verify(self.core.end().sequence)?;
        }
        match reader.position() {
            Some(at) if at == self.published => Ok(reader),
            _ => Err(ApplyError::OtherHistory(self.published)),
        }
    }

    fn take(&mut self, group: &Group<'_>) -> Result<(), ApplyError> {
        let mut ends = Ends::default();
        self.replay.group_with(group, &mut ends)?;
        let mut effects = self.replay.take_effects().into_iter();
        let mut taken = 0;
        for (sequence, at, end) in ends.0 {
            let effects: Vec<Effect> = effects.by_ref().take(end - taken).collect();
            taken = end;
            for effect in &effects {
                if let Effect::Order(effect) = effect {
                    self.newest_day = self.newest_day.max(effect.order.business_day);
                }
            }
            self.batch.steps.push(AppliedStep { sequence, at, effects });
        }
        (self.batch.to, self.batch.epoch) = (group.position(), group.epoch().0);
        Ok(())
    }

    /// The log begins after a snapshot that was received: the state is the one in it.
    fn begin_with_snapshot(&mut self, at: Position) -> Result<(), ApplyError> {
        let is_gap = self.published != Position::ORIGIN;
        if is_gap && self.core.gaps.read().last().is_none_or(|gap| gap.from != self.published) {
            return Err(ApplyError::OtherHistory(self.published));
        }
        let loaded = load_base(&self.core, at).map_err(|why| ApplyError::Base { after: at.sequence, why })?;
        let at = loaded.position;
        self.batch.before = is_gap.then(|| self.replay.state().clone());
        self.batch.to = at;
        self.batch.epoch = loaded.epoch.0;
        let days = loaded.state.orders().into_iter().map(|order| order.business_day);
        self.newest_day = self.newest_day.max(days.max().unwrap_or_default());
        self.replay = Replay::new(loaded.state, at.sequence);
        Ok(())
    }

    /// Makes the batch visible in the views; takes a snapshot when it is time.
    pub fn publish(&mut self) {
        if !std::mem::take(&mut self.pending) {
            return;
        }
        let (shared, to) = (&self.core.shared, self.batch.to);
        let state = self.replay.state();
        if self.seeded {
            shared.views.show(state, to.sequence.0);
        } else {
            shared.views.start(state);
            for step in &self.batch.steps {
                shared.views.apply(&step.effects, step.sequence.0);
            }
        }
        self.published = to;
        shared.reached(to.sequence.0);
        if let Some(offers) = &mut *self.core.offers.lock() {
            offers.offer(state, to, Epoch(self.batch.epoch));
        }
        self.batch.steps.clear();
        self.batch.before = None;
    }

    /// How far everything is published.
    pub fn published(&self) -> Position {
        self.published
    }

    /// The state hash, for comparisons: of what was published, or of the batch that waits to be.
    pub fn state_hash(&self) -> Result<StateHash, RecordError> {
        state_hash(self.state())
    }

    /// The state behind [`Applier::state_hash`].
    pub fn state(&self) -> &State {
        self.replay.state()
    }

    /// The newest business day of an order seen so far.
    pub fn newest_day(&self) -> BusinessDay {
        self.newest_day
    }
}

/// The oldest good snapshot of a log that begins after `begin`.
fn load_base(core: &Core, begin: Position) -> Result<snapshots::Loaded, String> {
    let (good, _) = core.snapshots.list().map_err(|error| error.to_string())?;
    let mut why = "there is none".to_owned();
    for info in good.into_iter().filter(|info| info.position.sequence >= begin.sequence) {
        if core.place_of(info.position).map_err(|error| error.to_string())? != Place::OnChain {
            continue;
        }
        let reader = core.snapshots.open_snapshot(&info).map_err(LoadError::from);
        match reader.and_then(|reader| snapshots::load(reader, HashCheck::Compute)) {
            Ok(loaded) => return Ok(loaded),
            Err(error) => {
                why = error.to_string();
                tracing::warn!(%why, "a copy's log can't begin with this snapshot; a later one serves");
            }
        }
    }
    Err(why)
}
