//! A copy that the region's log has outrun: what it lacks was trimmed away. It goes on with a snapshot of the region, and
//! writes down what it missed. The old copy is closed with a snapshot of its own first, so that what it knew can be compared
//! with what came; the new one begins when the directory is opened again. Killed at any time it is either the one or the other.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use qucan_storage::log::{erase, segment_sizes};
use qucan_storage::snapshot::{SnapshotInfo, SnapshotStore};
use qucan_storage::{DataDir, Epoch, Position};

use super::core::Core;
use super::gaps::Gap;
use super::open::begin_log;
use super::snapshots::{IncomingSnapshot, SnapshotRefused};
use super::{Replica, ReplicaOptions};
use crate::domain::order::Order;
use crate::domain::state::{Head, State};
use crate::engine::OpenError;
use crate::engine::projection::Missed;
use crate::engine::snapshots::{self, HashCheck, LoadError};

impl Replica {
    /// Stretches of the region's log that this copy never had, the newest ones, oldest first.
    pub fn gaps(&self) -> Vec<Gap> {
        self.core.gaps.read().all().to_vec()
    }

    /// Whether everything that has arrived is applied and kept, so that a seed may take the log's place; if not, in words what
    /// is waited for. Asking makes the copy get ready.
    pub fn is_ready_for_seed(&self) -> Result<(), String> {
        let (core, end) = (&self.core, self.received());
        let applied = core.shared.views.durable_through();
        if applied < end.sequence.0 {
            return Err(format!("what has arrived is applied up to {applied} of {}", end.sequence));
        }
        if self.options.projection && self.projection.applied() < end.sequence.0 {
            return Err("closed orders are still being written down".to_owned());
        }
        if snapshot_at(&core.snapshots, end).is_none() {
            core.close_wanted.store(true, Ordering::SeqCst);
            return Err("a last snapshot of the copy is written".to_owned());
        }
        Ok(())
    }

    /// Begins to receive the snapshot with which the copy is to go on; it lies behind the copy's end.
    pub fn receive_seed(
        &self,
        position: Position,
        epoch: Epoch,
        bytes: u64,
    ) -> Result<IncomingSnapshot, SnapshotRefused> {
        self.may_begin_with(position, epoch)?;
        let path = std::path::PathBuf::new();
        Ok(IncomingSnapshot(self.core.snapshots.receive(SnapshotInfo { position, epoch, bytes, path })?))
    }

    /// Takes the seed: checked, durable, and the gap written down, when it returns. From here on this copy takes nothing any
    /// more: it has to be stopped and opened again, and begins with the seed then.
    pub fn take_seed(&self, incoming: IncomingSnapshot) -> Result<Gap, SnapshotRefused> {
        let mut receiving = self.receiving.lock();
        let SnapshotInfo { position: to, epoch, .. } = *incoming.0.expected();
        self.may_begin_with(to, epoch)?;
        let from = self.received();
        let failed = |error: LoadError| SnapshotRefused::Failed(error.to_string());
        let last = snapshot_at(&self.core.snapshots, from)
            .ok_or_else(|| SnapshotRefused::Failed("the copy's last snapshot is gone".to_owned()))?;
        let before = check(&self.core.snapshots, &last).map_err(failed)?;
        let seed = incoming.0.finish()?;
        let after = check(&self.core.snapshots, &seed).map_err(failed).and_then(|after| {
            // The chain can't be compared across a gap. The secret was drawn with the region's first entry.
            let known = |head: &Head| head.region.as_ref().map(|start| (start.region.clone(), start.secret.0));
            let same = known(&before) == known(&after) && before.clock <= after.clock;
            if same { Ok(after) } else { Err(SnapshotRefused::Foreign { at: to.sequence }) }
        });
        let after = match after {
            Ok(after) => after,
            Err(error) => {
                self.core.snapshots.remove(to.sequence)?;
                return Err(error);
            }
        };
        let at = self.options.clock.now();
        let gap = Gap { from, from_time: before.clock, to, to_time: after.clock, at };
        let mut gaps = self.core.gaps.write();
        match gaps.write(&receiving.dir, gap) {
            Ok(written) => *gaps = written,
            Err(error) => {
                // It may be there or not: the next start finds out.
                let why = format!("what the copy missed could not be written down: {error}");
                self.core.shared.fail(&why);
                return Err(SnapshotRefused::Failed(why));
            }
        }
        receiving.stopped = true;
        drop(receiving.log.take());
        Ok(gap)
    }

