//! The order and its life. Names, prices and tax are frozen when it is placed; money and status change only by events.

use smol_str::SmolStr;

use super::actor::Actor;
use super::catalog::Name;
use super::coupon::AppliedCoupon;
use super::event::OrderChange;
use super::id::{MemberId, OptionId, OrderId, PickupCode, Sku, StoreId};
use super::money::{Currency, Fen};
use super::payment::{Payment, Refund, RefundStatus};
use super::time::{BusinessDay, Timestamp};

/// Most lines of an order.
pub const LINES_MAX: usize = 50;
/// Most units of one line.
pub const QUANTITY_MAX: u32 = 999;
/// Most chosen options of a line.
pub const LINE_OPTIONS_MAX: usize = 32;
/// Longest note or reason in characters.
pub const NOTE_CHARS_MAX: usize = 200;
/// Most that one payment may claim to be: keeps sums far from overflow whatever a provider says.
pub const PAYMENT_MAX: Fen = Fen(1_000_000_000_000);
/// Most payments (and so refunds) one order records; beyond it further money is refused to the provider.
pub const PAYMENTS_MAX: usize = 16;

/// Where an order is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Status {
    /// Placed, stock reserved, money not there.
    AwaitingPayment,
    /// Paid, waiting for the store.
    Paid,
    /// The store makes it; it has a pickup code.
    Accepted,
    /// On the counter.
    Ready,
    /// With the customer. Final.
    Collected,
    /// Called off by the customer or for want of payment. Final but for its refund.
    Cancelled,
    /// Called off by the store or for want of an answer. Final but for its refund.
    Rejected,
}

impl Status {
    /// The contract's name of the status.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AwaitingPayment => "awaiting_payment",
            Self::Paid => "paid",
            Self::Accepted => "accepted",
            Self::Ready => "ready",
            Self::Collected => "collected",
            Self::Cancelled => "cancelled",
            Self::Rejected => "rejected",
        }
    }

    /// Every status, in the order of life.
    pub const ALL: [Self; 7] = [
        Self::AwaitingPayment,
        Self::Paid,
        Self::Accepted,
        Self::Ready,
        Self::Collected,
        Self::Cancelled,
        Self::Rejected,
    ];

    /// Whether the store has it before it: paid, accepted or ready.
    pub fn in_store(self) -> bool {
        matches!(self, Self::Paid | Self::Accepted | Self::Ready)
    }

    /// Whether no transition leads out of it.
    pub fn is_final(self) -> bool {
        matches!(self, Self::Collected | Self::Cancelled | Self::Rejected)
    }
}

/// A choice taken, frozen with its name and price.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChosenOption {
    /// The option group.
    pub option: OptionId,
    /// The choice within it.
    pub choice: OptionId,
    /// The choice's name.
    pub name: Name,
    /// What it added to the unit price.
    pub price: Fen,
}

/// One line of an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// What.
    pub sku: Sku,
    /// Its name then.
    pub name: Name,
    /// How many.
    pub quantity: u32,
    /// With which choices.
    pub options: Vec<ChosenOption>,
    /// Price of one, choices included.
    pub unit_price: Fen,
    /// `unit_price × quantity`.
    pub amount: Fen,
    /// This line's part of the order's discount.
    pub discount: Fen,
    /// Tax contained in `amount − discount`.
    pub tax: Option<Fen>,
}

/// A fee beside the lines (none is charged in this version; the field is frozen already).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fee {
    /// Its kind, such as `packing`.
    pub kind: SmolStr,
    /// How much.
    pub amount: Fen,
}

/// Why an order ended or moved without a person: beside a person's own words.
pub mod reason {
    /// Nobody paid in time.
    pub const PAYMENT_TIMEOUT: &str = "payment_timeout";
    /// The store did not answer in time.
    pub const STORE_TIMEOUT: &str = "store_timeout";
    /// Moved on by itself after some hours, so that no order stays open for ever.
    pub const AUTO: &str = "auto";
}

