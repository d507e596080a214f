//! One walk along the log: the state follows from the events step by step, and everything else is compared on the way.
//! One thread reads and decodes, this one replays, one sums up the rows of closed orders, one compares snapshots; what one
//! has done with goes on to the next, in bounded numbers.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crossbeam_channel::{Sender, bounded};
use qucan_storage::log::{OpenError, Recovery};
use qucan_storage::snapshot::SnapshotInfo;
use qucan_storage::{ChainHash, Position, Sequence};

use super::base::Base;
use super::check::Check;
use super::decode::{Batch, Source};
use super::report::Findings;
use super::rows::{Expecting, Taken, Told};
use super::states::{Meeting, Passed, States};
use super::tally::Tally;
use crate::domain::effect::Effect;
use crate::domain::event::{Event, OrderChange};
use crate::domain::invariants::{check_changed, check_claim};
use crate::domain::state::State;
use crate::engine::records::{RecordError, StateHash, state_hash};
use crate::engine::replay::{Replay, ReplayError, Step, Witness};
use crate::limits::VERIFY_BATCHES;

/// What is watched while entries are taken in.
#[derive(Debug, Default)]
pub(super) struct Watch {
    pub(super) tally: Tally,
    pub(super) found: Findings,
    pub(super) placed: u64,
    pub(super) order_events: u64,
    pub(super) closed: u64,
    pub(super) claimed: u64,
    /// Closed orders that late money opened again.
    pub(super) reopened: u64,
    /// What the present batch does to orders that close or are opened again.
    told: Vec<Told>,
}

impl Witness for Watch {
    /// What an event carries is looked at before evolve has a chance to refuse it.
    fn before(&mut self, step: Step<'_>, state: &State) {
        match step.event {
            Event::CouponClaimed { coupon, campaign, member, ordinal } => {
                self.claimed += 1;
                for violation in check_claim(state, *coupon, campaign, member, *ordinal) {
                    let what = format!("entry {}: {violation}", step.sequence);
                    self.found.add(Check::ClaimHolds(violation.invariant), what);
                }
            }
            Event::OrderPlaced { .. } => self.placed += 1,
            _ => {}
        }
    }

    fn after(&mut self, step: Step<'_>, effects: &[Effect]) {
        self.tally.take(step.event, effects);
        for effect in effects {
            let Effect::Order(effect) = effect else { continue };
            self.order_events += 1;
            // An order that the entry carries whole is this one, as evolve says, and was judged when it was decoded.
            if matches!(step.event, Event::OrderChanged { whole: None, .. }) {
                for violation in check_changed(&effect.order) {
                    let what = format!("entry {}: {violation}", step.sequence);
                    self.found.add(Check::OrderHolds(violation.invariant), what);
                }
            }
            if effect.closed {
                self.closed += 1;
                self.told.push(Told::Closed(step.sequence, Arc::clone(&effect.order)));
            }
        }
        if let Event::OrderChanged { change: OrderChange::MoneyReturned { .. }, whole: Some(whole), .. } = step.event
            && !whole.is_closed()
        {
            self.reopened += 1;
            self.told.push(Told::Reopened(step.sequence, Arc::clone(whole)));
        }
    }
}

