//! The commit path in figures. Durations are in seconds.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};

use super::answer::{Answer, Refusal};
use crate::domain::command::Command;

/// Labels of a decided command.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct CommandLabels {
    /// The command's name.
    pub command: &'static str,
    /// `done`, `rejected`, `unavailable`, or `repeated` where nothing had to happen.
    pub result: &'static str,
}

/// Labels of a queue into the writer.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct QueueLabels {
    /// `critical` or `normal`.
    pub queue: &'static str,
}

/// Labels of a trim of the log.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct TrimLabels {
    /// `past`: nobody needed it any more; `bytes`: there were too many.
    pub reason: &'static str,
}

/// Everything the engine counts and measures.
#[derive(Debug, Clone)]
pub struct EngineMetrics {
    /// Time from being queued to being decided.
    pub queue_wait_seconds: Histogram,
    /// Commands in a group.
    pub group_commands: Histogram,
    /// Log entries in a group that had any.
    pub group_entries: Histogram,
    /// Time to decide, evolve and encode a whole group.
    pub decide_seconds: Histogram,
    /// Time of a group's write and sync.
    pub sync_seconds: Histogram,
    /// Time to publish a group to the read models.
    pub publish_seconds: Histogram,
    /// Time to write a snapshot.
    pub snapshot_seconds: Histogram,
    /// Commands by name and result.
    pub commands: Family<CommandLabels, Counter>,
    /// Requests refused because a queue or the overlay was full.
    pub overloaded: Counter,
    /// Requests waiting.
    pub queue_depth: Family<QueueLabels, Gauge>,
    /// Orders that can still change.
    pub open_orders: Gauge,
    /// Closed orders that wait for the projection.
    pub overlay_orders: Gauge,
    /// Log entries that the projection has not applied yet.
    pub projection_lag_entries: Gauge,
    /// Times the projection was moved aside and built anew.
    pub projection_rebuilds: Counter,
    /// Last durable log entry.
    pub log_head: Gauge,
    /// Bytes of the log.
    pub log_bytes: Gauge,
    /// First log entry that is still there.
    pub log_first: Gauge,
    /// Times older entries went, by reason.
    pub log_trims: Family<TrimLabels, Counter>,
}

impl Default for EngineMetrics {
    fn default() -> Self {
        let seconds = || Histogram::new(exponential_buckets(0.000_05, 2.0, 18));
        let counts = || Histogram::new(exponential_buckets(1.0, 2.0, 12));
        Self {
            queue_wait_seconds: seconds(),
            group_commands: counts(),
            group_entries: counts(),
            decide_seconds: seconds(),
            sync_seconds: seconds(),
            publish_seconds: seconds(),
            snapshot_seconds: Histogram::new(exponential_buckets(0.005, 2.0, 14)),
            commands: Family::default(),
            overloaded: Counter::default(),
            queue_depth: Family::default(),
            open_orders: Gauge::default(),
            overlay_orders: Gauge::default(),
            projection_lag_entries: Gauge::default(),
            projection_rebuilds: Counter::default(),
            log_head: Gauge::default(),
            log_bytes: Gauge::default(),
            log_first: Gauge::default(),
            log_trims: Family::default(),
        }
    }
}

impl EngineMetrics {
    /// Makes them visible; names get the registry's prefix.
    pub fn register(&self, registry: &mut Registry) {
        let engine = registry.sub_registry_with_prefix("engine");
        let timed = [
            ("queue_wait", "Time from being queued to being decided", &self.queue_wait_seconds),
            ("decide", "Time to decide and encode a group", &self.decide_seconds),
            ("sync", "Time of a group's write and sync", &self.sync_seconds),
            ("publish", "Time to publish a group to the read models", &self.publish_seconds),
            ("snapshot", "Time to write a snapshot", &self.snapshot_seconds),
        ];
        for (name, help, histogram) in timed {
            engine.register_with_unit(name, help, Unit::Seconds, histogram.clone());
        }
        engine.register("group_commands", "Commands in a group", self.group_commands.clone());
        engine.register("group_entries", "Log entries in a group", self.group_entries.clone());
        engine.register("commands", "Commands by name and result", self.commands.clone());
        engine.register(
            "overloaded",
            "Requests refused because a queue or the overlay was full",
            self.overloaded.clone(),
        );
        engine.register("queue_depth", "Requests waiting for the writer", self.queue_depth.clone());
        engine.register("open_orders", "Orders that can still change", self.open_orders.clone());
        engine.register("overlay_orders", "Closed orders that wait for the projection", self.overlay_orders.clone());
        engine.register(
            "projection_lag_entries",
            "Log entries that the projection has not applied yet",
            self.projection_lag_entries.clone(),
        );
        engine.register("projection_rebuilds", "Times the projection was built anew", self.projection_rebuilds.clone());
        engine.register("log_head", "Last durable log entry", self.log_head.clone());
        engine.register("log_first", "First log entry that is still there", self.log_first.clone());
        engine.register("log_trims", "Times older log entries went, by reason", self.log_trims.clone());
        engine.register_with_unit("log", "Bytes of the log on disk", Unit::Bytes, self.log_bytes.clone());
    }
}

/// Counts a group's commands, so that the shared counters are looked up once a kind and group.
#[derive(Debug, Default)]
pub(super) struct Tally(Vec<(CommandLabels, u64)>);

impl Tally {
    /// Counts one answer; `changed` says whether anything was written.
    pub(super) fn count(&mut self, command: &Command, answer: &Result<Answer, Refusal>, changed: bool) {
        let result = match answer {
            Ok(_) if changed => "done",
            Ok(_) => "repeated",
            Err(Refusal::Rejected(_)) => "rejected",
            Err(Refusal::Unavailable(_)) => "unavailable",
        };
        let labels = CommandLabels { command: command.name(), result };
        match self.0.iter_mut().find(|(known, _)| *known == labels) {
            Some((_, count)) => *count += 1,
            None => self.0.push((labels, 1)),
        }
    }

    /// Adds everything to the shared counters.
    pub(super) fn tell(&mut self, metrics: &EngineMetrics) {
        for (labels, count) in self.0.drain(..) {
            metrics.commands.get_or_create(&labels).inc_by(count);
        }
    }
}
