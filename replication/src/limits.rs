//! Every bound of the crate, and what it protects.

use std::time::Duration;

/// Longest announcement of a region. Protects the centre's memory.
pub const ANNOUNCEMENT_BYTES_MAX: usize = 4 << 10;

/// Longest region name.
pub const REGION_BYTES_MAX: usize = 64;

/// Longest text for people in a message; longer ones are cut.
pub const TEXT_BYTES_MAX: usize = 1 << 10;

/// Largest message on the line. Protects the centre's memory: nothing larger is read.
pub const MESSAGE_BYTES_MAX: usize = 20 << 20;

/// Largest message that a region takes from the centre, which never sends more than a few words.
pub const ANSWER_BYTES_MAX: usize = 16 << 10;

/// Largest group.
pub const GROUP_BYTES_MAX: usize = 16 << 20;

/// Group bytes after which a message takes no more groups: the batch of a fast line. One group always goes in.
pub const BATCH_BYTES_MAX: usize = 1 << 20;

/// The batch of a very slow line: what is lost at most when it breaks.
pub const BATCH_BYTES_MIN: usize = 4 << 10;

/// The batch a line begins with, before its pace is known.
pub const BATCH_BYTES_FIRST: usize = 16 << 10;

/// Most groups of a message. Protects the receiver from a forged count.
pub const BATCH_GROUPS_MAX: usize = 16 << 10;

/// Most group bytes of a message once decompressed: a full batch whose last group is the largest. A message that
/// claims more is refused before anything is allocated.
pub const RAW_BYTES_MAX: usize = BATCH_BYTES_MAX + GROUP_BYTES_MAX;

/// Group and snapshot bytes on their way and not acknowledged; one batch is always allowed.
pub const WINDOW_BYTES: usize = 8 << 20;

/// Group bytes that the centre appends and syncs at once.
pub const APPEND_BYTES_MAX: usize = 8 << 20;

/// Message bytes that have arrived and wait for the sink. Beyond it the socket isn't read: that is the pushing back.
pub const ARRIVED_BYTES_MAX: usize = 8 << 20;

/// Messages that have arrived and wait, however small.
pub const ARRIVED_MESSAGES_MAX: usize = 256;

/// Largest piece of a snapshot's file.
pub const PIECE_BYTES_MAX: usize = 256 << 10;

/// Pause between two heartbeats.
pub const HEARTBEAT: Duration = Duration::from_secs(2);

/// Heartbeats that may be missed before a line counts as dead.
pub const HEARTBEATS_MISSED_MAX: u32 = 3;

/// Heartbeats that a peer may go on for without taking in a byte or acknowledging anything, while something is on its
/// way. Generous: a sink may wait for a slow disk.
pub const HEARTBEATS_STALLED_MAX: u32 = 30;

/// Bytes that a peer has to have read between two of its heartbeats to count as taking something in: more than two
/// heartbeats of this side weigh.
pub const PROGRESS_BYTES_MIN: u64 = 192;

/// Shortest pause between heartbeats that a peer may ask for …
pub const HEARTBEAT_MIN: Duration = Duration::from_millis(10);

/// … and the longest.
pub const HEARTBEAT_MAX: Duration = Duration::from_secs(60);

/// A message answered sooner than this lets the next ones be twice as large …
pub const PACE_FAST: Duration = Duration::from_secs(1);

/// … and one answered later than this half as large.
pub const PACE_SLOW: Duration = Duration::from_secs(5);

/// Pause between two messages with groups while the log is as good as shipped. A commit after a pause goes at once; in
/// a stream of commits this bounds what shipping and the centre's syncs cost. Nothing waits while there is more to catch up.
pub const GROUPS_GAP: Duration = Duration::from_millis(2);

/// Heartbeats between two looks for a newer snapshot.
pub const SNAPSHOT_LOOK_HEARTBEATS: u32 = 5;

/// How long a TCP connection may take.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// How long TLS and the WebSocket handshake may take; a slow line needs some seconds for the certificates.
pub const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(30);

/// The pause before a lost line is tried again is drawn from nothing to this; it doubles with every attempt …
pub const BACKOFF_FIRST: Duration = Duration::from_millis(100);

/// … up to this. Well under the 5 s in which the centre shall have everything after it came back.
pub const BACKOFF_MAX: Duration = Duration::from_secs(2);

/// The shortest pause after a fence or a refusal …
pub const REFUSED_PAUSE_MIN: Duration = Duration::from_secs(5);

/// … and the longest.
pub const REFUSED_PAUSE_MAX: Duration = Duration::from_secs(30);

/// WebSocket read buffer of one line.
pub const READ_BUFFER_BYTES: usize = 64 << 10;

/// Bytes of a TLS record that a region sends. Small, so that on a line of 1 KiB/s a record arrives between heartbeats.
pub const TLS_RECORD_BYTES: usize = 4 << 10;

/// Compression has to save one byte in this many, or the next messages go raw.
pub const COMPRESSION_SAVES_ONE_IN: usize = 8;

/// Messages that go raw after one that didn't compress.
pub const COMPRESSION_SKIPS: u32 = 15;

const _: () = assert!(RAW_BYTES_MAX + BATCH_GROUPS_MAX * 8 + 1024 <= MESSAGE_BYTES_MAX);
const _: () = assert!(BATCH_BYTES_MIN <= BATCH_BYTES_FIRST && BATCH_BYTES_FIRST <= BATCH_BYTES_MAX);
const _: () = assert!(PIECE_BYTES_MAX <= WINDOW_BYTES && BATCH_BYTES_MAX <= WINDOW_BYTES);
const _: () = assert!(TEXT_BYTES_MAX * 2 < ANSWER_BYTES_MAX);
const _: () = assert!(BATCH_BYTES_MAX <= APPEND_BYTES_MAX);
