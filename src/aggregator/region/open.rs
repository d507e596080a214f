//! Opens a region's copy on what is on disk and on what the store says, and begins to apply. Blocking.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use arc_swap::ArcSwap;
use parking_lot::{Mutex, RwLock};
use qucan_storage::fs::FileSystem;
use qucan_storage::log::LogOptions;
use tokio::runtime::Handle;
use tokio::sync::watch;

use super::Region;
use super::announcement::Announcement;
use super::apply::{self, ApplyThread, Work};
use super::applying::Applying;
use super::guests::Guests;
use super::line::Line;
use crate::aggregator::picture::StockOutsCache;
use crate::aggregator::store::{Store, StoreError};
use crate::domain::id::{RegionId, RegionTag};
use crate::engine::clock::Clock;
use crate::engine::replica::{Replica, ReplicaOptions};
use crate::engine::{EngineLimits, OpenError};

/// What regions are opened with.
pub struct Opening {
    /// The centre's data directory.
    pub data_dir: PathBuf,
    /// Business days for which orders can be asked for.
    pub keep_days: u16,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// Where what is applied goes.
    pub store: Arc<Store>,
    /// Where the store's calls run.
    pub runtime: Handle,
    /// Told why the process has to start again, if so.
    pub restart: watch::Sender<Option<Arc<str>>>,
    /// Where the copies' logs and snapshots lie.
    pub fs: Arc<dyn FileSystem>,
    /// Sizes of log segments.
    pub log: LogOptions,
    /// Entries applied between two snapshots.
    pub snapshot_every_entries: u64,
    /// Bytes each copy's log may have.
    pub log_bytes_max: u64,
}

/// A region that can't be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenRegionError {
    /// Its copy can't be used.
    #[error(transparent)]
    Copy(#[from] OpenError),
    /// The store can't be asked.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A thread could not be started.
    #[error("a thread could not be started: {0}")]
    Thread(std::io::Error),
}

impl Opening {
    /// Where the copies lie.
    pub fn regions_dir(&self) -> PathBuf {
        self.data_dir.join("regions")
    }

    /// Opens a region, or makes it. Returns once its copy can take entries; what has arrived and is not applied comes after.
    pub fn open(&self, id: &RegionId) -> Result<(Arc<Region>, ApplyThread), OpenRegionError> {
        let work = self.work(id)?;
        let region = Arc::clone(&work.region);
        Ok((region, apply::start(work).map_err(OpenRegionError::Thread)?))
    }

    /// The same without a thread: whoever simulates applies step by step.
    #[cfg(feature = "simulation")]
    pub fn open_stepped(&self, id: &RegionId) -> Result<(Arc<Region>, apply::Stepped), OpenRegionError> {
        let work = self.work(id)?;
        let region = Arc::clone(&work.region);
        Ok((region, apply::Stepped::new(work)))
    }

    fn work(&self, id: &RegionId) -> Result<Work, OpenRegionError> {
        let dir = self.regions_dir().join(id.as_str());
        let mut stored = self.runtime.block_on(self.store.open_region(id))?;
        let (replica, applier) = match Replica::open(self.options(id, &dir), stored.cursor) {
            Err(error @ OpenError::Stored { .. }) => {
                tracing::warn!(region = %id, %error, "the store's rows are of another history; they are built again");
                self.runtime.block_on(self.store.forget_region(id))?;
                stored = self.runtime.block_on(self.store.open_region(id))?;
                Replica::open(self.options(id, &dir), None)?
            }
            opened => opened?,
        };
        let reads = replica.reads();
        self.store.serve_region(id, reads.clone());
        let announcement_file = dir.join("announcement.json");
        let region = Arc::new(Region {
            id: id.clone(),
            tag: RegionTag::of(id),
            line: Line::new(Arc::clone(&self.clock), replica.received().sequence.0),
            applying: Applying::new(Arc::clone(&self.clock)),
            applied: AtomicU64::new(stored.cursor.map_or(0, |cursor| cursor.sequence.0)),
            figures: RwLock::new(stored.figures.clone()),
            stock_outs: StockOutsCache::default(),
            announcement: ArcSwap::from_pointee(Announcement::load(&announcement_file)),
            announcement_file,
            gate: Mutex::default(),
            guests: Guests::default(),
            replica,
            reads,
        });
        Ok(Work {
            region,
            applier,
            stored,
            store: Arc::clone(&self.store),
            runtime: self.runtime.clone(),
            clock: Arc::clone(&self.clock),
            keep_days: self.keep_days,
            restart: self.restart.clone(),
        })
    }

    fn options(&self, id: &RegionId, dir: &Path) -> ReplicaOptions {
        ReplicaOptions {
            data_dir: dir.to_owned(),
            region: id.clone(),
            closed_orders_days: self.keep_days,
            projection: self.store.needs_projection(),
            snapshot_every_entries: self.snapshot_every_entries,
            log_bytes_max: self.log_bytes_max,
            log: self.log,
            clock: Arc::clone(&self.clock),
            fs: Arc::clone(&self.fs),
            limits: EngineLimits::default(),
        }
    }
}
