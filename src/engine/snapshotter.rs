//! Snapshots on a thread of their own: the writer hands over a clone of the state, which is a copy of pointers, and goes
//! on. A snapshot that fails costs a longer start, nothing else. In simulations, where there is no thread
//! ([`Preparation::Inline`]), whoever has the state writes them. The same thread looks what of log and snapshots can go.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;
use std::time::Instant;

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};
use qucan_storage::log::Preparation;
use qucan_storage::snapshot::SnapshotStore;
use qucan_storage::{Epoch, Position, Sequence};

use super::keeper::Keeper;
use super::shared::Shared;
use super::snapshots::{self, WriteError};
use crate::domain::state::State;
use crate::domain::time::{Timestamp, utc_day};
use crate::limits::RETENTION_LOOK;

/// The snapshot that was taken last.
#[derive(Debug, Clone, Copy)]
pub(super) struct Taken {
    /// Its last entry.
    pub(super) at: Sequence,
    /// The time of that entry.
    pub(super) time: Timestamp,
}

/// The side of whoever has the state.
pub(super) struct SnapshotRequests {
    way: Way,
    shared: Arc<Shared>,
    every_entries: u64,
    every_bytes: u64,
    last: Taken,
    /// Bytes written to the log before it.
    written: u64,
}

/// Who writes.
enum Way {
    Thread(Sender<(State, Position, Epoch)>),
    Inline(Box<Keeper>),
}

impl SnapshotRequests {
    /// Hands the state over where it is time for a snapshot and the last one is done.
    pub(super) fn offer(&mut self, state: &State, at: Position, epoch: Epoch) {
        let written = self.shared.log_written.load(Ordering::Relaxed);
        let is_time = at.sequence.0.saturating_sub(self.last.at.0) >= self.every_entries
            || written.saturating_sub(self.written) >= self.every_bytes
            // The first one of a day is what the log begins with when the days before are past.
            || utc_day(state.clock()) > utc_day(self.last.time);
        if !is_time {
            return;
        }
        let taken = match &mut self.way {
            // Without a buffer: taken only by a thread that waits for it.
            Way::Thread(sender) => sender.try_send((state.clone(), at, epoch)).is_ok(),
            Way::Inline(keeper) => take_or_say(keeper, state, at, epoch),
        };
        if taken {
            self.last = Taken { at: at.sequence, time: state.clock() };
            self.written = written;
        }
    }
}

/// Starts the thread, if there is to be one. It ends when the other side is dropped.
pub(super) fn start(
    mut keeper: Keeper,
    last: Taken,
    every_entries: u64,
    preparation: Preparation,
) -> std::io::Result<(SnapshotRequests, Option<JoinHandle<()>>)> {
    let shared = Arc::clone(keeper.shared());
    let every_bytes = keeper.retention().snapshot_every_bytes();
    let requests = |way| SnapshotRequests { way, shared, every_entries, every_bytes, last, written: 0 };
    if preparation == Preparation::Inline {
        return Ok((requests(Way::Inline(Box::new(keeper))), None));
    }
    let (sender, receiver): (_, Receiver<(State, Position, Epoch)>) = bounded(0);
    let thread = std::thread::Builder::new().name("snapshot".to_owned()).spawn(move || {
        keeper.look();
        loop {
            match receiver.recv_timeout(RETENTION_LOOK) {
                Ok((state, position, epoch)) => drop(take_or_say(&mut keeper, &state, position, epoch)),
                Err(RecvTimeoutError::Timeout) => keeper.look(),
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    })?;
    Ok((requests(Way::Thread(sender)), Some(thread)))
}

fn take_or_say(keeper: &mut Keeper, state: &State, position: Position, epoch: Epoch) -> bool {
    let taken = take(keeper.shared(), keeper.snapshots(), state, position, epoch);
    if let Err(error) = &taken {
        tracing::warn!(%error, "a snapshot could not be written; the next one is tried in time");
    }
    keeper.look();
    taken.is_ok()
}

/// Writes a snapshot.
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
    tracing::debug!(sequence = position.sequence.0, seconds = begun.elapsed().as_secs_f64(), "snapshot written");
    Ok(())
}
