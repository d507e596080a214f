//! Closed orders that a start brings along in memory: those that the projection may not have applied before the stop.
//! Never here: the projection's files.

use std::sync::Arc;

use qucan_storage::log::{LogReader, ReadError};
use qucan_storage::{DataDir, Epoch, Sequence};

use super::projection::mark;
use super::records;
use super::views::overlay::Overlay;
use crate::domain::effect::Effect;
use crate::limits::RECOVERY_GAP_ENTRIES_MAX;

/// How many closed orders are kept in memory, and for whom.
#[derive(Debug, Clone, Copy)]
pub(super) struct Kept {
    /// Closed orders that may wait for the projection.
    pub(super) orders_max: usize,
    /// Whether a projection takes them over.
    pub(super) projection: bool,
    /// Without a projection: whether somebody else keeps them all.
    pub(super) forget_at_once: bool,
}

/// Closed orders that the projection may not have.
#[derive(Debug)]
pub(super) struct Closed {
    pub(super) overlay: Overlay,
    /// The overlay holds what closed after this.
    pub(super) whole_from: u64,
    most: usize,
}

impl Closed {
    /// What closed between the projection's position, as far as it is known, and a snapshot at `from`.
    pub(super) fn begin(kept: Kept, dir: &DataDir, epoch: Epoch, from: Sequence) -> Self {
        // Half of the bound, so that there is room to sell while the projection catches up.
        let most = kept.orders_max / 2;
        if !kept.projection {
            let overlay = Overlay::new(Some(if kept.forget_at_once { 0 } else { kept.orders_max }));
            return Self { overlay, whole_from: from.0, most };
        }
        let mut closed = Self { overlay: Overlay::new(None), whole_from: from.0, most };
        let Some(marked) = mark::read(&**dir.fs(), &dir.state(), epoch.0) else { return closed };
        let gap = from.0.saturating_sub(marked);
        if gap == 0 {
            closed.whole_from = marked;
        } else if gap <= RECOVERY_GAP_ENTRIES_MAX {
            closed.whole_from = marked;
            if let Err(error) = closed.read_gap(dir, from) {
                tracing::warn!(%error, "closed orders before the snapshot can't be read; they are rebuilding for a while");
                closed = Self { overlay: Overlay::new(None), whole_from: from.0, most };
            }
        }
        closed
    }

    /// What closed between the projection's position and the snapshot's.
    fn read_gap(&mut self, dir: &DataDir, until: Sequence) -> Result<(), ReadError> {
        let mut reader = LogReader::open(Arc::clone(dir.fs()), &dir.log(), Sequence(self.whole_from))?;
        while let Some(group) = reader.next(until)? {
            for (sequence, entry) in group.entries() {
                // What can't be read here is for the replay to complain about.
                let whole = records::whole_order(entry).ok().flatten();
                if let Some(order) = whole.filter(|order| sequence.0 > self.whole_from && order.is_closed()) {
                    self.overlay.insert(&Arc::new(order), sequence.0);
                }
            }
        }
        self.bound();
        Ok(())
    }

    /// What a replayed group closed.
    pub(super) fn take(&mut self, effects: &[Effect], last: Sequence) {
        if last.0 <= self.whole_from {
            return;
        }
        for effect in effects {
            if let Effect::Order(effect) = effect
                && effect.closed
            {
                self.overlay.insert(&effect.order, last.0);
            }
        }
        self.bound();
    }

    fn bound(&mut self) {
        if let Some(forgotten) = self.overlay.forget_oldest(self.most) {
            self.whole_from = self.whole_from.max(forgotten);
        }
    }
}
