//! A fenced engine sells nothing, whatever waits, fires or restarts, and goes on as soon as it is told so.

use std::sync::Arc;

use qucan::domain::command::Command;
use qucan::domain::order::Status;
use qucan::domain::time::Millis;
use qucan::engine::answer::Unavailable;

use crate::commit::{held, orders, queued, send};
use crate::region::{Region, customer, pay, place, pos, region, until};

fn fence(region: &Region, reason: Option<&str>) {
    region.handle().fence(reason.map(Arc::from)).unwrap();
}

fn refuses_everything(region: &Region) {
    let order = region.handle().views().open_orders_of_member(&crate::region::member("ann"))[0].id;
    let head = region.handle().status().log_head;
    let commands = [
        (customer("ann"), place("ann", "more")),
        (qucan::domain::actor::Actor::Provider, pay(order, "money", 6_800)),
        (pos(), Command::AcceptOrder { order, pickup_code: None }),
        (customer("ann"), Command::CancelOrder { order }),
    ];
    for (actor, command) in commands {
        assert_eq!(region.ask(actor, command), Err(Unavailable::Fenced.into()));
    }
    assert_eq!(region.handle().status().log_head, head);
    let check = region.handle().checks().into_iter().find(|check| check.name == "fence").unwrap();
    assert_eq!((check.ok, check.detail.as_deref()), (false, Some("epoch 2 was granted")));
    assert_eq!(region.handle().status().fenced.as_deref(), Some("epoch 2 was granted"));
}

#[test]
fn a_fence_ends_selling_until_it_is_lifted_over_restarts_too() {
    let mut region = region(|_| {});
    let order = region.place("ann", "before");
    fence(&region, Some("epoch 2 was granted"));
    refuses_everything(&region);
    assert_eq!(region.find(order.id), Ok(Some(Arc::clone(&order))), "reading goes on");
    region.kill();
    region.start();
    refuses_everything(&region);
    region.stop();
    let file = std::fs::read_to_string(region.options.data_dir.join("FENCED")).unwrap();
    assert!(file.contains("epoch 2 was granted"));
    region.start();
    refuses_everything(&region);
    fence(&region, None);
    region.pay(order.id, "money");
    assert!(region.handle().checks().iter().all(|check| check.ok));
    region.kill();
    region.start();
    region.place("ann", "after");
}

#[test]
fn what_waits_in_the_queues_is_refused_too() {
    let (region, fs) = held(|_| {});
    let handle = region.handle();
    fs.syncs.allow(0);
    let first = send(&handle, orders(0, 1));
    fs.syncs.wait_for_one();
    let waiting = send(&handle, orders(1, 5));
    queued(&handle, 0, 5);
    fence(&region, Some("epoch 2 was granted"));
    fs.syncs.open();
    assert!(first.recv().unwrap().is_ok(), "it was decided before");
    for _ in 0..5 {
        assert_eq!(waiting.recv().unwrap(), Err(Unavailable::Fenced.into()));
    }
    assert_eq!(handle.views().open_orders(), 1);
}

#[test]
fn no_deadline_fires_while_fenced_nor_within_the_grace_after() {
    let (mut region, fs) = held(|_| {});
    let order = region.place("ann", "unpaid").id;
    region.kill();
    region.options.grace = Millis::minutes(2);
    region.start();
    region.advance(Millis::seconds(4));
    let handle = region.handle();
    fs.syncs.allow(0);
    let first = send(&handle, orders(0, 1));
    fs.syncs.wait_for_one();
    let waiting = send(&handle, orders(1, 1));
    queued(&handle, 0, 1);
    fence(&region, Some("epoch 2 was granted"));
    // Long past the grace after the start, and past every deadline.
    for _ in 0..2_000 {
        region.advance(Millis::seconds(4));
    }
    let head = handle.status().log_head;
    fs.syncs.open();
    first.recv().unwrap().unwrap();
    assert_eq!(waiting.recv().unwrap(), Err(Unavailable::Fenced.into()), "the writer went through a group");
    assert_eq!(handle.status().log_head, head + 1, "nothing but what was decided before");
    fence(&region, None);
    let paid = region.pay(order, "just-in-time");
    assert_eq!(paid.status, Status::Paid, "the money came within the grace after the fence");

    let other = region.place("ann", "unpaid-again").id;
    for step in 0..300 {
        // Small steps are no jump of the clock, if the writer looks at each of them.
        region.advance(Millis::seconds(4));
        region.place("bob", &format!("step-{step}"));
    }
    until("a deadline fires again", || handle.views().order(other).is_none_or(|order| order.status.is_final()));
}

#[test]
fn the_head_is_told_to_whoever_watches_after_the_sync() {
    let (region, fs) = held(|_| {});
    let handle = region.handle();
    let head = handle.status().log_head;
    let mut watch = handle.watch_head();
    until("the head is what it was", || *watch.borrow_and_update() == head);
    fs.syncs.allow(0);
    let replies = send(&handle, orders(0, 1));
    fs.syncs.wait_for_one();
    assert!(!watch.has_changed().unwrap(), "told before the sync");
    fs.syncs.open();
    replies.recv().unwrap().unwrap();
    until("the head is told", || watch.has_changed().unwrap());
    assert_eq!(*watch.borrow_and_update(), head + 1);
    drop(watch);
    region.place("ann", "unwatched");
    let watch = handle.watch_head();
    until("what came while nobody watched is made up for", || *watch.borrow() == head + 2);
}
