//! A copy of a region agrees with it in everything that can be asked, at every step, whatever happens to it.

use std::sync::Arc;

use qucan::domain::command::Command;
use qucan::domain::id::OrderId;
use qucan::domain::order::{Order, Status};
use qucan::domain::time::Millis;
use qucan::engine::OpenError;
use qucan::engine::replica::{Next, OrdersFilter};
use qucan_storage::{Position, Sequence};

use crate::copy::{Copy, append, copy, groups_after, state_of};
use crate::region::{Region, customer, member, operator, pos, region, store, until};

/// Numbers that look random and are the same every time.
pub struct Dice(pub u64);

impl Dice {
    pub fn roll(&mut self, below: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % below
    }

    pub fn pick<T: std::marker::Copy>(&mut self, from: &[T]) -> Option<T> {
        (!from.is_empty()).then(|| from[usize::try_from(self.roll(from.len() as u64)).unwrap()])
    }
}

/// Does something, sensible or not; what is refused changes nothing.
fn act(region: &Region, dice: &mut Dice, ids: &mut Vec<OrderId>, step: usize) {
    let names = ["ann", "bob", "cid", "dan"];
    let name = dice.pick(&names).unwrap();
    let recent = &ids[ids.len().saturating_sub(12)..].to_vec();
    let order = dice.pick(recent);
    let reference = format!("money-{step}");
    let _refused_or_not = match (dice.roll(14), order) {
        (0..=3, _) | (_, None) => {
            ids.push(region.place(name, &format!("key-{step}")).id);
            return;
        }
        (4 | 5, Some(order)) => {
            region.ask(qucan::domain::actor::Actor::Provider, crate::region::pay(order, &reference, 6_800))
        }
        (6 | 7, Some(order)) => region.ask(pos(), Command::AcceptOrder { order, pickup_code: None }),
        (8, Some(order)) => region.ask(pos(), Command::MarkReady { order }),
        (9, Some(order)) => region.ask(pos(), Command::MarkCollected { order }),
        (10, Some(order)) => {
            let refund = qucan::domain::payment::RefundOutcome::Succeeded;
            region
                .ask(qucan::domain::actor::Actor::Provider, Command::SettleRefund { order, number: 1, outcome: refund })
        }
        (11, Some(order)) => region.ask(pos(), Command::RejectOrder { order, reason: "no rice".into() }),
        (12, _) => region
            .ask(customer(name), Command::ClaimCoupon { member: member(name), campaign: "one-yuan".parse().unwrap() }),
        _ => {
            let accepting = dice.roll(2) == 0;
            let store = "s2".parse().unwrap();
            region.ask(operator(), Command::SetAccepting { store, accepting, reason: None, until: None })
        }
    };
}

/// Everything that can be asked of both.
fn agree(region: &Region, copy: &mut Copy, ids: &[OrderId]) {
    let handle = region.handle();
    let (hash, at) = state_of(region);
    assert_eq!(copy.applier().state_hash().unwrap(), hash);
    assert_eq!((copy.replica().received(), copy.applier().published()), (at, at));
    let reads = copy.replica().reads();
    let (here, there) = (reads.views(), handle.views());
    assert_eq!(here.durable_through(), there.durable_through());
    assert_eq!(here.region(), there.region());
    assert_eq!(here.catalog(), there.catalog());
    assert_eq!(here.open_orders(), there.open_orders());
    assert_eq!(here.pending_refunds(), there.pending_refunds());
    let campaign = "one-yuan".parse().unwrap();
    assert_eq!(here.claimed(&campaign), there.claimed(&campaign));
    for store in ["s1", "s2"].map(|id| id.parse().unwrap()) {
        assert_eq!(here.store(&store), there.store(&store));
        assert_eq!(here.stock(&store), there.stock(&store));
        assert_eq!(here.wait_minutes(&store), there.wait_minutes(&store));
    }
    for name in ["ann", "bob", "cid", "dan"] {
        assert_eq!(here.coupons(&member(name), handle.now()), there.coupons(&member(name), handle.now()));
        assert_eq!(here.open_orders_of_member(&member(name)), there.open_orders_of_member(&member(name)));
    }
    let mut all: Vec<Arc<Order>> = ids.iter().map(|id| region.find_in_time(*id).unwrap()).collect();
    all.sort_by_key(|order| std::cmp::Reverse(order.id.packed()));
    for order in &all {
        assert_eq!(copy.orders.get(&order.id), Some(order), "what the caller has stored");
    }
    if copy.options.projection {
        for order in &all {
            let mut found = None;
            until("history is known", || match reads.order(order.id) {
                Ok(order) => {
                    found = order;
                    true
                }
                Err(_) => false,
            });
            assert_eq!(found.as_ref(), Some(order));
        }
        assert_eq!(copy.walk(&OrdersFilter::default(), 7), all);
        let collected =
            OrdersFilter { status: Some(Status::Collected), store: Some(store()), ..OrdersFilter::default() };
        let expected: Vec<_> = all.iter().filter(|order| order.status == Status::Collected).cloned().collect();
        assert_eq!(copy.walk(&collected, 3), expected);
    }
}

