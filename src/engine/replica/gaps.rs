//! What a copy knows that it missed: stretches of the region's log that were trimmed away before they had arrived, so that
//! the copy went on with a snapshot. Written down before the copy's old log goes: a start that finds a gap behind which the log
//! does not begin yet ends what was begun. Never here: what becomes of the orders in a gap.

use std::fmt::Write as _;

use qucan_storage::{ChainHash, DataDir, DirectoryError, Position, Sequence};

use crate::domain::time::Timestamp;
use crate::engine::OpenError;
use crate::limits::GAPS_KEPT;

const NAME: &str = "GAPS";

/// A stretch of the region's log that never arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gap {
    /// The last entry before it.
    pub from: Position,
    /// The time of that entry.
    pub from_time: Timestamp,
    /// The last entry in it: where the snapshot stands with which the copy went on.
    pub to: Position,
    /// The time of that entry.
    pub to_time: Timestamp,
    /// When the copy went on.
    pub at: Timestamp,
}

/// The newest gaps of a copy, oldest first.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Gaps(Vec<Gap>);

impl Gaps {
    /// Reads them. A file that is not as it was written is named: it says how far the log has to be taken.
    pub(super) fn read(dir: &DataDir) -> Result<Self, OpenError> {
        let Some(bytes) = dir.read_note(NAME)? else { return Ok(Self::default()) };
        let read = std::str::from_utf8(&bytes).ok().and_then(Self::parse);
        read.ok_or_else(|| OpenError::Gaps { path: dir.path().join(NAME) })
    }

    /// One more, durable when it returns. The oldest is forgotten where there are too many.
    pub(super) fn write(&self, dir: &DataDir, gap: Gap) -> Result<Self, DirectoryError> {
        let mut gaps = self.clone();
        gaps.0.push(gap);
        gaps.0.drain(..gaps.0.len().saturating_sub(GAPS_KEPT));
        dir.write_note(NAME, gaps.text().as_bytes())?;
        Ok(gaps)
    }

    pub(super) fn all(&self) -> &[Gap] {
        &self.0
    }

    pub(super) fn last(&self) -> Option<&Gap> {
        self.0.last()
    }

    fn text(&self) -> String {
        let mut text = String::new();
        for Gap { from, from_time, to, to_time, at } in &self.0 {
            let (before, after) = (from.sequence, to.sequence);
            let _ = writeln!(text, "{before} {} {} {after} {} {} {}", from.hash, from_time.0, to.hash, to_time.0, at.0);
        }
        let check = blake3::hash(text.as_bytes()).to_hex();
        let _ = writeln!(text, "{check}");
        text
    }

    fn parse(text: &str) -> Option<Self> {
        let (gaps, check) =
            text.strip_suffix('\n')?.rsplit_once('\n').map(|(gaps, check)| (gaps.to_owned() + "\n", check))?;
        if blake3::hash(gaps.as_bytes()).to_hex().as_str() != check {
            return None;
        }
        gaps.lines().map(Gap::parse).collect::<Option<_>>().map(Self)
    }
}

impl Gap {
    fn parse(line: &str) -> Option<Self> {
        let mut fields = line.split(' ');
        let mut position = || {
            let sequence = Sequence(fields.next()?.parse().ok()?);
            let hash = ChainHash(*blake3::Hash::from_hex(fields.next()?).ok()?.as_bytes());
            Some((Position { sequence, hash }, Timestamp(fields.next()?.parse().ok()?)))
        };
        let ((from, from_time), (to, to_time)) = (position()?, position()?);
        Some(Self { from, from_time, to, to_time, at: Timestamp(fields.next()?.parse().ok()?) })
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use qucan_storage::Expect;
    use qucan_storage::fs::SimFs;

    use super::*;

    fn gap(number: u64) -> Gap {
        let at = |sequence| Position { sequence: Sequence(sequence), hash: ChainHash([7; 32]) };
        let time = |by: i64| Timestamp(1_795_399_200_000 + by);
        Gap { from: at(number), from_time: time(1), to: at(number + 50), to_time: time(2), at: time(3) }
    }

    #[test]
    fn gaps_are_kept_over_a_restart_the_newest_ones_and_a_damaged_file_is_named() {
        let fs = SimFs::new(1);
        let open = || {
            let expect = Expect { region: Some("east"), create: true };
            DataDir::open(fs.shared(), Path::new("/data"), expect).unwrap()
        };
        let dir = open();
        let mut gaps = Gaps::read(&dir).unwrap();
        assert_eq!(gaps.last(), None);
        for number in 0..100 {
            gaps = gaps.write(&dir, gap(number)).unwrap();
            assert_eq!(Gaps::read(&dir).unwrap(), gaps);
        }
        assert_eq!((gaps.all().len(), gaps.last()), (GAPS_KEPT, Some(&gap(99))));
        let text = gaps.text();
        for damaged in
            [text.replacen("149 ", "148 ", 1), text[1..].to_owned(), text[..text.len() - 1].to_owned(), String::new()]
        {
            dir.write_note(NAME, damaged.as_bytes()).unwrap();
            let error = Gaps::read(&dir).unwrap_err().to_string();
            assert!(error.contains("/data/GAPS"), "{error}");
        }
    }
}
