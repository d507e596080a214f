//! The log as it is shipped: read back from its files, up to what is durable. The writer knows nothing of it.

use std::path::PathBuf;
use std::sync::Arc;

use qucan_replication::{Batch, Identity, Point, SnapshotInfo, Source, SourceError};
use qucan_storage::fs::FileSystem;
use qucan_storage::log::{LogReader, ReadError};
use qucan_storage::snapshot::{self, SnapshotStore};
use qucan_storage::{ChainHash, Position, Sequence};

use crate::engine::Handle;

/// A region's log and snapshots, read for shipping.
pub struct LogSource {
    /// Knows what is durable, and is told of damage.
    pub engine: Handle,
    /// Log bytes after what is acknowledged, roughly.
    pub bytes_behind: Box<dyn Fn(u64) -> u64 + Send>,
    /// Where log and snapshots lie.
    pub fs: Arc<dyn FileSystem>,
    /// The log's segments.
    pub log_dir: PathBuf,
    /// The snapshots.
    pub snapshots: SnapshotStore,
    /// Who ships.
    pub identity: Identity,
    /// Where the last reading ended.
    pub reader: Option<LogReader>,
}

fn failed(error: impl std::fmt::Display) -> SourceError {
    SourceError(error.to_string())
}

fn point(at: Position) -> Point {
    Point { sequence: at.sequence.0, hash: at.hash.0 }
}

fn shown(info: &snapshot::SnapshotInfo) -> SnapshotInfo {
    SnapshotInfo { at: point(info.position), epoch: info.epoch.0, bytes: info.bytes }
}

impl LogSource {
    /// An error that the line ends with. Damage is the node's to tell, not only the line's.
    fn unreadable(&self, error: &ReadError) -> SourceError {
        self.engine.could_not_read(error);
        failed(error)
    }

    fn open(&self, after: u64) -> Result<LogReader, ReadError> {
        LogReader::open(Arc::clone(&self.fs), &self.log_dir, Sequence(after))
    }

    fn read_on(&self, reader: &mut LogReader, batch: &mut Batch) -> Result<(), SourceError> {
        let head = Sequence(self.head());
        while !batch.is_full() {
            let Some(group) = reader.next(head).map_err(|error| self.unreadable(&error))? else { break };
            batch.push(group.first().0, point(group.position()), group.raw());
        }
        Ok(())
    }
}

impl Source for LogSource {
    fn identity(&self) -> Identity {
        self.identity.clone()
    }

    fn head(&self) -> u64 {
        self.engine.views().durable_through()
    }

    fn first(&self) -> Result<u64, SourceError> {
        match self.open(0) {
            Ok(_) => Ok(1),
            Err(ReadError::Trimmed { begins, .. }) => Ok(begins.0),
            Err(error) => Err(self.unreadable(&error)),
        }
    }

    fn hash_at(&mut self, sequence: u64) -> Result<Option<[u8; 32]>, SourceError> {
        if sequence > self.head() {
            return Ok(None);
        }
        match self.open(sequence) {
            Ok(reader) => {
                let hash = reader.position().map(|at| at.hash.0);
                self.reader = Some(reader);
                Ok(hash)
            }
            Err(ReadError::Trimmed { .. }) => Ok(None),
            Err(error) => Err(self.unreadable(&error)),
        }
    }

    fn verify_at(&mut self, sequence: u64) -> Result<Option<[u8; 32]>, SourceError> {
        let head = Sequence(self.head());
        let verified = self.open(sequence).and_then(|mut reader| reader.verify(head).map(|()| reader));
        match verified {
            Ok(reader) => Ok(reader.position().map(|at| at.hash.0)),
            Err(ReadError::Trimmed { .. }) => Ok(None),
            Err(error) => Err(self.unreadable(&error)),
        }
    }

    fn read(&mut self, after: u64, batch: &mut Batch) -> Result<(), SourceError> {
        let known = self.reader.take().filter(|reader| reader.after().0 == after);
        let mut reader = match known {
            Some(reader) => reader,
            None => self.open(after).map_err(|error| self.unreadable(&error))?,
        };
        if reader.position().is_none() {
            let head = Sequence(self.head());
            reader.verify(head).map_err(|error| self.unreadable(&error))?;
            return Err(SourceError(format!("no group of the log ends at {after}")));
        }
        // A reader that failed is not used again.
        self.read_on(&mut reader, batch)?;
        self.reader = Some(reader);
        Ok(())
    }

    fn bytes_behind(&mut self, acknowledged: u64) -> u64 {
        (self.bytes_behind)(acknowledged)
    }

    fn snapshot(&mut self) -> Result<Option<SnapshotInfo>, SourceError> {
        let (good, _) = self.snapshots.list().map_err(failed)?;
        let head = self.head();
        Ok(good.iter().rfind(|info| info.position.sequence.0 <= head).map(shown))
    }

    fn seed(&mut self) -> Result<Option<SnapshotInfo>, SourceError> {
        let before = Sequence(self.first()?).previous();
        let (good, _) = self.snapshots.list().map_err(failed)?;
        // Checked whole: the centre would find out only after all of it has been shipped.
        let is_good = |info: &snapshot::SnapshotInfo| {
            let checked = self.snapshots.open_snapshot(info);
            checked.inspect_err(|error| tracing::warn!(%error, "the centre is seeded with a later snapshot")).is_ok()
        };
        Ok(good.iter().filter(|info| info.position.sequence >= before).find(|info| is_good(info)).map(shown))
    }

    fn read_snapshot(
        &mut self,
        info: &SnapshotInfo,
        offset: u64,
        max: usize,
        out: &mut Vec<u8>,
    ) -> Result<(), SourceError> {
        let (good, _) = self.snapshots.list().map_err(failed)?;
        let at = Position { sequence: Sequence(info.at.sequence), hash: ChainHash(info.at.hash) };
        let found = good.into_iter().find(|found| found.position == at && found.bytes == info.bytes);
        let found = found.ok_or_else(|| SourceError(format!("the snapshot at {} is gone", info.at.sequence)))?;
        self.snapshots.read_at(&found, offset, max, out).map_err(failed)
    }
}
