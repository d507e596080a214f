//! The thread that brings the log into the projection: the same code live, catching up and building anew. It reads what
//! the writer has committed back from the log, so the writer never waits for it and knows nothing of it.
//!
//! `applied` stands in each day's tables. A batch goes to the older days first and to the newest day last, so the newest
//! day's `applied` is that of all; a new day is stamped before any day goes on to the batch in which it begins.

use std::collections::BTreeMap;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;
use std::time::Duration;

use jiff::tz::TimeZone;
use qucan_storage::fs::FileSystem;
use qucan_storage::log::{LogReader, ReadError};
use qucan_storage::table::{Applied, TableBatch};
use qucan_storage::{Epoch, Position, Sequence};

use super::Projection;
use super::days::{DayError, Days};
use super::keys;
use super::mark::Mark;
use super::pace::Teller;
use crate::domain::order::Order;
use crate::domain::time::{BusinessDay, MinuteOfDay, business_day};
use crate::engine::records::{self, RecordError};
use crate::engine::shared::Shared;
use crate::limits::{PROJECTION_BATCH_EVENTS, PROJECTION_MARK_ENTRIES};

/// Between two batches that are not full: so that a quiet node does not sync twice for every order.
const GATHER: Duration = Duration::from_millis(100);
/// Between two attempts when something is in the way.
const RETRY: Duration = Duration::from_secs(1);
/// Longest pause before it is built again. The first time it is at once; each time soon after another waits twice as long.
const REBUILD_PAUSE_MAX: Duration = Duration::from_secs(60);

/// Why following stopped for now.
#[derive(Debug, thiserror::Error)]
enum Halt {
    #[error(transparent)]
    Day(#[from] DayError),
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error("log entry {sequence}: {source}")]
    Entry { sequence: Sequence, source: RecordError },
    #[error("it is not of this log: {0}")]
    Foreign(&'static str),
}

impl Halt {
    fn needs_rebuild(&self) -> bool {
        match self {
            Self::Day(error) => error.is_fatal(),
            Self::Foreign(_) => true,
            Self::Read(_) | Self::Entry { .. } => false,
        }
    }
}

/// Everything the thread owns.
pub(in crate::engine) struct Follower {
    pub(in crate::engine) projection: Arc<Projection>,
    pub(in crate::engine) shared: Arc<Shared>,
    pub(in crate::engine) fs: Arc<dyn FileSystem>,
    pub(in crate::engine) log_dir: PathBuf,
    pub(in crate::engine) state_dir: PathBuf,
    /// The epoch at the end of what there was at the start.
    pub(in crate::engine) epoch: Epoch,
    pub(in crate::engine) keep_days: u16,
    /// A gap before the log's beginning, over which it goes on.
    pub(in crate::engine) missed: Option<Missed>,
}

/// A stretch that is in no log: what closed in it is not known, but for these orders.
pub(in crate::engine) struct Missed {
    /// The last entry before it.
    pub(in crate::engine) from: Sequence,
    /// Where the log goes on.
    pub(in crate::engine) to: Position,
    /// Reads in which epoch it does, and the orders that closed in the gap, as they were last seen. Asked only where the gap
    /// was not passed yet.
    pub(in crate::engine) read: Box<dyn Fn() -> (Epoch, Vec<Order>) + Send>,
}

/// The same without a thread: whoever simulates moves it on.
#[cfg(feature = "simulation")]
pub(in crate::engine) struct Stepped(Run);

#[cfg(feature = "simulation")]
impl Stepped {
    pub(in crate::engine) fn new(follower: Follower) -> Self {
        Self(Run::new(follower))
    }

    /// One turn; what a thread would wait for before the next.
    pub(in crate::engine) fn turn(&mut self) -> Rest {
        self.0.turn()
    }

