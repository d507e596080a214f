//! An order, whole: in the event that places it, in the event that closes it, in snapshots and in the projection.

use rkyv::with::Map;
use rkyv::{Archive, Deserialize, Serialize};
use smol_str::SmolStr;

use super::super::with::{MaybeAt, Text};
use super::basics::{BusinessDayV1, CouponIdV1, CurrencyV1, FenV1, NameV1, OrderIdV1, TimestampV1};
use crate::domain::catalog::Name;
use crate::domain::coupon::AppliedCoupon;
use crate::domain::id::{
    CampaignId, CouponId, MemberId, OptionId, OrderId, PickupCode, ProviderReference, Sku, StoreId,
};
use crate::domain::money::{Currency, Fen};
use crate::domain::order::{ChosenOption, Fee, Line, Order, Status};
use crate::domain::payment::{Payment, Refund, RefundStatus};
use crate::domain::time::{BusinessDay, Timestamp};

#[derive(Archive, Serialize, Deserialize)]
#[rkyv(remote = Status)]
pub(crate) enum StatusV1 {
    AwaitingPayment,
    Paid,
    Accepted,
    Ready,
    Collected,
    Cancelled,
    Rejected,
}

impl From<StatusV1> for Status {
    fn from(status: StatusV1) -> Self {
        match status {
            StatusV1::AwaitingPayment => Self::AwaitingPayment,
            StatusV1::Paid => Self::Paid,
            StatusV1::Accepted => Self::Accepted,
            StatusV1::Ready => Self::Ready,
            StatusV1::Collected => Self::Collected,
            StatusV1::Cancelled => Self::Cancelled,
            StatusV1::Rejected => Self::Rejected,
        }
    }
}

#[derive(Archive, Serialize, Deserialize)]
#[rkyv(remote = ChosenOption)]
pub(crate) struct ChosenOptionV1 {
    #[rkyv(with = Text)]
    option: OptionId,
    #[rkyv(with = Text)]
    choice: OptionId,
    #[rkyv(with = NameV1)]
    name: Name,
    #[rkyv(with = FenV1)]
    price: Fen,
}

impl From<ChosenOptionV1> for ChosenOption {
    fn from(ChosenOptionV1 { option, choice, name, price }: ChosenOptionV1) -> Self {
        Self { option, choice, name, price }
    }
}

#[derive(Archive, Serialize, Deserialize)]
#[rkyv(remote = Line)]
pub(crate) struct LineV1 {
    #[rkyv(with = Text)]
    sku: Sku,
    #[rkyv(with = NameV1)]
    name: Name,
    quantity: u32,
    #[rkyv(with = Map<ChosenOptionV1>)]
    options: Vec<ChosenOption>,
    #[rkyv(with = FenV1)]
    unit_price: Fen,
    #[rkyv(with = FenV1)]
    amount: Fen,
    #[rkyv(with = FenV1)]
    discount: Fen,
    #[rkyv(with = Map<FenV1>)]
    tax: Option<Fen>,
}

impl From<LineV1> for Line {
    fn from(LineV1 { sku, name, quantity, options, unit_price, amount, discount, tax }: LineV1) -> Self {
        Self { sku, name, quantity, options, unit_price, amount, discount, tax }
    }
}

#[derive(Archive, Serialize, Deserialize)]
#[rkyv(remote = Fee)]
pub(crate) struct FeeV1 {
    #[rkyv(with = Text)]
    kind: SmolStr,
    #[rkyv(with = FenV1)]
    amount: Fen,
}

impl From<FeeV1> for Fee {
    fn from(FeeV1 { kind, amount }: FeeV1) -> Self {
        Self { kind, amount }
    }
}

#[derive(Archive, Serialize, Deserialize)]
#[rkyv(remote = AppliedCoupon)]
pub(crate) struct AppliedCouponV1 {
    #[rkyv(with = CouponIdV1)]
    id: CouponId,
    #[rkyv(with = Text)]
    campaign: CampaignId,
}

impl From<AppliedCouponV1> for AppliedCoupon {
    fn from(AppliedCouponV1 { id, campaign }: AppliedCouponV1) -> Self {
        Self { id, campaign }
    }
}

#[derive(Archive, Serialize, Deserialize)]
#[rkyv(remote = Payment)]
pub(crate) struct PaymentV1 {
    #[rkyv(with = Text)]
    provider: SmolStr,
    #[rkyv(with = Text)]
    reference: ProviderReference,
    #[rkyv(with = FenV1)]
    amount: Fen,
    #[rkyv(with = TimestampV1)]
    at: Timestamp,
}

impl From<PaymentV1> for Payment {
    fn from(PaymentV1 { provider, reference, amount, at }: PaymentV1) -> Self {
        Self { provider, reference, amount, at }
    }
}

