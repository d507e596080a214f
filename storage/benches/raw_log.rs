//! How fast the bare log is on this disk: groups of 700-byte entries, one write and one fdatasync each.
//! The engine's benchmark is judged beside it.
//!
//! `cargo bench -p qucan-storage --bench raw_log [-- DIRECTORY]` (default: a temporary directory under `target/`).
#![allow(clippy::print_stdout, clippy::unwrap_used, clippy::indexing_slicing)]
#![allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss)]

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use qucan_storage::fs::real;
use qucan_storage::log::{GroupBuffer, Log, LogOptions, OpenFrom, SpaceClass};
use qucan_storage::{Epoch, Sequence};

const ENTRY: [u8; 700] = [0x5A; 700];
const GROUPS: [usize; 5] = [1, 16, 64, 256, 1024];
const SECONDS: f64 = 1.5;

struct Figures {
    group: usize,
    entries_per_second: f64,
    sync_p50_us: f64,
    sync_p99_us: f64,
    encode_share: f64,
}

fn main() {
    let named = std::env::args().skip(1).find(|argument| !argument.starts_with('-'));
    let base = named.map_or_else(|| PathBuf::from(env!("CARGO_TARGET_TMPDIR")), PathBuf::from);
    std::fs::create_dir_all(&base).unwrap();
    let dir = tempfile::tempdir_in(&base).unwrap();
    println!("raw log, 700 B entries, one write and one fdatasync a group, in {}", base.display());
    println!("{:>6} {:>12} {:>12} {:>12} {:>12}", "group", "entries/s", "sync p50 µs", "sync p99 µs", "not syncing");
    for group in GROUPS {
        let figures = measure(&dir.path().join(format!("{group}")), group);
        println!(
            "{:>6} {:>12.0} {:>12.0} {:>12.0} {:>11.1}%",
            figures.group,
            figures.entries_per_second,
            figures.sync_p50_us,
            figures.sync_p99_us,
            figures.encode_share * 100.0
        );
        println!(
            "{{\"bench\":\"raw_log\",\"group\":{},\"entry_bytes\":700,\"entries_per_second\":{:.0},\
             \"sync_p50_us\":{:.0},\"sync_p99_us\":{:.0}}}",
            figures.group, figures.entries_per_second, figures.sync_p50_us, figures.sync_p99_us
        );
    }
    measure_opening(&dir.path().join("opening"));
}

/// Opening after a kill: everything is read, checked and handed out.
fn measure_opening(dir: &Path) {
    const ENTRIES: usize = 400_000;
    let options = LogOptions { create: true, ..LogOptions::default() };
    let open = |seen: &mut usize| {
        Log::open(real(), dir, Epoch::FIRST, OpenFrom::default(), options, |group| {
            *seen += group.entries().map(|(_, bytes)| usize::from(!bytes.is_empty())).sum::<usize>();
            Ok(())
        })
        .unwrap()
        .0
    };
    let mut log = open(&mut 0);
    let mut group = GroupBuffer::new();
    for _ in 0..ENTRIES / 64 {
        fill(&mut group, 64);
        log.append(&mut group, SpaceClass::Normal).unwrap();
    }
    drop(log);
    let (began, mut seen) = (Instant::now(), 0);
    drop(open(&mut seen));
    let seconds = began.elapsed().as_secs_f64();
    assert_eq!(seen, ENTRIES);
    println!("opening a log of {ENTRIES} entries: {seconds:.3} s, {:.0} entries/s", ENTRIES as f64 / seconds);
    println!("{{\"bench\":\"raw_log_open\",\"entries\":{ENTRIES},\"seconds\":{seconds:.4}}}");
}

fn measure(dir: &Path, entries: usize) -> Figures {
    let options = LogOptions { create: true, segment_bytes_first: 64 << 20, ..LogOptions::default() };
    let (mut log, _) = Log::open(real(), dir, Epoch::FIRST, OpenFrom::default(), options, |_| Ok(())).unwrap();
    let mut group = GroupBuffer::new();
    // Both spare segments ready, memory grown.
    for _ in 0..20 {
        fill(&mut group, entries);
        log.append(&mut group, SpaceClass::Normal).unwrap();
    }
    log.ensure_room(16 << 20, SpaceClass::Normal).unwrap();
    let mut syncs = Vec::with_capacity(100_000);
    let began = Instant::now();
    let mut appended = 0;
    while began.elapsed().as_secs_f64() < SECONDS {
        fill(&mut group, entries);
        let done = log.append(&mut group, SpaceClass::Normal).unwrap();
        syncs.push(done.sync_time);
        appended += entries;
        // What the benchmark has written is of no use: recycled, as behind a snapshot.
        if syncs.len().is_multiple_of(64) {
            log.trim(Sequence(done.last.sequence.0));
        }
    }
    let elapsed = began.elapsed();
    let syncing: Duration = syncs.iter().sum();
    syncs.sort_unstable();
    let micros = |share: f64| syncs[((syncs.len() - 1) as f64 * share) as usize].as_secs_f64() * 1e6;
    Figures {
        group: entries,
        entries_per_second: appended as f64 / elapsed.as_secs_f64(),
        sync_p50_us: micros(0.5),
        sync_p99_us: micros(0.99),
        encode_share: 1.0 - syncing.as_secs_f64() / elapsed.as_secs_f64(),
    }
}

fn fill(group: &mut GroupBuffer, entries: usize) {
    group.clear();
    for _ in 0..entries {
        group.push(&ENTRY).unwrap();
    }
}
