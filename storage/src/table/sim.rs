//! Directories of tables in memory, for simulations: they hold what was committed, unless the simulation loses it, puts an
//! older or newer copy in its place, or breaks it in one of the ways in which sled was seen to break.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::batch::{Direction, KeyRange, TableBatch};
use super::marker::{APPLIED, Applied};
use super::store::{TableStore, Trees};
use super::{META, Row, TableError, TableOptions};

/// How a directory is broken until it is moved aside or deleted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TableMishap {
    /// It can't be opened: corruption.
    FailsToOpen,
    /// It can't be opened: a panic.
    PanicsAtOpen,
    /// It opens, and the first value that is read is found corrupt.
    FailsToRead,
    /// A table has lost all of its rows.
    TableEmptied,
    /// How far it goes is not known any more.
    MarkerLost,
}

impl TableMishap {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::FailsToOpen, Self::PanicsAtOpen, Self::FailsToRead, Self::TableEmptied, Self::MarkerLost];
}

/// What a commit that fails has done.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CommitFault {
    /// Nothing.
    Nothing,
    /// All of it; only the word of it is lost.
    Everything,
}

type Rows = BTreeMap<Vec<u8>, Vec<u8>>;

#[derive(Clone, Default, Debug)]
struct Directory {
    trees: BTreeMap<String, Rows>,
    mishap: Option<TableMishap>,
}

#[derive(Default, Debug)]
struct Inner {
    directories: BTreeMap<PathBuf, Directory>,
    open: BTreeSet<PathBuf>,
    /// Raised by a kill: whoever opened before has nothing any more.
    life: u64,
    full: bool,
    failing: Option<CommitFault>,
}

/// Tables in memory. Clones share them.
#[derive(Clone, Default, Debug)]
pub struct SimTables(Arc<Mutex<Inner>>);

/// What all directories held at some time.
#[derive(Clone, Debug)]
pub struct TablesImage(BTreeMap<PathBuf, Directory>);

impl SimTables {
    /// The same tables, as the trait object that is asked for.
    #[must_use]
    pub fn shared(&self) -> Arc<dyn TableStore> {
        Arc::new(self.clone())
    }

    /// The process that used them is gone.
    pub fn kill(&self) {
        let mut inner = self.inner();
        inner.life += 1;
        inner.open.clear();
        (inner.full, inner.failing) = (false, None);
    }

    /// What there is now.
    #[must_use]
    pub fn image(&self) -> TablesImage {
        TablesImage(self.inner().directories.clone())
    }

    /// Puts what there was at another time in the place of everything; nobody may have it open.
    pub fn put(&self, image: &TablesImage) {
        self.inner().directories.clone_from(&image.0);
    }

    /// Everything is gone.
    pub fn lose(&self) {
        self.inner().directories.clear();
    }

    /// Breaks the directory at an index, counted around; answers whether there was one.
    pub fn break_one(&self, index: usize, mishap: TableMishap) -> bool {
        let mut inner = self.inner();
        let count = inner.directories.len().max(1);
        let Some(directory) = inner.directories.values_mut().nth(index % count) else { return false };
        directory.mishap = Some(mishap);
        match mishap {
            TableMishap::TableEmptied => {
                directory.trees.iter_mut().filter(|(name, _)| *name != META).for_each(|(_, rows)| rows.clear());
            }
            TableMishap::MarkerLost => {
                directory.trees.remove(META);
            }
            _ => {}
        }
        true
    }

    /// No room any more, or again.
    pub fn set_full(&self, full: bool) {
        self.inner().full = full;
    }

    /// The next commit fails.
    pub fn fail_next_commit(&self, fault: CommitFault) {
        self.inner().failing = Some(fault);
    }

