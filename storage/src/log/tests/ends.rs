//! Bytes that nobody appended behind the log's end, and single bytes flipped in segments that are closed: the first change
//! nothing that was acknowledged, the second are found and named.

use super::*;

/// What a crash, a sector or a careless copy may leave.
fn appendices() -> Vec<(&'static str, Vec<u8>)> {
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let mut garbage = |length: usize| -> Vec<u8> {
        let next = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state.to_le_bytes()[0]
        };
        std::iter::repeat_with(next).take(length).collect()
    };
    let lengths = (1..=300).chain([511, 512, 513, 4095, 4096, 4097, 9000]);
    let mut all: Vec<_> = vec![("9 bytes of 0xff", vec![0xFF; 9])];
    for length in lengths {
        all.push(("garbage", garbage(length)));
        all.push(("zeros", vec![0; length]));
        all.push(("0xff", vec![0xFF; length]));
    }
    all
}

/// Where the last group ends: frames begin behind the header, and nothing but zeros follows.
fn end_of(contents: &[u8]) -> usize {
    contents.iter().rposition(|byte| *byte != 0).unwrap() + 1
}

/// Behind the last group, and behind the end of the file; the segment as it was made and as a copy without its zeros.
#[test]
fn whatever_is_appended_to_the_newest_segment_everything_acknowledged_is_there() {
    let before: Vec<_> = (0..30).map(|n| entry(n, 700)).collect();
    let mut torn = 0;
    for (what, bytes) in appendices() {
        for place in ["behind the last group", "behind the file", "behind a file without its zeros"] {
            let fs = SimFs::new(1);
            let (mut log, ..) = open(&fs);
            for entry in &before {
                append(&mut log, std::slice::from_ref(entry)).unwrap();
            }
            let last = log.last();
            drop(log);
            let newest = segments(&fs).pop().unwrap();
            let end = end_of(&fs.contents(&newest).unwrap());
            fs.corrupt(&newest, |contents| match place {
                "behind the last group" => {
                    let most = contents.len().min(end + bytes.len());
                    contents[end..most].copy_from_slice(&bytes[..most - end]);
                }
                "behind the file" => contents.extend_from_slice(&bytes),
                _ => {
                    contents.truncate(end);
                    contents.extend_from_slice(&bytes);
                }
            })
            .unwrap();
            let what = format!("{} bytes ({what}) {place}", bytes.len());
            let (mut log, recovery, entries) = open(&fs);
            assert!(entries == before && log.last() == last, "{what}");
            torn += usize::from(recovery.torn.is_some());
            // It goes on, and what was behind never comes back.
            append(&mut log, &[entry(77, 2000)]).unwrap();
            drop(log);
            let (_, recovery, entries) = open(&fs);
            assert_eq!((entries.len(), recovery.torn), (31, None), "{what}");
        }
    }
    assert!(torn > 500, "the appendices were not looked at: {torn}");
}

/// Three groups in the middle of a closed segment: every byte of the second one's frame, every bit of it.
#[test]
fn any_bit_of_a_group_in_a_closed_segment_is_found_and_named() {
    let fs = SimFs::new(1);
    let (mut log, ..) = open(&fs);
    let mut frames = vec![usize::try_from(SEGMENT_HEADER_BYTES).unwrap()];
    for n in 0..3 {
        let appended = append(&mut log, &[entry(n, 24), entry(n, 9)]).unwrap();
        frames.push(frames.last().unwrap() + appended.bytes);
    }
    for n in 0..60 {
        append(&mut log, &[entry(n, 700)]).unwrap();
    }
    drop(log);
    let all = segments(&fs);
    assert!(all.len() > 2);
    let file = &all[0];
    let whole = fs.contents(file).unwrap();
    for at in frames[1]..frames[2] {
        for bit in 0..8 {
            fs.corrupt(file, |bytes| bytes[at] ^= 1 << bit).unwrap();
            let what = format!("byte {at}, bit {bit}");
            let changes = fs.operations(Operation::AnyChange);
            let named = |error: &OpenError| match error {
                OpenError::Rot { file: named, offset, first, last, .. } => {
                    assert_eq!((named, *offset, *first), (file, frames[1] as u64, Sequence(3)), "{what}");
                    assert!(last >= first, "{what}");
                    let text = error.to_string();
                    assert!(text.contains("restore") && text.contains(&*file.to_string_lossy()), "{text}");
                }
                other => panic!("{what}: {other}"),
            };
            named(&open_from(&fs, OpenFrom::default()).unwrap_err());
            named(&verify_chain(&fs.shared(), Path::new(DIR), Sequence::NONE).unwrap_err());
            assert_eq!(fs.operations(Operation::AnyChange), changes, "{what}: nothing is changed");
            // Whoever follows the log meets it, too.
            let mut reader = LogReader::open(fs.shared(), Path::new(DIR), Sequence::NONE).unwrap();
            let met = loop {
                match reader.next(Sequence(6)) {
                    Ok(Some(group)) => assert!(group.last() < Sequence(3), "{what}"),
                    Ok(None) => panic!("{what}: read over"),
                    Err(error) => break error,
                }
            };
            assert!(matches!(&met, ReadError::Rot { first: Sequence(3), file: named, .. } if named == file), "{met}");
            fs.corrupt(file, |bytes| bytes.clone_from(&whole)).unwrap();
        }
    }
    assert_eq!(open(&fs).2.len(), 66, "nothing of it stays");
}
