//! kill -9 of a real process on a real disk: what it had acknowledged is there when the next one opens.
//!
//! The victim is this very test binary, run again with a variable that names its directory; it says on
//! its standard output what it has done, and is killed in the middle of its work.

#![allow(clippy::unwrap_used, clippy::explicit_write)] // helpers of tests, outside of a #[test]

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use qucan_storage::fs::real;
use qucan_storage::log::{GroupBuffer, Log, LogOptions, OpenFrom, SpaceClass, verify_chain};
use qucan_storage::table::{Table, TableBatch, TableOptions, Tables};
use qucan_storage::{ChainHash, Epoch, Position, Sequence};

const VICTIM: &str = "QUCAN_TEST_VICTIM";
const NAMES: &[&str] = &["orders", "index"];

fn options() -> LogOptions {
    LogOptions { create: true, segment_bytes_first: 64 << 10, segment_bytes_max: 256 << 10, ..LogOptions::default() }
}

fn acknowledge(number: u64) {
    // Not println!: the test harness would keep it to itself.
    writeln!(std::io::stdout(), "done {number}").unwrap();
}

/// Runs `victim` as another process until it has acknowledged `enough`, kills it, and says what it had
/// acknowledged.
fn kill_in_the_middle(victim: &str, dir: &Path, enough: u64) -> u64 {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args([victim, "--exact", "--nocapture"]).env(VICTIM, dir).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut acknowledged = 0;
    for line in lines.map_while(Result::ok) {
        if let Some(number) = line.strip_prefix("done ").and_then(|number| number.parse().ok()) {
            acknowledged = number;
        }
        if acknowledged == enough {
            child.kill().unwrap(); // lines already in the pipe still count
        }
    }
    child.wait().unwrap();
    assert!(acknowledged >= enough, "the victim died by itself after {acknowledged}");
    acknowledged
}

fn entry(number: u64) -> Vec<u8> {
    let length = usize::try_from(number % 1500).unwrap();
    number.to_le_bytes().into_iter().chain(std::iter::repeat_n(7, length)).collect()
}

#[test]
fn log_victim() {
    let Some(dir) = std::env::var_os(VICTIM) else { return };
    let (mut log, _) =
        Log::open(real(), Path::new(&dir), Epoch::FIRST, OpenFrom::default(), options(), |_| Ok(())).unwrap();
    let mut group = GroupBuffer::new();
    loop {
        group.clear();
        for offset in 1..=3 {
            group.push(&entry(log.last().sequence.0 + offset)).unwrap();
        }
        let appended = log.append(&mut group, SpaceClass::Normal).unwrap();
        acknowledge(appended.last.sequence.0);
    }
}

#[test]
fn a_killed_log_holds_everything_it_acknowledged() {
    let root = tempfile::tempdir().unwrap();
    let dir = root.path().join("log");
    let mut before = 0;
    for round in 1..=4 {
        let acknowledged = kill_in_the_middle("log_victim", &dir, before + round * 150);
        assert!(acknowledged > before);
        let report = verify_chain(&real(), &dir, Sequence(acknowledged)).unwrap();
        assert!(report.last.sequence >= Sequence(acknowledged));
        let mut last = 0;
        let (log, _) = Log::open(real(), &dir, Epoch::FIRST, OpenFrom::default(), options(), |group| {
            for (sequence, bytes) in group.entries() {
                last += 1;
                assert_eq!((sequence.0, bytes), (last, &*entry(last)));
            }
            Ok(())
        })
        .unwrap();
        assert!(last >= acknowledged && last <= acknowledged + 3, "{last} after {acknowledged}");
        before = last;
        drop(log);
    }
}

fn position(sequence: u64) -> Position {
    Position { sequence: Sequence(sequence), hash: ChainHash([1; 32]) }
}

fn table_options() -> TableOptions {
    TableOptions { free_bytes_min: 0, ..TableOptions::default() }
}

#[test]
fn table_victim() {
    let Some(dir) = std::env::var_os(VICTIM) else { return };
    let mut tables = Tables::open(Path::new(&dir), NAMES, table_options()).unwrap();
    let mut batch = TableBatch::new();
    loop {
        let next = tables.applied().position.sequence.0 + 1;
        batch.clear();
        for n in 0..50_u64 {
            batch.put(Table(0), (next * 50 + n).to_be_bytes(), vec![3; 200]);
            batch.put(Table(1), (u64::MAX - next * 50 - n).to_be_bytes(), next.to_be_bytes());
        }
        tables.apply(&batch, Epoch::FIRST, position(next)).unwrap();
        acknowledge(next);
    }
}

#[test]
fn killed_tables_hold_every_batch_whole() {
    let root = tempfile::tempdir().unwrap();
    let dir = root.path().join("day");
    let mut before = 0;
    for _ in 0..3 {
        let acknowledged = kill_in_the_middle("table_victim", &dir, before + 20);
        let tables = Tables::open(&dir, NAMES, table_options()).unwrap();
        let applied = tables.applied().clone();
        assert!(applied.position.sequence.0 >= acknowledged);
        let rows = applied.position.sequence.0 * 50;
        assert_eq!(applied.counts, [rows, rows]);
        tables.check_counts().unwrap();
        before = applied.position.sequence.0;
    }
}
