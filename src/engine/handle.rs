//! The door to the writer: bounded queues in, durable answers out. Never waits in a full queue, never gives up on a
//! request that was taken in.

use std::sync::Arc;
use std::time::Instant;

use crossbeam_channel::{Sender, TrySendError};
use qucan_storage::log::ReadError;
use qucan_storage::{DirectoryError, FenceMark};
use tokio::sync::{Semaphore, broadcast, oneshot, watch};

use super::answer::{Answer, Refusal, Request, Unavailable};
use super::commit::Committed;
use super::history::{self, QueueCursor, QueueError, QueuePage, StoreOrdersFilter};
use super::job::{ClosedRecord, Job, is_critical};
use super::metrics::EngineMetrics;
use super::projection::Projection;
use super::shared::Shared;
use super::status::{Check, EngineStatus};
use super::views::Views;
use crate::domain::id::{MemberId, OrderId, StoreId};
use crate::domain::order::Order;
use crate::domain::rejection::Rejection;
use crate::domain::time::Timestamp;
use crate::limits::{PROJECTION_READS_MAX, RECORD_ATTEMPTS_MAX};

/// A way to the engine; clones share it. Outlives the engine, then answering `ShuttingDown`.
#[derive(Clone)]
pub struct Handle {
    shared: Arc<Shared>,
    projection: Arc<Projection>,
    critical: Sender<Job>,
    normal: Sender<Job>,
    reads: Arc<Semaphore>,
    fence_mark: FenceMark,
}

impl Handle {
    pub(super) fn new(
        shared: Arc<Shared>,
        projection: Arc<Projection>,
        critical: Sender<Job>,
        normal: Sender<Job>,
        fence_mark: FenceMark,
    ) -> Self {
        let reads = Arc::new(Semaphore::new(PROJECTION_READS_MAX));
        Self { shared, projection, critical, normal, reads, fence_mark }
    }

    /// Asks the writer; answers once everything it depends on is on disk.
    pub async fn submit(&self, mut request: Request) -> Result<Answer, Refusal> {
        let mut closed = None;
        for _ in 0..RECORD_ATTEMPTS_MAX {
            let (order, back) = match outcome(self.enqueue(request, closed)?.await) {
                Outcome::Final(answer) => return answer,
                Outcome::RecordNeeded(order, request) => (order, request),
            };
            let read_at = self.shared.views.durable_through();
            closed = Some(found(order, self.order(order).await?, read_at)?);
            request = back;
        }
        Err(Unavailable::Overloaded.into())
    }

    /// The same for threads outside the async runtime.
    pub fn submit_blocking(&self, mut request: Request) -> Result<Answer, Refusal> {
        let mut closed = None;
        for _ in 0..RECORD_ATTEMPTS_MAX {
            let (order, back) = match outcome(self.enqueue(request, closed)?.blocking_recv()) {
                Outcome::Final(answer) => return answer,
                Outcome::RecordNeeded(order, request) => (order, request),
            };
            closed = Some(self.record(order)?);
            request = back;
        }
        Err(Unavailable::Overloaded.into())
    }

    /// A closed order as a value. May wait for files.
    pub(super) fn record(&self, order: OrderId) -> Result<ClosedRecord, Refusal> {
        let read_at = self.shared.views.durable_through();
        let record = history::order(&self.shared.views, &self.projection, order)?;
        found(order, record, read_at)
    }

    /// Puts a request into its queue, or says at once why not.
    pub(super) fn enqueue(
        &self,
        request: Request,
        closed: Option<ClosedRecord>,
    ) -> Result<oneshot::Receiver<Replied>, Refusal> {
        let critical = is_critical(&request.command);
        if let Some(unavailable) = self.shared.closed_for(!critical) {
            return Err(unavailable.into());
        }
        let (reply, answer) = oneshot::channel();
        let job = Job { request, closed, reply, queued_at: Instant::now() };
        let queue = if critical { &self.critical } else { &self.normal };
        match queue.try_send(job) {
            Ok(()) => Ok(answer),
            Err(TrySendError::Full(_)) => {
                self.shared.metrics.overloaded.inc();
                Err(Unavailable::Overloaded.into())
            }
            Err(TrySendError::Disconnected(_)) => {
                Err(self.shared.closed_for(false).unwrap_or(Unavailable::ShuttingDown).into())
            }
        }
    }

