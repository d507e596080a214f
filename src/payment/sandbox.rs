//! The provider of sandbox mode: nobody pays anything, and every outcome can be asked for.

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, ready};
use serde_json::{Value, json};

use super::{Provider, ProviderError, RefundProgress, RefundRequest};
use crate::domain::order::Order;

/// Takes no money. A payment whose reference begins with [`Sandbox::REFUND_FAILS_ONCE`] is refunded only at the second
/// attempt, so that clients can see `refund_failed`.
#[derive(Debug, Clone, Copy, Default)]
pub struct Sandbox;

impl Sandbox {
    /// Its name in orders and requests.
    pub const NAME: &'static str = "sandbox";
    /// How a payment's reference begins whose refund fails at first.
    pub const REFUND_FAILS_ONCE: &'static str = "refund-fails-once";
}

impl Provider for Sandbox {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn prepare<'a>(&'a self, order: &'a Order) -> BoxFuture<'a, Result<Value, ProviderError>> {
        let url = |outcome| format!("/v1/sandbox/payments/{}/{outcome}", order.id);
        ready(Ok(json!({
            "amount": order.payable.0,
            "currency": order.currency.as_str(),
            "succeed": url("succeed"),
            "fail": url("fail"),
        })))
        .boxed()
    }

    fn refund<'a>(&'a self, refund: &'a RefundRequest) -> BoxFuture<'a, Result<RefundProgress, ProviderError>> {
        let fails = refund.attempts == 0 && refund.payment.as_str().starts_with(Self::REFUND_FAILS_ONCE);
        ready(Ok(if fails { RefundProgress::Failed } else { RefundProgress::Succeeded })).boxed()
    }
}