/// An order, whole. Open ones live in the hot state, closed ones in the projection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// Its id.
    pub id: OrderId,
    /// Where it is made.
    pub store: StoreId,
    /// Whose it is.
    pub member: MemberId,
    /// The store's business day on which it was placed.
    pub business_day: BusinessDay,
    /// Where it is in its life.
    pub status: Status,
    /// What was ordered.
    pub lines: Vec<Line>,
    /// What is added.
    pub fees: Vec<Fee>,
    /// Currency of every amount.
    pub currency: Currency,
    /// Lines plus fees.
    pub total: Fen,
    /// What the coupon takes off.
    pub discount: Fen,
    /// `total − discount`, at least zero.
    pub payable: Fen,
    /// The coupon used.
    pub coupon: Option<AppliedCoupon>,
    /// The customer's words to the kitchen.
    pub note: Option<SmolStr>,
    /// The code called when it is ready.
    pub pickup_code: Option<PickupCode>,
    /// When it was placed.
    pub created_at: Timestamp,
    /// Until when it may be paid (while awaiting payment: the deadline).
    pub pay_by: Option<Timestamp>,
    /// When the money was there.
    pub paid_at: Option<Timestamp>,
    /// Until when the store must answer.
    pub accept_by: Option<Timestamp>,
    /// When the store accepted.
    pub accepted_at: Option<Timestamp>,
    /// When it was on the counter.
    pub ready_at: Option<Timestamp>,
    /// When an accepted order is taken as ready, and a ready one as collected, without anybody saying so.
    pub auto_at: Option<Timestamp>,
    /// When the customer had it.
    pub collected_at: Option<Timestamp>,
    /// When it was collected, cancelled or rejected.
    pub closed_at: Option<Timestamp>,
    /// Why it was cancelled or rejected, or `auto`.
    pub reason: Option<SmolStr>,
    /// Money received.
    pub payments: Vec<Payment>,
    /// Money given back or owed.
    pub refunds: Vec<Refund>,
    /// Its place in the order in which the store's orders were paid.
    pub position: Option<u64>,
    /// Minutes of waiting promised when it was paid.
    pub wait_minutes: Option<u16>,
    /// Grows by one with every change of this order; 1 when placed.
    pub offset: u64,
}

impl Order {
    /// Whether `actor` may see and act on it; otherwise it is as if it did not exist.
    pub fn visible_to(&self, actor: &Actor) -> bool {
        actor.may_see(&self.member, &self.store)
    }

    /// Takes a change in that happened `at`. Decide uses it to see what an event would lead to, evolve to make it so.
    pub fn apply(&mut self, at: Timestamp, change: &OrderChange) {
        self.offset += 1;
        match change {
            OrderChange::Paid { payment, position, accept_by, wait_minutes } => {
                self.payments.extend(payment.clone());
                self.status = Status::Paid;
                self.paid_at = Some(at);
                self.position = Some(*position);
                self.accept_by = Some(*accept_by);
                self.wait_minutes = Some(*wait_minutes);
            }
            OrderChange::Accepted { pickup_code, auto_at, .. } => {
                self.status = Status::Accepted;
                self.accepted_at = Some(at);
                self.pickup_code = Some(pickup_code.clone());
                self.auto_at = Some(*auto_at);
            }
            OrderChange::Ready { auto_at, reason } => {
                self.status = Status::Ready;
                self.ready_at = Some(at);
                self.auto_at = Some(*auto_at);
                self.reason.clone_from(reason);
            }
            OrderChange::Collected { reason } => {
                self.end(at, Status::Collected, reason.clone());
                self.collected_at = Some(at);
            }
            OrderChange::Cancelled { reason, refunds } => {
                self.end(at, Status::Cancelled, reason.clone());
                self.refunds.extend_from_slice(refunds);
            }
            OrderChange::Rejected { reason, refunds } => {
                self.end(at, Status::Rejected, Some(reason.clone()));
                self.refunds.extend_from_slice(refunds);
            }
            OrderChange::MoneyReturned { payment, refund } => {
                self.payments.push(payment.clone());
                self.refunds.push(refund.clone());
            }
            OrderChange::RefundSettled { number, status } => {
                for refund in self.refunds.iter_mut().filter(|refund| refund.number == *number) {
                    refund.status = *status;
                    refund.at = at;
                }
            }
        }
    }

    fn end(&mut self, at: Timestamp, status: Status, reason: Option<SmolStr>) {
        self.status = status;
        self.closed_at = Some(at);
        self.reason = reason;
    }

    /// Whether nothing can change any more but by late money: final, and every refund succeeded.
    pub fn is_closed(&self) -> bool {
        self.status.is_final() && self.refunds.iter().all(|refund| refund.status == RefundStatus::Succeeded)
    }

    /// Money received.
    pub fn paid(&self) -> Fen {
        self.payments.iter().map(|payment| payment.amount).sum()
    }

    /// Money given back or owed back.
    pub fn refunded(&self) -> Fen {
        self.refunds.iter().map(|refund| refund.amount).sum()
    }

    /// The next instant at which something happens to the order by itself.
    pub fn deadline(&self) -> Option<Timestamp> {
        match self.status {
            Status::AwaitingPayment => self.pay_by,
            Status::Paid => self.accept_by,
            Status::Accepted | Status::Ready => self.auto_at,
            Status::Collected | Status::Cancelled | Status::Rejected => None,
        }
    }
}