#[test]
fn a_copy_agrees_with_its_region_at_every_stage() {
    for (seed, projection) in [(1, true), (2, false), (3, true)] {
        let region = region(|_| {});
        let mut copy = copy(&region, |options| options.projection = projection);
        let (mut dice, mut ids) = (Dice(seed), Vec::new());
        for stage in 0..6 {
            // Deadlines come due before the stage: one that fired after it would let the region run ahead of its copy.
            region.advance(Millis::minutes(7 * 60));
            for step in 0..40 {
                act(&region, &mut dice, &mut ids, stage * 1_000 + step);
            }
            copy.catch_up(&region);
            agree(&region, &mut copy, &ids);
        }
        if projection {
            copy.projected();
            agree(&region, &mut copy, &ids);
        }
    }
}

#[test]
fn a_copy_that_is_killed_at_any_step_goes_on_where_its_store_stands() {
    let region = region(|_| {});
    let mut copy = copy(&region, |options| options.snapshot_every_entries = 15);
    let (mut dice, mut ids) = (Dice(7), Vec::new());
    for round in 0..25 {
        for step in 0..12 {
            act(&region, &mut dice, &mut ids, round * 1_000 + step);
        }
        let some = usize::try_from(1 + dice.roll(9)).unwrap();
        copy.ship(&region, some, 1 + round % 4);
        copy.apply(usize::try_from(dice.roll(4)).unwrap(), some);
        match dice.roll(4) {
            // Stored and not published.
            0 => drop(copy.store_next(some)),
            // Replayed and not even stored.
            1 => drop(copy.applier().next(some, std::time::Duration::ZERO).map(|_| ())),
            2 => copy.applier().publish(),
            _ => {}
        }
        if dice.roll(3) == 0 {
            copy.stop();
        } else {
            copy.kill();
        }
        copy.start().unwrap();
        let stored = copy.stored.unwrap_or_default();
        assert_eq!(copy.applier().published(), stored);
        assert_eq!(copy.replica().reads().applied(), stored.sequence);
    }
    copy.catch_up(&region);
    agree(&region, &mut copy, &ids);
}

struct OpensAtTheEnd(crate::gate::GatedFs);

impl Drop for OpensAtTheEnd {
    fn drop(&mut self) {
        self.0.reads.open();
    }
}

/// What was stored and not published before a kill is published at the start: also what closed in it, though no projection
/// has seen it yet.
#[test]
fn what_closed_just_before_a_kill_is_known_at_once() {
    let fs = crate::gate::GatedFs::new();
    let region = region(|_| {});
    let mut copy = copy(&region, |options| options.fs = Arc::new(fs.clone()));
    region.sell("ann", "old");
    copy.catch_up(&region);
    copy.projected();
    let sold: Vec<_> = (0..5).map(|i| region.sell("ann", &format!("key-{i}"))).collect();
    copy.ship(&region, usize::MAX, 10);
    assert!(copy.store_next(usize::MAX));
    copy.kill();
    // Declared after the copy, so that a test that fails lets its threads end.
    let _opens = OpensAtTheEnd(fs.clone());
    fs.reads.allow(0);
    copy.start().unwrap();
    let reads = copy.replica().reads();
    for order in &sold {
        let mut found = None;
        until("the projection's files are open", || {
            found = reads.order(order.id).ok();
            found.is_some()
        });
        assert_eq!(found.unwrap().as_ref(), Some(order));
    }
    assert_eq!(reads.status().overlay_orders, 5);
    fs.reads.open();
    copy.projected();
    assert_eq!(copy.walk(&OrdersFilter::default(), 3).len(), 6);
}

#[test]
fn a_store_that_was_lost_gets_everything_again() {
    let region = region(|_| {});
    let mut copy = copy(&region, |options| options.snapshot_every_entries = 10);
    let (mut dice, mut ids) = (Dice(11), Vec::new());
    for step in 0..80 {
        act(&region, &mut dice, &mut ids, step);
    }
    copy.catch_up(&region);
    copy.projected();
    copy.kill();
    (copy.stored, copy.orders) = (None, Default::default());
    copy.start().unwrap();
    assert_eq!(copy.replica().reads().applied(), Sequence::NONE);
    copy.apply(usize::MAX, 16);
    agree(&region, &mut copy, &ids);
}

#[test]
fn a_store_that_is_ahead_or_of_another_history_is_told_so() {
    let region = region(|_| {});
    let mut copy = copy(&region, |_| {});
    region.sell("ann", "one");
    copy.catch_up(&region);
    let end = copy.stored.unwrap();
    copy.kill();
    let ahead = Position { sequence: end.sequence.next(), ..end };
    let other = Position { hash: Default::default(), ..end };
    let inside = Position { sequence: Sequence(2), ..end };
    for stored in [ahead, other, inside] {
        copy.stored = Some(stored);
        let error = copy.start().unwrap_err();
        assert!(matches!(error, OpenError::Stored { .. }), "{error}");
    }
    copy.stored = Some(end);
    copy.start().unwrap();
}

