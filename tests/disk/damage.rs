//! Damaged bytes for everything that is read from a disk: flips, cuts, splices and wrong numbers in real ones. Nothing
//! panics, nothing takes memory beyond what the bytes and the limits allow, and what is read is what was written, or nothing.

use std::path::Path;
use std::sync::OnceLock;

use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use qucan::engine::records::{decode_entry, decode_part, entry_kind, whole_order};
use qucan::engine::snapshots::{self, HashCheck};
use qucan::engine::{Engine, EngineOptions};
use qucan_storage::limits::{READ_CHUNK_BYTES, SNAPSHOT_CHUNK_BYTES_MAX};
use qucan_storage::log::{self, Group, Log, LogOptions, OpenFrom, Preparation, SpaceClass};
use qucan_storage::snapshot::SnapshotStore;
use qucan_storage::{Epoch, fs};

use crate::crowd::Crowd;
use crate::is_long;
use crate::site::Site;

/// Of a group: before its entries, and behind them.
const GROUP_HEADER: usize = 64;
const GROUP_FOOTER: usize = 33;
/// Of a segment's header: what its check covers, and the check.
const SEGMENT_CHECKED: usize = 104;
const SEGMENT_HEADER: usize = 136;
/// What small things may take beside what is read: an error's text, a list of segments.
pub const SMALL: usize = 64 << 10;
/// Bytes in memory for each byte of a record: its strings, maps and lists have heads of their own.
const RECORD_GROWTH: usize = 8;

/// Small segments, prepared by the test's own thread, whose memory is counted.
const OPTIONS: LogOptions = LogOptions {
    create: false,
    segment_bytes_first: 32 << 10,
    segment_bytes_max: 64 << 10,
    reserve_bytes: 16 << 10,
    preparation: Preparation::Inline,
};

/// Real ones.
pub struct Corpus {
    pub groups: Vec<Vec<u8>>,
    entries: Vec<Vec<u8>>,
    sections: Vec<(u32, Vec<u8>)>,
    pub snapshot: Vec<u8>,
    /// A directory with a log of several small segments, and the node's snapshot.
    pub data: tempfile::TempDir,
}

pub fn corpus() -> &'static Corpus {
    static CORPUS: OnceLock<Corpus> = OnceLock::new();
    CORPUS.get_or_init(Corpus::make)
}

impl Corpus {
    /// What a node wrote while it sold.
    fn make() -> Self {
        let home = tempfile::tempdir().unwrap();
        let site = Site::at(&home.path().join("data"), "[orders]\ngrace = \"1h\"\n");
        let node = site.start_selling();
        let crowd = Crowd::start(&node, "corpus", 2);
        assert!(crowd.hear(250));
        crowd.go_home();
        assert!(node.stop().status.success());

        let (mut groups, mut entries) = (Vec::new(), Vec::new());
        log::scan(&fs::real(), &site.data().join("log"), None, OpenFrom::default(), |group| {
            groups.push(group.raw().to_vec());
            entries.extend(group.entries().map(|(_, bytes)| bytes.to_vec()));
            Ok(())
        })
        .unwrap();
        let store = SnapshotStore::read_only(fs::real(), &site.data().join("snapshot"));
        let (good, _) = store.list().unwrap();
        let newest = good.last().unwrap();
        let mut reader = store.open_snapshot(newest).unwrap();
        let mut sections = Vec::new();
        while let Some(id) = reader.next_section().unwrap() {
            sections.push((id, reader.read_section(usize::MAX).unwrap()));
        }

        let data = tempfile::tempdir().unwrap();
        for name in ["log", "snapshot", "state"] {
            std::fs::create_dir(data.path().join(name)).unwrap();
        }
        for name in ["IDENTITY", newest.path.strip_prefix(site.data()).unwrap().to_str().unwrap()] {
            std::fs::copy(site.data().join(name), data.path().join(name)).unwrap();
        }
        let options = LogOptions { create: true, ..OPTIONS };
        let from = OpenFrom::default();
        let (mut log, _) =
            Log::open(fs::real(), &data.path().join("log"), Epoch::FIRST, from, options, |_| Ok(())).unwrap();
        for raw in &groups {
            log.append_received(&[Group::parse(raw).unwrap()], SpaceClass::Normal).unwrap();
        }
        let snapshot = std::fs::read(&newest.path).unwrap();
        Self { groups, entries, sections, snapshot, data }
    }
}