/// What a thread came to; a panic in it goes on here.
fn joined<T>(thread: std::thread::ScopedJoinHandle<'_, T>) -> T {
    thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

/// The walk: the replayed state, and what is looked at on the way.
pub(super) struct Walk {
    /// Snapshots that were not met yet.
    waiting: BTreeMap<Sequence, SnapshotInfo>,
    newest: Option<Sequence>,
    /// The newest snapshot was met: what follows is of interest to those who compare it.
    is_tail: bool,
    passed: Option<Sender<Passed>>,
    pub(super) replay: Replay,
    pub(super) watch: Watch,
    /// Where the projection's days say that they are, and the log's chain there.
    pub(super) hashes: BTreeMap<Sequence, ChainHash>,
    /// Why replaying ended before the log did.
    pub(super) broken: Option<ReplayError>,
}

impl Walk {
    /// A walk that begins at a base and looks up the chain at `positions`.
    pub(super) fn new(base: Base, positions: BTreeSet<Sequence>) -> Self {
        let Base { state, after, snapshots, .. } = base;
        let watch = Watch { tally: Tally::from(&state), ..Watch::default() };
        Self {
            newest: snapshots.last().map(|info| info.position.sequence),
            waiting: snapshots.into_iter().map(|info| (info.position.sequence, info)).collect(),
            is_tail: false,
            passed: None,
            replay: Replay::new(state, after),
            watch,
            hashes: positions.into_iter().map(|sequence| (sequence, ChainHash::ORIGIN)).collect(),
            broken: None,
        }
    }

    /// Walks to the log's end.
    pub(super) fn along<'s>(
        &mut self,
        source: &Source<'_>,
        expecting: Expecting,
        states: States<'s>,
    ) -> (Result<Recovery, OpenError>, Expecting, Result<States<'s>, RecordError>) {
        std::thread::scope(|scope| {
            let (full, batches) = bounded(VERIFY_BATCHES);
            let (taken, taking) = bounded(VERIFY_BATCHES);
            let (used, emptied) = bounded(VERIFY_BATCHES);
            let (passed, passing) = bounded(VERIFY_BATCHES);
            let after = self.replay.after();
            let reader = scope.spawn(move || source.decode(after, &full, &emptied));
            let summing = scope.spawn(move || expecting.run(&taking, &used));
            let comparing = scope.spawn(move || states.run(&passing));
            self.passed = Some(passed);
            self.at(source.from.after);
            for batch in batches {
                let batch = self.batch(batch);
                // Gone is nobody while this is there.
                let _gone = taken.send(Taken { told: std::mem::take(&mut self.watch.told), batch });
            }
            drop(taken);
            self.passed = None;
            (joined(reader), joined(summing), joined(comparing))
        })
    }

    /// Takes entries in, up to the first that can't be.
    fn batch(&mut self, mut batch: Batch) -> Arc<Batch> {
        if self.broken.is_some() {
            return Arc::new(batch);
        }
        self.broken = self.groups(&batch).err().or_else(|| batch.undecodable.take());
        let reached = if self.broken.is_some() { self.replay.after().next() } else { Sequence(u64::MAX) };
        for (_, check, what) in batch.found.drain(..).filter(|(sequence, ..)| *sequence <= reached) {
            self.watch.found.add(check, what);
        }
        let batch = Arc::new(batch);
        if self.is_tail && self.broken.is_none() {
            self.pass(Passed::Entries(Arc::clone(&batch)));
        }
        batch
    }

    fn groups(&mut self, batch: &Batch) -> Result<(), ReplayError> {
        for (entries, end) in batch.groups() {
            self.replay.begin_group();
            for entry in entries {
                self.replay.step(entry.step(), &mut self.watch)?;
            }
            if let Some(position) = end {
                self.at(position);
            }
        }
        Ok(())
    }

    /// Looks at what stands at a position.
    fn at(&mut self, position: Position) {
        if let Some(hash) = self.hashes.get_mut(&position.sequence) {
            *hash = position.hash;
        }
        if let Some(info) = self.waiting.remove(&position.sequence) {
            self.is_tail = self.newest == Some(position.sequence);
            let (state, tally) = (self.replay.state().clone(), self.watch.tally.clone());
            self.pass(Passed::Snapshot(Box::new(Meeting { info, position, state, tally })));
        }
    }

    /// Whoever compares may have ended early; why is asked for in the end.
    fn pass(&self, passed: Passed) {
        let _ended = self.passed.as_ref().map(|out| out.send(passed));
    }

    /// Ends the walk: snapshots that were never met, and the state's hash.
    pub(super) fn finish(&mut self, found: &mut Findings) -> Result<StateHash, RecordError> {
        for (sequence, info) in std::mem::take(&mut self.waiting) {
            let path = info.path.display();
            found.add(Check::SnapshotPlace, format!("{path}: at {sequence} no group of the log ends"));
        }
        state_hash(self.replay.state())
    }
}

/// Which check an end of the replay belongs to.
pub(super) fn check_of(broken: &ReplayError) -> Check {
    match broken {
        ReplayError::Evolve { .. } => Check::EntryFollows,
        ReplayError::Record { .. } => Check::EntryDecodes,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::effect::OrderEffect;
    use crate::domain::order::{Order, Status};
    use crate::engine::records::tests::usual_order;
    use crate::ops::verify::Report;

    /// Debug builds' evolve refuses such an order before anybody is told of it; a release must find it here.
    #[test]
    fn what_a_change_makes_of_an_order_is_judged_where_no_entry_carries_it_whole() {
        let order = Order { status: Status::Ready, offset: 2, ..usual_order() };
        let change = OrderChange::Ready { auto_at: order.created_at, reason: None };
        let event = Event::OrderChanged { order: order.id, change, whole: None };
        let step = Step { sequence: Sequence(7), at: order.created_at, event: &event };
        let (order, event, store_offset) = (Arc::new(order), "ready", 2);
        let effect = OrderEffect { order, event, store_offset, board_offset: None, closed: false };
        let (mut watch, mut report) = (Watch::default(), Report::default());
        watch.after(step, &[Effect::Order(effect)]);
        report.conclude(&watch.found);
        let text = report.text();
        for check in ["orders: I7: entry 7: I7 money balances", "orders: I8: entry 7: I8 life follows status"] {
            assert!(text.contains(check), "{check:?} is not in\n{text}");
        }
    }
}
