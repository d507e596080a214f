//! How the engine is, in figures and in words: for `/readyz`, `/v1/status` and the doctor.

use std::fmt;
use std::sync::atomic::Ordering;

use super::projection::Projection;
use super::shared::Shared;
use crate::domain::id::RegionId;

/// A look at the engine at one moment.
#[derive(Debug, Clone, PartialEq)]
pub struct EngineStatus {
    /// The region it serves.
    pub region: RegionId,
    /// The epoch it writes.
    pub epoch: u16,
    /// Sequence of the last durable log entry.
    pub log_head: u64,
    /// First sequence that is still in the log.
    pub log_first: u64,
    /// Bytes of the log on disk.
    pub log_bytes: u64,
    /// The bound of these bytes.
    pub log_bytes_max: u64,
    /// What of the log went before its time for want of bytes, since the start.
    pub log_trimmed_early: Option<String>,
    /// What of the log was found to be damaged since the start, and what to do.
    pub log_damaged: Option<String>,
    /// Sequence of the newest snapshot; 0 where there is none.
    pub snapshot_at: u64,
    /// Sequence up to which the projection has applied the log.
    pub projected_to: u64,
    /// What the projection is doing.
    pub projection: ProjectionPhase,
    /// Requests waiting in the critical queue.
    pub critical_queue: usize,
    /// Requests waiting in the normal queue.
    pub normal_queue: usize,
    /// Orders that can still change.
    pub open_orders: usize,
    /// Closed orders that wait for the projection.
    pub overlay_orders: usize,
    /// Why nothing is acknowledged any more, if so.
    pub failed: Option<String>,
    /// Why new orders are refused for want of disk space, if so.
    pub disk_full: Option<String>,
    /// Why this node may not go on with its region, if so.
    pub fenced: Option<String>,
}

/// What a person does about a damaged log.
const WAY_OUT: &str = "selling goes on, but what lies there can't be shipped or built again from: keep a copy of this directory, \
                       then bring back the damaged file, or restore it from the aggregator (`qucan restore`) or a backup";

impl EngineStatus {
    /// What whoever has threads and views knows; queues are empty.
    pub(super) fn of(shared: &Shared, projection: &Projection) -> Self {
        let (region, epoch) = shared.views.region();
        Self {
            region,
            epoch,
            log_head: shared.views.durable_through(),
            log_first: shared.retained.first(),
            log_bytes: shared.log_bytes.load(Ordering::Relaxed),
            log_bytes_max: shared.retained.bytes_max(),
            log_trimmed_early: shared.retained.forced(),
            log_damaged: shared.damage().map(|what| format!("{what}; {WAY_OUT}")),
            snapshot_at: shared.snapshot_at.load(Ordering::Relaxed),
            projected_to: projection.applied(),
            projection: projection.phase(),
            critical_queue: 0,
            normal_queue: 0,
            open_orders: shared.views.open_orders(),
            overlay_orders: shared.views.overlay().len(),
            failed: shared.failure().map(|why| why.to_string()),
            disk_full: shared.disk_full(),
            fenced: shared.fence().map(|why| why.to_string()),
        }
    }
}

/// What the projection is doing.
#[derive(Debug, Clone, PartialEq)]
pub enum ProjectionPhase {
    /// Switched off.
    Off,
    /// Opening its files; closed orders answer `rebuilding` meanwhile.
    Opening,
    /// Building anew from the log; closed orders answer `rebuilding` meanwhile.
    Rebuilding(Rebuild),
    /// Following the log.
    Following,
    /// Waiting, because of a full disk or another passing trouble.
    Paused(String),
}

/// How far a rebuild is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Rebuild {
    /// Sequence after which it began to read the log.
    pub begun: u64,
    /// Sequence reached.
    pub reached: u64,
    /// Sequence at which history is whole again.
    pub until: u64,
    /// Its pace since this start; 0 until there is one.
    pub entries_per_second: u64,
}

impl Rebuild {
    /// Of what is to be read, rounded down: 100 is never shown before it is done.
    pub fn percent(&self) -> u8 {
        if self.reached >= self.until {
            return 100;
        }
        let (done, all) = (self.reached.saturating_sub(self.begun), self.until.saturating_sub(self.begun));
        u8::try_from(u128::from(done) * 100 / u128::from(all.max(1))).unwrap_or(u8::MAX).min(99)
    }

    /// What is left at this pace, rounded up; nothing while there is no pace to judge by.
    pub fn remaining_seconds(&self) -> Option<u64> {
        let left = self.until.saturating_sub(self.reached);
        (self.entries_per_second > 0).then(|| left.div_ceil(self.entries_per_second))
    }
}

impl fmt::Display for Rebuild {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} %, entry {} of {}", self.percent(), self.reached, self.until)?;
        match self.remaining_seconds() {
            Some(seconds) => write!(f, ", {} entries/s, about {seconds} s left", self.entries_per_second),
            None => Ok(()),
        }
    }
}

/// One line of `/readyz`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// What is looked at.
    pub name: &'static str,
    /// Whether orders can be taken as far as this goes.
    pub ok: bool,
    /// What a person should know.
    pub detail: Option<String>,
}

impl ProjectionPhase {
    /// What a person should know; nothing where all is well.
    pub fn describe(&self) -> Option<String> {
        match self {
            Self::Off => Some("switched off: closed orders are not kept".to_owned()),
            Self::Opening => Some("opening; closed orders answer rebuilding meanwhile".to_owned()),
            Self::Rebuilding(rebuild) => Some(format!("closed orders are being rebuilt from the log: {rebuild}")),
            Self::Following => None,
            Self::Paused(why) => Some(format!("paused: {why}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rebuild_says_how_far_it_is_and_how_long_it_takes() {
        let rebuild = Rebuild { begun: 1_000, reached: 3_500, until: 6_000, entries_per_second: 1_200 };
        assert_eq!((rebuild.percent(), rebuild.remaining_seconds()), (50, Some(3)));
        assert_eq!(rebuild.to_string(), "50 %, entry 3500 of 6000, 1200 entries/s, about 3 s left");
        let begun = Rebuild { reached: 0, entries_per_second: 0, ..rebuild };
        assert_eq!((begun.percent(), begun.remaining_seconds()), (0, None));
        assert_eq!(begun.to_string(), "0 %, entry 0 of 6000");
        let nearly = Rebuild { reached: 5_999, ..rebuild };
        assert_eq!((nearly.percent(), nearly.remaining_seconds()), (99, Some(1)));
        assert_eq!(Rebuild { reached: 7_000, ..rebuild }.percent(), 100);
        assert_eq!(Rebuild::default().percent(), 100, "nothing is to be read");
    }
}
