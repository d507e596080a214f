//! The region's process: the engine on a simulated disk, killed and started again. It may refuse to start or stop
//! working only where its disk was made to fail.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use qucan::domain::context::Settings;
use qucan::domain::time::Millis;
use qucan::engine::EngineOptions;
use qucan::engine::clock::Clock;
use qucan::engine::stepped::Stepped;
use qucan::node::LogSource;
use qucan_replication::{Identity, Point};
use qucan_storage::Position;
use qucan_storage::fs::{FileSystem, SimFs};
use qucan_storage::log::{LogOptions, Preparation};
use qucan_storage::snapshot::SnapshotStore;

use crate::clock::SimClock;

pub struct Region {
    pub fs: SimFs,
    pub clock: Arc<SimClock>,
    pub engine: Option<Stepped>,
    pub up_at: Duration,
    /// Something was planned that makes the disk fail.
    pub fault_planned: bool,
    options: EngineOptions,
    starts: u128,
}

/// Small segments, so that a run rolls through several; no threads.
pub fn log_options() -> LogOptions {
    LogOptions {
        create: false,
        segment_bytes_first: 24 << 10,
        segment_bytes_max: 48 << 10,
        reserve_bytes: 24 << 10,
        preparation: Preparation::Inline,
    }
}

/// A process may refuse to start where nothing can be written.
pub fn is_full(fs: &SimFs) -> bool {
    fs.free_space(Path::new("/")).unwrap() < 1 << 20
}

/// A position as replication knows it.
pub fn point(at: Position) -> Point {
    Point { sequence: at.sequence.0, hash: at.hash.0 }
}

impl Region {
    pub fn new(seed: u64, snapshot_every_entries: u64) -> Self {
        let (fs, clock) = (SimFs::new(seed), Arc::new(SimClock::default()));
        let mut options = EngineOptions::new("/region", "east".parse().unwrap());
        options.settings = Settings {
            pay_within: Millis::seconds(20),
            accept_within: Millis::seconds(15),
            auto_after: Millis::seconds(30),
            open_orders_per_member_max: Some(6),
        };
        options.grace = Millis::seconds(1);
        options.snapshot_every_entries = snapshot_every_entries;
        options.projection = false;
        options.log = log_options();
        options.clock = Arc::clone(&clock) as Arc<dyn Clock>;
        options.fs = fs.shared();
        Self { fs, clock, engine: None, up_at: Duration::ZERO, fault_planned: false, options, starts: 0 }
    }

    /// Starts it. False where its disk kept it from it, as planned.
    pub fn start(&mut self) -> Result<bool, String> {
        self.starts += 1;
        match Stepped::open(&self.options) {
            Ok(engine) => {
                self.engine = Some(engine);
                Ok(true)
            }
            Err(_) if self.fault_planned || is_full(&self.fs) => Ok(false),
            Err(error) => Err(format!("the region can't start: {error}")),
        }
    }

    pub fn log_dir(&self) -> PathBuf {
        self.options.data_dir.join("log")
    }

    pub fn last(&self) -> Option<Position> {
        self.engine.as_ref().map(Stepped::last)
    }

    pub fn source(&self) -> Option<LogSource> {
        let engine = self.engine.as_ref()?;
        let (region, announcement) = ("east".to_owned(), Vec::new());
        Some(LogSource {
            views: Arc::clone(engine.handle().views()),
            bytes_behind: Box::new(|_| 0),
            fs: self.fs.shared(),
            log_dir: engine.dir().log(),
            snapshots: SnapshotStore::read_only(self.fs.shared(), &engine.dir().snapshot()),
            identity: Identity { region, epoch: 1, instance: self.starts, announcement },
            reader: None,
        })
    }
}
