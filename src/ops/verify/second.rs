//! A second look along the log, only where the first one asks for it: orders opened again long after they closed, against
//! their records, and the rows of days that differ.

use std::collections::{BTreeMap, BTreeSet};

use qucan_storage::log::Group;

use super::check::Check;
use super::naming::Naming;
use super::report::Findings;
use super::rows::{another, before_reopening};
use crate::domain::id::OrderId;
use crate::domain::order::Order;
use crate::engine::records::{EntryView, EventKind, RecordError};

#[derive(Default)]
pub(super) struct SecondLook {
    reopened: BTreeSet<OrderId>,
    closed: BTreeMap<OrderId, Order>,
    /// Orders that closed before the log begins.
    pub(super) unproven: u64,
    pub(super) namings: Vec<Naming>,
}

impl SecondLook {
    pub(super) fn new(reopened: &[OrderId], namings: Vec<Naming>) -> Self {
        Self { reopened: reopened.iter().copied().collect(), namings, ..Self::default() }
    }

    pub(super) fn is_needed(&self) -> bool {
        !(self.reopened.is_empty() && self.namings.is_empty())
    }

    pub(super) fn group(&mut self, group: &Group<'_>, found: &mut Findings) -> Result<(), RecordError> {
        for (sequence, bytes) in group.entries() {
            let entry = EntryView::parse(bytes)?;
            if entry.kind != EventKind::OrderSettled {
                continue;
            }
            let Some(order) = entry.whole_order()? else { continue };
            if order.is_closed() {
                self.namings.iter_mut().for_each(|naming| naming.closed(sequence, &order));
                if self.reopened.contains(&order.id) {
                    self.closed.insert(order.id, order);
                }
            } else if self.reopened.contains(&order.id) {
                match self.closed.get(&order.id) {
                    Some(closed) => {
                        let same = before_reopening(&order) == *closed;
                        found.expect(same, Check::OrderReopens, || another(sequence, &order));
                    }
                    None => self.unproven += 1,
                }
            }
        }
        Ok(())
    }
}
