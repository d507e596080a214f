//! Damage that no checksum shows: logs, snapshots and projections written again with the real encoders.

use std::path::{Path, PathBuf};

use qucan::domain::event::Event;
use qucan::domain::state::{Part, State};
use qucan::engine::projection::{directories, keys};
use qucan::engine::records::{EntryMeta, decode_entry, encode_entry};
use qucan::engine::snapshots::{self, HashCheck};
use qucan_storage::log::{self, GroupBuffer, Log, LogOptions, OpenFrom, SpaceClass};
use qucan_storage::snapshot::SnapshotStore;
use qucan_storage::table::{Applied, TableBatch, TableOptions, Tables};
use qucan_storage::{Epoch, Position, fs};

/// Writes the newest snapshot again with its parts edited; every checksum and the state's hash are right.
pub fn edit_snapshot(dir: &Path, mut edit: impl FnMut(&mut Part)) {
    let store = SnapshotStore::open(fs::real(), &dir.join("snapshot")).unwrap();
    let (loaded, _) = snapshots::load_newest(&store, HashCheck::Compute).unwrap();
    let loaded = loaded.unwrap();
    let parts = loaded.state.parts().map(|mut part| {
        edit(&mut part);
        part
    });
    let state = State::from_parts(parts).unwrap();
    assert!(state != loaded.state, "the edit did nothing");
    snapshots::write(&store, &state, loaded.position, loaded.epoch).unwrap();
}

/// Writes the newest snapshot again at another place, with the same state.
pub fn move_snapshot(dir: &Path, place: impl FnOnce(Position) -> Position) {
    let store = SnapshotStore::open(fs::real(), &dir.join("snapshot")).unwrap();
    let (loaded, _) = snapshots::load_newest(&store, HashCheck::Compute).unwrap();
    let loaded = loaded.unwrap();
    std::fs::remove_file(&loaded.path).unwrap();
    snapshots::write(&store, &loaded.state, place(loaded.position), loaded.epoch).unwrap();
}

/// Removes the segments that end before the oldest snapshot that has any before it, and the snapshots before that one.
pub fn trim(dir: &Path) {
    let first = |path: &PathBuf| path.file_stem().unwrap().to_str().unwrap().parse::<u64>().unwrap();
    let segments = segments(dir);
    let before = |base: u64| segments.iter().zip(&segments[1..]).filter(move |(_, next)| first(next) <= base + 1);
    let base = snapshots(dir).iter().map(first).find(|base| before(*base).count() > 0).expect("nothing to trim");
    before(base).for_each(|(segment, _)| std::fs::remove_file(segment).unwrap());
    snapshots(dir).iter().filter(|path| first(path) < base).for_each(|path| std::fs::remove_file(path).unwrap());
}

/// Writes IDENTITY again with one word for another; its check is right.
pub fn edit_identity(dir: &Path, from: &str, to: &str) {
    let path = dir.join("IDENTITY");
    let text = std::fs::read_to_string(&path).unwrap();
    let fields = text[..text.find("check = ").unwrap()].replace(from, to);
    assert!(!text.starts_with(&fields), "the edit did nothing");
    let check = blake3::hash(fields.as_bytes()).to_hex();
    std::fs::write(&path, format!("{fields}check = {check}\n")).unwrap();
}

/// Writes the log again with its entries edited: chain and checksums are right. Snapshots and projection, which would
/// contradict it as well, are removed.
pub fn edit_log(dir: &Path, mut edit: impl FnMut(&mut EntryMeta, &mut Event)) {
    edit_log_bytes(dir, |bytes| {
        let (mut meta, mut event) = decode_entry(bytes).unwrap();
        edit(&mut meta, &mut event);
        bytes.clear();
        encode_entry(bytes, &meta, &event).unwrap();
    });
}

/// The same with the entries as bytes.
pub fn edit_log_bytes(dir: &Path, edit: impl FnMut(&mut Vec<u8>)) {
    let mut groups = read_log(dir);
    let before = groups.clone();
    groups.iter_mut().flatten().for_each(edit);
    assert!(groups != before, "the edit did nothing");
    write_log(dir, &groups, Epoch::FIRST);
}

/// The log's entries, group by group.
pub fn read_log(dir: &Path) -> Vec<Vec<Vec<u8>>> {
    let mut groups: Vec<Vec<Vec<u8>>> = Vec::new();
    let log_dir = dir.join("log");
    log::scan(&fs::real(), &log_dir, None, OpenFrom::default(), |group| {
        groups.push(group.entries().map(|(_, bytes)| bytes.to_vec()).collect());
        Ok(())
    })
    .unwrap();
    groups
}

/// Begins the directory anew with a log of these entries.
pub fn write_log(dir: &Path, groups: &[Vec<Vec<u8>>], epoch: Epoch) {
    let log_dir = dir.join("log");
    for room in ["log", "snapshot", "state"] {
        std::fs::remove_dir_all(dir.join(room)).unwrap();
        std::fs::create_dir(dir.join(room)).unwrap();
    }
    let options = LogOptions { create: true, ..LogOptions::default() };
    let (mut log, _) = Log::open(fs::real(), &log_dir, epoch, OpenFrom::default(), options, |_| Ok(())).unwrap();
    let mut buffer = GroupBuffer::new();
    for group in groups {
        buffer.clear();
        group.iter().for_each(|entry| buffer.push(entry).unwrap());
        log.append(&mut buffer, SpaceClass::Normal).unwrap();
    }
    log.close().unwrap();
}

