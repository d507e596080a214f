//! A connection's way to its region: which one is decided by the token, and by the hello where a sandbox's token is good for
//! any. Everything else is the region's.

use std::sync::Arc;

use qucan_replication::{Fence, Greeting, Hello, Point, Sink, SinkError, SnapshotInfo};

use super::region::{Cut, Guest, Region};
use super::regions::{Pass, Regions};

/// The centre's side of one connection.
pub struct RegionSink {
    door: Door,
    guest: Option<Guest>,
    cut: Cut,
}

/// How a connection finds its region.
enum Door {
    Pass(Arc<Regions>, Pass),
    #[cfg(feature = "simulation")]
    Open(Arc<Region>),
}

impl Door {
    fn region(&self, name: &str) -> Result<Arc<Region>, String> {
        match self {
            Self::Pass(regions, pass) => regions.greeted(pass, name),
            #[cfg(feature = "simulation")]
            Self::Open(region) => Ok(Arc::clone(region)),
        }
    }

    fn opens_anew(&self, region: &Region) {
        match self {
            Self::Pass(regions, _) => regions.open_anew(region.id()),
            // Whoever simulates finds it closed, and opens it.
            #[cfg(feature = "simulation")]
            Self::Open(_) => region.retire(),
        }
    }
}

impl RegionSink {
    /// For a connection whose token was checked.
    pub fn new(regions: Arc<Regions>, pass: Pass) -> Self {
        Self { door: Door::Pass(regions, pass), guest: None, cut: Cut::default() }
    }

    /// Right to a region, without a token: for whoever simulates.
    #[cfg(feature = "simulation")]
    pub fn open(region: Arc<Region>) -> Self {
        Self { door: Door::Open(region), guest: None, cut: Cut::default() }
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
        let region = match self.door.region(&hello.identity.region) {
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
            let region = Arc::clone(guest.region());
            self.guest = None;
            self.door.opens_anew(&region);
        }
        taken
    }
}
