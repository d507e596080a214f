//! Who asks: the role of a token, and what it may see.

use smol_str::SmolStr;

use super::id::{MemberId, StoreId};

/// Who is behind a command. Stored with every log entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Actor {
    /// A customer, acting for itself.
    Customer(MemberId),
    /// A store's POS or screen; `subject` names the device or person.
    Store {
        /// The store the token is for.
        store: StoreId,
        /// The token's subject.
        subject: SmolStr,
    },
    /// The region's operator, who may do whatever a store may.
    Operator {
        /// The token's subject.
        subject: SmolStr,
    },
    /// A payment provider's notification, query or refund answer.
    Provider,
    /// The node itself: deadlines, imports at start.
    Node,
}

impl Actor {
    /// Whether an order of `member` at `store` may be seen and acted on; otherwise it is as if it did not exist.
    pub fn may_see(&self, member: &MemberId, store: &StoreId) -> bool {
        match self {
            Self::Customer(me) => me == member,
            Self::Store { store: mine, .. } => mine == store,
            Self::Operator { .. } | Self::Provider | Self::Node => true,
        }
    }
}
