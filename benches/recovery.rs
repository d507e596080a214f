//! From opening the directory to ready, after a kill, with a million orders behind it.
//! `cargo bench --bench recovery [-- --orders N]`
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

use qucan::domain::command::Command;
use qucan::domain::order::Status;
use qucan::engine::answer::Answer;
use qucan::engine::{Engine, ProjectionPhase};
use support::{accept, argument, figure, pay, place, step};

fn main() {
    let full = support::is_full();
    let orders = argument("orders", if full { 1_000_000 } else { 300 });
    let dir = tempfile::tempdir().unwrap();
    let (options, _clock) = support::options(dir.path());
    let engine = Engine::open(options.clone()).unwrap();
    let handle = engine.handle();
    support::import(&handle, 0);
    let batch = 20_000;
    for first in (0..orders).step_by(batch) {
        let mut next: Vec<_> = (first..(first + batch as u64).min(orders)).map(place).collect();
        while !next.is_empty() {
            let mut then = Vec::new();
            support::drive(&handle, 512, next.into_iter(), |answer| {
                let Answer::Order { order, .. } = answer.unwrap() else { panic!("an order was expected") };
                match order.status {
                    Status::AwaitingPayment => then.push(pay(&order)),
                    Status::Paid => then.push(accept(&order.store, order.id)),
                    Status::Accepted => then.push(step(&order.store, Command::MarkReady { order: order.id })),
                    // The last few hundred stay open.
                    Status::Ready if order.id.packed() as u32 > u32::try_from(orders.saturating_sub(500)).unwrap() => {}
                    Status::Ready => then.push(step(&order.store, Command::MarkCollected { order: order.id })),
                    _ => {}
                }
            });
            next = then;
        }
        while handle.status().overlay_orders > 50_000 {
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
    }
    let status = handle.status();
    let lag = status.log_head - status.projected_to;
    println!(
        "{orders} orders, {} log entries, snapshot at {}, projection {lag} entries behind; killed",
        status.log_head, status.snapshot_at
    );
    drop(engine);

    for round in 0..3 {
        let begun = Instant::now();
        let engine = Engine::open(options.clone()).unwrap();
        let ready = begun.elapsed().as_secs_f64();
        // The first order after the start, from request to fsync.
        engine.handle().submit_blocking(place(orders + round)).unwrap();
        let sold = begun.elapsed().as_secs_f64();
        let handle = engine.handle();
        while handle.status().projection != ProjectionPhase::Following {
            std::thread::sleep(std::time::Duration::from_millis(2));
        }
        let whole = begun.elapsed().as_secs_f64();
        println!(
            "round {round}: ready after {ready:.3} s, first order on disk after {sold:.3} s, closed orders after {whole:.3} s"
        );
        figure("recovery", "ready_seconds", ready, "s");
        figure("recovery", "first_order_seconds", sold, "s");
        figure("recovery", "closed_orders_seconds", whole, "s");
        drop(engine);
    }
    figure("recovery", "orders", orders as f64, "orders");
}
