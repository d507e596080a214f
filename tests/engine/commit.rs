//! One fsync a group, and nobody hears of anything before it.

use std::sync::Arc;
use std::sync::mpsc;

use qucan::domain::command::Command;
use qucan::domain::effect::Effect;
use qucan::engine::Handle;
use qucan::engine::answer::{Answer, Refusal, Request, Unavailable};

use crate::gate::GatedFs;
use crate::region::{Region, block_on, customer, operator, order_of, place, region, request, store, until};

/// A region whose syncs a test can hold.
pub fn held(change: impl FnOnce(&mut qucan::engine::EngineOptions)) -> (Region, GatedFs) {
    let fs = GatedFs::new();
    let region = region(|options| {
        options.fs = Arc::new(fs.clone());
        options.projection = false;
        change(options);
    });
    (region, fs)
}

pub type Replies = mpsc::Receiver<Result<Answer, Refusal>>;

/// Sends requests from a thread of their own each; they wait in the queue together.
pub fn send(handle: &Handle, requests: Vec<Request>) -> Replies {
    let (replies, received) = mpsc::channel();
    for request in requests {
        let (handle, replies) = (handle.clone(), replies.clone());
        std::thread::spawn(move || replies.send(block_on(handle.submit(request))));
    }
    received
}

pub fn orders(from: usize, count: usize) -> Vec<Request> {
    (from..from + count).map(|i| request(customer("ann"), place("ann", &format!("key-{i}")))).collect()
}

pub fn queued(handle: &Handle, critical: usize, normal: usize) {
    until("the requests are queued", || {
        let status = handle.status();
        (status.critical_queue, status.normal_queue) == (critical, normal)
    });
}

#[test]
fn no_reply_and_no_reader_before_the_fsync() {
    let (region, fs) = held(|_| {});
    let handle = region.handle();
    let open_before = handle.views().open_orders();
    fs.syncs.allow(0);
    let replies = send(&handle, orders(0, 1));
    fs.syncs.wait_for_one();
    assert!(replies.try_recv().is_err(), "answered before the fsync");
    assert_eq!(handle.views().open_orders(), open_before, "shown before the fsync");
    fs.syncs.open();
    let (order, fresh) = order_of(replies.recv().unwrap().unwrap());
    assert!(fresh);
    assert_eq!(handle.views().order(order.id).as_deref(), Some(&*order), "one's own write is there at once");
}

#[test]
fn a_rejection_waits_for_the_fsync_of_what_was_decided_before_it() {
    let (region, fs) = held(|_| {});
    let handle = region.handle();
    fs.syncs.allow(0);
    let first = send(&handle, orders(0, 1));
    fs.syncs.wait_for_one();
    let second = send(&handle, orders(1, 1));
    queued(&handle, 0, 1);
    let Command::PlaceOrder(mut wrong) = place("bob", "wrong") else { unreachable!() };
    wrong.lines[0].sku = "nothing".parse().unwrap();
    let rejected = send(&handle, vec![request(customer("bob"), Command::PlaceOrder(wrong))]);
    queued(&handle, 0, 2);
    fs.syncs.allow(1);
    assert!(first.recv().unwrap().is_ok());
    fs.syncs.wait_for_one();
    assert!(rejected.try_recv().is_err(), "a rejection overtook the fsync of its group");
    fs.syncs.open();
    assert!(second.recv().unwrap().is_ok());
    assert!(matches!(rejected.recv().unwrap(), Err(Refusal::Rejected(_))));
}

#[test]
fn what_waits_during_a_sync_becomes_one_group() {
    let (region, fs) = held(|_| {});
    let handle = region.handle();
    fs.syncs.allow(0);
    let first = send(&handle, orders(0, 1));
    fs.syncs.wait_for_one();
    let rest = send(&handle, orders(1, 50));
    queued(&handle, 0, 50);
    let synced = fs.syncs.passed();
    fs.syncs.open();
    assert!(first.recv().unwrap().is_ok());
    for _ in 0..50 {
        assert!(rest.recv().unwrap().is_ok());
    }
    assert_eq!(fs.syncs.passed() - synced, 2, "one sync for the first, one for the other fifty");
}

