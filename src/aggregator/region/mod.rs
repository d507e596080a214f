//! One region at the centre: its copy, how far that is applied, its line, its figures. Shared by the connection that
//! receives, the thread that applies and everybody who asks. Never here: HTTP, JSON.

pub mod announcement;
pub mod apply;
pub mod applying;
mod guests;
pub mod judge;
pub mod line;
mod open;
mod receive;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arc_swap::ArcSwap;
use parking_lot::{Mutex, RwLock, RwLockReadGuard};
use qucan_storage::{DirectoryError, Epoch, Position};

use self::announcement::Announcement;
use self::applying::{Applying, ApplyingView};
pub use self::guests::Cut;
use self::guests::Guests;
use self::judge::Standing;
use self::line::{Line, LineView};
pub use self::open::{OpenRegionError, Opening};
pub use self::receive::Guest;
use super::figures::Figures;
use super::picture::StockOutsCache;
use crate::domain::id::{RegionId, RegionTag};
use crate::engine::replica::{Replica, ReplicaReads};

/// A region whose copy is open.
pub struct Region {
    id: RegionId,
    tag: RegionTag,
    replica: Arc<Replica>,
    reads: ReplicaReads,
    line: Line,
    applying: Applying,
    figures: RwLock<Figures>,
    /// Moves with everything that is applied.
    applied: AtomicU64,
    stock_outs: StockOutsCache,
    announcement: ArcSwap<Announcement>,
    announcement_file: PathBuf,
    /// One decision about the history at a time: a grant and an append never pass each other.
    gate: Mutex<()>,
    guests: Guests,
}

impl Region {
    /// Its name.
    pub fn id(&self) -> &RegionId {
        &self.id
    }

    /// The tag in the ids of its orders.
    pub fn tag(&self) -> RegionTag {
        self.tag
    }

    /// Its copy.
    pub fn replica(&self) -> &Arc<Replica> {
        &self.replica
    }

    /// Questions about it, as of what was applied.
    pub fn reads(&self) -> &ReplicaReads {
        &self.reads
    }

    /// Its line.
    pub fn line(&self) -> LineView {
        self.line.view()
    }

    /// How applying goes.
    pub fn applying(&self) -> ApplyingView {
        self.applying.view()
    }

    /// Its figures, as of what was applied.
    pub fn figures(&self) -> RwLockReadGuard<'_, Figures> {
        self.figures.read()
    }

    /// What is sold out at its stores.
    pub fn stock_outs(&self) -> &StockOutsCache {
        &self.stock_outs
    }

    /// What its node says about itself.
    pub fn announcement(&self) -> Arc<Announcement> {
        self.announcement.load_full()
    }

    /// The synced end of what has arrived.
    pub fn received(&self) -> Position {
        self.replica.received()
    }

    /// The last sequence that is applied: what answers show.
    pub fn applied(&self) -> u64 {
        self.applied.load(Ordering::Acquire)
    }

    /// Ends it: its connections are cut, its copy is closed for whoever opens it anew. Those who still ask see it as it was.
    pub fn retire(&self) {
        self.guests.cut(|_, _| true);
        if let Err(error) = self.replica.stop() {
            tracing::debug!(region = %self.id, %error, "the copy was not closed cleanly");
        }
    }

    /// Where the centre stands with it.
    fn standing(&self) -> Standing {
        Standing { granted: self.replica.epoch(), received: self.replica.received() }
    }

    /// Grants the next epoch to a restored node: from now on nothing of an earlier one is taken. May wait for the disk.
    pub fn grant_next(&self) -> Result<Epoch, DirectoryError> {
        let _gate = self.gate.lock();
        let next = Epoch(self.replica.epoch().0.saturating_add(1));
        self.replica.grant(next)?;
        tracing::info!(region = %self.id, epoch = next.0, "a new epoch was granted; nodes of earlier ones are refused");
        // Whoever ships now learns it at once: it is cut, comes again, and is refused.
        self.guests.cut(|_, epoch| epoch < next.0);
        Ok(next)
    }
}
