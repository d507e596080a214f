//! Snapshots against the replayed state where the log passes them, on a thread of its own; and the newest one with the log
//! behind it. The replay hands over its state as it was there, which copies pointers, and goes on.

use std::sync::Arc;

use crossbeam_channel::Receiver;
use qucan_storage::Position;
use qucan_storage::snapshot::{SnapshotInfo, SnapshotStore};

use super::check::Check;
use super::decode::Batch;
use super::report::Findings;
use super::tally::Tally;
use crate::domain::invariants::check_all;
use crate::domain::state::State;
use crate::engine::records::{RecordError, StateHash, state_hash};
use crate::engine::replay::{Replay, ReplayError};
use crate::engine::snapshots::{self, HashCheck, LoadError, Loaded};

/// What a walk along the log comes by.
pub(super) enum Passed {
    /// A snapshot.
    Snapshot(Box<Meeting>),
    /// Entries; of interest behind the newest snapshot.
    Entries(Arc<Batch>),
}

/// Where the log passes a snapshot.
pub(super) struct Meeting {
    pub(super) info: SnapshotInfo,
    pub(super) position: Position,
    /// The replayed state there, and the sums.
    pub(super) state: State,
    pub(super) tally: Tally,
}

/// The comparisons so far.
pub(super) struct States<'s> {
    store: &'s SnapshotStore,
    newest: Option<SnapshotInfo>,
    tail: Option<Replay>,
    /// Snapshots that were compared.
    pub(super) compared: u64,
    pub(super) found: Findings,
}

impl<'s> States<'s> {
    pub(super) fn new(store: &'s SnapshotStore, newest: Option<SnapshotInfo>) -> Self {
        Self { store, newest, tail: None, compared: 0, found: Findings::default() }
    }

    /// Compares what comes until no more comes.
    pub(super) fn run(mut self, passed: &Receiver<Passed>) -> Result<Self, RecordError> {
        // Made ready meanwhile: the log behind it is short, and whoever replays would have to wait.
        let mut newest = self.newest.as_ref().map(|info| self.load(info));
        for passed in passed {
            match passed {
                Passed::Snapshot(meeting) => {
                    let is_newest = self.newest.as_ref().is_some_and(|newest| newest.path == meeting.info.path);
                    let ready = if is_newest { newest.take() } else { None };
                    let loaded = ready.unwrap_or_else(|| self.load(&meeting.info));
                    let same = self.compare(*meeting, loaded)?;
                    self.tail =
                        same.filter(|_| is_newest).map(|state| Replay::new(state.state, state.position.sequence));
                }
                Passed::Entries(batch) => self.follow(&batch),
            }
        }
        Ok(self)
    }

    fn load(&self, info: &SnapshotInfo) -> Result<Loaded, LoadError> {
        let opened = self.store.open_snapshot(info).map_err(LoadError::from);
        opened.and_then(|reader| snapshots::load(reader, HashCheck::Compute))
    }

    /// Compares a snapshot with the replayed state; gives it back if it could be loaded.
    fn compare(&mut self, meeting: Meeting, loaded: Result<Loaded, LoadError>) -> Result<Option<Loaded>, RecordError> {
        self.compared += 1;
        let (Meeting { info, position, state, tally }, found) = (meeting, &mut self.found);
        let path = info.path.display();
        let same = info.position.hash == position.hash;
        found.expect(same, Check::SnapshotHistory, || format!("{path}: of another history than the log's"));
        let loaded = match loaded {
            Ok(loaded) => loaded,
            Err(error) => {
                found.add(Check::SnapshotWhole, error.to_string());
                return Ok(None);
            }
        };
        let replayed = state_hash(&state)?;
        if loaded.hash != replayed {
            let (stated, sequence) = (loaded.hash, position.sequence);
            let what = format!("its state at {sequence} has hash {stated:?}, that of the replayed log {replayed:?}");
            found.add(Check::SnapshotState, format!("{path}: {what}"));
            // Which promises it breaks, and which sums it has wrong, helps more than the hash.
            for violation in check_all(&loaded.state) {
                found.add(Check::Holds(violation.invariant), format!("{path}: {violation}"));
            }
            let place = format!("{path}: ");
            tally.stock(&loaded.state, &place, found);
            tally.coupons(&loaded.state, &place, found);
            tally.offsets(&loaded.state, &place, found);
        }
        Ok(Some(loaded))
    }

    /// Takes entries into the newest snapshot's state.
    fn follow(&mut self, batch: &Batch) {
        let Some(tail) = &mut self.tail else { return };
        if let Err(error) = replay(tail, batch) {
            self.found.add(Check::SnapshotTail, format!("behind the newest snapshot {error}"));
            self.tail = None;
        }
    }

    /// Compares the newest snapshot with its tail with the state of the whole log; answers whether there was one.
    pub(super) fn finish(self, hash: StateHash, found: &mut Findings) -> Result<bool, RecordError> {
        let Some(tail) = self.tail else { return Ok(false) };
        let other = state_hash(tail.state())?;
        found.expect(other == hash, Check::SnapshotTail, || {
            format!("the newest snapshot and its tail give a state with hash {other:?}, the whole log {hash:?}")
        });
        Ok(true)
    }
}

fn replay(tail: &mut Replay, batch: &Batch) -> Result<(), ReplayError> {
    for (entries, _) in batch.groups() {
        tail.begin_group();
        entries.iter().try_for_each(|entry| tail.step(entry.step(), &mut ()))?;
    }
    Ok(())
}
