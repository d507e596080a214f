//! The projection against the log: every row that a closed order must have, and no other, at the projection's own
//! position. Compared by count and sum of row hashes, so that memory does not grow with history; only where a day
//! differs are its rows compared one by one, to name them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use qucan_storage::table::{Scan, Table, TableOptions, Tables};
use qucan_storage::{ChainHash, Epoch, Position, Sequence};

use super::report::Findings;
use crate::domain::id::{OrderId, RegionTag};
use crate::domain::order::Order;
use crate::domain::time::{BusinessDay, Timestamp};
use crate::engine::projection::{directories, keys};
use crate::engine::records::decode_order;

/// Rows as a number and a sum of their hashes: equal for equal sets, whatever their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Rows {
    count: u64,
    sum: u128,
}

impl Rows {
    fn add(&mut self, table: Table, key: &[u8], value: &[u8]) {
        self.count += 1;
        self.sum = self.sum.wrapping_add(row_hash(table, key, value));
    }

    fn plus(self, other: Self) -> Self {
        Self { count: self.count + other.count, sum: self.sum.wrapping_add(other.sum) }
    }

    fn minus(self, other: Self) -> Self {
        Self { count: self.count.wrapping_sub(other.count), sum: self.sum.wrapping_sub(other.sum) }
    }

    fn of(order: &Order) -> Self {
        let mut rows = Self::default();
        for (table, key, value) in keys::rows_of(order).unwrap_or_default() {
            rows.add(table, &key, &value);
        }
        rows
    }
}

fn row_hash(table: Table, key: &[u8], value: &[u8]) -> u128 {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&[table.0]);
    hasher.update(&u64::try_from(key.len()).unwrap_or(u64::MAX).to_le_bytes());
    hasher.update(key);
    hasher.update(value);
    u128::from_le_bytes(hasher.finalize().as_bytes().first_chunk::<16>().copied().unwrap_or_default())
}

/// One day on disk.
#[derive(Debug)]
struct Day {
    dir: PathBuf,
    epoch: Epoch,
    position: Position,
    rows: Rows,
    orders: u64,
}

/// What the log says about a day.
#[derive(Debug, Clone, Copy, Default)]
struct Expected {
    rows: Rows,
    orders: u64,
}

/// The projection's days as they lie on disk, and what the log says about them.
#[derive(Debug, Default)]
pub(super) struct ProjectionCheck {
    days: BTreeMap<BusinessDay, Day>,
    /// How far the whole is: the newest day's position.
    reached: Position,
    expected: BTreeMap<BusinessDay, Expected>,
    /// Rows that a closed order had before it was opened again.
    reopened: BTreeMap<u64, Rows>,
    /// Orders that closed up to here closed before the log begins, where it was trimmed.
    base: Option<Timestamp>,
    /// Orders that the log closes, of days on which others may have closed before it begins.
    closed_here: BTreeMap<BusinessDay, BTreeSet<u64>>,
    /// Closed orders on disk that closed before the log begins.
    earlier: u64,
    /// The log's chain hashes at the days' positions.
    hashes: BTreeMap<Sequence, ChainHash>,
    found: Findings,
}

impl ProjectionCheck {
    /// Reads every row there is.
    pub(super) fn open(state: &Path) -> Self {
        let mut check = Self::default();
        let directories = match directories(state) {
            Ok(directories) => directories,
            Err(error) => {
                check.found.add(format!("{}: {error}", state.display()));
                return check;
            }
        };
        for (name, dir) in directories {
            match read_day(&dir) {
                // A start ended between making it and stamping it; the next one drops it.
                Ok(day) if day.position == Position::ORIGIN && day.rows.count == 0 => {}
                Ok(day) => {
                    check.reached = day.position;
                    check.hashes.insert(day.position.sequence, ChainHash::ORIGIN);
                    check.days.insert(name, day);
                }
                Err(error) => check.found.add(format!("{}: {error}", dir.display())),
            }
        }
        check
    }

