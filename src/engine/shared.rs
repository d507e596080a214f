//! What the engine's threads and its handles share: flags, figures, watermarks. Never the hot state.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use parking_lot::{Condvar, Mutex};
use qucan_storage::log::ReadError;
use tokio::sync::{broadcast, watch};

use super::answer::Unavailable;
use super::clock::Clock;
use super::commit::Committed;
use super::keeper::Retained;
use super::metrics::EngineMetrics;
use super::views::Views;

/// Shared by everybody inside the engine.
pub(super) struct Shared {
    pub(super) views: Arc<Views>,
    pub(super) metrics: EngineMetrics,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) committed: broadcast::Sender<Arc<Committed>>,
    /// Why nothing is acknowledged any more.
    failure: watch::Sender<Option<Arc<str>>>,
    /// Why new orders are refused for want of space; set by the writer.
    disk_full: Mutex<Option<String>>,
    is_disk_full: AtomicBool,
    stopping: AtomicBool,
    abandoned: AtomicBool,
    pub(super) snapshot_at: AtomicU64,
    /// Where the log begins, and how far it may be trimmed.
    pub(super) retained: Retained,
    pub(super) log_bytes: AtomicU64,
    /// Bytes appended since the start.
    pub(super) log_written: AtomicU64,
    /// Last durable sequence, for those that follow the log.
    pub(super) head: Watermark,
    /// The same for tasks; told only while somebody looks.
    head_watch: watch::Sender<u64>,
    /// How far the projection has taken closed orders out of the overlay.
    pub(super) projected: Watermark,
    pub(super) overlay_orders_max: usize,
    fence: FenceFlag,
    /// Damage that somebody met who reads the log, in words.
    damage: Mutex<Option<Arc<str>>>,
}

impl Shared {
    pub(super) fn new(views: Arc<Views>, clock: Arc<dyn Clock>, groups: usize, overlay_orders_max: usize) -> Self {
        let head = views.durable_through();
        Self {
            views,
            metrics: EngineMetrics::default(),
            clock,
            committed: broadcast::Sender::new(groups),
            failure: watch::Sender::new(None),
            disk_full: Mutex::new(None),
            is_disk_full: AtomicBool::new(false),
            stopping: AtomicBool::new(false),
            abandoned: AtomicBool::new(false),
            snapshot_at: AtomicU64::new(0),
            retained: Retained::default(),
            log_bytes: AtomicU64::new(0),
            log_written: AtomicU64::new(0),
            head: Watermark::new(head),
            head_watch: watch::Sender::new(head),
            projected: Watermark::default(),
            overlay_orders_max,
            fence: FenceFlag::default(),
            damage: Mutex::default(),
        }
    }

    /// Somebody could not read the log. Damage is told once for each place and remembered; other errors may pass.
    pub(super) fn could_not_read(&self, error: &ReadError) {
        if !matches!(error, ReadError::Rot { .. }) {
            return;
        }
        let (mut damage, what) = (self.damage.lock(), error.to_string());
        if damage.as_deref() != Some(what.as_str()) {
            tracing::error!(%error, "the log is damaged");
            *damage = Some(what.into());
        }
    }

    /// What of the log was found to be damaged, if anything: file, offset and sequences.
    pub(super) fn damage(&self) -> Option<Arc<str>> {
        self.damage.lock().clone()
    }

    /// Nothing is acknowledged from here on.
    pub(super) fn fail(&self, why: &str) {
        self.failure.send_if_modified(|failure| {
            let first = failure.is_none();
            failure.get_or_insert_with(|| why.into());
            first
        });
    }

    pub(super) fn failure(&self) -> Option<Arc<str>> {
        self.failure.borrow().clone()
    }

    pub(super) fn has_failed(&self) -> bool {
        self.failure.borrow().is_some()
    }

    pub(super) fn watch_failure(&self) -> watch::Receiver<Option<Arc<str>>> {
        self.failure.subscribe()
    }

    pub(super) fn stop(&self) {
        self.stopping.store(true, Ordering::SeqCst);
    }

    /// As if killed: nothing is finished any more.
    pub(super) fn abandon(&self) {
        self.abandoned.store(true, Ordering::SeqCst);
        self.stop();
    }

