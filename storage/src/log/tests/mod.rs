//! What the log promises, on the simulated disk and with small segments. Here: the helpers and the plain
//! promises; the rooms below take one kind of trouble each.

mod chain;
mod crash;
mod damage;
mod ends;
mod model;
mod reading;
mod received;
mod space;

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

#[test]
fn a_clean_stop_is_recognised_and_nothing_is_written_again() {
    let fs = SimFs::new(1);
    let (mut log, ..) = open(&fs);
    append(&mut log, &[entry(1, 50)]).unwrap();
    log.close().unwrap();
    fs.crash(CrashPolicy::DropUnsynced);
    let (log, recovery, entries) = open(&fs);
    assert_eq!((recovery.clean_stop, recovery.rewritten, entries.len()), (true, 0, 1));
    drop(log);
    let (mut log, ..) = open(&fs);
    append(&mut log, &[entry(2, 50)]).unwrap();
    drop(log);
    let (_, recovery, entries) = open(&fs);
    assert_eq!((recovery.clean_stop, entries.len()), (false, 2));
}

#[test]
fn replay_begins_after_the_snapshot_and_only_reads_from_its_segment_on() {
    let fs = SimFs::new(1);
    let (mut log, ..) = open(&fs);
    let mut positions = Vec::new();
    for n in 0..100 {
        positions.push(append(&mut log, &[entry(n, 900), entry(n, 100)]).unwrap().last);
    }
    drop(log);
    let all = segments(&fs);
    assert!(all.len() > 3);
    // What lies before the snapshot's segment isn't needed, not even readable.
    fs.corrupt(&all[0], |bytes| bytes.fill(0xEE)).unwrap();
    let after = positions[90];
    let (log, recovery, entries) = open_from(&fs, OpenFrom::snapshot(after)).unwrap();
    assert_eq!((recovery.groups, recovery.entries, entries.len()), (9, 18, 18));
    assert_eq!(log.first(), Sequence(1));
}

#[test]
fn a_snapshot_of_another_history_is_refused() {
    let fs = SimFs::new(1);
    let (mut log, ..) = open(&fs);
    for n in 0..10 {
        append(&mut log, &[entry(n, 10), entry(n, 10)]).unwrap();
    }
    let last = log.last();
    drop(log);
    let other = |sequence| Position { sequence: Sequence(sequence), hash: crate::ChainHash([9; 32]) };
    for position in [other(4), other(20), Position { sequence: Sequence(5), ..last }] {
        let error = open_from(&fs, OpenFrom::snapshot(position)).unwrap_err();
        assert!(matches!(error, OpenError::OtherHistory { .. }), "{error}");
    }
    open_from(&fs, OpenFrom::snapshot(last)).unwrap();
    let error = open_from(&fs, OpenFrom::snapshot(other(30))).unwrap_err();
    assert!(matches!(error, OpenError::Rot { first: Sequence(21), last: Sequence(30), .. }), "{error}");
}

#[test]
fn an_empty_log_of_a_directory_that_sold_before_is_a_loss() {
    let fs = SimFs::new(1);
    let never = LogOptions { create: false, ..options() };
    let error = Log::open(fs.shared(), Path::new(DIR), Epoch(1), OpenFrom::default(), never, |_| Ok(())).unwrap_err();
    assert!(matches!(error, OpenError::Missing { .. }));
    assert!(!fs.try_exists(Path::new(DIR)).unwrap());
}

#[test]
fn a_log_may_begin_after_a_position_and_in_a_later_epoch() {
    let fs = SimFs::new(1);
    let after = Position { sequence: Sequence(1000), hash: crate::ChainHash([3; 32]) };
    let open = |epoch| {
        let mut seen = Vec::new();
        let from = OpenFrom::snapshot(after);
        let opened = Log::open(fs.shared(), Path::new(DIR), Epoch(epoch), from, options(), |group| {
            seen.push((group.epoch(), group.first()));
            Ok(())
        });
        opened.map(|(log, _)| (log, seen))
    };
    let (mut log, _) = open(2).unwrap();
    assert_eq!(append(&mut log, &[entry(1, 10)]).unwrap().first, Sequence(1001));
    drop(log);
    let (mut log, _) = open(3).unwrap();
    append(&mut log, &[entry(2, 10)]).unwrap();
    drop(log);
    let (_, seen) = open(3).unwrap();
    assert_eq!(seen, [(Epoch(2), Sequence(1001)), (Epoch(3), Sequence(1002))]);
    assert!(matches!(open(2).unwrap_err(), OpenError::LaterEpoch { .. }));
    let error = open_from(&fs, OpenFrom::default()).unwrap_err();
    assert!(matches!(error, OpenError::Gap { begins: Sequence(1001), .. }), "{error}");
}

