//! A log's segments as files, for those who don't write it: how large they are, and an end to all of them.

use std::io;
use std::path::Path;

use crate::Sequence;
use crate::fs::FileSystem;

use super::segment::list_segments;

/// The first sequence and the bytes of each segment on disk, oldest first. Trimmed ones may still be among them.
pub fn segment_sizes(fs: &dyn FileSystem, dir: &Path) -> io::Result<Vec<(Sequence, u64)>> {
    Ok(list_segments(fs, dir)?.into_iter().map(|segment| (segment.first, segment.bytes)).collect())
}

/// Removes every segment of a log that nobody has open, newest first, so that another one may begin in its place. Whoever
/// does this has written down before that it has to be done: killed in between, it is done again.
pub fn erase(fs: &dyn FileSystem, dir: &Path) -> io::Result<()> {
    for segment in list_segments(fs, dir)?.into_iter().rev() {
        fs.remove(&segment.path)?;
    }
    fs.sync_dir(dir)
}
