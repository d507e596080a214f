//! The hub: follows the engine's committed groups and hands every order's event to whoever listens. It has no truth of
//! its own: offsets are the domain's, objects the read models'; what it keeps is a ring of the newest events.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

use super::connections::Connections;
use super::event::{Content, Event};
use super::frames::Close;
use super::metrics::PushMetrics;
use super::options::PushOptions;
use super::topic::Topic;
use super::topics::Topics;
use crate::domain::effect::{Effect, OrderEffect};
use crate::domain::id::RegionId;
use crate::engine::Handle;
use crate::engine::commit::Committed;
use crate::engine::views::Board;

/// What all connections share.
pub struct Hub {
    pub(super) engine: Handle,
    pub(super) region: RegionId,
    pub(super) epoch: u16,
    pub(super) options: PushOptions,
    pub(super) topics: Topics,
    pub(super) connections: Connections,
    pub(super) metrics: PushMetrics,
    /// Makes connection ids of different runs differ.
    pub(super) run: u32,
    draining: AtomicBool,
}

impl Hub {
    /// A hub that nothing feeds yet.
    pub(super) fn new(engine: Handle, options: PushOptions) -> Self {
        let (region, epoch) = engine.views().region();
        Self {
            region,
            epoch,
            topics: Topics::new(options.ring),
            connections: Connections::default(),
            metrics: PushMetrics::default(),
            // Only a label: where the system has no randomness it is 0.
            run: getrandom::u32().unwrap_or(0),
            draining: AtomicBool::new(false),
            engine,
            options,
        }
    }

    /// Hands out committed groups, in order, until the engine is gone.
    pub(super) async fn follow(self: Arc<Self>, mut committed: Receiver<Arc<Committed>>) {
        loop {
            match committed.recv().await {
                Ok(group) => self.publish(&group),
                Err(RecvError::Lagged(groups)) => {
                    tracing::warn!(groups, "the push hub fell behind; every client gets snapshots");
                    self.metrics.lagged.inc();
                    self.topics.forget();
                    self.connections.for_each(|outbox| outbox.resync());
                }
                Err(RecvError::Closed) => {
                    self.connections.for_each(|outbox| outbox.close(Close::GoingAway));
                    return;
                }
            }
        }
    }

    fn publish(&self, group: &Committed) {
        let now = Instant::now();
        for effect in &group.effects {
            if let Effect::Order(change) = effect {
                self.publish_order(change, now);
            }
        }
    }

    fn publish_order(&self, change: &OrderEffect, now: Instant) {
        let order = &change.order;
        let content = || Content::Order(Arc::clone(order));
        self.topics.publish(Event::new(Topic::Order(order.id), order.offset, change.event, content(), now));
        let store = Topic::Store(order.store.clone());
        self.topics.publish(Event::new(store, change.store_offset, change.event, content(), now));
        let board = Topic::Board(order.store.clone());
        let event = |shown: Board| {
            let offset = shown.offset;
            Event::new(board.clone(), offset, change.event, Content::Board(order.store.clone(), shown), now)
        };
        if self.topics.publish_board(&board, change, event) {
            self.topics.resync(&board);
        }
    }

    /// Whether the node is about to stop.
    pub(super) fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Relaxed)
    }

    /// Announces the end to every connection and takes no more in.
    pub(super) fn drain(&self) {
        self.draining.store(true, Ordering::Relaxed);
        self.connections.for_each(|outbox| outbox.drain());
    }
}
