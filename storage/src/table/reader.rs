//! Reading tables, from any thread, while their writer goes on.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use crate::limits::TABLE_SCAN_ROWS_MAX;

use super::batch::KeyRange;
use super::guard::guarded;
use super::{Applied, Direction, Row, Scan, Table, TableError, let_go};

/// Rows fetched between two calls of a visitor.
const VISIT_ROWS: usize = 64;

/// Reads tables from any thread. Clones share them; once they are closed, every call says so.
#[derive(Clone, Debug)]
pub struct TableReader {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    dir: PathBuf,
    /// The tables in the order of their names, and the meta tree behind them; none once closed.
    trees: RwLock<Vec<sled::Tree>>,
    applied: RwLock<Applied>,
    /// An error has closed the tables.
    closed: AtomicBool,
}

impl TableReader {
    pub(crate) fn new(dir: &Path, trees: Vec<sled::Tree>, applied: Applied) -> Self {
        let (trees, applied) = (RwLock::new(trees), RwLock::new(applied));
        let shared = Shared { dir: dir.to_owned(), trees, applied, closed: AtomicBool::new(false) };
        Self { shared: Arc::new(shared) }
    }

    /// How far the log has been applied: what is read after this call is at least as new.
    #[must_use]
    pub fn applied(&self) -> Applied {
        self.shared.applied.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn publish(&self, applied: &Applied) {
        self.shared.applied.write().unwrap_or_else(PoisonError::into_inner).clone_from(applied);
    }

    /// The value of a key.
    pub fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, TableError> {
        self.with_tree(table, |tree| {
            self.noting(guarded(&self.shared.dir, || Ok(tree.get(key)?.map(|value| value.to_vec()))))
        })
    }

    /// Rows of a range, in order, at most as many as the scan's limit.
    pub fn scan(&self, table: Table, scan: &Scan<'_>) -> Result<Vec<Row>, TableError> {
        if scan.limit > TABLE_SCAN_ROWS_MAX {
            return Err(TableError::Bounds { what: format!("{} rows in a scan", scan.limit) });
        }
        let mut rows = Vec::new();
        self.visit(table, scan, |key, value| {
            rows.push((key.to_vec(), value.to_vec()));
            rows.len() < scan.limit
        })?;
        Ok(rows)
    }

    /// Visits rows of a range in order until `visit` says false or the scan's limit is reached; returns
    /// how many it saw.
    pub fn visit(
        &self,
        table: Table,
        scan: &Scan<'_>,
        visit: impl FnMut(&[u8], &[u8]) -> bool,
    ) -> Result<u64, TableError> {
        self.with_tree(table, |tree| self.visit_tree(tree, scan, visit))
    }

    fn visit_tree(
        &self,
        tree: &sled::Tree,
        scan: &Scan<'_>,
        mut visit: impl FnMut(&[u8], &[u8]) -> bool,
    ) -> Result<u64, TableError> {
        let Some((from, to)) = scan.bounds() else { return Ok(0) };
        let mut rows = tree.range::<Vec<u8>, KeyRange>((from, to));
        let (mut seen, limit) = (0, crate::bytes::wide(scan.limit));
        loop {
            let wanted = VISIT_ROWS.min(crate::bytes::narrow(limit.saturating_sub(seen)));
            let fetched = guarded(&self.shared.dir, || match scan.direction {
                Direction::Forward => rows.by_ref().take(wanted).collect::<Result<Vec<_>, _>>(),
                Direction::Reverse => rows.by_ref().rev().take(wanted).collect(),
            });
            let fetched = self.noting(fetched)?;
            for (key, value) in &fetched {
                seen += 1;
                if !visit(key, value) {
                    return Ok(seen);
                }
            }
            if fetched.len() < VISIT_ROWS {
                return Ok(seen);
            }
        }
    }

    /// Reads every row and compares the number of rows with what `applied` says. Takes seconds per million rows.
    pub fn check_counts(&self) -> Result<(), TableError> {
        for (index, expected) in self.applied().counts.iter().enumerate() {
            let table = Table(u8::try_from(index).unwrap_or(u8::MAX));
            let all = Scan { limit: usize::MAX, ..Scan::all() };
            let found = self.visit(table, &all, |_, _| true)?;
            if found != *expected {
                let what = format!("table {index} has {found} rows, {expected} were applied");
                return self.noting(Err(TableError::Damaged { dir: self.shared.dir.clone(), what }));
            }
        }
        Ok(())
    }

    /// Uses a tree. Where the tables are closed meanwhile, this is the last one that holds it, and sled syncs as it goes.
    fn with_tree<T>(
        &self,
        table: Table,
        act: impl FnOnce(&sled::Tree) -> Result<T, TableError>,
    ) -> Result<T, TableError> {
        let tree = self.tree(table)?;
        let done = act(&tree);
        // What sled says while it goes no longer matters to anybody.
        let _ = let_go(&self.shared.dir, None, vec![tree]);
        done
    }

    fn tree(&self, table: Table) -> Result<sled::Tree, TableError> {
        let trees = self.shared.trees.read().unwrap_or_else(PoisonError::into_inner);
        self.check_open(&trees)?;
        let (index, tables) = (usize::from(table.0), trees.len().saturating_sub(1));
        let tree = trees.get(index).filter(|_| index < tables).cloned();
        tree.ok_or_else(|| TableError::Bounds { what: format!("table {index} of {tables}") })
    }

    fn check_open(&self, trees: &[sled::Tree]) -> Result<(), TableError> {
        if trees.is_empty() || self.shared.closed.load(Ordering::Acquire) {
            return Err(TableError::Closed { dir: self.shared.dir.clone() });
        }
        Ok(())
    }

    /// All trees, the meta tree last.
    pub(crate) fn trees(&self) -> Result<Vec<sled::Tree>, TableError> {
        let trees = self.shared.trees.read().unwrap_or_else(PoisonError::into_inner);
        self.check_open(&trees)?;
        Ok(trees.clone())
    }

    /// Takes the trees away from all readers.
    pub(crate) fn close(&self) -> Vec<sled::Tree> {
        std::mem::take(&mut *self.shared.trees.write().unwrap_or_else(PoisonError::into_inner))
    }

    /// Passes an outcome on; a fatal error closes the tables.
    pub(crate) fn noting<T>(&self, outcome: Result<T, TableError>) -> Result<T, TableError> {
        if outcome.as_ref().is_err_and(TableError::is_fatal) {
            self.shared.closed.store(true, Ordering::Release);
        }
        outcome
    }
}
