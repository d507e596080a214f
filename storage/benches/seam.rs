//! What the file-system seam costs: the same groups, written and synced through `Arc<dyn FileSystem>` as the log does, and
//! through `std::fs` directly, in turns on two files of the same kind. Nothing else differs.
//!
//! `cargo bench -p qucan-storage --bench seam [-- DIRECTORY]` (default: a temporary directory under `target/`). On a file
//! system in memory (`-- /dev/shm`) a sync costs nothing, and the seam is all that is left to see.
#![allow(clippy::print_stdout, clippy::unwrap_used, clippy::indexing_slicing, clippy::cast_possible_truncation)]

use std::fs::OpenOptions;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::time::Instant;

use qucan_storage::fs::{File, FileSystem, OpenMode, real};

/// Bytes of an order in the log.
const ENTRY: usize = 700;
/// Orders a group.
const GROUPS: [usize; 4] = [1, 16, 64, 256];
/// Appends of each kind in a round, and rounds.
const APPENDS: usize = 400;
const ROUNDS: usize = 15;
/// Both files, zeroed ahead as segments are; written from the front again and again.
const FILE_BYTES: usize = 16 << 20;

fn main() {
    let is_full = std::env::args().any(|argument| argument == "--bench");
    let named = std::env::args().skip(1).find(|argument| !argument.starts_with('-'));
    let base = named.map_or_else(|| PathBuf::from(env!("CARGO_TARGET_TMPDIR")), PathBuf::from);
    std::fs::create_dir_all(&base).unwrap();
    let dir = tempfile::tempdir_in(&base).unwrap();
    let (appends, rounds) = if is_full { (APPENDS, ROUNDS) } else { (4, 1) };
    println!("one write and one fdatasync a group of {ENTRY} B entries, in {}", base.display());
    println!("{:>6} {:>14} {:>14} {:>8} {:>20}", "group", "direct µs", "seam µs", "ratio", "ratios of rounds");
    for group in GROUPS {
        let (mut direct, mut seam, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
        for round in 0..rounds {
            let place = dir.path().join(format!("{group}-{round}"));
            let [mut without, mut through] = measure(&place, group * ENTRY, appends);
            ratios.push(median(&mut without) / median(&mut through));
            direct.append(&mut without);
            seam.append(&mut through);
        }
        ratios.sort_by(f64::total_cmp);
        let (direct, seam) = (median(&mut direct) * 1e6, median(&mut seam) * 1e6);
        let (ratio, least, most) = (direct / seam, ratios[0], ratios[ratios.len() - 1]);
        println!("{group:>6} {direct:>14.2} {seam:>14.2} {ratio:>8.3} {least:>13.3}–{most:.3}");
        println!(
            "{{\"bench\":\"seam\",\"group\":{group},\"direct_us\":{direct:.3},\"seam_us\":{seam:.3},\"ratio\":{ratio:.4}}}"
        );
    }
}

/// Seconds of each append without the seam and through it, taken in turns.
fn measure(place: &Path, bytes: usize, appends: usize) -> [Vec<f64>; 2] {
    std::fs::create_dir_all(place).unwrap();
    let paths = ["direct", "seam"].map(|name| place.join(name));
    for path in &paths {
        std::fs::write(path, vec![0; FILE_BYTES]).unwrap();
        std::fs::File::open(path).unwrap().sync_all().unwrap();
    }
    let direct = OpenOptions::new().read(true).write(true).open(&paths[0]).unwrap();
    let fs: std::sync::Arc<dyn FileSystem> = real();
    let through: Box<dyn File> = fs.open(&paths[1], OpenMode::ReadWrite).unwrap();
    let data = vec![0x5A; bytes];
    let (mut without_times, mut through_times) = (Vec::with_capacity(appends), Vec::with_capacity(appends));
    let mut offset = 0;
    for turn in 0..appends * 2 {
        // Each is first as often as it is second.
        if (turn / 2 + turn).is_multiple_of(2) {
            let begun = Instant::now();
            direct.write_all_at(&data, offset).unwrap();
            direct.sync_data().unwrap();
            without_times.push(begun.elapsed().as_secs_f64());
        } else {
            let begun = Instant::now();
            assert_eq!(through.write_at(&data, offset).unwrap(), bytes);
            through.sync_data().unwrap();
            through_times.push(begun.elapsed().as_secs_f64());
        }
        if turn % 2 == 1 {
            offset += bytes as u64;
            if offset as usize + bytes > FILE_BYTES {
                offset = 0;
            }
        }
    }
    [without_times, through_times]
}

fn median(times: &mut [f64]) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}
