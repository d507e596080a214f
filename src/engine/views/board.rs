//! The call screen's board: codes in the making and codes on the counter, fed by orders as they change.

use std::collections::BTreeMap;

use crate::domain::effect::OrderEffect;
use crate::domain::id::PickupCode;
use crate::domain::order::{Order, Status};
use crate::domain::time::Timestamp;

/// What the call screen shows at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Board {
    /// Accepted, longest waiting first.
    pub preparing: Vec<PickupCode>,
    /// On the counter, longest waiting first.
    pub ready: Vec<PickupCode>,
    /// Offset of topic `board/ID`.
    pub offset: u64,
}

/// A board that follows the orders of one store. Its order depends on the orders alone, so it is the same after a restart.
#[derive(Debug, Clone, Default)]
pub struct BoardState {
    preparing: BTreeMap<(Timestamp, u64), PickupCode>,
    ready: BTreeMap<(Timestamp, u64), PickupCode>,
    offset: u64,
}

impl BoardState {
    /// A board of these orders.
    pub fn of<'a>(orders: impl IntoIterator<Item = &'a Order>, offset: u64) -> Self {
        let mut board = Self { offset, ..Self::default() };
        orders.into_iter().for_each(|order| board.put(order));
        board
    }

    /// Takes one change in; answers whether the board changed.
    pub fn apply(&mut self, effect: &OrderEffect) -> bool {
        let Some(offset) = effect.board_offset else { return false };
        self.put(&effect.order);
        self.offset = offset;
        true
    }

    fn put(&mut self, order: &Order) {
        let packed = order.id.packed();
        let accepted = order.accepted_at.map(|at| (at, packed));
        let ready = order.ready_at.map(|at| (at, packed));
        if let Some(key) = accepted {
            self.preparing.remove(&key);
        }
        if let Some(key) = ready {
            self.ready.remove(&key);
        }
        let Some(code) = order.pickup_code.clone() else { return };
        match (order.status, accepted, ready) {
            (Status::Accepted, Some(key), _) => self.preparing.insert(key, code),
            (Status::Ready, _, Some(key)) => self.ready.insert(key, code),
            _ => None,
        };
    }

    /// The board now.
    pub fn board(&self) -> Board {
        Board {
            preparing: self.preparing.values().cloned().collect(),
            ready: self.ready.values().cloned().collect(),
            offset: self.offset,
        }
    }
}
