//! From a data directory to a running state: newest good snapshot, then the log's tail, then the region's first entry where
//! there is none. Closed orders that the projection may not have applied yet are brought along in memory ([`Closed`]).

use std::sync::Arc;
use std::time::Instant;

use qucan_storage::log::{GroupBuffer, Log, LogOptions, OpenFrom, SpaceClass};
use qucan_storage::snapshot::SnapshotStore;
use qucan_storage::{DataDir, Expect, Position, Sequence};
use smol_str::SmolStr;

use super::OpenError;
use super::closed::{Closed, Kept};
use super::options::EngineOptions;
use super::records::{EntryMeta, encode_entry};
use super::replay::Replay;
use super::snapshots::{self, HashCheck};
use super::views::overlay::Overlay;
use crate::domain::actor::Actor;
use crate::domain::command::{Command, StartRegion};
use crate::domain::context::Context;
use crate::domain::coupon::RegionSecret;
use crate::domain::decide::decide;
use crate::domain::state::State;
use crate::domain::time::Timestamp;

/// A region as it was left, ready to go on.
pub(super) struct Recovered {
    pub(super) dir: DataDir,
    pub(super) log: Log,
    pub(super) state: State,
    pub(super) snapshots: SnapshotStore,
    pub(super) snapshot_at: Sequence,
    /// The time of the snapshot; of the last entry where there is none.
    pub(super) snapshot_time: Timestamp,
    pub(super) overlay: Overlay,
    /// The overlay holds what closed after this.
    pub(super) whole_from: u64,
}

/// Recovers or begins a region.
pub(super) fn recover(options: &EngineOptions) -> Result<Recovered, OpenError> {
    let begun = Instant::now();
    let expect = Expect { region: Some(options.region.as_str()), create: true };
    let mut dir = DataDir::open(Arc::clone(&options.fs), &options.data_dir, expect)?;
    let epoch = dir.epoch();
    let short_epoch = u16::try_from(epoch.0).map_err(|_| OpenError::EpochTooHigh { epoch: epoch.0 })?;
    let snapshots = SnapshotStore::open(Arc::clone(&options.fs), &dir.snapshot())?;
    let (loaded, bad) = snapshots::load_newest(&snapshots, HashCheck::Trust)?;
    for bad in bad {
        let instead = loaded.as_ref().map_or("the whole log".into(), |loaded| loaded.path.display().to_string());
        tracing::warn!(file = %bad.path.display(), what = %bad.what, instead, "a snapshot can't be used; an older one serves");
    }
    let snapshot_time = loaded.as_ref().map(|loaded| loaded.state.clock());
    let (state, from) = loaded.map_or((State::new(), Position::ORIGIN), |loaded| (loaded.state, loaded.position));
    let kept =
        Kept { orders_max: options.limits.overlay_orders, projection: options.projection, forget_at_once: false };
    let mut closed = Closed::begin(kept, &dir, epoch, from.sequence);
    let mut replay = Replay::new(state, from.sequence);
    let log_options = LogOptions { create: !dir.log_began(), ..options.log };
    let (mut log, recovery) =
        Log::open(Arc::clone(&options.fs), &dir.log(), epoch, OpenFrom::snapshot(from), log_options, |group| {
            replay.group(group)?;
            closed.take(replay.effects(), group.last());
            Ok(())
        })?;
    if let Some(torn) = &recovery.torn {
        tracing::warn!(file = %torn.file.display(), offset = torn.offset, first = torn.first.0, what = %torn.what,
            "the log's end was torn and cut off; nothing of it had been acknowledged");
    }
    if !dir.log_began() {
        dir.mark_log_began()?;
    }
    let mut state = replay.into_state();
    start_region(options, short_epoch, &mut state, &mut log)?;
    let head = log.last().sequence;
    let snapshot_time = snapshot_time.unwrap_or(state.clock());
    tracing::info!(
        head = head.0,
        snapshot = from.sequence.0,
        replayed = recovery.entries,
        open_orders = state.open_orders(),
        seconds = begun.elapsed().as_secs_f64(),
        "recovered"
    );
    Ok(Recovered {
        dir,
        log,
        state,
        snapshots,
        snapshot_at: from.sequence,
        snapshot_time,
        overlay: closed.overlay,
        // A mark ahead of the log is not of this log; then nothing closed is in memory, and all of it is to be rebuilt.
        whole_from: closed.whole_from.min(head.0),
    })
}

/// The first entry of an epoch: who the log belongs to, and under which secret.
fn start_region(options: &EngineOptions, epoch: u16, state: &mut State, log: &mut Log) -> Result<(), OpenError> {
    let known = state.region();
    if known.is_some_and(|known| known.epoch == epoch) {
        return Ok(());
    }
    let secret = match known {
        Some(known) => known.secret,
        None => draw_secret(options)?,
    };
    let failed = |why: &dyn std::fmt::Display| OpenError::FirstEntry(why.to_string());
    let start = StartRegion { region: options.region.clone(), epoch, secret };
    let now = options.clock.now().max(state.clock());
    let (actor, command) = (Actor::Node, Command::StartRegion(start));
    let context = Context { now, actor: &actor, settings: &options.settings, closed: None };
    let decision = decide(state, &context, &command).map_err(|error| failed(&error))?;
    let meta = EntryMeta { at: now, actor: Actor::Node, request_id: SmolStr::new_static("start"), device: None };
    let (mut buffer, mut effects) = (GroupBuffer::new(), Vec::new());
    for event in &decision.events {
        let mut encoded = Ok(());
        buffer.push_with(|bytes| encoded = encode_entry(bytes, &meta, event)).map_err(|error| failed(&error))?;
        encoded.map_err(|error| failed(&error))?;
        state.evolve(now, event, &mut effects).map_err(|error| failed(&error))?;
    }
    if !buffer.is_empty() {
        log.ensure_room(buffer.bytes(), SpaceClass::Critical).map_err(|error| failed(&error))?;
        log.append(&mut buffer, SpaceClass::Critical).map_err(|error| failed(&error))?;
    }
    Ok(())
}

fn draw_secret(options: &EngineOptions) -> Result<RegionSecret, OpenError> {
    let secret = options.fs.entropy();
    Ok(RegionSecret(secret.map_err(|error| OpenError::FirstEntry(format!("no random secret: {error}")))?))
}
