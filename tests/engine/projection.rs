//! Closed orders on disk: found wherever they are on their way there, and found again whatever happens to the files.

use std::path::PathBuf;
use std::sync::Arc;

use qucan::domain::command::Command;
use qucan::domain::id::OrderId;
use qucan::domain::order::{Order, Status};
use qucan::domain::time::{BusinessDay, Millis};
use qucan::engine::answer::Unavailable;
use qucan::engine::projection::keys;
use qucan::engine::{ProjectionPhase, QueueCursor, QueueError, QueuePage, StoreOrdersFilter};
use qucan_storage::table::{TableOptions, Tables};

use crate::copy::copy_dir;
use crate::gate::GatedFs;
use crate::region::{Region, block_on, customer, member, place, pos, region, store, until};

fn ids(orders: &[Arc<Order>]) -> Vec<OrderId> {
    orders.iter().map(|order| order.id).collect()
}

fn of_member(region: &Region, before: Option<OrderId>, limit: usize) -> Vec<Arc<Order>> {
    block_on(region.handle().orders_of_member(&member("ann"), before, limit)).unwrap()
}

fn of_store(region: &Region, filter: &StoreOrdersFilter, after: Option<OrderId>, limit: usize) -> Vec<Arc<Order>> {
    block_on(region.handle().orders_of_store(&store(), filter.clone(), after, limit)).unwrap()
}

fn queue(region: &Region, cursor: QueueCursor, limit: usize) -> Result<QueuePage, QueueError> {
    block_on(region.handle().queue_after(&store(), cursor, limit))
}

fn day_dirs(region: &Region) -> Vec<PathBuf> {
    let days = qucan::engine::projection::directories(&region.state_dir()).unwrap();
    days.into_iter().map(|(_, dir)| dir).collect()
}

/// Starts over and expects every order, once history is known.
fn heals(region: &mut Region, orders: &[Arc<Order>]) {
    region.start();
    for order in orders {
        assert_eq!(region.find_in_time(order.id).as_ref(), Some(order));
    }
    assert_eq!(ids(&of_member(region, None, 100)), ids(orders).into_iter().rev().collect::<Vec<_>>());
    region.projected();
}

#[test]
fn an_order_is_found_open_closed_and_projected_and_in_every_list() {
    let region = region(|_| {});
    let mut sold: Vec<_> = (0..3).map(|i| region.sell("ann", &format!("projected-{i}"))).collect();
    region.projected();
    sold.push(region.sell("ann", "overlay"));
    sold.push(region.place("ann", "open"));
    for order in &sold {
        assert_eq!(region.find(order.id).unwrap().as_ref(), Some(order));
    }
    let newest_first: Vec<_> = ids(&sold).into_iter().rev().collect();
    assert_eq!(ids(&of_member(&region, None, 10)), newest_first);
    assert_eq!(ids(&of_member(&region, None, 2)), newest_first[..2]);
    assert_eq!(ids(&of_member(&region, Some(newest_first[1]), 2)), newest_first[2..4], "pages go on below");

    let day = StoreOrdersFilter { day: sold[0].business_day, status: None, code: None };
    assert_eq!(ids(&of_store(&region, &day, None, 10)), ids(&sold));
    assert_eq!(ids(&of_store(&region, &day, Some(sold[1].id), 2)), ids(&sold)[2..4]);
    let collected = StoreOrdersFilter { status: Some(Status::Collected), ..day.clone() };
    assert_eq!(of_store(&region, &collected, None, 10).len(), 4);
    let by_code = StoreOrdersFilter { code: sold[1].pickup_code.clone(), ..day.clone() };
    assert_eq!(ids(&of_store(&region, &by_code, None, 10)), vec![sold[1].id]);
    assert!(of_store(&region, &StoreOrdersFilter { day: BusinessDay(1), ..day }, None, 10).is_empty());
    let stranger = "261123-0000000-1-1".parse::<OrderId>().unwrap();
    assert_eq!(region.find(stranger), Ok(None));
}

