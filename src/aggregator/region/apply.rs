//! The thread that applies a region's log: replayed entries become rows, the store takes them with the cursor in one
//! transaction, and only then are they shown. Reception never waits for it. A store that is away is asked again for ever.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;
use std::time::Duration;

use parking_lot::{Condvar, Mutex};
use qucan_storage::Position;
use qucan_storage::log::ReadError;
use tokio::runtime::Handle;
use tokio::sync::{Notify, watch};

use super::Region;
use crate::aggregator::figures::{Changed, Figures};
use crate::aggregator::store::{Store, StoreBatch, StoreError, Stored};
use crate::domain::effect::Effect;
use crate::domain::order::Order;
use crate::domain::state::State;
use crate::domain::time::{BusinessDay, Timestamp};
use crate::engine::clock::Clock;
use crate::engine::replica::{AppliedBatch, Applier, ApplyError, Next, unseen};
use crate::limits::{APPLY_ENTRIES_MAX, APPLY_GATHER, APPLY_RETRY_FIRST, APPLY_RETRY_MAX, MINUTES_KEPT};

/// How long the thread waits for entries before it looks whether it should end.
const IDLE: Duration = Duration::from_millis(200);

/// A thread that applies.
pub struct ApplyThread {
    stop: Arc<Stop>,
    thread: Option<JoinHandle<()>>,
}

/// Says that it is enough, and wakes whoever waits for the store.
#[derive(Default)]
struct Stop {
    stopped: Mutex<bool>,
    changed: Condvar,
    /// The same for whoever waits for the store.
    told: Notify,
    /// Nobody waits, in simulations.
    hurries: bool,
}

impl Stop {
    fn is_set(&self) -> bool {
        *self.stopped.lock()
    }

    /// Waits, shorter when it is set.
    fn wait(&self, at_most: Duration) {
        let mut stopped = self.stopped.lock();
        if !*stopped && !self.hurries {
            self.changed.wait_for(&mut stopped, at_most);
        }
    }
}

impl ApplyThread {
    /// Asks it to end. A batch that the store is at may be in it or not: the next start finds out.
    pub fn ask_to_stop(&self) {
        *self.stop.stopped.lock() = true;
        self.stop.changed.notify_all();
        // Remembered where nobody waits at the moment.
        self.stop.told.notify_one();
    }

    /// Waits for its end.
    pub fn join(mut self) {
        self.end();
    }

    fn end(&mut self) {
        self.ask_to_stop();
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("a thread that applies a region's log panicked");
        }
    }
}

impl Drop for ApplyThread {
    fn drop(&mut self) {
        self.end();
    }
}

/// What the thread works with.
pub struct Work {
    /// The region.
    pub region: Arc<Region>,
    /// Its entries.
    pub applier: Applier,
    /// What the store has of it.
    pub stored: Stored,
    /// Where it goes.
    pub store: Arc<Store>,
    /// Where the store's calls run.
    pub runtime: Handle,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// Business days for which orders can be asked for.
    pub keep_days: u16,
    /// Told why the process has to start again, if so.
    pub restart: watch::Sender<Option<Arc<str>>>,
}

/// Starts to apply.
pub fn start(work: Work) -> std::io::Result<ApplyThread> {
    let (mut follower, mut applier) = Follower::new(work, Stop::default());
    let stop = Arc::clone(&follower.stop);
    let name = format!("apply-{}", follower.region.id());
    let thread = std::thread::Builder::new().name(name).spawn(move || follower.run(&mut applier))?;
    Ok(ApplyThread { stop, thread: Some(thread) })
}

/// The same work without a thread, for simulations.
#[cfg(feature = "simulation")]
pub struct Stepped {
    follower: Follower,
    applier: Applier,
}

#[cfg(feature = "simulation")]
impl Stepped {
    /// Nothing is applied yet.
    pub fn new(work: Work) -> Self {
        let (follower, applier) = Follower::new(work, Stop { hurries: true, ..Stop::default() });
        Self { follower, applier }
    }

    /// Applies one batch of roughly so many entries, if there is one; a store that is away is asked again without a pause.
    /// False when nothing is applied any more before a restart.
    pub fn step(&mut self, entries_max: usize) -> Result<bool, ApplyError> {
        self.follower.step(&mut self.applier, entries_max, Duration::ZERO)
    }

    /// What applies, to be looked at.
    pub fn applier(&self) -> &Applier {
        &self.applier
    }
}