    /// As at the end of the thread.
    pub(in crate::engine) fn finish(self) {
        self.0.finish();
    }
}

/// Starts the thread. It ends when the writer has ended.
pub(in crate::engine) fn start(follower: Follower) -> io::Result<JoinHandle<()>> {
    std::thread::Builder::new().name("projection".to_owned()).spawn(move || Run::new(follower).run())
}

/// A projection that follows, moved on by its thread.
struct Run {
    follower: Follower,
    reader: Option<LogReader>,
    /// Up to here the log has been read, and in which epoch that is.
    scanned: Position,
    epoch: Epoch,
    /// Up to here the newest day says that it was applied.
    persisted: Position,
    /// Orders that closed up to `batch_end`, not applied yet.
    batch: Vec<Order>,
    /// Up to here nothing closed that is in the batch: where its first group begins.
    batch_begin: Position,
    batch_end: Position,
    mark: Option<Mark>,
    /// The epoch behind the gap and the orders that closed in it, once they were needed.
    unseen: Option<(Epoch, Vec<Order>)>,
    /// How many of them are in the batch or applied.
    unseen_taken: usize,
    /// When it was last built again, and the pause after which that was.
    rebuilt: Option<(Duration, Duration)>,
    teller: Teller,
    /// What is on disk was looked at.
    opened: bool,
}

/// What comes before the next turn.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::engine) enum Rest {
    /// Nothing: there may be more at once.
    Not,
    /// A pause.
    For(Duration),
    /// A moment in which more may gather, and then until there is more.
    UntilMore,
}

impl Run {
    fn new(follower: Follower) -> Self {
        let origin = Position::ORIGIN;
        Self {
            epoch: follower.epoch,
            follower,
            reader: None,
            scanned: origin,
            persisted: origin,
            batch: Vec::new(),
            batch_begin: origin,
            batch_end: origin,
            mark: None,
            unseen: None,
            unseen_taken: 0,
            rebuilt: None,
            teller: Teller::default(),
            opened: false,
        }
    }

    fn run(mut self) {
        loop {
            let rest = self.turn();
            if self.rest(rest) {
                break;
            }
        }
        self.finish();
    }

    /// One look at the log, without a wait: opens what is on disk where that has not been done, else goes on.
    fn turn(&mut self) -> Rest {
        if !self.opened {
            return match self.caught(Self::open) {
                Ok(()) => {
                    self.opened = true;
                    Rest::Not
                }
                Err(halt) => self.survive(&halt),
            };
        }
        self.tell();
        self.look();
        let broken = self.follower.projection.trouble.lock().broken.is_some();
        let stepped = if broken { Err(Halt::Foreign("a reader found it broken")) } else { self.caught(Self::step) };
        match stepped {
            Ok(full) => {
                self.follower.projection.trouble.lock().paused = None;
                self.tell();
                if full { Rest::Not } else { Rest::UntilMore }
            }
            Err(halt) => self.survive(&halt),
        }
    }

    /// Has days closed that nobody uses.
    fn look(&self) {
        let now = self.follower.shared.clock.steady();
        self.days().into_iter().for_each(|days| days.look(now));
    }

    /// Lets the log know where a rebuild is.
    fn tell(&mut self) {
        let projection = &self.follower.projection;
        self.teller.look((!projection.is_whole()).then(|| projection.rebuild()));
    }

    /// Rests; answers whether the writer has ended.
    fn rest(&self, rest: Rest) -> bool {
        let head = &self.follower.shared.head;
        match rest {
            Rest::Not => head.wait_above(0, Duration::ZERO).1,
            Rest::For(pause) => head.wait_above(u64::MAX, pause).1,
            Rest::UntilMore => head.wait_above(u64::MAX, GATHER).1 || head.wait_above(self.scanned.sequence.0, RETRY).1,
        }
    }

    /// A panic in here is one more way for the projection to be broken.
    fn caught<T>(&mut self, act: fn(&mut Self) -> Result<T, Halt>) -> Result<T, Halt> {
        catch_unwind(AssertUnwindSafe(|| act(self))).unwrap_or(Err(Halt::Foreign("it panicked")))
    }

