//! Closed orders on disk, for questions. Follows the log and may be lost at any moment: what it can't answer meanwhile is
//! `rebuilding`, never "not found". Never here: anything that a decision, a replay or an answer of the writer needs.
//!
//! Memory (the overlay) holds what closed after [`Projection::whole_from`]; once the log is applied up to there, memory and
//! projection together know every closed order that is still kept.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;
use qucan_storage::fs::FileSystem;
use qucan_storage::table::TableStore;

use super::answer::Unavailable;
use super::history::StoreOrdersFilter;
use super::status::{ProjectionPhase, Rebuild};
use crate::domain::id::{MemberId, OrderId, RegionTag, StoreId};
use crate::domain::order::Order;
use crate::domain::time::BusinessDay;

mod chain;
mod days;
mod follow;
pub mod keys;
pub(super) mod mark;
mod members;
mod newest;
mod pace;

use days::{DayError, Days};
use pace::Pace;

pub(super) use chain::Chain;
pub use days::directories;
pub(super) use follow::{Follower, Missed, start};
#[cfg(feature = "simulation")]
pub(super) use follow::{Rest, Stepped};
pub use members::Members;
pub(super) use newest::{Newest, Walked};

/// Where a projection lies.
#[derive(Clone, Debug)]
pub(super) struct Place {
    /// Its directory.
    pub(super) dir: PathBuf,
    /// Where the days' tables lie below it.
    pub(super) tables: Arc<dyn TableStore>,
    /// Where the small files beside them lie.
    pub(super) fs: Arc<dyn FileSystem>,
    /// The log that it follows.
    pub(super) chain: Chain,
}

/// The projection as its readers see it.
#[derive(Debug)]
pub(super) struct Projection {
    days: Option<Days>,
    trouble: Mutex<Trouble>,
    applied: AtomicU64,
    /// The same as the files say.
    persisted: AtomicU64,
    whole_from: AtomicU64,
    /// Raised whenever everything is moved aside, so that an answer from before is not taken for one from after.
    generation: AtomicU64,
    pace: Pace,
}

/// What keeps the projection from following.
#[derive(Debug, Default)]
struct Trouble {
    /// Its files are not open yet.
    opening: bool,
    /// A reader found it broken; the follower moves it aside.
    broken: Option<String>,
    /// It waits.
    paused: Option<String>,
}

impl Projection {
    /// No projection: nothing closed is known beyond memory.
    pub(super) fn off() -> Self {
        Self::with(None, 0)
    }

    /// A projection that is about to be opened; memory holds what closed after `whole_from`.
    pub(super) fn opening(place: Place, tag: RegionTag, whole_from: u64) -> Self {
        let projection = Self::with(Some(Days::new(place, tag)), whole_from);
        projection.trouble.lock().opening = true;
        projection
    }

    fn with(days: Option<Days>, whole_from: u64) -> Self {
        Self {
            days,
            trouble: Mutex::default(),
            applied: AtomicU64::new(0),
            persisted: AtomicU64::new(0),
            whole_from: AtomicU64::new(whole_from),
            generation: AtomicU64::new(0),
            pace: Pace::default(),
        }
    }

    /// How far the log has been applied.
    pub(super) fn applied(&self) -> u64 {
        self.applied.load(Ordering::Acquire)
    }

    /// How far a start would find it; everything where there is none.
    pub(super) fn persisted(&self) -> u64 {
        if self.days.is_some() { self.persisted.load(Ordering::Acquire) } else { u64::MAX }
    }

    /// The oldest day of which it has anything; nothing while it does not know every closed order.
    pub(super) fn oldest_day(&self) -> Option<Option<BusinessDay>> {
        let Some(days) = &self.days else { return Some(None) };
        self.is_whole().then(|| days.from(BusinessDay(0)).first().copied())
    }

    /// What it is doing.
    pub(super) fn phase(&self) -> ProjectionPhase {
        if self.days.is_none() {
            return ProjectionPhase::Off;
        }
        let rebuild = self.rebuild();
        let trouble = self.trouble.lock();
        match &trouble.paused {
            Some(why) => ProjectionPhase::Paused(why.clone()),
            None if trouble.opening => ProjectionPhase::Opening,
            None if trouble.broken.is_some() || rebuild.reached < rebuild.until => ProjectionPhase::Rebuilding(rebuild),
            None => ProjectionPhase::Following,
        }
    }

