//! One region in the list of regions.

use serde::Serialize;
use utoipa::ToSchema;

use super::health::{Cause, Health, Signs};
use super::today::{TodayView, region_today};
use crate::aggregator::figures::Bucket;
use crate::aggregator::region::Region;
use crate::aggregator::region::line::reason_name;
use crate::domain::id::RegionId;
use crate::domain::money::Currency;
use crate::domain::time::Timestamp;
use crate::engine::replica::Gap;
use crate::view::Rfc3339;

/// How far the centre is behind a region.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, ToSchema)]
#[schema(as = Lag)]
pub struct LagView {
    /// Entries that have not arrived, as far as the centre knows.
    pub entries: u64,
    /// Their bytes, roughly.
    pub bytes: u64,
    /// Seconds since the centre last had everything; counts on while the line is down.
    pub seconds: f64,
}

/// A node that was refused for good.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = Fenced)]
pub struct FencedView {
    /// `epoch_superseded`, `behind_centre`, `other_history` or `epoch_not_granted`; tolerate values you don't know.
    #[schema(example = "epoch_superseded")]
    pub reason: &'static str,
    /// What and what to do.
    pub detail: String,
    /// Since when.
    #[schema(value_type = String, format = DateTime)]
    pub at: Rfc3339,
    /// Which process: drawn anew at each of its starts.
    pub instance: String,
}

/// A stretch of a region's log that never came: its node had trimmed it away before the centre could be reached again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = Gap)]
pub struct GapView {
    /// The first entry that is missing.
    pub first_sequence: u64,
    /// The last one.
    pub last_sequence: u64,
    /// Orders and figures are incomplete from here …
    #[schema(value_type = String, format = DateTime)]
    pub from: Rfc3339,
    /// … to here.
    #[schema(value_type = String, format = DateTime)]
    pub to: Rfc3339,
    /// When the centre went on with a snapshot.
    #[schema(value_type = String, format = DateTime)]
    pub at: Rfc3339,
}

impl From<Gap> for GapView {
    fn from(gap: Gap) -> Self {
        Self {
            first_sequence: gap.from.sequence.next().0,
            last_sequence: gap.to.sequence.0,
            from: Rfc3339(gap.from_time),
            to: Rfc3339(gap.to_time),
            at: Rfc3339(gap.at),
        }
    }
}

/// A region.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[schema(as = Region)]
pub struct RegionEntry {
    /// Its name.
    pub region: String,
    /// The epoch granted last.
    pub epoch: u32,
    /// Whether its node ships.
    pub connected: bool,
    /// `green`, `yellow` or `red`.
    pub health: Health,
    /// Why it is not green, in a sentence.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub reason: Option<String>,
    /// The same as a code.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub cause: Option<Cause>,
    /// The last entry that has arrived and is on disk.
    pub last_sequence: u64,
    /// The last entry that answers show.
    pub applied_sequence: u64,
    /// How far the centre is behind.
    pub lag: LagView,
    /// When its node last spoke.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, value_type = Option<String>, format = DateTime)]
    pub last_heard_at: Option<Rfc3339>,
    /// A node of this region that was refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub fenced: Option<FencedView>,
    /// Whether the copy ends before the region's log begins.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    #[schema(default = false)]
    pub needs_seed: bool,
    /// Stretches of its log that the centre never had, the newest ones: orders that were placed and closed in them are not
    /// known here, those that were open before and closed in them stay as they were last seen.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pub gaps: Vec<GapView>,
    /// Where customers reach its node.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub public_url: Option<String>,
    /// Stores on sale.
    pub stores: usize,
    /// Orders that can still change.
    pub open_orders: usize,
    /// The present business day of its stores.
    pub today: TodayView,
    /// ISO 4217.
    #[schema(example = "CNY")]
    pub currency: String,
}

impl RegionEntry {
    /// A region at `now`, with its day as a sum.
    pub fn of(region: &Region, now: Timestamp) -> (Self, Bucket, Currency) {
        let views = region.reads().views();
        let catalog = views.catalog();
        let today = region_today(&region.figures(), &catalog, now);
        let (line, applying) = (region.line(), region.applying());
        let received = region.received().sequence.0;
        let (failure, damage) = (region.replica().failure(), region.replica().damage());
        let signs =
            Signs { now, line: &line, applying: &applying, log_failure: failure.as_deref(), damage: damage.as_deref() };
        let (health, cause) = signs.judge();
        let entry = Self {
            region: region.id().to_string(),
            epoch: region.replica().epoch().0,
            connected: line.connected,
            health,
            reason: cause.as_ref().map(ToString::to_string),
            cause,
            last_sequence: received,
            applied_sequence: region.applied(),
            lag: LagView {
                entries: line.head.saturating_sub(received),
                bytes: line.bytes_behind,
                seconds: round_tenth(line.lag_seconds(now)),
            },
            last_heard_at: line.heard_at.map(Rfc3339),
            fenced: line.fence.map(|fence| FencedView {
                reason: reason_name(fence.reason),
                detail: fence.detail,
                at: Rfc3339(fence.since),
                instance: format!("{:032x}", fence.instance),
            }),
            needs_seed: line.needs_seed,
            gaps: region.replica().gaps().into_iter().map(GapView::from).collect(),
            public_url: region.announcement().public_url.clone(),
            stores: catalog.stores.len(),
            open_orders: views.open_orders(),
            today: TodayView::from(&today),
            currency: catalog.currency.as_str().to_owned(),
        };
        (entry, today, catalog.currency)
    }

    /// A region whose copy can't be used.
    pub fn broken(region: &RegionId, why: &str) -> Self {
        let cause = Cause::CopyBroken { detail: why.to_owned() };
        Self {
            region: region.to_string(),
            epoch: 0,
            connected: false,
            health: Health::Red,
            reason: Some(cause.to_string()),
            cause: Some(cause),
            last_sequence: 0,
            applied_sequence: 0,
            lag: LagView { entries: 0, bytes: 0, seconds: 0.0 },
            last_heard_at: None,
            fenced: None,
            needs_seed: false,
            gaps: Vec::new(),
            public_url: None,
            stores: 0,
            open_orders: 0,
            today: TodayView::from(&Bucket::default()),
            currency: Currency::CNY.as_str().to_owned(),
        }
    }
}

fn round_tenth(seconds: f64) -> f64 {
    (seconds * 10.0).round() / 10.0
}
