//! `qucan verify`: every promise about a stopped node's data, proved from the files alone. Takes the directory's lock and
//! changes nothing outside `state/`, which is derived.
//!
//! The projection is read first; then the log, from its beginning (or the base snapshot), is replayed, and snapshots,
//! invariants, sums and the projection are compared with what comes out. Nothing is repaired here.

mod base;
mod check;
mod compare;
mod decode;
mod disk;
mod naming;
mod progress;
mod proofs;
mod report;
mod rows;
mod second;
mod states;
mod tally;
mod walk;

use std::io::{IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use qucan_storage::fs::{self, FileSystem};
use qucan_storage::snapshot::{SnapshotError, SnapshotStore};
use qucan_storage::{DataDir, DirectoryError, Expect};

use crate::engine::records::RecordError;
use crate::limits::VERIFY_CLOSED_REMEMBERED;
use crate::ops::console;

pub use check::Check;
pub use progress::Progress;
pub use report::{Finding, NAMED_MAX, Pace, Proof, Report};

use progress::Watching;
use proofs::Proving;
use report::Findings;

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

/// Where the files are, and who watches.
#[derive(Debug, Clone)]
pub struct VerifyOptions {
    /// The file system of log and snapshots.
    pub fs: Arc<dyn FileSystem>,
    /// Raised as the work goes on.
    pub progress: Arc<Progress>,
    /// Orders closed last that are remembered, twice over; late money for older ones costs a second look along the log.
    pub closed_remembered: usize,
}

impl Default for VerifyOptions {
    fn default() -> Self {
        Self { fs: fs::real(), progress: Arc::default(), closed_remembered: VERIFY_CLOSED_REMEMBERED }
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

/// Runs the command: report to stdout, progress and errors to stderr. Exit code 0 if everything holds, 1 if anything is
/// broken, 2 if the directory can't be used.
pub fn run(args: &VerifyArgs) -> ExitCode {
    let options = VerifyOptions::default();
    let (end, ended) = crossbeam_channel::bounded(0);
    let watching = Watching::on(std::io::stderr().is_terminal());
    let verified = std::thread::scope(|scope| {
        scope.spawn(|| watching.tell(&options.progress, &ended, std::io::stderr()));
        let verified = verify(&args.data, &options);
        drop(end);
        verified
    });
    let report = match verified {
        Ok(report) => report,
        Err(error) => {
            console::say(format_args!("qucan verify: {error}"));
            return console::misused();
        }
    };
    let text = if args.json { serde_json::to_string(&report).map(|json| json + "\n") } else { Ok(report.text()) };
    // Where nobody reads, the exit code says it.
    let _closed = std::io::stdout().write_all(text.unwrap_or_default().as_bytes());
    if report.ok { console::FINE } else { console::failed() }
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
    Proving { dir: &dir, store: &store, options, report, found: Findings::default() }.prove()
}
