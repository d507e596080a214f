//! A region followed from elsewhere: groups that arrive are appended verbatim and synced, then replayed into state and
//! views as if they had been decided here. For the centre, and for a standby. Never here: a decision, a deadline.
//!
//! Receiving ([`Replica`]) never waits for applying ([`Applier`]), and neither for those who ask ([`ReplicaReads`]).

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread::JoinHandle;

use parking_lot::{Mutex, RwLock};
use qucan_storage::fs::FileSystem;
use qucan_storage::log::{AppendError, Group, Log, LogOptions, LogReader, Place, ReadError, SpaceClass};
use qucan_storage::{DataDir, DirectoryError, Epoch, Position, Sequence, table};

use super::OpenError;
use super::clock::Clock;
use super::keeper::Keeper;
use super::options::EngineLimits;
use super::projection::{self, Projection};
use super::retention::Retention;
use super::shared::{Shared, Watermark};
use super::snapshotter::{self, Taken};
use super::views::Views;
use crate::domain::id::RegionId;

mod applier;
mod core;
mod gaps;
mod open;
mod reads;
mod seed;
mod snapshots;

pub use applier::{AppliedBatch, AppliedStep, Applier, ApplyError, Next};
pub use gaps::Gap;
pub use reads::{OrdersFilter, OrdersPage, ReplicaReads};
pub use seed::unseen;
pub use snapshots::{IncomingSnapshot, SnapshotRefused};

use self::core::Core;

/// What a replica is opened with.
#[derive(Clone)]
pub struct ReplicaOptions {
    /// The data directory of this region's copy; made on the first start.
    pub data_dir: PathBuf,
    /// The region.
    pub region: RegionId,
    /// Business days for which closed orders are answered.
    pub closed_orders_days: u16,
    /// Whether closed orders are kept on disk here for questions; otherwise the caller's store keeps them.
    pub projection: bool,
    /// Entries applied between two snapshots.
    pub snapshot_every_entries: u64,
    /// Bytes the log's segments may have: beyond it the oldest entries go, but never one that is not applied.
    pub log_bytes_max: u64,
    /// Sizes of log segments.
    pub log: LogOptions,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// Where log and snapshots lie.
    pub fs: Arc<dyn FileSystem>,
    /// Bounds.
    pub limits: EngineLimits,
}

/// The receiving side of a region's copy. Shared by the connection that receives and by those who ask. Dropped without
/// [`Replica::stop`], it ends as if the process had been killed.
pub struct Replica {
    core: Arc<Core>,
    options: ReplicaOptions,
    projection: Arc<Projection>,
    epoch: AtomicU32,
    receiving: Mutex<Receiving>,
    followers: Mutex<Vec<JoinHandle<()>>>,
}

/// What is written to.
struct Receiving {
    dir: DataDir,
    /// None where nothing has ever arrived: what comes first says where it begins.
    log: Option<Log>,
    stopped: bool,
}

