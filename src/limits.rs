//! Every bound of the node and what it protects. (Bounds of bytes on disk stand in `qucan_storage::limits`.)

/// Requests waiting in front of the writer: payments, POS, refunds. Bounds memory and the wait behind a slow disk.
pub const CRITICAL_QUEUE: usize = 4096;

/// Requests waiting in front of the writer: new orders, claims, imports. Full answers 503 at once.
pub const NORMAL_QUEUE: usize = 4096;

/// Commands in a group. Bounds how long a reply waits for the others of its group.
pub const GROUP_COMMANDS_MAX: usize = 256;

/// Commands of a group that are left to the normal queue however long the critical one is.
pub const GROUP_NORMAL_SHARE: usize = 64;

/// Bytes after which a group takes no more commands. Bounds one write and sync.
pub const GROUP_BYTES_SOFT: usize = 1 << 20;

/// Deadlines fired in a group, so that a mass of them never starves requests.
pub const GROUP_DEADLINES_MAX: usize = 64;

/// Closed orders that wait for the projection in memory; beyond it new orders get 503.
pub const OVERLAY_ORDERS_MAX: usize = 200_000;

/// Groups a slow follower may be behind before it is told to take a snapshot.
pub const COMMITTED_GROUPS: usize = 4096;

/// How often a request about a closed order fetches the record anew before it gives up.
pub const RECORD_ATTEMPTS_MAX: usize = 4;

/// Orders closed a second time that the writer remembers, to refuse records read before that.
pub const RECLOSED_REMEMBERED: usize = 1024;

/// Most orders one page of a list holds.
pub const PAGE_ORDERS_MAX: usize = 500;

/// Events in one batch of the projection: the size at which every power-loss image was consistent.
pub const PROJECTION_BATCH_EVENTS: usize = 512;

/// Entries after which the projection writes down how far it is although nothing closed: what a start reads again.
pub const PROJECTION_MARK_ENTRIES: u64 = 20_000;

/// Days of the projection open for writing.
pub const PROJECTION_DAYS_WRITTEN: usize = 2;

/// Older days of the projection kept open for reading.
pub const PROJECTION_DAYS_READ: usize = 2;

/// Entries between projection and snapshot that a start reads into memory; beyond it history is `rebuilding` for a while.
pub const RECOVERY_GAP_ENTRIES_MAX: u64 = 100_000;

/// Projection reads at once. Bounds the threads that wait for sled.
pub const PROJECTION_READS_MAX: usize = 32;

const _: () = assert!(GROUP_NORMAL_SHARE < GROUP_COMMANDS_MAX);
const _: () = assert!(PROJECTION_BATCH_EVENTS <= qucan_storage::limits::TABLE_BATCH_EVENTS_MAX);
const _: () = assert!(GROUP_BYTES_SOFT < qucan_storage::limits::GROUP_BYTES_MAX);
