//! Damage: a torn tail is cut off at any byte, rot is named and never skipped, bytes of others are
//! never believed.

use proptest::prelude::*;

use super::*;

/// A log of `groups` one-entry groups in one segment; the offsets of their frames, and the end.
fn log_of(fs: &SimFs, groups: u64, length: usize) -> (PathBuf, Vec<usize>) {
    let large = LogOptions { segment_bytes_first: 64 << 10, ..options() };
    let (mut log, _) =
        Log::open(fs.shared(), Path::new(DIR), Epoch(1), OpenFrom::default(), large, |_| Ok(())).unwrap();
    let mut offsets = vec![usize::try_from(SEGMENT_HEADER_BYTES).unwrap()];
    for n in 0..groups {
        let appended = append(&mut log, &[entry(n, length)]).unwrap();
        offsets.push(offsets.last().unwrap() + appended.bytes);
    }
    (segments(fs)[0].clone(), offsets)
}

#[test]
fn a_torn_tail_is_cut_off_at_every_byte_of_the_last_group() {
    let whole = SimFs::new(1);
    let (path, offsets) = log_of(&whole, 3, 40);
    let (start, end) = (offsets[2], offsets[3]);
    let length = whole.contents(&path).unwrap().len();
    for cut in start..end {
        for tail in [0_u8, 0xA5] {
            let fs = SimFs::new(1);
            log_of(&fs, 3, 40);
            fs.corrupt(&path, |bytes| {
                // The first bytes arrived, the rest is as it was (zero) or garbage.
                bytes[cut..end].fill(tail);
                assert_eq!(bytes.len(), length);
            })
            .unwrap();
            let (mut log, recovery, entries) = open(&fs);
            assert_eq!(entries, [entry(0, 40), entry(1, 40)], "cut at {cut}");
            match recovery.torn {
                Some(torn) => {
                    assert_eq!((torn.offset, torn.first), (start as u64, Sequence(3)));
                    assert_eq!(torn.file, path);
                }
                None => assert!(tail == 0 && cut < start + 96, "cut at {cut} wasn't reported"),
            }
            // The place is used again, and the debris never comes back.
            append(&mut log, &[entry(77, 20)]).unwrap();
            drop(log);
            let (_, recovery, entries) = open(&fs);
            assert_eq!(entries, [entry(0, 40), entry(1, 40), entry(77, 20)]);
            assert_eq!(recovery.torn, None);
        }
    }
}

#[test]
fn a_file_cut_short_in_its_last_group_is_a_torn_tail() {
    for cut in [1, 50, 150] {
        let fs = SimFs::new(1);
        let (path, offsets) = log_of(&fs, 3, 40);
        fs.corrupt(&path, |bytes| bytes.truncate(offsets[2] + cut)).unwrap();
        let (mut log, recovery, entries) = open(&fs);
        assert_eq!(entries.len(), 2);
        assert!(recovery.torn.is_some());
        append(&mut log, &[entry(77, 2000)]).unwrap();
        drop(log);
        assert_eq!(open(&fs).2.len(), 3);
    }
}

#[test]
fn a_flipped_bit_in_front_of_the_last_group_is_named_rot_and_nothing_is_changed() {
    let whole = SimFs::new(1);
    let (path, offsets) = log_of(&whole, 4, 40);
    for at in (offsets[0]..offsets[3]).chain(0..136) {
        let fs = SimFs::new(1);
        log_of(&fs, 4, 40);
        fs.corrupt(&path, |bytes| bytes[at] ^= 1 << (at % 8)).unwrap();
        let before = (fs.contents(&path).unwrap(), fs.operations(Operation::AnyChange));
        let error = open_from(&fs, OpenFrom::default()).unwrap_err();
        let group = offsets.iter().rposition(|offset| *offset <= at);
        match error {
            OpenError::Rot { file, offset, first, last, .. } => {
                let first_lost = group.map_or(1, |group| group as u64 + 1);
                assert_eq!((file, first), (path.clone(), Sequence(first_lost)), "byte {at}");
                assert_eq!(offset, group.map_or(0, |group| offsets[group] as u64));
                assert!(last >= first);
            }
            // A flipped bit may turn the version into a later one.
            OpenError::NewerFormat { .. } => assert!((8..12).contains(&at), "byte {at}"),
            other => panic!("byte {at}: {other}"),
        }
        assert!(before == (fs.contents(&path).unwrap(), fs.operations(Operation::AnyChange)));
    }
}

