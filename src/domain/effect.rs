//! What evolve changed, as the images after it: all that read models and the push hub need, in order.

use std::sync::Arc;

use super::catalog::Catalog;
use super::coupon::{CampaignCounters, CampaignNumber, Claim};
use super::id::{CouponId, Sku, StoreId};
use super::order::Order;
use super::stock::StockLine;
use super::store::Pause;

/// One changed thing, as it is now.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// The catalogue changed.
    Catalog(Arc<Catalog>),
    /// A stock line changed.
    Stock {
        /// Where.
        store: StoreId,
        /// Of what.
        sku: Sku,
        /// The line now.
        line: StockLine,
    },
    /// A store paused or resumed.
    Accepting {
        /// Which.
        store: StoreId,
        /// The pause now.
        pause: Option<Pause>,
    },
    /// A campaign's figures changed.
    Campaign {
        /// Its number.
        number: CampaignNumber,
        /// The figures now.
        counters: CampaignCounters,
    },
    /// A withdrawn campaign is long over: its figures and claims are forgotten.
    CampaignForgotten {
        /// Its number.
        number: CampaignNumber,
    },
    /// A coupon was claimed, used or given back.
    Coupon {
        /// Which.
        coupon: CouponId,
        /// The claim now.
        claim: Claim,
    },
    /// An order was placed or changed.
    Order(OrderEffect),
}

/// An order as it is after one event, with the offsets of the topics it counts in.
#[derive(Debug, Clone, PartialEq)]
pub struct OrderEffect {
    /// The order now.
    pub order: Arc<Order>,
    /// The contract's name of the event: `placed`, the new status, or how a refund stands.
    pub event: &'static str,
    /// Offset of topic `store/ID` after it.
    pub store_offset: u64,
    /// Offset of topic `board/ID` after it, where the board changed.
    pub board_offset: Option<u64>,
    /// Whether the order left the hot state with it.
    pub closed: bool,
}
