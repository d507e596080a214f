//! The bugs that are planted on purpose, and where: in the disk, the log, the line, the store, the projection, the business.

use qucan::domain::plant::{Plant, plant};
use qucan_storage::fs::SimFs;
use qucan_storage::plant as storage;

use crate::store::StorePlant;
use crate::world::World;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bug {
    None,
    /// Neither side ever syncs.
    NoSync,
    /// Neither side ever syncs a directory.
    NoDirectorySync,
    /// Both sides' logs say that a group is synced before it is.
    AnsweredBeforeSync,
    /// Whatever is read from disk is believed.
    ChecksumsIgnored,
    /// The centre acknowledges what has arrived and is not synced.
    AcknowledgedBeforeSync,
    /// The store's cursor is not moved together with its rows: after a restart a batch is applied again.
    NoDedup,
    /// What the store has is believed although the log is behind it or of another history.
    StoreBelieved,
    /// The same for the region's own projection.
    ProjectionBelieved,
    StockNotGivenBack,
    TimerFiredTwice,
}

impl Bug {
    /// Plants it in a world that begins, and takes out what was planted before.
    pub fn plant(self, world: &mut World) {
        plant(match self {
            Self::StockNotGivenBack => Some(Plant::StockNotGivenBack),
            Self::TimerFiredTwice => Some(Plant::TimerFiredTwice),
            Self::ProjectionBelieved => Some(Plant::ProjectionBelieved),
            _ => None,
        });
        storage::plant(match self {
            Self::AnsweredBeforeSync => Some(storage::Plant::AnsweredBeforeSync),
            Self::ChecksumsIgnored => Some(storage::Plant::ChecksumsIgnored),
            _ => None,
        });
        for region in &world.regions {
            self.plant_disk(&region.node.fs);
        }
        self.plant_disk(&world.centre.fs);
        for copy in &world.centre.copies {
            copy.store.rows().plant = match self {
                Self::NoDedup => StorePlant::CursorApart,
                Self::StoreBelieved => StorePlant::RowsBelieved,
                _ => StorePlant::Nothing,
            };
        }
    }

    pub fn plant_disk(self, fs: &SimFs) {
        fs.ignore_syncs(self == Self::NoSync);
        fs.ignore_directory_syncs(self == Self::NoDirectorySync);
    }

    /// Only what needs a person's help brings it to light.
    pub fn needs_safety(self) -> bool {
        matches!(self, Self::ChecksumsIgnored | Self::ProjectionBelieved)
    }
}
