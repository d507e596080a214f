//! A region's figures in its table directory, and how far they go.
//!
//! ```text
//! minutes      minute i64                     → ten counters i64
//! store_days   business day u16 · store       → ten counters i64
//! ticks        ten seconds i64                → sequence u64
//! later        table u8 · key                 → sequence u64 · value
//! ```
//! Numbers are big-endian, signed ones with their sign flipped, so that the order of keys is theirs.
//!
//! A batch is one transaction with the position. One too large for a transaction goes to `later` in pieces first; the last
//! piece moves the position, and only then do rows of `later` count: those that name a sequence at or before the position
//! are moved to their tables, those beyond it are of a batch that never ended and are dropped. So figures are never ahead of
//! the position, whenever the power goes.

use std::path::Path;

use qucan_storage::limits::TABLE_BATCH_WRITES_MAX;
use qucan_storage::table::{Row, Scan, Table, TableBatch, TableError, TableOptions, Tables};
use qucan_storage::{Epoch, Position};

use crate::aggregator::figures::{Bucket, Figures, Minute};
use crate::aggregator::store::StoreBatch;
use crate::domain::time::{BusinessDay, Timestamp};
use crate::limits::FIGURES_CACHE_BYTES;

const TABLES: &[&str] = &["minutes", "store_days", "ticks", "later"];
const MINUTES: Table = Table(0);
const STORE_DAYS: Table = Table(1);
const TICKS: Table = Table(2);
const LATER: Table = Table(3);

/// A row as it is to be written.
pub(super) type Put = (Table, Vec<u8>, Vec<u8>);

/// A batch's rows.
pub(super) fn rows_of(batch: &StoreBatch) -> Vec<Put> {
    let minutes = batch.minutes.iter().map(|(minute, bucket)| (MINUTES, signed(minute.0), counters(bucket)));
    let days = batch.store_days.iter().map(|((day, store), bucket)| {
        (STORE_DAYS, [&day.0.to_be_bytes(), store.as_str().as_bytes()].concat(), counters(bucket))
    });
    let ticks = batch.ticks.iter().map(|(tick, first)| (TICKS, signed(*tick), first.to_be_bytes().to_vec()));
    minutes.chain(days).chain(ticks).collect()
}

fn signed(number: i64) -> Vec<u8> {
    (number ^ i64::MIN).to_be_bytes().to_vec()
}

fn unsigned(key: &[u8]) -> Option<i64> {
    Some(i64::from_be_bytes(key.try_into().ok()?) ^ i64::MIN)
}

fn counters(bucket: &Bucket) -> Vec<u8> {
    bucket.to_numbers().iter().flat_map(|number| number.to_be_bytes()).collect()
}

fn bucket(value: &[u8]) -> Option<Bucket> {
    let mut numbers = [0; Bucket::NUMBERS];
    let (chunks, rest) = value.as_chunks::<8>();
    if chunks.len() != numbers.len() || !rest.is_empty() {
        return None;
    }
    for (number, chunk) in numbers.iter_mut().zip(chunks) {
        *number = i64::from_be_bytes(*chunk);
    }
    Bucket::from_numbers(numbers)
}

/// Opens the directory and brings an interrupted batch to its end, or drops it.
pub(super) fn open(dir: &Path) -> Result<Tables, TableError> {
    let options = TableOptions { cache_bytes: FIGURES_CACHE_BYTES, ..TableOptions::default() };
    let mut tables = Tables::open(dir, TABLES, options)?;
    settle(&mut tables, dir)?;
    Ok(tables)
}

/// Every figure; as many rows as were applied, or the directory is damaged.
pub(super) fn load(tables: &Tables, dir: &Path) -> Result<Figures, TableError> {
    let mut figures = Figures::default();
    let mut counts = vec![0; TABLES.len()];
    for (table, seen) in (0..).map(Table).zip(counts.iter_mut()) {
        let mut whole = true;
        let all = Scan { limit: usize::MAX, ..Scan::all() };
        *seen = tables.visit(table, &all, |key, value| {
            whole = enter(&mut figures, table, key, value).is_some();
            whole
        })?;
        if !whole {
            return Err(damaged(dir, "a row of figures"));
        }
    }
    if counts == tables.applied().counts { Ok(figures) } else { Err(damaged(dir, "rows are missing")) }
}

fn enter(figures: &mut Figures, table: Table, key: &[u8], value: &[u8]) -> Option<()> {
    match table {
        MINUTES => drop(figures.minutes.insert(Minute(unsigned(key)?), bucket(value)?)),
        STORE_DAYS => {
            let (day, store) = key.split_first_chunk::<2>()?;
            let store = std::str::from_utf8(store).ok()?.parse().ok()?;
            figures.store_days.insert((BusinessDay(u16::from_be_bytes(*day)), store), bucket(value)?);
        }
        TICKS => drop(figures.ticks.insert(unsigned(key)?, u64::from_be_bytes(value.try_into().ok()?))),
        _ => return None,
    }
    Some(())
}

fn damaged(dir: &Path, what: &str) -> TableError {
    TableError::Damaged { dir: dir.to_owned(), what: what.to_owned() }
}

/// Applies rows and moves the position, together, however many there are.
pub(super) fn apply(
    tables: &mut Tables,
    dir: &Path,
    rows: &[Put],
    epoch: Epoch,
    to: Position,
    piece: usize,
) -> Result<(), TableError> {
    settle(tables, dir)?;
    let mut batch = TableBatch::new();
    if rows.len() <= piece {
        for (table, key, value) in rows {
            batch.put(*table, key.as_slice(), value.as_slice());
        }
        return tables.apply(&batch, epoch, to);
    }
    let (mut pieces, here) = (rows.chunks(piece).peekable(), tables.applied().clone());
    while let Some(rows) = pieces.next() {
        batch.clear();
        for (table, key, value) in rows {
            let value = [to.sequence.0.to_be_bytes().as_slice(), value].concat();
            batch.put(LATER, [&[table.0], key.as_slice()].concat(), value);
        }
        match pieces.peek() {
            Some(_) => tables.apply(&batch, here.epoch, here.position)?,
            None => tables.apply(&batch, epoch, to)?,
        }
    }
    settle(tables, dir)
}

