//! An engine without threads, for simulations: the caller decides when a group is decided. Everything else is the node's
//! own: recovery, queues, decisions, records, log, read models, snapshots, projection. Never here: a wait.

use std::sync::Arc;

use tokio::sync::oneshot;
use tokio::sync::oneshot::error::TryRecvError;

use qucan_storage::log::Space;
use qucan_storage::{DataDir, Position};

use super::answer::{Answer, Refusal, Request, Unavailable};
use super::handle::{Handle, Outcome, Replied, outcome};
use super::job::ClosedRecord;
use super::options::EngineOptions;
use super::writer::Writer;
use super::{OpenError, Prepared, StopError, history, projection, snapshotter};
use crate::domain::id::{MemberId, OrderId, StoreId};
use crate::domain::order::Order;
use crate::domain::state::State;
use crate::limits::RECORD_ATTEMPTS_MAX;

/// A running engine that moves when told. Dropped, it ends as if the process had been killed.
pub struct Stepped {
    writer: Writer,
    handle: Handle,
    projection: Option<projection::Stepped>,
    snapshots: qucan_storage::snapshot::SnapshotStore,
    dir: DataDir,
    failed: bool,
}

/// A request that was taken in.
#[derive(Debug)]
pub struct Asked {
    reply: oneshot::Receiver<Replied>,
    attempts: usize,
}

impl Stepped {
    /// As [`super::Engine::open`]. The options must say [`qucan_storage::log::Preparation::Inline`].
    pub fn open(options: &EngineOptions) -> Result<Self, OpenError> {
        let Prepared { writer, handle, projection, snapshots, dir, .. } = Prepared::new(options)?;
        let projection = projection.map(projection::Stepped::new);
        Ok(Self { writer, handle, projection, snapshots, dir, failed: false })
    }

    /// Takes a request in, or says at once why not.
    pub fn submit(&self, request: Request) -> Result<Asked, Refusal> {
        Ok(Asked { reply: self.handle.enqueue(request, None)?, attempts: 1 })
    }

    /// The answer, if there is one. A request that needs a closed order's record is asked again with it, as a
    /// [`Handle`] does.
    pub fn answer(&self, asked: &mut Asked) -> Option<Result<Answer, Refusal>> {
        let replied = match asked.reply.try_recv() {
            Ok(replied) => Ok(replied),
            Err(TryRecvError::Empty) => return None,
            Err(TryRecvError::Closed) => return Some(Err(Unavailable::StorageFailed.into())),
        };
        let (order, request) = match outcome(replied) {
            Outcome::Final(answer) => return Some(answer),
            Outcome::RecordNeeded(order, request) => (order, request),
        };
        if asked.attempts >= RECORD_ATTEMPTS_MAX {
            return Some(Err(Unavailable::Overloaded.into()));
        }
        match self.handle.record(order).and_then(|record: ClosedRecord| self.handle.enqueue(request, Some(record))) {
            Ok(reply) => {
                *asked = Asked { reply, attempts: asked.attempts + 1 };
                None
            }
            Err(refusal) => Some(Err(refusal)),
        }
    }

    /// Decides one group: deadlines that are due, and what waits. After an error nothing is taken in any more, as after the
    /// writer's end.
    pub fn step(&mut self) -> Result<(), String> {
        if self.failed {
            return Err("the engine has failed".to_owned());
        }
        if self.writer.log.space() != Space::Ample {
            // What the log's own thread does now and then.
            self.writer.log.retry_preparation();
        }
        self.writer.take();
        self.writer.commit().map_err(|broken| {
            self.failed = true;
            self.writer.shared.fail(&broken.to_string());
            broken.to_string()
        })
    }

    /// Moves the projection on; whether it has nothing to do at once.
    pub fn project(&mut self) -> bool {
        self.projection.as_mut().is_none_or(|projection| projection.turn() != projection::Rest::Not)
    }

    /// As [`Handle::order`], without waiting.
    pub fn order(&self, order: OrderId) -> Result<Option<Arc<Order>>, Unavailable> {
        self.handle.look_up(|views, projection| history::order(views, projection, order))
    }

    /// As [`Handle::orders_of_member`], without waiting.
    pub fn orders_of_member(
        &self,
        member: &MemberId,
        before: Option<OrderId>,
        limit: usize,
    ) -> Result<Vec<Arc<Order>>, Unavailable> {
        self.handle.look_up(|views, projection| history::of_member(views, projection, member, before, limit))
    }

    /// As [`Handle::orders_of_store`], without waiting.
    pub fn orders_of_store(
        &self,
        store: &StoreId,
        filter: &history::StoreOrdersFilter,
        after: Option<OrderId>,
        limit: usize,
    ) -> Result<Vec<Arc<Order>>, Unavailable> {
        self.handle.look_up(|views, projection| history::of_store(views, projection, store, filter, after, limit))
    }

    /// The read models, and everything else that can be asked.
    pub fn handle(&self) -> &Handle {
        &self.handle
    }

    /// The hot state.
    pub fn state(&self) -> &State {
        &self.writer.state
    }

    /// The synced end of the log.
    pub fn last(&self) -> Position {
        self.writer.log.last()
    }

    /// The data directory.
    pub fn dir(&self) -> &DataDir {
        &self.dir
    }

    /// Answers those already taken, writes a snapshot and the clean-stop mark.
    pub fn stop(mut self) -> Result<(), StopError> {
        self.writer.shared.stop();
        while self.writer.take() {
            self.writer.commit().map_err(|broken| StopError::Failed(broken.to_string()))?;
        }
        let Writer { log, state, shared, .. } = self.writer;
        let at = log.last();
        if let Some(projection) = self.projection {
            projection.finish();
        }
        if at.sequence.0 > shared.snapshot_at.load(std::sync::atomic::Ordering::Relaxed) {
            snapshotter::take(&shared, &self.snapshots, &state, at, self.dir.epoch())?;
        }
        Ok(log.close()?)
    }
}