/// One thing that happens to bytes.
#[derive(Debug, Clone)]
pub enum Damage {
    Flip(Index, u8),
    Cut(Index),
    Zero(Index, usize),
    Number(Index, u32),
    /// Bytes of another one, put over these or between them.
    Splice(Index, Index, Index, usize, bool),
}

pub fn damages() -> impl Strategy<Value = Vec<Damage>> {
    let index = any::<Index>;
    let number = prop_oneof![Just(0), Just(u32::MAX), Just(1 << 20), Just(16 << 20), Just(0x7FFF_FFFF), any::<u32>()];
    let one = prop_oneof![
        4 => (index(), 0_u8..8).prop_map(|(at, bit)| Damage::Flip(at, bit)),
        1 => index().prop_map(Damage::Cut),
        1 => (index(), 1_usize..600).prop_map(|(at, length)| Damage::Zero(at, length)),
        2 => (index(), number).prop_map(|(at, number)| Damage::Number(at, number)),
        2 => (index(), index(), index(), 1_usize..600, any::<bool>())
            .prop_map(|(which, from, to, length, over)| Damage::Splice(which, from, to, length, over)),
    ];
    prop::collection::vec(one, 1..5)
}

/// `bytes` after all of that; `others` are what splices take from.
pub fn damaged(bytes: &[u8], damages: &[Damage], others: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for damage in damages {
        if bytes.is_empty() {
            return bytes;
        }
        match damage {
            Damage::Flip(at, bit) => {
                let at = at.index(bytes.len());
                bytes[at] ^= 1 << bit;
            }
            Damage::Cut(at) => bytes.truncate(at.index(bytes.len())),
            Damage::Zero(at, length) => {
                let at = at.index(bytes.len());
                let end = bytes.len().min(at + length);
                bytes[at..end].fill(0);
            }
            Damage::Number(at, number) => {
                // Where numbers stand in most of what is stored.
                let at = at.index(bytes.len()) / 4 * 4;
                for (byte, value) in bytes[at..].iter_mut().zip(number.to_le_bytes()) {
                    *byte = value;
                }
            }
            Damage::Splice(which, from, to, length, over) => {
                let other = &others[which.index(others.len())];
                let from = from.index(other.len().max(1)).min(other.len());
                let piece = &other[from..other.len().min(from + length)];
                let to = to.index(bytes.len());
                let end = if *over { bytes.len().min(to + piece.len()) } else { to };
                bytes.splice(to..end, piece.iter().copied());
            }
        }
    }
    bytes
}

/// Runs so many cases; the seed of one that fails is printed, and no file is left.
pub fn check<S: Strategy>(strategy: S, cases: u32, test: impl Fn(S::Value) -> Result<(), TestCaseError>) {
    let cases = if is_long() { cases * 10 } else { cases };
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    TestRunner::new(config).run(&strategy, test).unwrap_or_else(|error| panic!("{error}"));
}

/// Runs something whose memory at any moment may not be more than this.
pub fn within<T>(most: usize, act: impl FnOnce() -> T) -> Result<T, TestCaseError> {
    let mut done = None;
    let info = allocation_counter::measure(|| done = Some(act()));
    prop_assert!(info.bytes_max <= most as u64, "{} bytes at a time, at most {most}", info.bytes_max);
    Ok(done.unwrap())
}

#[test]
fn damaged_groups_are_refused_or_what_they_were() {
    let corpus = corpus();
    check((any::<Index>(), damages(), any::<bool>()), 2_000, |(which, damages, resealed)| {
        let whole = &corpus.groups[which.index(corpus.groups.len())];
        let mut raw = damaged(whole, &damages, &corpus.groups);
        if resealed && raw.len() > GROUP_HEADER + GROUP_FOOTER {
            // As if the damage had been there when it was written: the hash tells nothing.
            let body = raw.len() - GROUP_FOOTER;
            let length = u32::try_from(body - GROUP_HEADER).unwrap();
            raw[24..28].copy_from_slice(&length.to_le_bytes());
            let hash = *blake3::hash(&raw[..body]).as_bytes();
            raw[body..body + 32].copy_from_slice(&hash);
            raw[body + 32] = 0xE7;
        }
        within(SMALL, || match Group::parse(&raw) {
            Ok(group) => {
                let bytes: usize = group.entries().map(|(_, entry)| entry.len() + 4).sum();
                assert_eq!(bytes, raw.len() - GROUP_HEADER - GROUP_FOOTER);
                assert!(resealed || raw == *whole || corpus.groups.contains(&raw), "damage passed for a group");
            }
            Err(_) if raw == *whole => panic!("nothing was damaged"),
            Err(_) => {}
        })
    });
}

