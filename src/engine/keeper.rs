//! Carries the retention out: looks at log and snapshots on the snapshots' thread, checks a base before anything is trimmed to
//! it, lets go of snapshots that nobody needs. The log is trimmed by whoever writes it ([`Retained::trim`]), between two
//! groups. Never here: which base; that is [`super::retention`].

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use parking_lot::Mutex;
use qucan_storage::Sequence;
use qucan_storage::fs::FileSystem;
use qucan_storage::log::{Log, Place, place_of, segment_sizes};
use qucan_storage::snapshot::{SnapshotError, SnapshotInfo, SnapshotStore};

use super::projection::Projection;
use super::retention::{Base, Look, Retention, Why};
use super::shared::Shared;
use super::snapshots::{self, LoadError};
use crate::domain::time::{BusinessDay, Timestamp};

/// Where the log begins and why, as those see it who write it, follow it and ask.
#[derive(Debug)]
pub(super) struct Retained {
    /// First sequence in the log.
    first: AtomicU64,
    /// The log may be trimmed to here: a checked snapshot stands there.
    trim_to: AtomicU64,
    /// Orders that closed before this time may be in the log no longer.
    since: AtomicI64,
    /// The centre has this; everything where there is no centre.
    acknowledged: AtomicU64,
    bytes_max: AtomicU64,
    /// One more snapshot that stays, although the log begins later.
    kept_too: AtomicU64,
    /// What went too early, in words.
    forced: Mutex<Option<String>>,
}

impl Default for Retained {
    fn default() -> Self {
        Self {
            first: AtomicU64::new(1),
            trim_to: AtomicU64::new(0),
            since: AtomicI64::new(i64::MIN),
            acknowledged: AtomicU64::new(u64::MAX),
            bytes_max: AtomicU64::new(u64::MAX),
            kept_too: AtomicU64::new(0),
            forced: Mutex::default(),
        }
    }
}

impl Retained {
    /// The log begins there now.
    pub(super) fn begins(&self, first: Sequence) {
        self.first.store(first.0, Ordering::Relaxed);
    }

    /// A snapshot before the log stays as long as the log begins where it does now.
    pub(super) fn keep_too(&self, at: Sequence) {
        self.kept_too.store(at.0, Ordering::Relaxed);
    }

    /// First sequence in the log.
    pub(super) fn first(&self) -> u64 {
        self.first.load(Ordering::Relaxed)
    }

    /// The bound of the log's bytes.
    pub(super) fn bytes_max(&self) -> u64 {
        self.bytes_max.load(Ordering::Relaxed)
    }

    /// There is a centre, and nothing is known of what it has.
    pub(super) fn expect_centre(&self) {
        self.acknowledged.store(0, Ordering::Relaxed);
    }

    /// The centre has everything up to here, as it has just said; less than before, where it was restored.
    pub(super) fn acknowledged(&self, through: u64) {
        self.acknowledged.store(through, Ordering::Relaxed);
    }

    /// What went too early for want of bytes, since the start.
    pub(super) fn forced(&self) -> Option<String> {
        self.forced.lock().clone()
    }

    /// Whether an order of that day may have closed before the log begins.
    pub(super) fn may_be_gone(&self, day: BusinessDay) -> bool {
        day.begins_anywhere().0 < self.since.load(Ordering::Relaxed)
    }

    /// Trims the log as far as it may be; answers whether it begins later now. Cheap where there is nothing to do.
    pub(super) fn trim(&self, log: &mut Log) -> bool {
        let to = Sequence(self.trim_to.load(Ordering::Acquire));
        let trimmed = to >= log.first() && log.trim(to.next()) > 0;
        if trimmed {
            self.begins(log.first());
            self.keep_too(Sequence::NONE);
            tracing::info!(first = log.first().0, bytes = log.segment_bytes(), "the log was trimmed");
        }
        trimmed
    }
}

