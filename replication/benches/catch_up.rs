//! What shipping itself costs: a log in memory, a sink that discards, real sockets on the loopback interface between
//! them. Catch-up in entries a second and CPU time an entry on either side; then, entry by entry, how long a commit takes
//! to the sink.
//!
//! `cargo bench -p qucan-replication [-- --entries N]` prints a table and one JSON line a row.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a benchmark prints, and stops where something is wrong"
)]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use qucan_replication::line::{LineOptions, ServeOptions, Status, serve, ship};
use qucan_replication::{
    Batch, Greeting, Hello, Identity, Point, SUBPROTOCOL, Sink, SinkError, SnapshotInfo, Source, SourceError,
};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::sync::watch;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};

const ENTRY_BYTES: usize = 700;
const GROUP_ENTRIES: usize = 64;
/// Different groups; more than the caches hold.
const GROUPS: usize = 1024;

/// A group's end, as both sides of this benchmark know it without looking.
fn point(sequence: u64) -> Point {
    let mut hash = [0; 32];
    if sequence > 0 {
        hash[..8].copy_from_slice(&sequence.to_le_bytes());
    }
    Point { sequence, hash }
}

struct Memory {
    groups: Arc<Vec<Vec<u8>>>,
    entries_a_group: u64,
    head: Arc<AtomicU64>,
}

impl Source for Memory {
    fn identity(&self) -> Identity {
        Identity { region: "north".into(), epoch: 1, instance: 1, announcement: Vec::new() }
    }

    fn head(&self) -> u64 {
        self.head.load(Ordering::Acquire)
    }

    fn first(&self) -> Result<u64, SourceError> {
        Ok(1)
    }

    fn hash_at(&mut self, sequence: u64) -> Result<Option<[u8; 32]>, SourceError> {
        Ok(Some(point(sequence).hash))
    }

    fn read(&mut self, after: u64, batch: &mut Batch) -> Result<(), SourceError> {
        let mut last = after;
        while last < self.head() && !batch.is_full() {
            let group = &self.groups[(last / self.entries_a_group) as usize % self.groups.len()];
            batch.push(last + 1, point(last + self.entries_a_group), group);
            last += self.entries_a_group;
        }
        Ok(())
    }

    fn bytes_behind(&mut self, acknowledged: u64) -> u64 {
        (self.head() - acknowledged) * ENTRY_BYTES as u64
    }

    fn snapshot(&mut self) -> Result<Option<SnapshotInfo>, SourceError> {
        Ok(None)
    }

    fn read_snapshot(&mut self, _: &SnapshotInfo, _: u64, _: usize, _: &mut Vec<u8>) -> Result<(), SourceError> {
        Ok(())
    }
}

struct Discard {
    end: u64,
    entries_a_group: u64,
    arrived: mpsc::SyncSender<u64>,
}

impl Sink for Discard {
    fn greet(&mut self, _: &Hello) -> Result<Greeting, SinkError> {
        Ok(Greeting::Continue { from: Point::ORIGIN, epoch: 1 })
    }

    fn append(&mut self, groups: &[&[u8]]) -> Result<Point, SinkError> {
        self.end += groups.len() as u64 * self.entries_a_group;
        let _ = self.arrived.try_send(self.end);
        Ok(point(self.end))
    }

    fn heard(&mut self, _: u64, _: u64) {}

    fn snapshot_wanted(&mut self, _: &SnapshotInfo) -> bool {
        false
    }

    fn snapshot_bytes(&mut self, _: &SnapshotInfo, _: u64, _: &[u8]) -> Result<(), SinkError> {
        Ok(())
    }

    fn snapshot_end(&mut self, info: &SnapshotInfo) -> Result<Point, SinkError> {
        Ok(info.at)
    }
}

/// Numbers that look drawn.
fn noise(state: &mut u64) -> u64 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    *state
}

/// One entry: so many bytes of noise, the rest like a stored order's names and fields.
fn entry(random: usize, state: &mut u64, into: &mut Vec<u8>) {
    let begin = into.len();
    while into.len() < begin + random {
        into.extend_from_slice(&noise(state).to_le_bytes());
    }
    let words = b"east/sh-001/beef-noodles/large/no-coriander/cola/ice/dine-in/2026-11-25/paid/";
    while into.len() < begin + ENTRY_BYTES {
        into.extend_from_slice(words);
    }
    into.truncate(begin + ENTRY_BYTES);
}

fn groups(entries: usize, random: usize) -> Arc<Vec<Vec<u8>>> {
    let mut state = 0x2545_F491_4F6C_DD1D;
    let group = |_| {
        let mut bytes = Vec::new();
        (0..entries).for_each(|_| entry(random, &mut state, &mut bytes));
        bytes
    };
    Arc::new((0..GROUPS).map(group).collect())
}

/// CPU time so far of all threads with this name.
fn cpu(name: &str) -> Duration {
    let mut nanos = 0;
    for task in std::fs::read_dir("/proc/self/task").unwrap().flatten() {
        let read = |file: &str| std::fs::read_to_string(task.path().join(file)).unwrap_or_default();
        if read("comm").trim() == name {
            nanos += read("schedstat").split(' ').next().and_then(|nanos| nanos.parse().ok()).unwrap_or(0);
        }
    }
    Duration::from_nanos(nanos)
}

fn runtime(name: &str) -> Runtime {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    // Threads that end would take their CPU time along.
    builder
        .worker_threads(1)
        .thread_name(name)
        .thread_keep_alive(Duration::from_secs(3600))
        .enable_all()
        .build()
        .unwrap()
}

