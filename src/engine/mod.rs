//! The engine: one writer thread that decides, logs and tells; and everything that follows the log inside the node.
//!
//! `Handle::submit` puts a request into a bounded queue; the writer takes a group, decides each command on the hot state,
//! appends the events with one fsync, publishes the read models, and only then answers. Never here: HTTP, JSON, pages.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;

use crossbeam_channel::{Sender, bounded};
use qucan_storage::fs::FileSystem;
use qucan_storage::log::{AppendError, Log};
use qucan_storage::snapshot::SnapshotStore;
use qucan_storage::{DataDir, DirectoryError, Sequence, log, snapshot};

use crate::domain::state::State;

pub mod answer;
pub mod clock;
mod closed;
pub mod commit;
mod deadlines;
pub mod handle;
pub mod history;
mod job;
mod keeper;
pub mod metrics;
pub mod options;
pub mod projection;
mod publish;
mod reclosed;
pub mod records;
mod recover;
pub mod replay;
pub mod replica;
pub mod retention;
mod shared;
pub mod snapshots;
mod snapshotter;
pub mod status;
#[cfg(feature = "simulation")]
pub mod stepped;
pub mod views;
mod writer;

pub use handle::Handle;
pub use history::{QueueCursor, QueueError, QueuePage, StoreOrdersFilter};
pub use options::{EngineLimits, EngineOptions};
pub use status::{Check, EngineStatus, ProjectionPhase, Rebuild};
pub use views::Views;

use deadlines::DeadlineGate;
use keeper::Keeper;
use projection::Projection;
use retention::Retention;
use shared::Shared;
use snapshotter::Taken;
use writer::{Control, Queues, Writer};

