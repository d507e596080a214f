//! How far the projection is, in a small file that can be read without opening sled: what a start must bring along in
//! memory. A hint, written after the tables are synced; where it is missing or wrong, history is `rebuilding` for a while.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

const NAME: &str = "APPLIED";

/// The file, open for writing.
#[derive(Debug)]
pub(super) struct Mark(File);

fn path(state: &Path) -> PathBuf {
    state.join(NAME)
}

/// One line of fixed length; the last field makes a torn one recognisable.
fn line(epoch: u32, sequence: u64) -> String {
    format!("{epoch:010} {sequence:020} {:020}\n", !sequence)
}

impl Mark {
    pub(super) fn open(state: &Path) -> io::Result<Self> {
        std::fs::create_dir_all(state)?;
        OpenOptions::new().write(true).create(true).truncate(false).open(path(state)).map(Self)
    }

    pub(super) fn write(&self, epoch: u32, sequence: u64) -> io::Result<()> {
        self.0.write_all_at(line(epoch, sequence).as_bytes(), 0)
    }
}

/// How far the projection of this epoch or an earlier one is, if that can be told.
pub(in crate::engine) fn read(state: &Path, epoch: u32) -> Option<u64> {
    let text = std::fs::read_to_string(path(state)).ok()?;
    let mut fields = text.split_whitespace();
    let written = fields.next()?.parse().ok()?;
    let sequence = fields.next()?.parse().ok()?;
    (text == line(written, sequence) && written <= epoch).then_some(sequence)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_read_back_and_a_torn_or_foreign_one_is_not() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(read(dir.path(), 1), None);
        let mark = Mark::open(dir.path()).unwrap();
        mark.write(1, 12_345).unwrap();
        assert_eq!(read(dir.path(), 1), Some(12_345));
        assert_eq!(read(dir.path(), 2), Some(12_345));
        assert_eq!(read(dir.path(), 0), None);
        mark.0.write_all_at(b"7", 20).unwrap();
        assert_eq!(read(dir.path(), 1), None);
    }
}
