//! How far the projection is, in a small file that can be read without opening sled: what a start must bring along in
//! memory. A hint, written after the tables are synced; where it is missing or wrong, history is `rebuilding` for a while.

use std::io;
use std::path::{Path, PathBuf};

use qucan_storage::fs::{File, FileSystem, OpenMode, read_small, write_all_at};

const NAME: &str = "APPLIED";
/// More than a mark has.
const BYTES_MAX: u64 = 128;

/// The file, open for writing.
#[derive(Debug)]
pub(super) struct Mark(Box<dyn File>);

fn path(state: &Path) -> PathBuf {
    state.join(NAME)
}

/// One line of fixed length; the last field makes a torn one recognisable.
fn line(epoch: u32, sequence: u64) -> String {
    format!("{epoch:010} {sequence:020} {:020}\n", !sequence)
}

impl Mark {
    pub(super) fn open(fs: &dyn FileSystem, state: &Path) -> io::Result<Self> {
        fs.create_dir_all(state)?;
        let path = path(state);
        match fs.open(&path, OpenMode::ReadWrite) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => fs.create(&path).map(Self),
            opened => opened.map(Self),
        }
    }

    pub(super) fn write(&self, epoch: u32, sequence: u64) -> io::Result<()> {
        write_all_at(&*self.0, line(epoch, sequence).as_bytes(), 0)
    }
}

/// How far the projection of this epoch or an earlier one is, if that can be told.
pub(in crate::engine) fn read(fs: &dyn FileSystem, state: &Path, epoch: u32) -> Option<u64> {
    let bytes = read_small(fs, &path(state), BYTES_MAX).ok()??;
    let text = String::from_utf8(bytes).ok()?;
    let mut fields = text.split_whitespace();
    let written = fields.next()?.parse().ok()?;
    let sequence = fields.next()?.parse().ok()?;
    (text == line(written, sequence) && written <= epoch).then_some(sequence)
}

#[cfg(test)]
mod tests {
    use super::*;
    use qucan_storage::fs::SimFs;

    #[test]
    fn a_mark_is_read_back_and_a_torn_or_foreign_one_is_not() {
        let (fs, state) = (SimFs::new(1), Path::new("/state"));
        assert_eq!(read(&fs, state, 1), None);
        let mark = Mark::open(&fs, state).unwrap();
        mark.write(1, 12_345).unwrap();
        assert_eq!(read(&fs, state, 1), Some(12_345));
        assert_eq!(read(&fs, state, 2), Some(12_345));
        assert_eq!(read(&fs, state, 0), None);
        Mark::open(&fs, state).unwrap().write(1, 12_346).unwrap();
        assert_eq!(read(&fs, state, 1), Some(12_346));
        write_all_at(&*mark.0, b"7", 20).unwrap();
        assert_eq!(read(&fs, state, 1), None);
    }
}
