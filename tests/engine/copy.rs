//! A region's copy, fed by hand: groups out of the region's log go into a replica, as a line would bring them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use qucan::domain::id::OrderId;
use qucan::domain::order::Order;
use qucan::domain::state::State;
use qucan::engine::options::EngineLimits;
use qucan::engine::records::{StateHash, state_hash};
use qucan::engine::replay::Replay;
use qucan::engine::replica::{Applier, Next, OrdersFilter, Replica, ReplicaOptions};
use qucan::engine::{OpenError, ProjectionPhase};
use qucan_storage::log::{AppendError, Group, LogReader, OpenFrom, scan};
use qucan_storage::{Position, Sequence};
use tempfile::TempDir;

use crate::region::{Region, until};

pub struct Copy {
    _dir: TempDir,
    pub options: ReplicaOptions,
    /// What the caller's own store has: a stand-in that keeps the last image of each order.
    pub stored: Option<Position>,
    pub orders: BTreeMap<OrderId, Arc<Order>>,
    running: Option<(Arc<Replica>, Applier)>,
}

pub fn copy(region: &Region, change: impl FnOnce(&mut ReplicaOptions)) -> Copy {
    let dir = tempfile::tempdir().unwrap();
    let mut options = ReplicaOptions {
        data_dir: dir.path().join("copy"),
        region: region.options.region.clone(),
        closed_orders_days: 7,
        projection: true,
        snapshot_every_entries: 40,
        log_bytes_max: u64::MAX,
        log: region.options.log,
        clock: Arc::clone(&region.options.clock),
        fs: Arc::clone(&region.options.fs),
        limits: EngineLimits::default(),
    };
    change(&mut options);
    let mut copy = Copy { _dir: dir, options, stored: None, orders: BTreeMap::new(), running: None };
    copy.start().unwrap();
    copy
}

impl Copy {
    pub fn start(&mut self) -> Result<(), OpenError> {
        self.running = Some(Replica::open(self.options.clone(), self.stored)?);
        Ok(())
    }

    /// As kill -9.
    pub fn kill(&mut self) {
        drop(self.running.take());
    }

    pub fn stop(&mut self) {
        let (replica, applier) = self.running.take().unwrap();
        replica.stop().unwrap();
        drop(applier);
    }

    pub fn replica(&self) -> Arc<Replica> {
        Arc::clone(&self.running.as_ref().unwrap().0)
    }

    pub fn applier(&mut self) -> &mut Applier {
        &mut self.running.as_mut().unwrap().1
    }

    /// Sends up to `groups` groups that the copy does not have, `at_once` in a call; answers how many there were.
    pub fn ship(&self, region: &Region, groups: usize, at_once: usize) -> usize {
        let replica = self.replica();
        let raw = groups_after(region, replica.received().sequence, groups);
        for piece in raw.chunks(at_once) {
            let end = append(&replica, piece).unwrap();
            assert_eq!(end, replica.received());
        }
        raw.len()
    }

    /// Applies up to `batches` batches as a caller does: stored first, then published.
    pub fn apply(&mut self, batches: usize, entries_max: usize) -> usize {
        for done in 0..batches {
            if !self.store_next(entries_max) {
                return done;
            }
            self.applier().publish();
        }
        batches
    }

    /// Stores the next batch without publishing it.
    pub fn store_next(&mut self, entries_max: usize) -> bool {
        let (_, applier) = self.running.as_mut().unwrap();
        let Next::Batch(batch) = applier.next(entries_max, Duration::ZERO).unwrap() else { return false };
        assert_eq!(batch.from, self.stored.unwrap_or_default(), "no gap, nothing twice");
        let mut expected = batch.from.sequence;
        for step in &batch.steps {
            expected = expected.next();
            assert_eq!(step.sequence, expected);
            for effect in &step.effects {
                if let qucan::domain::effect::Effect::Order(effect) = effect {
                    self.orders.insert(effect.order.id, Arc::clone(&effect.order));
                }
            }
        }
        assert!(batch.steps.is_empty() || batch.to.sequence == expected);
        self.stored = Some(batch.to);
        true
    }

    pub fn catch_up(&mut self, region: &Region) {
        self.ship(region, usize::MAX, 7);
        self.apply(usize::MAX, 64);
    }

    pub fn projected(&self) {
        let reads = self.replica().reads();
        until("the copy's projection follows", || {
            let status = reads.status();
            status.projection == ProjectionPhase::Following
                && status.projected_to == status.log_head
                && status.overlay_orders == 0
        });
    }

    /// Every order that the filter likes, in pages of `limit`.
    pub fn walk(&self, filter: &OrdersFilter, limit: usize) -> Vec<Arc<Order>> {
        let reads = self.replica().reads();
        let (mut all, mut below) = (Vec::new(), None);
        loop {
            let mut page = None;
            until("history is known", || {
                page = reads.orders(filter, below, limit).ok();
                page.is_some()
            });
            let page = page.unwrap();
            assert!(page.orders.len() <= limit);
            all.extend(page.orders);
            if page.next.is_none() {
                return all;
            }
            assert!(below.is_none_or(|below| page.next.unwrap() < below), "it goes on");
            below = page.next;
        }
    }
}

pub fn copy_dir(from: &std::path::Path, to: &std::path::Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().map(Result::unwrap) {
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_dir(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// The bytes of groups of the region's log, as they are shipped.
pub fn groups_after(region: &Region, after: Sequence, most: usize) -> Vec<Vec<u8>> {
    let head = Sequence(region.handle().status().log_head);
    let fs = Arc::clone(&region.options.fs);
    let mut reader = LogReader::open(fs, &region.options.data_dir.join("log"), after).unwrap();
    let mut groups = Vec::new();
    while groups.len() < most
        && let Some(group) = reader.next(head).unwrap()
    {
        groups.push(group.raw().to_vec());
    }
    groups
}

pub fn append(replica: &Replica, raw: &[Vec<u8>]) -> Result<Position, AppendError> {
    let groups: Vec<_> = raw.iter().map(|raw| Group::parse(raw).unwrap()).collect();
    replica.append(&groups)
}

/// The state that the region's log leads to at its head.
pub fn state_of(region: &Region) -> (StateHash, Position) {
    let head = Sequence(region.handle().status().log_head);
    let mut replay = Replay::new(State::new(), Sequence::NONE);
    let mut at = Position::ORIGIN;
    let log = region.options.data_dir.join("log");
    scan(&region.options.fs, &log, None, OpenFrom::default(), |group| {
        if group.last() <= head {
            replay.group(group)?;
            at = group.position();
        }
        Ok(())
    })
    .unwrap();
    (state_hash(replay.state()).unwrap(), at)
}
