//! All regions of the centre: those of the configuration, opened at the start; in a sandbox without any, whoever comes. And
//! who may speak for which: tokens are compared by their hashes, all of them, in constant time.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use parking_lot::{Mutex, RwLock};
use qucan_storage::DirectoryError;
use tokio::sync::watch;

use super::region::apply::{ApplyThread, move_aside};
use super::region::{OpenRegionError, Opening, Region};
use crate::config::Secret;
use crate::domain::id::{OrderId, RegionId};
use crate::engine::OpenError;
use crate::limits::{LINES_PER_REGION_MAX, REGIONS_MAX, SANDBOX_REGIONS_MAX};

/// The token of every region in a sandbox that has none configured.
pub const SANDBOX_REGION_TOKEN: &str = "sandbox-region-token";

/// For which region somebody speaks.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Pass {
    /// The region of the token.
    Of(RegionId),
    /// A sandbox's: any.
    Any,
}

impl Pass {
    /// Whether it is good for a region.
    pub fn is_for(&self, region: &RegionId) -> bool {
        match self {
            Self::Of(mine) => mine == region,
            Self::Any => true,
        }
    }
}

/// All regions.
pub struct Regions {
    opening: Opening,
    tokens: Vec<(Pass, blake3::Hash)>,
    open: RwLock<BTreeMap<RegionId, Arc<Region>>>,
    /// Regions whose copies can't be used, with the reason.
    broken: RwLock<BTreeMap<RegionId, String>>,
    threads: Mutex<BTreeMap<RegionId, ApplyThread>>,
    restart: watch::Receiver<Option<Arc<str>>>,
    /// One at a time makes a region.
    making: Mutex<()>,
    lines: Lines,
}

/// Bounds the connections of each token.
#[derive(Default)]
pub struct Lines {
    taken: Arc<Mutex<BTreeMap<Pass, usize>>>,
}

/// A connection's place; given back when dropped.
pub struct LinePlace {
    taken: Arc<Mutex<BTreeMap<Pass, usize>>>,
    pass: Pass,
}

impl Lines {
    /// A place, or nothing where there are as many connections as there may be.
    pub fn take(&self, pass: &Pass) -> Option<LinePlace> {
        let most = match pass {
            Pass::Of(_) => LINES_PER_REGION_MAX,
            Pass::Any => LINES_PER_REGION_MAX * SANDBOX_REGIONS_MAX,
        };
        let mut taken = self.taken.lock();
        let count = taken.entry(pass.clone()).or_default();
        if *count >= most {
            return None;
        }
        *count += 1;
        Some(LinePlace { taken: Arc::clone(&self.taken), pass: pass.clone() })
    }
}

impl Drop for LinePlace {
    fn drop(&mut self) {
        if let Some(count) = self.taken.lock().get_mut(&self.pass) {
            *count = count.saturating_sub(1);
        }
    }
}

impl Regions {
    /// Opens the configured regions. One that can't be opened is named and left out; the others serve. Blocking.
    pub fn open(
        opening: Opening,
        configured: &[(RegionId, Secret)],
        restart: watch::Receiver<Option<Arc<str>>>,
        is_sandbox: bool,
    ) -> Result<Arc<Self>, OpenRegionError> {
        let hash = |token: &str| blake3::hash(token.as_bytes());
        let mut tokens: Vec<_> =
            configured.iter().map(|(region, token)| (Pass::Of(region.clone()), hash(token.reveal()))).collect();
        let mut wanted: Vec<RegionId> = configured.iter().map(|(region, _)| region.clone()).take(REGIONS_MAX).collect();
        if configured.is_empty() && is_sandbox {
            tokens.push((Pass::Any, hash(SANDBOX_REGION_TOKEN)));
            wanted = found_in(&opening.regions_dir());
        }
        let regions = Arc::new(Self {
            opening,
            tokens,
            open: RwLock::default(),
            broken: RwLock::default(),
            threads: Mutex::default(),
            restart,
            making: Mutex::default(),
            lines: Lines::default(),
        });
        for region in wanted {
            match regions.make(&region) {
                Ok(_) => {}
                Err(OpenRegionError::Copy(error)) if !is_in_use(&error) => {
                    tracing::error!(%region, %error, "a region's copy can't be used; the others are served");
                    let why = regions.why_broken(&region, &error);
                    regions.broken.write().insert(region, why);
                }
                Err(error) => return Err(error),
            }
        }
        Ok(regions)
    }

    /// What a person is told: what is wrong, and the way out.
    fn why_broken(&self, id: &RegionId, error: &dyn fmt::Display) -> String {
        format!("{error}; {}", move_aside(&self.opening.regions_dir().join(id.as_str())))
    }

    fn make(&self, id: &RegionId) -> Result<Arc<Region>, OpenRegionError> {
        let _making = self.making.lock();
        if let Some(region) = self.get(id) {
            return Ok(region);
        }
        let (region, thread) = self.opening.open(id)?;
        self.threads.lock().insert(id.clone(), thread);
        self.open.write().insert(id.clone(), Arc::clone(&region));
        Ok(region)
    }

