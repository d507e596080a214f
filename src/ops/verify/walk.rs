//! One walk along the log: the state follows from the events step by step, and everything else is compared on the way.
//! Three threads: one reads and checks the bytes, this one replays, one judges the orders and sums up their rows.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use crossbeam_channel::{Receiver, Sender, bounded};
use qucan_storage::fs::FileSystem;
use qucan_storage::log::{self, Group, Groups, OpenError, OpenFrom, Recovery};
use qucan_storage::snapshot::{SnapshotInfo, SnapshotStore};
use qucan_storage::{ChainHash, Epoch, Position, Sequence};

use super::base::Base;
use super::check::Check;
use super::progress::Progress;
use super::report::Findings;
use super::rows::{Expecting, Told};
use super::tally::{Tally, check_placed};
use crate::domain::effect::Effect;
use crate::domain::event::{Event, OrderChange};
use crate::domain::invariants::{check_all, check_claim};
use crate::domain::order::Order;
use crate::domain::state::State;
use crate::engine::records::{RecordError, StateHash, state_hash};
use crate::engine::replay::{Replay, ReplayError, Step, Witness};
use crate::engine::snapshots::{self, HashCheck};
use crate::limits::{VERIFY_BATCH_BYTES, VERIFY_BATCHES, VERIFY_ORDERS_BATCH};

/// The log to walk along.
pub(super) struct Source<'l> {
    pub(super) fs: &'l Arc<dyn FileSystem>,
    pub(super) dir: &'l Path,
    pub(super) epoch: Epoch,
    pub(super) from: OpenFrom,
    pub(super) progress: &'l Progress,
}

impl Source<'_> {
    /// Hands every group on, counting them.
    pub(super) fn scan(
        &self,
        mut visit: impl FnMut(&Group<'_>) -> Result<(), log::BoxError>,
    ) -> Result<Recovery, OpenError> {
        log::scan(self.fs, self.dir, Some(self.epoch), self.from, |group| {
            self.progress.step(u64::try_from(group.raw().len()).unwrap_or(0));
            visit(group)
        })
    }

    fn read(&self, full: &Sender<Groups>, emptied: &Receiver<Groups>) -> Result<Recovery, OpenError> {
        let mut groups = Groups::default();
        let outcome = self.scan(|group| {
            groups.push(group);
            if groups.bytes() >= VERIFY_BATCH_BYTES {
                full.send(std::mem::replace(&mut groups, emptied.try_recv().unwrap_or_default()))?;
            }
            Ok(())
        });
        // What was read before it ended, however it ended, is replayed. Gone is nobody while this runs.
        let _gone = full.send(groups);
        outcome
    }
}

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
    told: Vec<Told>,
    out: Option<Sender<Vec<Told>>>,
}

impl Watch {
    fn tell(&mut self, told: Told) {
        self.told.push(told);
        if self.told.len() >= VERIFY_ORDERS_BATCH {
            self.hand_on();
        }
    }

    fn hand_on(&mut self) {
        let told = std::mem::replace(&mut self.told, Vec::with_capacity(VERIFY_ORDERS_BATCH));
        // Gone is nobody while this is there.
        let _gone = self.out.as_ref().map(|out| out.send(told));
    }

    fn changed(&mut self, sequence: Sequence, order: &Arc<Order>) {
        self.tell(Told::Changed(sequence, Arc::clone(order)));
    }
}

impl Witness for Watch {
    /// What an event carries is looked at before evolve has a chance to refuse it.
    fn before(&mut self, step: Step<'_>, state: &State) {
        if let Err(error) = step.entry.meta() {
            self.found.add(Check::OrderActor, format!("entry {}: {error}", step.sequence));
        }
        match step.event {
            Event::CouponClaimed { coupon, campaign, member, ordinal } => {
                self.claimed += 1;
                for violation in check_claim(state, *coupon, campaign, member, *ordinal) {
                    let what = format!("entry {}: {violation}", step.sequence);
                    self.found.add(Check::ClaimHolds(violation.invariant), what);
                }
            }
            Event::OrderPlaced { order, .. } => {
                self.placed += 1;
                check_placed(order, &mut self.found);
                self.changed(step.sequence, order);
            }
            Event::OrderChanged { whole: Some(whole), .. } => self.changed(step.sequence, whole),
            _ => {}
        }
    }

    fn after(&mut self, step: Step<'_>, effects: &[Effect]) {
        self.tally.take(step.event, effects);
        for effect in effects {
            let Effect::Order(effect) = effect else { continue };
            self.order_events += 1;
            if matches!(step.event, Event::OrderChanged { whole: None, .. }) {
                self.changed(step.sequence, &effect.order);
            }
            if effect.closed {
                self.closed += 1;
                self.tell(Told::Closed(step.sequence, Arc::clone(&effect.order)));
            }
        }
        if let Event::OrderChanged { change: OrderChange::MoneyReturned { .. }, whole: Some(whole), .. } = step.event
            && !whole.is_closed()
        {
            self.reopened += 1;
            self.tell(Told::Reopened(step.sequence, Arc::clone(whole)));
        }
    }
}

