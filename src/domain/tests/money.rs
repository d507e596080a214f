//! Money that comes, and money that goes back.

use super::*;
use crate::domain::event::OrderChange;
use crate::domain::order::PAYMENTS_MAX;
use crate::domain::payment::{RefundOutcome, RefundStatus};

impl World {
    fn settle(&mut self, order: OrderId, number: u16, outcome: RefundOutcome) -> Result<Decision, Rejection> {
        self.run(&Actor::Provider, &Command::SettleRefund { order, number, outcome })
    }

    /// Number, payment, amount and status of each refund.
    fn refunds(&self, order: OrderId) -> Vec<(u16, &str, i64, RefundStatus)> {
        let refunds = self.order(order).refunds.iter();
        refunds.map(|refund| (refund.number, refund.payment.as_str(), refund.amount.0, refund.status)).collect()
    }
}

#[test]
fn money_pays_an_order_once_and_all_other_money_goes_back() {
    use Status::{Accepted, AwaitingPayment, Cancelled, Collected, Paid, Ready, Rejected};
    let pays = ["paid"].as_slice();
    let back = ["refund_pending"].as_slice();
    let nothing = [].as_slice();
    // The order's status, the money, what happens.
    let cases = [
        (AwaitingPayment, "pay-2", 6_800, pays),
        (AwaitingPayment, "pay-2", 6_799, back),
        (AwaitingPayment, "pay-2", 6_801, back),
        (AwaitingPayment, "pay-2", 0, nothing),
        (AwaitingPayment, "pay-2", -1, nothing),
        (Paid, "pay-1", 6_800, nothing),
        (Paid, "pay-2", 6_800, back),
        (Accepted, "pay-2", 6_800, back),
        (Ready, "pay-2", 6_800, back),
        (Collected, "pay-1", 6_800, nothing),
        (Collected, "pay-2", 6_800, back),
        (Cancelled, "pay-2", 6_800, back),
        (Rejected, "pay-1", 6_800, nothing),
        (Rejected, "pay-2", 6_800, back),
    ];
    for (status, reference, amount, expected) in cases {
        let mut world = World::new();
        let order = world.brought_to(status);
        let decision = world.pay(order, reference, amount).unwrap();
        assert_eq!(names(&decision), expected, "{status:?} {reference} {amount}");
        assert_eq!(decision.outcome, Outcome::Order { id: order, fresh: false });
        assert_eq!(names(&world.pay(order, reference, amount).unwrap()), [""; 0], "the same notification again");
        if expected == back {
            assert_eq!(world.order(order).status, status);
            let last = *world.refunds(order).last().unwrap();
            assert_eq!((last.1, last.2, last.3), (reference, amount, RefundStatus::Pending));
        }
    }
}

#[test]
fn paying_takes_a_place_in_the_queue_and_gives_a_promise() {
    let mut world = World::new();
    let promises: Vec<_> = (1..=3)
        .map(|nth| {
            let order = world.placed();
            world.pay(order, "pay-1", 6_800).unwrap();
            if nth == 2 {
                world.accept(order, None).unwrap();
            }
            let order = world.order(order);
            (order.position.unwrap(), order.wait_minutes.unwrap())
        })
        .collect();
    assert_eq!(promises, [(1, 5), (2, 7), (3, 9)]);
    assert_eq!(world.stock("meal"), (Some(7), 0, 3));
}

#[test]
fn late_money_opens_a_closed_order_until_it_is_back() {
    let mut world = World::new();
    let order = world.placed();
    world.wait(SETTINGS.pay_within);
    assert_eq!(names(&world.run(&Actor::Node, &Command::PassDeadline { order }).unwrap()), ["cancelled"]);
    assert!(world.state.order(order).is_none());
    assert_eq!(world.stock("meal"), (Some(10), 0, 0));

    let decision = world.pay(order, "late", 6_800).unwrap();
    let [Event::OrderChanged { whole: Some(whole), change: OrderChange::MoneyReturned { .. }, .. }] =
        &decision.events[..]
    else {
        panic!("{decision:?}")
    };
    assert_eq!(world.state.order(order), Some(whole));
    assert_eq!((whole.status, whole.reason.as_deref()), (Status::Cancelled, Some("payment_timeout")));
    assert_eq!(world.stock("meal"), (Some(10), 0, 0), "the meal may be another's by now");
    assert_eq!(world.state.next_deadline(), None, "nothing happens to it by itself");

    let decision = world.settle(order, 1, RefundOutcome::Succeeded).unwrap();
    let [Event::OrderChanged { whole: Some(whole), .. }] = &decision.events[..] else { panic!("{decision:?}") };
    assert!(whole.is_closed() && world.state.order(order).is_none());
    assert_eq!(whole.closed_at, Some(BEGIN.plus(SETTINGS.pay_within)), "when it was cancelled");
}

