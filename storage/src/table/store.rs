//! The seam below the tables: where their trees lie. Two implementations: sled on disk, and [`super::SimTables`] in memory
//! for simulations. What makes tables of trees (the marker, the counts, the bounds) lies above it and is the same for both.

use std::fmt::Debug;
use std::io;
use std::path::Path;

use super::batch::{Direction, KeyRange, TableBatch};
use super::{Applied, Row, TableError, TableOptions};

/// Where directories of tables lie.
pub trait TableStore: Send + Sync + Debug {
    /// Opens a directory's trees by their names, making what is missing.
    fn open(&self, dir: &Path, trees: &[&str], options: TableOptions) -> Result<Box<dyn Trees>, TableError>;
    /// The names of the directories below one, in no particular order; none where there is none.
    fn directories(&self, below: &Path) -> io::Result<Vec<String>>;
    /// Free bytes where a directory lies or is to be made.
    fn free_space(&self, dir: &Path) -> io::Result<u64>;
    /// Renames a broken directory to `aside` (deleting what lay there), so that a new one can be built and the old one looked
    /// at. Nothing to do when it is missing.
    fn move_aside(&self, dir: &Path, aside: &Path) -> Result<(), TableError>;
    /// Deletes a directory of tables (closed before), or one moved aside. Nothing to do when it is missing.
    fn remove(&self, dir: &Path) -> Result<(), TableError>;
}

/// Ordered trees of bytes, told apart by the index of their names; the last one holds the marker.
pub trait Trees: Send + Sync + Debug {
    /// The value of a key.
    fn get(&self, tree: usize, key: &[u8]) -> Result<Option<Vec<u8>>, TableError>;
    /// The first rows of a range as seen from one of its ends, at most so many.
    fn rows(&self, tree: usize, range: &KeyRange, direction: Direction, most: usize) -> Result<Vec<Row>, TableError>;
    /// Writes a batch and the marker, all or nothing, durable when it returns; the marker as it was written.
    fn commit(&self, batch: &TableBatch, to: &Applied, names: &str) -> Result<Applied, TableError>;
    /// Lets the directory go. Whatever is asked from here on is [`TableError::Closed`].
    fn close(&self) -> Result<(), TableError>;
}