/// What a person does about a copy that can't be used.
pub(in crate::aggregator) fn move_aside(dir: &Path) -> String {
    format!(
        "if this is the centre's copy and the region's node lives: stop the centre, move {} aside and start it again; the \
         region sends everything anew",
        dir.display()
    )
}

struct Follower {
    region: Arc<Region>,
    store: Arc<Store>,
    runtime: Handle,
    clock: Arc<dyn Clock>,
    keep_days: u16,
    restart: watch::Sender<Option<Arc<str>>>,
    /// The figures with the batch at hand; those that are shown follow once the store has it.
    figures: Figures,
    cursor: Option<Position>,
    forgotten_before: BusinessDay,
    stop: Arc<Stop>,
}

impl Follower {
    fn new(work: Work, stop: Stop) -> (Self, Applier) {
        let follower = Self {
            figures: work.stored.figures,
            cursor: work.stored.cursor,
            region: work.region,
            store: work.store,
            runtime: work.runtime,
            clock: work.clock,
            keep_days: work.keep_days,
            restart: work.restart,
            forgotten_before: BusinessDay::default(),
            stop: Arc::new(stop),
        };
        (follower, work.applier)
    }

    fn run(&mut self, applier: &mut Applier) {
        let mut pause = APPLY_RETRY_FIRST;
        while !self.stop.is_set() {
            match self.step(applier, APPLY_ENTRIES_MAX, IDLE) {
                Ok(true) => pause = APPLY_RETRY_FIRST,
                Ok(false) => return,
                Err(ApplyError::Read(error @ ReadError::Rot { .. })) => {
                    let why = format!("{error}; {}", move_aside(self.region.replica().dir()));
                    tracing::error!(region = %self.region.id(), why, "the region's copy is damaged and takes nothing more");
                    self.region.replica().give_up(&why);
                    self.region.applying.ends(why);
                    return;
                }
                Err(error @ ApplyError::Read(_)) => {
                    // A file that can't be read now may be read later.
                    self.complain(&error.to_string());
                    self.stop.wait(pause);
                    pause = (pause * 2).min(APPLY_RETRY_MAX);
                }
                Err(error) => {
                    tracing::error!(region = %self.region.id(), %error, "the region's log can't be applied any further");
                    self.region.applying.ends(error.to_string());
                    return;
                }
            }
        }
    }

    /// One batch; false when there will be none any more.
    fn step(&mut self, applier: &mut Applier, entries_max: usize, at_most: Duration) -> Result<bool, ApplyError> {
        let is_small;
        let changes = match applier.next(entries_max, at_most)? {
            Next::Closed => return Ok(false),
            Next::Idle => {
                self.note_progress();
                return Ok(true);
            }
            Next::Batch(batch) => {
                self.note_progress();
                is_small = batch.steps.len() < APPLY_ENTRIES_MAX;
                Changes::of(batch, &mut self.figures)
            }
        };
        let changes = if changes.is_seed { Changes::of_seed(applier, &mut self.figures, changes) } else { changes };
        let to = changes.to;
        let batch = changes.into_store_batch(&self.region, self.cursor, &self.figures);
        if !self.store_it(&batch) {
            return Ok(false);
        }
        self.show(&batch);
        self.cursor = Some(to);
        applier.publish();
        self.region.applied.store(to.sequence.0, Ordering::Release);
        self.region.applying.goes_on();
        self.note_progress();
        self.forget(applier.newest_day());
        if is_small {
            self.stop.wait(APPLY_GATHER);
        }
        Ok(true)
    }

    /// Gives a batch to the store until it has it; false when it is time to end.
    fn store_it(&self, batch: &StoreBatch) -> bool {
        let mut pause = APPLY_RETRY_FIRST;
        loop {
            let applied = self.runtime.block_on(async {
                tokio::select! {
                    biased;
                    applied = self.store.apply(batch) => Some(applied),
                    () = self.stop.told.notified() => None,
                }
            });
            match applied {
                // A store that hangs must not hold up a stop.
                None => return false,
                Some(Ok(())) => return true,
                Some(Err(error @ StoreError::OtherHistory { .. })) => {
                    // Opened again, the store is compared with the log and built anew.
                    tracing::error!(region = %self.region.id(), %error, "the process starts again");
                    self.region.applying.ends(error.to_string());
                    self.restart.send_replace(Some(error.to_string().into()));
                    return false;
                }
                Some(Err(error)) => self.complain(&error.to_string()),
            }
            self.stop.wait(pause);
            pause = (pause * 2).min(APPLY_RETRY_MAX);
            if self.stop.is_set() {
                return false;
            }
        }
    }