/// Moves rows of `later` that count to their tables, drops the others.
fn settle(tables: &mut Tables, dir: &Path) -> Result<(), TableError> {
    let here = tables.applied().clone();
    loop {
        let rows: Vec<Row> = tables.scan(LATER, &Scan::all().limit(TABLE_BATCH_WRITES_MAX / 2))?;
        if rows.is_empty() {
            return Ok(());
        }
        let mut batch = TableBatch::new();
        for (later, value) in rows {
            let (Some((table, key)), Some((sequence, value))) = (later.split_first(), value.split_first_chunk::<8>())
            else {
                return Err(damaged(dir, "a row of a large batch"));
            };
            if u64::from_be_bytes(*sequence) <= here.position.sequence.0 {
                batch.put(Table(*table), key, value);
            }
            batch.remove(LATER, later);
        }
        tables.apply(&batch, here.epoch, here.position)?;
    }
}

/// Removes minutes and ticks before `time`, store-days before `day`.
pub(super) fn forget_before(tables: &mut Tables, time: Timestamp, day: BusinessDay) -> Result<(), TableError> {
    let minute = signed(Minute::of(time).0);
    let tick = signed(crate::aggregator::figures::tick_of(time));
    let here = tables.applied().clone();
    for (table, end) in [(MINUTES, minute), (TICKS, tick), (STORE_DAYS, day.0.to_be_bytes().to_vec())] {
        loop {
            let scan = Scan { to: std::ops::Bound::Excluded(&end), ..Scan::all().limit(TABLE_BATCH_WRITES_MAX) };
            let rows = tables.scan(table, &scan)?;
            if rows.is_empty() {
                break;
            }
            let mut batch = TableBatch::new();
            rows.into_iter().for_each(|(key, _)| batch.remove(table, key));
            tables.apply(&batch, here.epoch, here.position)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use qucan_storage::{ChainHash, Sequence};

    use super::*;

    fn position(sequence: u64) -> Position {
        Position { sequence: Sequence(sequence), hash: ChainHash([7; 32]) }
    }

    fn ticks(range: std::ops::Range<i64>, first: u64) -> Vec<Put> {
        range.map(|tick| (TICKS, signed(tick), first.to_be_bytes().to_vec())).collect()
    }

    #[test]
    fn numbers_keep_their_order_and_come_back() {
        let numbers = [i64::MIN, -70_000, -1, 0, 1, 70_000, i64::MAX];
        assert!(numbers.windows(2).all(|pair| signed(pair[0]) < signed(pair[1])));
        assert_eq!(numbers.map(|number| unsigned(&signed(number))), numbers.map(Some));
        let counted = Bucket::from_numbers([1, 2, -3, 4, 5, 6, 7, 8, 9, 10]).unwrap();
        assert_eq!(bucket(&counters(&counted)), Some(counted));
        assert_eq!(bucket(&counters(&counted)[1..]), None);
    }

    #[test]
    fn a_large_batch_counts_whole_or_not_at_all() {
        let home = tempfile::tempdir().unwrap();
        let dir = home.path().join("east");
        let mut tables = open(&dir).unwrap();
        apply(&mut tables, &dir, &ticks(0..3, 1), Epoch(1), position(10), 100).unwrap();
        apply(&mut tables, &dir, &ticks(2..30, 2), Epoch(1), position(20), 4).unwrap();
        let whole = load(&tables, &dir).unwrap();
        assert_eq!(whole.ticks.len(), 30);
        assert_eq!((whole.ticks[&1], whole.ticks[&2], whole.ticks[&29]), (1, 2, 2));

        // The pieces of a batch that never ended: all but the last.
        let mut batch = TableBatch::new();
        batch.put(LATER, [&[TICKS.0], signed(5).as_slice()].concat(), [[0, 0, 0, 0, 0, 0, 0, 30], [9; 8]].concat());
        let here = tables.applied().clone();
        tables.apply(&batch, here.epoch, here.position).unwrap();
        tables.close().unwrap();
        let mut tables = open(&dir).unwrap();
        assert_eq!(load(&tables, &dir).unwrap(), whole, "as before it");
        assert_eq!(tables.applied().position, position(20));

        // A batch whose last piece is there, but whose rows were not moved yet.
        let mut batch = TableBatch::new();
        batch.put(LATER, [&[TICKS.0], signed(5).as_slice()].concat(), [[0, 0, 0, 0, 0, 0, 0, 30], [9; 8]].concat());
        tables.apply(&batch, Epoch(1), position(30)).unwrap();
        tables.close().unwrap();
        let tables = open(&dir).unwrap();
        assert_eq!(load(&tables, &dir).unwrap().ticks[&5], u64::from_be_bytes([9; 8]));
    }

    #[test]
    fn a_row_too_few_is_damage() {
        let home = tempfile::tempdir().unwrap();
        let dir = home.path().join("east");
        let mut tables = open(&dir).unwrap();
        apply(&mut tables, &dir, &ticks(0..3, 1), Epoch(1), position(10), 100).unwrap();
        let mut batch = TableBatch::new();
        batch.put(MINUTES, signed(1), [1, 2, 3]);
        let here = tables.applied().clone();
        tables.apply(&batch, here.epoch, here.position).unwrap();
        assert!(load(&tables, &dir).unwrap_err().is_fatal());
    }
}
