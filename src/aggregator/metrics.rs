//! The centre in figures: how far each region has come, and how it is. Brought up to date when they are asked for, so that
//! nothing stands still because a line does.

use std::sync::atomic::AtomicU64;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use super::picture::{Health, Picture, RegionEntry};
use super::region::Region;
use super::regions::Regions;
use crate::domain::time::Timestamp;

/// Labels of a region.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct RegionLabels {
    /// Its name.
    pub region: String,
}

/// Labels of a health.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct HealthLabels {
    /// `green`, `yellow` or `red`.
    pub health: &'static str,
}

type OfRegion = Family<RegionLabels, Gauge>;
type SecondsOfRegion = Family<RegionLabels, Gauge<f64, AtomicU64>>;

/// What the centre counts.
#[derive(Debug, Default)]
pub struct CentreMetrics {
    regions: Family<HealthLabels, Gauge>,
    stream_clients: Gauge,
    applying_behind_seconds: OfRegion,
    open_orders: OfRegion,
    lag_entries: OfRegion,
    lag_bytes: OfRegion,
    lag_seconds: SecondsOfRegion,
    connected: OfRegion,
    received: OfRegion,
    applied: OfRegion,
    received_entries: OfRegion,
    connections: OfRegion,
    last_acknowledgement: SecondsOfRegion,
    fenced: OfRegion,
}

impl CentreMetrics {
    /// Makes them visible.
    pub fn register(&self, registry: &mut Registry) {
        let centre = registry.sub_registry_with_prefix("aggregator");
        centre.register("regions", "Regions by health", self.regions.clone());
        centre.register("stream_clients", "Readers of the live stream", self.stream_clients.clone());
        centre.register("open_orders", "Orders that can still change", self.open_orders.clone());
        centre.register(
            "applying_behind_seconds",
            "Seconds since everything that had arrived was applied",
            self.applying_behind_seconds.clone(),
        );
        let line = registry.sub_registry_with_prefix("replication");
        line.register("lag_entries", "Entries that have not arrived", self.lag_entries.clone());
        line.register("lag_bytes", "Bytes that have not arrived, roughly", self.lag_bytes.clone());
        line.register("lag_seconds", "Seconds since the centre last had everything", self.lag_seconds.clone());
        line.register("connected", "Whether the region's node ships", self.connected.clone());
        line.register("received", "Sequence of the last entry on the centre's disk", self.received.clone());
        line.register("applied", "Sequence of the last entry that answers show", self.applied.clone());
        line.register("received_entries", "Entries received since the start", self.received_entries.clone());
        line.register("connections", "Connections accepted since the start", self.connections.clone());
        line.register(
            "last_acknowledgement_timestamp_seconds",
            "When entries were last acknowledged; 0: not since the start",
            self.last_acknowledgement.clone(),
        );
        line.register("fenced", "Whether a node of the region is refused", self.fenced.clone());
    }

    /// Brings them up to date.
    pub fn refresh(&self, regions: &Regions, stream_clients: usize, now: Timestamp) {
        let gauge = |value: usize| i64::try_from(value).unwrap_or(i64::MAX);
        self.stream_clients.set(gauge(stream_clients));
        let mut by_health = [(Health::Green, "green", 0), (Health::Yellow, "yellow", 0), (Health::Red, "red", 0)];
        for entry in Picture::of(regions, now).regions {
            by_health.iter_mut().filter(|(health, ..)| *health == entry.health).for_each(|(.., count)| *count += 1);
            self.take_entry(&entry);
        }
        for (_, health, count) in by_health {
            self.regions.get_or_create(&HealthLabels { health }).set(count);
        }
        for region in regions.all() {
            self.take_line(&region, now);
        }
    }

    fn take_entry(&self, entry: &RegionEntry) {
        let labels = RegionLabels { region: entry.region.clone() };
        let gauge = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
        self.open_orders.get_or_create(&labels).set(i64::try_from(entry.open_orders).unwrap_or(i64::MAX));
        self.lag_entries.get_or_create(&labels).set(gauge(entry.lag.entries));
        self.lag_bytes.get_or_create(&labels).set(gauge(entry.lag.bytes));
        self.lag_seconds.get_or_create(&labels).set(entry.lag.seconds);
        self.connected.get_or_create(&labels).set(i64::from(entry.connected));
        self.received.get_or_create(&labels).set(gauge(entry.last_sequence));
        self.applied.get_or_create(&labels).set(gauge(entry.applied_sequence));
        self.fenced.get_or_create(&labels).set(i64::from(entry.fenced.is_some()));
    }

    fn take_line(&self, region: &Region, now: Timestamp) {
        let labels = RegionLabels { region: region.id().to_string() };
        let gauge = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
        let line = region.line();
        #[expect(clippy::cast_precision_loss, reason = "milliseconds stay exact for 285,000 years")]
        let seconds = line.acknowledged_at.map_or(0.0, |at| at.0 as f64 / 1e3);
        self.last_acknowledgement.get_or_create(&labels).set(seconds);
        self.received_entries.get_or_create(&labels).set(gauge(line.received_entries));
        self.connections.get_or_create(&labels).set(gauge(line.connects));
        self.applying_behind_seconds.get_or_create(&labels).set(region.applying().behind_seconds(now));
    }
}
