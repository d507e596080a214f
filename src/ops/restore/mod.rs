//! `qucan restore --from-aggregator`: a region whose disk is lost gets its history back from the centre, under the next epoch.
//!
//! The epoch is granted first: from then on the centre takes nothing of the lost node any more, should it come back, so what
//! is fetched afterwards is all there is. The directory is built beside its place and renamed into it as a whole.

mod centre;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use qucan_storage::log::{AppendError, Group, GroupError, LogOptions};
use qucan_storage::snapshot::SnapshotStore;
use qucan_storage::{DirectoryError, Epoch, Position, fs};

use super::configuration::{self, Environment};
use super::console;
use crate::config::NodeConfig;
use crate::engine::clock::SystemClock;
use crate::engine::replica::{Replica, ReplicaOptions, SnapshotRefused};
use crate::engine::{EngineLimits, OpenError};
use crate::limits::SNAPSHOT_PIECE_BYTES;

use centre::{Centre, CentreError, Fetched};

/// Restores a region's data directory
#[derive(Debug, Clone, clap::Args)]
pub struct RestoreArgs {
    /// The aggregator, such as https://aggregator.example
    #[arg(long, value_name = "URL")]
    pub from_aggregator: String,
    /// The node's configuration: region, token and whom to trust
    #[arg(long, value_name = "FILE")]
    pub config: PathBuf,
    /// The data directory to make; missing or empty
    #[arg(long, value_name = "DIR")]
    pub data: PathBuf,
}

