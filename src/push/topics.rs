//! Who listens to what, and what happened lately: topics in shards, each topic with its subscribers and a ring of its
//! newest events. A shard is locked for as long as it takes to hand one event out, so that subscribing to one topic
//! hardly ever waits for the events of another.

use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

use parking_lot::{Mutex, MutexGuard};

use super::event::Event;
use super::outbox::Outbox;
use super::topic::Topic;
use crate::domain::effect::OrderEffect;
use crate::engine::views::{Board, BoardState, StoreView};

/// Bounds of the rings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RingLimits {
    /// Newest events kept of one topic.
    pub topic_events: usize,
    /// Events kept altogether.
    pub events: usize,
    /// Bytes kept altogether, roughly.
    pub bytes: usize,
}

const SHARDS: usize = 64;

/// All topics.
#[derive(Debug)]
pub struct Topics {
    hasher: RandomState,
    shards: Box<[Mutex<Shard>]>,
    limits: RingLimits,
}

#[derive(Debug, Default)]
struct Shard {
    entries: HashMap<Topic, Entry>,
    /// Every event in the rings, oldest first; some have left their ring already.
    by_age: VecDeque<Arc<Event>>,
    bytes: usize,
}

#[derive(Debug, Default)]
struct Entry {
    ring: VecDeque<Arc<Event>>,
    subscribers: Vec<Arc<Outbox>>,
    /// For a board that somebody watches: what it shows after the newest event.
    picture: Option<Picture>,
}

/// A board that follows the hub's events, not the read models: those may be ahead.
#[derive(Debug, Default)]
pub struct Picture {
    state: BoardState,
    offset: u64,
}

impl Picture {
    /// The board of a store at one moment.
    pub fn of(store: &StoreView) -> Self {
        let orders = store.open.iter().map(AsRef::as_ref);
        Self { state: BoardState::of(orders, store.board.offset), offset: store.board.offset }
    }
}

impl Topics {
    /// No topics.
    pub fn new(limits: RingLimits) -> Self {
        let per_shard = |all: usize| all.div_ceil(SHARDS);
        let limits = RingLimits { events: per_shard(limits.events), bytes: per_shard(limits.bytes), ..limits };
        Self { hasher: RandomState::new(), shards: (0..SHARDS).map(|_| Mutex::default()).collect(), limits }
    }

