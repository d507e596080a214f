//! Every invariant finds the damage it is there for, and evolve refuses events of another history.

use super::*;
use crate::domain::event::{KeyUse, OrderChange};
use crate::domain::evolve::EvolveError;
use crate::domain::id::{RegionTag, Sku, StoreId};
use crate::domain::invariants::{Invariant, check_claim, check_order};
use crate::domain::payment::RefundStatus;
use crate::domain::state::{Part, PartsError};
use crate::domain::stock::StockLine;
use crate::domain::time::BusinessDay;

fn s() -> StoreId {
    "s".parse().unwrap()
}

fn stock_line<'a>(state: &'a mut State, sku: &str) -> &'a mut StockLine {
    let sku: Sku = sku.parse().unwrap();
    state.stores.get_mut(&"s".parse().unwrap()).unwrap().stock.get_mut(&sku).unwrap()
}

fn change_order(state: &mut State, change: impl FnOnce(&mut Order)) {
    let id = state.orders()[0].id;
    let secret = state.secret();
    let member = |order: &Order| crate::domain::fingerprint::of_member(&secret, &order.member);
    state.orders.change(id.packed(), member, change).unwrap();
}

/// An open order in each status that has any, one with a coupon, and some claims.
fn busy() -> World {
    let mut world = World::new();
    let coupon = world.claim("ann", "yuan").unwrap().0;
    world.claim("bob", "free").unwrap();
    let mut request = world.request(vec![line("meal", 2, &["drink/juice"]), line("tea", 1, &[])]);
    request.coupon = Some(coupon);
    let first = world.send(&request).unwrap();
    let payable = world.order(first).payable.0;
    world.pay(first, "wrong", 5).unwrap();
    world.pay(first, "pay-1", payable).unwrap();
    world.accept(first, None).unwrap();
    world.brought_to(Status::Ready);
    world.placed();
    world
}

#[test]
fn each_invariant_finds_its_own_damage() {
    type Damage = fn(&mut State);
    let cases: [(Invariant, Damage); 24] = [
        (Invariant::StockBalances, |state| stock_line(state, "meal").received += 1),
        (Invariant::StockBalances, |state| stock_line(state, "soup").available += 1),
        (Invariant::StockFollowsOrders, |state| stock_line(state, "meal").release(1).unwrap()),
        (Invariant::StockFollowsOrders, |state| stock_line(state, "meal").give_back(1).unwrap()),
        (Invariant::QuotaHolds, |state| {
            let catalog = Arc::make_mut(&mut state.catalog);
            Arc::make_mut(catalog.campaigns.values_mut().next().unwrap()).quota = 0;
        }),
        (Invariant::ClaimsCounted, |state| {
            let number = state.campaigns().next().unwrap().0;
            Arc::make_mut(&mut state.campaigns).get_mut(number).unwrap().claimed += 1;
        }),
        (Invariant::ClaimsCounted, |state| {
            let number = state.campaigns().next().unwrap().0;
            state.claims.forget(number);
        }),
        (Invariant::CouponUsedOnce, |state| {
            let coupon = state.orders()[0].coupon.clone().unwrap().id;
            let mut claim = state.claim(coupon).unwrap();
            claim.used_by = None;
            state.claims.put(coupon, claim);
        }),
        (Invariant::CouponUsedOnce, |state| {
            let other = crate::domain::coupon::used_by(state.orders()[2].id);
            let coupon = state.coupons_of(BEGIN, &"bob".parse().unwrap())[0].id;
            let mut claim = state.claim(coupon).unwrap();
            claim.used_by = other;
            state.claims.put(coupon, claim);
        }),
        (Invariant::CouponUsedOnce, |state| change_order(state, |order| order.member = "eve".parse().unwrap())),
        (Invariant::AmountsAddUp, |state| change_order(state, |order| order.total += Fen(1))),
        (Invariant::AmountsAddUp, |state| change_order(state, |order| order.payable -= Fen(1))),
        (Invariant::AmountsAddUp, |state| change_order(state, |order| order.lines[0].discount -= Fen(1))),
        (Invariant::AmountsAddUp, |state| change_order(state, |order| order.coupon = None)),
        (Invariant::MoneyBalances, |state| change_order(state, |order| order.refunds[0].amount += Fen(1))),
        (Invariant::MoneyBalances, |state| change_order(state, |order| order.refunds.clear())),
        (Invariant::MoneyBalances, |state| change_order(state, |order| drop(order.payments.pop()))),
        (Invariant::LifeFollowsStatus, |state| change_order(state, |order| order.paid_at = None)),
        (Invariant::LifeFollowsStatus, |state| change_order(state, |order| order.created_at = BEGIN.plus(MINUTE))),
        (Invariant::OnlyOpenOrders, |state| state.head.region.as_mut().unwrap().epoch = 0),
        (Invariant::CodesUnique, |state| {
            let code = state.orders()[1].pickup_code.clone();
            change_order(state, |order| order.pickup_code = code);
        }),
        (Invariant::PositionsUnique, |state| change_order(state, |order| order.position = Some(2))),
        (Invariant::KeysKnown, |state| {
            let target = OrderId::new(state.tag, 1, BusinessDay(60_000), 1).packed();
            state.keys.remember(KeyUse { fingerprint: 1, body: 1 }, target);
        }),
        (Invariant::OffsetsCount, |state| state.stores.get_mut(&s()).unwrap().counters.store_offset = 1),
    ];
    for (index, (invariant, damage)) in cases.into_iter().enumerate() {
        let mut state = busy().state;
        damage(&mut state);
        let violations = check_all(&state);
        let found = violations.iter().any(|violation| violation.invariant == invariant);
        assert!(found, "damage {index}: {invariant} finds nothing, all find {violations:?}");
    }
}

