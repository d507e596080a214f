//! A region followed from elsewhere: groups that arrive are appended verbatim and synced, then replayed into state and
//! views as if they had been decided here. For the centre, and for a standby. Never here: a decision, a deadline.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use qucan_storage::fs::FileSystem;
use qucan_storage::log::{AppendError, Group, LogOptions, LogReader, ReadError};
use qucan_storage::{DirectoryError, Epoch, Position, Sequence};

use super::answer::Unavailable;
use super::clock::Clock;
use super::options::EngineLimits;
use super::views::Views;
use super::{EngineStatus, OpenError};
use crate::domain::effect::Effect;
use crate::domain::id::{OrderId, RegionId, StoreId};
use crate::domain::order::{Order, Status};
use crate::domain::time::{BusinessDay, Timestamp};

/// What a replica is opened with.
#[derive(Clone)]
pub struct ReplicaOptions {
    /// The data directory of this region's copy; made on the first start.
    pub data_dir: PathBuf,
    /// The region.
    pub region: RegionId,
    /// Business days for which closed orders are answered.
    pub closed_orders_days: u16,
    /// Whether closed orders are kept on disk here for questions.
    pub projection: bool,
    /// Entries applied between two snapshots.
    pub snapshot_every_entries: u64,
    /// Sizes of log segments.
    pub log: LogOptions,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// Where log and snapshots lie.
    pub fs: Arc<dyn FileSystem>,
    /// Bounds.
    pub limits: EngineLimits,
}

/// The receiving side of a region's copy. Shared by the connection that receives and by those who ask.
pub struct Replica {}

impl Replica {
    /// Opens the copy. `stored` is how far the caller's own store has applied it (`None`: not at all): the state is replayed
    /// up to there, and everything after it comes out of the [`Applier`].
    pub fn open(options: ReplicaOptions, stored: Option<Position>) -> Result<(Arc<Self>, Applier), OpenError> {
        let _ = (options, stored);
        unimplemented!()
    }

    /// The synced end of what has arrived.
    pub fn received(&self) -> Position {
        unimplemented!()
    }

    /// First sequence in the log.
    pub fn first(&self) -> Sequence {
        unimplemented!()
    }

    /// The epoch granted last.
    pub fn epoch(&self) -> Epoch {
        unimplemented!()
    }

    /// Grants a later epoch: durable when it returns.
    pub fn grant(&self, epoch: Epoch) -> Result<(), DirectoryError> {
        let _ = epoch;
        unimplemented!()
    }

    /// Appends groups that continue the log, verbatim; synced when it returns.
    pub fn append(&self, groups: &[Group<'_>]) -> Result<Position, AppendError> {
        let _ = groups;
        unimplemented!()
    }

    /// The position at `sequence`, if a group ends there.
    pub fn position_at(&self, sequence: Sequence) -> Result<Option<Position>, ReadError> {
        let _ = sequence;
        unimplemented!()
    }

    /// Reads what has arrived after `after`; groups up to [`Replica::received`] may be read.
    pub fn reader(&self, after: Sequence) -> Result<LogReader, ReadError> {
        let _ = after;
        unimplemented!()
    }

    /// A way to ask; clones share it.
    pub fn reads(&self) -> ReplicaReads {
        unimplemented!()
    }

    /// Why nothing can be appended any more, if so.
    pub fn failure(&self) -> Option<Arc<str>> {
        unimplemented!()
    }

    /// Ends the threads and leaves the mark of a clean stop. The applier must have ended before.
    pub fn stop(&self) -> Result<(), AppendError> {
        unimplemented!()
    }
}

/// Questions about a replica. Clones share it.
#[derive(Clone)]
pub struct ReplicaReads {}

impl ReplicaReads {
    /// The read models as of what was published.
    pub fn views(&self) -> &Arc<Views> {
        unimplemented!()
    }

    /// How it is, in figures.
    pub fn status(&self) -> EngineStatus {
        unimplemented!()
    }

    /// Any order, open or closed. May wait for files: not for an async thread.
    pub fn order(&self, order: OrderId) -> Result<Option<Arc<Order>>, Unavailable> {
        let _ = order;
        unimplemented!()
    }

    /// Orders below `below` (by id: business day, then number), newest first, that the filter likes. Looks at a bounded
    /// number of orders: `next` says where to go on, also where nothing was found. May wait for files.
    pub fn orders(
        &self,
        filter: &OrdersFilter,
        below: Option<OrderId>,
        limit: usize,
    ) -> Result<OrdersPage, Unavailable> {
        let _ = (filter, below, limit);
        unimplemented!()
    }
}

/// Which of a region's orders.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct OrdersFilter {
    /// Of this store.
    pub store: Option<StoreId>,
    /// In this status.
    pub status: Option<Status>,
    /// Placed at or after this.
    pub from: Option<Timestamp>,
    /// Placed before this.
    pub to: Option<Timestamp>,
}

/// A piece of a region's orders.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct OrdersPage {
    /// Newest first.
    pub orders: Vec<Arc<Order>>,
    /// Go on below this; `None` at the end.
    pub next: Option<OrderId>,
}

/// The applying side: reads what has arrived, replays it, and publishes it once the caller has stored what it wants.
pub struct Applier {}

/// What there is to apply.
pub enum Next<'a> {
    /// Some groups.
    Batch(&'a AppliedBatch),
    /// Nothing arrived within the time.
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
    /// Its entries, in order.
    pub steps: Vec<AppliedStep>,
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

/// A group that can't be applied: the copy is damaged or was made by a later version.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// The log can't be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// An entry can't be replayed.
    #[error(transparent)]
    Replay(#[from] super::replay::ReplayError),
}

impl Applier {
    /// Replays what comes next, up to roughly `entries_max` entries; waits at most so long for something to arrive. The batch
    /// stays the same until [`Applier::publish`].
    pub fn next(&mut self, entries_max: usize, at_most: Duration) -> Result<Next<'_>, ApplyError> {
        let _ = (entries_max, at_most);
        unimplemented!()
    }

    /// Makes the batch visible in the views; takes a snapshot when it is time.
    pub fn publish(&mut self) {
        unimplemented!()
    }

    /// The state hash at what was published, for comparisons.
    pub fn state_hash(&self) -> super::records::StateHash {
        unimplemented!()
    }

    /// The oldest business day worth keeping, as the newest order says.
    pub fn newest_day(&self) -> BusinessDay {
        unimplemented!()
    }
}
