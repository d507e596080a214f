//! Counters that the dashboard is made of: by region and minute, by store and business day. Made from effects alone, and exact:
//! each can be counted again from the orders. Pure: no clock, no files.
//!
//! An order is counted in the minute that its own times name, not in that of the entry: so the same order gives the same
//! counts whether its events are taken in one by one or it is counted from its last image.

mod bucket;
pub mod series;

use std::collections::{BTreeMap, BTreeSet};

pub use bucket::Bucket;

use crate::domain::effect::Effect;
use crate::domain::id::StoreId;
use crate::domain::order::{Order, Status};
use crate::domain::time::{BusinessDay, Timestamp};
use crate::engine::replica::AppliedStep;

const MINUTE_MILLIS: i64 = 60_000;
const TICK_MILLIS: i64 = 10_000;

/// Minutes since 1970 in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Minute(pub i64);

impl Minute {
    /// The minute an instant lies in.
    pub fn of(at: Timestamp) -> Self {
        Self(at.0.div_euclid(MINUTE_MILLIS))
    }

    /// Its first instant.
    pub fn begins(self) -> Timestamp {
        Timestamp(self.0.saturating_mul(MINUTE_MILLIS))
    }
}

/// The ten seconds (seconds since 1970 / 10) an instant lies in.
pub fn tick_of(at: Timestamp) -> i64 {
    at.0.div_euclid(TICK_MILLIS)
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

/// Which rows a batch touched.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Changed {
    /// Minutes.
    pub minutes: BTreeSet<Minute>,
    /// Store-days.
    pub store_days: BTreeSet<(BusinessDay, StoreId)>,
    /// Ticks.
    pub ticks: BTreeSet<i64>,
}

impl Changed {
    /// Nothing is touched any more; for the next batch.
    pub fn clear(&mut self) {
        *self = Self::default();
    }
}

/// The events that count, by the contract's names.
const COUNTED: [&str; 7] = ["placed", "paid", "accepted", "ready", "collected", "cancelled", "rejected"];

/// When the event happened to the order and what it counts for; `None` where it did not happen, or doesn't count.
fn counts(order: &Order, event: &str) -> Option<(Timestamp, Bucket)> {
    let ended = |status: Status| order.closed_at.filter(|_| order.status == status);
    let one = Bucket::default();
    let counted = match event {
        "placed" => (order.created_at, Bucket { placed: 1, ..one }),
        "paid" => (order.paid_at?, Bucket { paid: 1, revenue: order.payable, ..one }),
        "accepted" => (order.accepted_at?, Bucket { accepted: 1, ..one }),
        "ready" => {
            let at = order.ready_at?;
            let waited = order.paid_at.map(|paid| at.0.saturating_sub(paid.0).div_euclid(1_000));
            let wait_seconds = waited.and_then(|seconds| u64::try_from(seconds).ok());
            let waits = u64::from(wait_seconds.is_some());
            (at, Bucket { ready: 1, wait_seconds: wait_seconds.unwrap_or(0), waits, ..one })
        }
        "collected" => (order.collected_at?, Bucket { collected: 1, ..one }),
        "cancelled" => (ended(Status::Cancelled)?, Bucket { cancelled: 1, ..one }),
        "rejected" => (ended(Status::Rejected)?, Bucket { rejected: 1, ..one }),
        _ => return None,
    };
    Some(counted)
}

impl Figures {
    /// Takes in an entry; the rows it touches are noted in `changed`.
    pub fn take(&mut self, step: &AppliedStep, changed: &mut Changed) {
        let tick = tick_of(step.at);
        self.ticks.entry(tick).or_insert_with(|| {
            changed.ticks.insert(tick);
            step.sequence.0
        });
        for effect in &step.effects {
            if let Effect::Order(effect) = effect
                && let Some((minute, store_day)) = self.count(&effect.order, effect.event)
            {
                changed.minutes.insert(minute);
                changed.store_days.insert(store_day);
            }
        }
    }