    /// Whether this copy takes nothing any more, because it was stopped or begins anew.
    pub fn is_stopped(&self) -> bool {
        self.receiving.lock().stopped
    }

    fn may_begin_with(&self, position: Position, epoch: Epoch) -> Result<(), SnapshotRefused> {
        if let Some(why) = self.failure() {
            return Err(SnapshotRefused::Failed(why.to_string()));
        }
        let (granted, end) = (self.epoch(), self.received());
        if epoch > granted {
            return Err(SnapshotRefused::Epoch { found: epoch, granted });
        }
        if position.sequence <= end.sequence {
            return Err(SnapshotRefused::OtherHistory { at: position.sequence, end: end.sequence });
        }
        Ok(())
    }
}

impl Core {
    /// Whether a last snapshot was asked for and not written yet.
    pub(super) fn takes_close_wanted(&self) -> bool {
        self.close_wanted.swap(false, Ordering::SeqCst)
    }
}

/// The snapshot at exactly a position.
pub(super) fn snapshot_at(store: &SnapshotStore, at: Position) -> Option<SnapshotInfo> {
    let (good, _) = store.list().ok()?;
    good.into_iter().find(|info| info.position == at)
}

fn check(store: &SnapshotStore, info: &SnapshotInfo) -> Result<Head, LoadError> {
    snapshots::check(store.open_as_read(info)?)
}

/// Ends what a seed has begun: where the log does not begin behind the gap yet, the old one goes and the new one begins.
pub(super) fn end_seed(options: &ReplicaOptions, dir: &mut DataDir, gap: &Gap) -> Result<(), OpenError> {
    let io = |error| OpenError::Segments { dir: dir.log(), error };
    let segments = segment_sizes(&*options.fs, &dir.log()).map_err(io)?;
    if segments.first().is_some_and(|(first, _)| first.previous() >= gap.to.sequence) {
        return Ok(());
    }
    erase(&*options.fs, &dir.log()).map_err(io)?;
    begin_log(options, dir, gap.to)?;
    tracing::info!(region = %options.region, from = gap.from.sequence.0, to = gap.to.sequence.0, "the copy begins anew behind a gap");
    Ok(())
}

/// Removes seeds that never became one: they stand where the log does not reach.
pub(super) fn remove_strays(store: &SnapshotStore, end: Position) -> Result<(), OpenError> {
    let (good, _) = store.list()?;
    for stray in good.iter().filter(|info| info.position.sequence > end.sequence) {
        store.remove(stray.position.sequence)?;
    }
    Ok(())
}

/// The state at exactly a position, as its snapshot says.
pub(super) fn state_at(store: &SnapshotStore, at: Position) -> Option<State> {
    let info = snapshot_at(store, at)?;
    let loaded = store.open_snapshot(&info).map_err(LoadError::from);
    match loaded.and_then(|reader| snapshots::load(reader, HashCheck::Trust)) {
        Ok(loaded) => Some(loaded.state),
        Err(error) => {
            tracing::warn!(%error, "what was known before a gap can't be read");
            None
        }
    }
}

/// What the projection has to know about a gap: orders that were open before it and no longer behind it closed unseen.
pub(super) fn missed(store: &SnapshotStore, gap: &Gap) -> Missed {
    let (before, after) = (state_at(store, gap.from), state_at(store, gap.to));
    let unseen = match (&before, &after) {
        (Some(before), Some(after)) => unseen(before, after).map(|order| Order::clone(order)).collect(),
        _ => Vec::new(),
    };
    let epoch = after.as_ref().and_then(|after| after.region()).map_or(0, |region| u32::from(region.epoch));
    Missed { from: gap.from.sequence, to: gap.to, epoch: Epoch(epoch), orders: unseen }
}

/// Orders that were open in one state and are not in a later one.
pub fn unseen<'s>(before: &'s State, after: &'s State) -> impl Iterator<Item = &'s Arc<Order>> {
    before.orders().into_iter().filter(|order| after.order(order.id).is_none())
}
