//! Why a command was refused. Each stands in the contract's error table; a refused command changed nothing.

use smol_str::SmolStr;

use super::id::{CampaignId, CouponId, OrderId, PickupCode, Sku, StoreId};
use super::money::Fen;
use super::order::Status;
use super::time::Timestamp;

/// A refusal of the business, with what helps the one who asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// No such order, or somebody else's.
    #[error("there is no such order")]
    OrderNotFound {
        /// The id asked for.
        order: OrderId,
    },
    /// The order is known to be closed but not in the state: the engine fetches its record and asks again.
    #[error("the record of order {order} is needed")]
    RecordNeeded {
        /// Which.
        order: OrderId,
    },
    /// No such store on sale.
    #[error("there is no store {store}")]
    UnknownStore {
        /// The store asked for.
        store: StoreId,
    },
    /// No such campaign on sale.
    #[error("there is no campaign {campaign}")]
    UnknownCampaign {
        /// The campaign asked for.
        campaign: CampaignId,
    },
    /// Not on this store's menu.
    #[error("{sku} is not sold here")]
    UnknownItem {
        /// What was asked for.
        sku: Sku,
    },
    /// An option or choice that the item does not have, or too few or too many of a group.
    #[error("option {option} of {sku}: {why}")]
    UnknownOption {
        /// The item.
        sku: Sku,
        /// The option group.
        option: SmolStr,
        /// What is wrong with it.
        why: &'static str,
    },
    /// Fewer left than asked for.
    #[error("{available} of {sku} left")]
    OutOfStock {
        /// What was asked for.
        sku: Sku,
        /// How many there are.
        available: u32,
    },
    /// A line that is not counted can be counted anew, but nothing can be added to it.
    #[error("{sku} is not counted at {store}")]
    StockNotCounted {
        /// Where.
        store: StoreId,
        /// Of what.
        sku: Sku,
    },
    /// Outside the store's hours.
    #[error("store {store} is closed now")]
    StoreClosed {
        /// Which.
        store: StoreId,
    },
    /// The store takes no orders for now.
    #[error("store {store} takes no orders for now")]
    StorePaused {
        /// Which.
        store: StoreId,
        /// Why.
        reason: Option<SmolStr>,
        /// Until when.
        until: Option<Timestamp>,
    },
    /// The coupon is not the member's, used, expired, or for something else.
    #[error("the coupon can't be used: {why}")]
    CouponNotUsable {
        /// Which.
        coupon: CouponId,
        /// What is wrong with it.
        why: &'static str,
    },
    /// It costs something else than the customer believes.
    #[error("the price is {payable} now, not {expected}", payable = payable.0, expected = expected.0)]
    PriceChanged {
        /// What the customer believed.
        expected: Fen,
        /// What it is.
        payable: Fen,
    },
    /// More than is allowed of something.
    #[error("{what} is over the limit of {limit}")]
    OverLimit {
        /// Of what.
        what: &'static str,
        /// The limit.
        limit: u64,
    },
    /// All coupons of the campaign are claimed.
    #[error("all coupons of {campaign} are claimed")]
    QuotaExhausted {
        /// Which.
        campaign: CampaignId,
    },
    /// Outside the campaign's window.
    #[error("campaign {campaign} is not open now")]
    CampaignClosed {
        /// Which.
        campaign: CampaignId,
    },
    /// The same key came with another body.
    #[error("this idempotency key was used with another request")]
    IdempotencyKeyReused,
    /// The order is in a status from which this is no longer possible.
    #[error("not possible any more: the order is {}", status.as_str())]
    WrongStatus {
        /// The order's status.
        status: Status,
    },
    /// Another open order holds the POS's code.
    #[error("pickup code {code} is held by another open order")]
    PickupCodeTaken {
        /// The code.
        code: PickupCode,
    },
    /// The catalogue's quota is below what is claimed already.
    #[error("quota {quota} of campaign {campaign} is below the {claimed} coupons already claimed")]
    QuotaBelowClaimed {
        /// Which.
        campaign: CampaignId,
        /// What the file says.
        quota: u32,
        /// What is claimed.
        claimed: u32,
    },
    /// The command does not fit the log it came to: no region yet, or another one. Never caused by a client.
    #[error("not in this region: {why}")]
    WrongRegion {
        /// What does not fit.
        why: &'static str,
    },
}