#[test]
fn the_critical_queue_goes_first_and_leaves_a_share() {
    let (region, fs) = held(|options| {
        options.limits.group_commands = 16;
        options.limits.group_normal_share = 4;
    });
    let handle = region.handle();
    let head = handle.status().log_head;
    let mut committed = handle.subscribe();
    fs.syncs.allow(0);
    let _first = send(&handle, orders(0, 1));
    fs.syncs.wait_for_one();
    let _orders = send(&handle, orders(1, 20));
    queued(&handle, 0, 20);
    let pause = |i: usize| Command::SetAccepting {
        store: store(),
        accepting: false,
        reason: Some(format!("{i}").into()),
        until: None,
    };
    // Placing fails while paused, so the pauses are for the other store.
    let pauses: Vec<_> = (0..30)
        .map(|i| {
            let Command::SetAccepting { accepting, reason, until, .. } = pause(i) else { unreachable!() };
            request(operator(), Command::SetAccepting { store: "s2".parse().unwrap(), accepting, reason, until })
        })
        .collect();
    let _pauses = send(&handle, pauses);
    queued(&handle, 30, 20);
    fs.syncs.open();
    // Replies come before the broadcast: the import's group may still arrive. Then the first order's, entry head + 1.
    let group = loop {
        let group = block_on(committed.recv()).unwrap();
        if group.first > head + 1 {
            break group;
        }
    };
    let pauses = group.effects.iter().filter(|effect| matches!(effect, Effect::Accepting { .. })).count();
    let orders = group.effects.iter().filter(|effect| matches!(effect, Effect::Order(_))).count();
    assert_eq!((pauses, orders), (12, 4), "three quarters critical, a quarter normal");
}

#[test]
fn a_frozen_writer_answers_503_at_once_and_reads_go_on() {
    let (region, fs) = held(|options| options.limits.normal_queue = 8);
    let handle = region.handle();
    fs.syncs.allow(0);
    let first = send(&handle, orders(0, 1));
    fs.syncs.wait_for_one();
    let waiting = send(&handle, orders(1, 8));
    queued(&handle, 0, 8);
    for _ in 0..20 {
        let refused = handle.submit_blocking(request(customer("bob"), place("bob", "late")));
        assert_eq!(refused, Err(Unavailable::Overloaded.into()));
    }
    assert!(handle.views().store(&store()).is_some());
    assert_eq!(handle.views().catalog().items.len(), 2);
    assert_eq!(handle.status().normal_queue, 8);
    fs.syncs.open();
    assert!(first.recv().unwrap().is_ok());
    assert!((0..8).all(|_| waiting.recv().unwrap().is_ok()), "whoever was taken in is answered");
}

#[test]
fn the_same_key_a_hundred_times_at_once_is_one_order_and_so_after_a_restart() {
    let mut region = region(|_| {});
    let handle = region.handle();
    let same = |count| (0..count).map(|_| request(customer("ann"), place("ann", "the-key"))).collect::<Vec<_>>();
    let replies = send(&handle, same(100));
    let answers: Vec<_> = (0..100).map(|_| order_of(replies.recv().unwrap().unwrap())).collect();
    let id = answers[0].0.id;
    assert!(answers.iter().all(|(order, _)| order.id == id));
    assert_eq!(answers.iter().filter(|(_, fresh)| *fresh).count(), 1);

    region.kill();
    region.start();
    assert_eq!(order_of(region.ask(customer("ann"), place("ann", "the-key")).unwrap()).0.id, id);

    let closed = region.cancel("ann", id);
    assert!(closed.is_closed());
    let (again, fresh) = order_of(region.ask(customer("ann"), place("ann", "the-key")).unwrap());
    assert!(again == closed && !fresh, "from memory");
    region.projected();
    let (again, _) = order_of(region.ask(customer("ann"), place("ann", "the-key")).unwrap());
    assert_eq!(again, closed, "from disk");

    region.stop();
    std::fs::remove_dir_all(region.state_dir()).unwrap();
    region.start();
    assert_eq!(region.find_in_time(id).as_deref(), Some(&*closed));
    let (again, fresh) = order_of(region.ask(customer("ann"), place("ann", "the-key")).unwrap());
    assert!(again == closed && !fresh, "rebuilt from the log");
    assert_eq!(region.handle().views().open_orders(), 0);
}
