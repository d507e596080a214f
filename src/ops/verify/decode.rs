//! The log's bytes: read, checked and decoded on a thread of their own, and handed on in batches. What an entry shows by
//! itself is looked at here, where it was just made. Never here: the state, which only a replay knows.

use std::path::Path;
use std::sync::Arc;

use crossbeam_channel::{Receiver, Sender};
use qucan_storage::fs::FileSystem;
use qucan_storage::log::{self, Group, OpenError, OpenFrom, Recovery};
use qucan_storage::{Epoch, Position, Sequence};

use super::check::Check;
use super::progress::Progress;
use super::rows::Taken;
use crate::domain::event::Event;
use crate::domain::invariants::check_order;
use crate::domain::order::{Order, Status};
use crate::domain::time::Timestamp;
use crate::engine::records::{EntryView, RecordError};
use crate::engine::replay::{ReplayError, Step};
use crate::limits::VERIFY_BATCH_BYTES;

/// The log to walk along.
pub(super) struct Source<'l> {
    pub(super) fs: &'l Arc<dyn FileSystem>,
    pub(super) dir: &'l Path,
    pub(super) epoch: Epoch,
    pub(super) from: OpenFrom,
    pub(super) progress: &'l Progress,
}

impl Source<'_> {
    /// Hands every group on, counting them.
    pub(super) fn scan(
        &self,
        mut visit: impl FnMut(&Group<'_>) -> Result<(), log::BoxError>,
    ) -> Result<Recovery, OpenError> {
        log::scan(self.fs, self.dir, Some(self.epoch), self.from, |group| {
            self.progress.step(u64::try_from(group.raw().len()).unwrap_or(0));
            visit(group)
        })
    }

    /// Hands on all entries after `after`, decoded, and every group's place. Behind an entry that can't be decoded only the
    /// bytes are looked at. What is done with comes back: an allocator that keeps memory by threads has the least to do when
    /// the one that asked for it gives it back.
    pub(super) fn decode(
        &self,
        after: Sequence,
        full: &Sender<Batch>,
        used: &Receiver<Taken>,
    ) -> Result<Recovery, OpenError> {
        let (mut batch, mut bytes, mut ended) = (Batch::default(), 0, false);
        let outcome = self.scan(|group| {
            if ended {
                return Ok(());
            }
            batch.take(group, after);
            bytes += group.raw().len();
            ended = batch.undecodable.is_some();
            if ended || bytes >= VERIFY_BATCH_BYTES {
                full.send(std::mem::replace(&mut batch, emptied(used)))?;
                bytes = 0;
            }
            Ok(())
        });
        // What was read before it ended, however it ended, is replayed. Gone is nobody while this runs.
        let _gone = full.send(batch);
        outcome
    }
}

/// A batch to be filled: one that came back, or a new one.
fn emptied(used: &Receiver<Taken>) -> Batch {
    let mut batch = used.try_iter().filter_map(|taken| Arc::into_inner(taken.batch)).last().unwrap_or_default();
    batch.clear();
    batch
}

/// One entry.
#[derive(Debug)]
pub(super) struct Decoded {
    sequence: Sequence,
    at: Timestamp,
    event: Event,
}

impl Decoded {
    pub(super) fn step(&self) -> Step<'_> {
        Step { sequence: self.sequence, at: self.at, event: &self.event }
    }
}

/// The entries of some groups that follow each other.
#[derive(Debug, Default)]
pub(super) struct Batch {
    entries: Vec<Decoded>,
    /// Where each whole group ends in the entries, and in the log.
    ends: Vec<(usize, Position)>,
    /// What entries show by themselves.
    pub(super) found: Vec<(Sequence, Check, String)>,
    /// An entry behind the others that can't be decoded. Nothing comes after it.
    pub(super) undecodable: Option<ReplayError>,
}

impl Batch {
    /// Every group's entries with the place where it ends; none for one that breaks off.
    pub(super) fn groups(&self) -> impl Iterator<Item = (&[Decoded], Option<Position>)> {
        let whole = self.ends.iter().map(|(end, position)| (*end, Some(*position)));
        let mut begin = 0;
        whole.chain([(self.entries.len(), None)]).map(move |(end, position)| {
            let entries = self.entries.get(begin..end).unwrap_or_default();
            begin = end;
            (entries, position)
        })
    }

    /// Lets everything go and keeps the memory.
    fn clear(&mut self) {
        self.entries.clear();
        self.ends.clear();
        self.found.clear();
        self.undecodable = None;
    }

    fn take(&mut self, group: &Group<'_>, after: Sequence) {
        for (sequence, bytes) in group.entries().filter(|(sequence, _)| *sequence > after) {
            match self.decode(sequence, bytes) {
                Ok(decoded) => self.entries.push(decoded),
                Err(source) => {
                    self.undecodable = Some(ReplayError::Record { sequence, source });
                    return;
                }
            }
        }
        self.ends.push((self.entries.len(), group.position()));
    }

    fn decode(&mut self, sequence: Sequence, bytes: &[u8]) -> Result<Decoded, RecordError> {
        let entry = EntryView::parse(bytes)?;
        let (at, event) = (entry.at, entry.event()?);
        if let Err(error) = entry.meta() {
            self.found.push((sequence, Check::OrderActor, format!("entry {sequence}: {error}")));
        }
        match &event {
            Event::OrderPlaced { order, .. } => {
                self.judge_placed(sequence, order);
                self.judge(sequence, order);
            }
            Event::OrderChanged { whole: Some(whole), .. } => self.judge(sequence, whole),
            _ => {}
        }
        Ok(Decoded { sequence, at, event })
    }

    /// What an order must be like when it is placed.
    fn judge_placed(&mut self, sequence: Sequence, order: &Order) {
        let begins = order.status == Status::AwaitingPayment
            && order.offset == 1
            && order.payments.is_empty()
            && order.refunds.is_empty();
        if !begins {
            let what = format!("order {} does not begin as awaiting payment with offset 1", order.id);
            self.found.push((sequence, Check::OrderBegins, what));
        }
    }

    /// What an order shows by itself that an entry carries whole.
    fn judge(&mut self, sequence: Sequence, order: &Order) {
        for violation in check_order(order) {
            let what = format!("entry {sequence}: {violation}");
            self.found.push((sequence, Check::OrderHolds(violation.invariant), what));
        }
    }
}