/// Why it could not be looked.
#[derive(Debug, thiserror::Error)]
enum LookError {
    #[error(transparent)]
    Snapshots(#[from] SnapshotError),
    #[error("{}: {error}", path.display())]
    Log { path: PathBuf, error: io::Error },
}

/// Looks after log and snapshots.
pub(super) struct Keeper {
    shared: Arc<Shared>,
    projection: Arc<Projection>,
    retention: Retention,
    snapshots: SnapshotStore,
    fs: Arc<dyn FileSystem>,
    log_dir: PathBuf,
    /// Times of snapshots, as their heads say.
    times: BTreeMap<Sequence, Timestamp>,
    /// Snapshots that can't be a base.
    bad: BTreeSet<Sequence>,
    /// The base that was checked last.
    checked: Option<Sequence>,
    complaint: Option<String>,
}

impl Keeper {
    pub(super) fn new(
        shared: Arc<Shared>,
        projection: Arc<Projection>,
        retention: Retention,
        snapshots: SnapshotStore,
        (fs, log_dir): (Arc<dyn FileSystem>, PathBuf),
    ) -> Self {
        shared.retained.bytes_max.store(retention.log_bytes, Ordering::Relaxed);
        Self {
            shared,
            projection,
            retention,
            snapshots,
            fs,
            log_dir,
            times: BTreeMap::new(),
            bad: BTreeSet::new(),
            checked: None,
            complaint: None,
        }
    }

    pub(super) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    pub(super) fn snapshots(&self) -> &SnapshotStore {
        &self.snapshots
    }

    pub(super) fn retention(&self) -> Retention {
        self.retention
    }

    /// Where the log is trimmed, says from which time on it is whole. Only the base's head is read: before anybody asks.
    pub(super) fn begin(&mut self) {
        if self.shared.retained.first() > 1
            && let Err(error) = self.bases().map(|bases| self.settle_base(&bases))
        {
            tracing::warn!(%error, "the snapshot with which the log begins can't be looked at");
        }
    }

    /// Looks what can go, and lets it go. What can't be done now is looked at again.
    pub(super) fn look(&mut self) {
        match self.try_look() {
            Ok(()) => self.complaint = None,
            Err(error) => {
                let why = error.to_string();
                if self.complaint.as_ref() != Some(&why) {
                    tracing::warn!(%error, "it can't be looked what of the log may go; it is looked at again");
                }
                self.complaint = Some(why);
            }
        }
    }

    fn try_look(&mut self) -> Result<(), LookError> {
        let mut bases = self.bases()?;
        let mut base = self.settle_base(&bases);
        while let Some(at) = base.filter(|base| self.checked != Some(*base)) {
            if self.is_good(at)? {
                self.checked = Some(at);
            } else {
                bases.retain(|base| base.at != at);
                base = self.settle_base(&bases);
            }
        }
        let listed = segment_sizes(&*self.fs, &self.log_dir);
        let segments = listed.map_err(|error| LookError::Log { path: self.log_dir.clone(), error })?;
        loop {
            let look = Look {
                retention: self.retention,
                bases: &bases,
                segments: &segments,
                base: base.unwrap_or_default(),
                asked_from: self.asked_from(&bases),
                needed_after: Sequence(self.acknowledged().min(self.projection.persisted())),
                held_after: Sequence(self.shared.head.get()),
            };
            let Some((to, why)) = look.decide() else {
                // The base itself is never bad here, and a bad one is for a person to look at.
                let mut kept = look.kept();
                kept.extend(&self.bad);
                kept.push(Sequence(self.shared.retained.kept_too.load(Ordering::Relaxed)));
                self.snapshots.prune(&kept)?;
                return Ok(());
            };
            if self.is_good(to.at)? {
                self.move_base(to, why);
                base = Some(to.at);
            } else {
                bases.retain(|base| base.at != to.at);
            }
        }
    }

    /// What is left of the log begins with this snapshot; nothing while the log is whole.
    fn settle_base(&mut self, bases: &[Base]) -> Option<Sequence> {
        let retained = &self.shared.retained;
        let begins = Sequence(retained.first()).previous().max(Sequence(retained.trim_to.load(Ordering::Relaxed)));
        if begins == Sequence::NONE {
            return None;
        }
        let base = bases.iter().find(|base| base.at >= begins);
        let since = base.map_or(i64::MAX, |base| base.time.0);
        retained.since.store(since, Ordering::Relaxed);
        base.map(|base| base.at)
    }

    fn acknowledged(&self) -> u64 {
        self.shared.retained.acknowledged.load(Ordering::Relaxed)
    }