    fn rebuild(&self) -> Rebuild {
        self.pace.at(self.applied(), self.whole_from.load(Ordering::Acquire))
    }

    fn is_whole(&self) -> bool {
        let trouble = self.trouble.lock();
        !trouble.opening && trouble.broken.is_none() && self.applied() >= self.whole_from.load(Ordering::Acquire)
    }

    /// Asks the days, if together with memory they know everything; a broken one is reported to the follower.
    fn ask<T: Default>(&self, question: impl FnOnce(&Days) -> Result<T, DayError>) -> Result<T, Unavailable> {
        let Some(days) = &self.days else { return Ok(T::default()) };
        let generation = self.generation.load(Ordering::SeqCst);
        if !self.is_whole() {
            return Err(Unavailable::Rebuilding);
        }
        match question(days) {
            Ok(answer) if self.is_whole() && generation == self.generation.load(Ordering::SeqCst) => Ok(answer),
            Ok(_) => Err(Unavailable::Rebuilding),
            Err(error) => {
                if error.is_fatal() && generation == self.generation.load(Ordering::SeqCst) {
                    self.trouble.lock().broken.get_or_insert(error.to_string());
                }
                Err(Unavailable::Rebuilding)
            }
        }
    }

    /// A closed order.
    pub(super) fn order(&self, order: OrderId) -> Result<Option<Arc<Order>>, Unavailable> {
        let found = self.ask(|days| match days.get(order.day()) {
            Some(day) => days.order(&day, order.packed()),
            None => Ok(None),
        })?;
        Ok(found.map(Arc::new))
    }

    /// A member's closed orders, newest first.
    pub(super) fn of_member(
        &self,
        member: &MemberId,
        before: Option<OrderId>,
        limit: usize,
    ) -> Result<Vec<Arc<Order>>, Unavailable> {
        let orders = self.ask(|days| {
            let mut orders = Vec::new();
            for day in days.from(BusinessDay(0)).into_iter().rev() {
                let wanted = limit.saturating_sub(orders.len());
                if wanted == 0 {
                    break;
                }
                if before.is_none_or(|before| day <= before.day())
                    && let Some(day) = days.get(day)
                {
                    orders.extend(days.of_member(&day, member, before, wanted)?);
                }
            }
            Ok(orders)
        })?;
        Ok(orders.into_iter().map(Arc::new).collect())
    }

    /// A store's closed orders of a day that the filter likes, by id.
    pub(super) fn of_store(
        &self,
        store: &StoreId,
        filter: &StoreOrdersFilter,
        after: Option<OrderId>,
        limit: usize,
    ) -> Result<Vec<Arc<Order>>, Unavailable> {
        let orders = self.ask(|days| match days.get(filter.day) {
            Some(day) => days.of_store(&day, store, filter, after, limit),
            None => Ok(Vec::new()),
        })?;
        Ok(orders.into_iter().map(Arc::new).collect())
    }

    /// Closed orders from the newest on.
    pub(super) fn newest(&self, question: &Newest<'_>) -> Result<Walked, Unavailable> {
        self.ask(|days| days.newest(question))
    }

    /// The days there are from `day` on, oldest first.
    pub(super) fn days_from(&self, day: BusinessDay) -> Result<Vec<BusinessDay>, Unavailable> {
        self.ask(|days| Ok(days.from(day)))
    }

    /// A store's closed orders of a day that were paid after one position and up to another.
    pub(super) fn after_position(
        &self,
        day: BusinessDay,
        store: &StoreId,
        after: u64,
        until: u64,
    ) -> Result<Vec<Arc<Order>>, Unavailable> {
        let orders = self.ask(|days| match days.get(day) {
            Some(day) => days.after_position(&day, store, after, until),
            None => Ok(Vec::new()),
        })?;
        Ok(orders.into_iter().map(Arc::new).collect())
    }
}
