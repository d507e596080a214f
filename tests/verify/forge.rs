//! Damage that no checksum shows: logs, snapshots and projections written again with the real encoders.

use std::path::{Path, PathBuf};

use qucan::domain::event::Event;
use qucan::domain::state::{Part, State};
use qucan::engine::projection::{directories, keys};
use qucan::engine::records::{EntryMeta, decode_entry, encode_entry};
use qucan::engine::snapshots::{self, HashCheck};
use qucan_storage::log::{self, GroupBuffer, Log, LogOptions, OpenFrom, SpaceClass};
use qucan_storage::snapshot::SnapshotStore;
use qucan_storage::table::{TableBatch, TableOptions, Tables};
use qucan_storage::{Epoch, fs};

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
    let mut groups: Vec<Vec<Vec<u8>>> = Vec::new();
    let log_dir = dir.join("log");
    log::scan(&fs::real(), &log_dir, None, OpenFrom::default(), |group| {
        groups.push(group.entries().map(|(_, bytes)| bytes.to_vec()).collect());
        Ok(())
    })
    .unwrap();
    let before = groups.clone();
    groups.iter_mut().flatten().for_each(edit);
    assert!(groups != before, "the edit did nothing");
    for room in ["log", "snapshot", "state"] {
        std::fs::remove_dir_all(dir.join(room)).unwrap();
        std::fs::create_dir(dir.join(room)).unwrap();
    }
    let options = LogOptions { create: true, ..LogOptions::default() };
    let (mut log, _) = Log::open(fs::real(), &log_dir, Epoch::FIRST, OpenFrom::default(), options, |_| Ok(())).unwrap();
    let mut buffer = GroupBuffer::new();
    for group in &groups {
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
    let (_, day) = directories(&dir.join("state")).unwrap().pop().expect("a day");
    let mut tables = Tables::open(&day, keys::TABLES, TableOptions::default()).unwrap();
    let mut rows = Vec::new();
    for table in [keys::ORDERS, keys::INDEX] {
        let found = tables.scan(table, &qucan_storage::table::Scan::all()).unwrap();
        rows.extend(found.into_iter().map(|(key, value)| (table, key, value)));
    }
    let mut batch = TableBatch::new();
    edit(&rows, &mut batch);
    let applied = tables.applied().clone();
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

/// Gives one group of a segment another predecessor, with every checksum of its own right.
pub fn break_chain(path: &Path, number: usize) {
    let mut segment = std::fs::read(path).unwrap();
    let (at, length) = frames(&segment)[number];
    let key: [u8; 32] = segment[64..96].try_into().unwrap();
    let group = at + 32;
    segment[group + 32] ^= 1;
    let hash = blake3::hash(&segment[group..group + length - 33]);
    segment[group + length - 33..group + length - 1].copy_from_slice(hash.as_bytes());
    let mut check = blake3::Hasher::new_keyed(&key);
    check.update(&segment[at..at + 12]);
    check.update(&(at as u64).to_le_bytes());
    check.update(&segment[group..group + 64]);
    check.finalize_xof().fill(&mut segment[at + 16..at + 32]);
    std::fs::write(path, segment).unwrap();
}