#[test]
fn what_a_snapshot_or_a_clean_stop_has_seen_is_never_a_torn_tail() {
    let fs = SimFs::new(1);
    let (path, offsets) = log_of(&fs, 3, 40);
    fs.corrupt(&path, |bytes| bytes[offsets[2] + 120] ^= 4).unwrap();
    let proven = OpenFrom { proven: Sequence(3), ..OpenFrom::default() };
    let error = open_from(&fs, proven).unwrap_err();
    assert!(matches!(error, OpenError::Rot { first: Sequence(3), last: Sequence(3), .. }), "{error}");

    let fs = SimFs::new(1);
    let (mut log, ..) = open(&fs);
    append(&mut log, &[entry(1, 40)]).unwrap();
    append(&mut log, &[entry(2, 40)]).unwrap();
    log.close().unwrap();
    let path = segments(&fs)[0].clone();
    let offset = usize::try_from(SEGMENT_HEADER_BYTES).unwrap() + 200;
    fs.corrupt(&path, |bytes| bytes[offset..].fill(0)).unwrap();
    let error = open_from(&fs, OpenFrom::default()).unwrap_err();
    assert!(matches!(error, OpenError::Rot { first: Sequence(2), last: Sequence(2), .. }), "{error}");
    let text = error.to_string();
    assert!(text.contains(&*path.to_string_lossy()) && text.contains("restore"), "{text}");
}

#[test]
fn damage_in_a_closed_segment_and_a_missing_segment_are_rot() {
    let build = || {
        let fs = SimFs::new(1);
        let (mut log, ..) = open(&fs);
        for n in 0..150 {
            append(&mut log, &[entry(n, 700)]).unwrap();
        }
        drop(log);
        let all = segments(&fs);
        assert!(all.len() >= 4);
        (fs, all)
    };
    // The very last group of a closed segment: the next segment proves it.
    let (fs, all) = build();
    let second: u64 = all[1].file_stem().unwrap().to_str().unwrap().parse().unwrap();
    let contents = fs.contents(&all[0]).unwrap();
    let end = contents.iter().rposition(|byte| *byte != 0).unwrap();
    fs.corrupt(&all[0], |bytes| bytes[end] = 0).unwrap();
    let error = open_from(&fs, OpenFrom::default()).unwrap_err();
    match error {
        OpenError::Rot { file, first, .. } => assert_eq!((file, first), (all[0].clone(), Sequence(second - 1))),
        other => panic!("{other}"),
    }
    // A segment that is gone.
    let (fs, all) = build();
    fs.remove(&all[1]).unwrap();
    let error = open_from(&fs, OpenFrom::default()).unwrap_err();
    assert!(matches!(&error, OpenError::Rot { first, .. } if *first == Sequence(second)), "{error}");
    // The first one.
    let (fs, all) = build();
    fs.remove(&all[0]).unwrap();
    assert!(matches!(open_from(&fs, OpenFrom::default()).unwrap_err(), OpenError::Gap { .. }));
    // One from somewhere else.
    let (fs, all) = build();
    let (other, _) = build();
    let (mut log, ..) = open(&other);
    append(&mut log, &[entry(0, 9)]).unwrap();
    let foreign = other.contents(&all[0]).unwrap();
    fs.corrupt(&all[1], |bytes| bytes.clone_from(&foreign)).unwrap();
    let error = open_from(&fs, OpenFrom::default()).unwrap_err();
    assert!(matches!(&error, OpenError::Rot { file, .. } if *file == all[1]), "{error}");
}

