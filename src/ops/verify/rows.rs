//! What the log says about closed orders, on a thread of its own: the rows that every one must have in the projection,
//! summed up day by day. Sums of row hashes instead of rows, so that memory does not grow with history.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crossbeam_channel::{Receiver, Sender};
use qucan_storage::Sequence;
use qucan_storage::table::Table;

use super::check::Check;
use super::decode::Batch;
use super::report::Findings;
use crate::domain::id::OrderId;
use crate::domain::lookup::LookupMap;
use crate::domain::order::Order;
use crate::domain::time::{BusinessDay, Timestamp};
use crate::engine::projection::keys;

/// Rows as a number and a sum of their hashes: equal for equal sets, whatever their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Rows {
    pub(super) count: u64,
    sum: u128,
}

impl Rows {
    pub(super) fn add(&mut self, table: Table, key: &[u8], value: &[u8]) {
        self.count += 1;
        self.sum = self.sum.wrapping_add(row_hash(table, key, value));
    }

    pub(super) fn plus(self, other: Self) -> Self {
        Self { count: self.count.wrapping_add(other.count), sum: self.sum.wrapping_add(other.sum) }
    }

    fn minus(self, other: Self) -> Self {
        Self { count: self.count.wrapping_sub(other.count), sum: self.sum.wrapping_sub(other.sum) }
    }

    pub(super) fn of(order: &Order) -> Self {
        let mut rows = Self::default();
        // An order that has no stored form has no rows either.
        let _unstorable = keys::visit_rows(order, |table, key, value| rows.add(table, key, value));
        rows
    }
}

pub(super) fn row_hash(table: Table, key: &[u8], value: &[u8]) -> u128 {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&[table.0]);
    hasher.update(&u64::try_from(key.len()).unwrap_or(u64::MAX).to_le_bytes());
    hasher.update(key);
    hasher.update(value);
    u128::from_le_bytes(hasher.finalize().as_bytes().first_chunk::<16>().copied().unwrap_or_default())
}

/// Something that the log does to an order.
#[derive(Debug)]
pub(super) enum Told {
    /// It closes.
    Closed(Sequence, Arc<Order>),
    /// Late money opens it again.
    Reopened(Sequence, Arc<Order>),
}

/// Entries that were taken in, and what they do to orders that close or are opened again.
#[derive(Debug)]
pub(super) struct Taken {
    pub(super) told: Vec<Told>,
    pub(super) batch: Arc<Batch>,
}

/// Up to where each day was applied. One day may be ahead of the others after a kill.
#[derive(Debug, Clone, Default)]
pub(super) struct Limits {
    pub(super) days: BTreeMap<BusinessDay, Sequence>,
    /// How far the whole is.
    pub(super) reached: Sequence,
}

impl Limits {
    /// Up to where a day must hold what the log says.
    pub(super) fn of(&self, day: BusinessDay) -> Sequence {
        self.days.get(&day).copied().unwrap_or_default().max(self.reached)
    }
}

/// What a trimmed log can't know: orders that closed before it begins. They are taken as their records say, and everything
/// that finds them must follow from that.
#[derive(Debug, Default)]
pub(super) struct Earlier {
    /// The time of the base; nothing where the log begins at the first entry.
    base: Option<Timestamp>,
    /// Orders that the log closes, of days on which others may have closed before it begins.
    closed_here: BTreeMap<BusinessDay, BTreeSet<u64>>,
}

impl Earlier {
    pub(super) fn reaches_back(&self, day: BusinessDay) -> bool {
        self.base.is_some_and(|base| day.begins_anywhere() <= base)
    }

    /// Whether an order on disk is one of them.
    pub(super) fn holds(&self, order: &Order) -> bool {
        let known = self.closed_here.get(&order.business_day).is_some_and(|known| known.contains(&order.id.packed()));
        !known && self.base.is_some_and(|base| order.closed_at.unwrap_or(order.created_at) <= base)
    }