#[test]
fn the_callers_refusal_stops_the_opening() {
    let fs = SimFs::new(1);
    let (mut log, ..) = open(&fs);
    append(&mut log, &[entry(1, 10)]).unwrap();
    drop(log);
    let refuse = |_: &Group<'_>| Err(BoxError::from("not with me"));
    let error = Log::open(fs.shared(), Path::new(DIR), Epoch(1), OpenFrom::default(), options(), refuse).unwrap_err();
    assert!(error.to_string().contains("not with me"), "{error}");
}

#[test]
fn the_buffer_refuses_what_is_too_large_and_stays_as_it_was() {
    let mut group = GroupBuffer::new();
    group.push(b"one").unwrap();
    let bytes = group.bytes();
    let large = vec![0; crate::limits::ENTRY_BYTES_MAX + 1];
    assert!(matches!(group.push(&large), Err(PushError::EntryTooLarge { .. })));
    assert_eq!((group.len(), group.bytes()), (1, bytes));
    let full = vec![0; crate::limits::ENTRY_BYTES_MAX];
    let mut pushed = 1;
    let error = loop {
        match group.push(&full) {
            Ok(()) => pushed += 1,
            Err(error) => break error,
        }
    };
    assert_eq!((error, group.len(), pushed), (PushError::GroupFull, 16, 16));
    group.truncate(1);
    assert_eq!((group.len(), group.bytes()), (1, bytes));
    assert_eq!(group.entries(Sequence(5)).collect::<Vec<_>>(), [(Sequence(5), b"one".as_slice())]);
    assert_eq!(group.push_with(|bytes| bytes.clear()), Err(PushError::Misused));
    assert!(group.is_empty());
    group.push(b"").unwrap();
    assert_eq!(group.entries(Sequence(1)).count(), 1);
}

#[test]
fn a_group_is_appended_once_and_never_empty() {
    let fs = SimFs::new(1);
    let (mut log, ..) = open(&fs);
    let mut group = GroupBuffer::new();
    assert!(matches!(log.append(&mut group, SpaceClass::Normal), Err(AppendError::NotAppendable)));
    group.push(b"x").unwrap();
    log.append(&mut group, SpaceClass::Normal).unwrap();
    assert!(matches!(log.append(&mut group, SpaceClass::Normal), Err(AppendError::NotAppendable)));
    assert_eq!(group.push(b"y"), Err(PushError::Sealed));
    assert_eq!(group.entries(Sequence(1)).count(), 1);
    let raw = group.appended().unwrap().to_vec();
    assert_eq!(Group::parse(&raw).unwrap().position(), log.last());
    group.clear();
    group.push(b"y").unwrap();
    assert_eq!(log.append(&mut group, SpaceClass::Normal).unwrap().first, Sequence(2));
}

#[test]
fn trimmed_segments_are_used_again_and_their_old_bytes_mean_nothing() {
    let fs = SimFs::new(1);
    let (mut log, ..) = open(&fs);
    let mut kept = Vec::new();
    for n in 0..2000 {
        let last = append(&mut log, &[entry(n, 700)]).unwrap().last;
        if n % 100 == 99 {
            log.trim(Sequence(last.sequence.0.saturating_sub(150)));
        }
        kept.push(last);
    }
    assert!(segments(&fs).len() < 8, "{:?}", segments(&fs));
    assert!(fs.used() < 800 << 10, "{} bytes", fs.used());
    let (first, last) = (log.first(), log.last());
    assert!(first > Sequence(1700) && first <= Sequence(1850), "{first}");
    drop(log);
    fs.crash(CrashPolicy::DropUnsynced);
    let from = OpenFrom::snapshot(kept[1889]);
    let (log, recovery, entries) = open_from(&fs, from).unwrap();
    assert_eq!((log.last(), recovery.torn, entries.len()), (last, None, 110));
    let error = open_from(&fs, OpenFrom::default()).unwrap_err();
    assert!(matches!(error, OpenError::Gap { .. }), "{error}");
}

