//! A million orders, a kill, and what follows: ready again, ready with `state/` deleted and the rebuilding behind it,
//! `verify`. `cargo bench --bench recovery [-- --orders N --data DIR]`; with `--data` the day is kept there, and the next
//! run goes on with it.
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

use std::path::{Path, PathBuf};
use std::time::Instant;

use qucan::engine::{Engine, EngineOptions, ProjectionPhase};
use qucan::ops::verify::{VerifyOptions, verify};
use support::{argument, figure, place};

fn main() {
    let orders = argument("orders", if support::is_full() { 1_000_000 } else { 300 });
    let own = tempfile::tempdir().unwrap();
    let kept = std::env::args().skip_while(|argument| argument != "--data").nth(1).map(PathBuf::from);
    let dir = kept.unwrap_or_else(|| own.path().to_owned());
    let (options, _clock) = support::options(&dir);
    if !dir.join("log").try_exists().unwrap() {
        sell(&options, orders);
    }
    figure("recovery", "orders", orders as f64, "orders");
    for round in 0..3 {
        start(&options, orders + round, "after a kill", "");
    }
    std::fs::remove_dir_all(dir.join("state")).unwrap();
    let (reached, seconds) = start(&options, orders + 3, "with state/ deleted", "_without_state");
    let rate = reached as f64 / seconds;
    println!("rebuilt {reached} entries in {seconds:.1} s = {rate:.0} entries/s");
    figure("recovery", "rebuild_rate", rate, "entries/s");
    verified(&dir);
}

fn sell(options: &EngineOptions, orders: u64) {
    let engine = Engine::open(options.clone()).unwrap();
    let handle = engine.handle();
    support::import(&handle, 0);
    // The last few hundred stay open.
    let stay = u32::try_from(orders.saturating_sub(500)).unwrap();
    support::sell::sell(&handle, orders, |order| order.id.packed() as u32 > stay);
    let status = handle.status();
    println!(
        "{orders} orders, {} log entries, snapshot at {}, projection {} entries behind; killed",
        status.log_head,
        status.snapshot_at,
        status.log_head - status.projected_to
    );
}

/// Opens what a killed engine left and kills it again; entries that the projection has, and seconds until then.
fn start(options: &EngineOptions, number: u64, when: &str, name: &str) -> (u64, f64) {
    let begun = Instant::now();
    let engine = Engine::open(options.clone()).unwrap();
    let ready = begun.elapsed().as_secs_f64();
    // The first order after the start, from request to fsync.
    engine.handle().submit_blocking(place(number)).unwrap();
    let sold = begun.elapsed().as_secs_f64();
    let handle = engine.handle();
    while handle.status().projection != ProjectionPhase::Following {
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
    let whole = begun.elapsed().as_secs_f64();
    println!(
        "{when}: ready after {ready:.3} s, first order on disk after {sold:.3} s, closed orders after {whole:.3} s"
    );
    figure("recovery", &format!("ready{name}"), ready, "s");
    figure("recovery", &format!("first_order{name}"), sold, "s");
    figure("recovery", &format!("closed_orders{name}"), whole, "s");
    (handle.status().projected_to, whole)
}

fn verified(dir: &Path) {
    let begun = Instant::now();
    let report = verify(dir, &VerifyOptions::default()).unwrap();
    println!("{}", report.text());
    assert!(report.ok);
    figure("recovery", "verify", begun.elapsed().as_secs_f64(), "s");
    for pace in report.pace {
        let name = format!("verify_{}", pace.work.replace(' ', "_"));
        figure("recovery", &name, pace.per_second as f64, &format!("{}/s", pace.unit));
    }
}