#[derive(Archive, Serialize, Deserialize)]
#[rkyv(remote = RefundStatus)]
pub(crate) enum RefundStatusV1 {
    Pending,
    Succeeded,
    Failed,
}

impl From<RefundStatusV1> for RefundStatus {
    fn from(status: RefundStatusV1) -> Self {
        match status {
            RefundStatusV1::Pending => Self::Pending,
            RefundStatusV1::Succeeded => Self::Succeeded,
            RefundStatusV1::Failed => Self::Failed,
        }
    }
}

#[derive(Archive, Serialize, Deserialize)]
#[rkyv(remote = Refund)]
pub(crate) struct RefundV1 {
    number: u16,
    #[rkyv(with = Text)]
    payment: ProviderReference,
    #[rkyv(with = Text)]
    provider: SmolStr,
    #[rkyv(with = FenV1)]
    amount: Fen,
    #[rkyv(with = RefundStatusV1)]
    status: RefundStatus,
    #[rkyv(with = TimestampV1)]
    at: Timestamp,
}

impl From<RefundV1> for Refund {
    fn from(RefundV1 { number, payment, provider, amount, status, at }: RefundV1) -> Self {
        Self { number, payment, provider, amount, status, at }
    }
}

#[derive(Archive, Serialize, Deserialize)]
#[rkyv(remote = Order)]
pub(crate) struct OrderV1 {
    #[rkyv(with = OrderIdV1)]
    id: OrderId,
    #[rkyv(with = Text)]
    store: StoreId,
    #[rkyv(with = Text)]
    member: MemberId,
    #[rkyv(with = BusinessDayV1)]
    business_day: BusinessDay,
    #[rkyv(with = StatusV1)]
    status: Status,
    #[rkyv(with = Map<LineV1>)]
    lines: Vec<Line>,
    #[rkyv(with = Map<FeeV1>)]
    fees: Vec<Fee>,
    #[rkyv(with = CurrencyV1)]
    currency: Currency,
    #[rkyv(with = FenV1)]
    total: Fen,
    #[rkyv(with = FenV1)]
    discount: Fen,
    #[rkyv(with = FenV1)]
    payable: Fen,
    #[rkyv(with = Map<AppliedCouponV1>)]
    coupon: Option<AppliedCoupon>,
    #[rkyv(with = Map<Text>)]
    note: Option<SmolStr>,
    #[rkyv(with = Map<Text>)]
    pickup_code: Option<PickupCode>,
    #[rkyv(with = TimestampV1)]
    created_at: Timestamp,
    #[rkyv(with = MaybeAt)]
    pay_by: Option<Timestamp>,
    #[rkyv(with = MaybeAt)]
    paid_at: Option<Timestamp>,
    #[rkyv(with = MaybeAt)]
    accept_by: Option<Timestamp>,
    #[rkyv(with = MaybeAt)]
    accepted_at: Option<Timestamp>,
    #[rkyv(with = MaybeAt)]
    ready_at: Option<Timestamp>,
    #[rkyv(with = MaybeAt)]
    auto_at: Option<Timestamp>,
    #[rkyv(with = MaybeAt)]
    collected_at: Option<Timestamp>,
    #[rkyv(with = MaybeAt)]
    closed_at: Option<Timestamp>,
    #[rkyv(with = Map<Text>)]
    reason: Option<SmolStr>,
    #[rkyv(with = Map<PaymentV1>)]
    payments: Vec<Payment>,
    #[rkyv(with = Map<RefundV1>)]
    refunds: Vec<Refund>,
    position: Option<u64>,
    wait_minutes: Option<u16>,
    offset: u64,
}

impl From<OrderV1> for Order {
    fn from(stored: OrderV1) -> Self {
        Self {
            id: stored.id,
            store: stored.store,
            member: stored.member,
            business_day: stored.business_day,
            status: stored.status,
            lines: stored.lines,
            fees: stored.fees,
            currency: stored.currency,
            total: stored.total,
            discount: stored.discount,
            payable: stored.payable,
            coupon: stored.coupon,
            note: stored.note,
            pickup_code: stored.pickup_code,
            created_at: stored.created_at,
            pay_by: stored.pay_by,
            paid_at: stored.paid_at,
            accept_by: stored.accept_by,
            accepted_at: stored.accepted_at,
            ready_at: stored.ready_at,
            auto_at: stored.auto_at,
            collected_at: stored.collected_at,
            closed_at: stored.closed_at,
            reason: stored.reason,
            payments: stored.payments,
            refunds: stored.refunds,
            position: stored.position,
            wait_minutes: stored.wait_minutes,
            offset: stored.offset,
        }
    }
}
