//! Tables of the projection: ordered keys in a few named tables, kept by sled, which may break.
//!
//! Everything here is derived from the log and may be lost at any moment at no cost: a fatal error
//! means "move it aside and build it again". Batches are atomic over all tables and durable when `apply`
//! returns. No sled type leaves this module, nor a panic of sled's.

mod batch;
mod error;
mod files;
mod guard;
mod marker;
mod on_disk;
mod reader;
mod sim;
mod store;

use std::ops::{Bound, Deref};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::{Epoch, Position};

pub use batch::{Direction, KeyRange, Scan, TableBatch};
pub use error::TableError;
pub use files::{move_aside, remove};
pub use marker::Applied;
pub use on_disk::OnDisk;
pub use reader::TableReader;
pub use sim::{CommitFault, SimTables, TableMishap, TablesImage};
pub use store::{TableStore, Trees};

use files::io_error;
use marker::{APPLIED, MarkerFault};

const META: &str = "qucan";

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

/// Which table: the index of its name in the list that `open` was given.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Table(pub u8);

/// A key and its value.
pub type Row = (Vec<u8>, Vec<u8>);

/// The machine's own directories, kept by sled.
#[must_use]
pub fn on_disk() -> Arc<dyn TableStore> {
    Arc::new(OnDisk)
}

/// A directory of tables, open for its one writer. Reads like its [`TableReader`]. A closed one holds no memory.
#[derive(Debug)]
pub struct Tables {
    store: Arc<dyn TableStore>,
    dir: PathBuf,
    options: TableOptions,
    names: String,
    reader: TableReader,
    applied: Applied,
}

impl Deref for Tables {
    type Target = TableReader;

    fn deref(&self) -> &TableReader {
        &self.reader
    }
}

impl Tables {
    /// Opens the directory on disk, creating it when it is missing. `names` and their order belong to the
    /// directory for good. Checks cheaply that it is whole; [`TableReader::check_counts`] does so fully.
    ///
    /// sled may take long (seconds after a crash, for a large directory): not for a thread that is waited for.
    pub fn open(dir: &Path, names: &[&str], options: TableOptions) -> Result<Self, TableError> {
        Self::open_in(&on_disk(), dir, names, options)
    }

    /// The same wherever the tables lie.
    pub fn open_in(
        store: &Arc<dyn TableStore>,
        dir: &Path,
        names: &[&str],
        options: TableOptions,
    ) -> Result<Self, TableError> {
        require_room(&**store, dir, options)?;
        let with_meta: Vec<&str> = names.iter().copied().chain([META]).collect();
        let trees = store.open(dir, &with_meta, options)?;
        let joined = names.join(",");
        let (applied, is_new) = read_marker(dir, &*trees, names.len(), &joined)?;
        let mut tables = Self {
            store: Arc::clone(store),
            dir: dir.to_owned(),
            options,
            names: joined,
            reader: TableReader::new(dir, trees, applied.clone()),
            applied,
        };
        if is_new {
            tables.commit(&TableBatch::new(), tables.applied.clone())?;
        }
        tables.check_cheaply(names)?;
        Ok(tables)
    }

    /// A reader for other threads; it works while batches are applied, and says so once these tables are closed.
    #[must_use]
    pub fn reader(&self) -> TableReader {
        self.reader.clone()
    }

    /// How far the log has been applied.
    #[must_use]
    pub fn applied(&self) -> &Applied {
        &self.applied
    }

    /// Applies a batch and the new position in one transaction, and syncs it: when this returns, a
    /// power cut keeps it. After a fatal error ([`TableError::is_fatal`]) the tables refuse everything.
    pub fn apply(&mut self, batch: &TableBatch, epoch: Epoch, position: Position) -> Result<(), TableError> {
        self.reader.check_open()?;
        batch.check(self.applied.counts.len())?;
        require_room(&*self.store, &self.dir, self.options)?;
        self.commit(batch, Applied { epoch, position, counts: self.applied.counts.clone() })
    }

    fn commit(&mut self, batch: &TableBatch, to: Applied) -> Result<(), TableError> {
        let outcome = self.reader.trees()?.commit(batch, &to, &self.names);
        self.applied = self.reader.noting(outcome)?;
        self.reader.publish(&self.applied);
        Ok(())
    }

    /// A table that should be empty is, one that shouldn't isn't, and both ends can be read.
    fn check_cheaply(&self, names: &[&str]) -> Result<(), TableError> {
        for (index, (name, expected)) in names.iter().zip(&self.applied.counts).enumerate() {
            for direction in [Direction::Forward, Direction::Reverse] {
                let trees = self.reader.trees()?;
                let end = self.reader.noting(trees.rows(index, &EVERYTHING, direction, 1))?;
                if end.is_empty() != (*expected == 0) {
                    let what = format!("table {name} should have {expected} rows");
                    return Err(TableError::Damaged { dir: self.dir.clone(), what });
                }
            }
        }
        Ok(())
    }

    /// Bytes on disk.
    pub fn disk_bytes(&self) -> Result<u64, TableError> {
        files::disk_bytes(&self.dir).map_err(io_error(&self.dir, "measuring the table directory"))
    }

    /// Closes the directory; the same as dropping, but says what went wrong.
    pub fn close(self) -> Result<(), TableError> {
        self.reader.check_open()?;
        self.reader.close()
    }
}

impl Drop for Tables {
    fn drop(&mut self) {
        // What it says while it goes no longer matters to anybody.
        let _ = self.reader.close();
    }
}

const EVERYTHING: KeyRange = (Bound::Unbounded, Bound::Unbounded);

fn require_room(store: &dyn TableStore, dir: &Path, options: TableOptions) -> Result<(), TableError> {
    let free = store.free_space(dir).map_err(io_error(dir, "measuring free space"))?;
    let needed = options.free_bytes_min;
    if free < needed { Err(TableError::DiskFull { dir: dir.to_owned(), free, needed }) } else { Ok(()) }
}

/// The marker, and whether the directory is new.
fn read_marker(dir: &Path, trees: &dyn Trees, tables: usize, names: &str) -> Result<(Applied, bool), TableError> {
    let dir = dir.to_owned();
    let Some(marker) = trees.get(tables, APPLIED)? else {
        for index in 0..tables {
            if !trees.rows(index, &EVERYTHING, Direction::Forward, 1)?.is_empty() {
                return Err(TableError::Damaged { dir, what: "rows, but no word of how far they go".to_owned() });
            }
        }
        return Ok((Applied::new(tables), true));
    };
    match Applied::decode(&marker, names) {
        Ok(applied) if applied.counts.len() == tables => Ok((applied, false)),
        Ok(_) | Err(MarkerFault::Damaged) => {
            Err(TableError::Damaged { dir, what: "the marker of what was applied".to_owned() })
        }
        Err(MarkerFault::Newer(version)) => {
            Err(TableError::Foreign { dir, what: format!("format {version} of a newer version") })
        }
        Err(MarkerFault::OtherTables(found)) => {
            Err(TableError::Foreign { dir, what: format!("tables {found} instead of {names}") })
        }
    }
}

#[cfg(test)]
mod tests;
