//! Tables of the projection: ordered keys in a few named tables, kept by sled, which may break.
//!
//! Everything here is derived from the log and may be lost at any moment at no cost: every error
//! means "move it aside and build it again". Batches are atomic over all tables and durable when `apply`
//! returns. No sled type leaves this module, nor a panic of sled's.

mod batch;
mod error;

use std::path::{Path, PathBuf};

use crate::{Epoch, Position};

pub use batch::{Direction, Scan, TableBatch};
pub use error::TableError;

/// How tables are opened.
#[derive(Clone, Copy, Debug)]
pub struct TableOptions {
    /// sled's page cache, in bytes.
    pub cache_bytes: u64,
    /// Free disk space below which nothing is written.
    pub free_bytes_min: u64,
}

impl Default for TableOptions {
    fn default() -> Self {
        Self { cache_bytes: crate::limits::TABLE_CACHE_BYTES, free_bytes_min: crate::limits::TABLE_FREE_BYTES_MIN }
    }
}

/// How far the log has been applied, and what must be there because of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Applied {
    /// Epoch of the position.
    pub epoch: Epoch,
    /// The log position; [`Position::ORIGIN`] when new.
    pub position: Position,
    /// Rows of each table, in the order of the names.
    pub counts: Vec<u64>,
}

/// Which table: the index of its name in the list that `open` was given.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Table(pub u8);

/// A key and its value.
pub type Row = (Vec<u8>, Vec<u8>);

/// A directory of tables, open. Cheap to drop; a closed one holds no memory.
#[derive(Debug)]
pub struct Tables {}

impl Tables {
    /// Opens the directory, creating it when it is missing. `names` and their order belong to the
    /// directory for good. Checks cheaply that it is whole; [`Tables::check_counts`] does so fully.
    ///
    /// sled may take long (seconds after a crash, for a large directory): not for a thread that is waited for.
    pub fn open(dir: &Path, names: &[&str], options: TableOptions) -> Result<Self, TableError> {
        todo!()
    }

    /// How far the log has been applied.
    #[must_use]
    pub fn applied(&self) -> &Applied {
        todo!()
    }

    /// Applies a batch and the new position in one transaction, and syncs it: when this returns, a
    /// power cut keeps it. After an error the tables refuse everything ([`TableError::is_fatal`] says whether).
    pub fn apply(&mut self, batch: &TableBatch, epoch: Epoch, position: Position) -> Result<(), TableError> {
        todo!()
    }

    /// The value of a key.
    pub fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, TableError> {
        todo!()
    }

    /// Rows of a range, in order, at most as many as the scan's limit.
    pub fn scan(&self, table: Table, scan: &Scan<'_>) -> Result<Vec<Row>, TableError> {
        todo!()
    }

    /// Visits rows of a range in order until `visit` says false; returns how many it saw.
    pub fn visit(
        &self,
        table: Table,
        scan: &Scan<'_>,
        visit: impl FnMut(&[u8], &[u8]) -> bool,
    ) -> Result<u64, TableError> {
        todo!()
    }

    /// Reads every row and compares the number of rows with what `applied` says. Takes seconds per million rows.
    pub fn check_counts(&self) -> Result<(), TableError> {
        todo!()
    }

    /// Bytes on disk.
    pub fn disk_bytes(&self) -> Result<u64, TableError> {
        todo!()
    }

    /// Closes the directory; the same as dropping, but says what went wrong.
    pub fn close(self) -> Result<(), TableError> {
        todo!()
    }
}

/// Renames a broken directory to `aside` (deleting what lay there), so that a new one can be built and the
/// old one looked at. Nothing to do when it is missing.
pub fn move_aside(dir: &Path, aside: &Path) -> Result<(), TableError> {
    todo!()
}

/// Deletes a directory of tables (closed before), or one moved aside. Nothing to do when it is missing.
pub fn remove(dir: &Path) -> Result<(), TableError> {
    todo!()
}
