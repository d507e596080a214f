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
mod reader;

use std::cell::RefCell;
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use sled::Transactional;
use sled::transaction::{ConflictableTransactionResult, TransactionError, TransactionalTree};

use crate::fs::{FileSystem, RealFs};
use crate::{Epoch, Position};

pub use batch::{Direction, Scan, TableBatch};
pub use error::TableError;
pub use files::{move_aside, remove};
pub use marker::Applied;
pub use reader::TableReader;

use files::{SyncedFiles, io_error};
use guard::guarded;
use marker::MarkerFault;

const META: &str = "qucan";
const APPLIED: &[u8] = b"applied";
/// How long sled's threads may hold the lock of a directory that was just closed.
const CLOSING_AT_MOST: Duration = Duration::from_secs(2);

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

/// A directory of tables, open for its one writer. Reads like its [`TableReader`]. A closed one holds no memory.
#[derive(Debug)]
pub struct Tables {
    dir: PathBuf,
    options: TableOptions,
    names: String,
    reader: TableReader,
    db: Option<sled::Db>,
    files: SyncedFiles,
    applied: Applied,
}

impl Deref for Tables {
    type Target = TableReader;

    fn deref(&self) -> &TableReader {
        &self.reader
    }
}

impl Tables {
    /// Opens the directory, creating it when it is missing. `names` and their order belong to the
    /// directory for good. Checks cheaply that it is whole; [`TableReader::check_counts`] does so fully.
    ///
    /// sled may take long (seconds after a crash, for a large directory): not for a thread that is waited for.
    pub fn open(dir: &Path, names: &[&str], options: TableOptions) -> Result<Self, TableError> {
        files::refuse_foreign(dir)?;
        std::fs::create_dir_all(dir).map_err(io_error(dir, "making the table directory"))?;
        require_room(dir, options)?;
        let mut opened = Opened { dir, db: Some(open_sled(dir, options)?), trees: Vec::new() };
        opened.trees = guarded(dir, || {
            let db = opened.db.iter();
            db.flat_map(|db| names.iter().chain([&META]).map(|name| db.open_tree(name))).collect()
        })?;
        let names = names.join(",");
        let (applied, is_new) = read_marker(dir, &opened.trees, &names)?;
        let files = SyncedFiles::open(dir)?;
        let mut tables = Self {
            dir: dir.to_owned(),
            options,
            names,
            reader: TableReader::new(dir, std::mem::take(&mut opened.trees), applied.clone()),
            files,
            db: opened.db.take(),
            applied,
        };
        if is_new {
            tables.commit(&TableBatch::new(), tables.applied.clone())?;
        }
        tables.check_cheaply()?;
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
        let tables = self.reader.trees()?.len().saturating_sub(1);
        batch.check(tables)?;
        require_room(&self.dir, self.options)?;
        self.commit(batch, Applied { epoch, position, counts: self.applied.counts.clone() })
    }

    fn commit(&mut self, batch: &TableBatch, to: Applied) -> Result<(), TableError> {
        let outcome = self.transact(batch, to).and_then(|applied| {
            let db = self.db.as_ref();
            guarded(&self.dir, || db.map_or(Ok(0), |db| db.flush()))?;
            self.files.sync(&self.dir)?;
            Ok(applied)
        });
        self.applied = self.reader.noting(outcome)?;
        self.reader.publish(&self.applied);
        Ok(())
    }

    /// The transaction over all tables and the marker; the marker as it was written.
    fn transact(&self, batch: &TableBatch, to: Applied) -> Result<Applied, TableError> {
        let trees = self.reader.trees()?;
        let names = &self.names;
        let broken = RefCell::new(None);
        let written = guarded(&self.dir, || {
            let outcome =
                trees.as_slice().transaction(|trees: &Vec<TransactionalTree>| write(trees, batch, &to, names, &broken));
            match outcome {
                Ok(applied) => Ok(Some(applied)),
                Err(TransactionError::Storage(error)) => Err(error),
                Err(TransactionError::Abort(())) => Ok(None),
            }
        })?;
        written.ok_or_else(|| {
            let what = broken.take().unwrap_or_else(|| "the transaction was refused".to_owned());
            TableError::Damaged { dir: self.dir.clone(), what }
        })
    }

    /// A table that should be empty is, one that shouldn't isn't, and both ends can be read.
    fn check_cheaply(&self) -> Result<(), TableError> {
        for (tree, expected) in self.reader.trees()?.iter().zip(&self.applied.counts) {
            let ends = self.reader.noting(guarded(&self.dir, || Ok((tree.first()?, tree.last()?))))?;
            if ends.0.is_some() != (*expected > 0) || ends.1.is_some() != (*expected > 0) {
                let name = String::from_utf8_lossy(&tree.name()).into_owned();
                let what = format!("table {name} should have {expected} rows");
                return Err(TableError::Damaged { dir: self.dir.clone(), what });
            }
        }
        Ok(())
    }

