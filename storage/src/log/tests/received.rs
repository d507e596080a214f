//! A log that another one is copied into: over epochs, segment ends, power cuts, and from a later beginning.

use proptest::prelude::*;

use super::*;
use crate::fs::real;

fn open_epoch(fs: &SimFs, epoch: u32, from: OpenFrom) -> Result<(Log, Recovery), OpenError> {
    Log::open(fs.shared(), Path::new(DIR), Epoch(epoch), from, options(), |_| Ok(()))
}

/// The bytes of `groups` groups that a log of this epoch writes.
fn write(log: &mut Log, groups: u64, bytes: usize) -> Vec<Vec<u8>> {
    let mut raw = Vec::new();
    for n in 0..groups {
        let mut group = GroupBuffer::new();
        group.push(&entry(n, bytes)).unwrap();
        group.push(&entry(n, 30)).unwrap();
        log.append(&mut group, SpaceClass::Normal).unwrap();
        raw.push(group.appended().unwrap().to_vec());
    }
    raw
}

fn parse(raw: &[Vec<u8>]) -> Vec<Group<'_>> {
    raw.iter().map(|raw| Group::parse(raw).unwrap()).collect()
}

/// A history of `per_epoch` groups in each of so many epochs, and its end.
fn history(epochs: u32, per_epoch: u64) -> (Vec<Vec<u8>>, Position) {
    let fs = SimFs::new(9);
    let (mut raw, mut last) = (Vec::new(), Position::ORIGIN);
    for epoch in 1..=epochs {
        let (mut log, _) = open_epoch(&fs, epoch, OpenFrom::default()).unwrap();
        raw.extend(write(&mut log, per_epoch, 700));
        last = log.last();
    }
    (raw, last)
}

#[test]
fn groups_of_a_later_epoch_come_once_it_was_entered() {
    let (raw, end) = history(3, 4);
    let groups = parse(&raw);
    let fs = SimFs::new(1);
    let (mut copy, _) = open_epoch(&fs, 1, OpenFrom::default()).unwrap();
    let error = copy.append_received(&groups, SpaceClass::Normal).unwrap_err();
    let what = matches!(error, AppendError::OtherEpoch { got: Epoch(2), least: Epoch(1), most: Epoch(1), .. });
    assert!(what, "{error}");
    assert_eq!(copy.last(), Position::ORIGIN, "nothing of a batch that doesn't fit was written");
    copy.append_received(&groups[..3], SpaceClass::Normal).unwrap();
    copy.enter_epoch(Epoch(3));
    copy.enter_epoch(Epoch(2));
    assert_eq!(copy.epoch(), Epoch(3));
    copy.append_received(&groups[3..], SpaceClass::Normal).unwrap();
    assert_eq!((copy.last(), copy.last_epoch()), (end, Epoch(3)));
    drop(copy);
    let error = open_epoch(&fs, 2, OpenFrom::default()).unwrap_err();
    assert!(matches!(error, OpenError::LaterEpoch { .. }), "{error}");
    let (copy, recovery) = open_epoch(&fs, 3, OpenFrom::default()).unwrap();
    assert_eq!((copy.last(), copy.last_epoch(), recovery.last_epoch), (end, Epoch(3), Epoch(3)));
}

/// A copy that forgot in which epoch its last group was took one of an earlier epoch after it, where the newest segment was
/// still empty; the next start called that rot.
#[test]
fn an_earlier_epoch_never_follows_a_later_one_even_behind_an_empty_segment() {
    let (raw, end) = history(2, 3);
    let fs = SimFs::new(1);
    let (mut copy, _) = open_epoch(&fs, 2, OpenFrom::default()).unwrap();
    copy.append_received(&parse(&raw), SpaceClass::Normal).unwrap();
    let before = segments(&fs).len();
    let room = usize::try_from(copy.active.header.bytes).unwrap();
    copy.make_room(room, SpaceClass::Normal).unwrap();
    assert_eq!(segments(&fs).len(), before + 1);
    drop(copy);
    let (mut copy, recovery) = open_epoch(&fs, 2, OpenFrom::snapshot(end)).unwrap();
    assert_eq!((recovery.last, recovery.last_epoch), (end, Epoch(2)));

    let other = SimFs::new(2);
    let (mut old, _) = open_epoch(&other, 1, OpenFrom::snapshot(end)).unwrap();
    let raw = write(&mut old, 1, 50);
    let error = copy.append_received(&parse(&raw), SpaceClass::Normal).unwrap_err();
    assert!(matches!(error, AppendError::OtherEpoch { got: Epoch(1), least: Epoch(2), .. }), "{error}");
    assert_eq!(copy.last(), end);
}

#[test]
fn a_log_begun_after_a_snapshot_goes_on_from_there_and_says_what_is_not_in_it() {
    let (raw, end) = history(1, 200);
    let groups = parse(&raw);
    let seed = groups[119].position();
    let fs = SimFs::new(1);
    let (mut copy, recovery) = open_epoch(&fs, 1, OpenFrom::snapshot(seed)).unwrap();
    assert_eq!((recovery.last, copy.first()), (seed, seed.sequence.next()));
    let reader = |after| LogReader::open(fs.shared(), Path::new(DIR), after);
    assert_eq!(reader(seed.sequence).unwrap().position(), Some(seed), "nothing has arrived yet");
    assert!(copy.append_received(&groups[119..], SpaceClass::Normal).is_err());
    copy.append_received(&groups[120..], SpaceClass::Normal).unwrap();
    assert_eq!(copy.last(), end);
    assert!(segments(&fs).len() > 2);
    drop(copy);
    fs.crash(CrashPolicy::DropUnsynced);
    assert_eq!(open_epoch(&fs, 1, OpenFrom::snapshot(seed)).unwrap().0.last(), end);
    let error = open_epoch(&fs, 1, OpenFrom::default()).unwrap_err();
    assert!(matches!(error, OpenError::Gap { .. }), "{error}");
    let other = Position { hash: crate::ChainHash([7; 32]), ..seed };
    let error = open_epoch(&fs, 1, OpenFrom::snapshot(other)).unwrap_err();
    assert!(matches!(error, OpenError::OtherHistory { .. }), "{error}");
    assert!(matches!(reader(Sequence(5)), Err(ReadError::Trimmed { .. })));
}

