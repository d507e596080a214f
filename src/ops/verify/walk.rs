//! One walk along the log: the state follows from the events step by step, and everything else is compared on the way.

use std::collections::{BTreeMap, BTreeSet};

use qucan_storage::log::{BoxError, Group};
use qucan_storage::snapshot::{SnapshotInfo, SnapshotStore};
use qucan_storage::{Position, Sequence};

use super::projection::{Naming, ProjectionCheck, before_reopening};
use super::report::Findings;
use super::tally::{Tally, check_placed};
use crate::domain::effect::Effect;
use crate::domain::event::{Event, OrderChange};
use crate::domain::id::OrderId;
use crate::domain::invariants::{Violation, check_all, check_claim, check_order};
use crate::domain::order::Order;
use crate::domain::state::State;
use crate::engine::records::{EntryView, EventKind, RecordError, StateHash, state_hash};
use crate::engine::replay::{Replay, Step, Witness};
use crate::engine::snapshots::{self, HashCheck};

/// What is watched while entries are taken in.
#[derive(Debug, Default)]
pub(super) struct Watch {
    pub(super) tally: Tally,
    pub(super) projection: ProjectionCheck,
    /// Against single orders.
    pub(super) orders: Findings,
    /// Against single claims.
    pub(super) claims: Findings,
    pub(super) placed: u64,
    pub(super) order_events: u64,
    pub(super) closed: u64,
    pub(super) claimed: u64,
    /// Closed orders that late money opened again, and where: checked against their records in a second walk.
    pub(super) reopened: Vec<(Sequence, OrderId)>,
}

impl Witness for Watch {
    fn before(&mut self, step: Step<'_>, state: &State) {
        if let Err(error) = step.entry.meta() {
            self.orders.add(format!("entry {}: {error}", step.sequence));
        }
        if let Event::CouponClaimed { coupon, campaign, member, ordinal } = step.event {
            self.claimed += 1;
            self.claims.extend(at(step.sequence, check_claim(state, *coupon, campaign, member, *ordinal)));
        }
    }

    fn after(&mut self, step: Step<'_>, effects: &[Effect]) {
        self.tally.take(step.event, effects);
        for effect in effects {
            let Effect::Order(effect) = effect else { continue };
            self.order_events += 1;
            self.orders.extend(at(step.sequence, check_order(&effect.order)));
            if effect.closed {
                self.closed += 1;
                self.projection.closed(step.sequence, &effect.order);
            }
        }
        match step.event {
            Event::OrderPlaced { order, .. } => {
                self.placed += 1;
                check_placed(order, &mut self.orders);
            }
            Event::OrderChanged { order, change: OrderChange::MoneyReturned { .. }, whole: Some(whole) }
                if !whole.is_closed() =>
            {
                self.reopened.push((step.sequence, *order));
                self.projection.opened_again(step.sequence, whole);
            }
            _ => {}
        }
    }
}

fn at(sequence: Sequence, violations: Vec<Violation>) -> impl Iterator<Item = String> {
    violations.into_iter().map(move |violation| format!("entry {sequence}: {violation}"))
}

/// The walk: the replayed state, and the newest snapshot with the tail behind it.
pub(super) struct Walk<'s> {
    store: &'s SnapshotStore,
    /// Snapshots that were not met yet.
    waiting: BTreeMap<Sequence, SnapshotInfo>,
    newest: Option<Sequence>,
    pub(super) replay: Replay,
    pub(super) from_newest: Option<Replay>,
    pub(super) watch: Watch,
    pub(super) snapshots: Findings,
    pub(super) compared: u64,
}

impl<'s> Walk<'s> {
    pub(super) fn new(
        store: &'s SnapshotStore,
        snapshots: Vec<SnapshotInfo>,
        state: State,
        after: Sequence,
        mut watch: Watch,
    ) -> Self {
        watch.tally = Tally::from(&state);
        let newest = snapshots.last().map(|info| info.position.sequence);
        Self {
            store,
            waiting: snapshots.into_iter().map(|info| (info.position.sequence, info)).collect(),
            newest,
            replay: Replay::new(state, after),
            from_newest: None,
            watch,
            snapshots: Findings::default(),
            compared: 0,
        }
    }

    /// Takes a group in.
    pub(super) fn group(&mut self, group: &Group<'_>) -> Result<(), BoxError> {
        self.replay.group_with(group, &mut self.watch)?;
        if let Some(replay) = &mut self.from_newest {
            replay.group(group)?;
        }
        self.at(group.position())
    }