    /// The log begins with a state of this time: what closed before is known from the projection alone.
    pub(super) fn begins_at(&mut self, time: Timestamp) {
        self.base = Some(time);
    }

    fn reaches_back(&self, day: BusinessDay) -> bool {
        self.base.is_some_and(|base| day.begins_anywhere() <= base)
    }

    /// Whether the log can't know an order that it doesn't close. All of its rows must be there all the same.
    fn is_earlier(&self, order: &Order) -> bool {
        let known = self.closed_here.get(&order.business_day).is_some_and(|known| known.contains(&order.id.packed()));
        !known && self.base.is_some_and(|base| order.closed_at.unwrap_or(order.created_at) <= base)
    }

    /// Closed orders that closed before the log begins.
    pub(super) fn earlier(&self) -> u64 {
        self.earlier
    }

    pub(super) fn is_empty(&self) -> bool {
        self.days.is_empty() && self.found.count == 0
    }

    /// How far the projection is.
    pub(super) fn reached(&self) -> Sequence {
        self.reached.sequence
    }

    /// Where the log's chain stands.
    pub(super) fn at(&mut self, position: Position) {
        if let Some(hash) = self.hashes.get_mut(&position.sequence) {
            *hash = position.hash;
        }
    }

    /// Up to where a day must hold what the log says: its own position may be ahead of the others' after a kill.
    fn limit(&self, day: BusinessDay) -> Sequence {
        let own = self.days.get(&day).map_or(Sequence::NONE, |day| day.position.sequence);
        own.max(self.reached.sequence)
    }

    /// An order with which an entry closes it.
    pub(super) fn closed(&mut self, sequence: Sequence, order: &Order) {
        let day = order.business_day;
        if sequence > self.limit(day) {
            return;
        }
        let mut before = self.reopened.remove(&order.id.packed());
        if self.reaches_back(day) && self.closed_here.entry(day).or_default().insert(order.id.packed()) {
            // What it was before, the log has not said.
            before = None;
        }
        let expected = self.expected.entry(day).or_default();
        expected.orders += u64::from(before.is_none());
        expected.rows = expected.rows.plus(Rows::of(order)).minus(before.unwrap_or_default());
    }

    /// A closed order that late money opened again: its rows stay as they were until it closes again.
    pub(super) fn opened_again(&mut self, sequence: Sequence, order: &Order) {
        if sequence <= self.limit(order.business_day) {
            self.reopened.insert(order.id.packed(), Rows::of(&before_reopening(order)));
        }
    }

    /// Compares; answers the days that differ.
    pub(super) fn compare(&mut self, epoch: Epoch, last: Sequence) -> Vec<BusinessDay> {
        let mut differing = Vec::new();
        let oldest = self.days.keys().next().copied();
        let days = std::mem::take(&mut self.days);
        for (name, day) in &days {
            let (dir, at) = (day.dir.display(), day.position.sequence);
            let found = &mut self.found;
            found.expect(day.epoch == epoch, || format!("{dir}: {:?}, the directory is in {epoch:?}", day.epoch));
            if at > last {
                found.add(format!("{dir}: applied up to {at}, the log ends at {last}"));
                continue;
            }
            let same = at == Sequence::NONE || self.hashes.get(&at) == Some(&day.position.hash);
            found.expect(same, || format!("{dir}: applied up to {at}, of another history than the log's"));
            let expected = self.expected.get(name).map(|expected| expected.rows).unwrap_or_default();
            let earlier = if expected != day.rows && self.reaches_back(*name) {
                self.rows_before(&day.dir)
            } else {
                Ok((Rows::default(), 0))
            };
            match earlier {
                Ok((rows, orders)) => {
                    self.earlier += orders;
                    if expected.plus(rows) != day.rows {
                        differing.push(*name);
                    }
                }
                Err(error) => self.found.add(format!("{dir}: {error}")),
            }
        }
        self.days = days;
        for (name, expected) in &self.expected {
            let kept = oldest.is_some_and(|oldest| *name >= oldest);
            if kept && !self.days.contains_key(name) {
                self.found.add(format!("day {} is missing: {} closed orders", name.date(), expected.orders));
            }
        }
        differing
    }