    pub(super) fn is_abandoned(&self) -> bool {
        self.abandoned.load(Ordering::SeqCst)
    }

    pub(super) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::SeqCst)
    }

    pub(super) fn set_disk_full(&self, why: Option<String>) {
        if why.is_some() || self.is_disk_full.load(Ordering::Relaxed) {
            self.is_disk_full.store(why.is_some(), Ordering::Relaxed);
            *self.disk_full.lock() = why;
        }
    }

    pub(super) fn disk_full(&self) -> Option<String> {
        if self.is_disk_full.load(Ordering::Relaxed) { self.disk_full.lock().clone() } else { None }
    }

    /// The log is durable up to here, and the views show it.
    pub(super) fn reached(&self, head: u64) {
        self.head.raise(head);
        if self.head_watch.receiver_count() > 0 {
            self.raise_watch(head);
        }
    }

    /// The head, for whoever waits for it in a task.
    pub(super) fn watch_head(&self) -> watch::Receiver<u64> {
        let receiver = self.head_watch.subscribe();
        // From here on it is told; what came before is made up for.
        self.raise_watch(self.head.get());
        receiver
    }

    fn raise_watch(&self, head: u64) {
        self.head_watch.send_if_modified(|value| {
            let raised = head > *value;
            *value = head.max(*value);
            raised
        });
    }

    /// The projection holds what closed up to here: the overlay lets it go.
    pub(super) fn projected(&self, through: u64) {
        self.views.overlay().projected(through);
        self.projected.raise(through);
    }

    /// Whether this region's history goes on elsewhere.
    pub(super) fn is_fenced(&self) -> bool {
        self.fence.is_set.load(Ordering::SeqCst)
    }

    pub(super) fn fence(&self) -> Option<Arc<str>> {
        if self.is_fenced() { self.fence.reason.lock().clone() } else { None }
    }

    /// Ends selling at once, or lets it go on.
    pub(super) fn set_fence(&self, reason: Option<Arc<str>>) {
        let mut slot = self.fence.reason.lock();
        self.fence.is_set.store(reason.is_some(), Ordering::SeqCst);
        *slot = reason;
    }

    /// Why a request can't be taken in before it is even queued.
    pub(super) fn closed_for(&self, normal: bool) -> Option<Unavailable> {
        if self.has_failed() {
            Some(Unavailable::StorageFailed)
        } else if self.is_stopping() {
            Some(Unavailable::ShuttingDown)
        } else if self.is_fenced() {
            Some(Unavailable::Fenced)
        } else if normal && self.views.overlay().len() >= self.overlay_orders_max {
            Some(Unavailable::Overloaded)
        } else {
            None
        }
    }
}

/// Another node has taken the region over, as the centre says.
#[derive(Debug, Default)]
struct FenceFlag {
    is_set: AtomicBool,
    reason: Mutex<Option<Arc<str>>>,
}

/// A number that only grows, and that threads wait for.
#[derive(Debug, Default)]
pub(super) struct Watermark {
    value: Mutex<(u64, bool)>,
    moved: Condvar,
}

impl Watermark {
    pub(super) fn new(value: u64) -> Self {
        Self { value: Mutex::new((value, false)), moved: Condvar::new() }
    }

    pub(super) fn get(&self) -> u64 {
        self.value.lock().0
    }

    pub(super) fn raise(&self, value: u64) {
        let mut guard = self.value.lock();
        if value > guard.0 {
            guard.0 = value;
            drop(guard);
            self.moved.notify_all();
        }
    }

    /// Nobody waits any more.
    pub(super) fn close(&self) {
        self.value.lock().1 = true;
        self.moved.notify_all();
    }

    /// Waits until it is above `seen`, is closed, or the time is over. Answers the value and whether it is closed.
    pub(super) fn wait_above(&self, seen: u64, at_most: std::time::Duration) -> (u64, bool) {
        let mut guard = self.value.lock();
        if guard.0 <= seen && !guard.1 {
            self.moved.wait_while_for(&mut guard, |(value, closed)| *value <= seen && !*closed, at_most);
        }
        *guard
    }
}
