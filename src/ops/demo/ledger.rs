//! What the simulated customers and stores experienced: the side of the comparison that never asked the node what is
//! true, but remembers what it was told.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use hdrhistogram::Histogram;
use parking_lot::Mutex;
use serde_json::Value;
use smol_str::SmolStr;

use super::basket::{number, text};

/// Longest wait for a code that is told apart from longer ones: two minutes.
const MICROS_MAX: u64 = 120_000_000;

/// An order as some answer or push showed it: what is compared.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Seen {
    /// Its id.
    pub id: SmolStr,
    /// Its status.
    pub status: SmolStr,
    /// Lines and fees.
    pub total: i64,
    /// What the coupon took off.
    pub discount: i64,
    /// What was to pay.
    pub payable: i64,
    /// The code to call.
    pub pickup_code: Option<SmolStr>,
    /// Status and amount of what goes back.
    pub refund: Option<(SmolStr, i64)>,
    /// How often it changed.
    pub offset: u64,
}

impl Seen {
    /// Reads an order.
    pub fn of(order: &Value) -> Self {
        Self {
            id: text(order, "id").into(),
            status: text(order, "status").into(),
            total: number(order, "total"),
            discount: number(order, "discount"),
            payable: number(order, "payable"),
            pickup_code: order.get("pickup_code").and_then(Value::as_str).map(SmolStr::new),
            refund: order.get("refund").map(|refund| (text(refund, "status").into(), number(refund, "amount"))),
            offset: u64::try_from(number(order, "offset")).unwrap_or(0),
        }
    }

    /// Whether no transition leads out of its status.
    pub fn is_final(&self) -> bool {
        matches!(self.status.as_str(), "collected" | "cancelled" | "rejected")
    }

    /// Whether nothing more can come but late money.
    pub fn has_ended(&self) -> bool {
        self.is_final() && self.refund.as_ref().is_none_or(|(status, _)| status == "succeeded")
    }

    /// What went back or is to go back.
    pub fn refunded(&self) -> i64 {
        self.refund.as_ref().map_or(0, |(_, amount)| *amount)
    }
}

/// One order as its customer knows it.
#[derive(Debug, Clone, Default)]
pub struct OrderNote {
    /// The store.
    pub store: SmolStr,
    /// What was ordered.
    pub units: Vec<(SmolStr, u32)>,
    /// What it must cost by the customer's own arithmetic, and what the coupon must take off.
    pub total: i64,
    /// See `total`.
    pub discount: i64,
    /// The coupon given.
    pub coupon: Option<SmolStr>,
    /// Money that the customer paid, each time.
    pub payments: Vec<i64>,
    /// The order as it was pushed last.
    pub last: Seen,
    /// The code that was pushed when the store accepted.
    pub pushed_code: Option<SmolStr>,
}

/// A coupon as its owner knows it.
#[derive(Debug, Clone)]
pub struct ClaimNote {
    /// Whose.
    pub member: SmolStr,
    /// Of which campaign.
    pub campaign: SmolStr,
    /// Its id.
    pub coupon: SmolStr,
}

/// Running counts for the live line.
#[derive(Debug, Default)]
pub struct Counts {
    /// Customers who came.
    pub customers: AtomicU64,
    /// Orders placed.
    pub placed: AtomicU64,
    /// Orders paid, whatever became of them.
    pub paid: AtomicU64,
    /// Codes that reached a customer.
    pub codes: AtomicU64,
    /// Orders collected.
    pub collected: AtomicU64,
    /// Orders cancelled.
    pub cancelled: AtomicU64,
    /// Orders rejected.
    pub rejected: AtomicU64,
    /// Orders with money that went back.
    pub refunded: AtomicU64,
    /// Customers who misbehaved.
    pub misbehaved: AtomicU64,
}

/// Everything that was experienced.
#[derive(Debug, Default)]
pub struct Ledger {
    /// For the live line.
    pub counts: Counts,
    inner: Mutex<Inner>,
    /// Microseconds from payment to code; made with the first.
    to_code: Mutex<Option<Histogram<u64>>>,
}

#[derive(Debug, Default)]
struct Inner {
    orders: Vec<OrderNote>,
    claims: Vec<ClaimNote>,
    /// Codes by order, as the POS was answered.
    accepts: HashMap<SmolStr, SmolStr>,
    turned_away: BTreeMap<String, u64>,
    violations: Vec<String>,
}

/// The ledger's content, at the end.
#[derive(Debug, Default, Clone)]
pub struct Experience {
    /// Every order placed.
    pub orders: Vec<OrderNote>,
    /// Every coupon claimed.
    pub claims: Vec<ClaimNote>,
    /// Codes by order, as the POS was answered.
    pub accepts: HashMap<SmolStr, SmolStr>,
    /// Refusals that a customer has to live with, by problem.
    pub turned_away: BTreeMap<String, u64>,
    /// What must never happen and was noticed at once.
    pub violations: Vec<String>,
}

impl Ledger {
    /// An order has ended, or its customer has given up on it.
    pub fn order(&self, note: OrderNote) {
        let counts = &self.counts;
        match note.last.status.as_str() {
            "collected" => Some(&counts.collected),
            "cancelled" => Some(&counts.cancelled),
            "rejected" => Some(&counts.rejected),
            _ => None,
        }
        .map(increment);
        if note.last.refunded() > 0 {
            increment(&counts.refunded);
        }
        self.inner.lock().orders.push(note);
    }

    /// A coupon was claimed.
    pub fn claim(&self, claim: ClaimNote) {
        self.inner.lock().claims.push(claim);
    }

    /// A POS was answered that it accepted an order, with this code.
    pub fn accepted(&self, order: &str, code: &str) {
        let before = self.inner.lock().accepts.insert(order.into(), code.into());
        if let Some(before) = before.filter(|before| before != code) {
            self.violation(format!("order {order} was accepted with code {before}, then with {code}"));
        }
    }

    /// A customer was refused for a reason that customers have to live with.
    pub fn turned_away(&self, problem: String) {
        *self.inner.lock().turned_away.entry(problem).or_default() += 1;
    }

    /// Something happened that must not.
    pub fn violation(&self, what: String) {
        self.inner.lock().violations.push(what);
    }

    /// A code reached its customer so long after the payment.
    pub fn code_after(&self, waited: Duration) {
        increment(&self.counts.codes);
        let micros = u64::try_from(waited.as_micros()).unwrap_or(u64::MAX).clamp(1, MICROS_MAX);
        let mut histogram = self.to_code.lock();
        if histogram.is_none() {
            *histogram = Histogram::new_with_bounds(1, MICROS_MAX, 3).ok();
        }
        if let Some(histogram) = &mut *histogram {
            histogram.saturating_record(micros);
        }
    }

    /// Median and 99th percentile from payment to code.
    pub fn to_code(&self) -> (Duration, Duration) {
        let histogram = self.to_code.lock();
        let at = |quantile| histogram.as_ref().map_or(0, |histogram| histogram.value_at_quantile(quantile));
        (Duration::from_micros(at(0.5)), Duration::from_micros(at(0.99)))
    }

    /// Everything, taken out.
    pub fn close(&self) -> Experience {
        let Inner { orders, claims, accepts, turned_away, violations } = std::mem::take(&mut *self.inner.lock());
        Experience { orders, claims, accepts, turned_away, violations }
    }
}

/// One more.
pub fn increment(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}
