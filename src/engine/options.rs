//! What an engine is opened with. Defaults are safe for production; tests bring their own clock and file system.

use std::path::PathBuf;
use std::sync::Arc;

use qucan_storage::fs::{self, FileSystem};
use qucan_storage::log::LogOptions;
use qucan_storage::table::{self, TableStore};

use super::clock::{Clock, SystemClock};
use crate::domain::context::Settings;
use crate::domain::id::RegionId;
use crate::domain::time::Millis;
use crate::limits;

/// Everything an engine needs to know.
#[derive(Clone)]
pub struct EngineOptions {
    /// The data directory; made on the first start.
    pub data_dir: PathBuf,
    /// The region; the directory must belong to it.
    pub region: RegionId,
    /// The operator's choices that flow into decisions.
    pub settings: Settings,
    /// How long no deadline fires after a start, a jump of the clock or a stall.
    pub grace: Millis,
    /// Log entries between two snapshots: what a start replays at most, roughly.
    pub snapshot_every_entries: u64,
    /// Whether closed orders are kept on disk for questions. Off only in benchmarks: then the oldest closed orders are
    /// forgotten when the overlay is full.
    pub projection: bool,
    /// Where the projection's tables lie.
    pub tables: Arc<dyn TableStore>,
    /// Business days for which closed orders are answered, the newest included.
    pub closed_orders_days: u16,
    /// Sizes of log segments.
    pub log: LogOptions,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// Where log and snapshots lie.
    pub fs: Arc<dyn FileSystem>,
    /// Bounds.
    pub limits: EngineLimits,
}

impl EngineOptions {
    /// Safe defaults for a region's node.
    pub fn new(data_dir: impl Into<PathBuf>, region: RegionId) -> Self {
        Self {
            data_dir: data_dir.into(),
            region,
            settings: Settings {
                pay_within: Millis::minutes(15),
                accept_within: Millis::minutes(10),
                auto_after: Millis::hours(4),
                open_orders_per_member_max: Some(10),
            },
            grace: Millis::minutes(2),
            snapshot_every_entries: 100_000,
            projection: true,
            tables: table::on_disk(),
            closed_orders_days: 7,
            log: LogOptions::default(),
            clock: Arc::new(SystemClock),
            fs: fs::real(),
            limits: EngineLimits::default(),
        }
    }
}

/// Bounds of one engine; the defaults are those of [`limits`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EngineLimits {
    /// Length of the critical queue.
    pub critical_queue: usize,
    /// Length of the normal queue.
    pub normal_queue: usize,
    /// Commands in a group.
    pub group_commands: usize,
    /// Commands of a group left to the normal queue.
    pub group_normal_share: usize,
    /// Deadlines in a group.
    pub group_deadlines: usize,
    /// Closed orders that may wait for the projection.
    pub overlay_orders: usize,
    /// Groups a follower may be behind.
    pub committed_groups: usize,
}

impl Default for EngineLimits {
    fn default() -> Self {
        Self {
            critical_queue: limits::CRITICAL_QUEUE,
            normal_queue: limits::NORMAL_QUEUE,
            group_commands: limits::GROUP_COMMANDS_MAX,
            group_normal_share: limits::GROUP_NORMAL_SHARE,
            group_deadlines: limits::GROUP_DEADLINES_MAX,
            overlay_orders: limits::OVERLAY_ORDERS_MAX,
            committed_groups: limits::COMMITTED_GROUPS,
        }
    }
}
