//! The record of each kind of event. Kinds of one value store that value alone; the others have a struct here.

use std::sync::Arc;

use rkyv::with::Map;
use rkyv::{Archive, Deserialize, Serialize};
use smol_str::SmolStr;

use super::super::with::{Shared, Text};
use super::basics::{CouponIdV1, OrderIdV1, TimestampV1, number_v1};
use super::catalog::{PauseV1, StockDeclarationV1};
use super::order::{OrderV1, PaymentV1, RefundStatusV1, RefundV1};
use crate::domain::catalog::StockDeclaration;
use crate::domain::command::StartRegion;
use crate::domain::coupon::RegionSecret;
use crate::domain::event::{KeyUse, OrderChange};
use crate::domain::id::{CampaignId, CouponId, MemberId, OrderId, PickupCode, RegionId, Sku, StoreId};
use crate::domain::order::Order;
use crate::domain::payment::{Payment, Refund, RefundStatus};
use crate::domain::store::Pause;
use crate::domain::time::Timestamp;

number_v1! {
    RegionSecretV1([u8; 32]) = RegionSecret,
}

#[derive(Archive, Serialize, Deserialize)]
#[rkyv(remote = StartRegion)]
pub(crate) struct StartRegionV1 {
    #[rkyv(with = Text)]
    region: RegionId,
    epoch: u16,
    #[rkyv(with = RegionSecretV1)]
    secret: RegionSecret,
}

impl From<StartRegionV1> for StartRegion {
    fn from(StartRegionV1 { region, epoch, secret }: StartRegionV1) -> Self {
        Self { region, epoch, secret }
    }
}

#[derive(Archive, Serialize, Deserialize)]
#[rkyv(remote = KeyUse)]
pub(crate) struct KeyUseV1 {
    fingerprint: u128,
    body: u64,
}

impl From<KeyUseV1> for KeyUse {
    fn from(KeyUseV1 { fingerprint, body }: KeyUseV1) -> Self {
        Self { fingerprint, body }
    }
}

#[derive(Archive, Serialize, Deserialize)]
pub(crate) struct StockDeclaredV1 {
    #[rkyv(with = StockDeclarationV1)]
    pub declaration: StockDeclaration,
    pub overwrite: bool,
}

#[derive(Archive, Serialize, Deserialize)]
pub(crate) struct StockSetV1 {
    #[rkyv(with = Text)]
    pub store: StoreId,
    #[rkyv(with = Text)]
    pub sku: Sku,
    pub available: Option<u32>,
}

#[derive(Archive, Serialize, Deserialize)]
pub(crate) struct StockAdjustedV1 {
    #[rkyv(with = Text)]
    pub store: StoreId,
    #[rkyv(with = Text)]
    pub sku: Sku,
    pub delta: i32,
    #[rkyv(with = Text)]
    pub reason: SmolStr,
    #[rkyv(with = KeyUseV1)]
    pub request: KeyUse,
}

#[derive(Archive, Serialize, Deserialize)]
pub(crate) struct AcceptingChangedV1 {
    #[rkyv(with = Text)]
    pub store: StoreId,
    #[rkyv(with = Map<PauseV1>)]
    pub pause: Option<Pause>,
}

#[derive(Archive, Serialize, Deserialize)]
pub(crate) struct CouponClaimedV1 {
    #[rkyv(with = CouponIdV1)]
    pub coupon: CouponId,
    #[rkyv(with = Text)]
    pub campaign: CampaignId,
    #[rkyv(with = Text)]
    pub member: MemberId,
    pub ordinal: u16,
}

#[derive(Archive, Serialize, Deserialize)]
pub(crate) struct OrderPlacedV1 {
    #[rkyv(with = Shared<OrderV1>)]
    pub order: Arc<Order>,
    #[rkyv(with = KeyUseV1)]
    pub request: KeyUse,
}

/// A change that leaves the order open.
#[derive(Archive, Serialize, Deserialize)]
pub(crate) struct OrderChangedV1 {
    #[rkyv(with = OrderIdV1)]
    pub order: OrderId,
    #[rkyv(with = OrderChangeV1)]
    pub change: OrderChange,
}

/// A change that carries the whole order, because it closes it or opens a closed one again.
#[derive(Archive, Serialize, Deserialize)]
pub(crate) struct OrderSettledV1 {
    #[rkyv(with = OrderIdV1)]
    pub order: OrderId,
    #[rkyv(with = OrderChangeV1)]
    pub change: OrderChange,
    #[rkyv(with = Shared<OrderV1>)]
    pub whole: Arc<Order>,
}

#[derive(Archive, Serialize, Deserialize)]
#[rkyv(remote = OrderChange)]
pub(crate) enum OrderChangeV1 {
    Paid {
        #[rkyv(with = Map<PaymentV1>)]
        payment: Option<Payment>,
        position: u64,
        #[rkyv(with = TimestampV1)]
        accept_by: Timestamp,
        wait_minutes: u16,
    },
    Accepted {
        #[rkyv(with = Text)]
        pickup_code: PickupCode,
        chosen_by_pos: bool,
        #[rkyv(with = TimestampV1)]
        auto_at: Timestamp,
    },
    Ready {
        #[rkyv(with = TimestampV1)]
        auto_at: Timestamp,
        #[rkyv(with = Map<Text>)]
        reason: Option<SmolStr>,
    },
    Collected {
        #[rkyv(with = Map<Text>)]
        reason: Option<SmolStr>,
    },
    Cancelled {
        #[rkyv(with = Map<Text>)]
        reason: Option<SmolStr>,
        #[rkyv(with = Map<RefundV1>)]
        refunds: Vec<Refund>,
    },
    Rejected {
        #[rkyv(with = Text)]
        reason: SmolStr,
        #[rkyv(with = Map<RefundV1>)]
        refunds: Vec<Refund>,
    },
    MoneyReturned {
        #[rkyv(with = PaymentV1)]
        payment: Payment,
        #[rkyv(with = RefundV1)]
        refund: Refund,
    },
    RefundSettled {
        number: u16,
        #[rkyv(with = RefundStatusV1)]
        status: RefundStatus,
    },
}

impl From<OrderChangeV1> for OrderChange {
    fn from(change: OrderChangeV1) -> Self {
        match change {
            OrderChangeV1::Paid { payment, position, accept_by, wait_minutes } => {
                Self::Paid { payment, position, accept_by, wait_minutes }
            }
            OrderChangeV1::Accepted { pickup_code, chosen_by_pos, auto_at } => {
                Self::Accepted { pickup_code, chosen_by_pos, auto_at }
            }
            OrderChangeV1::Ready { auto_at, reason } => Self::Ready { auto_at, reason },
            OrderChangeV1::Collected { reason } => Self::Collected { reason },
            OrderChangeV1::Cancelled { reason, refunds } => Self::Cancelled { reason, refunds },
            OrderChangeV1::Rejected { reason, refunds } => Self::Rejected { reason, refunds },
            OrderChangeV1::MoneyReturned { payment, refund } => Self::MoneyReturned { payment, refund },
            OrderChangeV1::RefundSettled { number, status } => Self::RefundSettled { number, status },
        }
    }
}
