//! Every bound of the node and what it protects. (Bounds of bytes on disk stand in `qucan_storage::limits`.)

use std::time::Duration;

use crate::domain::time::Millis;

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

/// Orders one step through a region's history looks at. Bounds how long a filter that finds nothing takes.
pub const HISTORY_LOOKS_MAX: usize = 5_000;

/// How long a stop waits for the centre to acknowledge the last entries.
pub const REPLICATION_FAREWELL: Duration = Duration::from_secs(2);

/// How often a node looks at its line to the centre.
pub const REPLICATION_LOOK: Duration = Duration::from_millis(100);

/// How often a node writes down what the centre has; a hint for figures after a start.
pub const SHIPPED_MARK_EVERY: Duration = Duration::from_secs(1);

/// Times remembered of entries that the centre has not; coarser beyond it.
pub const LAG_SAMPLES_MAX: usize = 1024;

/// Entries within this count as having come together.
pub const LAG_SAMPLE_MIN: Millis = Millis(100);

/// Events in one batch of the projection: the size at which every power-loss image was consistent.
pub const PROJECTION_BATCH_EVENTS: usize = 512;

/// Entries after which the projection writes down how far it is although nothing closed: what a start reads again.
pub const PROJECTION_MARK_ENTRIES: u64 = 20_000;

/// Days of the projection open for writing.
pub const PROJECTION_DAYS_WRITTEN: usize = 2;

/// Older days of the projection kept open for reading.
pub const PROJECTION_DAYS_READ: usize = 2;

/// How long a day of the projection but the newest stays open unused. An open day of a million orders takes a hundred MB; to
/// open it again takes part of a second.
pub const PROJECTION_DAY_UNUSED: Duration = Duration::from_secs(60);

/// sled's cache for a day of the projection that is no longer the newest. A full one takes three times its bytes, and a day
/// that is read whole fills it.
pub const PROJECTION_OLDER_CACHE_BYTES: u64 = 8 << 20;

/// Entries between projection and snapshot that a start reads into memory; beyond it history is `rebuilding` for a while.
pub const RECOVERY_GAP_ENTRIES_MAX: u64 = 100_000;

/// Largest section of a snapshot. Protects a start's memory; the largest in use is a shard of open orders.
pub const SNAPSHOT_SECTION_BYTES_MAX: usize = 64 << 20;

/// The part of a log's bytes (numerator, denominator) from which on older entries go although somebody might want them. What
/// is left is for what comes while a snapshot is written.
pub const LOG_TRIMMED_AT: (u64, u64) = (3, 4);

/// Parts of a log's bytes between which a snapshot is kept: the more there are, the less goes at once for want of bytes.
pub const BASES_IN_LOG: u64 = 4;

/// Parts of a retention of many days between which a snapshot is kept; of a short one there is one a day.
pub const BASES_IN_RETENTION: u16 = 8;

/// Smallest bound of a log's bytes: the smallest segments and the snapshots between them must make sense.
pub const LOG_BYTES_MIN: u64 = 32 << 20;

/// Segments that a log of its full size has at least: what goes, goes in whole segments.
pub const LOG_SEGMENTS_MIN: u64 = 8;

/// Gaps of a copy that are remembered, the newest. Bounds a small file.
pub const GAPS_KEPT: usize = 8;

/// How often it is looked what of a log can go while nothing else asks for it.
pub const RETENTION_LOOK: Duration = Duration::from_secs(5);

/// Projection reads at once. Bounds the threads that wait for sled.
pub const PROJECTION_READS_MAX: usize = 32;

/// Bytes of a catalogue file (contract: 8 MiB).
pub const CATALOG_FILE_BYTES_MAX: usize = 8 << 20;

/// How long a catalogue may take to arrive.
pub const CATALOG_BODY_TIMEOUT: Duration = Duration::from_secs(60);

/// Errors of a catalogue file that are listed in words; all are counted. Bounds the answer.
pub const CATALOG_ERRORS_LISTED_MAX: usize = 100;

/// Characters of a wrong value that an error quotes.
pub const CATALOG_VALUE_SHOWN_CHARS_MAX: usize = 60;

/// Stores of a region. With the other counts below: keeps an import, which is one group of the log, under its bytes.
pub const CATALOG_STORES_MAX: usize = 5_000;

/// Items of a region.
pub const CATALOG_ITEMS_MAX: usize = 2_000;

/// Stock lines of a catalogue file.
pub const CATALOG_STOCK_MAX: usize = 20_000;

/// Campaigns of a region.
pub const CATALOG_CAMPAIGNS_MAX: usize = 1_000;