    /// Compares what stands at a position.
    pub(super) fn at(&mut self, position: Position) -> Result<(), BoxError> {
        self.watch.projection.at(position);
        if let Some(info) = self.waiting.remove(&position.sequence) {
            self.compare(&info, position)?;
        }
        Ok(())
    }

    fn compare(&mut self, info: &SnapshotInfo, position: Position) -> Result<(), BoxError> {
        self.compared += 1;
        let path = info.path.display();
        let same = info.position.hash == position.hash;
        self.snapshots.expect(same, || format!("{path}: of another history than the log's"));
        let opened = self.store.open_snapshot(info).map_err(snapshots::LoadError::from);
        let loaded = match opened.and_then(|reader| snapshots::load(reader, HashCheck::Compute)) {
            Ok(loaded) => loaded,
            Err(error) => {
                self.snapshots.add(error.to_string());
                return Ok(());
            }
        };
        if loaded.hash != state_hash(self.replay.state())? {
            let replayed = state_hash(self.replay.state())?;
            let (stated, sequence) = (loaded.hash, position.sequence);
            self.snapshots.add(format!(
                "{path}: its state at {sequence} has hash {stated:?}, that of the replayed log {replayed:?}"
            ));
            // Which promises it breaks, and which sums it has wrong, helps more than the hash.
            let broken = check_all(&loaded.state).into_iter().map(|violation| format!("{path}: {violation}"));
            self.snapshots.extend(broken);
            let mut sums = Findings::default();
            self.watch.tally.stock(&loaded.state, &mut sums);
            self.watch.tally.coupons(&loaded.state, &mut sums);
            self.watch.tally.offsets(&loaded.state, &mut sums);
            self.snapshots.extend(sums.first.iter().map(|what| format!("{path}: {what}")));
        }
        if self.newest == Some(position.sequence) {
            self.from_newest = Some(Replay::new(loaded.state, position.sequence));
        }
        Ok(())
    }

    /// Ends the walk: snapshots that were never met, and the newest one with its tail.
    pub(super) fn finish(&mut self) -> Result<StateHash, RecordError> {
        for (sequence, info) in std::mem::take(&mut self.waiting) {
            let path = info.path.display();
            self.snapshots.add(format!("{path}: at {sequence} no group of the log ends"));
        }
        let hash = state_hash(self.replay.state())?;
        if let Some(replay) = &self.from_newest {
            let other = state_hash(replay.state())?;
            self.snapshots.expect(other == hash, || {
                format!("the newest snapshot and its tail give a state with hash {other:?}, the whole log {hash:?}")
            });
        }
        Ok(hash)
    }
}

/// A second walk, only where the first one asks for it: orders opened again against their records, rows of days that differ.
#[derive(Default)]
pub(super) struct SecondWalk {
    reopened: BTreeSet<OrderId>,
    closed: BTreeMap<OrderId, Order>,
    pub(super) unproven: u64,
    pub(super) namings: Vec<Naming>,
}

impl SecondWalk {
    pub(super) fn new(reopened: &[(Sequence, OrderId)], namings: Vec<Naming>) -> Self {
        Self { reopened: reopened.iter().map(|(_, order)| *order).collect(), namings, ..Self::default() }
    }

    pub(super) fn is_needed(&self) -> bool {
        !(self.reopened.is_empty() && self.namings.is_empty())
    }

    pub(super) fn group(&mut self, group: &Group<'_>, found: &mut Findings) -> Result<(), RecordError> {
        for (sequence, bytes) in group.entries() {
            let entry = EntryView::parse(bytes)?;
            if entry.kind != EventKind::OrderSettled {
                continue;
            }
            let Some(order) = entry.whole_order()? else { continue };
            if order.is_closed() {
                self.namings.iter_mut().for_each(|naming| naming.closed(sequence, &order));
                if self.reopened.contains(&order.id) {
                    self.closed.insert(order.id, order);
                }
            } else if self.reopened.contains(&order.id) {
                match self.closed.get(&order.id) {
                    Some(closed) => found.expect(before_reopening(&order) == *closed, || {
                        format!("entry {sequence}: order {} is opened again as another than it was closed", order.id)
                    }),
                    // It closed before the log begins.
                    None => self.unproven += 1,
                }
            }
        }
        Ok(())
    }
}
