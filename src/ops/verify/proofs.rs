//! What is proved, in order, and what the report says about it.

use std::collections::BTreeMap;
use std::time::Instant;

use qucan_storage::log::{OpenError, OpenFrom, Recovery};
use qucan_storage::snapshot::{SnapshotInfo, SnapshotStore};
use qucan_storage::{ChainHash, DataDir, Sequence};

use super::base::Base;
use super::check::Check;
use super::compare::{self, compare};
use super::decode::Source;
use super::disk::OnDisk;
use super::progress::Phase;
use super::report::{Findings, Pace, Report};
use super::rows::Expecting;
use super::second::SecondLook;
use super::states::States;
use super::walk::{self, Walk, Watch};
use super::{VerifyError, VerifyOptions};
use crate::domain::id::RegionTag;
use crate::domain::invariants::{Invariant, check_all};
use crate::domain::state::State;

/// A directory under proof.
pub(super) struct Proving<'d> {
    pub(super) dir: &'d DataDir,
    pub(super) store: &'d SnapshotStore,
    pub(super) options: &'d VerifyOptions,
    pub(super) report: Report,
    pub(super) found: Findings,
}

/// Why the proof ended before the log did.
enum Ended {
    /// The log can't be read.
    Log(OpenError),
    /// There is no state to begin with.
    Base,
    /// An entry can't be taken in.
    Replay(Sequence),
    Verify(VerifyError),
}

impl From<VerifyError> for Ended {
    fn from(error: VerifyError) -> Self {
        Self::Verify(error)
    }
}

