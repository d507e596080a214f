//! Trees kept by sled. No sled type leaves this file and its guard, nor a panic of sled's.

use std::cell::RefCell;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

use sled::Transactional;
use sled::transaction::{ConflictableTransactionResult, TransactionError, TransactionalTree};

use crate::fs::{FileSystem, RealFs};

use super::batch::{Direction, KeyRange, TableBatch};
use super::files::{self, SyncedFiles, io_error};
use super::guard::guarded;
use super::marker::{APPLIED, Applied};
use super::store::{TableStore, Trees};
use super::{Row, TableError, TableOptions};

/// How long sled's threads may hold the lock of a directory that was just closed.
const CLOSING_AT_MOST: Duration = Duration::from_secs(2);

/// Directories of the machine's own file system.
#[derive(Clone, Copy, Debug)]
pub struct OnDisk;

impl TableStore for OnDisk {
    /// sled may take long (seconds after a crash, for a large directory): not for a thread that is waited for.
    fn open(&self, dir: &Path, trees: &[&str], options: TableOptions) -> Result<Box<dyn Trees>, TableError> {
        files::refuse_foreign(dir)?;
        std::fs::create_dir_all(dir).map_err(io_error(dir, "making the table directory"))?;
        let mut opened = Opened { dir, db: Some(open_sled(dir, options)?), trees: Vec::new() };
        opened.trees = guarded(dir, || {
            let db = opened.db.iter();
            db.flat_map(|db| trees.iter().map(|name| db.open_tree(name))).collect()
        })?;
        let files = Mutex::new(SyncedFiles::open(dir)?);
        let (trees, db) = (std::mem::take(&mut opened.trees), opened.db.take());
        Ok(Box::new(SledTrees { dir: dir.to_owned(), trees: RwLock::new(trees), db: Mutex::new(db), files }))
    }

    fn directories(&self, below: &Path) -> io::Result<Vec<String>> {
        let entries = match std::fs::read_dir(below) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries?,
        };
        let mut names = Vec::new();
        for entry in entries {
            names.extend(entry?.file_name().into_string().ok());
        }
        Ok(names)
    }

    fn free_space(&self, dir: &Path) -> io::Result<u64> {
        let mut below = dir;
        loop {
            match (RealFs.free_space(below), below.parent()) {
                (Err(error), Some(parent)) if error.kind() == io::ErrorKind::NotFound => below = parent,
                (free, _) => return free,
            }
        }
    }

    fn move_aside(&self, dir: &Path, aside: &Path) -> Result<(), TableError> {
        files::move_aside(dir, aside)
    }

    fn remove(&self, dir: &Path) -> Result<(), TableError> {
        files::remove(dir)
    }
}

/// An open directory.
#[derive(Debug)]
struct SledTrees {
    dir: PathBuf,
    /// In the order of their names; none once closed.
    trees: RwLock<Vec<sled::Tree>>,
    db: Mutex<Option<sled::Db>>,
    files: Mutex<SyncedFiles>,
}

impl SledTrees {
    /// Uses the trees inside the guard. They can't be closed meanwhile: whoever lets sled go last does its last i/o, and that
    /// is always [`Trees::close`].
    fn with<T>(&self, act: impl FnOnce(&[sled::Tree]) -> sled::Result<T>) -> Result<T, TableError> {
        let trees = self.trees.read().unwrap_or_else(PoisonError::into_inner);
        if trees.is_empty() {
            return Err(TableError::Closed { dir: self.dir.clone() });
        }
        guarded(&self.dir, || act(&trees))
    }

    fn with_tree<T>(&self, tree: usize, act: impl FnOnce(&sled::Tree) -> sled::Result<T>) -> Result<T, TableError> {
        let missing = || sled::Error::CollectionNotFound(sled::IVec::default());
        self.with(|trees| act(trees.get(tree).ok_or_else(missing)?))
    }
}

impl Trees for SledTrees {
    fn get(&self, tree: usize, key: &[u8]) -> Result<Option<Vec<u8>>, TableError> {
        self.with_tree(tree, |tree| Ok(tree.get(key)?.map(|value| value.to_vec())))
    }

    fn rows(&self, tree: usize, range: &KeyRange, direction: Direction, most: usize) -> Result<Vec<Row>, TableError> {
        self.with_tree(tree, |tree| {
            let rows = tree.range::<Vec<u8>, KeyRange>(range.clone());
            let row =
                |row: sled::Result<(sled::IVec, sled::IVec)>| row.map(|(key, value)| (key.to_vec(), value.to_vec()));
            match direction {
                Direction::Forward => rows.take(most).map(row).collect(),
                Direction::Reverse => rows.rev().take(most).map(row).collect(),
            }
        })
    }

    fn commit(&self, batch: &TableBatch, to: &Applied, names: &str) -> Result<Applied, TableError> {
        let broken = RefCell::new(None);
        let written = self.with(|trees| {
            let outcome = trees.transaction(|trees: &Vec<TransactionalTree>| write(trees, batch, to, names, &broken));
            match outcome {
                Ok(applied) => Ok(Some(applied)),
                Err(TransactionError::Storage(error)) => Err(error),
                Err(TransactionError::Abort(())) => Ok(None),
            }
        })?;
        let applied = written.ok_or_else(|| {
            let what = broken.take().unwrap_or_else(|| "the transaction was refused".to_owned());
            TableError::Damaged { dir: self.dir.clone(), what }
        })?;
        let db = self.db.lock().unwrap_or_else(PoisonError::into_inner);
        guarded(&self.dir, || db.as_ref().map_or(Ok(0), |db| db.flush()))?;
        self.files.lock().unwrap_or_else(PoisonError::into_inner).sync(&self.dir)?;
        Ok(applied)
    }

    fn close(&self) -> Result<(), TableError> {
        let trees = std::mem::take(&mut *self.trees.write().unwrap_or_else(PoisonError::into_inner));
        let db = self.db.lock().unwrap_or_else(PoisonError::into_inner).take();
        let_go(&self.dir, db, trees)
    }
}

impl Drop for SledTrees {
    fn drop(&mut self) {
        // What sled says while it goes no longer matters to anybody.
        let _ = self.close();
    }
}

/// What sled has opened and is not trees yet. Where that fails it is let go inside the guard.
struct Opened<'d> {
    dir: &'d Path,
    db: Option<sled::Db>,
    trees: Vec<sled::Tree>,
}

impl Drop for Opened<'_> {
    fn drop(&mut self) {
        // Why it did not become trees has been said.
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
        let Some(tree) = trees.get(usize::from(write.table.0)) else { continue };
        let before = match &write.value {
            Some(value) => tree.insert(write.key.as_slice(), value.as_slice())?,
            None => tree.remove(write.key.as_slice())?,
        };
        if let Err(what) = applied.count(write.table, before.is_some(), write.value.is_some()) {
            broken.replace(Some(what));
            return sled::transaction::abort(());
        }
    }
    if let Some(meta) = trees.last() {
        meta.insert(APPLIED, applied.encode(names))?;
    }
    Ok(applied)
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
