//! The hub in figures. Durations are in seconds.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};

use super::frames::Close;
use super::topic::Topic;

/// Labels by kind of topic.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct TopicLabels {
    /// `order`, `store` or `board`.
    pub topic: &'static str,
}

/// Labels by close code.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct CloseLabels {
    /// The code on the wire.
    pub code: u16,
}

/// Everything the hub counts and measures.
#[derive(Debug, Clone)]
pub struct PushMetrics {
    /// Open connections.
    pub connections: Gauge,
    /// Subscriptions by kind of topic.
    pub subscriptions: Family<TopicLabels, Gauge>,
    /// Events sent by kind of topic.
    pub events_sent: Family<TopicLabels, Counter>,
    /// Snapshots sent by kind of topic.
    pub snapshots_sent: Family<TopicLabels, Counter>,
    /// Events sent again because nobody acknowledged them.
    pub resends: Counter,
    /// Acknowledgements received.
    pub acks: Counter,
    /// Connections closed by the server, by code; 4429 are the slow ones.
    pub closes: Family<CloseLabels, Counter>,
    /// Times the hub itself fell behind the engine and sent snapshots to everybody.
    pub lagged: Counter,
    /// Time from the commit to the end of the write to a client's socket.
    pub commit_to_sent_seconds: Histogram,
}

impl Default for PushMetrics {
    fn default() -> Self {
        Self {
            connections: Gauge::default(),
            subscriptions: Family::default(),
            events_sent: Family::default(),
            snapshots_sent: Family::default(),
            resends: Counter::default(),
            acks: Counter::default(),
            closes: Family::default(),
            lagged: Counter::default(),
            commit_to_sent_seconds: Histogram::new(exponential_buckets(0.000_05, 2.0, 18)),
        }
    }
}

impl PushMetrics {
    pub(super) fn subscribed(&self, topic: &Topic, change: i64) {
        self.subscriptions.get_or_create(&TopicLabels { topic: topic.kind() }).inc_by(change);
    }

    pub(super) fn sent_event(&self, topic: &Topic) {
        self.events_sent.get_or_create(&TopicLabels { topic: topic.kind() }).inc();
    }

    pub(super) fn sent_snapshot(&self, topic: &Topic) {
        self.snapshots_sent.get_or_create(&TopicLabels { topic: topic.kind() }).inc();
    }

    pub(super) fn closed(&self, close: Close) {
        self.closes.get_or_create(&CloseLabels { code: close.code() }).inc();
    }

    /// Makes them visible; names get the registry's prefix.
    pub fn register(&self, registry: &mut Registry) {
        let push = registry.sub_registry_with_prefix("push");
        push.register("connections", "Open push connections", self.connections.clone());
        push.register("subscriptions", "Subscriptions by kind of topic", self.subscriptions.clone());
        push.register("events_sent", "Events sent by kind of topic", self.events_sent.clone());
        push.register("snapshots_sent", "Snapshots sent by kind of topic", self.snapshots_sent.clone());
        push.register("resends", "Events sent again for want of an acknowledgement", self.resends.clone());
        push.register("acks", "Acknowledgements received", self.acks.clone());
        push.register("closes", "Connections closed by the server, by close code", self.closes.clone());
        push.register("lagged", "Times the hub fell behind the engine", self.lagged.clone());
        push.register_with_unit(
            "commit_to_sent",
            "Time from commit to the end of the write to a client",
            Unit::Seconds,
            self.commit_to_sent_seconds.clone(),
        );
    }
}
