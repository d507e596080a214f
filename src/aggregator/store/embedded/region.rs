//! One region of the embedded store: its tables, open or broken, and where its orders are. Everything here may wait for files.
//!
//! After an error that closes the tables the next call opens them again. If they are damaged they are moved aside (one such
//! copy is kept) and begin empty; then no batch continues them, which is said as [`StoreError::OtherHistory`].

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::{Mutex, RwLock};
use qucan_storage::limits::TABLE_BATCH_WRITES_MAX;
use qucan_storage::table::{self, TableError, Tables};
use qucan_storage::{Epoch, Position};

use super::RegionOrders;
use super::rows::{self, Put};
use crate::aggregator::figures::Figures;
use crate::aggregator::store::{StoreError, Stored};
use crate::domain::id::RegionId;
use crate::domain::time::{BusinessDay, Timestamp};

pub(super) struct Region {
    region: RegionId,
    dir: PathBuf,
    aside: PathBuf,
    tables: Mutex<Option<Tables>>,
    orders: RwLock<Option<Arc<dyn RegionOrders>>>,
}

impl fmt::Debug for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Region").field("region", &self.region).field("dir", &self.dir).finish_non_exhaustive()
    }
}

impl Region {
    /// A region may be named `..`: its directories are not.
    pub(super) fn new(dir: &Path, region: RegionId) -> Self {
        let (dir, aside) = (dir.join(format!("{region}.figures")), dir.join(format!("{region}.aside")));
        Self { region, dir, aside, tables: Mutex::default(), orders: RwLock::default() }
    }

    pub(super) fn serve(&self, orders: Arc<dyn RegionOrders>) {
        *self.orders.write() = Some(orders);
    }

    pub(super) fn orders(&self) -> Option<Arc<dyn RegionOrders>> {
        self.orders.read().clone()
    }

    /// Opens the tables anew and reads them whole.
    pub(super) fn open(&self) -> Result<Stored, StoreError> {
        let mut slot = self.tables.lock();
        drop(slot.take());
        let (tables, figures) = self.opened()?;
        let cursor = Some(tables.applied().position).filter(|position| *position != Position::ORIGIN);
        *slot = Some(tables);
        Ok(Stored { cursor, figures })
    }

    fn opened(&self) -> Result<(Tables, Figures), StoreError> {
        let read = || {
            let tables = rows::open(&self.dir)?;
            let figures = rows::load(&tables, &self.dir)?;
            Ok::<_, TableError>((tables, figures))
        };
        match read() {
            Err(error) if error.is_fatal() => {
                tracing::warn!(region = %self.region, %error, "figures are damaged, moved aside and counted again");
                table::move_aside(&self.dir, &self.aside).map_err(unavailable)?;
                read().map_err(unavailable)
            }
            outcome => outcome.map_err(unavailable),
        }
    }

    /// Works on the tables, opened where they are not; an error that breaks them closes them.
    fn with<T>(&self, work: impl FnOnce(&mut Tables) -> Result<T, StoreError>) -> Result<T, StoreError> {
        let mut slot = self.tables.lock();
        let tables = match slot.as_mut() {
            Some(tables) => tables,
            None => slot.insert(self.opened()?.0),
        };
        let outcome = work(tables);
        if matches!(outcome, Err(StoreError::Unavailable(_))) {
            drop(slot.take());
        }
        outcome
    }

    pub(super) fn apply(
        &self,
        from: Option<Position>,
        to: Position,
        epoch: u32,
        rows: &[Put],
    ) -> Result<(), StoreError> {
        self.with(|tables| {
            let here = tables.applied().position;
            if here == to {
                return Ok(());
            }
            if here != from.unwrap_or(Position::ORIGIN) {
                return Err(StoreError::OtherHistory { region: self.region.clone() });
            }
            rows::apply(tables, &self.dir, rows, Epoch(epoch), to, TABLE_BATCH_WRITES_MAX).map_err(unavailable)
        })
    }

    /// Deletes the directory.
    pub(super) fn forget(&self) -> Result<(), StoreError> {
        let mut slot = self.tables.lock();
        drop(slot.take());
        // Renamed first, so that a half deleted one is never taken for the region's.
        table::move_aside(&self.dir, &self.aside).map_err(unavailable)?;
        table::remove(&self.aside).map_err(unavailable)
    }

    pub(super) fn forget_before(&self, time: Timestamp, day: BusinessDay) -> Result<(), StoreError> {
        self.with(|tables| rows::forget_before(tables, time, day).map_err(unavailable))
    }
}

fn unavailable(error: TableError) -> StoreError {
    StoreError::Unavailable(error.to_string())
}
