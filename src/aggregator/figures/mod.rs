//! Counters that the dashboard is made of: by region and minute, by store and business day. Made from effects alone, and exact:
//! each can be counted again from the orders. Pure: no clock, no files.

use std::collections::BTreeMap;

use crate::domain::id::StoreId;
use crate::domain::money::Fen;
use crate::domain::order::Order;
use crate::domain::time::{BusinessDay, Timestamp};
use crate::engine::replica::AppliedStep;

/// Minutes since 1970 in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Minute(pub i64);

/// What happened in a stretch of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Bucket {
    /// Orders placed.
    pub placed: u64,
    /// Orders paid.
    pub paid: u64,
    /// Payable of the orders paid, in minor units.
    pub revenue: Fen,
    /// Orders accepted.
    pub accepted: u64,
    /// Orders made ready.
    pub ready: u64,
    /// Orders collected.
    pub collected: u64,
    /// Orders cancelled.
    pub cancelled: u64,
    /// Orders rejected.
    pub rejected: u64,
    /// Seconds from paid to ready, summed over the orders made ready.
    pub wait_seconds: u64,
    /// How many orders that sum is of.
    pub waits: u64,
}

/// All figures of a region.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Figures {
    /// By minute of the event.
    pub minutes: BTreeMap<Minute, Bucket>,
    /// By store and the order's business day.
    pub store_days: BTreeMap<(BusinessDay, StoreId), Bucket>,
    /// First sequence of every ten seconds (seconds since 1970 / 10): where to look in the log for a time.
    pub ticks: BTreeMap<i64, u64>,
}

impl Figures {
    /// Takes in an entry.
    pub fn take(&mut self, step: &AppliedStep, changed: &mut Changed) {
        let _ = (step, changed);
        unimplemented!()
    }

    /// The buckets as the orders alone say (ticks left out).
    pub fn recount<'a>(orders: impl IntoIterator<Item = &'a Order>) -> Self {
        let _: Vec<_> = orders.into_iter().collect();
        unimplemented!()
    }

    /// Forgets minutes, days and ticks before the given ones.
    pub fn forget_before(&mut self, time: Timestamp, day: BusinessDay) {
        let _ = (time, day);
        unimplemented!()
    }
}

/// Which rows a batch touched.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Changed {
    /// Minutes.
    pub minutes: std::collections::BTreeSet<Minute>,
    /// Store-days.
    pub store_days: std::collections::BTreeSet<(BusinessDay, StoreId)>,
    /// Ticks.
    pub ticks: std::collections::BTreeSet<i64>,
}
