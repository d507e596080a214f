//! Snapshots on a thread of their own: the writer hands over a clone of the state, which is a copy of pointers, and goes
//! on. A snapshot that fails costs a longer start, nothing else.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;
use std::time::Instant;

use crossbeam_channel::{Receiver, Sender, bounded};
use qucan_storage::snapshot::SnapshotStore;
use qucan_storage::{Epoch, Position, Sequence};

use super::shared::Shared;
use super::snapshots::{self, WriteError};
use crate::domain::state::State;

/// The side of whoever has the state.
#[derive(Debug)]
pub(super) struct SnapshotRequests {
    sender: Sender<(State, Position, Epoch)>,
    every_entries: u64,
    taken_at: u64,
}

impl SnapshotRequests {
    /// Hands the state over where it is time for a snapshot and the last one is done.
    pub(super) fn offer(&mut self, state: &State, at: Position, epoch: Epoch) {
        if at.sequence.0.saturating_sub(self.taken_at) < self.every_entries {
            return;
        }
        // Without a buffer: taken only by a thread that waits for it.
        if self.sender.try_send((state.clone(), at, epoch)).is_ok() {
            self.taken_at = at.sequence.0;
        }
    }
}

/// Starts the thread. It ends when the other side is dropped.
pub(super) fn start(
    shared: Arc<Shared>,
    store: SnapshotStore,
    every_entries: u64,
) -> std::io::Result<(SnapshotRequests, JoinHandle<()>)> {
    let (sender, receiver): (_, Receiver<(State, Position, Epoch)>) = bounded(0);
    let taken_at = shared.snapshot_at.load(Ordering::Relaxed);
    let thread = std::thread::Builder::new().name("snapshot".to_owned()).spawn(move || {
        for (state, position, epoch) in receiver {
            if let Err(error) = take(&shared, &store, &state, position, epoch) {
                tracing::warn!(%error, "a snapshot could not be written; the next one is tried in time");
            }
        }
    })?;
    Ok((SnapshotRequests { sender, every_entries, taken_at }, thread))
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