impl Replica {
    /// Opens the copy. `stored` is how far the caller's own store has applied it (`None`: not at all): the state is replayed
    /// up to there, and everything after it comes out of the [`Applier`]. [`OpenError::Stored`] says that the store is of
    /// another history or ahead: it has to be forgotten, and the copy opened with `None`.
    pub fn open(options: ReplicaOptions, stored: Option<Position>) -> Result<(Arc<Self>, Applier), OpenError> {
        let opened = open::open(&options, stored)?;
        let (stored, whole_from) = (opened.stored, opened.closed.whole_from);
        let views = Views::new(options.region.clone(), opened.closed.overlay);
        if opened.is_seeded {
            // What it knew before the gap is not shown any more: the seed is the first thing that comes.
            views.start(opened.replay.state());
        } else {
            views.show(opened.replay.state(), stored.sequence.0);
        }
        let overlay_max = if options.projection { options.limits.overlay_orders } else { usize::MAX };
        let shared = Arc::new(Shared::new(Arc::new(views), Arc::clone(&options.clock), 1, overlay_max));
        shared.snapshot_at.store(opened.snapshot_at, Ordering::Relaxed);
        shared.retained.begins(opened.span.begin.sequence.next());
        if let Some(gap) = opened.gaps.last().filter(|gap| gap.to == opened.span.begin) {
            shared.retained.keep_too(gap.from.sequence);
        }
        shared.log_bytes.store(opened.log.as_ref().map_or(0, Log::segment_bytes), Ordering::Relaxed);

        let (dir, region_tag) = (opened.dir, shared.views.region_tag());
        let projection = Arc::new(if options.projection {
            let (tables, fs) = (table::on_disk(), Arc::clone(&options.fs));
            let (log_dir, started_at) = (dir.log(), stored.sequence);
            let chain = projection::Chain { fs: Arc::clone(&fs), log_dir, started_at, shared: Arc::clone(&shared) };
            Projection::opening(projection::Place { dir: dir.state(), tables, fs, chain }, region_tag, whole_from)
        } else {
            Projection::off()
        });
        let retention = Retention { log_bytes: options.log_bytes_max, days: options.closed_orders_days };
        let files = (Arc::clone(&options.fs), dir.log());
        let keeper =
            Keeper::new(Arc::clone(&shared), Arc::clone(&projection), retention, opened.snapshots.clone(), files);
        let last = Taken { at: Sequence(opened.snapshot_at), time: opened.replay.state().clock() };
        let every = options.snapshot_every_entries.max(1);
        let (offers, thread) = snapshotter::start(keeper, last, every, options.log.preparation)?;
        let mut followers: Vec<JoinHandle<()>> = thread.into_iter().collect();
        if options.projection {
            let epoch = opened.replay.state().region().map_or(0, |region| u32::from(region.epoch));
            followers.push(projection::start(projection::Follower {
                projection: Arc::clone(&projection),
                shared: Arc::clone(&shared),
                fs: Arc::clone(&options.fs),
                log_dir: dir.log(),
                state_dir: dir.state(),
                epoch: Epoch(epoch),
                keep_days: options.closed_orders_days,
                missed: opened.missed,
            })?);
        }
        let core = Arc::new(Core {
            fs: Arc::clone(&options.fs),
            log_dir: dir.log(),
            snapshots: opened.snapshots,
            shared,
            span: opened.span.into(),
            arrived: Watermark::new(opened.span.end.sequence.0),
            offers: Mutex::new(Some(offers)),
            gaps: RwLock::new(opened.gaps),
            close_wanted: AtomicBool::new(false),
        });
        let applier = Applier::new(Arc::clone(&core), opened.replay, stored);
        let replica = Self {
            core,
            options,
            projection,
            epoch: AtomicU32::new(dir.epoch().0),
            receiving: Mutex::new(Receiving { dir, log: opened.log, stopped: false }),
            followers: Mutex::new(followers),
        };
        Ok((Arc::new(replica), applier))
    }

    /// The synced end of what has arrived.
    pub fn received(&self) -> Position {
        self.core.end()
    }

    /// Its directory.
    pub fn dir(&self) -> &Path {
        &self.options.data_dir
    }

    /// First sequence in the log (the next one, where there is none).
    pub fn first(&self) -> Sequence {
        self.core.span.read().begin.sequence.next()
    }

    /// The epoch granted last.
    pub fn epoch(&self) -> Epoch {
        Epoch(self.epoch.load(Ordering::SeqCst))
    }

    /// Grants a later epoch: durable when it returns. An earlier one changes nothing.
    pub fn grant(&self, epoch: Epoch) -> Result<(), DirectoryError> {
        let mut receiving = self.receiving.lock();
        if epoch > receiving.dir.epoch() {
            receiving.dir.set_epoch(epoch)?;
            if let Some(log) = &mut receiving.log {
                log.enter_epoch(epoch);
            }
            self.epoch.store(epoch.0, Ordering::SeqCst);
        }
        Ok(())
    }