#[test]
fn damaged_entries_never_panic_and_never_grow() {
    let corpus = corpus();
    check((any::<Index>(), damages()), 4_000, |(which, damages)| {
        let entry = &corpus.entries[which.index(corpus.entries.len())];
        let bytes = damaged(entry, &damages, &corpus.entries);
        within(bytes.len() * RECORD_GROWTH + SMALL, || {
            // A record has no checksum of its own: it may be readable and wrong, and the group's hash says so.
            let _ = entry_kind(&bytes);
            let _ = whole_order(&bytes);
            let _ = decode_entry(&bytes);
        })
    });
}

#[test]
fn damaged_sections_of_a_state_never_panic_and_never_grow() {
    let corpus = corpus();
    let others: Vec<Vec<u8>> = corpus.sections.iter().map(|(_, bytes)| bytes.clone()).collect();
    check((any::<Index>(), any::<Index>(), damages()), 2_000, |(which, id, damages)| {
        let bytes = damaged(&others[which.index(others.len())], &damages, &others);
        // Now and then under another one's name.
        let (own, any) = (corpus.sections[which.index(others.len())].0, corpus.sections[id.index(others.len())].0);
        within(bytes.len() * RECORD_GROWTH + SMALL, || {
            let _ = decode_part(own, &bytes);
            let _ = decode_part(any, &bytes);
        })
    });
}

#[test]
fn a_damaged_snapshot_is_passed_over_and_named() {
    let corpus = corpus();
    let others = [corpus.snapshot.clone()];
    let dir = tempfile::tempdir().unwrap();
    let store = SnapshotStore::read_only(fs::real(), dir.path());
    let good = SnapshotStore::read_only(fs::real(), &corpus.data.path().join("snapshot"));
    let (whole, _) = snapshots::load_newest(&good, HashCheck::Compute).unwrap();
    let whole = whole.unwrap();
    let path = dir.path().join(whole.path.file_name().unwrap());
    let most = 2 * SNAPSHOT_CHUNK_BYTES_MAX + corpus.snapshot.len() * RECORD_GROWTH + SMALL;
    check(damages(), 300, |damages| {
        let bytes = damaged(&corpus.snapshot, &damages, &others);
        std::fs::write(&path, &bytes).unwrap();
        let (loaded, bad) = within(most, || snapshots::load_newest(&store, HashCheck::Compute).unwrap())?;
        match loaded {
            Some(loaded) => prop_assert!(loaded.state == whole.state && bytes == corpus.snapshot, "damage was loaded"),
            None => prop_assert_eq!(bad.len(), 1),
        }
        // The same state in a file that is whole, one of its sections being damaged.
        let which = bytes.len() % corpus.sections.len();
        let mut forged =
            SnapshotStore::open(fs::real(), dir.path()).unwrap().create(whole.position, whole.epoch).unwrap();
        for (index, (id, section)) in corpus.sections.iter().enumerate() {
            let section = if index == which { damaged(section, &damages, &others) } else { section.clone() };
            forged.section(*id, &section).unwrap();
        }
        forged.finish().unwrap();
        let (loaded, bad) = within(most, || snapshots::load_newest(&store, HashCheck::Compute).unwrap())?;
        match loaded {
            Some(loaded) => prop_assert!(loaded.state == whole.state, "another state was loaded"),
            None => prop_assert_eq!(bad.len(), 1),
        }
        Ok(())
    });
}

fn copy(from: &Path, to: &Path) {
    for room in ["", "log", "snapshot", "state"] {
        std::fs::create_dir_all(to.join(room)).unwrap();
        for entry in std::fs::read_dir(from.join(room)).unwrap().flatten().filter(|entry| entry.path().is_file()) {
            std::fs::copy(entry.path(), to.join(room).join(entry.file_name())).unwrap();
        }
    }
}

