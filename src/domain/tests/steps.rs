//! The steps of an order's life, its deadlines, codes and offsets.

use super::*;

fn commands(order: OrderId) -> [(&'static str, Actor, Command); 5] {
    [
        ("cancel", customer("ann"), Command::CancelOrder { order }),
        ("accept", pos("s"), Command::AcceptOrder { order, pickup_code: None }),
        ("reject", pos("s"), Command::RejectOrder { order, reason: "sold out".into() }),
        ("ready", pos("s"), Command::MarkReady { order }),
        ("collected", pos("s"), Command::MarkCollected { order }),
    ]
}

#[test]
fn every_step_from_every_status_happens_is_done_already_or_is_refused() {
    // What each of the five steps leads to: a status, `=` for done already, `-` for refused.
    let table = [
        (Status::AwaitingPayment, ["cancelled", "-", "-", "-", "-"]),
        (Status::Paid, ["cancelled", "accepted", "rejected", "-", "-"]),
        (Status::Accepted, ["-", "=", "rejected", "ready", "-"]),
        (Status::Ready, ["-", "=", "rejected", "=", "collected"]),
        (Status::Collected, ["-", "=", "-", "=", "="]),
        (Status::Cancelled, ["=", "-", "-", "-", "-"]),
        (Status::Rejected, ["-", "-", "=", "-", "-"]),
    ];
    for (status, row) in table {
        for (step, expected) in row.into_iter().enumerate() {
            let mut world = World::new();
            let order = world.brought_to(status);
            let (name, actor, command) = &commands(order)[step];
            let result = world.run(actor, command);
            let actual = match &result {
                Ok(decision) if decision.events.is_empty() => "=",
                Ok(decision) => names(decision)[0],
                Err(Rejection::WrongStatus { status: told }) if *told == status => "-",
                Err(rejection) => panic!("{name} from {status:?}: {rejection}"),
            };
            assert_eq!(actual, expected, "{name} from {status:?}");
            if let Ok(decision) = result {
                assert_eq!(decision.outcome, Outcome::Order { id: order, fresh: false });
            }
        }
    }
}

#[test]
fn strangers_never_learn_that_an_order_exists() {
    for status in Status::ALL {
        let mut world = World::new();
        let order = world.brought_to(status);
        for (name, _, command) in commands(order) {
            let strangers = if name == "cancel" { [customer("bob"), pos("t")] } else { [customer("ann"), pos("t")] };
            for stranger in strangers {
                let result = world.run(&stranger, &command);
                assert_eq!(result, Err(Rejection::OrderNotFound { order }), "{name} by {stranger:?} at {status:?}");
            }
        }
    }
}

#[test]
fn an_operator_may_do_whatever_a_store_may() {
    let mut world = World::new();
    let order = world.brought_to(Status::Paid);
    for (_, _, command) in &commands(order)[1..] {
        if !matches!(command, Command::RejectOrder { .. }) {
            assert_eq!(world.run(&operator(), command).unwrap().events.len(), 1);
        }
    }
    assert_eq!(world.order(order).status, Status::Collected);
}

#[test]
fn a_deadline_acts_once_and_only_when_it_has_passed() {
    let (pay, accept, auto) = (SETTINGS.pay_within, SETTINGS.accept_within, SETTINGS.auto_after);
    let table = [
        (Status::AwaitingPayment, pay, Status::Cancelled, Some("payment_timeout"), (Some(10), 0, 0)),
        (Status::Paid, accept, Status::Rejected, Some("store_timeout"), (Some(10), 0, 0)),
        (Status::Accepted, auto, Status::Ready, Some("auto"), (Some(9), 0, 1)),
        (Status::Ready, auto, Status::Collected, Some("auto"), (Some(9), 0, 1)),
    ];
    for (status, within, expected, reason, stock) in table {
        let mut world = World::new();
        let order = world.brought_to(status);
        let pass = Command::PassDeadline { order };
        let deadline = BEGIN.plus(within);
        assert_eq!(world.state.next_deadline(), Some(deadline));
        world.wait(Millis(within.0 - 1));
        assert_eq!(world.state.due(world.now, 10), []);
        assert_eq!(names(&world.run(&Actor::Node, &pass).unwrap()), [""; 0], "{status:?}, a millisecond early");
        world.wait(Millis(1));
        assert_eq!(world.state.due(world.now, 10), [order]);
        assert_eq!(world.state.due(world.now, 0), []);
        assert_eq!(names(&world.run(&Actor::Node, &pass).unwrap()), [expected.as_str()]);
        assert_eq!(names(&world.run(&Actor::Node, &pass).unwrap()), [""; 0], "{status:?}, fired twice");
        let now = world.order(order);
        assert_eq!((now.status, now.reason.as_deref()), (expected, reason));
        assert_eq!(world.stock("meal"), stock);
    }
}

#[test]
fn a_payment_that_beats_the_late_timer_still_counts() {
    let mut world = World::new();
    let order = world.placed();
    world.wait(Millis::hours(1));
    assert_eq!(names(&world.pay(order, "pay-1", 6_800).unwrap()), ["paid"]);
    assert_eq!(names(&world.run(&Actor::Node, &Command::PassDeadline { order }).unwrap()), [""; 0]);
}

#[test]
fn ready_by_itself_and_collected_by_hand_keeps_no_reason() {
    let mut world = World::new();
    let order = world.brought_to(Status::Accepted);
    world.wait(SETTINGS.auto_after);
    world.run(&Actor::Node, &Command::PassDeadline { order }).unwrap();
    assert_eq!(names(&world.run(&pos("s"), &Command::MarkReady { order }).unwrap()), [""; 0]);
    world.run(&pos("s"), &Command::MarkCollected { order }).unwrap();
    assert_eq!(world.order(order).reason, None);
}

#[test]
fn codes_count_up_and_step_over_what_a_pos_chose() {
    let mut world = World::new();
    let mut accept = |code: Option<&str>| {
        let order = world.brought_to(Status::Paid);
        let result = world.accept(order, code).map(|_| world.order(order).pickup_code.clone().unwrap().to_string());
        // Room for the next one: a member has three open orders at most.
        if result.is_ok() && code != Some("103") {
            world.run(&pos("s"), &Command::RejectOrder { order, reason: "test".into() }).unwrap();
        } else if result.is_err() {
            world.run(&customer("ann"), &Command::CancelOrder { order }).unwrap();
        }
        result.map_err(|rejection| rejection.to_string())
    };
    let table = [
        (None, Ok("101")),
        (None, Ok("102")),
        (Some("103"), Ok("103")),
        (Some("103"), Err("pickup code 103 is held by another open order")),
        (Some("104"), Ok("104")),
        (Some("A-1"), Ok("A-1")),
        (Some("A-1"), Ok("A-1")),
        (None, Ok("105")),
        (Some("101"), Ok("101")),
        (None, Ok("106")),
    ];
    for (chosen, expected) in table {
        assert_eq!(accept(chosen), expected.map(Into::into).map_err(Into::into), "{chosen:?}");
    }
}

#[test]
fn codes_begin_anew_each_business_day_and_never_meet_an_open_one() {
    let mut world = World::new();
    let code = |world: &World, order| world.order(order).pickup_code.clone().unwrap().to_string();
    let first = world.brought_to(Status::Accepted);
    world.wait(Millis::hours(24));
    let second = world.brought_to(Status::Accepted);
    assert_eq!(code(&world, first), "101");
    assert_eq!(code(&world, second), "102", "yesterday's 101 is still on the board");
    world.wait(Millis::hours(24));
    for order in [first, second] {
        world.run(&pos("s"), &Command::RejectOrder { order, reason: "old".into() }).unwrap();
    }
    let third = world.brought_to(Status::Accepted);
    assert_eq!(code(&world, third), "101");
    assert_eq!(world.state.store_counters(&"s".parse().unwrap()).unwrap().codes.len(), 2, "two days are kept");
}

#[test]
fn offsets_count_every_event_of_order_store_and_board() {
    let mut world = World::new();
    let mut seen = Vec::new();
    let order = world.placed();
    let mut note = |world: &World| {
        for effect in &world.effects {
            if let Effect::Order(effect) = effect {
                seen.push((effect.event, effect.order.offset, effect.store_offset, effect.board_offset, effect.closed));
            }
        }
    };
    note(&world);
    world.pay(order, "pay-1", 6_800).unwrap();
    note(&world);
    world.accept(order, None).unwrap();
    note(&world);
    world.pay(order, "pay-2", 6_800).unwrap();
    note(&world);
    world.run(&pos("s"), &Command::MarkReady { order }).unwrap();
    note(&world);
    world.run(&pos("s"), &Command::MarkCollected { order }).unwrap();
    note(&world);
    let outcome = crate::domain::payment::RefundOutcome::Succeeded;
    world.run(&Actor::Provider, &Command::SettleRefund { order, number: 1, outcome }).unwrap();
    note(&world);
    let expected = [
        ("placed", 1, 1, None, false),
        ("paid", 2, 2, None, false),
        ("accepted", 3, 3, Some(1), false),
        ("refund_pending", 4, 4, None, false),
        ("ready", 5, 5, Some(2), false),
        ("collected", 6, 6, Some(3), false),
        ("refund_succeeded", 7, 7, None, true),
    ];
    assert_eq!(seen, expected);
}
