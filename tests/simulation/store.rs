//! The centre's store as a double: rows and cursor together, as the real ones promise; its answers may be lost, it may be
//! wiped, and the process may die right before or after it has a batch. It notes what it should never have been asked.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard};

use std::sync::Arc;

use qucan::aggregator::figures::Figures;
use qucan::aggregator::store::{Double, StoreBatch, StoreError, Stored};
use qucan::domain::id::RegionId;
use qucan::domain::order::Order;
use qucan_storage::Position;

/// What happens to the next batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mishap {
    #[default]
    None,
    /// Nothing is done, and it says so.
    Refused,
    /// It is done, and the answer is lost.
    AnswerLost,
    /// The process dies before anything is done …
    DiesBefore,
    /// … or after everything is.
    DiesAfter,
}

/// What is wrong with the store itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum StorePlant {
    #[default]
    Nothing,
    /// The cursor is not in the transaction of the rows: after a restart the newest batch comes again.
    CursorApart,
    /// Rows of another history, or ahead of the log, are believed.
    RowsBelieved,
}

#[derive(Debug, Default)]
pub struct Rows {
    pub cursor: Option<Position>,
    pub before: Option<Position>,
    pub figures: Figures,
    pub orders: BTreeMap<u64, Arc<Order>>,
    pub mishap: Mishap,
    /// The process has to die before anything else happens.
    pub dead: bool,
    pub wiped: bool,
    pub plant: StorePlant,
    pub forgotten: u64,
    /// A seed may come, which says once more what has not changed behind a gap.
    pub may_be_seeded: bool,
    pub wrong: Option<String>,
}

#[derive(Debug, Default)]
pub struct SimStore(Mutex<Rows>);

impl SimStore {
    pub fn rows(&self) -> MutexGuard<'_, Rows> {
        self.0.lock().unwrap()
    }
}

impl Rows {
    /// Somebody empties the tables.
    pub fn wipe(&mut self) {
        *self = Self {
            plant: self.plant,
            forgotten: self.forgotten,
            may_be_seeded: self.may_be_seeded,
            wrong: self.wrong.take(),
            wiped: true,
            ..Self::default()
        };
    }

    fn take(&mut self, batch: &StoreBatch) -> Result<(), StoreError> {
        if self.cursor == Some(batch.to) {
            return Ok(());
        }
        if self.cursor != batch.from && self.plant == StorePlant::Nothing {
            if !self.wiped {
                self.wrong = Some(format!("a batch from {:?} came to a store at {:?}", batch.from, self.cursor));
            }
            return Err(StoreError::OtherHistory { region: batch.region.clone() });
        }
        for order in &batch.orders {
            let before = self.orders.insert(order.id.packed(), Arc::clone(order));
            let again = before.is_some_and(|before| {
                before.offset > order.offset || (before.offset == order.offset && !self.may_be_seeded)
            });
            if again && self.plant == StorePlant::Nothing {
                self.wrong = Some(format!("{} was applied twice or out of order", order.id));
            }
        }
        self.figures.minutes.extend(batch.minutes.iter().copied());
        self.figures.store_days.extend(batch.store_days.iter().cloned());
        self.figures.ticks.extend(batch.ticks.iter().copied());
        (self.before, self.cursor, self.wiped) = (self.cursor, Some(batch.to), false);
        Ok(())
    }
}

impl Double for SimStore {
    fn open_region(&self, _: &RegionId) -> Result<Stored, StoreError> {
        let mut rows = self.rows();
        (rows.dead, rows.mishap) = (false, Mishap::None);
        if rows.plant == StorePlant::CursorApart {
            rows.cursor = rows.before;
        }
        Ok(Stored { cursor: rows.cursor, figures: rows.figures.clone() })
    }

    fn apply(&self, batch: &StoreBatch) -> Result<(), StoreError> {
        let mut rows = self.rows();
        let lost = || StoreError::Unavailable("simulated".to_owned());
        let died = || StoreError::OtherHistory { region: batch.region.clone() };
        match std::mem::take(&mut rows.mishap) {
            Mishap::None => rows.take(batch),
            Mishap::Refused => Err(lost()),
            Mishap::AnswerLost => rows.take(batch).and(Err(lost())),
            Mishap::DiesBefore => {
                rows.dead = true;
                Err(died())
            }
            Mishap::DiesAfter => {
                rows.take(batch)?;
                rows.dead = true;
                Err(died())
            }
        }
    }

    fn forget_region(&self, _: &RegionId) -> Result<(), StoreError> {
        let mut rows = self.rows();
        rows.forgotten += 1;
        if rows.plant == StorePlant::RowsBelieved {
            (rows.cursor, rows.before) = (None, None);
        } else {
            rows.wipe();
            rows.wiped = false;
        }
        Ok(())
    }
}