    /// The read models.
    pub fn views(&self) -> &Arc<Views> {
        &self.shared.views
    }

    /// Every group committed from now on, in order. Bounded: one that falls behind is told so by `Lagged`.
    pub fn subscribe(&self) -> broadcast::Receiver<Arc<Committed>> {
        self.shared.committed.subscribe()
    }

    /// The last durable log entry, raised after each sync. Costs the writer nothing while nobody watches.
    pub fn watch_head(&self) -> watch::Receiver<u64> {
        self.shared.watch_head()
    }

    /// Bytes appended to the log since the start.
    pub fn log_written(&self) -> u64 {
        self.shared.log_written.load(std::sync::atomic::Ordering::Relaxed)
    }

    /// Whoever reads the log's files could not: damage is named in the log, in `/readyz` and in the status.
    pub fn could_not_read(&self, error: &ReadError) {
        self.shared.could_not_read(error);
    }

    /// The centre has synced everything up to here, as it has just said: the log need not keep it for the centre's sake.
    pub fn centre_has(&self, through: u64) {
        self.shared.retained.acknowledged(through);
    }

    /// Whether an order with this id may have closed before the log begins, so that not to find it says nothing about
    /// whether it ever was.
    pub fn may_be_gone(&self, order: OrderId) -> bool {
        order.region() == self.shared.views.region_tag() && self.shared.retained.may_be_gone(order.day())
    }

    /// Ends selling, because the region's history goes on elsewhere, or lets it go on. Every command is refused from here
    /// on, those that wait too; reads go on. Written down so that a restart knows it: may wait for the disk. Where that
    /// fails, selling has ended all the same, and does not begin again.
    pub fn fence(&self, reason: Option<Arc<str>>) -> Result<(), DirectoryError> {
        if reason.is_some() {
            self.shared.set_fence(reason.clone());
        }
        self.fence_mark.write(reason.as_deref())?;
        self.shared.set_fence(reason);
        Ok(())
    }

    /// Any order of the region, open or closed, as long as closed orders are kept.
    pub async fn order(&self, order: OrderId) -> Result<Option<Arc<Order>>, Unavailable> {
        if let Some(order) = self.shared.views.order(order) {
            return Ok(Some(order));
        }
        self.read(move |views, projection| history::order(views, projection, order)).await?
    }

    /// A member's orders, newest first, beginning below `before`.
    pub async fn orders_of_member(
        &self,
        member: &MemberId,
        before: Option<OrderId>,
        limit: usize,
    ) -> Result<Vec<Arc<Order>>, Unavailable> {
        let member = member.clone();
        self.read(move |views, projection| history::of_member(views, projection, &member, before, limit)).await?
    }

    /// A store's orders of a business day by id, beginning above `after`.
    pub async fn orders_of_store(
        &self,
        store: &StoreId,
        filter: StoreOrdersFilter,
        after: Option<OrderId>,
        limit: usize,
    ) -> Result<Vec<Arc<Order>>, Unavailable> {
        let store = store.clone();
        self.read(move |views, projection| history::of_store(views, projection, &store, &filter, after, limit)).await?
    }

    /// Every order of a store that was paid after the cursor, open or closed, by position, as it is now.
    pub async fn queue_after(
        &self,
        store: &StoreId,
        cursor: QueueCursor,
        limit: usize,
    ) -> Result<QueuePage, QueueError> {
        if let Some(page) = history::open_queue_after(&self.shared.views, store, cursor, limit)? {
            return Ok(page);
        }
        let store = store.clone();
        self.read(move |views, projection| history::queue_after(views, projection, &store, cursor, limit)).await?
    }

