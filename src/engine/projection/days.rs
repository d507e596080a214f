//! The directories of the projection, one a business day: which there are, which are open, and the reads on one of them.
//! An error says whether the day is broken; what follows from it is decided by the follower alone.
//!
//! An open day takes memory by what is in it. So only the newest one stays open by itself; another one is open while it is
//! used, and is closed [`PROJECTION_DAY_UNUSED`] after that.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use jiff::civil::Date;
use parking_lot::{Mutex, RwLock};
use qucan_storage::Position;
use qucan_storage::fs::FileSystem;
use qucan_storage::table::{Applied, OnDisk, Scan, TableError, TableOptions, TableReader, TableStore, Tables};

use super::Place;
use super::keys::{self, INDEX, ORDERS, TABLES};
use super::members::{Members, MembersFound};
use crate::domain::id::{MemberId, OrderId, RegionTag, StoreId};
use crate::domain::order::Order;
use crate::domain::time::BusinessDay;
use crate::engine::history::StoreOrdersFilter;
use crate::engine::records::{self, RecordError};
use crate::limits::{
    PROJECTION_DAY_UNUSED, PROJECTION_DAYS_READ, PROJECTION_DAYS_WRITTEN, PROJECTION_OLDER_CACHE_BYTES,
};

/// Why a day can't be read or written.
#[derive(Debug, thiserror::Error)]
pub(super) enum DayError {
    #[error(transparent)]
    Table(#[from] TableError),
    #[error(transparent)]
    Record(#[from] RecordError),
    #[error("{}: {what}", dir.display())]
    Inconsistent { dir: PathBuf, what: &'static str },
    #[error("{}: {source}", path.display())]
    Io { path: PathBuf, source: std::io::Error },
    #[error("{}: dropped or moved aside meanwhile", dir.display())]
    Retired { dir: PathBuf },
}

impl DayError {
    /// Whether the day has to be built again; otherwise the trouble passes.
    pub(super) fn is_fatal(&self) -> bool {
        match self {
            Self::Table(error) => error.is_fatal(),
            Self::Record(_) | Self::Inconsistent { .. } => true,
            Self::Io { .. } | Self::Retired { .. } => false,
        }
    }
}

/// One business day.
#[derive(Debug)]
pub(super) struct Day {
    dir: PathBuf,
    /// Only the follower writes, but any thread may open and close.
    tables: Mutex<Option<Tables>>,
    /// Readers go on while a batch is applied.
    reader: RwLock<Option<TableReader>>,
    /// When it was last used, as [`Days::now`] says.
    used: AtomicU64,
    /// Something was applied to it, here or before this start.
    stamped: AtomicBool,
    /// Since this start it was found to be of the log's history, or is written by whoever follows it.
    known: AtomicBool,
    /// No longer one of the days: whoever still holds it must not make its directory anew.
    retired: AtomicBool,
    /// Who has orders on it; known for days that are no longer written.
    members: RwLock<Option<Members>>,
}

/// All days there are.
#[derive(Debug)]
pub(super) struct Days {
    place: Place,
    tag: RegionTag,
    days: RwLock<BTreeMap<BusinessDay, Arc<Day>>>,
    /// Milliseconds of the follower's steady clock when it last looked.
    now: AtomicU64,
}

fn name_of(day: BusinessDay) -> String {
    let date = day.date();
    format!("{:04}{:02}{:02}", date.year(), date.month(), date.day())
}

fn day_of(name: &str) -> Option<BusinessDay> {
    let (year, rest) = name.split_at_checked(4)?;
    let (month, day) = rest.split_at_checked(2)?;
    let date = Date::new(year.parse().ok()?, month.parse().ok()?, day.parse().ok()?).ok()?;
    BusinessDay::from_date(date).filter(|day| name_of(*day) == name)
}

/// The days' directories on disk below `state/`, oldest first.
pub fn directories(state: &Path) -> std::io::Result<Vec<(BusinessDay, PathBuf)>> {
    directories_in(&OnDisk, state)
}

fn directories_in(tables: &dyn TableStore, state: &Path) -> std::io::Result<Vec<(BusinessDay, PathBuf)>> {
    let names = tables.directories(state)?;
    let mut days: Vec<_> = names.iter().filter_map(|name| Some((day_of(name)?, state.join(name)))).collect();
    days.sort();
    Ok(days)
}

impl Days {
    /// The days at a place, none of them open yet.
    pub(super) fn new(place: Place, tag: RegionTag) -> Self {
        Self { place, tag, days: RwLock::default(), now: AtomicU64::new(0) }
    }

    /// Looks at what is on disk.
    pub(super) fn list(&self) -> Result<(), DayError> {
        let dir = &self.place.dir;
        let io = |source| DayError::Io { path: dir.clone(), source };
        self.place.fs.create_dir_all(dir).map_err(io)?;
        let found = directories_in(&*self.place.tables, dir).map_err(io)?;
        let mut days = self.days.write();
        days.clear();
        days.extend(found.into_iter().map(|(day, dir)| (day, Day::new(dir, true))));
        Ok(())
    }

    pub(super) fn newest_day(&self) -> Option<BusinessDay> {
        self.days.read().last_key_value().map(|(day, _)| *day)
    }

    /// Days from `day` on, oldest first.
    pub(super) fn from(&self, day: BusinessDay) -> Vec<BusinessDay> {
        self.days.read().range(day..).map(|(day, _)| *day).collect()
    }

    /// The tag in the ids of the region's orders.
    pub(super) fn tag(&self) -> RegionTag {
        self.tag
    }

    /// A day that is there, on disk at least.
    pub(super) fn get(&self, day: BusinessDay) -> Option<Arc<Day>> {
        self.days.read().get(&day).cloned()
    }

    /// A day, made where it is not there.
    pub(super) fn make(&self, day: BusinessDay) -> Arc<Day> {
        if let Some(known) = self.get(day) {
            return known;
        }
        let made = Day::new(self.place.dir.join(name_of(day)), false);
        self.days.write().insert(day, Arc::clone(&made));
        made
    }

    /// What the follower does now and then: days but the newest that nobody has used for a while give their memory back.
    pub(super) fn look(&self, now: Duration) {
        let now = u64::try_from(now.as_millis()).unwrap_or(u64::MAX);
        self.now.store(now, Ordering::Relaxed);
        let unused = u64::try_from(PROJECTION_DAY_UNUSED.as_millis()).unwrap_or(u64::MAX);
        for day in self.days.read().values().rev().skip(1) {
            if now.saturating_sub(day.used.load(Ordering::Relaxed)) >= unused {
                day.close_unless_used();
            }
        }
    }

    /// Finds out who has orders on the days that are no longer written, so that most lists need not open them.
    pub(super) fn know_members(&self) -> Result<(), DayError> {
        let days: Vec<_> = self.days.read().values().rev().skip(PROJECTION_DAYS_WRITTEN).cloned().collect();
        for day in days.into_iter().filter(|day| day.members.read().is_none()) {
            let members = match Members::load(self.fs(), &day.members_file()) {
                Some(members) => members,
                None => self.read_members(&day)?,
            };
            *day.members.write() = Some(members);
        }
        Ok(())
    }

    fn read_members(&self, day: &Day) -> Result<Members, DayError> {
        let mut members = MembersFound::default();
        self.with(day, |tables| {
            let scan = Scan { limit: usize::MAX, ..Scan::prefix(keys::MEMBERS) };
            tables.visit(INDEX, &scan, |key, _| {
                keys::member_of(key).into_iter().for_each(|member| members.add(member));
                true
            })?;
            Ok(())
        })?;
        // Read whole, it would keep its cache full; whoever asks next opens it.
        day.close_unless_used();
        let members = members.sorted();
        if let Err(error) = members.store(self.fs(), &day.members_file()) {
            tracing::debug!(%error, "a day's members were not written down; they are read again at the next start");
        }
        Ok(members)
    }

    /// Closes a day and deletes it.
    pub(super) fn drop_day(&self, day: BusinessDay) -> Result<(), DayError> {
        let Some(dropped) = self.days.write().remove(&day) else { return Ok(()) };
        dropped.retire()?;
        dropped.forget_members(self.fs())?;
        Ok(self.place.tables.remove(&dropped.dir)?)
    }

    /// Closes every day and moves all of them aside; of what was aside before nothing stays.
    pub(super) fn move_aside(&self) -> Result<(), DayError> {
        let aside = self.aside();
        self.place.tables.remove(&aside)?;
        let days = std::mem::take(&mut *self.days.write());
        for (day, moved) in days {
            let _broken_anyway = moved.retire();
            moved.forget_members(self.fs())?;
            self.place.tables.move_aside(&moved.dir, &aside.join(name_of(day)))?;
        }
        Ok(())
    }

    /// Deletes what was moved aside, to make room.
    pub(super) fn forget_aside(&self) -> Result<(), DayError> {
        Ok(self.place.tables.remove(&self.aside())?)
    }

    fn aside(&self) -> PathBuf {
        self.place.dir.join("aside")
    }

    fn fs(&self) -> &dyn FileSystem {
        &*self.place.fs
    }

    /// Closes every day for good: whoever still asks must not open what is another's by now.
    pub(super) fn close(&self) {
        for day in self.days.read().values() {
            if let Err(error) = day.retire() {
                tracing::debug!(%error, "a day of the projection did not close cleanly");
            }
        }
    }

    /// Reads a day's tables, opened where they are not.
    pub(super) fn with<T>(
        &self,
        day: &Day,
        ask: impl FnOnce(&TableReader) -> Result<T, DayError>,
    ) -> Result<T, DayError> {
        self.touch(day);
        loop {
            if let Some(reader) = day.reader.read().as_ref() {
                return ask(reader);
            }
            self.open(day, &mut day.tables.lock())?;
        }
    }

    /// Uses a day's tables for writing.
    pub(super) fn with_mut<T>(
        &self,
        day: &Day,
        change: impl FnOnce(&mut Tables) -> Result<T, DayError>,
    ) -> Result<T, DayError> {
        self.touch(day);
        if day.members.read().is_some() {
            day.forget_members(self.fs())?;
        }
        let mut tables = day.tables.lock();
        let changed = change(self.open(day, &mut tables)?)?;
        day.stamped.store(true, Ordering::SeqCst);
        Ok(changed)
    }

    /// How far a day says it is; the origin where it was made and never written.
    pub(super) fn applied(&self, day: &Day) -> Result<Applied, DayError> {
        day.stamped.store(false, Ordering::SeqCst);
        let applied = self.open(day, &mut day.tables.lock())?.applied().clone();
        day.stamped.store(applied.position != Position::ORIGIN, Ordering::SeqCst);
        Ok(applied)
    }

    fn touch(&self, day: &Day) {
        day.used.store(self.now.load(Ordering::Relaxed), Ordering::Relaxed);
    }

    fn open<'t>(&self, day: &Day, tables: &'t mut Option<Tables>) -> Result<&'t mut Tables, DayError> {
        if let Some(tables) = tables {
            return Ok(tables);
        }
        if day.retired.load(Ordering::SeqCst) {
            return Err(DayError::Retired { dir: day.dir.clone() });
        }
        let opened = Tables::open_in(&self.place.tables, &day.dir, TABLES, self.options(day))?;
        let at = opened.applied().position;
        if day.stamped.load(Ordering::SeqCst) && at == Position::ORIGIN {
            return Err(DayError::Inconsistent { dir: day.dir.clone(), what: "its tables are gone" });
        }
        if !day.known.load(Ordering::SeqCst) && at != Position::ORIGIN && self.place.chain.is_elsewhere(at) {
            let what = "it is of another history than the log, or ahead of it";
            return Err(DayError::Inconsistent { dir: day.dir.clone(), what });
        }
        day.known.store(true, Ordering::SeqCst);
        *day.reader.write() = Some(opened.reader());
        self.close_unused(day, PROJECTION_DAYS_READ.saturating_sub(1));
        Ok(tables.insert(opened))
    }

    /// Only the newest day is written all over, for which a cache pays.
    fn options(&self, day: &Day) -> TableOptions {
        let days = self.days.read();
        match days.last_key_value() {
            Some((_, newest)) if std::ptr::eq(newest.as_ref(), day) => TableOptions::default(),
            _ => TableOptions { cache_bytes: PROJECTION_OLDER_CACHE_BYTES, ..TableOptions::default() },
        }
    }

    /// Days that may still be written stay open; of the older ones only so many, those used last. One that somebody uses now
    /// is left for the next time.
    fn close_unused(&self, but: &Day, older_kept: usize) {
        let days = self.days.read();
        let older = days.values().rev().skip(PROJECTION_DAYS_WRITTEN).filter(|day| !std::ptr::eq(day.as_ref(), but));
        let mut open: Vec<_> =
            older.filter(|day| day.reader.try_read().is_some_and(|reader| reader.is_some())).collect();
        open.sort_by_key(|day| std::cmp::Reverse(day.used.load(Ordering::Relaxed)));
        open.into_iter().skip(older_kept).for_each(|day| day.close_unless_used());
    }

    /// A closed order of the day.
    pub(super) fn order(&self, day: &Day, packed: u64) -> Result<Option<Order>, DayError> {
        self.with(day, |tables| read_order(tables, &day.dir, packed))
    }

    /// Orders of a member on the day, newest first, beginning below `before`.
    pub(super) fn of_member(
        &self,
        day: &Day,
        member: &MemberId,
        before: Option<OrderId>,
        limit: usize,
    ) -> Result<Vec<Order>, DayError> {
        if day.members.read().as_ref().is_some_and(|members| !members.may_hold(member)) {
            return Ok(Vec::new());
        }
        let (first, mut last) = (keys::member_key(member, 0), keys::member_key(member, u64::MAX));
        if let Some(before) = before {
            last = keys::member_key(member, before.packed());
        }
        let scan = Scan { from: std::ops::Bound::Included(&first), ..Scan::all().before(&last).reverse().limit(limit) };
        self.found(day, |tables| Ok(tables.scan(INDEX, &scan)?.into_iter().map(|(key, _)| key).collect()))
    }

    /// Orders of a store on the day that the filter likes, by id, beginning above `after`.
    pub(super) fn of_store(
        &self,
        day: &Day,
        store: &StoreId,
        filter: &StoreOrdersFilter,
        after: Option<OrderId>,
        limit: usize,
    ) -> Result<Vec<Order>, DayError> {
        let first = keys::store_key(store, after.map_or(0, OrderId::packed));
        let last = keys::store_key(store, u64::MAX);
        let scan = Scan { to: std::ops::Bound::Included(&last), ..Scan::all().after(&first) };
        self.found(day, |tables| {
            let mut found = Vec::new();
            tables.visit(INDEX, &scan, |key, facts| {
                if keys::facts_fit(facts, filter.status, filter.code.as_ref()) {
                    found.push(key.to_vec());
                }
                found.len() < limit
            })?;
            Ok(found)
        })
    }

    /// Orders of a store placed on the day and paid after one position and up to another.
    pub(super) fn after_position(
        &self,
        day: &Day,
        store: &StoreId,
        after: u64,
        until: u64,
    ) -> Result<Vec<Order>, DayError> {
        let (first, last) = (keys::position_key(store, after), keys::position_key(store, until));
        let scan = Scan { to: std::ops::Bound::Included(&last), ..Scan::all().after(&first) };
        self.found(day, |tables| Ok(tables.scan(INDEX, &scan)?.into_iter().map(|(_, id)| id).collect()))
    }

    /// Reads the orders whose ids stand at the end of what a search found.
    fn found(
        &self,
        day: &Day,
        search: impl FnOnce(&TableReader) -> Result<Vec<Vec<u8>>, DayError>,
    ) -> Result<Vec<Order>, DayError> {
        self.with(day, |tables| {
            let mut orders = Vec::new();
            for key in search(tables)? {
                let order = keys::number_of(&key).map(|packed| read_order(tables, &day.dir, packed)).transpose()?;
                let order = order.flatten().filter(|order| order.id.region() == self.tag);
                let missing = || DayError::Inconsistent { dir: day.dir.clone(), what: "an index names no order" };
                orders.push(order.ok_or_else(missing)?);
            }
            Ok(orders)
        })
    }
}

impl Day {
    fn new(dir: PathBuf, stamped: bool) -> Arc<Self> {
        Arc::new(Self {
            dir,
            tables: Mutex::new(None),
            reader: RwLock::new(None),
            used: AtomicU64::new(0),
            stamped: AtomicBool::new(stamped),
            known: AtomicBool::new(false),
            retired: AtomicBool::new(false),
            members: RwLock::new(None),
        })
    }

