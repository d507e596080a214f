//! The contract's order. What is not there yet is left out, never `null`.

use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::id::{OrderId, RegionId};
use crate::domain::order::{ChosenOption, Fee, Line, Order};
use crate::domain::payment::{Refund, RefundStatus};

use super::text::{NameView, display};
use super::time::{DayText, Rfc3339};

/// An order, as its customer, its store and the push hub see it.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Order)]
pub struct OrderView<'a> {
    /// At most 28 of `[A-Za-z0-9-]`.
    #[serde(serialize_with = "display")]
    #[schema(value_type = String, max_length = 28, example = "261123-7K2M9QX-1-4D2")]
    pub id: OrderId,
    /// The region that took it.
    pub region: &'a str,
    /// The store that makes it.
    pub store: &'a str,
    /// The subject of the customer's token.
    pub member: &'a str,
    /// The store's trading day on which it was placed.
    #[schema(value_type = String, format = Date)]
    pub business_day: DayText,
    /// Where it is in its life. Tolerate values you don't know.
    #[schema(example = "paid")]
    pub status: &'static str,
    /// What was ordered, with names and prices as they were then.
    #[schema(value_type = Vec<LineView>)]
    pub lines: Lines<'a>,
    /// What is added to the lines.
    #[schema(value_type = Vec<FeeView>)]
    pub fees: Fees<'a>,
    /// ISO 4217.
    #[schema(example = "CNY")]
    pub currency: &'a str,
    /// Lines plus fees, in minor units.
    pub total: i64,
    /// What the coupon takes off.
    pub discount: i64,
    /// `total − discount`.
    pub payable: i64,
    /// Id of the coupon used.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub coupon: Option<String>,
    /// The customer's words to the kitchen.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub note: Option<&'a str>,
    /// How it reaches the customer.
    pub fulfilment: FulfilmentView,
    /// What is called when it is ready; there once accepted.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub pickup_code: Option<&'a str>,
    /// When it was placed.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Rfc3339,
    /// Until when it may be paid.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, value_type = Option<String>, format = DateTime)]
    pub pay_by: Option<Rfc3339>,
    /// When the money was there.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, value_type = Option<String>, format = DateTime)]
    pub paid_at: Option<Rfc3339>,
    /// Until when the store must answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, value_type = Option<String>, format = DateTime)]
    pub accept_by: Option<Rfc3339>,
    /// When the store accepted.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, value_type = Option<String>, format = DateTime)]
    pub accepted_at: Option<Rfc3339>,
    /// When it was on the counter.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, value_type = Option<String>, format = DateTime)]
    pub ready_at: Option<Rfc3339>,
    /// When the customer had it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, value_type = Option<String>, format = DateTime)]
    pub collected_at: Option<Rfc3339>,
    /// When it was collected, cancelled or rejected.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, value_type = Option<String>, format = DateTime)]
    pub closed_at: Option<Rfc3339>,
    /// Why it was cancelled or rejected; `payment_timeout`, `store_timeout` and `auto` are the node's own words.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub reason: Option<&'a str>,
    /// All money that goes back, together.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub refund: Option<RefundView>,
    /// Its place in the order in which the store's orders were paid.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub position: Option<u64>,
    /// How many orders the store makes before this one; only where it is asked for, as it changes with every other order.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub ahead: Option<usize>,
    /// Minutes of waiting promised when it was paid.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub wait_minutes: Option<u16>,
    /// Grows by one with every change of this order.
    pub offset: u64,
}

/// One line of an order.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = OrderLine)]
pub struct LineView<'a> {
    /// What.
    pub sku: &'a str,
    /// Its name then.
    pub name: NameView<'a>,
    /// How many.
    pub quantity: u32,
    /// With which choices.
    #[serde(skip_serializing_if = "Choices::is_empty")]
    #[schema(value_type = Vec<ChoiceView>, required = false)]
    pub options: Choices<'a>,
    /// Price of one, choices included.
    pub unit_price: i64,
    /// `unit_price × quantity`.
    pub amount: i64,
    /// This line's part of the order's discount.
    pub discount: i64,
    /// Tax contained in `amount − discount`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub tax: Option<i64>,
}

/// A choice taken.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = ChosenOption)]
pub struct ChoiceView<'a> {
    /// The option group.
    pub option: &'a str,
    /// The choice within it.
    pub choice: &'a str,
    /// Its name then.
    pub name: NameView<'a>,
    /// What it added to the unit price.
    pub price: i64,
}

/// A fee beside the lines.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Fee)]
pub struct FeeView<'a> {
    /// Its kind, such as `packing`.
    pub kind: &'a str,
    /// How much.
    pub amount: i64,
}