/// Option groups of an item.
pub const CATALOG_OPTION_GROUPS_MAX: usize = 32;

/// Choices of an option group.
pub const CATALOG_CHOICES_MAX: usize = 64;

/// Openings of a store on one weekday.
pub const CATALOG_OPENINGS_A_DAY_MAX: usize = 8;

/// Characters of a name, city or category.
pub const CATALOG_NAME_CHARS_MAX: usize = 100;

/// Characters of an address.
pub const CATALOG_ADDRESS_CHARS_MAX: usize = 200;

/// Characters of a picture's URL.
pub const CATALOG_IMAGE_CHARS_MAX: usize = 500;

/// Things on one page of a list where the request doesn't say (contract).
pub const PAGE_DEFAULT: usize = 50;

/// Characters of a cursor; ours are shorter.
pub const CURSOR_CHARS_MAX: usize = 128;

/// Characters of a store search.
pub const SEARCH_CHARS_MAX: usize = 100;

/// Longest wait of a store's queue for new orders (contract).
pub const QUEUE_WAIT_MAX: Duration = Duration::from_secs(60);

/// How old a menu's stock figures may be (contract: refreshed at most once a second).
pub const MENU_REFRESH: Duration = Duration::from_secs(1);

/// Pictures of dishes kept in memory, those included that menus fetched before still name.
pub const PICTURES_MAX: usize = 4_000;

/// Bytes of one picture. A phone's menu has dozens of them.
pub const PICTURE_BYTES_MAX: usize = 512 << 10;

/// Bytes of all pictures together: what they may take of the node's memory.
pub const PICTURES_BYTES_MAX: usize = 64 << 20;

/// Bytes of encoded menus kept; beyond it all are encoded anew.
pub const MENU_CACHE_BYTES_MAX: usize = 128 << 20;

/// Refunds asked for at once. Bounds the connections to a provider and the critical queue's share.
pub const REFUNDS_AT_ONCE: usize = 16;

/// The pause before a refund is asked for again; it doubles with every attempt …
pub const REFUND_RETRY_FIRST: Duration = Duration::from_secs(1);

/// … up to this.
pub const REFUND_RETRY_MAX: Duration = Duration::from_secs(3600);
/// Connections the kernel holds until they are accepted.
pub const LISTEN_BACKLOG: u32 = 4096;

/// How long what a client still sends is read and discarded after its request was refused …
pub const LINGER: Duration = Duration::from_secs(1);

/// … and how many bytes of it.
pub const LINGER_BYTES_MAX: usize = 4 << 20;

/// The pause after a failed accept, mostly for want of descriptors.
pub const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Client addresses and members whose rates are remembered, each.
pub const CLIENTS_REMEMBERED_MAX: usize = 65_536;

/// How long a sandbox's token holds: a day of trying things out.
pub const SANDBOX_TOKEN_TTL: Duration = Duration::from_secs(24 * 3600);

/// Headers of a request.
pub const HEADERS_MAX: usize = 64;

/// Longest token in bytes. Bounds the work on a stranger's token.
pub const TOKEN_BYTES_MAX: usize = 4096;

/// By how many seconds the clocks of token maker and node may differ.
pub const TOKEN_LEEWAY_SECONDS: i64 = 5;

/// Shortest HS256 secret in bytes: a guessable one makes everybody an operator.
pub const HS256_SECRET_BYTES_MIN: usize = 16;

/// Public keys tokens may be signed with. Bounds the checks of a foreign token.
pub const PUBLIC_KEYS_MAX: usize = 8;

/// Shortest region token in bytes (contract).
pub const REGION_TOKEN_BYTES_MIN: usize = 16;

/// Largest configuration, key or secret file in bytes: a wrong path must not be read into memory whole.
pub const CONFIG_BYTES_MAX: u64 = 1 << 20;

/// Addresses a node listens on: a few uplinks.
pub const LISTEN_ADDRESSES_MAX: usize = 16;

/// Longest request id taken from a client; it stands in every log entry.
pub const REQUEST_ID_BYTES_MAX: usize = 64;

const _: () = assert!(LOG_BYTES_MIN / LOG_SEGMENTS_MIN >= qucan_storage::limits::SEGMENT_BYTES_FIRST);
const _: () = assert!(GROUP_NORMAL_SHARE < GROUP_COMMANDS_MAX);
const _: () = assert!(PROJECTION_OLDER_CACHE_BYTES <= qucan_storage::limits::TABLE_CACHE_BYTES);
const _: () = assert!(PROJECTION_BATCH_EVENTS <= qucan_storage::limits::TABLE_BATCH_EVENTS_MAX);
const _: () = assert!(GROUP_BYTES_SOFT < qucan_storage::limits::GROUP_BYTES_MAX);