    fn note_progress(&self) {
        self.region.applying.stands_at(self.region.applied(), self.region.received().sequence.0);
    }

    fn complain(&self, why: &str) {
        if self.region.applying.waits(why) {
            tracing::warn!(region = %self.region.id(), why, "applying waits; what arrives is kept");
        }
    }

    /// Shows a batch's figures.
    fn show(&self, batch: &StoreBatch) {
        let mut shown = self.region.figures.write();
        shown.minutes.extend(batch.minutes.iter().copied());
        shown.store_days.extend(batch.store_days.iter().cloned());
        shown.ticks.extend(batch.ticks.iter().copied());
    }

    /// Forgets what is past its time, once a business day.
    fn forget(&mut self, newest: BusinessDay) {
        let oldest = BusinessDay(newest.0.saturating_sub(self.keep_days.saturating_sub(1)));
        if oldest <= self.forgotten_before {
            return;
        }
        let kept = i64::try_from(MINUTES_KEPT.as_millis()).unwrap_or(i64::MAX);
        let time = Timestamp(self.clock.now().0.saturating_sub(kept));
        match self.runtime.block_on(self.store.forget_before(self.region.id(), time, oldest)) {
            Ok(()) => {
                self.figures.forget_before(time, oldest);
                self.region.figures.write().forget_before(time, oldest);
                self.forgotten_before = oldest;
            }
            Err(error) => {
                // Tried again with the next batch; nothing is lost by keeping it.
                tracing::debug!(region = %self.region.id(), %error, "old rows could not be forgotten yet");
            }
        }
    }
}

/// What a batch changed.
struct Changes {
    to: Position,
    epoch: u32,
    is_seed: bool,
    /// What was known before a gap that the seed lies behind.
    before: Option<State>,
    orders: BTreeMap<u64, Arc<Order>>,
    unseen: Vec<Arc<Order>>,
    changed: Changed,
}

impl Changes {
    /// Takes a batch in.
    fn of(batch: &AppliedBatch, figures: &mut Figures) -> Self {
        let mut changes = Self {
            to: batch.to,
            epoch: batch.epoch,
            is_seed: batch.steps.is_empty(),
            before: batch.before.clone(),
            orders: BTreeMap::new(),
            unseen: Vec::new(),
            changed: Changed::default(),
        };
        for step in &batch.steps {
            figures.take(step, &mut changes.changed);
            for effect in &step.effects {
                if let Effect::Order(effect) = effect {
                    changes.orders.insert(effect.order.id.packed(), Arc::clone(&effect.order));
                }
            }
        }
        changes
    }

    /// The log begins with a snapshot: what is known are the orders that were open then.
    fn of_seed(applier: &Applier, figures: &mut Figures, seed: Self) -> Self {
        let orders: BTreeMap<u64, Arc<Order>> =
            applier.state().orders().into_iter().map(|order| (order.id.packed(), Arc::clone(order))).collect();
        if let Some(before) = &seed.before {
            let (mut changed, after) = (Changed::default(), applier.state());
            for order in orders.values() {
                match before.order(order.id) {
                    Some(known) => figures.count_since(known, order, &mut changed),
                    // It had closed, and late money opened it again: that counts for nothing.
                    None if before.has_placed(order.id) => {}
                    None => figures.count_all(order, &mut changed),
                }
            }
            let unseen = unseen(before, after).cloned().collect();
            return Self { orders, unseen, changed, before: None, ..seed };
        }
        *figures = Figures::recount(orders.values().map(Arc::as_ref));
        let changed = Changed {
            minutes: figures.minutes.keys().copied().collect(),
            store_days: figures.store_days.keys().cloned().collect(),
            ..Changed::default()
        };
        Self { orders, changed, ..seed }
    }

    fn into_store_batch(self, region: &Region, from: Option<Position>, figures: &Figures) -> StoreBatch {
        let rows = figures.rows(&self.changed);
        StoreBatch {
            region: region.id().clone(),
            from,
            to: self.to,
            epoch: self.epoch,
            orders: self.orders.into_values().collect(),
            unseen: self.unseen,
            minutes: rows.minutes,
            store_days: rows.store_days,
            ticks: rows.ticks,
        }
    }
}
