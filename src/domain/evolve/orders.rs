//! The events of orders, with everything an order moves: stock, its coupon, the store's counters and codes.

use std::sync::Arc;

use super::{EvolveError, debug_check, stock_error};
use crate::domain::coupon::used_by;
use crate::domain::effect::{Effect, OrderEffect};
use crate::domain::event::{KeyUse, OrderChange};
use crate::domain::fingerprint;
use crate::domain::id::{OrderId, PickupCode};
use crate::domain::invariants::{check_order, check_stock};
use crate::domain::order::{Order, Status};
#[cfg(feature = "simulation")]
use crate::domain::plant::{self, Plant};
use crate::domain::state::{State, StoreState, on_board};
use crate::domain::stock::{StockError, StockLine};
use crate::domain::store::StoreCounters;
use crate::domain::time::{BusinessDay, Timestamp};

/// What an order does to its units in stock.
type StockMove = fn(&mut StockLine, u32) -> Result<(), StockError>;

impl State {
    pub(super) fn place_order(
        &mut self,
        order: &Arc<Order>,
        request: KeyUse,
        effects: &mut Vec<Effect>,
    ) -> Result<(), EvolveError> {
        let store = self.store_of(order)?;
        store.counters.store_offset += 1;
        let store_offset = store.counters.store_offset;
        move_stock(store, order, StockLine::reserve, effects)?;
        store.follow(None, order);
        if let Some(coupon) = &order.coupon {
            let refused = |why| EvolveError::Coupon { coupon: coupon.id, why };
            let mut claim = self.claims.get(coupon.id).ok_or_else(|| refused("it was never claimed"))?;
            if claim.used_by.is_some() {
                return Err(refused("another order uses it"));
            }
            claim.used_by = used_by(order.id);
            self.claims.put(coupon.id, claim);
            effects.push(Effect::Coupon { coupon: coupon.id, claim });
        }
        self.keys.remember(request, order.id.packed());
        self.head.next_order = self.head.next_order.wrapping_add(1);
        self.enter(order)?;
        debug_check(|| check_order(order))?;
        let order = Arc::clone(order);
        let effect = OrderEffect { order, event: "placed", store_offset, board_offset: None, closed: false };
        effects.push(Effect::Order(effect));
        Ok(())
    }

    pub(super) fn change_order(
        &mut self,
        at: Timestamp,
        id: OrderId,
        change: &OrderChange,
        whole: Option<&Arc<Order>>,
        effects: &mut Vec<Effect>,
    ) -> Result<(), EvolveError> {
        let secret = self.secret();
        let member = |order: &Order| fingerprint::of_member(&secret, &order.member);
        let changed = self.orders.change(id.packed(), member, |order| order.apply(at, change));
        let (before, order) = match (changed, whole) {
            (Some(changed), _) => changed,
            // Money for a closed order: it comes back as the event carries it, its status unchanged.
            (None, Some(whole)) if whole.id == id && matches!(change, OrderChange::MoneyReturned { .. }) => {
                self.enter(whole)?;
                (whole.status, Arc::clone(whole))
            }
            (None, _) => return Err(EvolveError::Order { order: id, why: "it is not open" }),
        };
        if whole.is_some_and(|whole| **whole != *order) {
            return Err(EvolveError::Order { order: id, why: "it is another than the event carries" });
        }
        debug_check(|| check_order(&order))?;

        let store = self.store_of(&order)?;
        store.follow(Some(before), &order);
        store.counters.store_offset += 1;
        let store_offset = store.counters.store_offset;
        let board_changed = before != order.status && (on_board(before) || on_board(order.status));
        store.counters.board_offset += u64::from(board_changed);
        let board_offset = board_changed.then_some(store.counters.board_offset);
        match change {
            OrderChange::Paid { position, .. } => {
                store.counters.last_position = *position;
                move_stock(store, &order, StockLine::sell, effects)?;
            }
            OrderChange::Accepted { pickup_code, chosen_by_pos, .. } => {
                store.counters.take_code(order.business_day, pickup_code, *chosen_by_pos);
            }
            OrderChange::Cancelled { .. } | OrderChange::Rejected { .. } => {
                let unpaid = before == Status::AwaitingPayment;
                let back = if unpaid { StockLine::release } else { StockLine::give_back };
                #[cfg(feature = "simulation")]
                let back = if plant::is(Plant::StockNotGivenBack) { |_: &mut StockLine, _| Ok(()) } else { back };
                move_stock(store, &order, back, effects)?;
                self.give_coupon_back(&order, effects);
            }
            OrderChange::Ready { .. }
            | OrderChange::Collected { .. }
            | OrderChange::MoneyReturned { .. }
            | OrderChange::RefundSettled { .. } => {}
        }
        let closed = order.is_closed();
        effects.push(Effect::Order(OrderEffect { order, event: change.name(), store_offset, board_offset, closed }));
        Ok(())
    }

    fn store_of(&mut self, order: &Order) -> Result<&mut StoreState, EvolveError> {
        self.stores.get_mut(&order.store).ok_or_else(|| EvolveError::Store { store: order.store.clone() })
    }

    fn enter(&mut self, order: &Arc<Order>) -> Result<(), EvolveError> {
        let refused = |why| Err(EvolveError::Order { order: order.id, why });
        if order.id.region() != self.tag {
            return refused("it is of another region");
        }
        let member = fingerprint::of_member(&self.secret(), &order.member);
        if self.orders.insert(Arc::clone(order), member) { Ok(()) } else { refused("it is there already") }
    }

    /// The coupon is free again; it may have expired meanwhile, or its campaign may be forgotten.
    fn give_coupon_back(&mut self, order: &Order, effects: &mut Vec<Effect>) {
        let Some(coupon) = order.coupon.as_ref().map(|coupon| coupon.id) else { return };
        if let Some(mut claim) = self.claims.get(coupon).filter(|claim| claim.used_by == used_by(order.id)) {
            claim.used_by = None;
            self.claims.put(coupon, claim);
            effects.push(Effect::Coupon { coupon, claim });
        }
    }
}

fn move_stock(
    store: &mut StoreState,
    order: &Order,
    change: StockMove,
    effects: &mut Vec<Effect>,
) -> Result<(), EvolveError> {
    for ordered in &order.lines {
        let refused = |error| stock_error(&order.store, &ordered.sku, error);
        let Some(line) = store.stock.get_mut(&ordered.sku) else {
            return Err(refused(StockError("there is no such line")));
        };
        change(line, ordered.quantity).map_err(refused)?;
        debug_check(|| check_stock(&order.store, &ordered.sku, line))?;
        effects.push(Effect::Stock { store: order.store.clone(), sku: ordered.sku.clone(), line: *line });
    }
    Ok(())
}

/// Business days whose codes are remembered: today's, and yesterday's for orders placed before the day changed.
const CODE_DAYS_KEPT: usize = 2;

impl StoreCounters {
    fn take_code(&mut self, day: BusinessDay, code: &PickupCode, chosen_by_pos: bool) {
        let codes = self.codes.entry(day).or_default();
        match (code.number(), chosen_by_pos) {
            (Some(number), true) => {
                codes.chosen.insert(number);
            }
            (Some(number), false) => codes.next = number.saturating_add(1),
            (None, _) => {}
        }
        while self.codes.len() > CODE_DAYS_KEPT {
            self.codes.pop_first();
        }
    }
}
