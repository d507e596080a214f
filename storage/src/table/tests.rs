//! What the tables promise, on a real directory.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::{ChainHash, Sequence};

const NAMES: &[&str] = &["orders", "by_member", "stock"];
const ORDERS: Table = Table(0);
const BY_MEMBER: Table = Table(1);
const STOCK: Table = Table(2);

fn options() -> TableOptions {
    TableOptions { cache_bytes: 1 << 20, free_bytes_min: 0 }
}

fn open(dir: &Path) -> Tables {
    Tables::open(dir, NAMES, options()).unwrap()
}

fn position(sequence: u64) -> Position {
    Position { sequence: Sequence(sequence), hash: ChainHash([7; 32]) }
}

/// Ten orders with an index entry each, and one stock line.
fn batch(from: u32) -> TableBatch {
    let mut batch = TableBatch::new();
    for n in from..from + 10 {
        batch.put(ORDERS, n.to_be_bytes(), vec![1; 300]);
        batch.put(BY_MEMBER, format!("member{}/{n:08}", n % 3), vec![]);
    }
    batch.put(STOCK, *b"set-1", from.to_le_bytes());
    batch
}

#[test]
fn what_was_applied_is_there_after_opening_again_with_its_counts() {
    let dir = tempfile::tempdir().unwrap();
    let dir = &dir.path().join("day");
    let mut tables = open(dir);
    assert_eq!(tables.applied().position, Position::ORIGIN);
    tables.apply(&batch(0), Epoch(2), position(10)).unwrap();
    tables.apply(&batch(5), Epoch(2), position(20)).unwrap();
    let mut removal = TableBatch::new();
    removal.remove(ORDERS, 3_u32.to_be_bytes());
    removal.remove(ORDERS, 99_u32.to_be_bytes());
    tables.apply(&removal, Epoch(2), position(21)).unwrap();
    tables.close().unwrap();

    let tables = open(dir);
    let applied = Applied { epoch: Epoch(2), position: position(21), counts: vec![14, 15, 1] };
    assert_eq!(tables.applied(), &applied);
    tables.check_counts().unwrap();
    assert_eq!(tables.get(ORDERS, &4_u32.to_be_bytes()).unwrap(), Some(vec![1; 300]));
    assert_eq!(tables.get(ORDERS, &3_u32.to_be_bytes()).unwrap(), None);
    assert_eq!(tables.get(STOCK, b"set-1").unwrap(), Some(5_u32.to_le_bytes().to_vec()));
    assert!(tables.disk_bytes().unwrap() > 0);
}

#[test]
fn scans_go_both_ways_within_their_bounds() {
    let dir = tempfile::tempdir().unwrap();
    let mut tables = open(dir.path());
    for from in (0..200).step_by(10) {
        tables.apply(&batch(from), Epoch(1), position(u64::from(from) + 1)).unwrap();
    }
    let keys = |scan: &Scan<'_>| -> Vec<String> {
        let rows = tables.scan(BY_MEMBER, scan).unwrap();
        rows.into_iter().map(|(key, _)| String::from_utf8(key).unwrap()).collect()
    };
    let all = keys(&Scan::prefix(b"member1/"));
    assert_eq!(all.len(), 67);
    assert!(all.is_sorted());
    let mut reversed = keys(&Scan::prefix(b"member1/").reverse());
    reversed.reverse();
    assert_eq!(reversed, all);
    assert_eq!(keys(&Scan::prefix(b"member1/").limit(3)), all[..3]);
    assert_eq!(keys(&Scan::prefix(b"member1/").after(all[2].as_bytes()).limit(2)), all[3..5]);
    let before = keys(&Scan::prefix(b"member1/").before(all[2].as_bytes()).reverse());
    assert_eq!(before, [&*all[1], &*all[0]]);
    assert_eq!(keys(&Scan::prefix(b"nobody")), [""; 0]);
    assert_eq!(keys(&Scan::prefix(b"member1/").after(b"member2")), [""; 0]);
    assert_eq!(keys(&Scan::all().limit(0)), [""; 0]);
    assert_eq!(keys(&Scan::all()).len(), 200);
    assert_eq!(tables.visit(BY_MEMBER, &Scan::all(), |key, _| key < b"member1".as_slice()).unwrap(), 68);
}