/// Why replaying ended before the log did.
#[derive(Debug, thiserror::Error)]
pub(super) enum Broken {
    #[error(transparent)]
    Replay(#[from] ReplayError),
    #[error(transparent)]
    State(#[from] RecordError),
}

impl Broken {
    pub(super) fn check(&self) -> Check {
        match self {
            Self::Replay(ReplayError::Evolve { .. }) => Check::EntryFollows,
            Self::Replay(ReplayError::Record { .. }) | Self::State(_) => Check::EntryDecodes,
        }
    }
}

/// What a thread came to; a panic in it goes on here.
fn joined<T>(thread: std::thread::ScopedJoinHandle<'_, T>) -> T {
    thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

/// The walk: the replayed state, and the newest snapshot with the tail behind it.
pub(super) struct Walk<'s> {
    store: &'s SnapshotStore,
    /// Snapshots that were not met yet.
    waiting: BTreeMap<Sequence, SnapshotInfo>,
    newest: Option<Sequence>,
    pub(super) replay: Replay,
    from_newest: Option<Replay>,
    /// The newest snapshot was met, and the log behind it could be taken into its state.
    pub(super) has_tail: bool,
    pub(super) watch: Watch,
    /// Snapshots that were compared.
    pub(super) compared: u64,
    /// Where the projection's days say that they are, and the log's chain there.
    pub(super) hashes: BTreeMap<Sequence, ChainHash>,
    pub(super) broken: Option<Broken>,
}

impl<'s> Walk<'s> {
    /// A walk that begins at a base and looks up the chain at `positions`.
    pub(super) fn new(store: &'s SnapshotStore, base: Base, positions: BTreeSet<Sequence>) -> Self {
        let Base { state, after, snapshots, .. } = base;
        let watch = Watch { tally: Tally::from(&state), ..Watch::default() };
        let newest = snapshots.last().map(|info| info.position.sequence);
        Self {
            store,
            waiting: snapshots.into_iter().map(|info| (info.position.sequence, info)).collect(),
            newest,
            replay: Replay::new(state, after),
            from_newest: None,
            has_tail: false,
            watch,
            compared: 0,
            hashes: positions.into_iter().map(|sequence| (sequence, ChainHash::ORIGIN)).collect(),
            broken: None,
        }
    }

    /// Walks to the log's end.
    pub(super) fn along(
        &mut self,
        source: &Source<'_>,
        expecting: Expecting,
    ) -> (Result<Recovery, OpenError>, Expecting) {
        self.broken = self.at(source.from.after).err();
        std::thread::scope(|scope| {
            let (full, batches) = bounded(VERIFY_BATCHES);
            let (emptied, reusable) = bounded(VERIFY_BATCHES);
            let (out, told) = bounded(VERIFY_BATCHES);
            let reader = scope.spawn(move || source.read(&full, &reusable));
            let summing = scope.spawn(move || expecting.run(&told));
            self.watch.out = Some(out);
            for mut groups in batches {
                for group in groups.iter() {
                    if self.broken.is_none() {
                        self.broken = self.group(&group).err();
                    }
                }
                groups.clear();
                let _enough = emptied.try_send(groups);
            }
            self.watch.hand_on();
            self.watch.out = None;
            (joined(reader), joined(summing))
        })
    }

    /// Takes a group in.
    fn group(&mut self, group: &Group<'_>) -> Result<(), Broken> {
        self.replay.group_with(group, &mut self.watch)?;
        if let Some(replay) = &mut self.from_newest
            && let Err(error) = replay.group(group)
        {
            self.watch.found.add(Check::SnapshotTail, format!("behind the newest snapshot {error}"));
            self.from_newest = None;
        }
        self.at(group.position())
    }

    /// Compares what stands at a position.
    fn at(&mut self, position: Position) -> Result<(), Broken> {
        if let Some(hash) = self.hashes.get_mut(&position.sequence) {
            *hash = position.hash;
        }
        match self.waiting.remove(&position.sequence) {
            Some(info) => self.compare(&info, position),
            None => Ok(()),
        }
    }

    fn compare(&mut self, info: &SnapshotInfo, position: Position) -> Result<(), Broken> {
        self.compared += 1;
        let (path, found) = (info.path.display(), &mut self.watch.found);
        let same = info.position.hash == position.hash;
        found.expect(same, Check::SnapshotHistory, || format!("{path}: of another history than the log's"));
        let opened = self.store.open_snapshot(info).map_err(snapshots::LoadError::from);
        let loaded = match opened.and_then(|reader| snapshots::load(reader, HashCheck::Compute)) {
            Ok(loaded) => loaded,
            Err(error) => {
                found.add(Check::SnapshotWhole, error.to_string());
                return Ok(());
            }
        };
        let replayed = state_hash(self.replay.state())?;
        if loaded.hash != replayed {
            let (stated, sequence) = (loaded.hash, position.sequence);
            let what = format!("its state at {sequence} has hash {stated:?}, that of the replayed log {replayed:?}");
            found.add(Check::SnapshotState, format!("{path}: {what}"));
            // Which promises it breaks, and which sums it has wrong, helps more than the hash.
            for violation in check_all(&loaded.state) {
                found.add(Check::Holds(violation.invariant), format!("{path}: {violation}"));
            }
            let place = format!("{path}: ");
            self.watch.tally.stock(&loaded.state, &place, found);
            self.watch.tally.coupons(&loaded.state, &place, found);
            self.watch.tally.offsets(&loaded.state, &place, found);
        }
        if self.newest == Some(position.sequence) {
            self.from_newest = Some(Replay::new(loaded.state, position.sequence));
        }
        Ok(())
    }

    /// Ends the walk: snapshots that were never met, and the newest one with its tail.
    pub(super) fn finish(&mut self, found: &mut Findings) -> Result<StateHash, RecordError> {
        for (sequence, info) in std::mem::take(&mut self.waiting) {
            let path = info.path.display();
            found.add(Check::SnapshotPlace, format!("{path}: at {sequence} no group of the log ends"));
        }
        let hash = state_hash(self.replay.state())?;
        if let Some(replay) = self.from_newest.take() {
            self.has_tail = true;
            let other = state_hash(replay.state())?;
            found.expect(other == hash, Check::SnapshotTail, || {
                format!("the newest snapshot and its tail give a state with hash {other:?}, the whole log {hash:?}")
            });
        }
        Ok(hash)
    }
}
