//! Counters of a business day as they are shown, and sums of them where currencies may differ.

use std::collections::BTreeMap;

use serde::Serialize;
use utoipa::ToSchema;

use crate::aggregator::figures::{Bucket, Figures};
use crate::domain::catalog::Catalog;
use crate::domain::money::Currency;
use crate::domain::time::{BusinessDay, Timestamp, utc_day};
use crate::engine::views::OpenCounts;

/// Money of one currency, or of each where they differ.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(untagged)]
pub enum Revenue {
    /// Minor units of `currency`.
    One(i64),
    /// Minor units by currency, where regions have different ones.
    Each(BTreeMap<String, i64>),
}

/// What happened in the present business day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = Today)]
pub struct TodayView {
    /// Orders placed.
    pub placed: u64,
    /// Orders paid.
    pub paid: u64,
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
    /// Payable of the orders paid, in minor units; an object by currency where they differ.
    pub revenue: Revenue,
    /// Mean seconds from paid to ready; left out where none was ready.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub wait_seconds: Option<u64>,
}

/// Open orders by where they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = OpenOrders)]
pub struct OpenView {
    /// Waiting for money.
    pub awaiting_payment: u32,
    /// Paid, waiting for the store.
    pub paid: u32,
    /// Being made.
    pub accepted: u32,
    /// On the counter.
    pub ready: u32,
}

impl From<OpenCounts> for OpenView {
    fn from(counts: OpenCounts) -> Self {
        let OpenCounts { awaiting_payment, paid, accepted, ready } = counts;
        Self { awaiting_payment, paid, accepted, ready }
    }
}

/// A sum of business days, money by currency.
#[derive(Debug, Clone, Default)]
pub struct Sum {
    bucket: Bucket,
    money: BTreeMap<Currencies, i64>,
}

/// Currencies in the order of their codes.
type Currencies = [u8; 3];

impl Sum {
    /// Adds a region's or a store's day.
    pub fn add(&mut self, bucket: &Bucket, currency: Currency) {
        self.bucket += *bucket;
        *self.money.entry(currency.0).or_default() += bucket.revenue.0;
    }

    /// The currency, if there is exactly one.
    pub fn currency(&self) -> Option<Currency> {
        let mut codes = self.money.keys();
        codes.next().filter(|_| codes.next().is_none()).map(|code| Currency(*code))
    }

    /// As it is shown.
    pub fn view(&self) -> TodayView {
        let each = self.money.iter().map(|(code, sum)| (Currency(*code).as_str().to_owned(), *sum));
        let revenue = match self.money.len() {
            0 | 1 => Revenue::One(self.bucket.revenue.0),
            _ => Revenue::Each(each.collect()),
        };
        of_bucket(&self.bucket, revenue)
    }
}

fn of_bucket(bucket: &Bucket, revenue: Revenue) -> TodayView {
    TodayView {
        placed: bucket.placed,
        paid: bucket.paid,
        accepted: bucket.accepted,
        ready: bucket.ready,
        collected: bucket.collected,
        cancelled: bucket.cancelled,
        rejected: bucket.rejected,
        revenue,
        wait_seconds: bucket.mean_wait_seconds(),
    }
}

impl From<&Bucket> for TodayView {
    fn from(bucket: &Bucket) -> Self {
        of_bucket(bucket, Revenue::One(bucket.revenue.0))
    }
}

/// The sum over a region's stores of each one's present business day. A store that was withdrawn counts with the day that the
/// newest of the others has.
pub fn region_today(figures: &Figures, catalog: &Catalog, now: Timestamp) -> Bucket {
    let mut sum = Bucket::default();
    let mut newest: Option<BusinessDay> = None;
    for store in catalog.stores.values() {
        let day = store.business_day(now);
        newest = newest.max(Some(day));
        sum += figures.store_day(&store.id, day);
    }
    let newest = newest.unwrap_or_else(|| utc_day(now));
    // Days are ascending, and a few at most are later than this one.
    for ((day, store), bucket) in figures.store_days.iter().rev() {
        if *day < newest {
            break;
        }
        if *day == newest && !catalog.stores.contains_key(store) {
            sum += *bucket;
        }
    }
    sum
}
