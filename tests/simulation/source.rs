//! The region's log and snapshots as replication sees them: read from the disk, as far as the writer has synced.

use std::path::PathBuf;
use std::sync::Arc;

use qucan::engine::Views;
use qucan_replication::{Batch, Identity, Point, SnapshotInfo, Source, SourceError};
use qucan_storage::fs::SimFs;
use qucan_storage::log::LogReader;
use qucan_storage::snapshot::SnapshotStore;
use qucan_storage::{ChainHash, Position, Sequence, snapshot};

pub struct LogSource {
    pub fs: SimFs,
    pub log_dir: PathBuf,
    pub snapshot_dir: PathBuf,
    pub views: Arc<Views>,
    pub first: u64,
    pub instance: u128,
}

impl LogSource {
    fn reader(&self, after: u64) -> Result<LogReader, SourceError> {
        LogReader::open(self.fs.shared(), &self.log_dir, Sequence(after)).map_err(failed)
    }

    fn snapshots(&self) -> SnapshotStore {
        SnapshotStore::read_only(self.fs.shared(), &self.snapshot_dir)
    }
}

fn failed(error: impl std::fmt::Display) -> SourceError {
    SourceError(error.to_string())
}

pub fn point(at: Position) -> Point {
    Point { sequence: at.sequence.0, hash: at.hash.0 }
}

impl Source for LogSource {
    fn identity(&self) -> Identity {
        Identity { region: "east".into(), epoch: 1, instance: self.instance, announcement: Vec::new() }
    }

    fn head(&self) -> u64 {
        self.views.durable_through()
    }

    fn first(&self) -> Result<u64, SourceError> {
        Ok(self.first)
    }

    fn hash_at(&mut self, sequence: u64) -> Result<Option<[u8; 32]>, SourceError> {
        if sequence > self.head() {
            return Ok(None);
        }
        Ok(self.reader(sequence)?.position().map(|at| at.hash.0))
    }

    fn read(&mut self, after: u64, batch: &mut Batch) -> Result<(), SourceError> {
        let (mut reader, head) = (self.reader(after)?, Sequence(self.head()));
        while !batch.is_full() {
            let Some(group) = reader.next(head).map_err(failed)? else { break };
            batch.push(group.first().0, point(group.position()), group.raw());
        }
        Ok(())
    }

    fn bytes_behind(&mut self, acknowledged: u64) -> u64 {
        self.head().saturating_sub(acknowledged) * 200
    }

    fn snapshot(&mut self) -> Result<Option<SnapshotInfo>, SourceError> {
        let (good, _) = self.snapshots().list().map_err(failed)?;
        let newest = good.into_iter().rfind(|info| info.position.sequence.0 <= self.head());
        Ok(newest.map(|info| SnapshotInfo { at: point(info.position), epoch: info.epoch.0, bytes: info.bytes }))
    }

    fn read_snapshot(
        &mut self,
        info: &SnapshotInfo,
        offset: u64,
        max: usize,
        out: &mut Vec<u8>,
    ) -> Result<(), SourceError> {
        let at = Position { sequence: Sequence(info.at.sequence), hash: ChainHash(info.at.hash) };
        let (good, _) = self.snapshots().list().map_err(failed)?;
        let found: Option<snapshot::SnapshotInfo> = good.into_iter().find(|info| info.position == at);
        let found = found.ok_or_else(|| failed("a newer snapshot took its place"))?;
        self.snapshots().read_at(&found, offset, max, out).map_err(failed)
    }
}