/// Push connections at once. Bounds memory and descriptors (a process gets 20,000 where nothing else is set).
pub const PUSH_CONNECTIONS_MAX: usize = 15_000;

/// Push connections from one address. Generous, because a carrier puts many phones behind one.
pub const PUSH_CONNECTIONS_PER_ADDRESS_MAX: usize = 2_000;

/// Push connections of one customer; mini-programs may have 5 sockets. The oldest is replaced.
pub const PUSH_CONNECTIONS_PER_CUSTOMER_MAX: usize = 8;

/// Push connections of one subject of a store or of the operator: all screens of a store may share a token.
pub const PUSH_CONNECTIONS_PER_STAFF_MAX: usize = 64;

/// Topics one push connection listens to.
pub const PUSH_SUBSCRIPTIONS_MAX: usize = 64;

/// Largest frame a push client may send; the contract's 64 KiB.
pub const PUSH_CLIENT_FRAME_BYTES_MAX: usize = 64 << 10;

/// Largest frame the hub sends; the contract's 1 MiB. Longer store snapshots are cut.
pub const PUSH_SERVER_FRAME_BYTES_MAX: usize = 1 << 20;

/// Events waiting for one slow push client before it is closed. Bounds memory per connection.
pub const PUSH_QUEUE_EVENTS: usize = 1_024;

/// Bytes, roughly, of events waiting for one slow push client. Events are shared, this bounds what it keeps alive.
pub const PUSH_QUEUE_BYTES: usize = 4 << 20;

/// Frames a push client may send in a burst, and per second after it. A POS acknowledges every event of its store.
pub const PUSH_CLIENT_FRAMES_BURST: u32 = 400;

/// Frames a push client may send per second for long.
pub const PUSH_CLIENT_FRAMES_PER_SECOND: u32 = 200;

/// Newest events kept of one topic for clients that come back.
pub const PUSH_RING_TOPIC_EVENTS: usize = 1_024;

/// Events kept of all topics: what a socket may miss and still get without a snapshot.
pub const PUSH_RING_EVENTS: usize = 131_072;

/// Bytes, roughly, that all rings keep alive.
pub const PUSH_RING_BYTES: usize = 96 << 20;

/// Times an unacknowledged event of an order is sent again on its connection.
pub const PUSH_RESENDS_MAX: u8 = 3;

/// Read buffer of a push connection: there are many idle ones.
pub const PUSH_READ_BUFFER_BYTES: usize = 1 << 10;

const _: () = assert!(PUSH_CLIENT_FRAME_BYTES_MAX < PUSH_SERVER_FRAME_BYTES_MAX);

/// Largest page of a log that a restore reads: a page and one group of the largest size.
pub const RESTORE_PAGE_BYTES_MAX: usize = 40 << 20;

/// Largest snapshot that a restore fetches. Protects the disk from an answer without an end.
pub const RESTORE_SNAPSHOT_BYTES_MAX: usize = 16 << 30;

/// Questions about orders that the centre's embedded store answers at once. Bounds the threads that wait for sled.
pub const STORE_READS_MAX: usize = 16;

/// How often one list of the embedded store looks at a stretch of orders in which the filter may like few. Bounds its work.
pub const STORE_LOOKS_MAX: usize = 64;

/// sled's cache for one region's figures: few rows, written over and over.
pub const FIGURES_CACHE_BYTES: u64 = 4 << 20;

/// Connections to PostgreSQL that apply what regions send.
pub const POSTGRES_WRITERS: usize = 4;

/// Connections to PostgreSQL that answer questions: a flood of them never delays applying.
pub const POSTGRES_READERS: usize = 4;

/// How long making a connection to PostgreSQL, or waiting for a free one, may take.
pub const POSTGRES_CONNECT_AT_MOST: Duration = Duration::from_secs(5);

/// How long the server works on one statement.
pub const POSTGRES_STATEMENT_AT_MOST: Duration = Duration::from_secs(10);

/// How long the server keeps a transaction of ours whose connection says nothing: one that was cut holds its locks so long.
pub const POSTGRES_SILENT_TRANSACTION_AT_MOST: Duration = Duration::from_secs(20);

/// How long a question may take with everything around it; longer than the server's own bound, for a server that hangs.
pub const POSTGRES_ANSWER_AT_MOST: Duration = Duration::from_secs(12);

/// How long applying a batch, loading a region or a migration may take.
pub const POSTGRES_WORK_AT_MOST: Duration = Duration::from_secs(60);