#[test]
fn late_money_for_a_projected_order_goes_back_and_the_newer_record_wins() {
    let mut region = region(|_| {});
    let order = region.place("ann", "cold-feet").id;
    assert!(region.cancel("ann", order).is_closed());
    region.projected();
    let reopened = region.pay(order, "late");
    assert_eq!((reopened.status, reopened.refunds.len(), reopened.offset), (Status::Cancelled, 1, 3));
    assert_eq!(region.handle().views().pending_refunds(), vec![Arc::clone(&reopened)]);
    assert_eq!(region.pay(order, "late"), reopened, "the same money again is the same money");
    assert_eq!(of_member(&region, None, 10), vec![reopened]);
    let closed = region.refund_succeeds(order, 1);
    assert!(closed.is_closed());
    assert_eq!(of_member(&region, None, 10), vec![Arc::clone(&closed)]);
    region.projected();
    assert_eq!(region.find(order).unwrap(), Some(Arc::clone(&closed)));
    assert_eq!(region.refund_succeeds(order, 1), closed, "a repetition about a projected order");
    region.stop();
    region.start();
    assert_eq!(region.find_in_time(order), Some(closed));
}

#[test]
fn a_full_overlay_refuses_new_orders_and_lets_open_ones_end() {
    let fs = GatedFs::new();
    let region = region(|options| {
        options.fs = Arc::new(fs.clone());
        options.limits.overlay_orders = 4;
    });
    fs.reads.allow(0);
    let open = region.place("ann", "open").id;
    let closed: Vec<_> = (0..4).map(|i| region.sell("ann", &format!("key-{i}"))).collect();
    assert_eq!(region.handle().status().overlay_orders, 4);
    assert_eq!(region.ask(customer("ann"), place("ann", "more")), Err(Unavailable::Overloaded.into()));
    region.pay(open, "open");
    region.finish(open);
    for order in &closed {
        assert_eq!(region.find(order.id).unwrap().as_ref(), Some(order), "nothing that closed is forgotten");
    }
    fs.reads.open();
    region.projected();
    region.place("ann", "more");
}

#[test]
fn history_that_is_not_known_yet_is_rebuilding_and_never_not_found() {
    let fs = GatedFs::new();
    let mut region = region(|options| options.fs = Arc::new(fs.clone()));
    let sold = region.sell("ann", "old");
    region.projected();
    let sold_until = region.handle().status().log_head;
    region.stop();
    std::fs::remove_dir_all(region.state_dir()).unwrap();
    fs.reads.allow(0);
    region.start();
    let handle = region.handle();
    assert_eq!(region.find(sold.id), Err(Unavailable::Rebuilding));
    assert_eq!(block_on(handle.orders_of_member(&member("ann"), None, 5)), Err(Unavailable::Rebuilding));
    let cursor = QueueCursor { epoch: 1, day: sold.business_day, position: 0 };
    assert_eq!(queue(&region, cursor, 5), Err(QueueError::Unavailable(Unavailable::Rebuilding)));
    let late = region.ask(qucan::domain::actor::Actor::Provider, crate::region::pay(sold.id, "late", 6_800));
    assert_eq!(late, Err(Unavailable::Rebuilding.into()), "the provider asks again");
    let open = region.place("ann", "meanwhile");
    assert_eq!(region.find(open.id).unwrap(), Some(open), "what memory has is answered");
    until("it says that it is rebuilding", || matches!(handle.status().projection, ProjectionPhase::Rebuilding(_)));
    let ProjectionPhase::Rebuilding(rebuild) = handle.status().projection else { panic!("nothing is read yet") };
    assert_eq!((rebuild.percent(), rebuild.until, rebuild.remaining_seconds()), (0, sold_until, None));
    fs.reads.open();
    assert_eq!(region.find_in_time(sold.id), Some(sold));
    assert_eq!(handle.status().projection, ProjectionPhase::Following);
}

#[test]
fn a_deleted_projection_is_built_again() {
    let mut region = region(|_| {});
    let sold: Vec<_> = (0..20).map(|i| region.sell("ann", &format!("key-{i}"))).collect();
    region.projected();
    region.stop();
    std::fs::remove_dir_all(region.state_dir()).unwrap();
    heals(&mut region, &sold);
}

#[test]
fn a_projection_that_lags_behind_catches_up() {
    let mut region = region(|_| {});
    let mut sold: Vec<_> = (0..5).map(|i| region.sell("ann", &format!("key-{i}"))).collect();
    region.projected();
    region.stop();
    let old = region.dir.path().join("old");
    copy_dir(&region.state_dir(), &old);
    region.start();
    sold.extend((5..10).map(|i| region.sell("ann", &format!("key-{i}"))));
    region.projected();
    region.stop();
    std::fs::remove_dir_all(region.state_dir()).unwrap();
    copy_dir(&old, &region.state_dir());
    heals(&mut region, &sold);
}