    fn count(&mut self, order: &Order, event: &str) -> Option<(Minute, (BusinessDay, StoreId))> {
        let (at, bucket) = counts(order, event)?;
        let minute = Minute::of(at);
        let store_day = (order.business_day, order.store.clone());
        *self.minutes.entry(minute).or_default() += bucket;
        *self.store_days.entry(store_day.clone()).or_default() += bucket;
        Some((minute, store_day))
    }

    /// Counts what happened to an order since it was last seen as `known`, without having seen it happen.
    pub fn count_since(&mut self, known: &Order, order: &Order, changed: &mut Changed) {
        for event in COUNTED {
            if counts(known, event).is_none()
                && let Some((minute, store_day)) = self.count(order, event)
            {
                changed.minutes.insert(minute);
                changed.store_days.insert(store_day);
            }
        }
    }

    /// Counts everything that happened to an order that was never seen before.
    pub fn count_all(&mut self, order: &Order, changed: &mut Changed) {
        for event in COUNTED {
            if let Some((minute, store_day)) = self.count(order, event) {
                changed.minutes.insert(minute);
                changed.store_days.insert(store_day);
            }
        }
    }

    /// The buckets as the orders alone say (ticks left out).
    pub fn recount<'a>(orders: impl IntoIterator<Item = &'a Order>) -> Self {
        let mut figures = Self::default();
        for order in orders {
            for event in COUNTED {
                figures.count(order, event);
            }
        }
        figures
    }

    /// Forgets minutes and ticks before `time` and store-days before `day`.
    pub fn forget_before(&mut self, time: Timestamp, day: BusinessDay) {
        self.minutes = self.minutes.split_off(&Minute::of(time));
        self.ticks = self.ticks.split_off(&tick_of(time));
        self.store_days.retain(|(of, _), _| *of >= day);
    }

    /// What a store did on a business day; zeros where nothing happened.
    pub fn store_day(&self, store: &StoreId, day: BusinessDay) -> Bucket {
        self.store_days.get(&(day, store.clone())).copied().unwrap_or_default()
    }

    /// What happened in a minute; zeros where nothing did.
    pub fn minute(&self, minute: Minute) -> Bucket {
        self.minutes.get(&minute).copied().unwrap_or_default()
    }

    /// What happened from one minute up to another, which is left out.
    pub fn between(&self, from: Minute, to: Minute) -> Bucket {
        if from < to { self.minutes.range(from..to).map(|(_, bucket)| *bucket).sum() } else { Bucket::default() }
    }

    /// The entries of the ten seconds that `at` lies in: the first sequence, and the first of a later time, if there is one
    /// already. `None` where nothing happened then or it is forgotten.
    pub fn entries_near(&self, at: Timestamp) -> Option<(u64, Option<u64>)> {
        let mut ticks = self.ticks.range(tick_of(at)..);
        let (tick, first) = ticks.next()?;
        (*tick == tick_of(at)).then(|| (*first, ticks.next().map(|(_, next)| *next)))
    }

    /// The rows that were touched, as they are now: what a store batch carries.
    pub fn rows(&self, changed: &Changed) -> Rows {
        Rows {
            minutes: changed.minutes.iter().map(|minute| (*minute, self.minute(*minute))).collect(),
            store_days: changed
                .store_days
                .iter()
                .filter_map(|key| self.store_days.get(key).map(|bucket| (key.clone(), *bucket)))
                .collect(),
            ticks: changed.ticks.iter().filter_map(|tick| Some((*tick, *self.ticks.get(tick)?))).collect(),
        }
    }
}

/// Rows of figures, absolute, in the order of their keys.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Rows {
    /// Minutes.
    pub minutes: Vec<(Minute, Bucket)>,
    /// Store-days.
    pub store_days: Vec<((BusinessDay, StoreId), Bucket)>,
    /// Ticks.
    pub ticks: Vec<(i64, u64)>,
}