#[test]
fn groups_come_once_whatever_is_sent_again_and_another_history_never() {
    let region = region(|_| {});
    let copy = copy(&region, |_| {});
    (0..20).for_each(|i| drop(region.sell("ann", &format!("key-{i}"))));
    let groups = groups_after(&region, Sequence::NONE, usize::MAX);
    let replica = copy.replica();
    assert!(append(&replica, &groups[1..3]).is_err(), "a gap at the beginning");
    append(&replica, &groups[..5]).unwrap();
    assert!(append(&replica, &groups[6..8]).is_err(), "a gap");
    let end = append(&replica, &groups[2..5]).unwrap();
    assert_eq!(end, replica.received(), "nothing new");
    append(&replica, &groups[3..9]).unwrap();
    append(&replica, &groups).unwrap();
    assert_eq!(replica.received(), state_of(&region).1);

    let stranger = crate::region::region(|_| {});
    (0..20).for_each(|i| drop(stranger.sell("ann", &format!("key-{i}"))));
    let foreign = groups_after(&stranger, Sequence::NONE, usize::MAX);
    assert!(append(&replica, &foreign).is_err(), "the same sequences of another history");
    assert!(append(&replica, &foreign[..4]).is_err());
    for (sequence, known) in [(0, true), (1, true), (10_000, false)] {
        assert_eq!(replica.position_at(Sequence(sequence)).unwrap().is_some(), known, "{sequence}");
    }
    let middle = replica.position_at(Sequence(7)).unwrap();
    assert_eq!(middle.map(|at| at.sequence), middle.is_some().then_some(Sequence(7)));
}

#[test]
fn a_region_without_an_entry_can_be_asked_and_learns_who_it_is_with_the_first() {
    let region = region(|_| {});
    let mut copy = copy(&region, |_| {});
    let reads = copy.replica().reads();
    assert_eq!(reads.views().region(), (region.options.region.clone(), 0));
    assert_eq!(copy.walk(&OrdersFilter::default(), 5), Vec::<Arc<Order>>::new());
    assert_eq!(copy.replica().received(), Position::ORIGIN);
    assert!(copy.replica().position_at(Sequence::NONE).unwrap().is_some());
    copy.kill();
    copy.start().unwrap();
    let order = region.place("ann", "first");
    copy.catch_up(&region);
    let reads = copy.replica().reads();
    assert_eq!(reads.views().region().1, 1);
    assert_eq!(reads.order(order.id), Ok(Some(Arc::clone(&order))));
    agree(&region, &mut copy, &[order.id]);
}

#[test]
fn what_is_not_published_is_not_seen_and_stays_the_same_until_it_is() {
    let region = region(|_| {});
    let mut copy = copy(&region, |_| {});
    let order = region.sell("ann", "one");
    copy.ship(&region, usize::MAX, 100);
    let first = match copy.applier().next(4, std::time::Duration::ZERO).unwrap() {
        Next::Batch(batch) => (batch.from, batch.to, batch.steps.len()),
        _ => panic!("a batch was expected"),
    };
    let again = match copy.applier().next(1_000, std::time::Duration::ZERO).unwrap() {
        Next::Batch(batch) => (batch.from, batch.to, batch.steps.len()),
        _ => panic!("a batch was expected"),
    };
    assert_eq!(first, again);
    assert_eq!(copy.replica().reads().applied(), Sequence::NONE);
    assert_eq!(copy.replica().reads().order(order.id), Ok(None));
    copy.applier().publish();
    copy.applier().publish();
    assert_eq!(copy.replica().reads().applied(), first.1.sequence);
    copy.replica().stop().unwrap();
    assert!(matches!(copy.applier().next(1, std::time::Duration::MAX).unwrap(), Next::Closed));
}

#[test]
fn a_full_overlay_makes_the_applier_wait_and_forgets_nothing() {
    let region = region(|_| {});
    let mut copy = copy(&region, |options| options.limits.overlay_orders = 4);
    let sold: Vec<_> = (0..30).map(|i| region.sell("ann", &format!("key-{i}"))).collect();
    copy.ship(&region, usize::MAX, 3);
    // The projection's tables can't be made: it stands still.
    let state = copy.options.data_dir.join("state");
    std::fs::remove_dir_all(&state).unwrap();
    std::fs::write(&state, "in the way").unwrap();
    copy.apply(usize::MAX, 1);
    let reads = copy.replica().reads();
    let waiting = reads.status();
    assert!(waiting.overlay_orders <= 5, "{waiting:?}");
    assert!(reads.applied() < copy.replica().received().sequence);
    for order in sold.iter().take(waiting.overlay_orders) {
        assert_eq!(reads.order(order.id), Ok(Some(Arc::clone(order))));
    }
    std::fs::remove_file(&state).unwrap();
    until("everything is applied", || {
        copy.apply(usize::MAX, 1);
        copy.replica().reads().applied() == copy.replica().received().sequence
    });
    let all: Vec<_> = sold.iter().rev().cloned().collect();
    assert_eq!(copy.walk(&OrdersFilter::default(), 4), all);
}