    /// Runs a question that may have to wait for the projection's files on a thread that may wait.
    async fn read<T: Send + 'static>(
        &self,
        question: impl FnOnce(&Views, &Projection) -> T + Send + 'static,
    ) -> Result<T, Unavailable> {
        let permit = Arc::clone(&self.reads).try_acquire_owned().map_err(|_| Unavailable::Overloaded)?;
        let (views, projection) = (Arc::clone(&self.shared.views), Arc::clone(&self.projection));
        let asked = tokio::task::spawn_blocking(move || {
            let answer = question(&views, &projection);
            drop(permit);
            answer
        });
        asked.await.map_err(|_| Unavailable::Rebuilding)
    }

    /// The same for who has no other thread to wait on.
    #[cfg(feature = "simulation")]
    pub(super) fn look_up<T>(&self, question: impl FnOnce(&Views, &Projection) -> T) -> T {
        question(&self.shared.views, &self.projection)
    }

    /// What time it is for the engine.
    pub fn now(&self) -> Timestamp {
        self.shared.clock.now()
    }

    /// How the engine is, in figures.
    pub fn status(&self) -> EngineStatus {
        let (critical_queue, normal_queue) = (self.critical.len(), self.normal.len());
        EngineStatus { critical_queue, normal_queue, ..EngineStatus::of(&self.shared, &self.projection) }
    }

    /// Whether orders can be taken, point by point.
    pub fn checks(&self) -> Vec<Check> {
        let status = self.status();
        let check = |name, problem: Option<String>| Check { name, ok: problem.is_none(), detail: problem };
        let overlay_full = status.overlay_orders >= self.shared.overlay_orders_max;
        vec![
            check("storage", status.failed),
            check("disk", status.disk_full),
            // What is decided and acknowledged doesn't need what is damaged there.
            Check { name: "log", ok: true, detail: status.log_damaged },
            check("fence", status.fenced),
            check("stopping", self.shared.is_stopping().then(|| "the node is shutting down".to_owned())),
            check(
                "overlay",
                overlay_full.then(|| format!("{} closed orders wait for the projection", status.overlay_orders)),
            ),
            // History may be missing for a while; orders are taken all the same.
            Check { name: "projection", ok: true, detail: self.projection.phase().describe() },
        ]
    }

    /// The commit path in figures; gauges are brought up to date by asking.
    pub fn metrics(&self) -> &EngineMetrics {
        let metrics = &self.shared.metrics;
        let status = self.status();
        let gauge = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
        let count = |value: usize| i64::try_from(value).unwrap_or(i64::MAX);
        for (queue, depth) in [("critical", status.critical_queue), ("normal", status.normal_queue)] {
            metrics.queue_depth.get_or_create(&super::metrics::QueueLabels { queue }).set(count(depth));
        }
        metrics.open_orders.set(count(status.open_orders));
        metrics.overlay_orders.set(count(status.overlay_orders));
        metrics.log_head.set(gauge(status.log_head));
        metrics.log_bytes.set(gauge(status.log_bytes));
        metrics.log_first.set(gauge(status.log_first));
        metrics.projection_lag_entries.set(gauge(status.log_head.saturating_sub(status.projected_to)));
        metrics
    }

    /// Becomes `Some` when nothing is acknowledged any more: the process should end and start from what is on disk.
    pub fn failure(&self) -> watch::Receiver<Option<Arc<str>>> {
        self.shared.watch_failure()
    }

    /// Waits until nothing is acknowledged any more and says why; for ever while all is well.
    pub async fn failed(&self) -> String {
        let mut failure = self.shared.watch_failure();
        match failure.wait_for(Option::is_some).await {
            Ok(why) => why.as_deref().unwrap_or_default().to_owned(),
            Err(_) => std::future::pending().await,
        }
    }
}

pub(super) type Replied = (Result<Answer, Refusal>, Request);

pub(super) enum Outcome {
    Final(Result<Answer, Refusal>),
    RecordNeeded(OrderId, Request),
}

/// A request that was taken in and never answered may or may not be on disk.
pub(super) fn outcome(replied: Result<Replied, oneshot::error::RecvError>) -> Outcome {
    match replied {
        Ok((Err(Refusal::Rejected(Rejection::RecordNeeded { order })), request)) => {
            Outcome::RecordNeeded(order, request)
        }
        Ok((answer, _)) => Outcome::Final(answer),
        Err(_) => Outcome::Final(Err(Unavailable::StorageFailed.into())),
    }
}

/// An order that is known to have closed but whose record is past its retention is gone for good.
fn found(order: OrderId, record: Option<Arc<Order>>, read_at: u64) -> Result<ClosedRecord, Refusal> {
    match record {
        Some(order) => Ok(ClosedRecord { order, read_at }),
        None => Err(Rejection::OrderNotFound { order }.into()),
    }
}