    /// Snapshots whose heads can be read, oldest first.
    fn bases(&mut self) -> Result<Vec<Base>, SnapshotError> {
        let (good, _) = self.snapshots.list()?;
        self.times.retain(|at, _| good.iter().any(|info| info.position.sequence == *at));
        self.bad.retain(|at| good.iter().any(|info| info.position.sequence == *at));
        let mut bases = Vec::with_capacity(good.len());
        for info in good {
            let at = info.position.sequence;
            if self.bad.contains(&at) {
                continue;
            }
            match self.time_of(&info) {
                Ok(time) => bases.push(Base { at, time }),
                Err(error) => self.name_bad(&info, &error.to_string()),
            }
        }
        Ok(bases)
    }

    fn time_of(&mut self, info: &SnapshotInfo) -> Result<Timestamp, LoadError> {
        if let Some(known) = self.times.get(&info.position.sequence) {
            return Ok(*known);
        }
        let time = snapshots::head(&mut self.snapshots.open_as_read(info)?)?.clock;
        self.times.insert(info.position.sequence, time);
        Ok(time)
    }

    fn name_bad(&mut self, info: &SnapshotInfo, why: &str) {
        tracing::warn!(file = %info.path.display(), why, "a snapshot can't be what the log begins with; another one serves");
        self.bad.insert(info.position.sequence);
    }

    /// Reads all of a snapshot and finds its place on the log's chain. One that is not good is named, once.
    fn is_good(&mut self, at: Sequence) -> Result<bool, LookError> {
        let (found, _) = self.snapshots.list()?;
        let Some(info) = found.into_iter().find(|info| info.position.sequence == at) else { return Ok(false) };
        let checked = self.snapshots.open_as_read(&info).map_err(LoadError::from).and_then(snapshots::check);
        let wrong = match checked {
            Err(error) => Some(error.to_string()),
            // A copy may begin with it before anything of it is published: how far the log goes is not asked.
            Ok(_) => match place_of(&self.fs, &self.log_dir, info.position, Sequence(u64::MAX)) {
                Ok(Place::OnChain) => None,
                Ok(Place::Elsewhere) => Some("it is of another history than the log".to_owned()),
                Ok(Place::Trimmed) => Some("the log begins behind it".to_owned()),
                Err(error) => Some(error.to_string()),
            },
        };
        if let Some(why) = &wrong {
            self.name_bad(&info, why);
        }
        Ok(wrong.is_none())
    }

    /// From which time on the log is still asked for; nothing while closed orders are not all where they are looked for.
    fn asked_from(&self, bases: &[Base]) -> Option<Timestamp> {
        let by_log = bases.last().map_or(Timestamp(0), |base| base.time);
        // A clock that has jumped ahead is not believed before the region has gone on by it.
        let by_clock = self.retention.oldest_day(self.shared.clock.now().min(by_log));
        let oldest = self.projection.oldest_day()?.map_or(by_clock, |day| day.min(by_clock));
        Some(oldest.begins_anywhere())
    }

    fn move_base(&mut self, to: Base, why: Why) {
        let (retained, metrics) = (&self.shared.retained, &self.shared.metrics);
        self.checked = Some(to.at);
        metrics.log_trims.get_or_create(&super::metrics::TrimLabels { reason: why.as_str() }).inc();
        if why == Why::Bytes {
            let acknowledged = self.acknowledged();
            let lacks = if acknowledged < to.at.0 {
                format!(
                    "; the centre may lack entries {} to {} and is seeded when it is there",
                    acknowledged + 1,
                    to.at
                )
            } else {
                String::new()
            };
            let text = format!(
                "the log came near its bound of {} bytes, so that entries up to {} went before their time: closed orders from \
                 before {} can't be found again if state/ is lost{lacks}",
                self.retention.log_bytes,
                to.at,
                text(to.time),
            );
            tracing::warn!(first = to.at.0 + 1, acknowledged, "{text}");
            *retained.forced.lock() = Some(text);
        }
        retained.since.store(to.time.0, Ordering::Relaxed);
        // Last: from here on the log may be trimmed.
        retained.trim_to.store(to.at.0, Ordering::Release);
    }
}

fn text(at: Timestamp) -> String {
    jiff::Timestamp::from_millisecond(at.0).map_or_else(|_| at.0.to_string(), |at| at.to_string())
}
