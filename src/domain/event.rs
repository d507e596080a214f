//! What happened. Events are all that the log remembers; evolve needs nothing beside them.

use std::sync::Arc;

use smol_str::SmolStr;

use super::catalog::{Item, StockDeclaration};
use super::command::StartRegion;
use super::coupon::Campaign;
use super::id::{CampaignId, CouponId, MemberId, OrderId, PickupCode, Sku, StoreId};
use super::money::Currency;
use super::order::Order;
use super::payment::{Payment, Refund, RefundStatus};
use super::store::{Pause, Store};
use super::time::Timestamp;

/// A request's idempotency key and body, each as a fingerprint under the region's secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyUse {
    /// Of subject and key.
    pub fingerprint: u128,
    /// Of the body after parsing.
    pub body: u64,
}

/// Something that happened to the business, at the time of its group.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// An epoch of the region began.
    RegionStarted(StartRegion),
    /// All amounts from now on are in this currency.
    CurrencySet(Currency),
    /// A store came or changed.
    StoreDefined(Arc<Store>),
    /// A store left the sale.
    StoreWithdrawn(StoreId),
    /// An item came or changed.
    ItemDefined(Arc<Item>),
    /// An item left the sale.
    ItemWithdrawn(Sku),
    /// A campaign came or changed.
    CampaignDefined(Arc<Campaign>),
    /// A campaign left the sale.
    CampaignWithdrawn(CampaignId),
    /// Stock of the catalogue: for lines that do not exist yet, or for all where `overwrite`. `"*"` is expanded by evolve.
    StockDeclared {
        /// What was declared.
        declaration: StockDeclaration,
        /// Whether lines that exist are set too.
        overwrite: bool,
    },
    /// Stock was counted anew.
    StockSet {
        /// Where.
        store: StoreId,
        /// Of what.
        sku: Sku,
        /// How many can be ordered; `None` is not counted.
        available: Option<u32>,
    },
    /// Stock was taken in or out.
    StockAdjusted {
        /// Where.
        store: StoreId,
        /// Of what.
        sku: Sku,
        /// How many, in or out.
        delta: i32,
        /// Why.
        reason: SmolStr,
        /// The request, to recognise its repetition.
        request: KeyUse,
    },
    /// A store paused (`Some`) or resumed (`None`).
    AcceptingChanged {
        /// Which.
        store: StoreId,
        /// The pause.
        pause: Option<Pause>,
    },
    /// A coupon was claimed.
    CouponClaimed {
        /// The coupon.
        coupon: CouponId,
        /// Of which campaign.
        campaign: CampaignId,
        /// By whom.
        member: MemberId,
        /// The member's how-manieth of this campaign, from 0.
        ordinal: u16,
    },
    /// An order was placed, awaiting payment; stock reserved, coupon used.
    OrderPlaced {
        /// The order, whole.
        order: Arc<Order>,
        /// The request, to recognise its repetition.
        request: KeyUse,
    },
    /// An order changed.
    OrderChanged {
        /// Which.
        order: OrderId,
        /// How.
        change: OrderChange,
        /// The order as it is afterwards, whole, when this change closes it or opens a closed one again: then the log
        /// alone rebuilds the projection.
        whole: Option<Arc<Order>>,
    },
}

/// How an order changed. Applied by `Order::apply`, alike in decide and evolve.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OrderChange {
    /// The whole amount is there (`payment` is absent when nothing was to pay).
    Paid {
        /// The money.
        payment: Option<Payment>,
        /// Its place in the store's queue.
        position: u64,
        /// The store's deadline.
        accept_by: Timestamp,
        /// The promise.
        wait_minutes: u16,
    },
    /// The store took it.
    Accepted {
        /// The code.
        pickup_code: PickupCode,
        /// Whether the POS chose the code.
        chosen_by_pos: bool,
        /// When it is taken as ready by itself.
        auto_at: Timestamp,
    },
    /// It is on the counter.
    Ready {
        /// When it is taken as collected by itself.
        auto_at: Timestamp,
        /// `auto`, or nothing.
        reason: Option<SmolStr>,
    },
    /// The customer has it.
    Collected {
        /// `auto`, or nothing.
        reason: Option<SmolStr>,
    },
    /// The customer called it off, or nobody paid.
    Cancelled {
        /// Why.
        reason: Option<SmolStr>,
        /// The money that goes back.
        refunds: Vec<Refund>,
    },
    /// The store called it off, or did not answer.
    Rejected {
        /// Why.
        reason: SmolStr,
        /// The money that goes back.
        refunds: Vec<Refund>,
    },
    /// Money came that this order has no use for: late, double, or of the wrong amount. It goes back.
    MoneyReturned {
        /// The money.
        payment: Payment,
        /// Its way back.
        refund: Refund,
    },
    /// A provider answered a refund request.
    RefundSettled {
        /// Which refund.
        number: u16,
        /// What it is now.
        status: RefundStatus,
    },
}

impl OrderChange {
    /// The contract's name of the pushed event: the new status, or how the refund stands.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Paid { .. } => "paid",
            Self::Accepted { .. } => "accepted",
            Self::Ready { .. } => "ready",
            Self::Collected { .. } => "collected",
            Self::Cancelled { .. } => "cancelled",
            Self::Rejected { .. } => "rejected",
            Self::MoneyReturned { .. } => "refund_pending",
            Self::RefundSettled { status, .. } => match status {
                RefundStatus::Pending => "refund_pending",
                RefundStatus::Succeeded => "refund_succeeded",
                RefundStatus::Failed => "refund_failed",
            },
        }
    }
}
