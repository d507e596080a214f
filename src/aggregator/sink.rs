//! A connection's way to its region: which one is decided by the token, and by the hello where a sandbox's token is good for
//! any. Everything else is the region's.

use std::sync::Arc;

use qucan_replication::{Fence, Greeting, Hello, Point, Sink, SinkError, SnapshotInfo};

use super::region::{Cut, Guest};
use super::regions::{Pass, Regions};

/// The centre's side of one connection.
pub struct RegionSink {
    regions: Arc<Regions>,
    pass: Pass,
    guest: Option<Guest>,
    cut: Cut,
}

impl RegionSink {
    /// For a connection whose token was checked.
    pub fn new(regions: Arc<Regions>, pass: Pass) -> Self {
        Self { regions, pass, guest: None, cut: Cut::default() }
    }

    /// Tells when the connection has to end.
    pub fn cut(&self) -> Cut {
        self.cut.clone()
    }

    fn guest(&mut self) -> Result<&mut Guest, SinkError> {
        self.guest.as_mut().ok_or_else(|| SinkError::Malformed("nobody has said hello".to_owned()))
    }
}

impl Sink for RegionSink {
    fn greet(&mut self, hello: &Hello) -> Result<Greeting, SinkError> {
        let region = match self.regions.greeted(&self.pass, &hello.identity.region) {
            Ok(region) => region,
            Err(why) => return Ok(Greeting::Refused(why)),
        };
        let (guest, greeting) = Guest::greet(region, hello, &self.cut)?;
        self.guest = Some(guest);
        Ok(greeting)
    }

    fn append(&mut self, groups: &[&[u8]]) -> Result<Point, SinkError> {
        self.guest()?.append(groups)
    }

    fn heard(&mut self, head: u64, bytes_behind: u64) {
        if let Some(guest) = &mut self.guest {
            guest.heard(head, bytes_behind);
        }
    }

    fn diverged(&mut self, at: Point, theirs: Option<[u8; 32]>, epoch: u32) -> Fence {
        let _ = (theirs, epoch);
        match &mut self.guest {
            Some(guest) => guest.diverged(at),
            None => Fence {
                reason: qucan_replication::FenceReason::OtherHistory,
                detail: "nobody has said hello".to_owned(),
                epoch,
            },
        }
    }

    fn snapshot_wanted(&mut self, info: &SnapshotInfo) -> bool {
        self.guest.as_ref().is_some_and(|guest| guest.wants_snapshot(info))
    }

    fn snapshot_bytes(&mut self, info: &SnapshotInfo, offset: u64, bytes: &[u8]) -> Result<(), SinkError> {
        self.guest()?.snapshot_bytes(info, offset, bytes)
    }

    fn snapshot_end(&mut self, info: &SnapshotInfo) -> Result<Point, SinkError> {
        let guest = self.guest()?;
        let taken = guest.snapshot_end(info);
        if guest.begins_anew() {
            let region = guest.region().id().clone();
            self.guest = None;
            self.regions.open_anew(&region);
        }
        taken
    }
}
