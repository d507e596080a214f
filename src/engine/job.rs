//! One request on its way to the writer and back.

use std::sync::Arc;
use std::time::Instant;

use tokio::sync::oneshot;

use super::answer::{Answer, Refusal, Request};
use crate::domain::command::Command;
use crate::domain::order::Order;

/// What comes back: the answer, and the request, to be asked again with the record it needs, or freed on the thread that
/// made it. Dropped unanswered, the outcome is open.
pub(super) type Reply = oneshot::Sender<(Result<Answer, Refusal>, Request)>;

/// A closed order as a value, with how far history was durable before it was looked up.
#[derive(Debug, Clone)]
pub(super) struct ClosedRecord {
    pub(super) order: Arc<Order>,
    pub(super) read_at: u64,
}

/// A request in a queue.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) request: Request,
    pub(super) closed: Option<ClosedRecord>,
    pub(super) reply: Reply,
    pub(super) queued_at: Instant,
}

/// Whether a command lets orders go on that are already there: it goes first, and on a full disk too.
pub(super) fn is_critical(command: &Command) -> bool {
    match command {
        Command::StartRegion(_)
        | Command::RecordPayment { .. }
        | Command::CancelOrder { .. }
        | Command::AcceptOrder { .. }
        | Command::RejectOrder { .. }
        | Command::MarkReady { .. }
        | Command::MarkCollected { .. }
        | Command::SettleRefund { .. }
        | Command::SetStock { .. }
        | Command::AdjustStock { .. }
        | Command::SetAccepting { .. }
        | Command::PassDeadline { .. } => true,
        Command::ImportCatalog(_) | Command::ClaimCoupon { .. } | Command::PlaceOrder(_) => false,
    }
}