/// How an order reaches its customer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = Fulfilment)]
pub struct FulfilmentView {
    /// `pickup`; tolerate values you don't know.
    #[schema(example = "pickup")]
    pub kind: &'static str,
}

/// The money of an order that goes back, all refunds together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = Refund)]
pub struct RefundView {
    /// `pending` while any is, else `failed` if any failed, else `succeeded`.
    #[schema(example = "pending")]
    pub status: &'static str,
    /// The sum.
    pub amount: i64,
}

impl RefundView {
    /// Several refunds (a late and a double payment, say) as the one that the contract shows.
    fn of(refunds: &[Refund]) -> Option<Self> {
        if refunds.is_empty() {
            return None;
        }
        let any = |status| refunds.iter().any(|refund| refund.status == status);
        let status = if any(RefundStatus::Pending) {
            "pending"
        } else if any(RefundStatus::Failed) {
            "failed"
        } else {
            "succeeded"
        };
        Some(Self { status, amount: refunds.iter().map(|refund| refund.amount.0).sum() })
    }
}

macro_rules! borrowed_list {
    ($(#[$doc:meta])* $list:ident, $item:ty, $view:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy)]
        pub struct $list<'a>(&'a [$item]);

        impl $list<'_> {
            /// Whether there is none.
            pub fn is_empty(&self) -> bool {
                self.0.is_empty()
            }
        }

        impl Serialize for $list<'_> {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_seq(self.0.iter().map($view::from))
            }
        }
    };
}

borrowed_list!(
    /// An order's lines, viewed one by one while they are written.
    Lines, Line, LineView
);
borrowed_list!(
    /// An order's fees, viewed one by one while they are written.
    Fees, Fee, FeeView
);
borrowed_list!(
    /// A line's choices, viewed one by one while they are written.
    Choices, ChosenOption, ChoiceView
);

impl<'a> From<&'a Line> for LineView<'a> {
    fn from(line: &'a Line) -> Self {
        Self {
            sku: line.sku.as_str(),
            name: (&line.name).into(),
            quantity: line.quantity,
            options: Choices(&line.options),
            unit_price: line.unit_price.0,
            amount: line.amount.0,
            discount: line.discount.0,
            tax: line.tax.map(|tax| tax.0),
        }
    }
}

impl<'a> From<&'a ChosenOption> for ChoiceView<'a> {
    fn from(chosen: &'a ChosenOption) -> Self {
        Self {
            option: chosen.option.as_str(),
            choice: chosen.choice.as_str(),
            name: (&chosen.name).into(),
            price: chosen.price.0,
        }
    }
}

impl<'a> From<&'a Fee> for FeeView<'a> {
    fn from(fee: &'a Fee) -> Self {
        Self { kind: fee.kind.as_str(), amount: fee.amount.0 }
    }
}

impl<'a> OrderView<'a> {
    /// The order of `region`; the order itself knows only the region's tag.
    pub fn of(order: &'a Order, region: &'a RegionId) -> Self {
        Self {
            id: order.id,
            region: region.as_str(),
            store: order.store.as_str(),
            member: order.member.as_str(),
            business_day: DayText(order.business_day),
            status: order.status.as_str(),
            lines: Lines(&order.lines),
            fees: Fees(&order.fees),
            currency: order.currency.as_str(),
            total: order.total.0,
            discount: order.discount.0,
            payable: order.payable.0,
            coupon: order.coupon.as_ref().map(|coupon| coupon.id.to_string()),
            note: order.note.as_deref(),
            fulfilment: FulfilmentView { kind: "pickup" },
            pickup_code: order.pickup_code.as_ref().map(|code| code.as_str()),
            created_at: Rfc3339(order.created_at),
            pay_by: order.pay_by.map(Rfc3339),
            paid_at: order.paid_at.map(Rfc3339),
            accept_by: order.accept_by.map(Rfc3339),
            accepted_at: order.accepted_at.map(Rfc3339),
            ready_at: order.ready_at.map(Rfc3339),
            collected_at: order.collected_at.map(Rfc3339),
            closed_at: order.closed_at.map(Rfc3339),
            reason: order.reason.as_deref(),
            refund: RefundView::of(&order.refunds),
            position: order.position,
            ahead: None,
            wait_minutes: order.wait_minutes,
            offset: order.offset,
        }
    }
}