#[test]
fn a_projection_ahead_of_its_log_is_built_again() {
    let mut region = region(|_| {});
    let sold: Vec<_> = (0..5).map(|i| region.sell("ann", &format!("key-{i}"))).collect();
    region.projected();
    region.stop();
    let old = region.dir.path().join("old");
    copy_dir(&region.options.data_dir, &old);
    region.start();
    region.sell("ann", "never-was");
    region.projected();
    region.stop();
    let newer = region.dir.path().join("newer");
    std::fs::rename(region.state_dir(), &newer).unwrap();
    std::fs::remove_dir_all(&region.options.data_dir).unwrap();
    copy_dir(&old, &region.options.data_dir);
    std::fs::remove_dir_all(region.state_dir()).unwrap();
    std::fs::rename(&newer, region.state_dir()).unwrap();
    heals(&mut region, &sold);
    assert!(region.state_dir().join("aside").is_dir(), "it was moved aside to be looked at");
}

#[test]
fn a_new_day_says_where_all_stood_before_an_older_one_goes_on() {
    let fs = GatedFs::new();
    let region = region(|options| options.fs = Arc::new(fs.clone()));
    region.sell("ann", "first");
    region.projected();
    let before = region.handle().status().log_head;
    fs.reads.allow(0);
    region.advance(Millis::minutes(17 * 60 + 58));
    let eve = region.place("ann", "eve").id;
    fs.reads.wait_for_one();
    region.pay(eve, "eve");
    region.advance(Millis::minutes(5));
    region.finish(eve);
    let next_day = region.sell("ann", "next-day");
    assert_ne!(region.find(eve).unwrap().unwrap().business_day, next_day.business_day);
    // The new day's tables can't be made: as if it ended there.
    let new_day = region.state_dir().join("20261124");
    std::fs::create_dir(&new_day).unwrap();
    std::fs::write(new_day.join("foreign"), "mine").unwrap();
    fs.reads.open();
    let aside = region.state_dir().join("aside");
    until("both days are moved aside", || aside.join("20261124").is_dir());
    assert_eq!(region.find_in_time(next_day.id), Some(next_day));
    let older = Tables::open(&aside.join("20261123"), keys::TABLES, TableOptions::default()).unwrap();
    assert!(older.applied().position.sequence.0 <= before, "a start would have taken the new day's orders for applied");
}

/// A batch goes to the older days first. Cut in between, an older day is ahead of the newest; and where an older copy of the log
/// was put back beside such a projection, only the newest day was asked whether it was of the log's history, so that rows of
/// an older one stayed that the log never had.
#[test]
fn an_older_day_of_another_history_than_the_log_is_found_when_it_is_asked() {
    let mut region = region(|_| {});
    let first = region.sell("ann", "first");
    region.advance(Millis::minutes(17 * 60 + 58));
    let eve = region.place("ann", "eve").id;
    region.advance(Millis::minutes(5));
    assert_ne!(region.sell("bob", "next-day").business_day, first.business_day);
    region.projected();
    region.stop();
    let older = region.dir.path().join("older");
    copy_dir(&region.options.data_dir, &older);
    region.start();
    region.cancel("ann", eve);
    region.projected();
    region.stop();
    let day = std::path::Path::new("state/20261123");
    std::fs::remove_dir_all(older.join(day)).unwrap();
    copy_dir(&region.options.data_dir.join(day), &older.join(day));
    std::fs::remove_dir_all(&region.options.data_dir).unwrap();
    std::fs::rename(&older, &region.options.data_dir).unwrap();
    region.start();
    assert_eq!(region.find_in_time(first.id), Some(first));
    assert!(region.state_dir().join("aside/20261123").is_dir(), "what it never had is not believed");
    region.pay(eve, "eve");
    let eve = region.finish(eve);
    region.projected();
    assert_eq!(region.find(eve.id), Ok(Some(eve)));
}

#[test]
fn a_damaged_projection_is_built_again() {
    let mut region = region(|_| {});
    let sold: Vec<_> = (0..30).map(|i| region.sell("ann", &format!("key-{i}"))).collect();
    region.projected();
    region.stop();
    for dir in day_dirs(&region) {
        let db = dir.join("db");
        let mut bytes = std::fs::read(&db).unwrap();
        let used = bytes.iter().rposition(|byte| *byte != 0).unwrap();
        for byte in &mut bytes[used / 4..used] {
            *byte = byte.wrapping_mul(31).wrapping_add(7);
        }
        std::fs::write(&db, bytes).unwrap();
    }
    heals(&mut region, &sold);
}

