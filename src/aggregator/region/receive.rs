//! The receiving side of a region: what a connection says becomes decisions, entries in the copy, and facts about the line.
//! Blocking; called where waiting is allowed.

use std::sync::Arc;

use qucan_replication::{Fence, Greeting, Hello, Point, SinkError, SnapshotInfo};
use qucan_storage::log::Group;
use qucan_storage::{ChainHash, Epoch, Position, Sequence};

use super::Region;
use super::announcement::Announcement;
use super::guests::Cut;
use super::judge::{AppendTrouble, Refused, Verdict};
use crate::engine::replica::{IncomingSnapshot, SnapshotRefused};

/// Why a node begins with a snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Seeding {
    /// There was nothing here.
    Empty,
    /// What is here ends before its log begins.
    Outrun,
    /// The same, and the snapshot is here: the copy begins anew.
    Anew,
}

/// A node that said hello to its region.
pub struct Guest {
    region: Arc<Region>,
    connection: u64,
    epoch: u32,
    instance: u128,
    /// It begins with a snapshot, and why.
    seeding: Option<Seeding>,
    incoming: Option<IncomingSnapshot>,
}

impl Guest {
    /// Decides about a hello. `cut` ends the connection later, if need be.
    pub fn greet(region: Arc<Region>, hello: &Hello, cut: &Cut) -> Result<(Self, Greeting), SinkError> {
        let identity = &hello.identity;
        let mut guest = Self {
            connection: region.line.enter(),
            epoch: identity.epoch,
            instance: identity.instance,
            seeding: None,
            incoming: None,
            region,
        };
        let region = Arc::clone(&guest.region);
        let _gate = region.gate.lock();
        if let Some(why) = region.replica.failure() {
            return Err(SinkError::Failed(why.to_string()));
        }
        if region.replica.is_stopped() {
            return Err(SinkError::Busy("the copy is being opened anew".to_owned()));
        }
        let standing = region.standing();
        let epoch = standing.granted.0.max(identity.epoch);
        let greeting = match standing.judge(hello) {
            Verdict::Fence(fence) => Greeting::Fenced(guest.fence(fence)),
            Verdict::Gap => {
                region.line.needs_seed();
                let end = standing.received.sequence;
                tracing::warn!(region = %region.id, %end, first = hello.first, epoch = identity.epoch,
                    "the region's log begins behind the copy's end, in an epoch that was never granted");
                Greeting::Refused(format!(
                    "the copy ends at {end} and the log of this node, whose epoch {} was never granted here, begins at {}: \
                     nothing shows that they are one history; move the copy of region {} aside, so that it is seeded anew",
                    identity.epoch, hello.first, region.id
                ))
            }
            Verdict::Outrun => {
                region.line.needs_seed();
                if let Err(why) = region.replica.is_ready_for_seed() {
                    tracing::info!(region = %region.id, why, "the region's log begins behind the copy's end: a seed is wanted");
                    return Err(SinkError::Busy(format!("before the copy can be seeded, {why}")));
                }
                guest.seeding = Some(Seeding::Outrun);
                Greeting::Seed { epoch }
            }
            Verdict::Seed => {
                guest.seeding = Some(Seeding::Empty);
                Greeting::Seed { epoch }
            }
            Verdict::Continue => Greeting::Continue { from: standing.point(), epoch },
        };
        if matches!(greeting, Greeting::Continue { .. } | Greeting::Seed { .. }) {
            region.take_announcement(&identity.announcement);
            region.guests.enter(guest.connection, guest.epoch, cut.clone());
        }
        Ok((guest, greeting))
    }

