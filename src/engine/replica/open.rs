//! From a replica's directory to where the caller's store stands: the log is opened once, from the newest snapshot on;
//! the state is the newest snapshot at or before what the store has, and what follows up to there, replayed.

use std::sync::Arc;
use std::time::Instant;

use qucan_storage::log::{Log, LogOptions, LogReader, OpenError as LogOpenError, OpenFrom};
use qucan_storage::snapshot::SnapshotStore;
use qucan_storage::{DataDir, Expect, Position};

use super::ReplicaOptions;
use super::core::{Span, snapshots_on_chain};
use super::gaps::{Gap, Gaps};
use super::seed::{end_seed, missed, remove_strays, state_at};
use crate::domain::state::State;
use crate::engine::OpenError;
use crate::engine::closed::{Closed, Kept};
use crate::engine::projection::{Missed, mark};
use crate::engine::replay::Replay;
use crate::engine::snapshots::{self, HashCheck};

/// A replica as it was left.
pub(super) struct Opened {
    pub(super) dir: DataDir,
    /// None where nothing has ever arrived.
    pub(super) log: Option<Log>,
    pub(super) snapshots: SnapshotStore,
    pub(super) snapshot_at: u64,
    pub(super) span: Span,
    /// The state at what the store has.
    pub(super) replay: Replay,
    pub(super) stored: Position,
    pub(super) closed: Closed,
    pub(super) gaps: Gaps,
    /// The store stands before a gap: what comes first is the seed behind it.
    pub(super) is_seeded: bool,
    pub(super) missed: Option<Missed>,
}

/// Opens log and snapshots and replays up to `stored`.
pub(super) fn open(options: &ReplicaOptions, stored: Option<Position>) -> Result<Opened, OpenError> {
    let begun = Instant::now();
    let expect = Expect { region: Some(options.region.as_str()), create: true };
    let mut dir = DataDir::open(Arc::clone(&options.fs), &options.data_dir, expect)?;
    let snapshots = SnapshotStore::open(Arc::clone(&options.fs), &dir.snapshot())?;
    let gaps = Gaps::read(&dir)?;
    if let Some(gap) = gaps.last() {
        end_seed(options, &mut dir, gap)?;
    }
    let on_chain = snapshots_on_chain(&snapshots, &options.fs, &dir.log())?;
    let newest = on_chain.first().map_or(Position::ORIGIN, |info| info.position);
    let log = open_log(options, &mut dir, newest)?;
    let begin = match &log {
        Some(log) => position_before(log, &dir)?,
        None => Position::ORIGIN,
    };
    let span = Span { begin, end: log.as_ref().map_or(Position::ORIGIN, Log::last) };

    remove_strays(&snapshots, span.end)?;

    let stored = stored.unwrap_or(Position::ORIGIN);
    let gap = gaps.last().filter(|gap| gap.to == span.begin);
    let is_seeded = gap.is_some_and(|gap| gap.from == stored);
    let foreign = |why| OpenError::Stored { stored: stored.sequence, end: span.end.sequence, why };
    if stored.sequence > span.end.sequence {
        return Err(foreign("the log ends before"));
    }
    if stored != Position::ORIGIN && stored.sequence < begin.sequence && !is_seeded {
        return Err(foreign("the log begins later"));
    }
    let mut from = (State::new(), Position::ORIGIN);
    if is_seeded {
        let state = state_at(&snapshots, stored).ok_or_else(|| foreign("what was known there is gone"))?;
        from = (state, stored);
    }
    for info in on_chain.iter().filter(|info| info.position.sequence <= stored.sequence) {
        let loaded = snapshots.open_snapshot(info).map_err(snapshots::LoadError::from);
        match loaded.and_then(|reader| snapshots::load(reader, HashCheck::Trust)) {
            Ok(loaded) => {
                from = (loaded.state, loaded.position);
                break;
            }
            Err(error) => {
                tracing::warn!(file = %info.path.display(), what = %error, "a snapshot can't be used; an older one serves");
            }
        }
    }
    let (state, from) = from;
    if stored != Position::ORIGIN && from.sequence < begin.sequence && !is_seeded {
        return Err(foreign("there is no snapshot from which the log goes on"));
    }
    let kept = Kept {
        orders_max: options.limits.overlay_orders,
        projection: options.projection,
        forget_at_once: !options.projection,
    };
    let mut closed = Closed::begin(kept, &dir, dir.epoch(), from.sequence);
    let mut replay = Replay::new(state, from.sequence);
    if from != stored {
        let mut reader = LogReader::open(Arc::clone(&options.fs), &dir.log(), from.sequence)?;
        while let Some(group) = reader.next(stored.sequence)? {
            replay.group(&group)?;
            closed.take(replay.effects(), group.last());
        }
        if reader.position() != Some(stored) {
            return Err(foreign("it has another history there"));
        }
    }
    // Over a gap nothing is whole before the seed is there.
    closed.whole_from =
        gap.filter(|_| is_seeded).map_or(closed.whole_from.min(stored.sequence.0), |gap| gap.to.sequence.0);
    let is_behind =
        |gap: &&Gap| mark::read(&**dir.fs(), &dir.state(), dir.epoch().0).is_some_and(|at| at < gap.to.sequence.0);
    let missed = gap.filter(|_| options.projection).filter(is_behind).map(|gap| missed(&snapshots, gap));
    tracing::info!(
        region = %options.region,
        received = span.end.sequence.0,
        applied = stored.sequence.0,
        replayed = replay.entries(),
        seconds = begun.elapsed().as_secs_f64(),
        "a region's copy is open"
    );
    let snapshot_at = newest.sequence.0;
    Ok(Opened { dir, log, snapshots, snapshot_at, span, replay, stored, closed, gaps, is_seeded, missed })
}

/// Opens the log, if there is one.
fn open_log(options: &ReplicaOptions, dir: &mut DataDir, newest: Position) -> Result<Option<Log>, OpenError> {
    let log_options = LogOptions { create: false, ..options.log };
    let from = OpenFrom::snapshot(newest);
    let opened = Log::open(Arc::clone(&options.fs), &dir.log(), dir.epoch(), from, log_options, |_| Ok(()));
    match opened {
        Ok((log, recovery)) => {
            if let Some(torn) = &recovery.torn {
                tracing::warn!(file = %torn.file.display(), offset = torn.offset, first = torn.first.0, what = %torn.what,
                    "the end of a copy's log was torn and cut off; the region sends it again");
            }
            dir.mark_log_began()?;
            Ok(Some(log))
        }
        Err(LogOpenError::Missing { .. }) if !dir.log_began() => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Makes a log that begins after `after`.
pub(super) fn begin_log(options: &ReplicaOptions, dir: &mut DataDir, after: Position) -> Result<Log, OpenError> {
    let log_options = LogOptions { create: true, ..options.log };
    let from = OpenFrom::snapshot(after);
    let (log, _) = Log::open(Arc::clone(&options.fs), &dir.log(), dir.epoch(), from, log_options, |_| Ok(()))?;
    dir.mark_log_began()?;
    Ok(log)
}

/// The position before a log's first entry.
pub(super) fn position_before(log: &Log, dir: &DataDir) -> Result<Position, OpenError> {
    let before = log.first().previous();
    let reader = LogReader::open(Arc::clone(dir.fs()), &dir.log(), before)?;
    Ok(reader.position().unwrap_or(Position { sequence: before, ..Position::ORIGIN }))
}
