//! Snapshots on a thread of their own: the writer hands over a clone of the state, which is a copy of pointers, and goes
//! on. A snapshot that fails costs a longer start, nothing else. In simulations, where there is no thread
//! ([`Preparation::Inline`]), whoever has the state writes them.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;
use std::time::Instant;

use crossbeam_channel::{Receiver, Sender, bounded};
use qucan_storage::log::Preparation;
use qucan_storage::snapshot::SnapshotStore;
use qucan_storage::{Epoch, Position, Sequence};

use super::shared::Shared;
use super::snapshots::{self, WriteError};
use crate::domain::state::State;

/// The side of whoever has the state.
pub(super) struct SnapshotRequests {
    way: Way,
    every_entries: u64,
    taken_at: u64,
}

/// Who writes.
enum Way {
    Thread(Sender<(State, Position, Epoch)>),
    Inline(Arc<Shared>, SnapshotStore),
}

impl SnapshotRequests {
    /// Hands the state over where it is time for a snapshot and the last one is done.
    pub(super) fn offer(&mut self, state: &State, at: Position, epoch: Epoch) {
        if at.sequence.0.saturating_sub(self.taken_at) < self.every_entries {
            return;
        }
        let taken = match &self.way {
            // Without a buffer: taken only by a thread that waits for it.
            Way::Thread(sender) => sender.try_send((state.clone(), at, epoch)).is_ok(),
            Way::Inline(shared, store) => take_or_say(shared, store, state, at, epoch),
        };
        if taken {
            self.taken_at = at.sequence.0;
        }
    }
}

/// Starts the thread, if there is to be one. It ends when the other side is dropped.
pub(super) fn start(
    shared: Arc<Shared>,
    store: SnapshotStore,
    every_entries: u64,
    preparation: Preparation,
) -> std::io::Result<(SnapshotRequests, Option<JoinHandle<()>>)> {
    let taken_at = shared.snapshot_at.load(Ordering::Relaxed);
    if preparation == Preparation::Inline {
        return Ok((SnapshotRequests { way: Way::Inline(shared, store), every_entries, taken_at }, None));
    }
    let (sender, receiver): (_, Receiver<(State, Position, Epoch)>) = bounded(0);
    let thread = std::thread::Builder::new().name("snapshot".to_owned()).spawn(move || {
        for (state, position, epoch) in receiver {
            take_or_say(&shared, &store, &state, position, epoch);
        }
    })?;
    Ok((SnapshotRequests { way: Way::Thread(sender), every_entries, taken_at }, Some(thread)))
}

fn take_or_say(shared: &Shared, store: &SnapshotStore, state: &State, position: Position, epoch: Epoch) -> bool {
    let taken = take(shared, store, state, position, epoch);
    if let Err(error) = &taken {
        tracing::warn!(%error, "a snapshot could not be written; the next one is tried in time");
    }
    taken.is_ok()
}

/// Writes a snapshot and lets go of those that are no longer needed.
pub(super) fn take(
    shared: &Shared,
    store: &SnapshotStore,
    state: &State,
    position: Position,
    epoch: Epoch,
) -> Result<(), WriteError> {
    let begun = Instant::now();
    snapshots::write(store, state, position, epoch)?;
    shared.snapshot_at.store(position.sequence.0, Ordering::Relaxed);
    shared.metrics.snapshot_seconds.observe(begun.elapsed().as_secs_f64());
    store.prune(Sequence(shared.base.load(Ordering::Relaxed)))?;
    tracing::debug!(sequence = position.sequence.0, seconds = begun.elapsed().as_secs_f64(), "snapshot written");
    Ok(())
}
