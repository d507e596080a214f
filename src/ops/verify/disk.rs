//! The projection's days as they lie on disk: every row read, counted and summed up. The two tables of a day are read
//! beside each other; one day is open at a time, so that memory does not grow with their number.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use qucan_storage::fs::FileSystem;
use qucan_storage::table::{Scan, Table, TableOptions, TableReader, Tables};
use qucan_storage::{Epoch, Position, Sequence};

use super::check::Check;
use super::progress::Progress;
use super::report::Findings;
use super::rows::{Limits, Rows};
use crate::domain::order::Order;
use crate::domain::time::BusinessDay;
use crate::engine::projection::{Members, directories, keys};
use crate::engine::records::decode_order;

/// One day.
#[derive(Debug)]
pub(super) struct Day {
    pub(super) dir: PathBuf,
    pub(super) epoch: Epoch,
    pub(super) position: Position,
    pub(super) rows: Rows,
    pub(super) orders: u64,
}

/// All days there are.
#[derive(Debug, Default)]
pub(super) struct OnDisk {
    pub(super) days: BTreeMap<BusinessDay, Day>,
    /// How far the whole is: the newest day's position.
    pub(super) reached: Position,
    pub(super) orders: u64,
    pub(super) found: Findings,
}

impl OnDisk {
    /// Reads every row there is.
    pub(super) fn read(fs: &dyn FileSystem, state: &Path, progress: &Progress) -> Self {
        let mut read = Self::default();
        let directories = match directories(state) {
            Ok(directories) => directories,
            Err(error) => {
                read.found.add(Check::DaysListed, format!("{}: {error}", state.display()));
                return read;
            }
        };
        for (name, dir) in directories {
            match read_day(fs, &dir, progress, &mut read.found) {
                // A start ended between making it and stamping it; the next one drops it.
                Ok(day) if day.position == Position::ORIGIN && day.rows.count == 0 => {}
                Ok(day) => {
                    read.reached = day.position;
                    read.orders += day.orders;
                    read.days.insert(name, day);
                }
                Err(error) => read.found.add(Check::DayOpens, format!("{}: {error}", dir.display())),
            }
        }
        read
    }

    /// Where the days say that they are.
    pub(super) fn positions(&self) -> BTreeSet<Sequence> {
        self.days.values().map(|day| day.position.sequence).collect()
    }

    pub(super) fn limits(&self) -> Limits {
        let days = self.days.iter().map(|(name, day)| (*name, day.position.sequence)).collect();
        Limits { days, reached: self.reached.sequence }
    }
}

fn read_day(fs: &dyn FileSystem, dir: &Path, progress: &Progress, found: &mut Findings) -> Result<Day, String> {
    let tables = open_tables(dir)?;
    let applied = tables.applied().clone();
    let reader = tables.reader();
    progress.more(applied.counts.first().copied().unwrap_or(0));
    let list = Members::file_of(dir);
    let members = Members::load(fs, &list);
    let mut unlisted = 0;
    let (orders, index) = std::thread::scope(|scope| {
        let orders = scope.spawn(|| {
            sum(&reader, keys::ORDERS, |key| {
                let is_first = key.len() == 8;
                progress.step(u64::from(is_first));
                is_first
            })
        });
        let index = sum(&reader, keys::INDEX, |key| {
            let member = keys::member_of(key).filter(|_| key.starts_with(keys::MEMBERS));
            let listed = members.as_ref().zip(member).is_none_or(|(members, member)| members.may_hold_name(member));
            unlisted += u64::from(!listed);
            false
        });
        (orders.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)), index)
    });
    found.expect(unlisted == 0, Check::DayMembers, || {
        format!("{}: {unlisted} orders are of members who are not in it; delete it, it is made anew", list.display())
    });
    let ((orders, first_pieces), (index, _)) = (orders?, index?);
    let rows = orders.plus(index);
    let counted: u64 = applied.counts.iter().sum();
    found.expect(counted == rows.count, Check::DayCount, || {
        format!("{}: {} rows where its own count says {counted}", dir.display(), rows.count)
    });
    Ok(Day { dir: dir.to_owned(), epoch: applied.epoch, position: applied.position, rows, orders: first_pieces })
}

/// A table's rows, and how many of them the visitor counts.
fn sum(reader: &TableReader, table: Table, mut counts: impl FnMut(&[u8]) -> bool) -> Result<(Rows, u64), String> {
    let (mut rows, mut counted) = (Rows::default(), 0);
    visit(reader, table, |key, value| {
        rows.add(table, key, value);
        counted += u64::from(counts(key));
    })?;
    Ok((rows, counted))
}

/// Every row of a day, the orders' records before what finds them.
pub(super) fn visit_day(dir: &Path, mut each: impl FnMut(Table, &[u8], &[u8])) -> Result<(), String> {
    let tables = open_tables(dir)?;
    let reader = tables.reader();
    [keys::ORDERS, keys::INDEX]
        .into_iter()
        .try_for_each(|table| visit(&reader, table, |key, value| each(table, key, value)))
}

/// Every order of a day whose record can be read. The others are for their rows to name.
pub(super) fn visit_orders(dir: &Path, mut each: impl FnMut(Order)) -> Result<(), String> {
    let mut record: Vec<u8> = Vec::new();
    let mut take = |record: &[u8]| {
        if let Ok(order) = decode_order(record) {
            each(order);
        }
    };
    visit(&open_tables(dir)?.reader(), keys::ORDERS, |key, value| {
        // Further pieces come right behind the first one, which begins with their number.
        if key.len() == 8 {
            take(&record);
            record.clear();
            record.extend_from_slice(value.get(1..).unwrap_or_default());
        } else {
            record.extend_from_slice(value);
        }
    })?;
    take(&record);
    Ok(())
}

fn visit(reader: &TableReader, table: Table, mut each: impl FnMut(&[u8], &[u8])) -> Result<(), String> {
    let all = Scan { limit: usize::MAX, ..Scan::all() };
    let seen = reader.visit(table, &all, |key, value| {
        each(key, value);
        true
    });
    seen.map(drop).map_err(|error| error.to_string())
}

fn open_tables(dir: &Path) -> Result<Tables, String> {
    // Reading needs no room.
    let options = TableOptions { free_bytes_min: 0, ..TableOptions::default() };
    Tables::open(dir, keys::TABLES, options).map_err(|error| error.to_string())
}
