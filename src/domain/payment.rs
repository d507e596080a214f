//! Money in and money back: every payment and refund of an order with its ids. `paid = kept + refunded`.

use smol_str::SmolStr;

use super::id::ProviderReference;
use super::money::Fen;
use super::time::Timestamp;

/// Money that a provider says it received for an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payment {
    /// The provider's name, such as `sandbox` or `wechatpay`.
    pub provider: SmolStr,
    /// The provider's transaction id: the same id again is the same payment.
    pub reference: ProviderReference,
    /// How much.
    pub amount: Fen,
    /// When it was recorded.
    pub at: Timestamp,
}

/// How far a refund is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RefundStatus {
    /// Owed to the customer; the provider has not confirmed it.
    Pending,
    /// The provider confirmed it.
    Succeeded,
    /// The provider refused it; it is asked again later. The order stays open.
    Failed,
}

/// Money given back, always the whole of one payment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refund {
    /// Ours, unique within the order: `1`, `2`, … in the order of becoming due.
    pub number: u16,
    /// Which payment it gives back.
    pub payment: ProviderReference,
    /// The provider of that payment.
    pub provider: SmolStr,
    /// How much.
    pub amount: Fen,
    /// How far it is.
    pub status: RefundStatus,
    /// When the status last changed.
    pub at: Timestamp,
}

/// What a provider answered to a refund request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefundOutcome {
    /// The money is on its way.
    Succeeded,
    /// Refused.
    Failed,
    /// Asked again after a failure.
    Retried,
}