#[test]
fn what_is_derived_is_compared_with_what_it_derives_from() {
    let mut state = busy().state;
    state.stores.get_mut(&s()).unwrap().waiting += 1;
    state.stores.get_mut(&s()).unwrap().codes_held.clear();
    let order = Arc::clone(state.orders()[2]);
    // The same order under another member's count, and with another deadline.
    state.orders.damage(&order);
    let found: Vec<Invariant> = check_all(&state).iter().map(|violation| violation.invariant).collect();
    for invariant in [Invariant::DeadlinesDerived, Invariant::CodesUnique, Invariant::CountsDerived] {
        assert!(found.contains(&invariant), "{invariant} is not among {found:?}");
    }
}

#[test]
fn invariants_are_numbered_in_order_and_named_once() {
    let numbers: Vec<u8> = Invariant::ALL.iter().map(|invariant| invariant.number()).collect();
    assert_eq!(numbers, (1..=15).collect::<Vec<u8>>());
    let mut names: Vec<&str> = Invariant::ALL.iter().map(|invariant| invariant.name()).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), 15);
    assert_eq!(Invariant::StockBalances.to_string(), "I1 stock balances");
}

#[test]
fn a_closed_order_is_judged_by_itself() {
    let mut world = World::new();
    let id = world.brought_to(Status::Rejected);
    let mut order = world.order(id).clone();
    assert_eq!(check_order(&order), []);
    order.refunds[0].status = RefundStatus::Succeeded;
    assert!(order.is_closed() && check_order(&order).is_empty());
    order.refunds.clear();
    let violations = check_order(&order);
    assert_eq!(violations.len(), 1, "{violations:?}");
    assert_eq!(violations[0].invariant, Invariant::MoneyBalances, "money was taken and not given back");
}

#[test]
fn a_claim_that_is_not_due_is_found_out() {
    let mut world = World::new();
    let (yuan, ann) = ("yuan".parse().unwrap(), "ann".parse().unwrap());
    let id = |ordinal| crate::domain::coupon::coupon_id(&RegionSecret([7; 32]), &yuan, &ann, ordinal);
    let check = |world: &World, coupon, ordinal| check_claim(&world.state, coupon, &yuan, &ann, ordinal).len();
    assert_eq!(check(&world, id(0), 0), 0);
    assert_eq!(check(&world, id(1), 0), 1, "an id that is not hers");
    assert_eq!(check(&world, id(1), 1), 1, "not the next one");
    world.claim("ann", "yuan").unwrap();
    assert_eq!(check(&world, id(0), 0), 1, "claimed before");
    assert_eq!(check(&world, id(5), 5), 2, "not the next one, beyond her limit");
    world.claim("bob", "yuan").unwrap();
    world.claim("cai", "yuan").unwrap();
    assert_eq!(check(&world, id(1), 1), 1, "the quota is used up");
}

