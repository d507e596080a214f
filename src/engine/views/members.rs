//! A member's open orders.

use std::sync::Arc;

use smallvec::SmallVec;

use super::sharded::Sharded;
use crate::domain::id::MemberId;
use crate::domain::order::Order;

/// Open orders by member, each oldest first.
#[derive(Debug)]
pub(super) struct Members(Sharded<MemberId, SmallVec<[Arc<Order>; 2]>>);

impl Members {
    pub(super) fn new() -> Self {
        Self(Sharded::new())
    }

    pub(super) fn orders(&self, member: &MemberId) -> Vec<Arc<Order>> {
        self.0.get(member).map(SmallVec::into_vec).unwrap_or_default()
    }

    pub(super) fn put(&self, order: &Arc<Order>) {
        self.0.change(&order.member, |orders| {
            match orders.binary_search_by_key(&order.id, |known| known.id) {
                Ok(at) => {
                    if let Some(slot) = orders.get_mut(at) {
                        *slot = Arc::clone(order);
                    }
                }
                Err(at) => orders.insert(at, Arc::clone(order)),
            }
            true
        });
    }

    pub(super) fn remove(&self, order: &Order) {
        self.0.change(&order.member, |orders| {
            orders.retain(|known| known.id != order.id);
            !orders.is_empty()
        });
    }
}