#[test]
fn a_newer_segment_format_is_said_so() {
    let fs = SimFs::new(1);
    let (path, _) = log_of(&fs, 1, 40);
    fs.corrupt(&path, |bytes| bytes[8] = 2).unwrap();
    assert!(matches!(open_from(&fs, OpenFrom::default()).unwrap_err(), OpenError::NewerFormat { version: 2, .. }));
}

#[test]
fn an_entry_that_looks_like_a_later_group_proves_nothing() {
    // The attacker knows the format and even copies real frames of this very log, but not the key.
    let fs = SimFs::new(1);
    let (path, offsets) = log_of(&fs, 3, 40);
    let frame = fs.contents(&path).unwrap()[offsets[1]..offsets[2]].to_vec();
    let (mut log, ..) = open(&fs);
    let mut forged = frame.clone();
    forged[0] = 200; // durable_through
    let mut entries = vec![frame, forged];
    for shift in 0..8 {
        entries.push([vec![0; shift], entries[1].clone()].concat());
    }
    append(&mut log, &entries).unwrap();
    drop(log);
    let torn = offsets[3] + 90;
    fs.corrupt(&path, |bytes| bytes[torn] ^= 1).unwrap();
    let (_, recovery, entries) = open(&fs);
    assert_eq!(entries.len(), 3);
    assert_eq!(recovery.torn.unwrap().offset, offsets[3] as u64);
}

#[test]
fn a_forged_frame_at_its_very_place_proves_nothing_without_the_segments_key() {
    let fs = SimFs::new(1);
    let (path, offsets) = log_of(&fs, 3, 40);
    let inside = offsets[3] as u64 + (PLACEMENT_BYTES + frame::HEADER_BYTES + 4) as u64;
    let header = GroupHeader {
        epoch: Epoch(1),
        count: 1,
        first: Sequence(9),
        entries_bytes: 4,
        previous: crate::ChainHash([1; 32]),
    };
    let group_bytes = u32::try_from(header.group_bytes()).unwrap();
    let placement = Placement { durable_through: Sequence(8), group_bytes };
    let forge = |key| [placement.seal(&key, inside, &header.encode()).as_slice(), &header.encode()].concat();
    let key = segment::SegmentHeader::decode(&fs.contents(&path).unwrap()).unwrap().key;
    for (key, proves) in [([0; 32], false), ([0xFF; 32], false), (key, true)] {
        let fs = SimFs::new(1);
        log_of(&fs, 3, 40);
        let (mut log, ..) = open(&fs);
        append(&mut log, &[forge(key)]).unwrap();
        drop(log);
        fs.corrupt(&path, |bytes| bytes[offsets[3] + 40] ^= 1).unwrap();
        let opened = open_from(&fs, OpenFrom::default());
        // With the key it would: so the first two are refused for want of it, and for nothing else.
        assert_eq!(matches!(opened, Err(OpenError::Rot { last: Sequence(8), .. })), proves);
    }
}

#[test]
fn a_placement_holds_for_its_key_its_offset_and_its_header_only() {
    let fs = SimFs::new(1);
    let (path, offsets) = log_of(&fs, 2, 40);
    let bytes = fs.contents(&path).unwrap();
    let key = segment::SegmentHeader::decode(&bytes).unwrap().key;
    let (frame, offset) = (&bytes[offsets[1]..], offsets[1] as u64);
    assert!(Placement::open(frame, &key, offset).is_some());
    assert!(Placement::open(frame, &key, offset + 1).is_none());
    assert!(Placement::open(frame, &[0; 32], offset).is_none());
    for at in 0..PLACEMENT_BYTES + frame::HEADER_BYTES {
        let mut other = frame.to_vec();
        other[at] ^= 1;
        assert!(Placement::open(&other, &key, offset).is_none(), "byte {at}");
    }
}

