//! Everything that may change the business. Built by the edge, decided by [`decide`](super::decide::decide).

use smol_str::SmolStr;

use super::catalog::CatalogImport;
use super::coupon::RegionSecret;
use super::id::{
    CampaignId, CouponId, IdempotencyKey, MemberId, OptionId, OrderId, PickupCode, ProviderReference, RegionId, Sku,
    StoreId,
};
use super::money::Fen;
use super::payment::RefundOutcome;
use super::time::Timestamp;

/// A wish. The actor comes with the [`Context`](super::context::Context).
#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    /// The first command of an epoch.
    StartRegion(StartRegion),
    /// Bring the catalogue to what a file declares.
    ImportCatalog(Box<CatalogImport>),
    /// Claim a coupon of a campaign.
    ClaimCoupon {
        /// For whom.
        member: MemberId,
        /// Of which campaign.
        campaign: CampaignId,
    },
    /// Place an order.
    PlaceOrder(Box<PlaceOrder>),
    /// Money came.
    RecordPayment {
        /// For which order.
        order: OrderId,
        /// From which provider.
        provider: SmolStr,
        /// The provider's transaction id.
        reference: ProviderReference,
        /// How much.
        amount: Fen,
    },
    /// The customer calls it off.
    CancelOrder {
        /// Which.
        order: OrderId,
    },
    /// The store takes it.
    AcceptOrder {
        /// Which.
        order: OrderId,
        /// The POS's own code; else the node gives one.
        pickup_code: Option<PickupCode>,
    },
    /// The store calls it off.
    RejectOrder {
        /// Which.
        order: OrderId,
        /// Why, for the customer.
        reason: SmolStr,
    },
    /// On the counter.
    MarkReady {
        /// Which.
        order: OrderId,
    },
    /// With the customer.
    MarkCollected {
        /// Which.
        order: OrderId,
    },
    /// A provider's answer to a refund request.
    SettleRefund {
        /// Of which order.
        order: OrderId,
        /// Which of its refunds.
        number: u16,
        /// What came out.
        outcome: RefundOutcome,
    },
    /// Count stock anew; `None` is not counted.
    SetStock {
        /// Where.
        store: StoreId,
        /// Of what.
        sku: Sku,
        /// How many can be ordered.
        available: Option<u32>,
    },
    /// Take stock in or out.
    AdjustStock {
        /// Where.
        store: StoreId,
        /// Of what.
        sku: Sku,
        /// How many, in or out.
        delta: i32,
        /// Why.
        reason: SmolStr,
        /// Makes a repetition harmless.
        key: IdempotencyKey,
    },
    /// Pause or resume a store.
    SetAccepting {
        /// Which.
        store: StoreId,
        /// Whether it takes orders.
        accepting: bool,
        /// Why not, for the customer.
        reason: Option<SmolStr>,
        /// Until when not.
        until: Option<Timestamp>,
    },
    /// A deadline of this order may have passed; decided again against the state, so firing twice is harmless.
    PassDeadline {
        /// Which.
        order: OrderId,
    },
}

impl Command {
    /// The existing order that the command is about; its closed record may have to be fetched first.
    pub fn order(&self) -> Option<OrderId> {
        match self {
            Self::RecordPayment { order, .. }
            | Self::CancelOrder { order }
            | Self::AcceptOrder { order, .. }
            | Self::RejectOrder { order, .. }
            | Self::MarkReady { order }
            | Self::MarkCollected { order }
            | Self::SettleRefund { order, .. }
            | Self::PassDeadline { order } => Some(*order),
            Self::StartRegion(_)
            | Self::ImportCatalog(_)
            | Self::ClaimCoupon { .. }
            | Self::PlaceOrder(_)
            | Self::SetStock { .. }
            | Self::AdjustStock { .. }
            | Self::SetAccepting { .. } => None,
        }
    }

    /// The command's name in metrics and logs.
    pub fn name(&self) -> &'static str {
        match self {
            Self::StartRegion(_) => "start_region",
            Self::ImportCatalog(_) => "import_catalog",
            Self::ClaimCoupon { .. } => "claim_coupon",
            Self::PlaceOrder(_) => "place_order",
            Self::RecordPayment { .. } => "record_payment",
            Self::CancelOrder { .. } => "cancel_order",
            Self::AcceptOrder { .. } => "accept_order",
            Self::RejectOrder { .. } => "reject_order",
            Self::MarkReady { .. } => "mark_ready",
            Self::MarkCollected { .. } => "mark_collected",
            Self::SettleRefund { .. } => "settle_refund",
            Self::SetStock { .. } => "set_stock",
            Self::AdjustStock { .. } => "adjust_stock",
            Self::SetAccepting { .. } => "set_accepting",
            Self::PassDeadline { .. } => "pass_deadline",
        }
    }
}

/// Who this log belongs to, and under which secret its fingerprints are made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StartRegion {
    /// The region.
    pub region: RegionId,
    /// The epoch that begins, from 1.
    pub epoch: u16,
    /// Drawn once in epoch 1 and kept ever after.
    pub secret: RegionSecret,
}

/// An order as the customer asks for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlaceOrder {
    /// Who.
    pub member: MemberId,
    /// Where.
    pub store: StoreId,
    /// What.
    pub lines: Vec<RequestedLine>,
    /// With which coupon.
    pub coupon: Option<CouponId>,
    /// Words to the kitchen.
    pub note: Option<SmolStr>,
    /// What the customer believes it costs.
    pub expected_total: Option<Fen>,
    /// Makes a repetition recognisable.
    pub key: IdempotencyKey,
}

/// One line as the customer asks for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestedLine {
    /// What.
    pub sku: Sku,
    /// How many; zero and too many are refused.
    pub quantity: u32,
    /// With which choices.
    pub options: Vec<RequestedOption>,
}

/// One choice as the customer asks for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestedOption {
    /// The option group.
    pub option: OptionId,
    /// The choice within it.
    pub choice: OptionId,
}