    /// Appends what is new of the groups.
    pub fn append(&mut self, groups: &[&[u8]]) -> Result<Point, SinkError> {
        let parsed = groups.iter().map(|group| Group::parse(group)).collect::<Result<Vec<_>, _>>();
        let groups = parsed.map_err(|error| SinkError::Malformed(error.to_string()))?;
        let region = Arc::clone(&self.region);
        let _gate = region.gate.lock();
        self.may_go_on()?;
        let standing = region.standing();
        let fresh = standing.fresh(&groups, self.epoch).map_err(|refused| match refused {
            Refused::Fenced(fence) => SinkError::Fenced(self.fence(fence)),
            Refused::Malformed(why) => SinkError::Malformed(why),
        })?;
        if fresh.is_empty() {
            return Ok(standing.point());
        }
        self.adopt_epoch()?;
        let received =
            region.replica.append_as(Epoch(self.epoch), &fresh).map_err(|error| match AppendTrouble::from(error) {
                AppendTrouble::Busy(why) => SinkError::Busy(why),
                AppendTrouble::Failed(why) => SinkError::Failed(why),
                AppendTrouble::Malformed(why) => SinkError::Malformed(why),
            })?;
        let is_new = region.line.received(self.connection, standing.received.sequence.0, received.sequence.0);
        self.take_over(is_new);
        Ok(point(received))
    }

    /// The region's heartbeat: it agrees with the centre's position.
    pub fn heard(&mut self, head: u64, bytes_behind: u64) {
        let region = Arc::clone(&self.region);
        let _gate = region.gate.lock();
        if self.may_go_on().is_err() {
            return;
        }
        if self.seeding.is_none()
            && let Err(error) = self.adopt_epoch()
        {
            tracing::error!(region = %region.id, %error, "the region's epoch could not be taken over");
        }
        let is_new = region.line.heard(self.connection, head, bytes_behind, region.received().sequence.0);
        if self.seeding.is_some_and(|why| why != Seeding::Empty) {
            region.line.needs_seed();
        }
        self.take_over(is_new);
    }

    /// Earlier connections of the region end: they come again if they are somebody else's, and their chains are compared.
    fn take_over(&self, is_new: bool) {
        if is_new {
            self.region.guests.cut(|connection, _| connection < self.connection);
        }
    }

    /// The region says that its chain is another one.
    pub fn diverged(&mut self, at: Point) -> Fence {
        let fence = self.region.standing().diverged(self.epoch, at.sequence);
        self.fence(fence)
    }

    /// Whether a snapshot is newer than what there is for seeding.
    pub fn wants_snapshot(&self, info: &SnapshotInfo) -> bool {
        self.may_go_on().is_ok() && self.region.replica.wants_snapshot(position(&info.at), self.seeding.is_some())
    }

    /// A piece of a snapshot's file.
    pub fn snapshot_bytes(&mut self, info: &SnapshotInfo, offset: u64, bytes: &[u8]) -> Result<(), SinkError> {
        self.may_go_on()?;
        if offset == 0 {
            if self.seeding.is_some() {
                self.adopt_epoch()?;
            }
            let (replica, at, epoch) = (&self.region.replica, position(&info.at), Epoch(info.epoch));
            let begun = match self.seeding {
                Some(Seeding::Outrun | Seeding::Anew) => replica.receive_seed(at, epoch, info.bytes),
                Some(Seeding::Empty) | None => replica.receive_snapshot(at, epoch, info.bytes),
            };
            self.incoming = Some(begun.map_err(refused)?);
        }
        let Some(incoming) = &mut self.incoming else {
            return Err(SinkError::Malformed("a snapshot's piece before its beginning".to_owned()));
        };
        incoming.write(offset, bytes).map_err(|error| refused(error.into()))
    }

    /// A snapshot is whole.
    pub fn snapshot_end(&mut self, info: &SnapshotInfo) -> Result<Point, SinkError> {
        let region = Arc::clone(&self.region);
        let _gate = region.gate.lock();
        self.may_go_on()?;
        let incoming = self.incoming.take();
        let incoming =
            incoming.ok_or_else(|| SinkError::Malformed("the end of a snapshot that never began".to_owned()))?;
        if self.seeding == Some(Seeding::Outrun) {
            return self.begin_anew(incoming);
        }
        let end = region.replica.take_snapshot(incoming).map_err(refused)?;
        tracing::info!(region = %region.id, at = info.at.sequence, bytes = info.bytes, "a snapshot was received");
        if self.seeding.take().is_some() {
            let is_new = region.line.received(self.connection, 0, end.sequence.0);
            self.take_over(is_new);
        }
        Ok(point(end))
    }