    /// The rows that a day's orders must have of which the log can't know, and how many orders they are.
    fn rows_before(&self, dir: &Path) -> Result<(Rows, u64), String> {
        let (mut rows, mut orders) = (Rows::default(), 0);
        visit_orders(dir, |order| {
            if self.is_earlier(&order) {
                rows = rows.plus(Rows::of(&order));
                orders += 1;
            }
        })?;
        Ok((rows, orders))
    }

    /// Counts of what was compared.
    pub(super) fn summary(&self) -> String {
        let orders: u64 = self.days.values().map(|day| day.orders).sum();
        let rows: u64 = self.days.values().map(|day| day.rows.count).sum();
        let (days, index, reached) = (self.days.len(), rows.saturating_sub(orders), self.reached.sequence);
        format!("{days} days, {orders} closed orders and {index} other rows are what the log says up to {reached}")
    }

    pub(super) fn into_findings(self) -> Findings {
        self.found
    }

    /// Closed orders of days that are no longer kept.
    pub(super) fn past_retention(&self) -> u64 {
        let oldest = self.days.keys().next().copied();
        let gone = self.expected.iter().filter(|(name, _)| oldest.is_none_or(|oldest| **name < oldest));
        gone.map(|(_, expected)| expected.orders).sum()
    }

    /// The rows of a day that differs, to be compared with those on disk one by one.
    pub(super) fn begin_naming(&self, day: BusinessDay) -> Naming {
        Naming { day, limit: self.limit(day), rows: BTreeMap::new() }
    }

    /// Names what differs.
    pub(super) fn finish_naming(&mut self, mut naming: Naming, tag: RegionTag) {
        let Some(dir) = self.days.get(&naming.day).map(|day| day.dir.clone()) else { return };
        let mut found = std::mem::take(&mut self.found);
        let before = found.count;
        if self.reaches_back(naming.day) {
            let earlier = visit_orders(&dir, |order| {
                if self.is_earlier(&order) {
                    naming.take(&order);
                }
            });
            if let Err(error) = earlier {
                found.add(format!("{}: {error}", dir.display()));
            }
        }
        let visited = visit_rows(&dir, |table, key, value| {
            let expected = naming.rows.remove(&(table.0, key.to_vec()));
            let what = || describe(table, key, tag);
            match expected {
                None => found.add(format!("{}: {} is not in the log", dir.display(), what())),
                Some(hash) if hash != row_hash(table, key, value) => {
                    found.add(format!("{}: {} is not as the log says", dir.display(), differs(table, value, &what())));
                }
                Some(_) => {}
            }
        });
        if let Err(error) = visited {
            found.add(format!("{}: {error}", dir.display()));
        }
        for (table, key) in naming.rows.into_keys() {
            found.add(format!("{}: {} is missing", dir.display(), describe(Table(table), &key, tag)));
        }
        if found.count == before {
            found.add(format!("{}: its rows are not what the log says", dir.display()));
        }
        self.found = found;
    }
}

/// Expected rows of one day, by table and key.
pub(super) struct Naming {
    day: BusinessDay,
    limit: Sequence,
    rows: BTreeMap<(u8, Vec<u8>), u128>,
}

impl Naming {
    /// A closed order of the log.
    pub(super) fn closed(&mut self, sequence: Sequence, order: &Order) {
        if order.business_day == self.day && sequence <= self.limit {
            self.take(order);
        }
    }

    fn take(&mut self, order: &Order) {
        for (table, key, value) in keys::rows_of(order).unwrap_or_default() {
            let hash = row_hash(table, &key, &value);
            self.rows.insert((table.0, key), hash);
        }
    }
}

