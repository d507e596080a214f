//! The domain as an engine would drive it: decide, evolve, keep what closed, and believe nothing that the effects don't say.

use std::collections::BTreeMap;
use std::sync::Arc;

use qucan::domain::actor::Actor;
use qucan::domain::catalog::Catalog;
use qucan::domain::command::Command;
use qucan::domain::context::{Context, Settings};
use qucan::domain::coupon::{CampaignCounters, CampaignNumber, Claim};
use qucan::domain::decide::{Outcome, decide};
use qucan::domain::effect::Effect;
use qucan::domain::event::Event;
use qucan::domain::id::{CouponId, OrderId, PickupCode, Sku, StoreId};
use qucan::domain::order::{Order, Status};
use qucan::domain::rejection::Rejection;
use qucan::domain::state::{Part, State};
use qucan::domain::stock::StockLine;
use qucan::domain::time::{Millis, Timestamp};

use crate::commands::{HOUR, MINUTE};

/// What somebody who sees only effects believes.
#[derive(Default)]
pub struct Mirror {
    pub orders: BTreeMap<OrderId, Arc<Order>>,
    pub stock: BTreeMap<(StoreId, Sku), StockLine>,
    pub claims: BTreeMap<CouponId, Claim>,
    pub campaigns: BTreeMap<CampaignNumber, CampaignCounters>,
    pub catalog: Arc<Catalog>,
    offsets: BTreeMap<StoreId, (u64, u64)>,
    boards: BTreeMap<StoreId, BTreeMap<OrderId, (Status, PickupCode)>>,
}

impl Mirror {
    fn absorb(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Catalog(catalog) => self.catalog = catalog,
                Effect::Stock { store, sku, line } => drop(self.stock.insert((store, sku), line)),
                Effect::Accepting { .. } => {}
                Effect::Campaign { number, counters } => drop(self.campaigns.insert(number, counters)),
                Effect::CampaignForgotten { number } => {
                    self.campaigns.remove(&number);
                    self.claims.retain(|_, claim| claim.campaign != number);
                }
                Effect::Coupon { coupon, claim } => drop(self.claims.insert(coupon, claim)),
                Effect::Order(effect) => {
                    let order = effect.order;
                    let (store_offset, board_offset) = self.offsets.entry(order.store.clone()).or_default();
                    *store_offset += 1;
                    assert_eq!(effect.store_offset, *store_offset, "the store's topic has a gap");
                    let before = self.orders.get(&order.id).map_or(0, |order| order.offset);
                    assert_eq!(order.offset, before + 1, "the order's topic has a gap");
                    assert_eq!(effect.closed, order.is_closed());
                    let board = self.boards.entry(order.store.clone()).or_default();
                    let before = board.clone();
                    match (&order.pickup_code, order.status) {
                        (Some(code), Status::Accepted | Status::Ready) => {
                            board.insert(order.id, (order.status, code.clone()));
                        }
                        _ => drop(board.remove(&order.id)),
                    }
                    if before == *board {
                        assert_eq!(effect.board_offset, None, "the board did not change");
                    } else {
                        *board_offset += 1;
                        assert_eq!(effect.board_offset, Some(*board_offset), "the board's topic has a gap");
                    }
                    self.orders.insert(order.id, order);
                }
            }
        }
    }
}

pub struct System {
    pub state: State,
    pub mirror: Mirror,
    pub log: Vec<(Timestamp, Event)>,
    settings: Settings,
    /// A copy taken in passing, with what it was: later writes must not reach it.
    frozen: Option<(State, Vec<Part>)>,
}

impl System {
    pub fn new(open_orders_max: Option<usize>) -> Self {
        let settings = Settings {
            pay_within: Millis(15 * MINUTE),
            accept_within: Millis(10 * MINUTE),
            auto_after: Millis(4 * HOUR),
            open_orders_per_member_max: open_orders_max.map(|max| max as u32),
        };
        Self { state: State::new(), mirror: Mirror::default(), log: Vec::new(), settings, frozen: None }
    }

    /// Decides and evolves; answers the outcome and how many events there were.
    pub fn submit(&mut self, now: i64, actor: &Actor, command: &Command) -> Result<(Outcome, usize), Rejection> {
        let now = Timestamp(now);
        let mut context = Context { now, actor, settings: &self.settings, closed: None };
        let mut decision = decide(&self.state, &context, command);
        if let Err(Rejection::RecordNeeded { order }) = &decision {
            assert!(self.state.order(*order).is_none(), "the record of an open order is asked for");
            context.closed = self.mirror.orders.get(order).map(AsRef::as_ref);
            assert!(context.closed.is_some_and(Order::is_closed), "an order is neither open nor closed");
            decision = decide(&self.state, &context, command);
        }
        let decision = decision?;
        let count = decision.events.len();
        let mut effects = Vec::new();
        for event in decision.events {
            check_whole(&event);
            self.state.evolve(now, &event, &mut effects).unwrap();
            self.log.push((now, event));
        }
        self.mirror.absorb(effects);
        Ok((decision.outcome, count))
    }

    /// Takes the state apart and goes on with what is put together again.
    pub fn restart(&mut self) {
        let parts: Vec<Part> = self.state.parts().collect();
        let again = State::from_parts(parts.clone()).unwrap();
        assert!(again == self.state, "the parts don't make the state they came from");
        if let Some((frozen, was)) = self.frozen.take() {
            assert!(frozen.parts().eq(was), "a copy of the state changed after it was taken");
        }
        self.frozen = Some((std::mem::replace(&mut self.state, again), parts));
    }

    /// The log alone, from the beginning.
    pub fn replayed(&self) -> State {
        let mut state = State::new();
        let mut effects = Vec::new();
        for (at, event) in &self.log {
            state.evolve(*at, event, &mut effects).unwrap();
            effects.clear();
        }
        state
    }
}

/// The event that closes an order carries it whole, and no other does but the one that opens it again.
fn check_whole(event: &Event) {
    if let Event::OrderChanged { order, change, whole: Some(whole) } = event {
        assert_eq!(whole.id, *order);
        assert!(whole.is_closed() || change.name() == "refund_pending", "{order} is carried without need");
    }
}
