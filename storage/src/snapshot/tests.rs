//! What snapshots promise.

use super::*;
use crate::ChainHash;
use crate::fs::{CrashPolicy, Fault, FaultKind, Operation, SimFs};

const DIR: &str = "/data/snapshot";

fn store(fs: &SimFs) -> SnapshotStore {
    SnapshotStore::open(fs.shared(), Path::new(DIR)).unwrap()
}

fn position(sequence: u64) -> Position {
    Position { sequence: Sequence(sequence), hash: ChainHash([u8::try_from(sequence % 251).unwrap(); 32]) }
}

fn sections(sequence: u64) -> Vec<(u32, Vec<u8>)> {
    let large = (0..3_000_000_u32).map(|n| u8::try_from(n % 253).unwrap()).collect();
    vec![(1, sequence.to_le_bytes().to_vec()), (7, Vec::new()), (2, large), (2, b"again".to_vec())]
}

fn write(store: &SnapshotStore, sequence: u64) -> Result<SnapshotInfo, SnapshotError> {
    let mut writer = store.create(position(sequence), Epoch(3))?;
    for (id, bytes) in sections(sequence) {
        writer.begin_section(id)?;
        for piece in bytes.chunks(700_001) {
            writer.write(piece)?;
        }
    }
    writer.finish()
}

fn read(reader: &mut SnapshotReader) -> Vec<(u32, Vec<u8>)> {
    let mut sections = Vec::new();
    while let Some(id) = reader.next_section().unwrap() {
        sections.push((id, reader.read_section(usize::MAX).unwrap()));
    }
    sections
}

fn newest(store: &SnapshotStore) -> (Option<Sequence>, usize) {
    let (reader, bad) = store.open_newest().unwrap();
    (reader.map(|reader| reader.info().position.sequence), bad.len())
}

#[test]
fn what_was_written_is_read_back_section_by_section() {
    let fs = SimFs::new(1);
    let store = store(&fs);
    let info = write(&store, 12).unwrap();
    fs.crash(CrashPolicy::DropUnsynced);
    let (reader, bad) = store.open_newest().unwrap();
    let mut reader = reader.unwrap();
    assert!(bad.is_empty());
    assert_eq!(reader.info(), &info);
    assert_eq!(info.epoch, Epoch(3));
    assert!(read(&mut reader) == sections(12));
}

#[test]
fn sections_may_be_skipped_and_are_bounded() {
    let fs = SimFs::new(1);
    let store = store(&fs);
    write(&store, 12).unwrap();
    let mut reader = store.open_newest().unwrap().0.unwrap();
    assert_eq!(reader.next_section().unwrap(), Some(1));
    assert_eq!(reader.next_section().unwrap(), Some(7));
    assert_eq!(reader.next_section().unwrap(), Some(2));
    assert!(matches!(reader.read_section(1000), Err(SnapshotError::SectionTooLarge { section: 2, limit: 1000, .. })));
    assert_eq!(reader.next_section().unwrap(), Some(2));
    assert_eq!(reader.read_section(1000).unwrap(), b"again");
    assert_eq!(reader.next_section().unwrap(), None);
}

#[test]
fn a_damaged_snapshot_is_named_and_the_one_before_serves() {
    let clean = SimFs::new(1);
    let info = write(&store(&clean), 20).unwrap();
    // Every head, and bytes here and there; a short file; bytes behind the end.
    let spots = [0, 9, 20, 90, 112, 130, 150, 200, 1_000_000, info.bytes - 40, info.bytes - 1];
    for spot in spots {
        let fs = SimFs::new(1);
        let store = store(&fs);
        write(&store, 10).unwrap();
        let info = write(&store, 20).unwrap();
        fs.corrupt(&info.path, |bytes| bytes[usize::try_from(spot).unwrap()] ^= 0x10).unwrap();
        assert_eq!(newest(&store), (Some(Sequence(10)), 1), "byte {spot}");
    }
    for change in [|bytes: &mut Vec<u8>| bytes.truncate(2_000_000), |bytes: &mut Vec<u8>| bytes.push(0)] {
        let fs = SimFs::new(1);
        let store = store(&fs);
        write(&store, 10).unwrap();
        let info = write(&store, 20).unwrap();
        fs.corrupt(&info.path, change).unwrap();
        assert_eq!(newest(&store), (Some(Sequence(10)), 1));
    }
}

#[test]
fn a_power_cut_at_any_step_leaves_the_old_or_the_new_snapshot() {
    for nth in 1.. {
        let fs = SimFs::new(nth);
        let before = store(&fs);
        write(&before, 10).unwrap();
        fs.plan(Fault::nth(Operation::AnyChange, nth, FaultKind::PowerCut));
        let written = write(&before, 20);
        let reached = fs.fault_reached();
        fs.crash(CrashPolicy::Random(nth));
        let after = store(&fs);
        let (sequence, bad) = newest(&after);
        assert_eq!(bad, 0, "step {nth}");
        if written.is_ok() {
            assert_eq!(sequence, Some(Sequence(20)));
        } else {
            assert!(matches!(sequence, Some(Sequence(10 | 20))), "step {nth}: {sequence:?}");
        }
        assert!(fs.list(Path::new(DIR)).unwrap().iter().all(|entry| !entry.name.ends_with(".tmp")));
        if !reached {
            assert!(nth > 8, "the steps were not reached");
            return;
        }
    }
}

