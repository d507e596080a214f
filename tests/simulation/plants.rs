//! The bugs that are planted on purpose, and where: in the disk, the line, the store, the business.

use std::sync::Arc;

use qucan::domain::plant::{Plant, plant};
use qucan_storage::fs::SimFs;

use crate::store::{SimStore, StorePlant};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bug {
    None,
    /// Neither side ever syncs.
    NoSync,
    /// The centre acknowledges what has arrived and is not synced.
    AcknowledgedBeforeSync,
    /// The store's cursor is not moved together with its rows: after a restart a batch is applied again.
    NoDedup,
    /// What the store has is believed although the log is behind it or of another history.
    StoreBelieved,
    StockNotGivenBack,
    TimerFiredTwice,
}

impl Bug {
    pub fn plant(self, region: &SimFs, centre: &SimFs, store: &Arc<SimStore>) {
        plant(match self {
            Self::StockNotGivenBack => Some(Plant::StockNotGivenBack),
            Self::TimerFiredTwice => Some(Plant::TimerFiredTwice),
            _ => None,
        });
        self.plant_disk(region);
        self.plant_disk(centre);
        store.rows().plant = match self {
            Self::NoDedup => StorePlant::CursorApart,
            Self::StoreBelieved => StorePlant::RowsBelieved,
            _ => StorePlant::Nothing,
        };
    }

    pub fn plant_disk(self, fs: &SimFs) {
        fs.ignore_syncs(self == Self::NoSync);
    }
}