#[expect(clippy::result_large_err, clippy::unnecessary_wraps, reason = "the callback's type is the library's")]
fn handshake(_: &Request, mut response: Response) -> Result<Response, ErrorResponse> {
    response.headers_mut().insert("sec-websocket-protocol", SUBPROTOCOL.parse().unwrap());
    Ok(response)
}

/// Both sides, each with a runtime of its own.
struct Pair {
    region: Runtime,
    centre: Runtime,
    head: watch::Sender<u64>,
    shared: Arc<AtomicU64>,
    status: Arc<Status>,
    arrived: mpsc::Receiver<u64>,
}

impl Pair {
    fn start(groups: &Arc<Vec<Vec<u8>>>, entries_a_group: u64, compress: bool, head: u64) -> Self {
        let (region, centre) = (runtime("region"), runtime("centre"));
        let (to, arrived) = mpsc::sync_channel(1 << 20);
        let listener = centre.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let port = listener.local_addr().unwrap().port();
        centre.spawn(async move {
            let (socket, _) = listener.accept().await.unwrap();
            socket.set_nodelay(true).unwrap();
            let socket = tokio_tungstenite::accept_hdr_async(socket, handshake).await.unwrap();
            serve(socket, Discard { end: 0, entries_a_group, arrived: to }, ServeOptions::default()).await
        });
        let shared = Arc::new(AtomicU64::new(head));
        let source = Memory { groups: Arc::clone(groups), entries_a_group, head: Arc::clone(&shared) };
        let (head, watched) = watch::channel(head);
        let status = Arc::new(Status::default());
        let mut options = LineOptions::new(format!("ws://127.0.0.1:{port}/"), "token");
        options.timings.compress = compress;
        region.spawn(ship(source, options, watched, Arc::clone(&status)));
        Self { region, centre, head, shared, status, arrived }
    }

    /// Waits for the threads: one that ended in the middle of the next measurement would take its CPU time along.
    fn stop(self) {
        self.region.shutdown_timeout(Duration::from_secs(60));
        self.centre.shutdown_timeout(Duration::from_secs(60));
    }
}

fn catch_up(name: &str, random: usize, compress: bool, entries: u64) {
    let groups = groups(GROUP_ENTRIES, random);
    let entries = entries / GROUP_ENTRIES as u64 * GROUP_ENTRIES as u64;
    let before = (cpu("region"), cpu("centre"));
    let begun = Instant::now();
    let pair = Pair::start(&groups, GROUP_ENTRIES as u64, compress, entries);
    while pair.status.acknowledged().sequence < entries {
        std::thread::sleep(Duration::from_millis(1));
    }
    let rate = entries as f64 / begun.elapsed().as_secs_f64();
    let micros = |after: Duration, before: Duration| (after - before).as_secs_f64() * 1e6 / entries as f64;
    let (region, centre) = (micros(cpu("region"), before.0), micros(cpu("centre"), before.1));
    let sent = pair.status.read().bytes_sent as f64 / entries as f64;
    println!("{name:<34} {rate:>12.0}/s {region:>10.2} {centre:>10.2} {sent:>12.0}");
    println!(
        "{{\"bench\":\"catch_up\",\"figure\":\"{name}\",\"entries_per_second\":{rate:.0},\"region_cpu_us\":{region:.3},\
         \"centre_cpu_us\":{centre:.3},\"bytes_an_entry\":{sent:.0}}}"
    );
    pair.stop();
}

fn live(commits: usize) {
    let groups = groups(1, 200);
    let before = (cpu("region"), cpu("centre"));
    let pair = Pair::start(&groups, 1, true, 0);
    while !pair.status.is_connected() {
        std::thread::sleep(Duration::from_millis(1));
    }
    let mut took = Vec::with_capacity(commits);
    for sequence in 1..=commits as u64 {
        std::thread::sleep(Duration::from_millis(5)); // each after a pause
        let begun = Instant::now();
        pair.shared.store(sequence, Ordering::Release);
        pair.head.send_replace(sequence);
        while pair.arrived.recv().unwrap() < sequence {}
        took.push(begun.elapsed());
    }
    took.sort_unstable();
    let at = |share: f64| took[((took.len() - 1) as f64 * share) as usize].as_secs_f64() * 1e6;
    let micros = |after: Duration, before: Duration| (after - before).as_secs_f64() * 1e6 / commits as f64;
    let (region, centre) = (micros(cpu("region"), before.0), micros(cpu("centre"), before.1));
    println!("one commit at a time, to the sink: p50 {:.0} µs, p99 {:.0} µs", at(0.5), at(0.99));
    println!("  CPU a commit: region {region:.1} µs, centre {centre:.1} µs");
    println!(
        "{{\"bench\":\"catch_up\",\"figure\":\"live\",\"p50_us\":{:.1},\"p99_us\":{:.1},\"region_cpu_us\":{region:.1},\
         \"centre_cpu_us\":{centre:.1}}}",
        at(0.5),
        at(0.99)
    );
    pair.stop();
}

fn main() {
    let full = std::env::args().any(|argument| argument == "--bench");
    let mut asked = std::env::args().skip_while(|argument| argument != "--entries");
    let entries = asked.nth(1).and_then(|value| value.parse().ok()).unwrap_or(if full { 3_000_000 } else { 10_000 });
    println!("{ENTRY_BYTES} B an entry, {GROUP_ENTRIES} a group; CPU in µs an entry");
    println!("{:<34} {:>14} {:>10} {:>10} {:>12}", "catch-up", "entries", "region", "centre", "B sent each");
    catch_up("as real orders compress", 200, true, entries);
    catch_up("never compressed", 200, false, entries);
    catch_up("noise, tried to compress", ENTRY_BYTES, true, entries);
    live(if full { 1_000 } else { 20 });
}