#[test]
fn a_whole_group_of_another_chain_is_not_taken_for_the_next_one() {
    // Two logs of one seed have the same keys; their second groups differ in nothing but the chain.
    let build = |first: u64| {
        let fs = SimFs::new(1);
        let (mut log, ..) = open(&fs);
        let mut ends = vec![usize::try_from(SEGMENT_HEADER_BYTES).unwrap()];
        for n in [first, 7, 8] {
            let bytes = append(&mut log, &[entry(n, 100)]).unwrap().bytes;
            ends.push(ends.last().unwrap() + bytes);
        }
        (fs, ends)
    };
    let ((fs, ends), (other, _)) = (build(1), build(2));
    let path = segments(&fs)[0].clone();
    let foreign = other.contents(&path).unwrap();
    fs.corrupt(&path, |bytes| bytes[ends[1]..].copy_from_slice(&foreign[ends[1]..])).unwrap();
    let error = open_from(&fs, OpenFrom::default()).unwrap_err();
    assert!(matches!(error, OpenError::Rot { first: Sequence(2), .. }), "{error}");
    fs.corrupt(&path, |bytes| bytes[ends[2]..].fill(0)).unwrap();
    let (_, recovery, entries) = open(&fs);
    assert_eq!((entries.len(), recovery.torn.unwrap().first), (1, Sequence(2)));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    /// Flipped, cut, spliced and doubled bytes anywhere: an answer, never a panic, and never an entry
    /// that wasn't appended there.
    #[test]
    fn no_damage_makes_entries_up(
        changes in prop::collection::vec((0_usize..6, 0_usize..9000, 0_usize..9000, 1_usize..300, any::<u8>()), 1..6),
    ) {
        let fs = SimFs::new(1);
        let (path, _) = log_of(&fs, 8, 200);
        fs.corrupt(&path, |bytes| {
            for (kind, from, to, length, value) in changes {
                let (from, to) = (from.min(bytes.len()), to.min(bytes.len()));
                let end = (from + length).min(bytes.len());
                match kind {
                    0 => bytes[from..end].fill(value),
                    1 => bytes.truncate(from),
                    2 => { let piece = bytes[from..end].to_vec(); bytes.splice(to..to, piece); }
                    3 => { bytes.drain(from..end); }
                    4 => if let Some(byte) = bytes.get_mut(from) { *byte ^= value; },
                    _ => { let piece = bytes[from..end].to_vec(); let end = (to + piece.len()).min(bytes.len());
                           bytes[to..end].copy_from_slice(&piece[..end - to]); }
                }
            }
        }).unwrap();
        let mut seen = Vec::new();
        let _ = scan(&fs.shared(), Path::new(DIR), None, OpenFrom::default(), |group| {
            seen.extend(group.entries().map(|(_, bytes)| bytes.to_vec()));
            Ok(())
        });
        let expected: Vec<_> = (0..8).map(|n| entry(n, 200)).collect();
        prop_assert!(expected.starts_with(&seen));
        let opened = open_from(&fs, OpenFrom::default());
        if let Ok((mut log, _, entries)) = opened {
            prop_assert!(expected.starts_with(&entries));
            append(&mut log, &[entry(99, 10)]).unwrap();
        }
    }

    /// Bytes from anywhere are a group or an error.
    #[test]
    fn any_bytes_are_a_group_or_an_error(
        mut bytes in prop::collection::vec(any::<u8>(), 0..400),
        flips in prop::collection::vec((0_usize..400, any::<u8>()), 0..3),
        healthy in any::<bool>(),
    ) {
        if healthy {
            let fs = SimFs::new(1);
            let (mut log, ..) = open(&fs);
            let mut group = GroupBuffer::new();
            group.push(&bytes).unwrap();
            log.append(&mut group, SpaceClass::Normal).unwrap();
            let whole = group.appended().unwrap();
            let mut damaged = whole.to_vec();
            for (at, value) in flips {
                let at = at % damaged.len();
                damaged[at] ^= value;
            }
            prop_assert_eq!(Group::parse(&damaged).is_ok(), damaged == whole);
        } else {
            if bytes.len() > 4 { bytes[..4].copy_from_slice(b"QCG\x01"); }
            prop_assert!(Group::parse(&bytes).is_err());
        }
    }
}
