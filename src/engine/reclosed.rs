//! Orders that were opened again by late money and closed a second time: a record of one that was read before that must
//! not be decided on (decision 8).

use std::collections::{HashSet, VecDeque};

use super::job::ClosedRecord;
use crate::domain::effect::{Effect, OrderEffect};
use crate::domain::id::OrderId;
use crate::limits::RECLOSED_REMEMBERED;

/// What the writer remembers of such orders.
#[derive(Debug, Default)]
pub(super) struct Reclosed {
    /// Opened again and still open.
    open: HashSet<OrderId>,
    /// Closed again: which, and the offset they closed at.
    closed: VecDeque<Again>,
    /// Sequence of the newest one forgotten.
    forgotten: u64,
}

#[derive(Debug)]
struct Again {
    order: OrderId,
    offset: u64,
    sequence: u64,
}

impl Reclosed {
    /// Whether history may have moved past the record since it was read.
    pub(super) fn is_stale(&self, record: &ClosedRecord) -> bool {
        let passed = |again: &Again| again.order == record.order.id && again.offset > record.order.offset;
        record.read_at < self.forgotten || self.closed.iter().any(passed)
    }

    /// Takes in what a command led to; `on` is the closed order it was decided on, `sequence` its last entry.
    pub(super) fn follow(&mut self, on: Option<OrderId>, effects: &[Effect], sequence: u64) {
        if on.is_none() && self.open.is_empty() {
            return;
        }
        for effect in effects {
            let Effect::Order(OrderEffect { order, closed, .. }) = effect else { continue };
            let reopened = on == Some(order.id) || self.open.contains(&order.id);
            if !reopened {
                continue;
            }
            if !closed {
                self.open.insert(order.id);
                continue;
            }
            self.open.remove(&order.id);
            self.closed.push_back(Again { order: order.id, offset: order.offset, sequence });
            if self.closed.len() > RECLOSED_REMEMBERED {
                self.forgotten = self.closed.pop_front().map_or(self.forgotten, |again| again.sequence);
            }
        }
    }
}