#[test]
fn requests_out_of_bounds_are_refused_and_change_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let mut tables = open(dir.path());
    let refused = [
        (Table(3), vec![1], vec![]),
        (ORDERS, vec![], vec![]),
        (ORDERS, vec![1; crate::limits::TABLE_KEY_BYTES_MAX + 1], vec![]),
        (ORDERS, vec![1], vec![0; crate::limits::TABLE_VALUE_BYTES_MAX + 1]),
    ];
    for (table, key, value) in refused {
        let mut batch = TableBatch::new();
        batch.put(ORDERS, *b"good", *b"");
        batch.put(table, key, value);
        let error = tables.apply(&batch, Epoch(1), position(1)).unwrap_err();
        assert!(matches!(error, TableError::Bounds { .. }) && !error.is_fatal(), "{error}");
    }
    assert!(matches!(tables.get(Table(3), b"x"), Err(TableError::Bounds { .. })));
    assert_eq!(tables.applied().position, Position::ORIGIN);
    assert_eq!(tables.get(ORDERS, b"good").unwrap(), None);
    tables.apply(&batch(0), Epoch(1), position(1)).unwrap();
}

#[test]
fn a_full_disk_pauses_and_breaks_nothing() {
    let dir = tempfile::tempdir().unwrap();
    open(dir.path()).close().unwrap();
    let full = TableOptions { free_bytes_min: u64::MAX, ..options() };
    let error = Tables::open(dir.path(), NAMES, full).unwrap_err();
    assert!(matches!(error, TableError::DiskFull { .. }) && !error.is_fatal());
    let mut tables = open(dir.path());
    tables.options = full;
    assert!(matches!(tables.apply(&batch(0), Epoch(1), position(1)), Err(TableError::DiskFull { .. })));
    tables.options = options();
    tables.apply(&batch(0), Epoch(1), position(1)).unwrap();
}

#[test]
fn other_tables_and_foreign_files_are_refused_untouched() {
    let dir = tempfile::tempdir().unwrap();
    open(dir.path()).close().unwrap();
    let error = Tables::open(dir.path(), &["orders", "other"], options()).unwrap_err();
    assert!(matches!(error, TableError::Foreign { .. }), "{error}");

    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("diary.txt"), "dear diary").unwrap();
    let error = Tables::open(dir.path(), NAMES, options()).unwrap_err();
    assert!(error.to_string().contains("diary.txt"), "{error}");
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
}

#[test]
fn a_second_opening_is_told_that_it_is_in_use() {
    let dir = tempfile::tempdir().unwrap();
    let _tables = open(dir.path());
    assert!(matches!(Tables::open(dir.path(), NAMES, options()), Err(TableError::InUse { .. })));
}

/// Changes a table that nobody has open.
fn behind_its_back(dir: &Path, table: &str, change: impl FnOnce(&sled::Tree)) {
    change(&sled::open(dir).unwrap().open_tree(table).unwrap());
}

#[test]
fn a_row_that_went_missing_is_found_by_its_count() {
    let dir = tempfile::tempdir().unwrap();
    let mut tables = open(dir.path());
    tables.apply(&batch(0), Epoch(1), position(1)).unwrap();
    tables.close().unwrap();
    behind_its_back(dir.path(), "orders", |orders| drop(orders.remove(3_u32.to_be_bytes()).unwrap()));
    let mut tables = open(dir.path());
    let error = tables.check_counts().unwrap_err();
    assert!(error.to_string().contains("9 rows, 10 were applied"), "{error}");
    assert!(matches!(tables.get(ORDERS, b"x"), Err(TableError::Closed { .. })));
    assert!(matches!(tables.apply(&batch(0), Epoch(1), position(2)), Err(TableError::Closed { .. })));
}

#[test]
fn a_table_that_lost_everything_is_found_at_open() {
    let dir = tempfile::tempdir().unwrap();
    let mut tables = open(dir.path());
    tables.apply(&batch(0), Epoch(1), position(1)).unwrap();
    tables.close().unwrap();
    behind_its_back(dir.path(), "stock", |stock| stock.clear().unwrap());
    let error = Tables::open(dir.path(), NAMES, options()).unwrap_err();
    assert!(matches!(error, TableError::Damaged { .. }), "{error}");
    assert!(error.to_string().contains("stock"), "{error}");
}