#[test]
fn an_order_that_is_not_in_the_state_is_asked_for_if_it_may_exist() {
    let mut world = World::new();
    let order = world.brought_to(Status::Collected);
    world.seen.clear();
    assert_eq!(world.pay(order, "late", 1), Err(Rejection::RecordNeeded { order }));
    let foreign: OrderId = "261123-0000000-1-1".parse().unwrap();
    assert_eq!(world.pay(foreign, "late", 1), Err(Rejection::OrderNotFound { order: foreign }));
    let decision = world.run(&Actor::Node, &Command::PassDeadline { order }).unwrap();
    assert_eq!((names(&decision), decision.outcome), (vec![], Outcome::Done), "never asked for by a timer");
}

#[test]
fn calling_off_returns_every_payment_that_is_not_on_its_way() {
    let mut world = World::new();
    let order = world.placed();
    world.pay(order, "wrong", 5).unwrap();
    world.pay(order, "right", 6_800).unwrap();
    world.pay(order, "double", 6_800).unwrap();
    world.settle(order, 1, RefundOutcome::Succeeded).unwrap();
    let decision = world.run(&customer("ann"), &Command::CancelOrder { order }).unwrap();
    assert!(matches!(&decision.events[..], [Event::OrderChanged { whole: None, .. }]), "not closed yet");
    let pending = RefundStatus::Pending;
    let expected =
        [(1, "wrong", 5, RefundStatus::Succeeded), (2, "double", 6_800, pending), (3, "right", 6_800, pending)];
    assert_eq!(world.refunds(order), expected);
    for number in [3, 2] {
        assert!(world.state.order(order).is_some());
        world.settle(order, number, RefundOutcome::Succeeded).unwrap();
    }
    assert!(world.state.order(order).is_none());
    assert_eq!(world.order(order).refunded(), world.order(order).paid());
}

#[test]
fn a_refund_goes_from_pending_to_succeeded_and_stays_there() {
    use RefundOutcome::{Failed, Retried, Succeeded};
    let steps = [
        (Retried, RefundStatus::Pending, false),
        (Failed, RefundStatus::Failed, true),
        (Failed, RefundStatus::Failed, false),
        (Retried, RefundStatus::Pending, true),
        (Failed, RefundStatus::Failed, true),
        (Succeeded, RefundStatus::Succeeded, true),
        (Failed, RefundStatus::Succeeded, false),
        (Retried, RefundStatus::Succeeded, false),
        (Succeeded, RefundStatus::Succeeded, false),
    ];
    let mut world = World::new();
    let order = world.brought_to(Status::Rejected);
    for (outcome, status, changes) in steps {
        let decision = world.settle(order, 1, outcome).unwrap();
        assert_eq!(decision.events.len(), usize::from(changes), "{outcome:?} to {status:?}");
        assert_eq!(world.refunds(order), [(1, "pay-1", 6_800, status)]);
    }
    assert!(world.settle(order, 2, Succeeded).is_err(), "there is no second refund");
}

#[test]
fn payments_of_one_order_are_bounded() {
    let mut world = World::new();
    let order = world.placed();
    for nth in 0..PAYMENTS_MAX {
        world.pay(order, &format!("pay-{nth}"), 1).unwrap();
    }
    assert!(matches!(world.pay(order, "more", 6_800), Err(Rejection::OverLimit { limit: 16, .. })));
    assert!(matches!(world.pay(order, "huge", i64::MAX), Err(Rejection::OverLimit { .. })));
    assert_eq!(names(&world.pay(order, "pay-3", 1).unwrap()), [""; 0]);
}
