//! An order's history, read from its region's log: the order's own times say near which entries to look, and its offset how
//! many there must be. Bounded: a refund that came days later may be left out, and then it is said.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use qucan_storage::Sequence;
use qucan_storage::log::ReadError;

use crate::aggregator::region::Region;
use crate::domain::actor::Actor;
use crate::domain::event::Event;
use crate::domain::id::OrderId;
use crate::domain::time::Timestamp;
use crate::engine::records::{EntryView, EventKind};
use crate::limits::HISTORY_ENTRIES_MAX;
use crate::view::Rfc3339;

/// Who caused something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = Actor)]
pub struct ActorView {
    /// `customer`, `store`, `operator`, `provider` or `node`.
    pub role: &'static str,
    /// Whose token it was, where there was one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub subject: Option<String>,
}

impl From<&Actor> for ActorView {
    fn from(actor: &Actor) -> Self {
        let (role, subject) = match actor {
            Actor::Customer(member) => ("customer", Some(member.to_string())),
            Actor::Store { subject, .. } => ("store", Some(subject.to_string())),
            Actor::Operator { subject } => ("operator", Some(subject.to_string())),
            Actor::Provider => ("provider", None),
            Actor::Node => ("node", None),
        };
        Self { role, subject }
    }
}

/// Something that happened to an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct HistoryEntry {
    /// The log entry's number in its region.
    pub sequence: u64,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    pub at: Rfc3339,
    /// `placed`, a status, or how a refund stands.
    #[schema(example = "paid")]
    pub event: &'static str,
    /// Who.
    pub actor: ActorView,
    /// From which device, where it said so.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub device: Option<String>,
    /// Under which request id.
    pub request_id: String,
}

/// What happened, as far as it was found.
#[derive(Debug, Default)]
pub struct History {
    /// In order.
    pub entries: Vec<HistoryEntry>,
    /// Whether that is all.
    pub is_complete: bool,
}

/// The times an order tells about itself, and how often it changed.
#[derive(Debug, Deserialize)]
pub struct Times {
    created_at: String,
    paid_at: Option<String>,
    accepted_at: Option<String>,
    ready_at: Option<String>,
    collected_at: Option<String>,
    closed_at: Option<String>,
    offset: u64,
    refund: Option<RefundStatus>,
}

#[derive(Debug, Deserialize)]
struct RefundStatus {
    status: String,
}

impl Times {
    /// Of the contract's order.
    pub fn of(order: &[u8]) -> Option<Self> {
        serde_json::from_slice(order).ok()
    }

    /// When it was placed.
    pub fn created(&self) -> Option<Timestamp> {
        Rfc3339::parse(&self.created_at)
    }

    /// Whether something was still to come: an end, or money back.
    pub fn is_open(&self) -> bool {
        self.closed_at.is_none() || self.refund.as_ref().is_some_and(|refund| refund.status != "succeeded")
    }

    fn known(&self) -> Vec<Timestamp> {
        let later = [&self.paid_at, &self.accepted_at, &self.ready_at, &self.collected_at, &self.closed_at];
        let texts = std::iter::once(&self.created_at).chain(later.into_iter().flatten());
        let mut times: Vec<Timestamp> = texts.filter_map(|text| Rfc3339::parse(text)).collect();
        times.sort();
        times.dedup();
        times
    }
}

/// Reads an order's history. Blocking.
pub fn read(region: &Region, order: OrderId, times: &Times) -> History {
    let mut walk = Walk { order, wanted: times.offset, left: HISTORY_ENTRIES_MAX, found: BTreeMap::new() };
    for (first, until) in stretches(region, &times.known()) {
        if walk.is_over() {
            break;
        }
        if let Err(error) = walk.over(region, first, until) {
            region.replica().could_not_read(&error);
            tracing::warn!(region = %region.id(), %order, %error, "a part of an order's history can't be read");
        }
    }
    let is_complete = walk.found.len() as u64 == walk.wanted;
    History { entries: walk.found.into_values().collect(), is_complete }
}

/// The stretches of the log in which something happened to the order: ten seconds around each of its times; then everything
/// after the last one, where refunds are.
fn stretches(region: &Region, times: &[Timestamp]) -> Vec<(u64, u64)> {
    let end = region.applied();
    let figures = region.figures();
    let mut stretches: Vec<(u64, u64)> = Vec::new();
    for time in times {
        let Some((first, next)) = figures.entries_near(*time) else { continue };
        let until = next.map_or(end, |next| next.saturating_sub(1));
        if stretches.last() != Some(&(first, until)) {
            stretches.push((first, until));
        }
    }
    if let Some((_, until)) = stretches.last().copied().filter(|(_, until)| *until < end) {
        stretches.push((until + 1, end));
    }
    stretches
}

struct Walk {
    order: OrderId,
    wanted: u64,
    left: u64,
    found: BTreeMap<u64, HistoryEntry>,
}

impl Walk {
    fn is_over(&self) -> bool {
        self.left == 0 || self.found.len() as u64 >= self.wanted
    }

    fn over(&mut self, region: &Region, first: u64, until: u64) -> Result<(), ReadError> {
        // What was trimmed away is not there any more: then the history is not complete.
        let first = first.max(region.replica().first().0);
        if first > until {
            return Ok(());
        }
        let mut reader = region.replica().reader(Sequence(first.saturating_sub(1)))?;
        while !self.is_over() {
            let Some(group) = reader.next(Sequence(until))? else { break };
            for (sequence, entry) in group.entries() {
                self.left = self.left.saturating_sub(1);
                self.look_at(sequence.0, entry);
            }
        }
        Ok(())
    }

    /// Takes an entry that is about the order; what can't be read is not about it.
    fn look_at(&mut self, sequence: u64, bytes: &[u8]) {
        let Ok(entry) = EntryView::parse(bytes) else { return };
        if !matches!(entry.kind, EventKind::OrderPlaced | EventKind::OrderChanged | EventKind::OrderSettled) {
            return;
        }
        let event = match entry.event() {
            Ok(Event::OrderPlaced { order, .. }) if order.id == self.order => "placed",
            Ok(Event::OrderChanged { order, change, .. }) if order == self.order => change.name(),
            _ => return,
        };
        let Ok(meta) = entry.meta() else { return };
        let entry = HistoryEntry {
            sequence,
            at: Rfc3339(meta.at),
            event,
            actor: (&meta.actor).into(),
            device: meta.device.map(|device| device.to_string()),
            request_id: meta.request_id.to_string(),
        };
        self.found.insert(sequence, entry);
    }
}
