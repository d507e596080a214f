//! The centre's process: the aggregator's regions on one simulated disk, each with a store that outlives the process.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use qucan::aggregator::region::{OpenRegionError, Opening, Region, apply};
use qucan::aggregator::sink::RegionSink;
use qucan::aggregator::store::Store;
use qucan::domain::id::RegionId;
use qucan::engine::OpenError;
use qucan::engine::clock::Clock;
use qucan_storage::fs::{CrashPolicy, SimFs};
use qucan_storage::{Position, Sequence};
use tokio::runtime::Runtime;
use tokio::sync::watch;

use crate::clock::SimClock;
use crate::node::{end_process, is_full, is_named, log_options, point};
use crate::store::SimStore;
use crate::world::World;

pub struct Centre {
    pub fs: SimFs,
    pub clock: Arc<SimClock>,
    pub copies: Vec<RegionCopy>,
    pub up_at: Duration,
    pub fault_planned: bool,
    _runtime: Runtime,
}

/// What the centre has of one region.
pub struct RegionCopy {
    pub store: Arc<SimStore>,
    pub region: Option<Arc<Region>>,
    pub stepped: Option<apply::Stepped>,
    /// A bit of it on disk is another.
    pub rotten: bool,
    /// Why it can't be used any more.
    pub refuses: Option<String>,
    id: RegionId,
    opening: Opening,
}

impl RegionCopy {
    pub fn received(&self) -> Option<Position> {
        self.region.as_ref().map(|region| region.received())
    }

    pub fn dir(&self) -> PathBuf {
        self.opening.regions_dir().join(self.id.as_str())
    }

    pub fn log_dir(&self) -> PathBuf {
        self.dir().join("log")
    }

    /// It can't be used as it is; whoever starts the centre passes over it.
    pub fn is_refused(&mut self, why: String) {
        (self.stepped, self.region) = (None, None);
        self.refuses = Some(why);
    }
}

impl Centre {
    pub fn new(seed: u64, names: &[&str], snapshot_every_entries: u64) -> Self {
        let (fs, clock) = (SimFs::new(seed), Arc::new(SimClock::default()));
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let copies = names.iter().map(|name| {
            let store = Arc::new(SimStore::default());
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
            let id = name.parse().unwrap();
            RegionCopy { store, region: None, stepped: None, rotten: false, refuses: None, id, opening }
        });
        let copies = copies.collect();
        Self { fs, clock, copies, up_at: Duration::ZERO, fault_planned: false, _runtime: runtime }
    }

    /// Whether its process runs.
    pub fn is_up(&self) -> bool {
        self.copies.iter().all(|copy| copy.region.is_some() || copy.refuses.is_some())
    }

    /// Starts it. False where its disk kept it from it, as planned.
    fn start(&mut self) -> Result<bool, String> {
        for copy in &mut self.copies {
            if copy.refuses.is_some() || copy.region.is_some() {
                continue;
            }
            match copy.opening.open_stepped(&copy.id) {
                Ok((region, stepped)) => (copy.region, copy.stepped) = (Some(region), Some(stepped)),
                Err(OpenRegionError::Copy(OpenError::Stored { stored, end, why })) => {
                    return Err(format!(
                        "the store was at {stored}, the log ends at {end} ({why}), and was not built again"
                    ));
                }
                Err(_) if self.fault_planned || is_full(&self.fs) => return Ok(false),
                Err(error) if copy.rotten && is_named(&error.to_string()) => copy.is_refused(error.to_string()),
                Err(error) => return Err(format!("the centre can't start: {error}")),
            }
        }
        Ok(true)
    }

    /// The way of a connection to its region.
    pub fn sink(&self, region: usize) -> Option<RegionSink> {
        self.copies[region].region.as_ref().map(|region| RegionSink::open(Arc::clone(region)))
    }
}

