//! Every bound of the crate, and what it protects.

/// Largest entry. Protects readers' memory: nobody allocates more for one entry.
pub const ENTRY_BYTES_MAX: usize = 1 << 20;

/// Largest group, framing included. Protects recovery's and replication's memory.
pub const GROUP_BYTES_MAX: usize = 16 << 20;

/// Most entries of one group. Protects loops over a group's entries from a forged count.
pub const GROUP_ENTRIES_MAX: u32 = 1 << 20;

/// First log segment. Keeps a new data directory small.
pub const SEGMENT_BYTES_FIRST: u64 = 4 << 20;

/// Largest regular log segment (a larger group gets one of its own). Bounds what a start has to scan.
pub const SEGMENT_BYTES_MAX: u64 = 64 << 20;

/// Reserve segment, prepared with the directory. Lets open orders end on a full disk.
pub const RESERVE_BYTES: u64 = 8 << 20;

/// Trimmed segments kept for reuse. Saves zeroing without holding the disk hostage.
pub const RECYCLED_SEGMENTS_MAX: usize = 2;

/// Piece in which a spare segment is zeroed and synced. Keeps preparation from delaying appends' syncs.
pub const ZERO_CHUNK_BYTES: usize = 1 << 20;

/// Seconds between attempts to prepare a spare segment on a full disk.
pub const PREPARE_RETRY_SECONDS: u64 = 1;

/// What a log reader fetches at a time. A follower's reads stay small; long scans stay few.
pub const READ_CHUNK_BYTES: usize = 256 << 10;

/// Read buffer a log reader keeps between groups; a larger one is given back.
pub const READ_BUFFER_KEPT_BYTES: usize = 1 << 20;

/// Largest chunk of a snapshot section. Protects the reader's memory.
pub const SNAPSHOT_CHUNK_BYTES_MAX: usize = 1 << 20;

/// Newest snapshots kept, whatever else is.
pub const SNAPSHOTS_NEWEST_KEPT: usize = 2;

/// Events a table batch should carry at most: the size at which 114 of 114 power-loss images were consistent.
pub const TABLE_BATCH_EVENTS_MAX: usize = 512;

/// Writes of one table batch (an event touches a record and its indexes). Bounds sled's transaction.
pub const TABLE_BATCH_WRITES_MAX: usize = TABLE_BATCH_EVENTS_MAX * 16;

/// Longest key in a table.
pub const TABLE_KEY_BYTES_MAX: usize = 1 << 10;

/// Largest value in a table. Stays below sled's blob threshold, whose blob files it never syncs.
pub const TABLE_VALUE_BYTES_MAX: usize = 64 << 10;

/// Most rows one scan returns.
pub const TABLE_SCAN_ROWS_MAX: usize = 100_000;

/// sled's page cache, of one open directory. Its bytes are those on disk: in memory a full one takes two or three times as many.
/// sled's memory grows with live data besides, by about 80 bytes an order; 32 MiB measured best.
pub const TABLE_CACHE_BYTES: u64 = 32 << 20;

/// Free disk space below which tables are not written: on a full disk sled cannot be opened again.
pub const TABLE_FREE_BYTES_MIN: u64 = 32 << 20;

/// Longest region name in an IDENTITY file.
pub const REGION_BYTES_MAX: usize = 64;

/// Longest reason in a FENCED file, in characters. Keeps it below [`MARK_BYTES_MAX`].
pub const FENCE_CHARS_MAX: usize = 1000;

/// Largest IDENTITY, FENCED, clean-stop or poison file that is read.
pub const MARK_BYTES_MAX: u64 = 4 << 10;

const _: () = assert!(GROUP_BYTES_MAX > ENTRY_BYTES_MAX + 1024);
const _: () = assert!(SEGMENT_BYTES_FIRST <= SEGMENT_BYTES_MAX);
// A new directory takes at most 32 MiB: first segment, a spare of twice its size, the reserve, and the rest.
const _: () = assert!(SEGMENT_BYTES_FIRST * 3 + RESERVE_BYTES <= 24 << 20);
const _: () = assert!(TABLE_VALUE_BYTES_MAX * 2 <= 512 * 1024 / 4);