    /// Opens a region anew, because its copy has to begin anew. Until that is done, and where it fails, those who ask see it as
    /// it was, or are told why. Blocking.
    pub fn open_anew(&self, id: &RegionId) {
        let _making = self.making.lock();
        let thread = self.threads.lock().remove(id);
        thread.into_iter().for_each(ApplyThread::join);
        if let Some(old) = self.get(id) {
            old.retire();
        }
        match self.opening.open(id) {
            Ok((region, thread)) => {
                self.threads.lock().insert(id.clone(), thread);
                self.open.write().insert(id.clone(), region);
            }
            Err(error) => {
                tracing::error!(region = %id, %error, "a region's copy can't be opened anew; it is tried again when its node comes");
                self.open.write().remove(id);
                let why = self.why_broken(id, &error);
                self.broken.write().insert(id.clone(), why);
            }
        }
    }

    /// Who a token speaks for.
    pub fn pass(&self, token: &str) -> Option<Pass> {
        let hash = blake3::hash(token.as_bytes());
        // No early end: how long it takes says nothing about which one fits.
        let mut found = None;
        for (pass, known) in &self.tokens {
            if *known == hash {
                found = Some(pass.clone());
            }
        }
        found
    }

    /// The region of somebody who says hello. Blocking: a sandbox makes regions as they come.
    pub fn greeted(&self, pass: &Pass, name: &str) -> Result<Arc<Region>, String> {
        let id = name.parse().ok().filter(is_a_place).ok_or_else(|| format!("{name:?} is no name of a region"))?;
        if let Pass::Of(mine) = pass
            && *mine != id
        {
            return Err(format!("the token is of region {mine}, but this node serves region {id}"));
        }
        if let Some(region) = self.get(&id) {
            return Ok(region);
        }
        if self.broken.read().contains_key(&id) {
            return self.mended(&id);
        }
        if *pass != Pass::Any || self.open.read().len() >= SANDBOX_REGIONS_MAX {
            return Err(format!("region {id} is not configured here"));
        }
        tracing::info!(region = %id, "a region comes to this sandbox for the first time");
        self.make(&id).map_err(|error| error.to_string())
    }

    /// A region whose copy could not be used, if it can be now: some reasons pass, such as a full disk, and a region that comes
    /// again, at its own slow pace, is the occasion to look.
    fn mended(&self, id: &RegionId) -> Result<Arc<Region>, String> {
        let made = self.make(id);
        let mut broken = self.broken.write();
        match made {
            Ok(region) => {
                broken.remove(id);
                tracing::info!(region = %id, "a region's copy can be used again");
                Ok(region)
            }
            Err(error) => {
                let why = self.why_broken(id, &error);
                broken.insert(id.clone(), why.clone());
                Err(format!("the centre's copy of region {id} can't be used: {why}"))
            }
        }
    }

    /// Places for connections.
    pub fn lines(&self) -> &Lines {
        &self.lines
    }

    /// A region by its name.
    pub fn get(&self, id: &RegionId) -> Option<Arc<Region>> {
        self.open.read().get(id).cloned()
    }

    /// The region that made an order.
    pub fn of_order(&self, order: OrderId) -> Option<Arc<Region>> {
        self.open.read().values().find(|region| region.tag() == order.region()).cloned()
    }

    /// All of them, by name.
    pub fn all(&self) -> Vec<Arc<Region>> {
        self.open.read().values().cloned().collect()
    }

    /// Those whose copies can't be used, with the reason.
    pub fn broken(&self) -> Vec<(RegionId, String)> {
        self.broken.read().iter().map(|(region, why)| (region.clone(), why.clone())).collect()
    }

    /// Waits until the process has to start again, and says why; for ever while all is well.
    pub async fn failed(&self) -> String {
        let mut restart = self.restart.clone();
        match restart.wait_for(Option::is_some).await {
            Ok(why) => why.as_deref().unwrap_or_default().to_owned(),
            Err(_) => std::future::pending().await,
        }
    }

    /// Ends applying and closes the copies with their clean-stop marks; the first error is told. Blocking.
    pub fn stop(&self) -> Result<(), String> {
        self.end_threads();
        let mut outcome = Ok(());
        for region in self.all() {
            if let Err(error) = region.replica().stop()
                && outcome.is_ok()
            {
                outcome = Err(format!("region {}: {error}", region.id()));
            }
        }
        outcome
    }

    fn end_threads(&self) {
        let threads = std::mem::take(&mut *self.threads.lock());
        threads.values().for_each(ApplyThread::ask_to_stop);
        threads.into_values().for_each(ApplyThread::join);
    }
}

impl Drop for Regions {
    fn drop(&mut self) {
        // Without a stop it is as if the process had been killed, but threads must not outlive what they work on.
        self.end_threads();
    }
}

/// Another aggregator works on the same directory: nothing of it may be touched.
fn is_in_use(error: &OpenError) -> bool {
    matches!(error, OpenError::Directory(DirectoryError::InUse { .. }))
}

/// A name that is a place of its own among directories.
fn is_a_place(id: &RegionId) -> bool {
    !matches!(id.as_str(), "." | "..")
}

/// Regions that a sandbox has had before.
fn found_in(dir: &std::path::Path) -> Vec<RegionId> {
    let Ok(entries) = std::fs::read_dir(dir) else { return Vec::new() };
    let names = entries.flatten().filter(|entry| entry.path().is_dir()).map(|entry| entry.file_name());
    let mut regions: Vec<RegionId> = names.filter_map(|name| name.to_str()?.parse().ok()).collect();
    regions.sort();
    regions.truncate(SANDBOX_REGIONS_MAX);
    regions
}