#[test]
fn a_queue_walk_gets_every_paid_order_once_over_a_restart_and_with_orders_closed_meanwhile() {
    let mut region = region(|_| {});
    let paid: Vec<_> = (0..12)
        .map(|i| {
            let id = region.place("ann", &format!("key-{i}")).id;
            region.pay(id, &format!("key-{i}"))
        })
        .collect();
    let begin = QueueCursor { epoch: 1, day: paid[0].business_day, position: 0 };
    let first = queue(&region, begin, 4).unwrap();
    assert_eq!(ids(&first.orders), ids(&paid)[..4]);
    for order in &paid[5..8] {
        region.finish(order.id);
    }
    region.projected();
    region.finish(paid[8].id);
    region.kill();
    region.start();
    assert!(region.find_in_time(paid[5].id).is_some());
    let mut walked = ids(&first.orders);
    let mut cursor = first.cursor;
    loop {
        let page = queue(&region, cursor, 3).unwrap();
        if page.orders.is_empty() {
            break;
        }
        walked.extend(ids(&page.orders));
        cursor = page.cursor;
    }
    assert_eq!(walked, ids(&paid));
    let at_7 = QueueCursor { position: 6, ..begin };
    assert_eq!(queue(&region, at_7, 1).unwrap().orders[0].status, Status::Collected, "as it is now");
    assert_eq!(queue(&region, QueueCursor { epoch: 2, ..begin }, 1), Err(QueueError::Gone));
    assert_eq!(queue(&region, QueueCursor { position: 99, ..begin }, 1), Err(QueueError::Gone), "ahead of the queue");
    assert!(queue(&region, cursor, 5).unwrap().orders.is_empty());
    region.order(pos(), Command::RejectOrder { order: paid[9].id, reason: "no rice".into() });
    let rejected = queue(&region, QueueCursor { position: 9, ..begin }, 1).unwrap();
    assert_eq!(rejected.orders[0].status, Status::Rejected, "open only for its refund, and in the queue all the same");
}

#[test]
fn a_list_opens_no_day_in_which_the_member_has_nothing() {
    let mut region = region(|_| {});
    let mut sold = Vec::new();
    for day in 0..4 {
        sold.push(region.sell(if day == 0 { "ann" } else { "bob" }, &format!("day-{day}")));
        region.projected();
        region.advance(Millis::hours(24));
    }
    let noted = |region: &Region, day: &str| region.state_dir().join(day).with_extension("members");
    assert!(noted(&region, "20261123").is_file() && noted(&region, "20261124").is_file());
    assert_eq!(ids(&of_member(&region, None, 10)), vec![sold[0].id], "whoever has something is found");

    // An older day that is written again, by an order that stayed open for its refund, is looked at anew.
    let late = region.pay(sold[1].id, "late").id;
    region.refund_succeeds(late, 1);
    region.projected();
    assert!(noted(&region, "20261124").is_file());
    region.stop();
    std::fs::write(noted(&region, "20261123"), b"damaged").unwrap();
    region.start();
    assert_eq!(region.find_in_time(sold[0].id), Some(sold[0].clone()));
    assert_eq!(ids(&of_member(&region, None, 10)), vec![sold[0].id]);
}

#[test]
fn whole_days_leave_after_their_retention() {
    let region = region(|options| options.closed_orders_days = 3);
    let mut days = Vec::new();
    for day in 0..5 {
        days.push(region.sell("ann", &format!("day-{day}")));
        region.projected();
        region.advance(Millis::hours(24));
    }
    assert_eq!(day_dirs(&region).len(), 3);
    assert_eq!(region.find(days[1].id).unwrap(), None, "past its retention");
    assert_eq!(ids(&of_member(&region, None, 10)), vec![days[4].id, days[3].id, days[2].id]);
    let too_old = QueueCursor { epoch: 1, day: days[0].business_day, position: 0 };
    assert_eq!(queue(&region, too_old, 5), Err(QueueError::Gone));
    let kept = QueueCursor { epoch: 1, day: days[1].business_day, position: 2 };
    assert_eq!(ids(&queue(&region, kept, 5).unwrap().orders), ids(&days[2..]));
    until("an old day is read", || region.find(days[2].id).unwrap().is_some());
}
