//! `qucan_replication_*`, brought up to date whenever somebody looks.

use std::fmt;
use std::sync::Arc;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Unit;

use super::Shared;

/// Shows how shipping goes.
pub(super) struct Shown(pub(super) Arc<Shared>);

impl fmt::Debug for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Shown")
    }
}

fn put(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    unit: Option<&Unit>,
    metric: &impl EncodeMetric,
) -> fmt::Result {
    metric.encode(encoder.encode_descriptor(&format!("replication_{name}"), help, unit, metric.metric_type())?)
}

impl Collector for Shown {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let shared = &self.0;
        let (reading, acknowledged, behind) = shared.look();
        let gauge = |value: u64| ConstGauge::new(i64::try_from(value).unwrap_or(i64::MAX));
        let encoder = &mut encoder;
        put(encoder, "lag_entries", "Log entries that the centre has not synced", None, &gauge(behind.entries))?;
        put(encoder, "lag", "Log bytes that the centre has not synced", Some(&Unit::Bytes), &gauge(behind.bytes))?;
        let seconds = ConstGauge::new(behind.seconds);
        put(encoder, "lag", "Age of the oldest entry that the centre has not synced", Some(&Unit::Seconds), &seconds)?;
        let connected = gauge(u64::from(reading.connected));
        put(encoder, "connected", "Whether the line to the centre is up", None, &connected)?;
        put(encoder, "acknowledged", "Last sequence that the centre has synced", None, &gauge(acknowledged))?;
        let at = ConstGauge::new(shared.last_acknowledgement(&reading).unwrap_or(0.0));
        let help = "When the centre last acknowledged, as a time; 0 if not since the start";
        put(encoder, "last_acknowledgement_timestamp", help, Some(&Unit::Seconds), &at)?;
        let fenced = gauge(u64::from(shared.handle.status().fenced.is_some()));
        put(encoder, "fenced", "Whether this node may not go on with its region", None, &fenced)?;
        let counted: [(&str, &str, Option<&Unit>, u64); 3] = [
            ("resends", "Entries sent again after a line was lost", None, reading.resends),
            ("connections", "Lines to the centre that were opened", None, reading.connects),
            ("sent", "Bytes sent to the centre", Some(&Unit::Bytes), reading.bytes_sent),
        ];
        for (name, help, unit, value) in counted {
            put(encoder, name, help, unit, &ConstCounter::new(value))?;
        }
        Ok(())
    }
}