    /// The seed takes the place of the copy's log. The region comes again once the copy has been opened anew.
    fn begin_anew(&mut self, seed: IncomingSnapshot) -> Result<Point, SinkError> {
        let region = &self.region;
        let gap = region.replica.take_seed(seed).map_err(|error| match error {
            SnapshotRefused::Foreign { .. } => {
                SinkError::Fenced(self.fence(region.standing().diverged(self.epoch, region.received().sequence.0)))
            }
            error => refused(error),
        })?;
        let (from, to) = (gap.from.sequence.next(), gap.to.sequence);
        tracing::warn!(region = %region.id, %from, %to, "entries never came and are no longer there: the copy begins anew behind them");
        self.seeding = Some(Seeding::Anew);
        Err(SinkError::Busy("the copy begins anew with the snapshot; go on from there".to_owned()))
    }

    /// Whether the copy has to be opened anew, because a seed has taken its log's place.
    pub fn begins_anew(&self) -> bool {
        self.seeding == Some(Seeding::Anew)
    }

    /// Its region.
    pub fn region(&self) -> &Arc<Region> {
        &self.region
    }

    /// Whether its epoch was granted meanwhile to somebody else, or another connection has proved itself.
    fn may_go_on(&self) -> Result<(), SinkError> {
        let standing = self.region.standing();
        if self.epoch < standing.granted.0 {
            return Err(SinkError::Fenced(self.fence(standing.superseded(self.epoch))));
        }
        if !self.region.line.is_latest(self.connection) {
            return Err(SinkError::Busy("another connection of this region has taken over".to_owned()));
        }
        Ok(())
    }

    /// A later epoch than the one granted, with the centre's own position in its chain: the centre was restored from an older
    /// copy and has forgotten that it granted it.
    fn adopt_epoch(&self) -> Result<(), SinkError> {
        let granted = self.region.replica.epoch();
        if self.epoch <= granted.0 {
            return Ok(());
        }
        tracing::warn!(region = %self.region.id, granted = granted.0, theirs = self.epoch, "a later epoch is taken over");
        self.region.replica.grant(Epoch(self.epoch)).map_err(|error| SinkError::Busy(error.to_string()))
    }

    /// Remembers that the node was refused for good. Said in the log when it is news.
    fn fence(&self, fence: Fence) -> Fence {
        let region = &self.region;
        let known = region.line.view().fence;
        if known.is_none_or(|fact| fact.reason != fence.reason || fact.instance != self.instance) {
            let reason = super::line::reason_name(fence.reason);
            tracing::warn!(region = %region.id, epoch = self.epoch, reason, detail = %fence.detail, "a node is refused");
        }
        region.line.fenced(&fence, self.instance);
        fence
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        self.region.guests.leave(self.connection);
        self.region.line.left(self.connection);
    }
}

impl Region {
    fn take_announcement(&self, bytes: &[u8]) {
        let said = Announcement::parse(bytes);
        if **self.announcement.load() == said {
            return;
        }
        if let Err(error) = said.save(&self.announcement_file) {
            tracing::warn!(region = %self.id, %error, "what the region announces could not be kept");
        }
        self.announcement.store(Arc::new(said));
    }
}

/// What a snapshot's refusal means for the line.
fn refused(refused: SnapshotRefused) -> SinkError {
    match refused {
        SnapshotRefused::Failed(why) => SinkError::Failed(why),
        SnapshotRefused::Epoch { .. } | SnapshotRefused::OtherHistory { .. } => {
            SinkError::Malformed(refused.to_string())
        }
        _ => SinkError::Busy(refused.to_string()),
    }
}

fn position(point: &Point) -> Position {
    Position { sequence: Sequence(point.sequence), hash: ChainHash(point.hash) }
}

fn point(position: Position) -> Point {
    Point { sequence: position.sequence.0, hash: position.hash.0 }
}
