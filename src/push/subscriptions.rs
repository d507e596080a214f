//! What one connection listens to, how far it is in each topic, and which order's event waits for its acknowledgement.
//!
//! At least once: an event of an order that the client doesn't acknowledge is sent again on this connection, the newest
//! one only (it carries the whole order), a bounded number of times with growing pauses. A later connection says with
//! `since` what it has. Events of stores and boards are not sent again: POS and screens resume or poll.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::event::Event;
use super::topic::Topic;
use crate::limits::PUSH_RESENDS_MAX;

/// A connection's topics; few, so a list.
#[derive(Debug, Default)]
pub struct Subscriptions(Vec<Subscription>);

#[derive(Debug)]
struct Subscription {
    topic: Topic,
    /// Everything up to here was sent, or the client had it.
    floor: u64,
    unacknowledged: Option<Unacknowledged>,
}

#[derive(Debug)]
struct Unacknowledged {
    event: Arc<Event>,
    again_at: Instant,
    sent_again: u8,
}

/// Where an event stands in its topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// It comes next.
    Next,
    /// The client has it, or doesn't listen any more.
    Known,
    /// Something before it is missing.
    Gap,
}

/// What became of an acknowledgement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Acknowledged {
    /// Taken.
    Yes,
    /// It names an offset that was never sent.
    Ahead,
    /// Nobody listens to this topic.
    NotSubscribed,
}

impl Subscriptions {
    /// How many.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// All topics.
    pub fn topics(&self) -> impl Iterator<Item = &Topic> {
        self.0.iter().map(|subscription| &subscription.topic)
    }

    /// Whether this is one.
    pub fn has(&self, topic: &Topic) -> bool {
        self.topics().any(|other| other == topic)
    }

    /// Adds a topic of which nothing was sent yet.
    pub fn add(&mut self, topic: Topic) {
        self.0.push(Subscription { topic, floor: 0, unacknowledged: None });
    }

    /// Removes a topic; answers whether it was there.
    pub fn remove(&mut self, topic: &Topic) -> bool {
        let before = self.0.len();
        self.0.retain(|subscription| subscription.topic != *topic);
        self.0.len() < before
    }

    /// The client has everything up to `offset`.
    pub fn start_at(&mut self, topic: &Topic, offset: u64) {
        if let Some(subscription) = self.find(topic) {
            subscription.floor = offset;
            subscription.unacknowledged = None;
        }
    }

    /// Where an event of a topic stands.
    pub fn place(&mut self, topic: &Topic, offset: u64) -> Place {
        match self.find(topic) {
            Some(subscription) if offset == subscription.floor + 1 => Place::Next,
            Some(subscription) if offset > subscription.floor => Place::Gap,
            _ => Place::Known,
        }
    }

    /// An event was written.
    pub fn sent(&mut self, event: &Arc<Event>, again_at: Instant) {
        let Some(subscription) = self.find(&event.topic) else { return };
        subscription.floor = event.offset;
        if matches!(event.topic, Topic::Order(_)) {
            subscription.unacknowledged = Some(Unacknowledged { event: Arc::clone(event), again_at, sent_again: 0 });
        }
    }

    /// The client has everything up to `offset`, it says.
    pub fn acknowledge(&mut self, topic: &Topic, offset: u64) -> Acknowledged {
        let Some(subscription) = self.find(topic) else { return Acknowledged::NotSubscribed };
        if offset > subscription.floor {
            return Acknowledged::Ahead;
        }
        subscription.unacknowledged.take_if(|waiting| waiting.event.offset <= offset);
        Acknowledged::Yes
    }

    /// When the next event is to be sent again.
    pub fn next_resend(&self) -> Option<Instant> {
        self.0.iter().filter_map(|subscription| Some(subscription.unacknowledged.as_ref()?.again_at)).min()
    }

    /// An event that is due to be sent again; it is due once more `after` a pause that doubles, until the last time.
    pub fn take_resend(&mut self, now: Instant, after: Duration) -> Option<Arc<Event>> {
        let is_due = |waiting: &Unacknowledged| waiting.again_at <= now;
        let due = |subscription: &&mut Subscription| subscription.unacknowledged.as_ref().is_some_and(is_due);
        let subscription = self.0.iter_mut().find(due)?;
        let waiting = subscription.unacknowledged.as_mut()?;
        let event = Arc::clone(&waiting.event);
        waiting.sent_again += 1;
        waiting.again_at = now + after * (1 << waiting.sent_again.min(16));
        if waiting.sent_again >= PUSH_RESENDS_MAX {
            subscription.unacknowledged = None;
        }
        Some(event)
    }

    fn find(&mut self, topic: &Topic) -> Option<&mut Subscription> {
        self.0.iter_mut().find(|subscription| subscription.topic == *topic)
    }
}
