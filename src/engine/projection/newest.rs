//! A walk through closed orders from the newest on, over all stores or one, looking at a bounded number of rows.

use std::ops::Bound;
use std::path::Path;

use qucan_storage::table::{Scan, TableReader};

use super::days::{Day, DayError, Days, read_order};
use super::keys::{self, INDEX, ORDERS};
use crate::domain::id::StoreId;
use crate::domain::order::{Order, Status};
use crate::domain::time::BusinessDay;
use crate::engine::records;

/// Which orders a walk is for.
pub(in crate::engine) struct Newest<'q> {
    /// Of this store.
    pub(in crate::engine) store: Option<&'q StoreId>,
    /// In this status.
    pub(in crate::engine) status: Option<Status>,
    /// What else is asked of them.
    pub(in crate::engine) likes: &'q dyn Fn(&Order) -> bool,
    /// Packed ids below this.
    pub(in crate::engine) below: u64,
    /// Not of older days.
    pub(in crate::engine) oldest: BusinessDay,
    /// Ends after so many that are liked.
    pub(in crate::engine) wanted: usize,
    /// Ends after so many looked at.
    pub(in crate::engine) looks: usize,
}

/// What a walk found.
#[derive(Debug, Default)]
pub(in crate::engine) struct Walked {
    /// Newest first.
    pub(in crate::engine) orders: Vec<Order>,
    /// Where it ended early: everything from this packed id on was looked at. `None`: there is no more.
    pub(in crate::engine) reached: Option<u64>,
}

impl Days {
    /// Walks from the newest order below the bound on.
    pub(super) fn newest(&self, question: &Newest<'_>) -> Result<Walked, DayError> {
        let mut walk = Walking { question, looks_left: question.looks.max(1), walked: Walked::default() };
        let newest = BusinessDay(u16::try_from(question.below >> 48).unwrap_or(u16::MAX));
        for name in self.from(question.oldest).into_iter().rev().filter(|name| *name <= newest) {
            if walk.walked.reached.is_some() {
                break;
            }
            if let Some(day) = self.get(name) {
                self.walk_day(&day, &mut walk)?;
            }
        }
        Ok(walk.walked)
    }

    fn walk_day(&self, day: &Day, walk: &mut Walking<'_>) -> Result<(), DayError> {
        self.with(day, |tables| match walk.question.store {
            Some(store) => walk.store(tables, day.dir(), store),
            None => walk.all(tables, day.dir()),
        })?;
        let foreign = walk.walked.orders.iter().any(|order| order.id.region() != self.tag());
        if foreign {
            return Err(DayError::Inconsistent { dir: day.dir().to_owned(), what: "an order of another region" });
        }
        Ok(())
    }
}

struct Walking<'q> {
    question: &'q Newest<'q>,
    looks_left: usize,
    walked: Walked,
}

impl Walking<'_> {
    /// Through a store's list, which says in which status an order is.
    fn store(&mut self, tables: &TableReader, dir: &Path, store: &StoreId) -> Result<(), DayError> {
        let (first, last) = (keys::store_key(store, 0), keys::store_key(store, self.question.below));
        let scan = Scan { from: Bound::Included(&first), ..Scan::all().before(&last).reverse() };
        self.rows(tables, INDEX, scan, |walk, key, facts| {
            let Some(packed) = keys::number_of(key) else { return Ok(()) };
            let order = if keys::facts_fit(facts, walk.question.status, None) {
                let missing = || DayError::Inconsistent { dir: dir.to_owned(), what: "an index names no order" };
                Some(read_order(tables, dir, packed)?.ok_or_else(missing)?)
            } else {
                None
            };
            walk.looked(packed, order);
            Ok(())
        })
    }

    /// Through the records themselves.
    fn all(&mut self, tables: &TableReader, dir: &Path) -> Result<(), DayError> {
        let last = keys::order_key(self.question.below);
        self.rows(tables, ORDERS, Scan::all().before(&last).reverse(), |walk, key, value| {
            // Further pieces of a large record have longer keys, and come before it.
            let Ok(packed) = <[u8; 8]>::try_from(key).map(u64::from_be_bytes) else { return Ok(()) };
            let order = match value.split_first() {
                Some((1, record)) => Some(records::decode_order(record)?),
                _ => read_order(tables, dir, packed)?,
            };
            walk.looked(packed, order);
            Ok(())
        })
    }

    fn rows(
        &mut self,
        tables: &TableReader,
        table: qucan_storage::table::Table,
        scan: Scan<'_>,
        mut look: impl FnMut(&mut Self, &[u8], &[u8]) -> Result<(), DayError>,
    ) -> Result<(), DayError> {
        let mut failed = None;
        tables.visit(table, &Scan { limit: usize::MAX, ..scan }, |key, value| {
            failed = look(self, key, value).err();
            failed.is_none() && self.walked.reached.is_none()
        })?;
        failed.map_or(Ok(()), Err)
    }

    fn looked(&mut self, packed: u64, order: Option<Order>) {
        let status = self.question.status;
        let liked =
            order.filter(|order| status.is_none_or(|status| order.status == status) && (self.question.likes)(order));
        self.walked.orders.extend(liked);
        self.looks_left = self.looks_left.saturating_sub(1);
        if self.looks_left == 0 || self.walked.orders.len() >= self.question.wanted {
            self.walked.reached = Some(packed);
        }
    }
}
