//! What goes into the writer and what comes out of it.

use std::sync::Arc;

use smol_str::SmolStr;

use crate::domain::actor::Actor;
use crate::domain::catalog::ImportSummary;
use crate::domain::command::Command;
use crate::domain::coupon::Coupon;
use crate::domain::id::{Sku, StoreId};
use crate::domain::order::Order;
use crate::domain::rejection::Rejection;
use crate::domain::stock::StockLine;
use crate::domain::store::Pause;

/// A command with who asks for it. Stored with each event it leads to.
#[derive(Debug, Clone)]
pub struct Request {
    /// What is asked.
    pub command: Command,
    /// Who asks.
    pub actor: Actor,
    /// The request's id as it stands in logs and answers, at most 64 bytes.
    pub request_id: SmolStr,
    /// The device that asks, where the client says so.
    pub device: Option<SmolStr>,
}

/// A durable yes.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// The order as it is now; `fresh` when this request placed it.
    Order {
        /// The order.
        order: Arc<Order>,
        /// Whether it is new (201 rather than 200).
        fresh: bool,
    },
    /// The coupon as it is now.
    Coupon {
        /// The coupon.
        coupon: Coupon,
        /// Whether it is new (201 rather than 200).
        fresh: bool,
    },
    /// A stock line as it is now.
    Stock {
        /// Where.
        store: StoreId,
        /// Of what.
        sku: Sku,
        /// The line.
        line: StockLine,
    },
    /// Whether a store takes orders now.
    Accepting {
        /// Which.
        store: StoreId,
        /// The pause, if any.
        pause: Option<Pause>,
    },
    /// What an import changed.
    Catalog(ImportSummary),
    /// Done; nothing to say.
    Done,
}

/// A no.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The business says no; nothing changed.
    #[error(transparent)]
    Rejected(#[from] Rejection),
    /// The node can't right now.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

/// Why the node can't answer now. Each is a 503 of the contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Unavailable {
    /// A queue or the overlay is full; nothing was done.
    #[error("too many requests are waiting; try again in a moment")]
    Overloaded,
    /// The log has only its reserve left; new orders are not taken.
    #[error("the disk is full; orders are taken again when there is room")]
    DiskFull,
    /// A write or sync failed: the outcome of this request is open.
    #[error("storage failed; the outcome is open, repeat the request with the same key")]
    StorageFailed,
    /// The answer needs history that is being rebuilt from the log.
    #[error("order history is being rebuilt; try again in a moment")]
    Rebuilding,
    /// The node is stopping.
    #[error("the node is shutting down")]
    ShuttingDown,
    /// Another node has taken over this region.
    #[error("this node no longer serves its region")]
    Fenced,
}