/// A directory that was not restored. Nothing is left at its place.
#[derive(Debug, thiserror::Error)]
enum RestoreError {
    #[error("the configuration has no [replication] with a token; the aggregator asks for it")]
    NoToken,
    #[error("{}: not empty; name a missing or empty directory, or move this one aside first", .0.display())]
    NotEmpty(PathBuf),
    #[error("{}: {error}", path.display())]
    Io { path: PathBuf, error: std::io::Error },
    #[error(transparent)]
    Centre(#[from] CentreError),
    #[error("the copy can't be opened: {0}")]
    Open(#[from] OpenError),
    #[error("the epoch can't be written: {0}")]
    Epoch(#[from] DirectoryError),
    #[error("the aggregator's log is damaged after sequence {after}: {error}")]
    Group { after: u64, error: GroupError },
    #[error(transparent)]
    Append(#[from] AppendError),
    #[error("the aggregator's snapshot can't be used: {0}")]
    Snapshot(#[from] SnapshotRefused),
    #[error("the aggregator's snapshot is damaged; ask again, or restore from a backup")]
    NoSnapshot,
}

/// What was restored.
struct Restored {
    epoch: Epoch,
    last: Position,
    began_with_snapshot: bool,
}

/// Runs the command.
pub fn run(args: &RestoreArgs, environment: Environment) -> ExitCode {
    let Some(config) = configuration::load_node(Some(&args.config), environment) else { return console::misused() };
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            console::say(format_args!("qucan restore: {error}"));
            return console::failed();
        }
    };
    match runtime.block_on(restore(args, &config)) {
        Ok(Restored { epoch, last, began_with_snapshot }) => {
            let history = if began_with_snapshot { "a snapshot and what followed it" } else { "the whole log" };
            let _closed = console::result(format_args!(
                "restored {}: region {}, {history} up to entry {}, epoch {epoch}",
                args.data.display(),
                config.region,
                last.sequence
            ));
            console::FINE
        }
        Err(error) => {
            console::say(format_args!("qucan restore: {error}"));
            match error {
                RestoreError::NoToken | RestoreError::NotEmpty(_) => console::misused(),
                _ => console::failed(),
            }
        }
    }
}

async fn restore(args: &RestoreArgs, config: &NodeConfig) -> Result<Restored, RestoreError> {
    let replication = config.replication.as_ref().ok_or(RestoreError::NoToken)?;
    let place = Place::beside(&args.data)?;
    let centre = Centre::new(&args.from_aggregator, config.region.as_str(), replication)?;
    let epoch = centre.grant().await?;
    console::say(format_args!("epoch {epoch} is granted; a node of an earlier epoch is fenced from now on"));

    let (replica, applier) = Replica::open(copy_options(config, &place.data()), None)?;
    // Nothing is applied here: the node itself replays what it starts on.
    drop(applier);
    replica.grant(epoch)?;
    let mut began_with_snapshot = false;
    loop {
        let after = replica.received().sequence.0;
        match centre.log(after).await? {
            Fetched::Trimmed => {
                centre.snapshot(&place.fetched()).await?;
                begin_with_snapshot(&replica, &place.fetched())?;
                began_with_snapshot = true;
            }
            Fetched::Page { groups, is_last } => {
                let groups: Vec<Group<'_>> = (groups.iter().map(|group| Group::parse(group)))
                    .collect::<Result<_, _>>()
                    .map_err(|error| RestoreError::Group { after, error })?;
                if !groups.is_empty() {
                    let last = replica.append(&groups)?;
                    console::say(format_args!("entry {}", last.sequence));
                }
                if is_last {
                    break;
                }
            }
        }
    }
    let last = replica.received();
    replica.stop()?;
    drop(replica);
    place.put(&args.data)?;
    Ok(Restored { epoch, last, began_with_snapshot })
}

/// Lets the log begin after the snapshot that was fetched.
fn begin_with_snapshot(replica: &Replica, fetched: &Path) -> Result<(), RestoreError> {
    let store = SnapshotStore::read_only(fs::real(), fetched);
    let (found, _) = store.list().map_err(SnapshotRefused::from)?;
    let info = found.first().ok_or(RestoreError::NoSnapshot)?;
    let mut incoming = replica.receive_snapshot(info.position, info.epoch, info.bytes)?;
    let mut piece = Vec::new();
    while incoming.received() < info.bytes {
        piece.clear();
        let offset = incoming.received();
        store.read_at(info, offset, SNAPSHOT_PIECE_BYTES, &mut piece).map_err(SnapshotRefused::from)?;
        if piece.is_empty() {
            return Err(RestoreError::NoSnapshot);
        }
        incoming.write(offset, &piece).map_err(SnapshotRefused::from)?;
    }
    replica.take_snapshot(incoming)?;
    Ok(())
}

fn copy_options(config: &NodeConfig, data_dir: &Path) -> ReplicaOptions {
    ReplicaOptions {
        data_dir: data_dir.to_owned(),
        region: config.region.clone(),
        closed_orders_days: config.orders.keep_days,
        projection: false,
        snapshot_every_entries: u64::MAX,
        log_bytes_max: u64::MAX,
        log: LogOptions::default(),
        clock: Arc::new(SystemClock),
        fs: fs::real(),
        limits: EngineLimits::default(),
    }
}

/// A directory that is built beside its place.
struct Place(tempfile::TempDir);

impl Place {
    fn beside(data: &Path) -> Result<Self, RestoreError> {
        let io = |error| RestoreError::Io { path: data.to_owned(), error };
        match std::fs::read_dir(data) {
            Ok(mut entries) => {
                if entries.next().is_some() {
                    return Err(RestoreError::NotEmpty(data.to_owned()));
                }
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(io(error)),
        }
        let parent = parent_of(data);
        std::fs::create_dir_all(&parent).map_err(io)?;
        Ok(Self(tempfile::Builder::new().prefix(".restoring-").tempdir_in(parent).map_err(io)?))
    }

    /// The directory that is being built.
    fn data(&self) -> PathBuf {
        self.0.path().join("data")
    }

    /// Where a snapshot is fetched to.
    fn fetched(&self) -> PathBuf {
        self.0.path().join("fetched")
    }

    /// Renames it into place; durable when it returns.
    fn put(self, data: &Path) -> Result<(), RestoreError> {
        let io = |error| RestoreError::Io { path: data.to_owned(), error };
        std::fs::rename(self.data(), data).map_err(io)?;
        std::fs::File::open(parent_of(data)).and_then(|parent| parent.sync_all()).map_err(io)
    }
}

fn parent_of(data: &Path) -> PathBuf {
    match data.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => PathBuf::from("."),
    }
}