/// sled 0.34 panics inside `open` for some damaged files and errs for others; a few are opened all the
/// same. Whatever happens, it is an error or the tables are as their counts say, and the process goes on.
#[test]
fn damaged_files_are_errors_and_never_panics_and_can_be_built_again() {
    type Damage = fn(&mut Vec<u8>);
    let damages: [Damage; 6] = [
        |bytes| bytes.truncate(bytes.len() / 2),
        |bytes| bytes.fill(0),
        |bytes| bytes.fill(0xff),
        |bytes| bytes.iter_mut().step_by(777).for_each(|byte| *byte ^= 0x55),
        |bytes| bytes.clear(),
        |bytes| {
            let middle = bytes.len() / 3;
            bytes[middle..].fill(0);
        },
    ];
    let mut errors = 0;
    for (damage, file) in damages.iter().flat_map(|damage| [(damage, "db"), (damage, "conf")]) {
        let root = tempfile::tempdir().unwrap();
        let (dir, aside) = (&root.path().join("day"), &root.path().join("aside"));
        let mut tables = open(dir);
        for n in 0..20 {
            tables.apply(&batch(n * 10), Epoch(1), position(u64::from(n) + 1)).unwrap();
        }
        tables.close().unwrap();
        let path = dir.join(file);
        let mut bytes = std::fs::read(&path).unwrap();
        damage(&mut bytes);
        std::fs::write(&path, bytes).unwrap();
        let outcome = Tables::open(dir, NAMES, options()).and_then(|tables| {
            tables.check_counts()?;
            Ok(tables.applied().clone())
        });
        errors += usize::from(outcome.is_err());
        move_aside(dir, aside).unwrap();
        move_aside(dir, aside).unwrap();
        let mut again = open(dir);
        again.apply(&batch(0), Epoch(1), position(1)).unwrap();
        again.check_counts().unwrap();
    }
    assert!(errors >= 4, "the damage was not reached: {errors}");
}

#[test]
fn readers_follow_the_writer_and_are_told_when_it_closes() {
    let dir = tempfile::tempdir().unwrap();
    let mut tables = open(dir.path());
    let reader = tables.reader();
    let other = std::thread::spawn(move || {
        while reader.applied().position != position(5) {
            assert!(reader.get(ORDERS, b"nobody").unwrap().is_none());
        }
        let rows = reader.scan(ORDERS, &Scan::all()).unwrap().len();
        (reader, rows)
    });
    for n in 0..5_u32 {
        tables.apply(&batch(n * 10), Epoch(1), position(u64::from(n) + 1)).unwrap();
    }
    let (reader, rows) = other.join().unwrap();
    assert_eq!(rows, 50);
    drop(tables);
    assert!(matches!(reader.get(ORDERS, b"x"), Err(TableError::Closed { .. })));
    open(dir.path()).check_counts().unwrap();
}

#[test]
fn at_most_one_directory_lies_aside() {
    let root = tempfile::tempdir().unwrap();
    let (dir, aside) = (&root.path().join("day"), &root.path().join("aside"));
    for n in 0..3 {
        let mut tables = open(dir);
        tables.apply(&batch(n), Epoch(1), position(1)).unwrap();
        drop(tables);
        move_aside(dir, aside).unwrap();
        assert_eq!(std::fs::read_dir(root.path()).unwrap().count(), 1);
    }
    remove(aside).unwrap();
    remove(aside).unwrap();
    assert_eq!(std::fs::read_dir(root.path()).unwrap().count(), 0);
}

#[test]
fn many_days_are_open_side_by_side() {
    let root = tempfile::tempdir().unwrap();
    let mut days: Vec<Tables> = (0..4).map(|day| open(&root.path().join(format!("day-{day}")))).collect();
    for (n, day) in days.iter_mut().enumerate() {
        day.apply(&batch(u32::try_from(n).unwrap()), Epoch(1), position(n as u64 + 1)).unwrap();
    }
    for (n, day) in days.iter().enumerate() {
        assert_eq!(day.applied().position, position(n as u64 + 1));
        day.check_counts().unwrap();
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, ..ProptestConfig::default() })]

    /// Random batches and reopenings against plain maps: rows, counts and position always agree.
    #[test]
    fn tables_agree_with_plain_maps(
        batches in prop::collection::vec(
            prop::collection::vec((0_u8..3, 0_u8..40, prop::option::of(0_u8..255)), 0..40), 1..12),
        reopen in prop::collection::vec(any::<bool>(), 12),
    ) {
        let dir = tempfile::tempdir().unwrap();
        let sim = SimTables::default();
        let stores = [on_disk(), sim.shared()];
        let open_both = || stores.each_ref().map(|store| Tables::open_in(store, dir.path(), NAMES, options()).unwrap());
        let mut both = open_both();
        let mut model = vec![BTreeMap::new(); 3];
        for (n, writes) in batches.iter().enumerate() {
            let mut batch = TableBatch::new();
            for (table, key, value) in writes {
                let rows: &mut BTreeMap<Vec<u8>, Vec<u8>> = &mut model[usize::from(*table)];
                match value {
                    Some(value) => {
                        batch.put(Table(*table), vec![*key], vec![*value; 100]);
                        rows.insert(vec![*key], vec![*value; 100]);
                    }
                    None => {
                        batch.remove(Table(*table), vec![*key]);
                        rows.remove(&vec![*key]);
                    }
                }
            }
            for tables in &mut both {
                tables.apply(&batch, Epoch(1), position(n as u64 + 1)).unwrap();
            }
            if reopen[n] {
                drop(both);
                both = open_both();
            }
            for tables in &both {
                prop_assert_eq!(tables.applied().position, position(n as u64 + 1));
                tables.check_counts().unwrap();
                for (index, rows) in model.iter().enumerate() {
                    let table = Table(u8::try_from(index).unwrap());
                    let found = tables.scan(table, &Scan::all()).unwrap();
                    prop_assert!(found == rows.clone().into_iter().collect::<Vec<_>>());
                    let (low, high) = ([5], [30]);
                    let some = Scan { from: Bound::Included(&low), to: Bound::Excluded(&high), ..Scan::all() };
                    let found = tables.scan(table, &some.reverse().limit(7)).unwrap();
                    let expected = rows.range(low.to_vec()..high.to_vec()).rev().take(7);
                    prop_assert!(found.iter().map(|(key, value)| (key, value)).eq(expected));
                }
            }
        }
    }
}