impl Proving<'_> {
    /// Looks at everything.
    pub(super) fn prove(mut self) -> Result<Report, VerifyError> {
        let (snapshots, bad) = self.store.list().map_err(VerifyError::Snapshots)?;
        for bad in bad {
            self.found.add(Check::SnapshotWhole, format!("{}: {}", bad.path.display(), bad.what));
        }
        let begun = Instant::now();
        self.options.progress.begin(Phase::Projection, 0);
        let mut disk = OnDisk::read(&**self.dir.fs(), &self.dir.state(), &self.options.progress);
        if !disk.days.is_empty() {
            self.report.pace.push(Pace::new("projection", "orders", disk.orders, begun.elapsed()));
        }
        self.found.absorb(std::mem::take(&mut disk.found));
        match self.log(snapshots, &disk) {
            Ok(()) => {}
            Err(Ended::Log(error)) => {
                self.found.add(check_of(&error), error.to_string());
                self.report.prove("log", "can't be read to its end; nothing behind that was checked");
            }
            Err(Ended::Base) => self.report.prove("log", "there is no state to begin with; nothing else was checked"),
            Err(Ended::Replay(after)) => {
                self.report.prove("replay", format!("ended after entry {after}; nothing behind it was checked"));
            }
            Err(Ended::Verify(error)) => return Err(error),
        }
        self.report.conclude(&self.found);
        Ok(self.report)
    }

    /// Walks along the log and concludes from it.
    fn log(&mut self, snapshots: Vec<SnapshotInfo>, disk: &OnDisk) -> Result<(), Ended> {
        let (dir, log_dir) = (self.dir, self.dir.log());
        let proven = snapshots.last().map(|info| info.position.sequence).unwrap_or_default();
        let base = Base::choose(dir.fs(), &log_dir, self.store, snapshots, &mut self.found, &mut self.report)
            .map_err(Ended::Log)?
            .ok_or(Ended::Base)?;
        let (from, time) = (OpenFrom { after: base.begin, proven }, base.time());
        let progress = &*self.options.progress;
        let source = Source { fs: dir.fs(), dir: &log_dir, epoch: dir.epoch(), from, progress };
        let states = States::new(self.store, base.snapshots.last().cloned());
        let mut walk = Walk::new(base, disk.positions());
        let begun = Instant::now();
        self.options.progress.begin(Phase::Log, self.log_bytes());
        let expecting = Expecting::new(disk.limits(), self.options.closed_remembered, time);
        let (walked, mut expecting, states) = walk.along(&source, expecting, states);
        let took = begun.elapsed();
        self.found.absorb(std::mem::take(&mut walk.watch.found));
        self.found.absorb(std::mem::take(&mut expecting.found));
        let mut states = states.map_err(VerifyError::State)?;
        self.found.absorb(std::mem::take(&mut states.found));
        self.report.last_sequence = walk.replay.after().0;
        self.walked(&walked.map_err(Ended::Log)?);
        if let Some(broken) = &walk.broken {
            self.found.add(walk::check_of(broken), broken.to_string());
            return Err(Ended::Replay(walk.replay.after()));
        }
        let hash = walk.finish(&mut self.found).map_err(VerifyError::State)?;
        let compared = states.compared;
        let has_tail = states.finish(hash, &mut self.found).map_err(VerifyError::State)?;
        let Walk { replay, watch, hashes, .. } = walk;
        let (state, last) = (replay.state(), replay.after());
        self.report.pace.insert(0, Pace::new("log and replay", "entries", replay.entries(), took));
        self.report.state_hash = Some(hash.to_string());
        self.identity(state);
        self.report.prove("replay", format!("the state at {last} follows from the events, hash {hash:?}"));
        let with_tail = if has_tail { "; the newest and its tail give the same state" } else { "" };
        self.report.prove("snapshots", format!("{compared} equal the replayed state{with_tail}"));
        self.invariants(state);
        self.orders(&watch, state);
        self.sums(&watch, state);
        self.projection(&source, expecting, disk, &hashes, (state, last));
        Ok(())
    }

    fn log_bytes(&self) -> u64 {
        let files = self.dir.fs().list(&self.dir.log()).unwrap_or_default();
        files.iter().filter(|file| file.name.ends_with(".seg")).map(|file| file.len).sum()
    }

    /// What a walk to the log's end proves by itself.
    fn walked(&mut self, recovery: &Recovery) {
        let report = &mut self.report;
        report.last_sequence = recovery.last.sequence.0;
        report.chain_hash = recovery.last.hash.to_string();
        if let Some(torn) = &recovery.torn {
            let (file, offset, first, what) = (torn.file.display(), torn.offset, torn.first, &torn.what);
            report.note(format!(
                "{file}: torn at offset {offset} ({what}); entries from {first} on were never acknowledged and are cut off \
                 at the next start"
            ));
        }
        if recovery.after_io_error {
            report.note("an earlier run ended with an i/o error");
        }
        if recovery.clean_stop {
            report.note("the node was stopped cleanly");
        }
        let Recovery { entries, groups, first, last, .. } = recovery;
        let last = last.sequence;
        report.prove(
            "log",
            format!("{entries} entries in {groups} groups, {first} to {last}: gapless, checksums and chain hold"),
        );
    }

    fn identity(&mut self, state: &State) {
        let (region, epoch) = (&self.dir.identity().region, self.dir.epoch().0);
        let Some(known) = state.region() else {
            return self.found.add(Check::Identity, "the log does not say whose it is");
        };
        let same = known.region.as_str() == region && u32::from(known.epoch) <= epoch;
        let (of, in_epoch) = (&known.region, known.epoch);
        self.found.expect(same, Check::Identity, || {
            format!("the log is of region {of} in epoch {in_epoch}, the directory of {region} in {epoch}")
        });
    }

    /// All numbered invariants on the state at the log's end; a violation names its number.
    fn invariants(&mut self, state: &State) {
        for violation in check_all(state) {
            self.found.add(Check::Holds(violation.invariant), violation.to_string());
        }
        let (count, stores, open) = (Invariant::ALL.len(), state.stores().count(), state.open_orders());
        self.report
            .prove("invariants", format!("{count} hold for the state with {stores} stores and {open} open orders"));
    }

    fn orders(&mut self, watch: &Watch, state: &State) {
        let Watch { placed, order_events, closed, reopened, .. } = watch;
        let open = state.open_orders();
        self.report.prove(
            "orders",
            format!(
                "{placed} placed, {closed} closed, {reopened} opened again by late money, {open} open; amounts, money and \
                 life hold after each of {order_events} events"
            ),
        );
    }

    fn sums(&mut self, watch: &Watch, state: &State) {
        let (tally, found) = (&watch.tally, &mut self.found);
        let lines = tally.stock(state, "", found);
        self.report.prove("stock", format!("{lines} lines hold what the events reserved and sold"));
        let coupons = tally.coupons(state, "", found);
        let claimed = watch.claimed;
        self.report.prove("coupons", format!("{claimed} claims within quota and limit, {coupons} known now"));
        let stores = tally.offsets(state, "", found);
        self.report.prove("offsets", format!("{stores} stores count the events of their orders"));
    }

    fn projection(
        &mut self,
        source: &Source<'_>,
        expecting: Expecting,
        disk: &OnDisk,
        hashes: &BTreeMap<Sequence, ChainHash>,
        (state, last): (&State, Sequence),
    ) {
        let log = compare::Log { epoch: self.dir.epoch(), last, hashes };
        let (differing, older) = compare(disk, &expecting, &log, &mut self.found);
        let mut second = SecondLook::new(&expecting.unproven, differing);
        if second.is_needed() {
            self.options.progress.begin(Phase::SecondLook, self.log_bytes());
            let found = &mut self.found;
            let looked = source.scan(|group| Ok(second.group(group, found)?));
            if let Err(error) = looked {
                self.found.add(check_of(&error), error.to_string());
            }
        }
        if second.unproven > 0 {
            self.report.note(format!("{} closed orders opened again closed before the log begins", second.unproven));
        }
        let (tag, found) = (state.region_tag().unwrap_or(RegionTag(0)), &mut self.found);
        second.namings.into_iter().for_each(|naming| naming.finish(tag, &expecting.earlier, found));
        if older > 0 {
            self.report
                .note(format!("{older} closed orders closed before the log begins: only their own rows were compared"));
        }
        if disk.days.is_empty() && self.found.against("projection") == 0 {
            return self.report.note("there is no projection; the next start builds it from the log");
        }
        let reached = disk.reached.sequence;
        if reached < last {
            let behind = last.0 - reached.0;
            self.report.note(format!("the projection is {behind} entries behind the log and catches up by itself"));
        }
        let gone = expecting.orders_before(disk.days.keys().next().copied());
        if gone > 0 {
            self.report.note(format!("{gone} closed orders are past their retention and no longer projected"));
        }
        let (days, orders) = (disk.days.len(), disk.orders);
        let rows: u64 = disk.days.values().map(|day| day.rows.count).sum();
        let index = rows.saturating_sub(orders);
        self.report.prove(
            "projection",
            format!("{days} days, {orders} closed orders and {index} other rows are what the log says up to {reached}"),
        );
    }
}

/// Which check an error of the log belongs to.
fn check_of(error: &OpenError) -> Check {
    match error {
        OpenError::Rot { .. } => Check::LogWhole,
        OpenError::Gap { .. } => Check::LogBase,
        OpenError::OtherHistory { .. } => Check::LogHistory,
        OpenError::Missing { .. } => Check::LogThere,
        OpenError::NewerFormat { .. } => Check::LogFormat,
        OpenError::LaterEpoch { .. } => Check::LogEpoch,
        _ => Check::LogReadable,
    }
}
