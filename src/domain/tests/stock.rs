//! Stock: what orders, counts and adjustments do to a line.

use super::*;
use crate::domain::stock::{STOCK_MAX, StockLine};

impl World {
    fn set(&mut self, sku: &str, available: Option<u32>) -> Result<Decision, Rejection> {
        let (store, sku) = ("s".parse().unwrap(), sku.parse().unwrap());
        self.run(&pos("s"), &Command::SetStock { store, sku, available })
    }

    fn adjust(&mut self, sku: &str, delta: i32, key: &str) -> Result<Decision, Rejection> {
        self.adjust_as(&pos("s"), sku, delta, key)
    }

    fn adjust_as(&mut self, actor: &Actor, sku: &str, delta: i32, key: &str) -> Result<Decision, Rejection> {
        let (store, sku, reason, key) =
            ("s".parse().unwrap(), sku.parse().unwrap(), "count".into(), key.parse().unwrap());
        self.run(actor, &Command::AdjustStock { store, sku, delta, reason, key })
    }
}

#[test]
fn an_order_reserves_pays_and_gives_back_what_it_takes() {
    // Status, the line of a counted SKU with 10, the line of one that is not counted.
    let table = [
        (Status::AwaitingPayment, (Some(9), 1, 0), (None, 1, 0)),
        (Status::Paid, (Some(9), 0, 1), (None, 0, 1)),
        (Status::Accepted, (Some(9), 0, 1), (None, 0, 1)),
        (Status::Ready, (Some(9), 0, 1), (None, 0, 1)),
        (Status::Collected, (Some(9), 0, 1), (None, 0, 1)),
        (Status::Cancelled, (Some(10), 0, 0), (None, 0, 0)),
        (Status::Rejected, (Some(10), 0, 0), (None, 0, 0)),
    ];
    for (status, counted, uncounted) in table {
        let mut world = World::new();
        world.brought_to(status);
        assert_eq!(world.stock("meal"), counted, "{status:?}");
        let mut world = World::new();
        world.set("meal", None).unwrap();
        world.brought_to(status);
        assert_eq!(world.stock("meal"), uncounted, "{status:?}, not counted");
    }
}

#[test]
fn the_last_one_is_sold_once() {
    let mut world = World::new();
    world.set("meal", Some(1)).unwrap();
    let first = world.placed();
    let request = world.request(vec![line("meal", 1, &[])]);
    assert!(matches!(world.send(&request), Err(Rejection::OutOfStock { available: 0, .. })));
    world.run(&customer("ann"), &Command::CancelOrder { order: first }).unwrap();
    world.send(&request).unwrap();
}

#[test]
fn counting_anew_leaves_what_open_orders_hold() {
    let mut world = World::new();
    let order = world.placed();
    assert_eq!(names(&world.set("meal", Some(3)).unwrap()), ["stock set"]);
    assert_eq!(names(&world.set("meal", Some(3)).unwrap()), [""; 0]);
    assert_eq!(world.stock("meal"), (Some(3), 1, 0));
    world.run(&customer("ann"), &Command::CancelOrder { order }).unwrap();
    assert_eq!(world.stock("meal"), (Some(4), 0, 0));
    assert_eq!(names(&world.set("soup", None).unwrap()), [""; 0], "not counted already");
}

#[test]
fn a_line_may_be_counted_or_not_under_open_orders() {
    let mut world = World::new();
    let order = world.brought_to(Status::Paid);
    world.set("meal", None).unwrap();
    let other = world.placed();
    world.set("meal", Some(2)).unwrap();
    assert_eq!(world.stock("meal"), (Some(2), 1, 1));
    for order in [order, other] {
        world.run(&customer("ann"), &Command::CancelOrder { order }).unwrap();
    }
    assert_eq!(world.stock("meal"), (Some(4), 0, 0));
}

#[test]
fn an_adjustment_counts_once_for_its_subject_and_key() {
    let mut world = World::new();
    assert_eq!(names(&world.adjust("meal", -4, "k").unwrap()), ["stock adjusted"]);
    assert_eq!(names(&world.adjust("meal", -4, "k").unwrap()), [""; 0]);
    assert_eq!(world.adjust("meal", -3, "k"), Err(Rejection::IdempotencyKeyReused));
    assert_eq!(world.adjust("tea", -4, "k"), Err(Rejection::IdempotencyKeyReused));
    assert_eq!(world.stock("meal"), (Some(6), 0, 0));
    assert_eq!(names(&world.adjust_as(&operator(), "meal", 1, "k").unwrap()), ["stock adjusted"], "another subject");
}

#[test]
fn stock_is_refused_for_one_clear_reason() {
    let refused = |sku: &str, delta| World::new().adjust(sku, delta, "k").unwrap_err().to_string();
    assert_eq!(refused("meal", -11), "10 of meal left");
    assert_eq!(refused("soup", 1), "soup is not counted at s");
    assert_eq!(refused("pie", 1), "pie is not sold here");
    assert_eq!(refused("meal", i32::MAX), "available is over the limit of 1000000000");
    let set = |sku: &str, available| World::new().set(sku, available).unwrap_err().to_string();
    assert_eq!(set("pie", Some(1)), "pie is not sold here");
    assert_eq!(set("meal", Some(STOCK_MAX + 1)), "available is over the limit of 1000000000");
    let nowhere = Command::SetStock { store: "x".parse().unwrap(), sku: "meal".parse().unwrap(), available: None };
    assert_eq!(World::new().run(&operator(), &nowhere).unwrap_err().to_string(), "there is no store x");
}

#[test]
fn a_line_that_was_never_declared_is_counted_and_empty() {
    let mut undeclared = catalog();
    undeclared.items.push(item("cake", 500, None));
    let mut world = World::new();
    world.import(undeclared).unwrap();
    let request = world.request(vec![line("cake", 1, &[])]);
    assert!(matches!(world.send(&request), Err(Rejection::OutOfStock { available: 0, .. })));
    world.adjust("cake", 2, "k").unwrap();
    assert_eq!(world.stock("cake"), (Some(2), 0, 0));
    world.send(&request).unwrap();
}

#[test]
fn a_withdrawn_item_keeps_its_stock_and_can_still_be_counted() {
    let mut fewer = catalog();
    fewer.items.retain(|item| item.sku.as_str() != "tea");
    fewer.stock.retain(|declared| declared.sku.as_str() != "tea");
    fewer.campaigns.clear();
    let mut world = World::new();
    world.import(fewer).unwrap();
    assert_eq!(world.stock("tea"), (Some(5), 0, 0));
    world.set("tea", Some(1)).unwrap();
    let request = world.request(vec![line("tea", 1, &[])]);
    assert!(matches!(world.send(&request), Err(Rejection::UnknownItem { .. })));
}

#[test]
fn a_line_refuses_what_it_does_not_hold_and_always_balances() {
    let mut line = StockLine { counted: true, ..StockLine::default() };
    line.set(Some(2));
    assert!(
        line.reserve(3).is_err() && line.sell(1).is_err() && line.release(1).is_err() && line.give_back(1).is_err()
    );
    assert!(line.adjust(-3).is_err());
    line.reserve(2).unwrap();
    line.set(Some(u32::MAX));
    line.release(2).unwrap();
    assert_eq!((line.available, line.reserved), (u32::MAX, 0), "full stays full");
    assert!(line.balances());
    let mut uncounted = StockLine::default();
    uncounted.reserve(u32::MAX).unwrap();
    assert!(!uncounted.can_reserve(1) && uncounted.reserve(1).is_err());
    assert!(uncounted.balances());
}