/// An engine that can't start. Nothing on disk was changed that a later start would miss.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The data directory can't be used.
    #[error(transparent)]
    Directory(#[from] DirectoryError),
    /// The log can't be opened.
    #[error(transparent)]
    Log(#[from] log::OpenError),
    /// The snapshots can't be read.
    #[error(transparent)]
    Snapshot(#[from] snapshot::SnapshotError),
    /// The directory's epoch is beyond what an order id can carry.
    #[error("epoch {epoch} is beyond what order ids can carry; start a new data directory")]
    EpochTooHigh {
        /// The epoch.
        epoch: u32,
    },
    /// A replica's log can't be read.
    #[error(transparent)]
    Read(#[from] log::ReadError),
    /// A replica's log can't be replayed.
    #[error(transparent)]
    Replay(#[from] replay::ReplayError),
    /// The store that a replica feeds is not at a place of its log.
    #[error(
        "the store has applied up to {stored}, which is not on the log that ends at {end} ({why}); it has to be built again"
    )]
    Stored {
        /// How far the store says it is.
        stored: Sequence,
        /// Where the log ends.
        end: Sequence,
        /// What does not fit.
        why: &'static str,
    },
    /// The log's segments can't be listed or removed.
    #[error("{}: the log's segments can't be listed or removed: {error}", dir.display())]
    Segments {
        /// Their directory.
        dir: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// What a copy missed can't be read.
    #[error(
        "{}: what this copy missed can't be read; move the region's copy aside, so that it is seeded anew", path.display()
    )]
    Gaps {
        /// The file.
        path: PathBuf,
    },
    /// The first entry could not be written.
    #[error("the region's first entry could not be written: {0}")]
    FirstEntry(String),
    /// A thread could not be started.
    #[error("a thread could not be started: {0}")]
    Thread(#[from] std::io::Error),
}

/// A stop that did not end cleanly. What was acknowledged is on disk all the same.
#[derive(Debug, thiserror::Error)]
pub enum StopError {
    /// It had failed before.
    #[error("the engine had failed before: {0}")]
    Failed(String),
    /// The clean-stop mark could not be written.
    #[error(transparent)]
    Log(#[from] AppendError),
    /// The last snapshot could not be written.
    #[error(transparent)]
    Snapshot(#[from] snapshots::WriteError),
}

/// Where what an engine has made durable lies, for those who read it from the files.
#[derive(Clone)]
pub struct Files {
    /// The file system.
    pub fs: Arc<dyn FileSystem>,
    /// The log's segments.
    pub log_dir: PathBuf,
    /// The snapshots; only to be read.
    pub snapshots: SnapshotStore,
    /// Derived state; may be deleted at any time.
    pub state_dir: PathBuf,
}

impl StopError {
    /// Whether only room was missing. A full disk stops nothing that was acknowledged, and costs a longer start.
    fn is_no_room(&self) -> bool {
        match self {
            Self::Failed(_) => false,
            Self::Log(error) => matches!(error, AppendError::NoRoom { .. }),
            Self::Snapshot(error) => error.is_no_room(),
        }
    }
}

/// A running engine. Dropped without [`Engine::stop`], it ends as if the process had been killed.
pub struct Engine {
    handle: Handle,
    shared: Arc<Shared>,
    control: Sender<Control>,
    writer: Option<JoinHandle<Option<(Log, State)>>>,
    followers: Vec<JoinHandle<()>>,
    snapshots: SnapshotStore,
    dir: DataDir,
}

impl Engine {
    /// Recovers the region from its data directory (or starts a new one) and runs. Ready when it returns; closed orders may
    /// answer `rebuilding` for a while after.
    pub fn open(options: EngineOptions) -> Result<Self, OpenError> {
        let Prepared { writer, handle, control, mut followers, projection, snapshots, dir } = Prepared::new(&options)?;
        if let Some(follower) = projection {
            followers.push(projection::start(follower)?);
        }
        let shared = Arc::clone(&writer.shared);
        let writer = std::thread::Builder::new().name("writer".to_owned()).spawn(move || writer::run(writer))?;
        Ok(Self { handle, shared, control, writer: Some(writer), followers, snapshots, dir })
    }

    /// A way to the engine.
    pub fn handle(&self) -> Handle {
        self.handle.clone()
    }

    /// Where its files lie.
    pub fn files(&self) -> Files {
        Files {
            fs: Arc::clone(self.dir.fs()),
            log_dir: self.dir.log(),
            snapshots: self.snapshots.clone(),
            state_dir: self.dir.state(),
        }
    }

    /// Takes no more requests, answers those already taken, writes a snapshot and the clean-stop mark, ends all threads.
    pub fn stop(mut self) -> Result<(), StopError> {
        self.shared.stop();
        let left = self.end(Control::Stop);
        let Some((log, state)) = left else {
            let why = self.shared.failure().map_or_else(|| "the writer was gone".to_owned(), |why| why.to_string());
            return Err(StopError::Failed(why));
        };
        let at = log.last();
        let snapshot = if at.sequence.0 > self.shared.snapshot_at.load(Ordering::Relaxed) {
            snapshotter::take(&self.shared, &self.snapshots, &state, at, self.dir.epoch()).map_err(StopError::from)
        } else {
            Ok(())
        };
        // With or without the snapshot: the mark proves how far the log was durable.
        let mark = log.close().map_err(StopError::from);
        for missed in [snapshot, mark].into_iter().filter_map(Result::err) {
            if !missed.is_no_room() {
                return Err(missed);
            }
            tracing::warn!(%missed, "no room for what would make the next start quicker");
        }
        Ok(())
    }

    /// Ends the writer and then those that follow it.
    fn end(&mut self, how: Control) -> Option<(Log, State)> {
        // An error says that the writer has ended already.
        let _ended = self.control.send(how);
        let left = self.writer.take()?.join().ok().flatten();
        self.shared.head.close();
        for follower in self.followers.drain(..) {
            if follower.join().is_err() {
                tracing::error!("a thread that follows the log panicked");
            }
        }
        left
    }
}

/// Everything of an engine but the threads that decide and project.
struct Prepared {
    writer: Writer,
    handle: Handle,
    control: Sender<Control>,
    followers: Vec<JoinHandle<()>>,
    projection: Option<projection::Follower>,
    snapshots: SnapshotStore,
    dir: DataDir,
}

impl Prepared {
    /// Recovers the region and starts what writes its snapshots.
    fn new(options: &EngineOptions) -> Result<Self, OpenError> {
        let recovered = recover::recover(options)?;
        let (state, log, epoch) = (recovered.state, recovered.log, recovered.dir.epoch());
        let head = log.last();
        let views = Views::new(options.region.clone(), recovered.overlay);
        views.show(&state, head.sequence.0);
        let limits = options.limits;
        let shared = Arc::new(Shared::new(
            Arc::new(views),
            Arc::clone(&options.clock),
            limits.committed_groups,
            if options.projection { limits.overlay_orders } else { usize::MAX },
        ));
        shared.snapshot_at.store(recovered.snapshot_at.0, Ordering::Relaxed);
        shared.retained.begins(log.first());
        if options.has_centre {
            shared.retained.expect_centre();
        }
        shared.log_bytes.store(log.segment_bytes(), Ordering::Relaxed);
        shared.set_fence(recovered.dir.fence().read()?.map(Arc::from));

        let region_tag = shared.views.region_tag();
        let projection = Arc::new(if options.projection {
            let (fs, shared) = (Arc::clone(&options.fs), Arc::clone(&shared));
            let place = projection::Place {
                dir: recovered.dir.state(),
                tables: Arc::clone(&options.tables),
                fs: Arc::clone(&fs),
                chain: projection::Chain { fs, log_dir: recovered.dir.log(), started_at: head.sequence, shared },
            };
            Projection::opening(place, region_tag, recovered.whole_from)
        } else {
            Projection::off()
        });
        let retention = Retention { log_bytes: options.log_bytes_max, days: options.closed_orders_days };
        let files = (Arc::clone(&options.fs), recovered.dir.log());
        let mut keeper =
            Keeper::new(Arc::clone(&shared), Arc::clone(&projection), retention, recovered.snapshots.clone(), files);
        keeper.begin();
        let last = Taken { at: recovered.snapshot_at, time: recovered.snapshot_time };
        let (snapshot_requests, thread) =
            snapshotter::start(keeper, last, options.snapshot_every_entries.max(1), options.log.preparation)?;
        let follower = options.projection.then(|| projection::Follower {
            projection: Arc::clone(&projection),
            shared: Arc::clone(&shared),
            fs: Arc::clone(&options.fs),
            log_dir: recovered.dir.log(),
            state_dir: recovered.dir.state(),
            epoch,
            keep_days: options.closed_orders_days,
            missed: None,
        });
        let (critical, critical_jobs) = bounded(limits.critical_queue);
        let (normal, normal_jobs) = bounded(limits.normal_queue);
        let (control, controls) = bounded(1);
        let writer = Writer {
            gate: DeadlineGate::new(options.grace, options.clock.now(), options.clock.steady()),
            shared: Arc::clone(&shared),
            log,
            state,
            settings: options.settings,
            limits,
            queues: Queues { critical: critical_jobs, normal: normal_jobs, control: controls },
            snapshots: snapshot_requests,
            group: writer::Group::default(),
        };
        let handle = Handle::new(shared, projection, critical, normal, recovered.dir.fence());
        Ok(Self {
            writer,
            handle,
            control,
            followers: thread.into_iter().collect(),
            projection: follower,
            snapshots: recovered.snapshots,
            dir: recovered.dir,
        })
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        if self.writer.is_some() {
            self.shared.abandon();
            drop(self.end(Control::Abandon));
        }
    }
}