    /// Moves everything aside where it has to be built again, else pauses.
    fn survive(&mut self, halt: &Halt) -> Rest {
        if let Halt::Read(error) = halt {
            self.follower.shared.could_not_read(error);
        }
        if halt.needs_rebuild() {
            tracing::warn!(reason = %halt, "the projection is moved aside and built again from the log");
            match self.begin_again() {
                Ok(()) => return self.rests_before_building(),
                Err(error) => tracing::warn!(%error, "the projection can't be moved aside; trying again"),
            }
        } else {
            let mut trouble = self.follower.projection.trouble.lock();
            if trouble.paused.is_none() {
                tracing::warn!(reason = %halt, "the projection pauses");
            }
            trouble.paused = Some(halt.to_string());
            drop(trouble);
            // Room first goes to the living.
            let _still_there = self.days().map(Days::forget_aside);
            self.reader = None;
            // Everything since was collected and not applied: it is read again.
            self.scanned = self.persisted;
            self.batch.clear();
            self.unseen_taken = 0;
        }
        Rest::For(RETRY)
    }

    /// A disk on which every attempt fails must not be written to all the time.
    fn rests_before_building(&mut self) -> Rest {
        let now = self.follower.shared.clock.steady();
        let pause = match self.rebuilt {
            Some((at, pause)) if now.saturating_sub(at) < 2 * REBUILD_PAUSE_MAX => {
                (2 * pause).clamp(RETRY, REBUILD_PAUSE_MAX)
            }
            _ => Duration::ZERO,
        };
        // Counted from the end of the pause.
        self.rebuilt = Some((now + pause, pause));
        Rest::For(pause)
    }

    fn days(&self) -> Option<&Days> {
        self.follower.projection.days.as_ref()
    }

    fn begin_again(&mut self) -> Result<(), DayError> {
        let projection = Arc::clone(&self.follower.projection);
        projection.trouble.lock().broken.get_or_insert_default();
        projection.generation.fetch_add(1, Ordering::SeqCst);
        projection.whole_from.fetch_max(projection.applied(), Ordering::SeqCst);
        projection.applied.store(0, Ordering::SeqCst);
        projection.persisted.store(0, Ordering::SeqCst);
        self.write_mark(0);
        if let Some(days) = &projection.days {
            days.list()?;
            days.move_aside()?;
        }
        self.follower.shared.metrics.projection_rebuilds.inc();
        self.reader = None;
        self.batch.clear();
        (self.scanned, self.persisted) = (Position::ORIGIN, Position::ORIGIN);
        let mut trouble = projection.trouble.lock();
        (trouble.broken, trouble.opening) = (None, false);
        Ok(())
    }

    /// Opens what is on disk and finds out how far it is. It is believed if it is of this log and not ahead of it.
    fn open(&mut self) -> Result<(), Halt> {
        let projection = Arc::clone(&self.follower.projection);
        let Some(days) = &projection.days else { return Ok(()) };
        days.list()?;
        let mut applied = None;
        for name in days.from(BusinessDay(0)).into_iter().rev() {
            let Some(day) = days.get(name) else { continue };
            let found: Applied = days.applied(&day)?;
            if found.position != Position::ORIGIN {
                applied = Some(found);
                break;
            }
            // A start ended between making it and stamping it.
            days.drop_day(name)?;
        }
        if let Some(applied) = applied {
            // That it is of this log's history was found when it was opened.
            if applied.epoch > self.follower.epoch {
                return Err(Halt::Foreign("a later epoch"));
            }
            let at = applied.position;
            (self.scanned, self.persisted) = (at, at);
            projection.persisted.store(at.sequence.0, Ordering::SeqCst);
            projection.applied.store(at.sequence.0, Ordering::SeqCst);
        }
        projection.trouble.lock().opening = false;
        self.follower.shared.projected(self.scanned.sequence.0);
        self.write_mark(self.scanned.sequence.0);
        Ok(days.know_members()?)
    }