#[test]
fn evolve_refuses_events_of_another_history() {
    let mut world = busy();
    let order = Arc::clone(world.state.orders()[0]);
    let whole = |change: fn(&mut Order)| {
        let mut other = Order::clone(&order);
        change(&mut other);
        Arc::new(other)
    };
    let request = KeyUse { fingerprint: 1, body: 1 };
    let change = |order, change, whole| Event::OrderChanged { order, change, whole };
    let collected = || OrderChange::Collected { reason: None };
    let foreign = OrderId::from_packed(RegionTag(1), order.id.packed() + 100);
    let events = [
        Event::RegionStarted(start(1)),
        Event::StockSet { store: "x".parse().unwrap(), sku: "meal".parse().unwrap(), available: None },
        Event::AcceptingChanged { store: "x".parse().unwrap(), pause: None },
        Event::CouponClaimed {
            coupon: CouponId(1),
            campaign: "x".parse().unwrap(),
            member: "ann".parse().unwrap(),
            ordinal: 0,
        },
        Event::OrderPlaced { order: Arc::clone(&order), request },
        Event::OrderPlaced { order: whole(|order| order.store = "x".parse().unwrap()), request },
        change(foreign, collected(), None),
        change(foreign, collected(), Some(whole(|_| {}))),
        change(order.id, collected(), Some(whole(|_| {}))),
        change(order.id, OrderChange::RefundSettled { number: 1, status: RefundStatus::Pending }, Some(whole(|_| {}))),
    ];
    for event in events {
        let mut state = world.state.clone();
        let result = state.evolve(world.now, &event, &mut Vec::new());
        assert!(result.is_err(), "{event:?}");
    }
    let adjusted = Event::StockAdjusted {
        store: s(),
        sku: "meal".parse().unwrap(),
        delta: -100,
        reason: "x".into(),
        request: KeyUse { fingerprint: 2, body: 2 },
    };
    let error = world.state.evolve(world.now, &adjusted, &mut Vec::new()).unwrap_err();
    assert!(matches!(&error, EvolveError::Stock { .. }));
    assert_eq!(error.to_string(), "stock of meal at s: fewer are available than are taken out");
}

#[test]
fn parts_make_the_state_again_and_bad_parts_are_named() {
    let world = busy();
    let parts = || world.state.parts().collect::<Vec<Part>>();
    assert!(State::from_parts(parts()).unwrap() == world.state);
    assert!(State::from_parts(State::new().parts()).unwrap() == State::new());
    let order = Arc::clone(world.state.orders()[0]);
    let with = |part: Part| State::from_parts(parts().into_iter().chain([part])).unwrap_err();
    assert_eq!(State::from_parts([]), Err(PartsError::HeadNotFirst));
    assert_eq!(with(parts().remove(0)), PartsError::Twice { what: "the head" });
    assert_eq!(with(Part::Orders(0, vec![Arc::clone(&order)])), PartsError::Twice { what: "an order" });
    let mut foreign = Order::clone(&order);
    foreign.id = OrderId::from_packed(RegionTag(1), 7);
    assert_eq!(
        with(Part::Orders(0, vec![Arc::new(foreign)])).to_string(),
        "order 200101-0000001-0-7 is not of this region"
    );
    let mut closed = Order::clone(&order);
    (closed.status, closed.refunds) = (Status::Collected, Vec::new());
    assert_eq!(with(Part::Orders(0, vec![Arc::new(closed)])), PartsError::ClosedOrder { order: order.id });
    let line = StockLine::default();
    let lines = |store: &str| Part::Stock(0, vec![(store.parse().unwrap(), "meal".parse().unwrap(), line)]);
    assert_eq!(with(lines("x")), PartsError::StoreMissing { store: "x".parse().unwrap() });
    assert_eq!(with(lines("s")), PartsError::Twice { what: "a stock line" });
}

#[test]
fn a_copy_of_the_state_never_changes_with_the_original() {
    let mut world = busy();
    let copy = world.state.clone();
    let parts: Vec<Part> = copy.parts().collect();
    let mut bobs = world.request(vec![line("meal", 1, &[])]);
    bobs.member = "bob".parse().unwrap();
    world.send(&bobs).unwrap();
    world.claim("dee", "yuan").unwrap();
    world.wait(Millis::hours(30));
    for order in world.state.due(world.now, 10) {
        world.run(&Actor::Node, &Command::PassDeadline { order }).unwrap();
    }
    assert!(copy.parts().eq(parts));
    assert!(copy != world.state);
}