    /// Appends groups that continue the log, verbatim; synced when it returns the log's end. Groups that are there already
    /// are passed over. After an error some may have been appended: [`Replica::received`] tells. A full disk is
    /// [`AppendError::NoRoom`]: try later. After an I/O error nothing is appended any more ([`Replica::failure`]).
    pub fn append(&self, groups: &[Group<'_>]) -> Result<Position, AppendError> {
        self.append_in(None, groups)
    }

    /// The same for a writer that was let in with an epoch: refused ([`AppendError::OtherEpoch`]) as soon as another epoch
    /// was granted, however close the two come together.
    pub fn append_as(&self, writer: Epoch, groups: &[Group<'_>]) -> Result<Position, AppendError> {
        self.append_in(Some(writer), groups)
    }

    fn append_in(&self, writer: Option<Epoch>, groups: &[Group<'_>]) -> Result<Position, AppendError> {
        let mut receiving = self.receiving.lock();
        let closed = |cause: &str| AppendError::Poisoned { file: self.core.log_dir.clone(), cause: cause.to_owned() };
        if let Some(why) = self.failure() {
            return Err(closed(&why));
        }
        if receiving.stopped {
            return Err(closed("the copy is closed"));
        }
        let granted = receiving.dir.epoch();
        if let (Some(got), Some(first)) = (writer.filter(|writer| *writer != granted), groups.first()) {
            return Err(AppendError::OtherEpoch { first: first.first(), got, least: granted, most: granted });
        }
        let end = self.core.end();
        let fresh = groups.iter().position(|group| group.last() > end.sequence).unwrap_or(groups.len());
        let (known, fresh) = groups.split_at_checked(fresh).unwrap_or((groups, &[]));
        self.check_known(known, end)?;
        if fresh.is_empty() {
            return Ok(end);
        }
        if receiving.log.is_none() {
            let first = fresh.first().map_or(Sequence::NONE, Group::first);
            if first != Sequence::NONE.next() {
                let hash = fresh.first().map(Group::previous).unwrap_or_default();
                let got = Position { sequence: first.previous(), hash };
                return Err(AppendError::NotNext { expected: end, got });
            }
            let log = open::begin_log(&self.options, &mut receiving.dir, Position::ORIGIN);
            let no_room = |error: OpenError| AppendError::NoRoom {
                dir: self.core.log_dir.clone(),
                bytes: 0,
                detail: error.to_string(),
            };
            receiving.log = Some(log.map_err(no_room)?);
        }
        let Receiving { log: Some(log), dir, .. } = &mut *receiving else { return Ok(end) };
        self.trim(log, dir);
        self.check_bytes(log, end)?;
        let appended = log.append_received(fresh, SpaceClass::Normal);
        let end = log.last();
        let shared = &self.core.shared;
        shared.log_bytes.store(log.segment_bytes(), Ordering::Relaxed);
        if let Ok(appended) = &appended {
            shared.log_written.fetch_add(u64::try_from(appended.bytes).unwrap_or(u64::MAX), Ordering::Relaxed);
        }
        match &appended {
            Err(error @ AppendError::Poisoned { .. }) => {
                tracing::error!(region = %self.options.region, %error, "the copy takes nothing any more until a restart");
                self.core.shared.fail(&error.to_string());
            }
            Err(AppendError::NoRoom { detail, .. }) => self.core.shared.set_disk_full(Some(detail.clone())),
            _ => self.core.shared.set_disk_full(None),
        }
        self.core.arrived(end);
        appended.map(|appended| appended.last)
    }

    /// Lets go of what nobody needs any more. What is left begins later then.
    fn trim(&self, log: &mut Log, dir: &DataDir) {
        if self.core.shared.retained.trim(log) {
            match open::position_before(log, dir) {
                Ok(begin) => self.core.span.write().begin = begin,
                // Whoever reads from there on is told by the files.
                Err(error) => tracing::warn!(%error, "where the copy's log begins can't be read"),
            }
        }
    }

    /// A log that has all the bytes it may have takes no more until something can go: the region keeps what follows.
    fn check_bytes(&self, log: &Log, end: Position) -> Result<(), AppendError> {
        let (bytes, applied) = (log.segment_bytes(), self.core.shared.head.get());
        if bytes < self.options.log_bytes_max {
            return Ok(());
        }
        self.core.close_wanted.store(true, Ordering::SeqCst);
        let detail =
            format!("it has {bytes} bytes, and only what was applied may go, up to {applied} of {}", end.sequence);
        Err(AppendError::NoRoom { dir: self.core.log_dir.clone(), bytes: 0, detail })
    }

    /// Groups that are passed over must be those that are here; their last one stands for all of them.
    fn check_known(&self, known: &[Group<'_>], end: Position) -> Result<(), AppendError> {
        let Some(last) = known.last().map(Group::position) else { return Ok(()) };
        let differs = AppendError::NotNext { expected: end, got: last };
        let here = if last.sequence == end.sequence {
            last == end
        } else if last.sequence < self.core.span.read().begin.sequence {
            true
        } else {
            // What can't be read, or was trimmed, is not said to differ.
            !matches!(self.core.place_of(last), Ok(Place::Elsewhere))
        };
        if here { Ok(()) } else { Err(differs) }
    }

    /// The position at `sequence`, if a group ends there.
    pub fn position_at(&self, sequence: Sequence) -> Result<Option<Position>, ReadError> {
        let span = *self.core.span.read();
        if let Some(known) = [span.begin, span.end].into_iter().find(|known| known.sequence == sequence) {
            return Ok(Some(known));
        }
        if sequence < span.begin.sequence || sequence > span.end.sequence {
            return Ok(None);
        }
        Ok(self.reader(sequence)?.position())
    }

    /// Reads what has arrived after `after`; groups up to [`Replica::received`] may be read. An error where nothing has ever
    /// arrived.
    pub fn reader(&self, after: Sequence) -> Result<LogReader, ReadError> {
        LogReader::open(Arc::clone(&self.core.fs), &self.core.log_dir, after)
    }

    /// A way to ask; clones share it.
    pub fn reads(&self) -> ReplicaReads {
        ReplicaReads::new(Arc::clone(&self.core.shared), Arc::clone(&self.projection))
    }

    /// Whoever reads the copy could not: damage is remembered.
    pub fn could_not_read(&self, error: &ReadError) {
        self.core.shared.could_not_read(error);
    }

    /// What of the log was found to be damaged since the start, if anything.
    pub fn damage(&self) -> Option<Arc<str>> {
        self.core.shared.damage()
    }

    /// Why nothing can be appended any more, if so.
    pub fn failure(&self) -> Option<Arc<str>> {
        self.core.shared.failure()
    }

    /// Takes nothing more until a restart: what is here can't be applied, and a copy that nobody can read again must not say
    /// that it has what comes after.
    pub fn give_up(&self, why: &str) {
        self.core.shared.fail(why);
    }

    /// Ends the threads and leaves the mark of a clean stop. The applier answers [`Next::Closed`] from here on; it should
    /// have published what it wants before.
    pub fn stop(&self) -> Result<(), AppendError> {
        let mut receiving = self.receiving.lock();
        receiving.stopped = true;
        self.end();
        let closed = receiving.log.take().map_or(Ok(()), Log::close);
        // Whoever still asks keeps this value alive, but not the directory.
        receiving.dir.give_up();
        closed
    }

    fn end(&self) {
        let core = &self.core;
        core.shared.stop();
        core.arrived.close();
        core.shared.projected.close();
        core.shared.head.close();
        core.offers.lock().take();
        for follower in self.followers.lock().drain(..) {
            if follower.join().is_err() {
                tracing::error!("a thread that follows a copy of a log panicked");
            }
        }
    }
}

impl Drop for Replica {
    fn drop(&mut self) {
        if !self.receiving.get_mut().stopped {
            self.core.shared.abandon();
            self.end();
        }
    }
}
