//! The centre's process: the aggregator's region on a simulated disk with a store that outlives it.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use qucan::aggregator::region::{Cut, Guest, OpenRegionError, Opening, Region, apply};
use qucan::aggregator::store::Store;
use qucan::engine::OpenError;
use qucan::engine::clock::Clock;
use qucan_replication::{Fence, FenceReason, Greeting, Hello, Point, Sink, SinkError, SnapshotInfo};
use qucan_storage::Position;
use qucan_storage::fs::SimFs;
use tokio::runtime::Runtime;
use tokio::sync::watch;

use crate::clock::SimClock;
use crate::region::{is_full, log_options};
use crate::store::SimStore;

pub struct Centre {
    pub fs: SimFs,
    pub clock: Arc<SimClock>,
    pub store: Arc<SimStore>,
    pub region: Option<Arc<Region>>,
    pub stepped: Option<apply::Stepped>,
    pub up_at: Duration,
    pub fault_planned: bool,
    opening: Opening,
    _runtime: Runtime,
}

impl Centre {
    pub fn new(seed: u64, snapshot_every_entries: u64) -> Self {
        let (fs, clock, store) = (SimFs::new(!seed), Arc::new(SimClock::default()), Arc::new(SimStore::default()));
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let opening = Opening {
            data_dir: PathBuf::from("/centre"),
            keep_days: u16::MAX,
            clock: Arc::clone(&clock) as Arc<dyn Clock>,
            store: Arc::new(Store::double(Arc::clone(&store) as _)),
            runtime: runtime.handle().clone(),
            restart: watch::Sender::new(None),
            fs: fs.shared(),
            log: log_options(),
            snapshot_every_entries,
            log_bytes_max: u64::MAX,
        };
        Self {
            fs,
            clock,
            store,
            region: None,
            stepped: None,
            up_at: Duration::ZERO,
            fault_planned: false,
            opening,
            _runtime: runtime,
        }
    }

    /// Starts it. False where its disk kept it from it, as planned.
    pub fn start(&mut self) -> Result<bool, String> {
        match self.opening.open_stepped(&"east".parse().unwrap()) {
            Ok((region, stepped)) => {
                (self.region, self.stepped) = (Some(region), Some(stepped));
                Ok(true)
            }
            Err(OpenRegionError::Copy(OpenError::Stored { stored, end, why })) => {
                Err(format!("the store was at {stored}, the log ends at {end} ({why}), and it was not built again"))
            }
            Err(_) if self.fault_planned || is_full(&self.fs) => Ok(false),
            Err(error) => Err(format!("the centre can't start: {error}")),
        }
    }

    pub fn sink(&self) -> Option<CentreSink> {
        self.region.as_ref().map(|region| CentreSink { region: Arc::clone(region), guest: None })
    }

    pub fn received(&self) -> Option<Position> {
        self.region.as_ref().map(|region| region.received())
    }

    pub fn log_dir(&self) -> PathBuf {
        self.opening.regions_dir().join("east").join("log")
    }
}

/// The aggregator's way from a connection to its region, without tokens.
pub struct CentreSink {
    region: Arc<Region>,
    guest: Option<Guest>,
}

impl CentreSink {
    fn guest(&mut self) -> Result<&mut Guest, SinkError> {
        self.guest.as_mut().ok_or_else(|| SinkError::Malformed("nobody has said hello".to_owned()))
    }
}

impl Sink for CentreSink {
    fn greet(&mut self, hello: &Hello) -> Result<Greeting, SinkError> {
        let (guest, greeting) = Guest::greet(Arc::clone(&self.region), hello, &Cut::default())?;
        self.guest = Some(guest);
        Ok(greeting)
    }

    fn append(&mut self, groups: &[&[u8]]) -> Result<Point, SinkError> {
        self.guest()?.append(groups)
    }

    fn heard(&mut self, head: u64, bytes_behind: u64) {
        if let Some(guest) = &mut self.guest {
            guest.heard(head, bytes_behind);
        }
    }

    fn diverged(&mut self, at: Point, _: Option<[u8; 32]>, epoch: u32) -> Fence {
        match &mut self.guest {
            Some(guest) => guest.diverged(at),
            None => Fence { reason: FenceReason::OtherHistory, detail: String::new(), epoch },
        }
    }

    fn snapshot_wanted(&mut self, info: &SnapshotInfo) -> bool {
        self.guest.as_ref().is_some_and(|guest| guest.wants_snapshot(info))
    }

    fn snapshot_bytes(&mut self, info: &SnapshotInfo, offset: u64, bytes: &[u8]) -> Result<(), SinkError> {
        self.guest()?.snapshot_bytes(info, offset, bytes)
    }

    fn snapshot_end(&mut self, info: &SnapshotInfo) -> Result<Point, SinkError> {
        self.guest()?.snapshot_end(info)
    }
}