/// Rows of one statement that writes, and bounds its message.
pub const POSTGRES_ROWS_WRITTEN: usize = 2_000;

/// Rows of one statement that deletes: short locks, short transactions.
pub const POSTGRES_ROWS_FORGOTTEN: i64 = 5_000;

/// Figures of one statement that reads them.
pub const POSTGRES_ROWS_LOADED: i64 = 20_000;

/// How often a migration is tried again when another aggregator migrates at the same time.
pub const POSTGRES_MIGRATION_ATTEMPTS: usize = 10;

const _: () = assert!(POSTGRES_STATEMENT_AT_MOST.as_secs() < POSTGRES_ANSWER_AT_MOST.as_secs());
const _: () = assert!(POSTGRES_ANSWER_AT_MOST.as_secs() < POSTGRES_WORK_AT_MOST.as_secs());

/// Regions of a centre.
pub const REGIONS_MAX: usize = 1_000;

/// Regions that a sandbox's centre makes for whoever comes.
pub const SANDBOX_REGIONS_MAX: usize = 64;

/// Log entries that are applied as one batch. Bounds one transaction and the memory it takes.
pub const APPLY_ENTRIES_MAX: usize = 2_048;

/// How long entries gather after a batch that was not full: each batch is a sync of the store, on the disk that the logs need.
pub const APPLY_GATHER: Duration = Duration::from_millis(20);

/// The pause before a batch is tried again when the centre's store doesn't take it; it doubles …
pub const APPLY_RETRY_FIRST: Duration = Duration::from_millis(100);

/// … up to this.
pub const APPLY_RETRY_MAX: Duration = Duration::from_secs(5);

/// Entries of a region that the centre applies between two snapshots of its own.
pub const REPLICA_SNAPSHOT_ENTRIES: u64 = 500_000;

/// How long minutes are kept for series: two weeks to compare, and a day.
pub const MINUTES_KEPT: Duration = Duration::from_secs(15 * 24 * 3600);

/// From this lag on a region is yellow.
pub const LAG_YELLOW: Duration = Duration::from_secs(10);

/// How long a refused node is remembered after it last asked, while another one of its region is connected.
pub const FENCE_REMEMBERED: Duration = Duration::from_secs(90);

/// Connections of one region at once: a replaced one may still be ending.
pub const LINES_PER_REGION_MAX: usize = 8;

/// Stock-outs that a summary lists; all are counted.
pub const STOCK_OUTS_LISTED_MAX: usize = 50;

/// Log entries that are looked at for the history of one order. Bounds the work of one request.
pub const HISTORY_ENTRIES_MAX: u64 = 400_000;

/// Histories that are read at once. Bounds the threads that wait for log files.
pub const HISTORIES_AT_ONCE: usize = 4;

/// Readers of `/v1/stream` at once.
pub const STREAM_CLIENTS_MAX: usize = 1_000;

/// Messages that wait for a slow reader of `/v1/stream` before it is closed.
pub const STREAM_QUEUE_MESSAGES: usize = 16;

/// How often the stream looks whether anything changed …
pub const STREAM_TICK: Duration = Duration::from_secs(1);

/// … and after how many looks without a change it says so anyway.
pub const STREAM_QUIET_TICKS: u32 = 5;

/// Bytes of a page of a region's log where the request doesn't say.
pub const LOG_PAGE_BYTES_DEFAULT: usize = 4 << 20;

/// Bytes of a page of a region's log at most; one group always fits.
pub const LOG_PAGE_BYTES_MAX: usize = 16 << 20;

/// Pages and snapshots that are sent at once. Bounds their memory.
pub const SEEDINGS_AT_ONCE: usize = 4;

/// Bytes of a snapshot that are read and sent as one piece.
pub const SNAPSHOT_PIECE_BYTES: usize = 256 << 10;

/// Longest URL that a region may announce.
pub const ANNOUNCED_URL_BYTES_MAX: usize = 512;

/// Pages of the centre's store that are joined into one answer, where each found little of what was asked for.
pub const ORDER_PAGES_JOINED_MAX: usize = 8;

/// Bytes of log entries that `verify` hands decoded from one thread to the next, at a time: few enough that they are still in
/// the processor's cache when they are taken …
pub const VERIFY_BATCH_BYTES: usize = 128 << 10;

/// … and how many of these may wait. Bounds its memory.
pub const VERIFY_BATCHES: usize = 16;

/// Orders closed last that `verify` remembers, twice over, to compare those that late money opens again; older ones cost it
/// a second look along the log.
pub const VERIFY_CLOSED_REMEMBERED: usize = 500_000;