    /// Every row of the directories right below one, but for the markers: what can be compared.
    #[must_use]
    pub fn rows_below(&self, below: &Path) -> BTreeMap<(PathBuf, String), Rows> {
        let mut found = BTreeMap::new();
        for (dir, directory) in &self.inner().directories {
            if dir.parent() == Some(below) {
                let trees = directory.trees.iter().filter(|(name, _)| *name != META);
                found.extend(trees.map(|(name, rows)| ((dir.clone(), name.clone()), rows.clone())));
            }
        }
        found
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl TableStore for SimTables {
    fn open(&self, dir: &Path, trees: &[&str], _: TableOptions) -> Result<Box<dyn Trees>, TableError> {
        let mut inner = self.inner();
        let path = || dir.to_owned();
        if inner.open.contains(dir) {
            return Err(TableError::InUse { dir: path() });
        }
        let directory = inner.directories.entry(path()).or_default();
        match directory.mishap {
            Some(TableMishap::FailsToOpen) => {
                return Err(TableError::Damaged { dir: path(), what: "corruption (simulated)".to_owned() });
            }
            Some(TableMishap::PanicsAtOpen) => {
                return Err(TableError::Panicked { dir: path(), what: "simulated".to_owned() });
            }
            _ => {}
        }
        for name in trees {
            directory.trees.entry((*name).to_owned()).or_default();
        }
        inner.open.insert(path());
        let names = trees.iter().map(|name| (*name).to_owned()).collect();
        Ok(Box::new(SimTrees { tables: self.clone(), dir: path(), names, life: inner.life }))
    }

    fn directories(&self, below: &Path) -> io::Result<Vec<String>> {
        let inner = self.inner();
        let children = inner.directories.keys().filter(|dir| dir.parent() == Some(below));
        Ok(children.filter_map(|dir| Some(dir.file_name()?.to_str()?.to_owned())).collect())
    }

    fn free_space(&self, _: &Path) -> io::Result<u64> {
        Ok(if self.inner().full { 0 } else { u64::MAX })
    }

    fn move_aside(&self, dir: &Path, aside: &Path) -> Result<(), TableError> {
        self.remove(aside)?;
        let mut inner = self.inner();
        if let Some(moved) = inner.directories.remove(dir) {
            inner.directories.insert(aside.to_owned(), moved);
        }
        Ok(())
    }

    fn remove(&self, dir: &Path) -> Result<(), TableError> {
        self.inner().directories.retain(|path, _| !path.starts_with(dir));
        Ok(())
    }
}

/// An open directory of the simulation.
#[derive(Debug)]
struct SimTrees {
    tables: SimTables,
    dir: PathBuf,
    names: Vec<String>,
    life: u64,
}

impl SimTrees {
    fn inner(&self) -> Result<MutexGuard<'_, Inner>, TableError> {
        let inner = self.tables.inner();
        let is_open = inner.life == self.life && inner.open.contains(&self.dir);
        if is_open { Ok(inner) } else { Err(TableError::Closed { dir: self.dir.clone() }) }
    }

    fn gone(&self) -> TableError {
        TableError::Damaged { dir: self.dir.clone(), what: "a table is gone (simulated)".to_owned() }
    }

    fn name(&self, tree: usize) -> Result<&String, TableError> {
        self.names.get(tree).ok_or_else(|| self.gone())
    }

    fn rows_of<'i>(&self, inner: &'i Inner, tree: usize) -> Result<&'i Rows, TableError> {
        let directory = inner.directories.get(&self.dir).ok_or_else(|| self.gone())?;
        directory.trees.get(self.name(tree)?).ok_or_else(|| self.gone())
    }

    /// The directory after a batch, and its marker.
    fn written(
        &self,
        directory: &Directory,
        batch: &TableBatch,
        to: &Applied,
        names: &str,
    ) -> Result<(Directory, Applied), TableError> {
        let (mut directory, mut applied) = (directory.clone(), to.clone());
        for write in batch.writes() {
            let name = self.name(usize::from(write.table.0))?;
            let rows = directory.trees.get_mut(name).ok_or_else(|| self.gone())?;
            let before = match &write.value {
                Some(value) => rows.insert(write.key.clone(), value.clone()),
                None => rows.remove(&write.key),
            };
            let counted = applied.count(write.table, before.is_some(), write.value.is_some());
            counted.map_err(|what| TableError::Damaged { dir: self.dir.clone(), what })?;
        }
        let marker = applied.encode(names);
        directory.trees.entry(META.to_owned()).or_default().insert(APPLIED.to_vec(), marker);
        Ok((directory, applied))
    }
}

impl Trees for SimTrees {
    fn get(&self, tree: usize, key: &[u8]) -> Result<Option<Vec<u8>>, TableError> {
        let inner = self.inner()?;
        let rows = self.rows_of(&inner, tree)?;
        let broken = inner.directories.get(&self.dir).and_then(|directory| directory.mishap);
        if broken == Some(TableMishap::FailsToRead) && tree + 1 < self.names.len() {
            let what = "corruption found by a read (simulated)".to_owned();
            return Err(TableError::Damaged { dir: self.dir.clone(), what });
        }
        Ok(rows.get(key).cloned())
    }

    fn rows(&self, tree: usize, range: &KeyRange, direction: Direction, most: usize) -> Result<Vec<Row>, TableError> {
        let inner = self.inner()?;
        let rows = self.rows_of(&inner, tree)?.range::<Vec<u8>, _>(range.clone());
        let row = |(key, value): (&Vec<u8>, &Vec<u8>)| (key.clone(), value.clone());
        Ok(match direction {
            Direction::Forward => rows.take(most).map(row).collect(),
            Direction::Reverse => rows.rev().take(most).map(row).collect(),
        })
    }

    fn commit(&self, batch: &TableBatch, to: &Applied, names: &str) -> Result<Applied, TableError> {
        let mut inner = self.inner()?;
        let failing = inner.failing.take();
        let directory = inner.directories.get(&self.dir).ok_or_else(|| self.gone())?;
        let (directory, applied) = self.written(directory, batch, to, names)?;
        if failing != Some(CommitFault::Nothing) {
            inner.directories.insert(self.dir.clone(), directory);
        }
        if failing.is_some() {
            let source = io::Error::other("simulated");
            return Err(TableError::Io { path: self.dir.clone(), what: "syncing the table store", source });
        }
        Ok(applied)
    }

    fn close(&self) -> Result<(), TableError> {
        let mut inner = self.tables.inner();
        if inner.life == self.life {
            inner.open.remove(&self.dir);
        }
        Ok(())
    }
}

impl Drop for SimTrees {
    fn drop(&mut self) {
        // Never fails.
        let _ = self.close();
    }
}