/// A closed order as it was before late money opened it again: without that money.
pub(super) fn before_reopening(order: &Order) -> Order {
    let mut before = order.clone();
    before.payments.pop();
    before.refunds.pop();
    before.offset = before.offset.saturating_sub(1);
    before
}

/// A row's key in words.
fn describe(table: Table, key: &[u8], tag: RegionTag) -> String {
    let order = |packed| OrderId::from_packed(tag, packed);
    if table == keys::ORDERS {
        let packed = key.first_chunk::<8>().map(|bytes| u64::from_be_bytes(*bytes));
        return packed.map_or_else(|| format!("row {key:02x?}"), |packed| format!("order {}", order(packed)));
    }
    let text = key.get(1..key.len().saturating_sub(9)).map(String::from_utf8_lossy);
    match (key.first(), text, keys::number_of(key)) {
        (Some(b'm'), Some(member), Some(packed)) => format!("index entry of member {member}, order {}", order(packed)),
        (Some(b's'), Some(store), Some(packed)) => format!("index entry of store {store}, order {}", order(packed)),
        (Some(b'q'), Some(store), Some(position)) => format!("queue entry of store {store}, position {position}"),
        _ => format!("index entry {key:02x?}"),
    }
}

/// Says what a record holds where it can be read.
fn differs(table: Table, value: &[u8], what: &str) -> String {
    let record = value.split_first().filter(|(count, _)| table == keys::ORDERS && **count == 1);
    match record.map(|(_, record)| decode_order(record)) {
        Some(Ok(order)) => format!("{what} ({}, payable {})", order.status.as_str(), order.payable.0),
        Some(Err(error)) => format!("{what} ({error})"),
        None => what.to_owned(),
    }
}

fn read_day(dir: &Path) -> Result<Day, String> {
    let tables = open_tables(dir)?;
    let (mut rows, mut orders) = (Rows::default(), 0);
    visit_tables(&tables, |table, key, value| {
        rows.add(table, key, value);
        orders += u64::from(table == keys::ORDERS && key.len() == 8);
    })?;
    let applied = tables.applied();
    let counted: u64 = applied.counts.iter().sum();
    if counted != rows.count {
        return Err(format!("{} rows where its own count says {counted}", rows.count));
    }
    Ok(Day { dir: dir.to_owned(), epoch: applied.epoch, position: applied.position, rows, orders })
}

fn visit_rows(dir: &Path, visit: impl FnMut(Table, &[u8], &[u8])) -> Result<(), String> {
    visit_tables(&open_tables(dir)?, visit)
}

/// Every order of a day whose record can be read. The others are for the rows to name.
fn visit_orders(dir: &Path, mut visit: impl FnMut(Order)) -> Result<(), String> {
    let mut record: Vec<u8> = Vec::new();
    let mut read = |record: &mut Vec<u8>| {
        if let Ok(order) = decode_order(&std::mem::take(record)) {
            visit(order);
        }
    };
    visit_rows(dir, |table, key, value| {
        if table != keys::ORDERS {
            return;
        }
        // Further pieces come right behind the first one, which begins with their number.
        if key.len() == 8 {
            read(&mut record);
            record.extend(value.get(1..).unwrap_or_default());
        } else {
            record.extend(value);
        }
    })?;
    read(&mut record);
    Ok(())
}

fn open_tables(dir: &Path) -> Result<Tables, String> {
    // Reading needs no room.
    let options = TableOptions { free_bytes_min: 0, ..TableOptions::default() };
    Tables::open(dir, keys::TABLES, options).map_err(|error| error.to_string())
}

fn visit_tables(tables: &Tables, mut visit: impl FnMut(Table, &[u8], &[u8])) -> Result<(), String> {
    for table in [keys::ORDERS, keys::INDEX] {
        let all = Scan { limit: usize::MAX, ..Scan::all() };
        let seen = tables.visit(table, &all, |key, value| {
            visit(table, key, value);
            true
        });
        seen.map_err(|error| error.to_string())?;
    }
    Ok(())
}
