//! A log in memory, and what ships it and receives it: doubles for the sessions' tests. The log is a chain of groups with
//! random contents; it checks all that is put into it and remembers what was done to it.

#![allow(dead_code, reason = "each test uses its part")]

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use qucan_replication::{
    Batch, Fence, FenceReason, Greeting, Hello, Identity, Point, Sink, SinkError, SnapshotInfo, Source, SourceError,
};

pub use qucan_replication::simulation::Dice;

/// One group: epoch, first, count, previous hash, payload, hash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    pub first: u64,
    pub last: Point,
    pub epoch: u32,
    pub previous: [u8; 32],
    pub bytes: Vec<u8>,
}

impl Group {
    pub fn new(epoch: u32, after: Point, count: u32, payload: &[u8]) -> Self {
        let mut bytes = Vec::with_capacity(payload.len() + 80);
        bytes.extend_from_slice(&epoch.to_le_bytes());
        bytes.extend_from_slice(&(after.sequence + 1).to_le_bytes());
        bytes.extend_from_slice(&count.to_le_bytes());
        bytes.extend_from_slice(&after.hash);
        bytes.extend_from_slice(payload);
        let hash = hash(&bytes);
        bytes.extend_from_slice(&hash);
        let last = Point { sequence: after.sequence + u64::from(count), hash };
        Self { first: after.sequence + 1, last, epoch, previous: after.hash, bytes }
    }

    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let (body, stored) = bytes.split_at_checked(bytes.len().checked_sub(32)?)?;
        let stored: [u8; 32] = stored.try_into().ok()?;
        if body.len() < 48 || hash(body) != stored {
            return None;
        }
        let epoch = u32::from_le_bytes(body[..4].try_into().ok()?);
        let first = u64::from_le_bytes(body[4..12].try_into().ok()?);
        let count = u32::from_le_bytes(body[12..16].try_into().ok()?);
        let previous = body[16..48].try_into().ok()?;
        let last = Point { sequence: first + u64::from(count) - 1, hash: stored };
        Some(Self { first, last, epoch, previous, bytes: bytes.to_vec() })
    }
}

fn hash(bytes: &[u8]) -> [u8; 32] {
    *blake3::hash(bytes).as_bytes()
}

/// A log: what is durable, and what isn't yet.
#[derive(Clone, Debug, Default)]
pub struct Log {
    pub groups: Vec<Group>,
    /// Where the log begins (after trimming or a seed).
    pub base: Point,
    /// Groups that are synced.
    pub durable: usize,
    pub snapshot: Option<SnapshotInfo>,
}

impl Log {
    pub fn end(&self) -> Point {
        self.groups.last().map_or(self.base, |group| group.last)
    }

    pub fn durable_end(&self) -> Point {
        self.durable.checked_sub(1).map_or(self.base, |at| self.groups[at].last)
    }

    pub fn commit(&mut self, epoch: u32, count: u32, payload: &[u8]) -> Point {
        let group = Group::new(epoch, self.end(), count, payload);
        self.groups.push(group);
        self.durable = self.groups.len();
        self.end()
    }

    /// The durable group that ends at this sequence.
    pub fn hash_at(&self, sequence: u64) -> Option<[u8; 32]> {
        if sequence == self.base.sequence && sequence == 0 {
            return Some(self.base.hash);
        }
        let at = self.groups.binary_search_by_key(&sequence, |group| group.last.sequence).ok()?;
        (at < self.durable).then(|| self.groups[at].last.hash)
    }

    /// Forgets everything up to a group's end.
    pub fn trim(&mut self, groups: usize) {
        let groups = groups.min(self.durable);
        if let Some(last) = groups.checked_sub(1) {
            self.base = self.groups[last].last;
            self.groups.drain(..groups);
            self.durable -= groups;
        }
    }

    pub fn take_snapshot(&mut self, epoch: u32, bytes: u64) {
        self.snapshot = Some(SnapshotInfo { at: self.durable_end(), epoch, bytes });
    }
}

/// What a snapshot's file holds: follows from where it was taken.
pub fn snapshot_file(info: &SnapshotInfo) -> Vec<u8> {
    Dice::new(info.at.sequence ^ info.bytes).bytes(info.bytes as usize)
}

pub type Shared<T> = Arc<Mutex<T>>;

pub fn shared<T>(value: T) -> Shared<T> {
    Arc::new(Mutex::new(value))
}