/// The order's JSON. Compact, in the contract's order of fields.
pub fn encode_order(order: &Order, region: &RegionId) -> String {
    let mut out = Vec::with_capacity(640 + 220 * order.lines.len());
    // Nothing in a view can fail to serialise: no maps, no custom errors, and a Vec takes every write.
    let _ = serde_json::to_writer(&mut out, &OrderView::of(order, region));
    String::from_utf8(out).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use smol_str::SmolStr;

    use super::*;
    use crate::domain::catalog::Name;
    use crate::domain::coupon::AppliedCoupon;
    use crate::domain::id::{CouponId, RegionTag};
    use crate::domain::money::{Currency, Fen};
    use crate::domain::order::Status;
    use crate::domain::time::{BusinessDay, Timestamp};

    fn order() -> Order {
        let region: RegionId = "east".parse().unwrap();
        Order {
            id: OrderId::new(RegionTag::of(&region), 1, BusinessDay(2_518), 7),
            store: "sh-001".parse().unwrap(),
            member: "m-1".parse().unwrap(),
            business_day: BusinessDay(2_518),
            status: Status::AwaitingPayment,
            lines: vec![Line {
                sku: "set-1".parse().unwrap(),
                name: Name { zh: "双人套餐".into(), en: "Set \"two\"".into() },
                quantity: 2,
                options: vec![],
                unit_price: Fen(6_800),
                amount: Fen(13_600),
                discount: Fen(0),
                tax: None,
            }],
            fees: vec![],
            currency: Currency::CNY,
            total: Fen(13_600),
            discount: Fen(0),
            payable: Fen(13_600),
            coupon: None,
            note: None,
            pickup_code: None,
            created_at: Timestamp(1_795_427_940_123),
            pay_by: Some(Timestamp(1_795_428_840_123)),
            paid_at: None,
            accept_by: None,
            accepted_at: None,
            ready_at: None,
            auto_at: None,
            collected_at: None,
            closed_at: None,
            reason: None,
            payments: vec![],
            refunds: vec![],
            position: None,
            wait_minutes: None,
            offset: 1,
        }
    }

    fn json_of(order: &Order) -> Value {
        serde_json::from_str(&encode_order(order, &"east".parse().unwrap())).unwrap()
    }

    #[test]
    fn a_fresh_order_has_exactly_the_fields_it_can_have() {
        let order = order();
        assert_eq!(
            json_of(&order),
            json!({
                "id": order.id.to_string(), "region": "east", "store": "sh-001", "member": "m-1",
                "business_day": order.business_day.date().to_string(), "status": "awaiting_payment",
                "lines": [{"sku": "set-1", "name": {"zh": "双人套餐", "en": "Set \"two\""}, "quantity": 2,
                           "unit_price": 6800, "amount": 13600, "discount": 0}],
                "fees": [], "currency": "CNY", "total": 13600, "discount": 0, "payable": 13600,
                "fulfilment": {"kind": "pickup"}, "created_at": "2026-11-23T09:59:00.123Z",
                "pay_by": "2026-11-23T10:14:00.123Z", "offset": 1
            })
        );
    }

    #[test]
    fn options_tax_coupon_and_words_are_shown_where_they_are() {
        let mut order = order();
        order.lines[0].tax = Some(Fen(385));
        order.lines[0].options = vec![ChosenOption {
            option: "drink".parse().unwrap(),
            choice: "cola".parse().unwrap(),
            name: Name { zh: "可乐".into(), en: "Cola".into() },
            price: Fen(300),
        }];
        let coupon = CouponId(77);
        order.coupon = Some(AppliedCoupon { id: coupon, campaign: "one-yuan".parse().unwrap() });
        order.note = Some(SmolStr::new("no ice\n"));
        order.fees = vec![Fee { kind: "packing".into(), amount: Fen(100) }];
        let json = json_of(&order);
        assert_eq!(json["lines"][0]["tax"], 385);
        assert_eq!(
            json["lines"][0]["options"],
            json!([{"option": "drink", "choice": "cola", "name": {"zh": "可乐", "en": "Cola"}, "price": 300}])
        );
        assert_eq!(json["coupon"], coupon.to_string());
        assert_eq!(json["note"], "no ice\n");
        assert_eq!(json["fees"], json!([{"kind": "packing", "amount": 100}]));
    }

    #[test]
    fn several_refunds_are_shown_as_one_pending_before_failed_before_succeeded() {
        let refund = |number, status| Refund {
            number,
            payment: format!("p{number}").parse().unwrap(),
            provider: "sandbox".into(),
            amount: Fen(100),
            status,
            at: Timestamp(0),
        };
        let mut order = order();
        for (second, expected) in [
            (RefundStatus::Pending, "pending"),
            (RefundStatus::Failed, "failed"),
            (RefundStatus::Succeeded, "succeeded"),
        ] {
            order.refunds = vec![refund(1, RefundStatus::Succeeded), refund(2, second)];
            assert_eq!(json_of(&order)["refund"], json!({"status": expected, "amount": 200}));
        }
        order.refunds = vec![refund(1, RefundStatus::Failed), refund(2, RefundStatus::Pending)];
        assert_eq!(json_of(&order)["refund"]["status"], "pending");
    }
}
