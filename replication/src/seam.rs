//! The two seams: what shipping needs of a log on the region's side ([`Source`]) and on the centre's ([`Sink`]).
//! Both may block; the drivers call them where waiting is allowed.

use crate::limits;
use crate::point::{Fence, FenceReason, Hello, Identity, Point, SnapshotInfo};

/// The log can't be read. The line is closed and tried again.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{0}")]
pub struct SourceError(pub String);

/// Groups read from a log, verbatim, up to a number of bytes.
#[derive(Debug, Default)]
pub struct Batch {
    bytes: Vec<u8>,
    ends: Vec<(usize, Point)>,
    first: u64,
    bytes_max: usize,
    gap: bool,
}

impl Batch {
    /// An empty batch that is full from `bytes_max` on; one group always goes in.
    #[must_use]
    pub fn new(bytes_max: usize) -> Self {
        Self { bytes_max, ..Self::default() }
    }

    /// Adds a group whose first entry is `first` and which ends at `last`.
    pub fn push(&mut self, first: u64, last: Point, group: &[u8]) {
        match self.ends.last() {
            None => self.first = first,
            Some((_, before)) => self.gap |= before.sequence.checked_add(1) != Some(first),
        }
        self.gap |= last.sequence < first || group.is_empty();
        self.bytes.extend_from_slice(group);
        self.ends.push((self.bytes.len(), last));
    }

    /// Whether no more should be added.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.bytes.len() >= self.bytes_max || self.ends.len() >= limits::BATCH_GROUPS_MAX
    }

    /// Groups in it.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Empties it for another round.
    pub fn restart(&mut self, bytes_max: usize) {
        self.bytes.clear();
        self.bytes.shrink_to(limits::BATCH_BYTES_MAX * 2);
        self.ends.clear();
        self.gap = false;
        self.bytes_max = bytes_max;
    }

    /// Where it ends, if its groups follow `after` and one another without a gap.
    pub(crate) fn end_after(&self, after: u64) -> Option<Point> {
        let (_, last) = self.ends.last()?;
        (!self.gap && after.checked_add(1) == Some(self.first)).then_some(*last)
    }

    /// The groups' bytes, one after the other.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Entries and bytes of each group, in order.
    pub(crate) fn spans(&self, after: u64) -> impl Iterator<Item = (u64, usize)> {
        let mut before = (after, 0);
        self.ends.iter().map(move |(end, point)| {
            let span = (point.sequence.saturating_sub(before.0), end.saturating_sub(before.1));
            before = (point.sequence, *end);
            span
        })
    }
}

/// The region's side: a log that only grows at its end.
pub trait Source: Send + 'static {
    /// Who ships.
    fn identity(&self) -> Identity;
    /// Last durable sequence.
    fn head(&self) -> u64;
    /// First sequence still in the log.
    fn first(&self) -> Result<u64, SourceError>;
    /// The chain hash at `sequence`; `None` where no group ends there, it was trimmed, or it is not durable yet.
    fn hash_at(&mut self, sequence: u64) -> Result<Option<[u8; 32]>, SourceError>;
    /// The same, read whole and checked: asked once more before histories are said to differ. Where what is there turns out to
    /// be damaged it is an error: damage is not another history.
    fn verify_at(&mut self, sequence: u64) -> Result<Option<[u8; 32]>, SourceError> {
        self.hash_at(sequence)
    }
    /// Adds what follows `after` to the batch, in order, until it is full or there is no more.
    fn read(&mut self, after: u64, batch: &mut Batch) -> Result<(), SourceError>;
    /// Log bytes after `acknowledged`, roughly.
    fn bytes_behind(&mut self, acknowledged: u64) -> u64;
    /// The newest snapshot.
    fn snapshot(&mut self) -> Result<Option<SnapshotInfo>, SourceError>;
    /// The snapshot to seed an empty or outrun centre with: the oldest from which the log goes on, so that as little as
    /// can be is lost.
    fn seed(&mut self) -> Result<Option<SnapshotInfo>, SourceError> {
        self.snapshot()
    }
    /// Appends up to `max` bytes of a snapshot's file from `offset` on to `out`.
    fn read_snapshot(
        &mut self,
        info: &SnapshotInfo,
        offset: u64,
        max: usize,
        out: &mut Vec<u8>,
    ) -> Result<(), SourceError>;
}

/// What the centre says to a hello.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Greeting {
    /// Ship what follows `from`.
    Continue {
        /// The last position the centre has synced.
        from: Point,
        /// The epoch the centre has granted last.
        epoch: u32,
    },
    /// The centre has nothing, or ends before the region's log begins: ship a snapshot first, then what follows it.
    Seed {
        /// The epoch the centre has granted last.
        epoch: u32,
    },
    /// This history has ended.
    Fenced(Fence),
    /// Not now or not this way, in words; tried again.
    Refused(String),
}

/// The centre can't take something.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum SinkError {
    /// The groups are of another history.
    #[error("{}", .0.detail)]
    Fenced(Fence),
    /// Not now (a full disk): the line is closed, the sender comes again.
    #[error("{0}")]
    Busy(String),
    /// The log is closed for good until a restart.
    #[error("{0}")]
    Failed(String),
    /// Not whole, healthy groups in order.
    #[error("{0}")]
    Malformed(String),
}

/// The centre's side of one connection.
pub trait Sink: Send + 'static {
    /// Decides about whoever says hello.
    fn greet(&mut self, hello: &Hello) -> Result<Greeting, SinkError>;
    /// Appends groups verbatim; they are synced when it answers with the log's new end. Groups that it has already
    /// are passed over.
    fn append(&mut self, groups: &[&[u8]]) -> Result<Point, SinkError>;
    /// How far the region is, as it last said, and how many bytes of it are not acknowledged.
    fn heard(&mut self, head: u64, bytes_behind: u64);
    /// The region says that its history differs at the position the centre greeted it with (`theirs`: its hash there,
    /// `None` when no group of it ends there). Answers the fence it is told; `epoch` is the one granted last.
    fn diverged(&mut self, at: Point, theirs: Option<[u8; 32]>, epoch: u32) -> Fence {
        let found = if theirs.is_some() { "another hash" } else { "no group that ends there" };
        let detail = format!("the centre stands at {at:?}, where the region has {found}");
        Fence { reason: FenceReason::OtherHistory, detail, epoch }
    }
    /// Whether a snapshot should be shipped.
    fn snapshot_wanted(&mut self, info: &SnapshotInfo) -> bool;
    /// A piece of a snapshot's file, in order.
    fn snapshot_bytes(&mut self, info: &SnapshotInfo, offset: u64, bytes: &[u8]) -> Result<(), SinkError>;
    /// The file is whole: checked and put into place. Answers the log's end (which a seed moves).
    fn snapshot_end(&mut self, info: &SnapshotInfo) -> Result<Point, SinkError>;
}