/// A row of the projection: table, key, value.
pub type Row = (qucan_storage::table::Table, Vec<u8>, Vec<u8>);

/// Edits the newest day of the projection; its position stays, its count is right.
pub fn edit_projection(dir: &Path, edit: impl FnOnce(&[Row], &mut TableBatch)) {
    edit_day(dir, edit, |applied| applied);
}

/// Changes where the newest day says that it is.
pub fn move_projection(dir: &Path, place: impl FnOnce(Applied) -> Applied) {
    edit_day(dir, |_, _| {}, place);
}

/// The newest day of the projection.
pub fn newest_day(dir: &Path) -> PathBuf {
    days(dir).pop().expect("a day")
}

/// The projection's days, oldest first.
pub fn days(dir: &Path) -> Vec<PathBuf> {
    directories(&dir.join("state")).unwrap().into_iter().map(|(_, day)| day).collect()
}

/// Takes a row out of a table behind the back of what counts the rows.
pub fn steal_row(dir: &Path) {
    let database = sled::open(newest_day(dir)).unwrap();
    let orders = database.open_tree(keys::TABLES[0]).unwrap();
    assert!(orders.pop_min().unwrap().is_some());
    database.flush().unwrap();
}

fn edit_day(dir: &Path, edit: impl FnOnce(&[Row], &mut TableBatch), place: impl FnOnce(Applied) -> Applied) {
    let day = newest_day(dir);
    let mut tables = Tables::open(&day, keys::TABLES, TableOptions::default()).unwrap();
    let mut rows = Vec::new();
    for table in [keys::ORDERS, keys::INDEX] {
        let found = tables.scan(table, &qucan_storage::table::Scan::all()).unwrap();
        rows.extend(found.into_iter().map(|(key, value)| (table, key, value)));
    }
    let mut batch = TableBatch::new();
    edit(&rows, &mut batch);
    let applied = place(tables.applied().clone());
    tables.apply(&batch, applied.epoch, applied.position).unwrap();
    tables.close().unwrap();
}

/// Segments of the log, oldest first.
pub fn segments(dir: &Path) -> Vec<PathBuf> {
    files(&dir.join("log"), "seg")
}

/// Snapshots, oldest first.
pub fn snapshots(dir: &Path) -> Vec<PathBuf> {
    files(&dir.join("snapshot"), "snap")
}

fn files(dir: &Path, extension: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    let mut found: Vec<_> = entries.filter(|path| path.extension().is_some_and(|found| found == extension)).collect();
    found.sort();
    found
}

/// Flips a bit of a file.
pub fn flip(path: &Path, offset: usize) {
    let mut bytes = std::fs::read(path).unwrap();
    bytes[offset] ^= 1;
    std::fs::write(path, bytes).unwrap();
}

/// Bytes of a segment's header, as the storage crate documents it; its key stands at 64.
const HEADER: usize = 4096;

/// Where each frame of a segment begins, and how long its group is.
pub fn frames(segment: &[u8]) -> Vec<(usize, usize)> {
    let (mut found, mut at) = (Vec::new(), HEADER);
    while segment.get(at + 32..at + 35) == Some(b"QCG".as_slice()) {
        let length = u32::from_le_bytes(segment[at + 8..at + 12].try_into().unwrap()) as usize;
        found.push((at, length));
        at += 32 + length;
    }
    found
}

/// Changes one group of a segment, with every checksum of its own right.
pub fn edit_group(path: &Path, number: usize, edit: impl FnOnce(&mut [u8])) {
    let mut segment = std::fs::read(path).unwrap();
    let (at, length) = frames(&segment)[number];
    let key: [u8; 32] = segment[64..96].try_into().unwrap();
    let group = at + 32;
    edit(&mut segment[group..group + length]);
    let hash = blake3::hash(&segment[group..group + length - 33]);
    segment[group + length - 33..group + length - 1].copy_from_slice(hash.as_bytes());
    let mut check = blake3::Hasher::new_keyed(&key);
    check.update(&segment[at..at + 12]);
    check.update(&(at as u64).to_le_bytes());
    check.update(&segment[group..group + 64]);
    check.finalize_xof().fill(&mut segment[at + 16..at + 32]);
    std::fs::write(path, segment).unwrap();
}

/// Where a segment's own check stands, and up to where it checks.
const SEGMENT_CHECK: usize = 104;

/// Changes a segment's header; its check is right.
pub fn edit_segment_header(path: &Path, edit: impl FnOnce(&mut [u8])) {
    let mut segment = std::fs::read(path).unwrap();
    edit(&mut segment[..SEGMENT_CHECK]);
    let check = blake3::hash(&segment[..SEGMENT_CHECK]);
    segment[SEGMENT_CHECK..SEGMENT_CHECK + 32].copy_from_slice(check.as_bytes());
    std::fs::write(path, segment).unwrap();
}
