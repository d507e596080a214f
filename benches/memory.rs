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

use std::time::Instant;

use qucan::domain::actor::Actor;
use qucan::domain::command::Command;
use qucan::engine::{Engine, Handle, ProjectionPhase};
use support::day::{WINDOW, sell_a_day};
use support::{argument, figure, member};

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
        sell_a_day(&handle, &clock, number * orders, orders);
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