    /// Where its tables lie.
    pub(super) fn dir(&self) -> &Path {
        &self.dir
    }

    fn members_file(&self) -> PathBuf {
        Members::file_of(&self.dir)
    }

    /// Before the day is written again: who has orders on it is no longer known, not after a power cut either.
    fn forget_members(&self, fs: &dyn FileSystem) -> Result<(), DayError> {
        self.members.write().take();
        let path = self.members_file();
        let removed = fs.remove(&path).and_then(|()| path.parent().map_or(Ok(()), |parent| fs.sync_dir(parent)));
        match removed {
            Err(source) if source.kind() != std::io::ErrorKind::NotFound => Err(DayError::Io { path, source }),
            _ => Ok(()),
        }
    }

    fn retire(&self) -> Result<(), DayError> {
        self.retired.store(true, Ordering::SeqCst);
        self.close()
    }

    /// Closes it, if it is open and nobody uses it at this moment.
    fn close_unless_used(&self) {
        if let (Some(mut tables), Some(mut reader)) = (self.tables.try_lock(), self.reader.try_write()) {
            reader.take();
            drop(tables.take());
        }
    }

    /// Closes it once nobody uses it.
    fn close(&self) -> Result<(), DayError> {
        let mut tables = self.tables.lock();
        self.reader.write().take();
        Ok(tables.take().map_or(Ok(()), Tables::close)?)
    }
}

/// Puts a record together from its pieces.
pub(super) fn read_order(tables: &TableReader, dir: &Path, packed: u64) -> Result<Option<Order>, DayError> {
    let damaged = |what| DayError::Inconsistent { dir: dir.to_owned(), what };
    let Some(first) = tables.get(ORDERS, &keys::order_key(packed))? else { return Ok(None) };
    let (count, first) = first.split_first().ok_or_else(|| damaged("a record is empty"))?;
    if *count == 1 {
        return Ok(Some(records::decode_order(first)?));
    }
    let mut record = first.to_vec();
    for number in 1..*count {
        let piece = tables.get(ORDERS, &keys::piece_key(packed, number))?;
        record.extend(piece.ok_or_else(|| damaged("a piece of a record is missing"))?);
    }
    Ok(Some(records::decode_order(&record)?))
}

#[cfg(test)]
mod tests;
