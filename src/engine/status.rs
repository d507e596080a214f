//! How the engine is, in figures and in words: for `/readyz`, `/v1/status` and the doctor.

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
    Rebuilding {
        /// Sequence reached.
        reached: u64,
        /// Sequence at which history is whole again.
        until: u64,
    },
    /// Following the log.
    Following,
    /// Waiting, because of a full disk or another passing trouble.
    Paused(String),
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
            Self::Rebuilding { reached, until } => Some(format!("rebuilding from the log: {reached} of {until}")),
            Self::Following => None,
            Self::Paused(why) => Some(format!("paused: {why}")),
        }
    }
}