#[test]
fn a_trimmed_segment_that_can_t_be_removed_never_leaves_a_hole() {
    let fs = SimFs::new(1);
    let (mut log, ..) = open(&fs);
    let mut last = log.last();
    for n in 0..400 {
        last = append(&mut log, &[entry(n, 700)]).unwrap().last;
    }
    let before = segments(&fs);
    fs.plan(Fault { path_contains: Some(".seg"), ..Fault::nth(Operation::Rename, 1, FaultKind::Error) });
    let all = log.trim(last.sequence);
    assert!(all > 5, "{all}");
    for n in 0..100 {
        last = append(&mut log, &[entry(n, 700)]).unwrap().last;
        log.trim(last.sequence);
    }
    let first = before.first().unwrap();
    assert!(segments(&fs).starts_with(std::slice::from_ref(first)), "what could not be removed is there");
    drop(log);
    let (mut log, _, entries) = open(&fs);
    assert_eq!((log.last(), entries.len()), (last, 500), "and so is everything behind it");
    log.trim(last.sequence);
    assert!(!segments(&fs).contains(first), "the next start's trim removes it");
}

#[test]
fn received_groups_are_kept_verbatim_with_one_sync() {
    let (node, centre) = (SimFs::new(1), SimFs::new(2));
    let (mut log, ..) = open(&node);
    let mut raw = Vec::new();
    for n in 0..60 {
        let mut group = GroupBuffer::new();
        group.push(&entry(n, 800)).unwrap();
        group.push(&entry(n, 80)).unwrap();
        log.append(&mut group, SpaceClass::Normal).unwrap();
        raw.push(group.appended().unwrap().to_vec());
    }
    let groups: Vec<_> = raw.iter().map(|raw| Group::parse(raw).unwrap()).collect();
    let (mut copy, ..) = open(&centre);
    let syncs = centre.operations(Operation::Sync);
    copy.append_received(&groups[..5], SpaceClass::Normal).unwrap();
    assert_eq!(centre.operations(Operation::Sync), syncs + 1);
    for batch in [&groups[6..7], &groups[4..6]] {
        let error = copy.append_received(batch, SpaceClass::Normal).unwrap_err();
        assert!(matches!(error, AppendError::NotNext { .. }), "{error}");
    }
    copy.append_received(&groups[5..], SpaceClass::Normal).unwrap();
    assert_eq!(copy.last(), log.last());
    drop(copy);
    centre.crash(CrashPolicy::DropUnsynced);
    let mut kept = Vec::new();
    let (_, recovery) = Log::open(centre.shared(), Path::new(DIR), Epoch(1), OpenFrom::default(), options(), |group| {
        kept.push(group.raw().to_vec());
        Ok(())
    })
    .unwrap();
    assert_eq!(recovery.last, log.last());
    assert!(kept == raw);
}

#[test]
fn a_new_directory_takes_at_most_32_mib() {
    let fs = SimFs::new(1);
    let default = LogOptions { create: true, preparation: Preparation::Inline, ..LogOptions::default() };
    let opened = Log::open(fs.shared(), Path::new(DIR), Epoch(1), OpenFrom::default(), default, |_| Ok(()));
    assert!(opened.is_ok());
    assert!(fs.used() <= 24 << 20, "{} bytes", fs.used());
}

#[test]
fn verification_counts_the_whole_chain_and_changes_nothing() {
    let fs = SimFs::new(1);
    let (mut log, ..) = open(&fs);
    for n in 0..100 {
        append(&mut log, &[entry(n, 500), entry(n, 5)]).unwrap();
    }
    let last = log.last();
    drop(log);
    let changes = fs.operations(Operation::AnyChange);
    let report = verify_chain(&fs.shared(), Path::new(DIR), Sequence(200)).unwrap();
    assert_eq!((report.groups, report.entries, report.last, report.first), (100, 200, last, Sequence(1)));
    assert!(verify_chain(&fs.shared(), Path::new(DIR), Sequence(201)).is_err());
    assert_eq!(fs.operations(Operation::AnyChange), changes);
}
