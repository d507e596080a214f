//! `qucan verify`: every promise about a stopped node's data, proved from the files alone. Takes the directory's lock and
//! changes nothing outside `state/`, which is derived.
//!
//! The log is read from its beginning (or the base snapshot) and replayed; snapshots, invariants, sums and the projection
//! are compared with what comes out. Nothing is repaired here.

mod projection;
mod report;
mod tally;
mod walk;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use qucan_storage::fs::{self, FileSystem};
use qucan_storage::log::{self, OpenError, OpenFrom, Recovery};
use qucan_storage::snapshot::{SnapshotError, SnapshotInfo, SnapshotStore};
use qucan_storage::{DataDir, DirectoryError, Expect, Position};

use crate::domain::invariants::{Invariant, check_all};
use crate::domain::state::State;
use crate::engine::records::RecordError;
use crate::engine::snapshots::{self, HashCheck, LoadError};

pub use report::{Finding, NAMED_MAX, Proof, Report};

use projection::ProjectionCheck;
use report::Findings;
use walk::{SecondWalk, Walk, Watch};

/// Checks every invariant of a stopped node's data.
#[derive(Debug, Clone, clap::Args)]
pub struct VerifyArgs {
    /// The node's data directory
    #[arg(long, value_name = "DIR")]
    pub data: PathBuf,
    /// Print the report as JSON
    #[arg(long)]
    pub json: bool,
}

/// Where the files are.
#[derive(Debug, Clone)]
pub struct VerifyOptions {
    /// The file system of log and snapshots.
    pub fs: Arc<dyn FileSystem>,
}

impl Default for VerifyOptions {
    fn default() -> Self {
        Self { fs: fs::real() }
    }
}

