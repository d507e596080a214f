//! Following the log while it is written.

use super::*;

fn read_all(reader: &mut LogReader, committed: Sequence) -> Vec<(Sequence, Vec<u8>)> {
    let mut entries = Vec::new();
    while let Some(group) = reader.next(committed).unwrap() {
        entries.extend(group.entries().map(|(sequence, bytes)| (sequence, bytes.to_vec())));
    }
    entries
}

#[test]
fn a_reader_follows_the_writer_over_segments_and_never_looks_beyond_what_is_committed() {
    let fs = SimFs::new(1);
    let (mut log, ..) = open(&fs);
    let mut reader = LogReader::open(fs.shared(), Path::new(DIR), Sequence::NONE).unwrap();
    let mut late = LogReader::open(fs.shared(), Path::new(DIR), Sequence::NONE).unwrap();
    assert!(reader.next(Sequence::NONE).unwrap().is_none());
    let mut seen = Vec::new();
    for n in 0..300 {
        let group: Vec<_> = (0..=n % 3).map(|k| entry(n * 3 + k, 600)).collect();
        let before = log.last();
        append(&mut log, &group).unwrap();
        assert!(reader.next(before.sequence).unwrap().is_none(), "not committed yet");
        let read = reader.next(log.last().sequence).unwrap().unwrap();
        assert_eq!((read.previous(), read.position()), (before.hash, log.last()));
        seen.extend(read.entries().map(|(sequence, bytes)| (sequence, bytes.to_vec())));
    }
    assert!(segments(&fs).len() > 4);
    assert!(read_all(&mut late, log.last().sequence) == seen);
    assert_eq!(late.after(), log.last().sequence);
    let mut middle = LogReader::open(fs.shared(), Path::new(DIR), Sequence(301)).unwrap();
    let tail = read_all(&mut middle, log.last().sequence);
    assert!(seen.ends_with(&tail) && tail[0].0 <= Sequence(302) && tail[0].0 >= Sequence(300));
}

#[test]
fn a_reader_gives_groups_verbatim() {
    let fs = SimFs::new(1);
    let (mut log, ..) = open(&fs);
    let mut group = GroupBuffer::new();
    group.push(b"one").unwrap();
    log.append(&mut group, SpaceClass::Normal).unwrap();
    let mut reader = LogReader::open(fs.shared(), Path::new(DIR), Sequence::NONE).unwrap();
    let read = reader.next(Sequence(1)).unwrap().unwrap();
    assert_eq!(Some(read.raw()), group.appended());
}

#[test]
fn a_reader_whose_entries_are_trimmed_is_told() {
    let fs = SimFs::new(1);
    let (mut log, ..) = open(&fs);
    append(&mut log, &[entry(0, 100)]).unwrap();
    let mut reader = LogReader::open(fs.shared(), Path::new(DIR), Sequence::NONE).unwrap();
    reader.next(Sequence(1)).unwrap().unwrap();
    for n in 0..600 {
        append(&mut log, &[entry(n, 700)]).unwrap();
        if n % 50 == 0 {
            log.trim(log.last().sequence); // files are recycled under the reader's hands
        }
    }
    let committed = log.last().sequence;
    let error = loop {
        match reader.next(committed) {
            Ok(Some(_)) => {}
            Ok(None) => panic!("the reader saw everything, though much was trimmed"),
            Err(error) => break error,
        }
    };
    assert!(matches!(error, ReadError::Trimmed { begins, .. } if begins == log.first()), "{error}");
    let error = LogReader::open(fs.shared(), Path::new(DIR), Sequence(3)).unwrap_err();
    assert!(matches!(error, ReadError::Trimmed { .. }), "{error}");
}

#[test]
fn a_committed_group_that_rots_is_named() {
    let fs = SimFs::new(1);
    let (mut log, ..) = open(&fs);
    for n in 0..3 {
        append(&mut log, &[entry(n, 100)]).unwrap();
    }
    let path = segments(&fs)[0].clone();
    let offset = usize::try_from(SEGMENT_HEADER_BYTES).unwrap() + 400;
    fs.corrupt(&path, |bytes| bytes[offset] ^= 1).unwrap();
    let mut reader = LogReader::open(fs.shared(), Path::new(DIR), Sequence::NONE).unwrap();
    reader.next(Sequence(3)).unwrap().unwrap();
    let error = reader.next(Sequence(3)).unwrap_err();
    assert!(matches!(error, ReadError::Rot { first: Sequence(2), .. }), "{error}");
}

#[test]
fn a_reader_and_the_writer_work_in_two_threads() {
    use std::sync::atomic::{AtomicU64, Ordering};
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("log");
    let background = LogOptions { preparation: Preparation::Background, ..options() };
    let opened = Log::open(crate::fs::real(), &path, Epoch(1), OpenFrom::default(), background, |_| Ok(()));
    let (mut log, _) = opened.unwrap();
    let committed = Arc::new(AtomicU64::new(0));
    let seen = Arc::clone(&committed);
    let follower = std::thread::spawn(move || {
        let mut reader = LogReader::open(crate::fs::real(), &path, Sequence::NONE).unwrap();
        let mut expected = Sequence::NONE;
        while expected < Sequence(1000) {
            let now = Sequence(seen.load(Ordering::Acquire));
            while let Some(group) = reader.next(now).unwrap() {
                for (sequence, bytes) in group.entries() {
                    expected = expected.next();
                    assert_eq!(sequence, expected);
                    assert_eq!(bytes, entry(sequence.0, 700));
                }
            }
        }
    });
    let mut group = GroupBuffer::new();
    for n in 1..=1000 {
        group.clear();
        group.push(&entry(n, 700)).unwrap();
        let appended = log.append(&mut group, SpaceClass::Normal).unwrap();
        committed.store(appended.last.sequence.0, Ordering::Release);
    }
    follower.join().unwrap();
}