    /// Notes an order that the log closes; answers whether the log may not have said what it was before.
    fn note(&mut self, order: &Order) -> bool {
        let day = order.business_day;
        self.reaches_back(day) && self.closed_here.entry(day).or_default().insert(order.id.packed())
    }
}

/// What the log says about a day.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Expected {
    pub(super) rows: Rows,
    pub(super) orders: u64,
}

/// The sums so far.
#[derive(Debug, Default)]
pub(super) struct Expecting {
    limits: Limits,
    remembered: usize,
    pub(super) days: BTreeMap<BusinessDay, Expected>,
    pub(super) earlier: Earlier,
    /// Rows that a closed order had before it was opened again.
    reopened: BTreeMap<u64, Rows>,
    /// Rows of orders that closed lately, those since the last turn and those before it: late money is mostly not that late.
    lately: [LookupMap<u64, Rows>; 2],
    /// Orders that closed too long ago to be remembered when they were opened again.
    pub(super) unproven: Vec<OrderId>,
    pub(super) found: Findings,
}

impl Expecting {
    /// Nothing yet; remembers so many closed orders twice over. The log begins with a state of the time `base`, if it was
    /// trimmed.
    pub(super) fn new(limits: Limits, remembered: usize, base: Option<Timestamp>) -> Self {
        Self { limits, remembered, earlier: Earlier { base, ..Earlier::default() }, ..Self::default() }
    }

    /// Closed orders of days before the oldest that is kept.
    pub(super) fn orders_before(&self, oldest: Option<BusinessDay>) -> u64 {
        let gone = self.days.iter().filter(|(name, _)| oldest.is_none_or(|oldest| **name < oldest));
        gone.map(|(_, expected)| expected.orders).sum()
    }

    /// Sums up what comes until no more comes, and gives back what is done with.
    pub(super) fn run(mut self, taken: &Receiver<Taken>, used: &Sender<Taken>) -> Self {
        for taken in taken {
            for told in &taken.told {
                match told {
                    Told::Closed(sequence, order) => self.closed(*sequence, order),
                    Told::Reopened(sequence, order) => self.opened_again(*sequence, order),
                }
            }
            // Where nobody takes it any more, it is let go here.
            let _kept = used.try_send(taken);
        }
        self
    }

    fn closed(&mut self, sequence: Sequence, order: &Order) {
        let (day, packed, rows) = (order.business_day, order.id.packed(), Rows::of(order));
        let [since, before] = &mut self.lately;
        if since.len() >= self.remembered {
            *before = std::mem::take(since);
        }
        since.insert(packed, rows);
        if sequence > self.limits.of(day) {
            return;
        }
        let first = self.earlier.note(order);
        let before = self.reopened.remove(&packed).filter(|_| !first);
        let expected = self.days.entry(day).or_default();
        expected.orders += u64::from(before.is_none());
        expected.rows = expected.rows.plus(rows).minus(before.unwrap_or_default());
    }

    /// Its rows stay as they were until it closes again.
    fn opened_again(&mut self, sequence: Sequence, order: &Order) {
        let (packed, rows) = (order.id.packed(), Rows::of(&before_reopening(order)));
        let [since, before] = &self.lately;
        match since.get(&packed).or_else(|| before.get(&packed)) {
            Some(closed) => self.found.expect(*closed == rows, Check::OrderReopens, || another(sequence, order)),
            None => self.unproven.push(order.id),
        }
        if sequence <= self.limits.of(order.business_day) {
            self.reopened.insert(packed, rows);
        }
    }
}

/// Says that a reopened order is another one.
pub(super) fn another(sequence: Sequence, order: &Order) -> String {
    format!("entry {sequence}: order {} is opened again as another than it was closed", order.id)
}

/// A closed order as it was before late money opened it again: without that money.
pub(super) fn before_reopening(order: &Order) -> Order {
    let mut before = order.clone();
    before.payments.pop();
    before.refunds.pop();
    before.offset = before.offset.saturating_sub(1);
    before
}