/// Why nothing could be verified at all.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// The directory can't be used: missing, foreign, in use, of a later version.
    #[error(transparent)]
    Directory(#[from] DirectoryError),
    /// The snapshots can't be listed.
    #[error(transparent)]
    Snapshots(#[from] SnapshotError),
    /// The state has no stored form.
    #[error(transparent)]
    State(#[from] RecordError),
}

/// Runs the command: report to stdout, errors to stderr. Exit code 0 if everything holds, 1 if anything is broken, 2 if the
/// directory can't be used.
#[expect(clippy::print_stderr, reason = "a command's error belongs on stderr")]
pub fn run(args: &VerifyArgs) -> ExitCode {
    let report = match verify(&args.data, &VerifyOptions::default()) {
        Ok(report) => report,
        Err(error) => {
            eprintln!("qucan verify: {error}");
            return ExitCode::from(2);
        }
    };
    let text = if args.json { serde_json::to_string(&report).map(|json| json + "\n") } else { Ok(report.text()) };
    // Where nobody reads, the exit code says it.
    let _closed = std::io::stdout().write_all(text.unwrap_or_default().as_bytes());
    if report.ok { ExitCode::SUCCESS } else { ExitCode::from(1) }
}

/// Proves what can be proved about a data directory.
pub fn verify(dir: &Path, options: &VerifyOptions) -> Result<Report, VerifyError> {
    let dir = DataDir::open(Arc::clone(&options.fs), dir, Expect { region: None, create: false })?;
    let identity = dir.identity();
    let (region, epoch) = (identity.region.clone(), dir.epoch().0);
    let mut report = Report { ok: true, region, epoch, ..Report::default() };
    if !dir.log_began() {
        report.note("nothing was ever logged here");
        return Ok(report);
    }
    let store = SnapshotStore::read_only(Arc::clone(&options.fs), &dir.snapshot());
    let (good, bad) = store.list()?;
    let mut snapshots_found = Findings::default();
    snapshots_found.extend(bad.iter().map(|bad| format!("{}: {}", bad.path.display(), bad.what)));

    let checks = Checks { dir: &dir, store: &store };
    let projection = ProjectionCheck::open(&dir.state());
    match checks.walk(good, Watch { projection, ..Watch::default() }, &mut report) {
        Ok(walked) => checks.conclude(walked, snapshots_found, &mut report)?,
        Err(broken) => {
            let mut found = Findings::default();
            found.add(broken.to_string());
            report.prove("log", "can't be read to its end; nothing else was checked", &found);
            if snapshots_found.count > 0 {
                report.prove("snapshots", "by their headers only", &snapshots_found);
            }
        }
    }
    Ok(report)
}

/// Why the log could not be walked along.
#[derive(Debug, thiserror::Error)]
enum WalkError {
    #[error(transparent)]
    Log(#[from] OpenError),
    #[error("the log begins at {begins}, and no snapshot reaches there")]
    NoBase { begins: u64 },
    #[error("the base can't be used: {0}")]
    Base(#[from] LoadError),
    #[error(transparent)]
    State(#[from] Box<dyn std::error::Error + Send + Sync>),
}

struct Checks<'d> {
    dir: &'d DataDir,
    store: &'d SnapshotStore,
}

impl<'d> Checks<'d> {
    /// Walks along the log, from its first entry or, where that was trimmed, from the base snapshot.
    fn walk(
        &self,
        snapshots: Vec<SnapshotInfo>,
        mut watch: Watch,
        report: &mut Report,
    ) -> Result<(Walk<'d>, Recovery, Position), WalkError> {
        let proven = snapshots.last().map(|info| info.position.sequence).unwrap_or_default();
        let chain = log::verify_chain(self.dir.fs(), &self.dir.log(), proven)?;
        let (state, from) = if chain.first.0 <= 1 {
            (State::new(), Position::ORIGIN)
        } else {
            let base = snapshots.iter().find(|info| info.position.sequence >= chain.first.previous());
            let base = base.ok_or(WalkError::NoBase { begins: chain.first.0 })?;
            report.note(format!("the log begins at {}; base is {}", chain.first, base.path.display()));
            let reader = self.store.open_snapshot(base).map_err(LoadError::from)?;
            let loaded = snapshots::load(reader, HashCheck::Compute)?;
            watch.projection.begins_at(loaded.state.clock());
            (loaded.state, loaded.position)
        };
        // What lies before the base has nothing to be compared with.
        let snapshots = snapshots.into_iter().filter(|info| info.position.sequence >= from.sequence).collect();
        let mut walk = Walk::new(self.store, snapshots, state, from.sequence, watch);
        walk.at(from)?;
        let from_here = OpenFrom { after: from, proven };
        let recovery =
            log::scan(self.dir.fs(), &self.dir.log(), Some(self.dir.epoch()), from_here, |group| walk.group(group))?;
        Ok((walk, Recovery { first: chain.first, ..recovery }, from))
    }

    /// Says what the walk proved.
    fn conclude(
        &self,
        (mut walk, recovery, from): (Walk<'_>, Recovery, Position),
        snapshots_found: Findings,
        report: &mut Report,
    ) -> Result<(), VerifyError> {
        let hash = walk.finish()?;
        report.last_sequence = recovery.last.sequence.0;
        report.chain_hash = recovery.last.hash.to_string();
        report.state_hash = Some(hash.to_string());
        note_end(&recovery, report);
        let (groups, entries, first) = (recovery.groups, walk.replay.entries(), recovery.first);
        let last = recovery.last.sequence;
        let none = Findings::default();
        report.prove(
            "log",
            format!("{entries} entries in {groups} groups, {first} to {last}: gapless, checksums and chain hold"),
            &none,
        );
        let mut state_found = Findings::default();
        self.identity(walk.replay.state(), &mut state_found);
        report.prove("replay", format!("the state at {last} follows from the events, hash {hash:?}"), &state_found);

        let mut found = snapshots_found;
        found.count += walk.snapshots.count;
        found.first.append(&mut walk.snapshots.first);
        let with_tail = if walk.from_newest.is_some() { "; the newest and its tail give the same state" } else { "" };
        report.prove("snapshots", format!("{} equal the replayed state{with_tail}", walk.compared), &found);
        invariants(walk.replay.state(), report);
        self.sums_and_orders(walk, from, report);
        Ok(())
    }

    fn identity(&self, state: &State, found: &mut Findings) {
        let (region, epoch) = (&self.dir.identity().region, self.dir.epoch().0);
        match state.region() {
            Some(known) => {
                found.expect(known.region.as_str() == region && u32::from(known.epoch) <= epoch, || {
                    format!(
                        "the log is of region {} in epoch {}, the directory of {region} in {epoch}",
                        known.region, known.epoch
                    )
                });
            }
            None => found.add("the log does not say whose it is"),
        }
    }

    fn sums_and_orders(&self, walk: Walk<'_>, from: Position, report: &mut Report) {
        let Walk { replay, mut watch, .. } = walk;
        let (state, last) = (replay.state(), replay.after());
        let differing = watch.projection.compare(self.dir.epoch(), last);
        let namings = differing.iter().map(|day| watch.projection.begin_naming(*day)).collect();
        let mut second = SecondWalk::new(&watch.reopened, namings);
        if second.is_needed() {
            let from_here = OpenFrom { after: from, proven: last };
            let orders = &mut watch.orders;
            let walked = log::scan(self.dir.fs(), &self.dir.log(), Some(self.dir.epoch()), from_here, |group| {
                Ok(second.group(group, orders)?)
            });
            if let Err(error) = walked {
                watch.orders.add(format!("the second walk along the log failed: {error}"));
            }
        }
        if second.unproven > 0 {
            report.note(format!("{} closed orders opened again closed before the log begins", second.unproven));
        }
        let tag = state.region_tag().unwrap_or(crate::domain::id::RegionTag(0));
        second.namings.into_iter().for_each(|naming| watch.projection.finish_naming(naming, tag));

        let Watch { placed, order_events, closed, claimed, reopened, .. } = &watch;
        report.prove(
            "orders",
            format!(
                "{placed} placed, {closed} closed, {} opened again by late money, {} open; amounts, money and life hold \
                 after each of {order_events} events",
                reopened.len(),
                state.open_orders(),
            ),
            &watch.orders,
        );
        let mut found = Findings::default();
        let lines = watch.tally.stock(state, &mut found);
        report.prove("stock", format!("{lines} lines hold what the events reserved and sold"), &found);
        let mut found = watch.claims.clone();
        let coupons = watch.tally.coupons(state, &mut found);
        report.prove("coupons", format!("{claimed} claims within quota and limit, {coupons} known now"), &found);
        let mut found = Findings::default();
        let stores = watch.tally.offsets(state, &mut found);
        report.prove("offsets", format!("{stores} stores count the events of their orders"), &found);
        projection(watch.projection, last.0, report);
    }
}

fn note_end(recovery: &Recovery, report: &mut Report) {
    if let Some(torn) = &recovery.torn {
        let (file, offset, first, what) = (torn.file.display(), torn.offset, torn.first, &torn.what);
        report.note(format!(
            "{file}: torn at offset {offset} ({what}); entries from {first} on were never acknowledged and are cut off at \
             the next start"
        ));
    }
    if recovery.after_io_error {
        report.note("an earlier run ended with an i/o error");
    }
    if recovery.clean_stop {
        report.note("the node was stopped cleanly");
    }
}

/// All numbered invariants on the state at the log's end; a violation names its number.
fn invariants(state: &State, report: &mut Report) {
    let mut found = Findings::default();
    found.extend(check_all(state));
    let (count, stores, open) = (Invariant::ALL.len(), state.stores().count(), state.open_orders());
    report.prove(
        "invariants",
        format!("{count} hold for the state with {stores} stores and {open} open orders"),
        &found,
    );
}

fn projection(check: ProjectionCheck, last: u64, report: &mut Report) {
    if check.is_empty() {
        report.note("there is no projection; the next start builds it from the log");
        return;
    }
    let reached = check.reached().0;
    if reached < last {
        report.note(format!("the projection is {} entries behind the log and catches up by itself", last - reached));
    }
    let gone = check.past_retention();
    if gone > 0 {
        report.note(format!("{gone} closed orders are past their retention and no longer projected"));
    }
    let earlier = check.earlier();
    if earlier > 0 {
        report.note(format!("{earlier} closed orders closed before the log begins: only their own rows were compared"));
    }
    let summary = check.summary();
    report.prove("projection", summary, &check.into_findings());
}
