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
        self.0.update(order.member.clone(), |orders| {
            let orders = orders.get_or_insert_default();
            match orders.binary_search_by_key(&order.id, |known| known.id) {
                Ok(at) => {
                    if let Some(slot) = orders.get_mut(at) {
                        *slot = Arc::clone(order);
                    }
                }
                Err(at) => orders.insert(at, Arc::clone(order)),
            }
        });
    }

    pub(super) fn remove(&self, order: &Order) {
        self.0.update(order.member.clone(), |slot| {
            if let Some(orders) = slot {
                orders.retain(|known| known.id != order.id);
                if orders.is_empty() {
                    *slot = None;
                }
            }
        });
    }
}