#[test]
fn a_failed_or_dropped_snapshot_leaves_nothing_behind() {
    for (operation, kind) in [(Operation::Sync, FaultKind::Error), (Operation::Write, FaultKind::NoSpace)] {
        let fs = SimFs::new(1);
        let store = store(&fs);
        fs.plan(Fault::nth(operation, 1, kind));
        write(&store, 10).unwrap_err();
        assert_eq!(fs.list(Path::new(DIR)).unwrap(), []);
        drop(store.create(position(11), Epoch(1)).unwrap());
        assert_eq!(fs.list(Path::new(DIR)).unwrap(), []);
        write(&store, 10).unwrap();
        assert_eq!(newest(&store), (Some(Sequence(10)), 0));
    }
}

#[test]
fn pruning_keeps_the_base_and_the_newest_two() {
    let fs = SimFs::new(1);
    let store = store(&fs);
    for sequence in [10, 20, 30, 40, 50] {
        let mut writer = store.create(position(sequence), Epoch(1)).unwrap();
        writer.section(1, b"x").unwrap();
        writer.finish().unwrap();
    }
    assert_eq!(store.prune(&[Sequence(20)]).unwrap(), 2);
    let (left, _) = store.list().unwrap();
    let left: Vec<u64> = left.iter().map(|info| info.position.sequence.0).collect();
    assert_eq!(left, [20, 40, 50]);
}

#[test]
fn a_newer_format_is_said_so() {
    let fs = SimFs::new(1);
    let store = store(&fs);
    let info = write(&store, 10).unwrap();
    fs.corrupt(&info.path, |bytes| bytes[8] = 9).unwrap();
    let (reader, bad) = store.open_newest().unwrap();
    assert!(reader.is_none());
    assert!(bad[0].what.contains("format 9 is newer"), "{}", bad[0].what);
    assert!(matches!(store.open_snapshot(&info), Err(SnapshotError::NewerFormat { version: 9, .. })));
}

/// Sends a snapshot's file from one store to another in pieces, changed on the way by `change`.
fn send(
    from: &SnapshotStore,
    info: &SnapshotInfo,
    to: &SnapshotStore,
    change: impl Fn(u64, &mut Vec<u8>),
) -> Result<SnapshotInfo, SnapshotError> {
    let mut receiver = to.receive(info.clone())?;
    loop {
        let mut piece = Vec::new();
        from.read_at(info, receiver.received(), 400_003, &mut piece).unwrap();
        if piece.is_empty() {
            return receiver.finish();
        }
        change(receiver.received(), &mut piece);
        receiver.write(receiver.received(), &piece)?;
    }
}

#[test]
fn a_snapshot_from_elsewhere_counts_only_when_it_is_whole() {
    let (here, there) = (SimFs::new(1), SimFs::new(2));
    let (from, to) = (store(&here), store(&there));
    let info = write(&from, 12).unwrap();
    let untouched = |_: u64, _: &mut Vec<u8>| {};
    let flipped = send(&from, &info, &to, |offset, piece| {
        if offset > 0 {
            piece[17] ^= 1;
        }
    });
    assert!(matches!(flipped, Err(SnapshotError::Damaged { .. })), "{flipped:?}");
    let other = SnapshotInfo { position: position(13), ..info.clone() };
    assert!(send(&from, &other, &to, untouched).is_err(), "not what was announced");
    let longer = SnapshotInfo { bytes: info.bytes + 1, ..info.clone() };
    assert!(send(&from, &longer, &to, untouched).is_err(), "ended early");
    let shorter = SnapshotInfo { bytes: info.bytes - 1, ..info.clone() };
    assert!(send(&from, &shorter, &to, untouched).is_err(), "cut short");
    let mut gap = to.receive(info.clone()).unwrap();
    gap.write(5, b"later").unwrap_err();
    drop(gap);
    assert_eq!(there.list(Path::new(DIR)).unwrap(), [], "nothing is left of any of them");

    let received = send(&from, &info, &to, untouched).unwrap();
    there.crash(CrashPolicy::DropUnsynced);
    assert_eq!(received, info);
    assert!(read(&mut to.open_snapshot(&received).unwrap()) == sections(12));
}

#[test]
fn a_snapshot_from_elsewhere_survives_a_power_cut_or_leaves_nothing() {
    for nth in 1.. {
        let (here, there) = (SimFs::new(1), SimFs::new(nth));
        let (from, to) = (store(&here), store(&there));
        let info = write(&from, 12).unwrap();
        there.plan(Fault::nth(Operation::AnyChange, nth, FaultKind::PowerCut));
        let sent = send(&from, &info, &to, |_, _| {});
        let reached = there.fault_reached();
        there.crash(CrashPolicy::Random(nth));
        let (sequence, bad) = newest(&store(&there));
        assert_eq!(bad, 0, "step {nth}");
        assert!(sent.is_err() || sequence == Some(Sequence(12)), "step {nth}");
        if !reached {
            assert!(nth > 8, "the steps were not reached");
            return;
        }
    }
}