    #[expect(clippy::indexing_slicing, clippy::cast_possible_truncation, reason = "a remainder is below the length")]
    fn shard(&self, topic: &Topic) -> MutexGuard<'_, Shard> {
        let index = (self.hasher.hash_one(topic) % self.shards.len() as u64) as usize;
        self.shards[index].lock()
    }

    /// Keeps an event in its topic's ring and hands it to whoever listens.
    pub fn publish(&self, event: Event) {
        let event = Arc::new(event);
        self.shard(&event.topic).publish(&event, self.limits);
    }

    /// Moves a board on, if somebody watches it; `event` makes the event of what it shows then. Answers whether an
    /// event was missed before, so that the watchers need a new picture.
    pub fn publish_board(&self, topic: &Topic, change: &OrderEffect, event: impl FnOnce(Board) -> Event) -> bool {
        let Some(offset) = change.board_offset else { return false };
        let mut shard = self.shard(topic);
        let Some(entry) = shard.entries.get_mut(topic) else { return false };
        match &mut entry.picture {
            Some(picture) if offset <= picture.offset => false,
            Some(picture) if offset == picture.offset + 1 => {
                picture.state.apply(change);
                picture.offset = offset;
                let event = Arc::new(event(picture.state.board()));
                shard.publish(&event, self.limits);
                false
            }
            _ => {
                entry.picture = None;
                entry.ring.clear();
                true
            }
        }
    }

    /// Adds a listener. With `since` answers the events after it, in order, when the ring still has them all; every
    /// event after those reaches the listener's queue.
    pub fn subscribe(&self, topic: &Topic, outbox: &Arc<Outbox>, since: Option<u64>) -> Option<Vec<Arc<Event>>> {
        let mut shard = self.shard(topic);
        let entry = shard.entries.entry(topic.clone()).or_default();
        entry.add(outbox);
        since.and_then(|since| entry.after(since))
    }

    /// Adds a listener to a board and answers the board as of the event handed out last; `seed` gives the picture for
    /// the first listener since the start.
    pub fn watch_board(
        &self,
        topic: &Topic,
        outbox: &Arc<Outbox>,
        since: Option<u64>,
        seed: impl FnOnce() -> Picture,
    ) -> (Board, Option<Vec<Arc<Event>>>) {
        let mut shard = self.shard(topic);
        let entry = shard.entries.entry(topic.clone()).or_default();
        entry.add(outbox);
        let board = entry.picture.get_or_insert_with(seed).state.board();
        (board, since.and_then(|since| entry.after(since)))
    }

    /// Removes a listener.
    pub fn unsubscribe(&self, topic: &Topic, outbox: &Outbox) {
        let mut shard = self.shard(topic);
        let Some(entry) = shard.entries.get_mut(topic) else { return };
        entry.subscribers.retain(|subscriber| subscriber.id != outbox.id);
        if entry.is_idle() {
            shard.entries.remove(topic);
        }
    }

    /// Forgets every ring and board: events were lost before they came here.
    pub fn forget(&self) {
        for shard in &self.shards {
            let mut shard = shard.lock();
            shard.by_age.clear();
            shard.bytes = 0;
            shard.entries.retain(|_, entry| {
                entry.ring.clear();
                entry.picture = None;
                !entry.is_idle()
            });
        }
    }

    /// Asks every listener of a topic to take a new picture.
    pub fn resync(&self, topic: &Topic) {
        if let Some(entry) = self.shard(topic).entries.get(topic) {
            entry.subscribers.iter().for_each(|outbox| outbox.resync());
        }
    }
}

impl Shard {
    fn publish(&mut self, event: &Arc<Event>, limits: RingLimits) {
        let entry = self.entries.entry(event.topic.clone()).or_default();
        if entry.ring.back().is_some_and(|last| last.offset + 1 != event.offset) {
            entry.ring.clear();
        }
        entry.ring.push_back(Arc::clone(event));
        if entry.ring.len() > limits.topic_events {
            entry.ring.pop_front();
        }
        for outbox in &entry.subscribers {
            outbox.push(event);
        }
        self.bytes += event.weight();
        self.by_age.push_back(Arc::clone(event));
        while self.by_age.len() > limits.events || self.bytes > limits.bytes {
            self.forget_oldest();
        }
    }

    fn forget_oldest(&mut self) {
        let Some(oldest) = self.by_age.pop_front() else { return };
        self.bytes = self.bytes.saturating_sub(oldest.weight());
        let Some(entry) = self.entries.get_mut(&oldest.topic) else { return };
        if entry.ring.front().is_some_and(|front| Arc::ptr_eq(front, &oldest)) {
            entry.ring.pop_front();
        }
        if entry.is_idle() {
            self.entries.remove(&oldest.topic);
        }
    }
}

impl Entry {
    fn add(&mut self, outbox: &Arc<Outbox>) {
        if self.subscribers.iter().all(|subscriber| subscriber.id != outbox.id) {
            self.subscribers.push(Arc::clone(outbox));
        }
    }

    /// The events after `since`, if all of them are here and `since` is not ahead of them.
    fn after(&self, since: u64) -> Option<Vec<Arc<Event>>> {
        let (first, last) = (self.ring.front()?.offset, self.ring.back()?.offset);
        let covered = first <= since.saturating_add(1) && since <= last;
        covered.then(|| self.ring.iter().filter(|event| event.offset > since).map(Arc::clone).collect())
    }

    /// Nobody listens, nothing is kept: the entry may go, a board's picture with it.
    fn is_idle(&self) -> bool {
        self.subscribers.is_empty() && self.ring.is_empty()
    }
}
