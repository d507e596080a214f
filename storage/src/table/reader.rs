//! Reading tables, from any thread, while their writer goes on.

use std::ops::Bound;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use crate::limits::TABLE_SCAN_ROWS_MAX;

use super::batch::is_a_range;
use super::{Applied, Direction, Row, Scan, Table, TableError, Trees};

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
    /// The tables in the order of their names, and the meta tree behind them.
    trees: Box<dyn Trees>,
    tables: usize,
    applied: RwLock<Applied>,
    /// They were closed, or an error has closed them.
    closed: AtomicBool,
}

impl TableReader {
    pub(crate) fn new(dir: &Path, trees: Box<dyn Trees>, applied: Applied) -> Self {
        let (tables, applied) = (applied.counts.len(), RwLock::new(applied));
        let shared = Shared { dir: dir.to_owned(), trees, tables, applied, closed: AtomicBool::new(false) };
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
        let tree = self.tree(table)?;
        self.noting(self.trees()?.get(tree, key))
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
        mut visit: impl FnMut(&[u8], &[u8]) -> bool,
    ) -> Result<u64, TableError> {
        let tree = self.tree(table)?;
        let Some(mut range) = scan.bounds() else { return Ok(0) };
        let (mut seen, limit) = (0, crate::bytes::wide(scan.limit));
        loop {
            let wanted = VISIT_ROWS.min(crate::bytes::narrow(limit.saturating_sub(seen)));
            let fetched = self.noting(self.trees()?.rows(tree, &range, scan.direction, wanted))?;
            for (key, value) in &fetched {
                seen += 1;
                if !visit(key, value) {
                    return Ok(seen);
                }
            }
            if fetched.len() < VISIT_ROWS {
                return Ok(seen);
            }
            let Some((last, _)) = fetched.into_iter().next_back() else { return Ok(seen) };
            match scan.direction {
                Direction::Forward => range.0 = Bound::Excluded(last),
                Direction::Reverse => range.1 = Bound::Excluded(last),
            }
            if !is_a_range(&range) {
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

    fn tree(&self, table: Table) -> Result<usize, TableError> {
        let (index, tables) = (usize::from(table.0), self.shared.tables);
        if index < tables { Ok(index) } else { Err(TableError::Bounds { what: format!("table {index} of {tables}") }) }
    }

    pub(crate) fn check_open(&self) -> Result<(), TableError> {
        if self.shared.closed.load(Ordering::Acquire) {
            return Err(TableError::Closed { dir: self.shared.dir.clone() });
        }
        Ok(())
    }

    /// The trees, while they are open.
    pub(crate) fn trees(&self) -> Result<&dyn Trees, TableError> {
        self.check_open()?;
        Ok(&*self.shared.trees)
    }

    /// Takes the trees away from all readers.
    pub(crate) fn close(&self) -> Result<(), TableError> {
        self.shared.closed.store(true, Ordering::Release);
        self.shared.trees.close()
    }

    /// Passes an outcome on; a fatal error closes the tables.
    pub(crate) fn noting<T>(&self, outcome: Result<T, TableError>) -> Result<T, TableError> {
        if outcome.as_ref().is_err_and(TableError::is_fatal) {
            self.shared.closed.store(true, Ordering::Release);
        }
        outcome
    }
}