#[test]
fn a_reader_knows_its_position_where_a_group_ends_and_nowhere_else() {
    let (raw, end) = history(2, 80);
    let groups = parse(&raw);
    let fs = SimFs::new(1);
    let (mut copy, _) = open_epoch(&fs, 2, OpenFrom::default()).unwrap();
    copy.append_received(&groups, SpaceClass::Normal).unwrap();
    let position = |after| LogReader::open(fs.shared(), Path::new(DIR), after).unwrap().position();
    assert_eq!(position(Sequence::NONE), Some(Position::ORIGIN));
    for group in &groups {
        assert_eq!(position(group.last()), Some(group.position()));
        assert_eq!(position(group.first()), None, "in the middle of a group");
    }
    assert_eq!(position(end.sequence.next()), None, "ahead of the log");
    let mut reader = LogReader::open(fs.shared(), Path::new(DIR), Sequence::NONE).unwrap();
    while reader.next(end.sequence).unwrap().is_some() {
        assert!(reader.position().is_some_and(|at| at.sequence == reader.after()));
    }
    assert_eq!(reader.position(), Some(end));
}

/// On real files, with threads: readers see every group once, in order, whole, and never one that is not committed.
#[test]
fn several_readers_follow_while_one_appends() {
    use std::sync::atomic::{AtomicU64, Ordering};
    let (raw, end) = history(1, 1_500);
    let dir = tempfile::tempdir().unwrap();
    let head = AtomicU64::new(0);
    let options = LogOptions { preparation: Preparation::Background, ..options() };
    let mut copy = Log::open(real(), dir.path(), Epoch(1), OpenFrom::default(), options, |_| Ok(())).unwrap().0;
    std::thread::scope(|scope| {
        for begin in [0_usize, 0, 700, 1_499] {
            let (raw, head, dir) = (&raw, &head, dir.path());
            scope.spawn(move || {
                let after =
                    begin.checked_sub(1).map_or(Sequence::NONE, |last| Group::parse(&raw[last]).unwrap().last());
                while head.load(Ordering::Acquire) < after.0 {
                    std::thread::yield_now();
                }
                let mut reader = LogReader::open(real(), dir, after).unwrap();
                let mut next = begin;
                while next < raw.len() {
                    let committed = Sequence(head.load(Ordering::Acquire));
                    match reader.next(committed).unwrap() {
                        Some(group) => {
                            assert!(group.last() <= committed && group.raw() == raw[next]);
                            next += 1;
                        }
                        None => std::thread::yield_now(),
                    }
                }
            });
        }
        for batch in parse(&raw).chunks(3) {
            let appended = copy.append_received(batch, SpaceClass::Normal).unwrap();
            head.store(appended.last.sequence.0, Ordering::Release);
        }
    });
    assert_eq!(copy.last(), end);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    /// Whatever happens to the copy, what it acknowledged is there, and it goes on from where it stands.
    #[test]
    fn a_copy_survives_power_cuts_in_any_write(
        cuts in prop::collection::vec((1_u64..14, any::<u64>(), 1_usize..20), 1..8),
        seed in any::<u64>(),
    ) {
        let (raw, end) = history(2, 60);
        let groups = parse(&raw);
        let fs = SimFs::new(seed);
        let mut acknowledged = Position::ORIGIN;
        for (nth, policy, batch) in cuts {
            let (mut copy, _) = open_epoch(&fs, 2, OpenFrom::default()).unwrap();
            prop_assert!(copy.last().sequence >= acknowledged.sequence, "what was acknowledged is gone");
            let sent = groups.iter().take_while(|group| group.last() <= copy.last().sequence).count();
            prop_assert_eq!(copy.last(), sent.checked_sub(1).map_or(Position::ORIGIN, |last| groups[last].position()));
            fs.plan(Fault::nth(Operation::AnyChange, nth, FaultKind::PowerCut));
            for batch in groups[sent..].chunks(batch) {
                match copy.append_received(batch, SpaceClass::Normal) {
                    Ok(appended) => acknowledged = appended.last,
                    Err(_) => break,
                }
            }
            fs.crash(CrashPolicy::Random(policy));
        }
        let (mut copy, _) = open_epoch(&fs, 2, OpenFrom::default()).unwrap();
        prop_assert!(copy.last().sequence >= acknowledged.sequence);
        let sent = groups.iter().take_while(|group| group.last() <= copy.last().sequence).count();
        if sent < groups.len() {
            copy.append_received(&groups[sent..], SpaceClass::Normal).unwrap();
        }
        prop_assert_eq!(copy.last(), end);
        drop(copy);
        let report = verify_chain(&fs.shared(), Path::new(DIR), end.sequence).unwrap();
        prop_assert_eq!(report.last, end);
    }
}
