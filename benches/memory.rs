//! A million orders a simulated day, some days on end, through the engine: resident memory after each day, disk an order;
//! then a million claimed coupons. `cargo bench --bench memory [-- --orders N --days N --claims N]`
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a benchmark prints figures and may stop at the first surprise"
)]

mod support;

use std::collections::VecDeque;
use std::time::Instant;

use qucan::domain::actor::Actor;
use qucan::domain::command::Command;
use qucan::domain::time::Timestamp;
use qucan::engine::answer::{Answer, Request};
use qucan::engine::clock::{Clock, ManualClock};
use qucan::engine::{Engine, Handle, ProjectionPhase};
use support::{accept, argument, figure, member, pay, place, step};

const DAY_MILLIS: i64 = 24 * 3_600_000;
/// Orders that are under way at once: what a region has open.
const OPEN: usize = 4_096;
const WINDOW: usize = 512;

/// One day: orders are placed, paid, accepted, made ready and collected, all of them, while the clock goes on.
fn day(handle: &Handle, clock: &ManualClock, first: u64, orders: u64) {
    let begin = clock.now();
    let mut placed = 0;
    let mut next: VecDeque<Request> = VecDeque::new();
    let mut done = 0;
    while done < orders {
        // Newly placed ones and the next step of those under way, a window at a time.
        while next.len() < WINDOW && placed < orders && usize::try_from(placed - done).unwrap() < OPEN {
            next.push_back(place(first + placed));
            placed += 1;
        }
        let part = i64::try_from(placed).unwrap() * (DAY_MILLIS * 9 / 10) / i64::try_from(orders).unwrap();
        clock.set(Timestamp(begin.0 + part));
        let round: Vec<_> = next.drain(..next.len().min(WINDOW * 2)).collect();
        support::drive(handle, WINDOW, round.into_iter(), |answer| {
            let Answer::Order { order, .. } = answer.unwrap() else { panic!("an order was expected") };
            use qucan::domain::order::Status;
            match order.status {
                Status::AwaitingPayment => next.push_back(pay(&order)),
                Status::Paid => next.push_back(accept(&order.store, order.id)),
                Status::Accepted => next.push_back(step(&order.store, Command::MarkReady { order: order.id })),
                Status::Ready => next.push_back(step(&order.store, Command::MarkCollected { order: order.id })),
                Status::Collected => done += 1,
                other => panic!("{other:?}"),
            }
        });
        // A real day leaves the projection time enough; this one must not pile up what waits for it.
        while handle.status().overlay_orders > 5_000 {
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
    }
    clock.set(Timestamp(begin.0 + DAY_MILLIS));
}

fn wait_until_projected(handle: &Handle) {
    loop {
        let status = handle.status();
        if status.projection == ProjectionPhase::Following && status.projected_to == status.log_head {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
}

fn main() {
    let full = support::is_full();
    let orders = argument("orders", if full { 1_000_000 } else { 300 });
    let days = argument("days", if full { 4 } else { 2 });
    let claims = argument("claims", if full { 1_000_000 } else { 300 });
    let dir = tempfile::tempdir().unwrap();
    let (options, clock) = support::options(dir.path());
    let engine = Engine::open(options).unwrap();
    let handle = engine.handle();
    support::import(&handle, u32::try_from(claims).unwrap());
    println!("{orders} orders a day; at the start {:.0} MiB resident", support::resident_mib());
    let mut resident = Vec::new();
    for number in 0..days {
        let begun = Instant::now();
        day(&handle, &clock, number * orders, orders);
        let sold = begun.elapsed().as_secs_f64();
        wait_until_projected(&handle);
        let seconds = begun.elapsed().as_secs_f64();
        resident.push(support::resident_mib());
        let mib = resident[resident.len() - 1];
        println!(
            "day {}: {mib:.0} MiB resident, {:.0} orders/s sold, {:.0} with the projection at its end",
            number + 1,
            orders as f64 / sold,
            orders as f64 / seconds
        );
        figure("memory", &format!("resident_day_{}", number + 1), mib, "MiB");
    }
    let all = (orders * days) as f64;
    let (log, state) = (support::disk_bytes(&dir.path().join("log")), support::disk_bytes(&dir.path().join("state")));
    let snapshots = support::disk_bytes(&dir.path().join("snapshot"));
    println!(
        "disk: log {:.0} B an order, projection {:.0} B an order, snapshots {:.1} MiB",
        log as f64 / all,
        state as f64 / all,
        snapshots as f64 / f64::from(1 << 20)
    );
    figure("memory", "log_bytes_an_order", log as f64 / all, "B");
    figure("memory", "projection_bytes_an_order", state as f64 / all, "B");
    if let [_, second, .., last] = resident.as_slice() {
        println!("resident after day {days} is {:.2} × that after day 2", last / second);
        figure("memory", "last_day_to_second", last / second, "ratio");
    }
    let before = support::resident_mib();
    let campaign: qucan::domain::id::CampaignId = "one-yuan".parse().unwrap();
    let requests = (0..claims).map(|number| {
        let member = member(10_000_000 + number);
        let command = Command::ClaimCoupon { member: member.clone(), campaign: campaign.clone() };
        support::request(Actor::Customer(member), command)
    });
    support::drive(&handle, WINDOW, requests, |answer| drop(answer.unwrap()));
    let after = support::resident_mib();
    let each = (after - before) * f64::from(1 << 20) / claims as f64;
    println!("{claims} claimed coupons: {after:.0} MiB resident, {each:.0} B more a coupon (state and read model)");
    figure("memory", "resident_with_claims", after, "MiB");
    engine.stop().unwrap();
}
