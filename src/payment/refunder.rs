//! Gives money back without anybody asking: follows the commits for refunds that are due, asks their provider until it
//! says yes, and tells the domain. Remembers nothing across a start: what is owed stands in the orders.

use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tracing::{info, warn};

use super::{ProviderError, Providers, RefundProgress, RefundRequest};
use crate::domain::actor::Actor;
use crate::domain::command::Command;
use crate::domain::effect::Effect;
use crate::domain::id::OrderId;
use crate::domain::order::Order;
use crate::domain::payment::{RefundOutcome, RefundStatus};
use crate::engine::answer::{Refusal, Request};
use crate::engine::commit::Committed;
use crate::engine::handle::Handle;
use crate::limits::{REFUND_RETRY_FIRST, REFUND_RETRY_MAX, REFUNDS_AT_ONCE};

/// Our name of a refund: its order and its number within.
type RefundId = (OrderId, u16);

/// Follows an engine until it closes.
pub struct Refunder {
    handle: Handle,
    providers: Providers,
    commits: Receiver<Arc<Committed>>,
    /// Refunds that are owed, with how often they were asked for. Bounded by the orders that are open.
    owed: HashMap<RefundId, u32>,
    /// When each of those that is not being asked for comes next.
    due: BTreeSet<(Instant, RefundId)>,
    asking: JoinSet<(RefundId, Next)>,
}

/// What to do about a refund after it was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    Settled,
    AskAgain,
}

impl Refunder {
    /// A refunder that has not looked yet; it misses nothing that is committed from here on.
    pub fn new(handle: Handle, providers: Providers) -> Self {
        let commits = handle.subscribe();
        Self { handle, providers, commits, owed: HashMap::new(), due: BTreeSet::new(), asking: JoinSet::new() }
    }

    /// Works until the engine is gone. Dropping the future at any point loses nothing: the next start asks again.
    pub async fn run(mut self) {
        self.look_at_everything();
        loop {
            self.ask_for_what_is_due();
            let next = self.due.first().map(|(at, _)| *at).filter(|_| self.asking.len() < REFUNDS_AT_ONCE);
            tokio::select! {
                commit = self.commits.recv() => match commit {
                    Ok(commit) => self.follow(&commit),
                    Err(RecvError::Lagged(_)) => self.look_at_everything(),
                    Err(RecvError::Closed) => return,
                },
                Some(asked) = self.asking.join_next() => self.asked(asked),
                () = tokio::time::sleep_until(next.unwrap_or_else(Instant::now)), if next.is_some() => {}
            }
        }
    }

    fn look_at_everything(&mut self) {
        for order in self.handle.views().pending_refunds() {
            self.note(&order);
        }
    }

    fn follow(&mut self, commit: &Committed) {
        for effect in &commit.effects {
            if let Effect::Order(effect) = effect
                && !effect.order.refunds.is_empty()
            {
                self.note(&effect.order);
            }
        }
    }

    fn note(&mut self, order: &Order) {
        for refund in order.refunds.iter().filter(|refund| refund.status != RefundStatus::Succeeded) {
            let id = (order.id, refund.number);
            if let Entry::Vacant(owed) = self.owed.entry(id) {
                owed.insert(0);
                self.due.insert((Instant::now(), id));
            }
        }
    }

    fn ask_for_what_is_due(&mut self) {
        while self.asking.len() < REFUNDS_AT_ONCE
            && let Some((at, id)) = self.due.first().copied()
            && at <= Instant::now()
        {
            self.due.remove(&(at, id));
            let attempts = self.owed.get(&id).copied().unwrap_or_default();
            let (handle, providers) = (self.handle.clone(), self.providers.clone());
            self.asking.spawn(async move { (id, ask(&handle, &providers, id, attempts).await) });
        }
    }

    fn asked(&mut self, asked: Result<(RefundId, Next), tokio::task::JoinError>) {
        match asked {
            Ok((id, Next::Settled)) => {
                self.owed.remove(&id);
            }
            Ok((id, Next::AskAgain)) => {
                let attempts = self.owed.entry(id).or_default();
                self.due.insert((Instant::now() + pause_after(*attempts), id));
                *attempts = attempts.saturating_add(1);
            }
            // A provider that panicked: which refund it was is not known, so all that are owed and not waiting are.
            Err(error) => {
                warn!(%error, "a refund attempt ended early; it is repeated");
                let waiting: BTreeSet<RefundId> = self.due.iter().map(|(_, id)| *id).collect();
                let again = Instant::now() + REFUND_RETRY_FIRST;
                self.due.extend(self.owed.keys().filter(|id| !waiting.contains(id)).map(|id| (again, *id)));
            }
        }
    }
}

/// Doubles from the first pause to the longest.
fn pause_after(attempts: u32) -> Duration {
    REFUND_RETRY_FIRST.saturating_mul(1u32.checked_shl(attempts.min(20)).unwrap_or(u32::MAX)).min(REFUND_RETRY_MAX)
}

/// One attempt: reads the order anew, asks the provider, tells the domain. Safe to repeat at any point.
async fn ask(handle: &Handle, providers: &Providers, (order_id, number): RefundId, attempts: u32) -> Next {
    let Ok(order) = handle.order(order_id).await else { return Next::AskAgain };
    let refund = order.as_deref().and_then(|order| Some((order, order.refunds.iter().find(|r| r.number == number)?)));
    let Some((order, refund)) = refund else { return Next::Settled };
    if refund.status == RefundStatus::Succeeded {
        return Next::Settled;
    }
    let Some(provider) = providers.get(&refund.provider) else {
        warn!(order = %order_id, provider = %refund.provider, "a refund is due at a provider that is not configured");
        return Next::AskAgain;
    };
    if refund.status == RefundStatus::Failed && settle(handle, order_id, number, RefundOutcome::Retried).await.is_err()
    {
        return Next::AskAgain;
    }
    let request = RefundRequest {
        order: order_id,
        number,
        payment: refund.payment.clone(),
        amount: refund.amount,
        currency: order.currency,
        attempts,
    };
    let (outcome, next) = match provider.refund(&request).await {
        Ok(RefundProgress::Succeeded) => (RefundOutcome::Succeeded, Next::Settled),
        Ok(RefundProgress::Failed) => {
            warn!(order = %order_id, number, provider = provider.name(), "a refund was refused; it is asked again later");
            (RefundOutcome::Failed, Next::AskAgain)
        }
        Ok(RefundProgress::Pending) => return Next::AskAgain,
        Err(ProviderError { provider, why }) => {
            info!(order = %order_id, number, provider, why, "a refund could not be asked for; it is asked again later");
            return Next::AskAgain;
        }
    };
    match settle(handle, order_id, number, outcome).await {
        Ok(()) => next,
        Err(_) => Next::AskAgain,
    }
}

async fn settle(handle: &Handle, order: OrderId, number: u16, outcome: RefundOutcome) -> Result<(), Refusal> {
    let request = Request {
        command: Command::SettleRefund { order, number, outcome },
        actor: Actor::Provider,
        request_id: format!("refund-{order}-{number}").into(),
        device: None,
    };
    handle.submit(request).await.map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_longest() {
        assert_eq!(pause_after(0), REFUND_RETRY_FIRST);
        assert_eq!(pause_after(3), REFUND_RETRY_FIRST * 8);
        assert_eq!(pause_after(19), REFUND_RETRY_MAX);
        assert_eq!(pause_after(u32::MAX), REFUND_RETRY_MAX);
    }
}
