//! What the log promises. Most of it on the simulated disk, with small segments.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::*;
use crate::fs::{CrashPolicy, Fault, FaultKind, Operation, SimFs};

const DIR: &str = "/data/log";

fn options() -> LogOptions {
    LogOptions {
        create: true,
        segment_bytes_first: 16 << 10,
        segment_bytes_max: 64 << 10,
        reserve_bytes: 16 << 10,
        preparation: Preparation::Inline,
    }
}

/// A log as its reader sees it: entries by sequence.
type Entries = Vec<Vec<u8>>;

fn open_from(fs: &SimFs, from: OpenFrom) -> Result<(Log, Recovery, Entries), OpenError> {
    let mut entries = Vec::new();
    let mut expected = from.after.sequence;
    let (log, recovery) = Log::open(fs.shared(), Path::new(DIR), Epoch(1), from, options(), |group| {
        for (sequence, bytes) in group.entries() {
            expected = expected.next();
            assert_eq!(sequence, expected, "entries come in order, without gaps");
            entries.push(bytes.to_vec());
        }
        Ok(())
    })?;
    assert_eq!(log.last().sequence, expected);
    Ok((log, recovery, entries))
}

fn open(fs: &SimFs) -> (Log, Recovery, Entries) {
    open_from(fs, OpenFrom::default()).unwrap()
}

fn append(log: &mut Log, entries: &[Vec<u8>]) -> Result<Appended, AppendError> {
    let mut group = GroupBuffer::new();
    for entry in entries {
        group.push(entry).unwrap();
    }
    log.append(&mut group, SpaceClass::Normal)
}

/// Entries of differing lengths that can be told apart.
fn entry(number: u64, length: usize) -> Vec<u8> {
    let mut bytes = number.to_le_bytes().to_vec();
    bytes.resize(length.max(8), u8::try_from(number % 255).unwrap() + 1);
    bytes
}

fn segments(fs: &SimFs) -> Vec<PathBuf> {
    let names = fs.list(Path::new(DIR)).unwrap();
    names.into_iter().filter(|e| e.name.ends_with(".seg")).map(|e| Path::new(DIR).join(e.name)).collect()
}

#[test]
fn what_was_appended_is_replayed_after_a_power_cut() {
    let fs = SimFs::new(1);
    let (mut log, recovery, entries) = open(&fs);
    assert_eq!((recovery.last, entries.len()), (Position::ORIGIN, 0));
    let mut all = Vec::new();
    for n in 0..200 {
        let group: Vec<_> = (0..=n % 5).map(|k| entry(n * 10 + k, 10 + usize::try_from(n).unwrap())).collect();
        let appended = append(&mut log, &group).unwrap();
        all.extend(group);
        assert_eq!(appended.last.sequence, Sequence(all.len().try_into().unwrap()));
        assert_eq!(appended.last, log.last());
    }
    let last = log.last();
    assert!(segments(&fs).len() > 2);
    drop(log);
    fs.crash(CrashPolicy::DropUnsynced);
    let (log, recovery, entries) = open(&fs);
    assert!(entries == all);
    assert_eq!(log.last(), last);
    assert_eq!((recovery.torn, recovery.clean_stop), (None, false));
    assert_eq!(recovery.rewritten, 1, "the last group is proven by nothing but itself");
}