    /// Bytes on disk.
    pub fn disk_bytes(&self) -> Result<u64, TableError> {
        files::disk_bytes(&self.dir).map_err(io_error(&self.dir, "measuring the table directory"))
    }

    /// Closes the directory; the same as dropping, but says what went wrong.
    pub fn close(mut self) -> Result<(), TableError> {
        self.reader.trees()?;
        self.shut()
    }

    fn shut(&mut self) -> Result<(), TableError> {
        let trees = self.reader.close();
        let db = self.db.take();
        let_go(&self.dir, db, trees)
    }
}

impl Drop for Tables {
    fn drop(&mut self) {
        // What sled says while it goes no longer matters to anybody.
        let _ = self.shut();
    }
}

/// What sled has opened and is not tables yet. Where that fails it is let go inside the guard.
struct Opened<'d> {
    dir: &'d Path,
    db: Option<sled::Db>,
    trees: Vec<sled::Tree>,
}

impl Drop for Opened<'_> {
    fn drop(&mut self) {
        // Why it did not become tables has been said.
        let _ = let_go(self.dir, self.db.take(), std::mem::take(&mut self.trees));
    }
}

/// sled syncs as it goes, and panics where it can't.
fn let_go(dir: &Path, db: Option<sled::Db>, trees: Vec<sled::Tree>) -> Result<(), TableError> {
    guarded(dir, move || {
        drop(trees);
        drop(db);
        Ok(())
    })
}

fn write(
    trees: &[TransactionalTree],
    batch: &TableBatch,
    to: &Applied,
    names: &str,
    broken: &RefCell<Option<String>>,
) -> ConflictableTransactionResult<Applied, ()> {
    let mut applied = to.clone();
    for write in batch.writes() {
        let index = usize::from(write.table.0);
        let (Some(tree), Some(count)) = (trees.get(index), applied.counts.get_mut(index)) else { continue };
        let before = match &write.value {
            Some(value) => tree.insert(write.key.as_slice(), value.as_slice())?,
            None => tree.remove(write.key.as_slice())?,
        };
        match (&write.value, before) {
            (Some(_), None) => *count = count.saturating_add(1),
            (None, Some(_)) if *count == 0 => {
                broken.replace(Some(format!("table {index} had more rows than were applied")));
                return sled::transaction::abort(());
            }
            (None, Some(_)) => *count = count.saturating_sub(1),
            _ => {}
        }
    }
    if let Some(meta) = trees.last() {
        meta.insert(APPLIED, applied.encode(names))?;
    }
    Ok(applied)
}

fn require_room(dir: &Path, options: TableOptions) -> Result<(), TableError> {
    let free = RealFs.free_space(dir).map_err(io_error(dir, "measuring free space"))?;
    let needed = options.free_bytes_min;
    if free < needed { Err(TableError::DiskFull { dir: dir.to_owned(), free, needed }) } else { Ok(()) }
}

/// Opens sled with the settings that came out best, waiting for one that is being closed.
fn open_sled(dir: &Path, options: TableOptions) -> Result<sled::Db, TableError> {
    let config = sled::Config::new()
        .path(dir)
        .mode(sled::Mode::LowSpace)
        .cache_capacity(options.cache_bytes)
        .flush_every_ms(None);
    let began = Instant::now();
    loop {
        match guarded(dir, || config.open()) {
            Err(TableError::InUse { .. }) if began.elapsed() < CLOSING_AT_MOST => {
                std::thread::sleep(Duration::from_millis(5));
            }
            outcome => return outcome,
        }
    }
}

/// The marker, and whether the directory is new.
fn read_marker(dir: &Path, trees: &[sled::Tree], names: &str) -> Result<(Applied, bool), TableError> {
    let (meta, tables) = trees.split_last().ok_or_else(|| TableError::Bounds { what: "no tables".to_owned() })?;
    let (marker, empty) = guarded(dir, || {
        let marker = meta.get(APPLIED)?;
        let empty = tables.iter().map(sled::Tree::first).collect::<Result<Vec<_>, _>>()?;
        Ok((marker, empty.iter().all(Option::is_none)))
    })?;
    let dir = dir.to_owned();
    match marker {
        None if empty => Ok((Applied::new(tables.len()), true)),
        None => Err(TableError::Damaged { dir, what: "rows, but no word of how far they go".to_owned() }),
        Some(marker) => match Applied::decode(&marker, names) {
            Ok(applied) if applied.counts.len() == tables.len() => Ok((applied, false)),
            Ok(_) | Err(MarkerFault::Damaged) => {
                Err(TableError::Damaged { dir, what: "the marker of what was applied".to_owned() })
            }
            Err(MarkerFault::Newer(version)) => {
                Err(TableError::Foreign { dir, what: format!("format {version} of a newer version") })
            }
            Err(MarkerFault::OtherTables(found)) => {
                Err(TableError::Foreign { dir, what: format!("tables {found} instead of {names}") })
            }
        },
    }
}

#[cfg(test)]
mod tests;