pub fn lock<T>(shared: &Shared<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The region's side.
#[derive(Clone)]
pub struct LogSource {
    pub log: Shared<Log>,
    pub identity: Identity,
}

impl LogSource {
    pub fn new(log: &Shared<Log>, epoch: u32, instance: u128) -> Self {
        let identity = Identity { region: "north".into(), epoch, instance, announcement: b"{}".to_vec() };
        Self { log: Arc::clone(log), identity }
    }
}

impl Source for LogSource {
    fn identity(&self) -> Identity {
        self.identity.clone()
    }

    fn head(&self) -> u64 {
        lock(&self.log).durable_end().sequence
    }

    fn first(&self) -> Result<u64, SourceError> {
        Ok(lock(&self.log).base.sequence + 1)
    }

    fn hash_at(&mut self, sequence: u64) -> Result<Option<[u8; 32]>, SourceError> {
        Ok(lock(&self.log).hash_at(sequence))
    }

    fn read(&mut self, after: u64, batch: &mut Batch) -> Result<(), SourceError> {
        let log = lock(&self.log);
        let from = log.groups.partition_point(|group| group.first <= after);
        for group in log.groups.iter().take(log.durable).skip(from) {
            if batch.is_full() {
                break;
            }
            batch.push(group.first, group.last, &group.bytes);
        }
        Ok(())
    }

    fn bytes_behind(&mut self, acknowledged: u64) -> u64 {
        let log = lock(&self.log);
        log.groups
            .iter()
            .rev()
            .take_while(|group| group.first > acknowledged)
            .map(|group| group.bytes.len() as u64)
            .sum()
    }

    fn snapshot(&mut self) -> Result<Option<SnapshotInfo>, SourceError> {
        Ok(lock(&self.log).snapshot)
    }

    fn read_snapshot(
        &mut self,
        info: &SnapshotInfo,
        offset: u64,
        max: usize,
        out: &mut Vec<u8>,
    ) -> Result<(), SourceError> {
        if lock(&self.log).snapshot != Some(*info) {
            return Err(SourceError("a newer snapshot took its place".into()));
        }
        let file = snapshot_file(info);
        let from = offset as usize;
        out.extend_from_slice(&file[from..file.len().min(from + max)]);
        Ok(())
    }
}

/// What the centre has of one region, and what was done to it.
#[derive(Clone, Debug, Default)]
pub struct Centre {
    pub log: Log,
    pub epoch: u32,
    pub snapshots: Vec<SnapshotInfo>,
    pub partial: Vec<u8>,
    pub heard: Option<(u64, u64)>,
    /// Writes whatever it gets behind what it has.
    pub trusting: bool,
    /// The next append stops after so many groups, nothing synced, and fails.
    pub append_dies_after: Option<usize>,
    pub busy: bool,
    /// A greeting asked for a snapshot first.
    pub seeding: bool,
    pub appends: u64,
    pub groups_appended: u64,
}

/// The centre's side of one connection.
#[derive(Clone)]
pub struct CentreSink(pub Shared<Centre>);

impl Sink for CentreSink {
    fn greet(&mut self, hello: &Hello) -> Result<Greeting, SinkError> {
        let mut centre = lock(&self.0);
        let fence = |reason, detail: &str, epoch| Ok(Greeting::Fenced(Fence { reason, detail: detail.into(), epoch }));
        if centre.epoch == 0 {
            centre.epoch = hello.identity.epoch;
        }
        let epoch = centre.epoch;
        if hello.identity.region != "north" {
            return Ok(Greeting::Refused("another region".into()));
        }
        if hello.identity.epoch < epoch {
            return fence(FenceReason::EpochSuperseded, "a later epoch was granted", epoch);
        }
        if hello.identity.epoch > epoch {
            return fence(FenceReason::EpochNotGranted, "nobody granted this epoch", epoch);
        }
        let from = centre.log.durable_end();
        if hello.head < from.sequence {
            return fence(FenceReason::BehindCentre, "the centre has more", epoch);
        }
        centre.seeding = from.sequence + 1 < hello.first;
        if centre.seeding {
            return Ok(Greeting::Seed { epoch });
        }
        Ok(Greeting::Continue { from, epoch })
    }

    fn append(&mut self, groups: &[&[u8]]) -> Result<Point, SinkError> {
        let mut centre = lock(&self.0);
        if centre.busy {
            return Err(SinkError::Busy("disk full".into()));
        }
        centre.appends += 1;
        let dies = centre.append_dies_after.take();
        for (at, bytes) in groups.iter().enumerate() {
            if dies == Some(at) {
                return Err(SinkError::Failed("killed".into()));
            }
            let group = Group::parse(bytes).ok_or_else(|| SinkError::Malformed("not a group".into()))?;
            let end = centre.log.end();
            if !centre.trusting {
                if group.last.sequence <= end.sequence {
                    if centre.log.groups.iter().any(|have| have.last == group.last) {
                        continue;
                    }
                    return Err(SinkError::Malformed("an old group that isn't here".into()));
                }
                if group.first != end.sequence + 1 {
                    return Err(SinkError::Malformed("a gap".into()));
                }
                if group.previous != end.hash {
                    let detail = "the chain differs".to_owned();
                    let fence = Fence { reason: FenceReason::OtherHistory, detail, epoch: centre.epoch };
                    return Err(SinkError::Fenced(fence));
                }
            }
            centre.groups_appended += 1;
            centre.log.groups.push(group);
        }
        if dies.is_some() {
            return Err(SinkError::Failed("killed".into()));
        }
        centre.log.durable = centre.log.groups.len();
        Ok(centre.log.end())
    }

    fn heard(&mut self, head: u64, bytes_behind: u64) {
        lock(&self.0).heard = Some((head, bytes_behind));
    }

    fn snapshot_wanted(&mut self, info: &SnapshotInfo) -> bool {
        !lock(&self.0).snapshots.contains(info)
    }

    fn snapshot_bytes(&mut self, _: &SnapshotInfo, offset: u64, bytes: &[u8]) -> Result<(), SinkError> {
        let mut centre = lock(&self.0);
        centre.partial.truncate(offset as usize);
        if centre.partial.len() as u64 != offset {
            return Err(SinkError::Malformed("a hole in a snapshot".into()));
        }
        centre.partial.extend_from_slice(bytes);
        Ok(())
    }

    fn snapshot_end(&mut self, info: &SnapshotInfo) -> Result<Point, SinkError> {
        let mut centre = lock(&self.0);
        if centre.partial != snapshot_file(info) {
            return Err(SinkError::Malformed("a snapshot that isn't whole".into()));
        }
        centre.snapshots.push(*info);
        if std::mem::take(&mut centre.seeding) {
            centre.log = Log { base: info.at, ..Log::default() };
        }
        Ok(centre.log.end())
    }
}
