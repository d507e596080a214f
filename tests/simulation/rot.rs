//! Bits that flip on a disk while nobody looks: one at a time in a file that somebody will read. Whoever reads it has to say
//! so by name, or it must not matter; only the very last group of a log may go without a word, because nothing proves it.

use std::path::Path;

use qucan_replication::simulation::{Dice, Tally};
use qucan_storage::fs::SimFs;

/// Flips a bit of a file below a directory; whether there was one.
pub fn flips_a_bit(fs: &SimFs, below: &Path, dice: &mut Dice, tally: &mut Tally) -> bool {
    let files: Vec<_> = fs.files().into_iter().filter(|path| path.starts_with(below)).collect();
    // Half of the time in the log, which is most of what there is; else in one of the others, snapshots foremost.
    let room = ["log", "log", "snapshot", ""][dice.index(4)];
    let mut wanted: Vec<_> = files.iter().filter(|path| path.starts_with(below.join(room))).collect();
    if wanted.is_empty() {
        wanted = files.iter().collect();
    }
    if wanted.is_empty() {
        return false;
    }
    let path = wanted[dice.index(wanted.len())];
    let bytes = fs.contents(path).unwrap();
    // Blank space is most of a segment and says little.
    let written: Vec<usize> = (0..bytes.len()).filter(|at| bytes[*at] != 0).collect();
    let at =
        if dice.one_in(8) || written.is_empty() { dice.index(bytes.len()) } else { written[dice.index(written.len())] };
    if bytes.is_empty() {
        return false;
    }
    fs.corrupt(path, |bytes| bytes[at] ^= 1 << dice.below(8)).unwrap();
    let name = path.strip_prefix(below).unwrap_or(path);
    tally.count(match name.components().next().and_then(|first| first.as_os_str().to_str()) {
        Some("log") if path.extension().is_some() => "rot: a bit of the log",
        Some("log") => "rot: a bit of a mark beside the log",
        Some("snapshot") => "rot: a bit of a snapshot",
        Some("IDENTITY") => "rot: a bit of the identity",
        Some("FENCED") => "rot: a bit of the fence",
        Some("state") => "rot: a bit of the projection's marks",
        _ => "rot: a bit of another file",
    });
    true
}
