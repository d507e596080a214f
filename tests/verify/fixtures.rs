//! Directories of stopped nodes, made once a process and copied for whoever breaks one.

use std::path::Path;
use std::sync::OnceLock;

use qucan::domain::time::Millis;
use tempfile::TempDir;

use crate::forge;
use crate::region::{Manner, Region};

/// Kinds of directories.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fixture {
    /// A day, stopped cleanly: the newest snapshot is at the log's end.
    Day,
    /// The same in several segments.
    Segments,
    /// The same killed: the log goes on behind the newest snapshot.
    Killed,
    /// The same without its first segments: the oldest snapshot is the base.
    Trimmed,
    /// Four days.
    Days,
}

impl Fixture {
    /// A copy of one's own.
    pub fn copy(self) -> TempDir {
        static MADE: [OnceLock<TempDir>; 5] = [const { OnceLock::new() }; 5];
        let made = MADE[self as usize].get_or_init(|| self.make());
        let copy = tempfile::tempdir().unwrap();
        copy_all(made.path(), copy.path());
        copy
    }

    fn make(self) -> TempDir {
        let small = Manner { segment_bytes: 32 << 10, ..Manner::default() };
        match self {
            Self::Day => stopped(Manner::default()),
            Self::Segments => stopped(small),
            Self::Killed => {
                let dir = tempfile::tempdir().unwrap();
                let mut region = Region::open(dir.path(), Manner::default(), Millis(0));
                region.import();
                region.live(48);
                region.kill();
                dir
            }
            Self::Trimmed => {
                let dir = stopped(small);
                forge::trim(dir.path());
                dir
            }
            Self::Days => {
                let dir = tempfile::tempdir().unwrap();
                for day in 0..4 {
                    let mut region = Region::open(dir.path(), Manner::default(), Millis::hours(24 * day));
                    if day == 0 {
                        region.import();
                    }
                    region.live(16);
                    region.stop();
                }
                dir
            }
        }
    }
}

/// A stopped node's directory after a small day.
pub fn stopped(manner: Manner) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    let mut region = Region::open(dir.path(), manner, Millis(0));
    region.import();
    region.live(48);
    region.stop();
    dir
}

fn copy_all(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().map(Result::unwrap) {
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_all(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}