    /// Reads what is committed, up to a batch, and applies it; answers whether there may be more at once.
    fn step(&mut self) -> Result<bool, Halt> {
        let committed = Sequence(self.follower.shared.head.get());
        while self.scanned.sequence < committed {
            let Some((closed, begin, end)) = self.read_group(committed)? else { break };
            if self.batch.len() + closed.len() > PROJECTION_BATCH_EVENTS && !self.batch.is_empty() {
                self.apply()?;
                self.batch = closed;
                (self.batch_begin, self.batch_end) = (begin, end);
                return Ok(true);
            }
            if self.batch.is_empty() {
                self.batch_begin = begin;
            }
            self.batch.extend(closed);
            self.batch_end = end;
        }
        let unmarked = self.scanned.sequence.0.saturating_sub(self.persisted.sequence.0);
        if !self.batch.is_empty() || unmarked >= PROJECTION_MARK_ENTRIES {
            self.apply()?;
        } else {
            self.follower.projection.applied.store(self.scanned.sequence.0, Ordering::SeqCst);
        }
        Ok(false)
    }

    /// The orders that closed in the next group, where it begins, and where it ends.
    fn read_group(&mut self, committed: Sequence) -> Result<Option<(Vec<Order>, Position, Position)>, Halt> {
        let floor = self.floor();
        let reader = match &mut self.reader {
            Some(reader) => reader,
            slot => {
                let open = |after| LogReader::open(Arc::clone(&self.follower.fs), &self.follower.log_dir, after);
                let mut reader = match open(self.scanned.sequence) {
                    // Built anew from a trimmed log: it still holds every order that is kept.
                    Err(ReadError::Trimmed { begins, .. }) if self.scanned == Position::ORIGIN => {
                        open(begins.previous())?
                    }
                    Err(ReadError::Trimmed { .. }) => return self.pass_gap(committed, floor),
                    reader => reader?,
                };
                if self.scanned != Position::ORIGIN && reader.position() != Some(self.scanned) {
                    // Built anew from a damaged log it would get no further than it is.
                    reader.verify(committed)?;
                    return Err(Halt::Foreign("another history"));
                }
                self.follower.projection.pace.begin(reader.after().0);
                slot.insert(reader)
            }
        };
        let Some(group) = reader.next(committed)? else { return Ok(None) };
        let mut closed = Vec::new();
        for (sequence, entry) in group.entries() {
            if sequence > self.scanned.sequence {
                let whole = records::whole_order(entry).map_err(|source| Halt::Entry { sequence, source })?;
                closed.extend(whole.filter(|order| order.is_closed() && order.business_day >= floor));
            }
        }
        let begin = Position { sequence: group.first().previous(), hash: group.previous() };
        (self.scanned, self.epoch) = (group.position(), group.epoch());
        Ok(Some((closed, begin, self.scanned)))
    }

    /// Goes on behind a gap once it is known what is there; the orders that closed in it come first, a batch at a time.
    fn pass_gap(
        &mut self,
        committed: Sequence,
        floor: BusinessDay,
    ) -> Result<Option<(Vec<Order>, Position, Position)>, Halt> {
        let missed = self.follower.missed.as_ref().filter(|missed| self.scanned.sequence <= missed.from);
        let missed = missed.ok_or(Halt::Foreign("the log begins later by now"))?;
        if committed < missed.to.sequence {
            return Ok(None);
        }
        let (epoch, unseen) = self.unseen.get_or_insert_with(|| (missed.read)());
        let rest = unseen.get(self.unseen_taken..).unwrap_or_default();
        let piece = rest.get(..PROJECTION_BATCH_EVENTS).unwrap_or(rest);
        let orders = piece.iter().filter(|order| order.business_day >= floor).cloned().collect();
        let begin = self.scanned;
        self.unseen_taken += piece.len();
        if piece.len() == rest.len() {
            (self.scanned, self.epoch) = (missed.to, *epoch);
        }
        Ok(Some((orders, begin, self.scanned)))
    }

