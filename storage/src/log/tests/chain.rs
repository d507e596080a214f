//! Whether a position is on the chain: three answers, and damage is none of them.

use super::*;
use crate::ChainHash;

/// Groups of two entries over several segments, and where each of them ends.
fn log_of(fs: &SimFs, groups: u64) -> (Log, Vec<Position>) {
    let (mut log, ..) = open(fs);
    let mut ends = vec![Position::ORIGIN];
    for n in 0..groups {
        ends.push(append(&mut log, &[entry(2 * n, 300), entry(2 * n + 1, 300)]).unwrap().last);
    }
    (log, ends)
}

fn place(fs: &SimFs, at: Position, committed: Position) -> Result<Place, ReadError> {
    place_of(&fs.shared(), Path::new(DIR), at, committed.sequence)
}

#[test]
fn a_position_is_on_the_chain_or_elsewhere_or_trimmed() {
    let fs = SimFs::new(1);
    let (mut log, ends) = log_of(&fs, 300);
    let end = log.last();
    assert!(segments(&fs).len() > 3);
    for at in &ends {
        assert_eq!(place(&fs, *at, end).unwrap(), Place::OnChain, "{at:?}");
        let inside = Position { sequence: at.sequence.next(), ..*at };
        assert_eq!(place(&fs, inside, end).unwrap(), Place::Elsewhere, "{inside:?}: no group ends there");
        let other = Position { hash: ChainHash([7; 32]), ..*at };
        assert_eq!(place(&fs, other, end).unwrap(), Place::Elsewhere, "{other:?}: another hash");
    }
    let ahead = Position { sequence: Sequence(900), ..end };
    assert_eq!(place(&fs, ahead, end).unwrap(), Place::Elsewhere);
    log.trim(ends[200].sequence);
    let begins = log.first();
    assert!(begins > Sequence(2));
    for at in &ends {
        let expected = if at.sequence < begins.previous() { Place::Trimmed } else { Place::OnChain };
        assert_eq!(place(&fs, *at, end).unwrap(), expected, "{at:?}, the log begins at {begins}");
    }
}

/// A flipped bit made a position that is on the chain look like one of another history: its group's hash is another one then,
/// or the way to it ends early. A node whose log had rotted was told by the centre that it was another node, and nobody that
/// a disk was failing.
#[test]
fn damage_is_never_taken_for_another_history() {
    let fs = SimFs::new(1);
    let (log, ends) = log_of(&fs, 60);
    let end = log.last();
    let all = segments(&fs);
    assert!(all.len() > 1);
    for file in [&all[0], all.last().unwrap()] {
        let whole = fs.contents(file).unwrap();
        let written = whole.iter().rposition(|byte| *byte != 0).unwrap() + 1;
        let mut named = 0;
        for at in (0..written).filter(|at| *at < 136 || *at >= 4096) {
            fs.corrupt(file, |bytes| bytes[at] ^= 1 << (at % 8)).unwrap();
            for position in ends.iter().step_by(if at % 16 == 0 { 1 } else { 7 }) {
                match place(&fs, *position, end) {
                    Ok(place) => assert_eq!(place, Place::OnChain, "{position:?}, byte {at}"),
                    Err(ReadError::Rot { file: found, offset, first, last }) => {
                        named += 1;
                        assert_eq!(&found, file, "byte {at}");
                        assert!(offset <= at as u64, "byte {at} is named at {offset}");
                        assert!(first <= last && last <= end.sequence, "byte {at}: {first} to {last}");
                    }
                    Err(other) => panic!("byte {at}: {other}"),
                }
            }
            fs.corrupt(file, |bytes| bytes.clone_from(&whole)).unwrap();
        }
        assert!(named > 100, "{named}");
    }
}

#[test]
fn the_last_group_is_damaged_and_not_elsewhere() {
    let fs = SimFs::new(1);
    let (log, ends) = log_of(&fs, 3);
    let (file, end) = (segments(&fs).remove(0), log.last());
    let written = fs.contents(&file).unwrap().iter().rposition(|byte| *byte != 0).unwrap();
    // Its end byte, its hash, its entries, its header.
    for back in [0, 20, 200, 640] {
        fs.corrupt(&file, |bytes| bytes[written - back] ^= 1).unwrap();
        let found = place(&fs, Position { hash: ChainHash([7; 32]), ..end }, end).unwrap_err();
        assert!(
            matches!(found, ReadError::Rot { first: Sequence(5), last: Sequence(6), .. }),
            "{back} bytes before the end: {found}"
        );
        assert_eq!(place(&fs, ends[2], end).unwrap(), Place::OnChain);
        fs.corrupt(&file, |bytes| bytes[written - back] ^= 1).unwrap();
    }
}