impl World {
    pub fn centre_dies(&mut self, policy: Option<CrashPolicy>) {
        for copy in &mut self.centre.copies {
            if let (Some(received), Some(stepped)) = (copy.received(), &copy.stepped)
                && received.sequence > stepped.applier().published().sequence
            {
                self.tally.count("centre: died with entries not applied");
            }
        }
        end_process(&self.centre.fs, policy);
        for who in self.nodes() {
            if let Some(node) = self.regions[who.region].get_mut(who) {
                node.line.receiver = None;
                node.line.tear(&mut self.dice);
            }
        }
        for copy in &mut self.centre.copies {
            (copy.stepped, copy.region) = (None, None);
        }
        self.centre.fault_planned = false;
        self.dies_unacknowledged = false;
        self.centre.up_at = self.now + Duration::from_millis(self.dice.below(4_000));
    }

    pub fn centre_lives(&mut self) -> Result<(), String> {
        let failed = |copy: &RegionCopy| copy.region.as_ref().is_some_and(|copy| copy.replica().failure().is_some());
        if self.centre.copies.iter().any(failed) {
            if !self.centre.fault_planned {
                return Err("the centre's log failed on a healthy disk".to_owned());
            }
            self.tally.count("centre: disk failed under it");
            let policy = self.some_policy();
            self.centre_dies(policy);
        }
        for copy in &mut self.centre.copies {
            if copy.region.as_ref().is_some_and(|region| region.replica().is_stopped()) {
                self.tally.count("centre: a copy begins anew with a seed");
                (copy.stepped, copy.region) = (None, None);
            }
        }
        if self.centre.is_up() || self.now < self.centre.up_at {
            return Ok(());
        }
        let refused = |centre: &Centre| centre.copies.iter().filter(|copy| copy.refuses.is_some()).count();
        let before = refused(&self.centre);
        if !self.centre.start()? {
            self.tally.count("centre: failed to start");
            self.centre_dies(None);
            return Ok(());
        }
        if refused(&self.centre) > before {
            self.tally.count("rot: the centre refused a copy by name");
        }
        for (region, copy) in self.regions.iter_mut().zip(&mut self.centre.copies) {
            let Some(open) = &copy.region else { continue };
            let at = region.acknowledged;
            let here = open.replica().position_at(Sequence(at.sequence));
            match here {
                Ok(here) if here.map(point) == Some(at) => {}
                // It lies before a gap: the copy went on with a seed.
                Ok(None) if !open.replica().gaps().is_empty() && at.sequence < open.replica().first().0 => {}
                // Nothing proves a copy's very end; the region sends it again.
                Ok(_) if copy.rotten => region.acknowledged = point(open.received()),
                Err(error) if copy.rotten && is_named(&error.to_string()) => copy.is_refused(error.to_string()),
                here => return Err(format!("the centre acknowledged {at:?} and has {here:?} there after a restart")),
            }
        }
        Ok(())
    }

    pub fn centre_applies(&mut self, region: usize) -> Result<(), String> {
        if self.now < self.store_away_until || self.dice.one_in(3) {
            return Ok(());
        }
        let most = if self.dice.one_in(3) { 3 } else { 60 };
        let entries = 1 + self.dice.index(most);
        let copy = &mut self.centre.copies[region];
        let Some(stepped) = &mut copy.stepped else { return Ok(()) };
        match stepped.step(entries) {
            Ok(true) => {}
            Ok(false) => {
                if copy.store.rows().dead {
                    self.tally.count("centre: died around a store batch");
                } else {
                    self.tally.count("store: found wiped, the centre starts again");
                }
                let policy = self.some_policy();
                self.centre_dies(policy);
            }
            Err(_) if self.centre.fault_planned => self.tally.count("centre: applying waits for the disk"),
            Err(error) if copy.rotten && is_named(&error.to_string()) => {
                self.tally.count("rot: applying named it");
                copy.is_refused(error.to_string());
            }
            Err(error) => return Err(format!("the centre can't apply: {error}")),
        }
        Ok(())
    }
}