/// Files of the corpus that a start reads, without what is only zeroed ahead.
fn files(data: &Path) -> Vec<String> {
    let mut files = vec!["IDENTITY".to_owned()];
    for room in ["log", "snapshot"] {
        for entry in std::fs::read_dir(data.join(room)).unwrap().flatten() {
            let name = entry.file_name().into_string().unwrap();
            if !name.ends_with(".spare") {
                files.push(format!("{room}/{name}"));
            }
        }
    }
    files.sort();
    files
}

#[test]
fn a_damaged_segment_gives_what_was_written_or_is_named() {
    let corpus = corpus();
    let from = corpus.data.path();
    let segments: Vec<String> = files(from).into_iter().filter(|name| name.ends_with(".seg")).collect();
    assert!(segments.len() > 2, "{segments:?}");
    let contents: Vec<Vec<u8>> = segments.iter().map(|name| std::fs::read(from.join(name)).unwrap()).collect();
    let largest = contents.iter().map(Vec::len).max().unwrap();
    check((any::<Index>(), damages(), any::<bool>(), any::<bool>()), 250, |(which, damages, in_header, resealed)| {
        let dir = tempfile::tempdir().unwrap();
        copy(from, dir.path());
        let which = which.index(segments.len());
        let mut bytes = contents[which].clone();
        let damaged = if in_header {
            let mut header = damaged(&bytes[..SEGMENT_HEADER], &damages, &contents);
            header.resize(SEGMENT_HEADER, 0);
            if resealed {
                let check = *blake3::hash(&header[..SEGMENT_CHECKED]).as_bytes();
                header[SEGMENT_CHECKED..].copy_from_slice(&check);
            }
            bytes[..SEGMENT_HEADER].copy_from_slice(&header);
            bytes
        } else {
            damaged(&bytes, &damages, &contents)
        };
        std::fs::write(dir.path().join(&segments[which]), &damaged).unwrap();
        let log_dir = dir.path().join("log");
        let mut read = Vec::new();
        // The window on a file, its longest group, and what this test keeps.
        let most =
            2 * READ_CHUNK_BYTES + largest.max(damaged.len()) + corpus.groups.iter().map(Vec::len).sum::<usize>() * 2;
        let scanned = within(most + SMALL, || {
            let seen = |group: &Group<'_>| {
                read.push(group.raw().to_vec());
                Ok(())
            };
            log::scan(&fs::real(), &log_dir, None, OpenFrom::default(), seen).is_ok()
        })?;
        prop_assert!(read.len() <= corpus.groups.len() && read == corpus.groups[..read.len()], "another history");
        let mut replayed = 0;
        let opened = Log::open(fs::real(), &log_dir, Epoch::FIRST, OpenFrom::default(), OPTIONS, |_| {
            replayed += 1;
            Ok(())
        });
        prop_assert_eq!(opened.is_ok(), scanned, "{:?}", opened.err());
        prop_assert_eq!(replayed, read.len());
        if let Ok((mut log, _)) = opened {
            // It goes on where it was cut off.
            for raw in &corpus.groups[replayed..] {
                log.append_received(&[Group::parse(raw).unwrap()], SpaceClass::Normal).unwrap();
            }
        }
        Ok(())
    });
}

#[test]
fn a_start_on_damaged_files_refuses_or_goes_on() {
    let corpus = corpus();
    let from = corpus.data.path();
    let names = files(from);
    let others: Vec<Vec<u8>> = names.iter().map(|name| std::fs::read(from.join(name)).unwrap()).collect();
    check((any::<Index>(), damages()), 150, |(which, damages)| {
        let dir = tempfile::tempdir().unwrap();
        copy(from, dir.path());
        let which = which.index(names.len());
        std::fs::write(dir.path().join(&names[which]), damaged(&others[which], &damages, &others)).unwrap();
        let mut options = EngineOptions::new(dir.path(), "east".parse().unwrap());
        (options.log, options.projection) = (OPTIONS, false);
        match Engine::open(options) {
            Ok(engine) => prop_assert!(engine.stop().is_ok()),
            Err(error) => prop_assert!(!error.to_string().is_empty()),
        }
        Ok(())
    });
}