proptest! {
    /// Flipped, cut and lengthened markers are damaged, whatever their numbers claim.
    #[test]
    fn a_damaged_marker_is_not_believed(
        counts in prop::collection::vec(any::<u64>(), 0..4),
        flips in prop::collection::vec((any::<prop::sample::Index>(), 1_u8..=255), 0..4),
        length in prop::option::of(any::<prop::sample::Index>()),
        tail in prop::collection::vec(any::<u8>(), 0..40),
    ) {
        let applied = marker::Applied { epoch: Epoch(3), position: position(9), counts };
        let whole = applied.encode("orders,index");
        let mut bytes = whole.clone();
        for (at, value) in flips {
            let at = at.index(bytes.len());
            bytes[at] ^= value;
        }
        if let Some(length) = length {
            bytes.truncate(length.index(bytes.len()));
        }
        bytes.extend(tail);
        match marker::Applied::decode(&bytes, "orders,index") {
            Ok(read) => prop_assert!(bytes == whole && read == applied),
            Err(fault) => prop_assert!(bytes != whole, "{fault:?}"),
        }
    }
}

#[test]
fn simulated_tables_break_as_they_are_told_and_can_be_built_again() {
    let (dir, aside) = (Path::new("/state/day"), Path::new("/state/aside/day"));
    for (mishap, found_by) in TableMishap::ALL.into_iter().zip(["open", "open", "read", "open", "open"]) {
        let sim = SimTables::default();
        let open = || Tables::open_in(&sim.shared(), dir, NAMES, options());
        let mut tables = open().unwrap();
        tables.apply(&batch(0), Epoch(1), position(1)).unwrap();
        drop(tables);
        assert!(sim.break_one(3, mishap));
        let opened = open();
        assert_eq!(opened.is_err(), found_by == "open", "{mishap:?}");
        let error = opened.and_then(|tables| tables.get(ORDERS, b"x")).unwrap_err();
        assert!(error.is_fatal(), "{error}");
        sim.shared().move_aside(dir, aside).unwrap();
        let mut again = open().unwrap();
        again.apply(&batch(0), Epoch(1), position(1)).unwrap();
        assert_eq!(sim.shared().directories(Path::new("/state")).unwrap(), ["day"]);
    }
}

#[test]
fn simulated_tables_hold_what_was_committed_and_forget_what_they_are_told_to() {
    let (sim, dir) = (SimTables::default(), Path::new("/state/day"));
    let options = TableOptions { free_bytes_min: 1, ..options() };
    let open = || Tables::open_in(&sim.shared(), dir, NAMES, options);
    let mut tables = open().unwrap();
    tables.apply(&batch(0), Epoch(1), position(1)).unwrap();
    let older = sim.image();
    assert!(matches!(open(), Err(TableError::InUse { .. })));
    sim.fail_next_commit(CommitFault::Nothing);
    assert!(tables.apply(&batch(10), Epoch(1), position(2)).unwrap_err().is_fatal());
    sim.kill();
    let mut tables = open().unwrap();
    assert_eq!(tables.applied().position, position(1));
    sim.fail_next_commit(CommitFault::Everything);
    assert!(tables.apply(&batch(10), Epoch(1), position(2)).is_err());
    sim.kill();
    let mut tables = open().unwrap();
    assert_eq!(tables.applied().position, position(2));
    sim.set_full(true);
    assert!(matches!(tables.apply(&batch(20), Epoch(1), position(3)), Err(TableError::DiskFull { .. })));
    sim.kill();
    assert!(matches!(tables.get(ORDERS, b"x"), Err(TableError::Closed { .. })));
    sim.put(&older);
    assert_eq!(open().unwrap().applied().position, position(1));
    sim.lose();
    assert_eq!(open().unwrap().applied().position, Position::ORIGIN);
}