    /// The oldest day that is kept. By the clock as well, so that a rebuild doesn't make days only to drop them.
    fn floor(&self) -> BusinessDay {
        let keep = self.follower.keep_days.max(1);
        let newest = self.days().and_then(Days::newest_day).unwrap_or_default();
        let today = business_day(&TimeZone::UTC, MinuteOfDay::default(), self.follower.shared.clock.now());
        let by_clock = today.0.saturating_sub(keep).saturating_sub(1);
        BusinessDay(by_clock.max((newest.0 + 1).saturating_sub(keep)))
    }

    /// Writes the batch and how far it goes.
    fn apply(&mut self) -> Result<(), Halt> {
        let projection = Arc::clone(&self.follower.projection);
        let Some(days) = &projection.days else { return Ok(()) };
        let end = if self.batch.is_empty() { self.scanned } else { self.batch_end };
        let mut by_day: BTreeMap<BusinessDay, TableBatch> = BTreeMap::new();
        for order in &self.batch {
            let batch = by_day.entry(order.business_day).or_default();
            for (table, key, value) in keys::rows_of(order).map_err(DayError::from)? {
                batch.put(table, key, value);
            }
        }
        if let Some(newest) = days.newest_day() {
            by_day.entry(newest).or_default();
        }
        // All new days first: killed in between, a start must not take an older day's word for a newer one.
        for name in by_day.keys() {
            days.with_mut(&days.make(*name), |tables| match tables.applied().position {
                Position::ORIGIN => Ok(tables.apply(&TableBatch::new(), self.epoch, self.batch_begin)?),
                _ => Ok(()),
            })?;
        }
        for (name, batch) in &by_day {
            let day = days.make(*name);
            days.with_mut(&day, |tables| Ok(tables.apply(batch, self.epoch, end)?))?;
        }
        self.batch.clear();
        if !by_day.is_empty() {
            self.persisted = end;
            projection.persisted.store(end.sequence.0, Ordering::SeqCst);
            self.write_mark(end.sequence.0);
        }
        let floor = self.floor();
        for day in days.from(BusinessDay(0)).into_iter().take_while(|day| *day < floor) {
            tracing::info!(day = %day.date(), "closed orders of this day are past their retention");
            if let Err(error) = days.drop_day(day) {
                tracing::warn!(%error, day = %day.date(), "a day past its retention can't be deleted");
            }
        }
        days.know_members()?;
        projection.applied.store(end.sequence.0, Ordering::SeqCst);
        self.follower.shared.projected(end.sequence.0);
        Ok(())
    }

    fn write_mark(&mut self, sequence: u64) {
        if self.mark.is_none() {
            self.mark = Mark::open(&*self.follower.fs, &self.follower.state_dir).ok();
        }
        if let Some(mark) = &self.mark
            && mark.write(self.epoch.0, sequence).is_err()
        {
            // Only a hint: a start without it takes the history for incomplete for a while.
            self.mark = None;
        }
    }

    /// The writer has ended: what it committed goes in, unless that is a long way.
    fn finish(mut self) {
        let rebuilding = !self.follower.projection.is_whole();
        if !self.follower.shared.is_abandoned() && !rebuilding {
            let mut more = self.caught(Self::step);
            while matches!(more, Ok(true)) {
                more = self.caught(Self::step);
            }
            if more.is_ok() && self.scanned.sequence > self.persisted.sequence {
                more = self.caught(|run| run.apply().map(|()| false));
            }
            if let Err(halt) = more {
                tracing::debug!(reason = %halt, "the projection did not catch up before the stop");
            }
        }
        if let Some(days) = self.days() {
            days.close();
        }
    }
}
