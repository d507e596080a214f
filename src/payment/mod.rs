//! Payment providers and what the node owes them: a prepay for an order, a refund for money that has to go back. Never
//! here: whether money is due (the domain decides), or trust that a provider delivers: everything is asked again.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures_util::future::BoxFuture;

use crate::domain::id::{OrderId, ProviderReference};
use crate::domain::money::{Currency, Fen};
use crate::domain::order::Order;

mod refunder;
mod sandbox;

pub use refunder::Refunder;
pub use sandbox::Sandbox;

/// A way to take money and to give it back.
pub trait Provider: Send + Sync + 'static {
    /// Its name in orders and requests, such as `sandbox`.
    fn name(&self) -> &'static str;

    /// What the client needs to pay this order: the contract's `prepay`.
    fn prepare<'a>(&'a self, order: &'a Order) -> BoxFuture<'a, Result<serde_json::Value, ProviderError>>;

    /// Asks to give money back, or how far that is. Safe to repeat: order and number name the refund.
    fn refund<'a>(&'a self, refund: &'a RefundRequest) -> BoxFuture<'a, Result<RefundProgress, ProviderError>>;
}

/// One refund as a provider needs to know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefundRequest {
    /// Of which order.
    pub order: OrderId,
    /// Which of its refunds: with the order our name for it.
    pub number: u16,
    /// The payment that is given back.
    pub payment: ProviderReference,
    /// How much.
    pub amount: Fen,
    /// Of what.
    pub currency: Currency,
    /// How often it was asked before by this process.
    pub attempts: u32,
}

/// How far a refund is, as the provider says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefundProgress {
    /// The money is on its way.
    Succeeded,
    /// Taken in, not done: ask again.
    Pending,
    /// Refused.
    Failed,
}

/// The provider gave no answer that means anything: nothing is known, ask again.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("payment provider {provider}: {why}")]
pub struct ProviderError {
    /// Which provider.
    pub provider: &'static str,
    /// What went wrong.
    pub why: String,
}

/// The providers of this node, by name.
#[derive(Clone, Default)]
pub struct Providers(Arc<BTreeMap<&'static str, Arc<dyn Provider>>>);

impl Providers {
    /// These providers.
    pub fn new(providers: impl IntoIterator<Item = Arc<dyn Provider>>) -> Self {
        Self(Arc::new(providers.into_iter().map(|provider| (provider.name(), provider)).collect()))
    }

    /// The provider of this name.
    pub fn get(&self, name: &str) -> Option<&Arc<dyn Provider>> {
        self.0.get(name)
    }

    /// All names, for an error's words.
    pub fn names(&self) -> Vec<&'static str> {
        self.0.keys().copied().collect()
    }
}
