//! Snapshots that a region ships: received into a file, checked, and put beside those taken here. The first one may be
//! what the log begins with.

use qucan_storage::log::Place;
use qucan_storage::snapshot::{SnapshotError, SnapshotInfo, SnapshotReceiver};
use qucan_storage::{Epoch, Position, Sequence};

use super::Replica;
use super::open::begin_log;
use crate::engine::OpenError;

/// A snapshot on its way in; dropped, it is gone.
#[derive(Debug)]
pub struct IncomingSnapshot(pub(super) SnapshotReceiver);

/// A snapshot that is not taken.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SnapshotRefused {
    /// Its file is damaged or can't be written.
    #[error(transparent)]
    File(#[from] SnapshotError),
    /// It is of an epoch that was not granted.
    #[error("a snapshot of {found}, but {granted} is the latest one granted")]
    Epoch {
        /// Its epoch.
        found: Epoch,
        /// The epoch granted last.
        granted: Epoch,
    },
    /// It is of another history than the log, or ahead of it.
    #[error("a snapshot at {at} is not on the log's chain, which ends at {end}")]
    OtherHistory {
        /// Its position.
        at: Sequence,
        /// The log's end.
        end: Sequence,
    },
    /// A seed of another region's history, or of an earlier time than what is here.
    #[error("the snapshot at {at} does not go on from what is here: it is of another history")]
    Foreign {
        /// Its position.
        at: Sequence,
    },
    /// Nothing is taken any more.
    #[error("{0}")]
    Failed(String),
    /// The log can't begin after it.
    #[error("the log can't begin after it: {0}")]
    Begin(Box<OpenError>),
}

impl IncomingSnapshot {
    /// The next piece of the file.
    pub fn write(&mut self, offset: u64, bytes: &[u8]) -> Result<(), SnapshotError> {
        self.0.write(offset, bytes)
    }

    /// Bytes so far: where the next piece begins.
    pub fn received(&self) -> u64 {
        self.0.received()
    }
}

impl Replica {
    /// Whether a snapshot would be of use: newer than those that are here, and applied already. `seeding` says that the
    /// region's log begins later than at its first entry, so that an empty copy has to begin with a snapshot.
    pub fn wants_snapshot(&self, at: Position, seeding: bool) -> bool {
        let (end, applied) = (self.received(), self.core.shared.views.durable_through());
        let newest = self.snapshot_file().ok().flatten().map_or(Sequence::NONE, |info| info.position.sequence);
        let of_use = if end == Position::ORIGIN { seeding } else { at.sequence.0 <= applied };
        of_use && at.sequence > newest && self.failure().is_none()
    }

    /// Begins to receive a snapshot of that position, epoch and length.
    pub fn receive_snapshot(
        &self,
        position: Position,
        epoch: Epoch,
        bytes: u64,
    ) -> Result<IncomingSnapshot, SnapshotRefused> {
        self.may_take(position, epoch)?;
        let path = std::path::PathBuf::new();
        Ok(IncomingSnapshot(self.core.snapshots.receive(SnapshotInfo { position, epoch, bytes, path })?))
    }

    /// Takes a snapshot whose file is whole: checked, synced and in its place when this returns. An empty log begins after it.
    /// Answers the log's end.
    pub fn take_snapshot(&self, incoming: IncomingSnapshot) -> Result<Position, SnapshotRefused> {
        let mut receiving = self.receiving.lock();
        let SnapshotInfo { position, epoch, .. } = *incoming.0.expected();
        self.may_take(position, epoch)?;
        incoming.0.finish()?;
        if receiving.log.is_none() && !receiving.stopped {
            let begun = begin_log(&self.options, &mut receiving.dir, position);
            receiving.log = Some(begun.map_err(|error| SnapshotRefused::Begin(Box::new(error)))?);
            let mut span = self.core.span.write();
            (span.begin, span.end) = (position, position);
            drop(span);
            self.core.shared.retained.begins(position.sequence.next());
            self.core.arrived(position);
        }
        Ok(self.core.end())
    }

    fn may_take(&self, position: Position, epoch: Epoch) -> Result<(), SnapshotRefused> {
        if let Some(why) = self.failure() {
            return Err(SnapshotRefused::Failed(why.to_string()));
        }
        let granted = self.epoch();
        if epoch > granted {
            return Err(SnapshotRefused::Epoch { found: epoch, granted });
        }
        let end = self.received();
        let other = SnapshotRefused::OtherHistory { at: position.sequence, end: end.sequence };
        let fits = if end == Position::ORIGIN {
            position != Position::ORIGIN
        } else {
            let place = self.core.place_of(position).map_err(|error| SnapshotRefused::Failed(error.to_string()))?;
            place == Place::OnChain
        };
        if fits { Ok(()) } else { Err(other) }
    }

    /// The snapshot to begin anew with where the log is not whole: the oldest from which it goes on, so that as little as can
    /// be is lost. The newest where the log is whole.
    pub fn seed_file(&self) -> Result<Option<SnapshotInfo>, SnapshotError> {
        let span = *self.core.span.read();
        if span.begin == Position::ORIGIN {
            return self.snapshot_file();
        }
        let (good, _) = self.core.snapshots.list()?;
        let mut reached = good.into_iter().filter(|info| info.position.sequence >= span.begin.sequence);
        Ok(reached.find(|info| {
            let is_here = matches!(self.core.place_of(info.position), Ok(Place::OnChain));
            is_here && self.core.snapshots.open_snapshot(info).is_ok()
        }))
    }

    /// The newest snapshot that is here, whoever took it.
    pub fn snapshot_file(&self) -> Result<Option<SnapshotInfo>, SnapshotError> {
        let (good, _) = self.core.snapshots.list()?;
        let end = self.received().sequence;
        Ok(good.into_iter().rfind(|info| info.position.sequence <= end))
    }

    /// Appends up to `max` bytes of a snapshot's file from `offset` on to `out`; nothing at its end.
    pub fn read_snapshot(
        &self,
        info: &SnapshotInfo,
        offset: u64,
        max: usize,
        out: &mut Vec<u8>,
    ) -> Result<(), SnapshotError> {
        self.core.snapshots.read_at(info, offset, max, out)
    }
}
