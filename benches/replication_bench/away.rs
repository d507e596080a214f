//! The centre is away for a minute at 300 orders a second: what customers notice, and how soon everything can be asked for.

use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use qucan::ops::client::http::Http;

use super::latency::place_at;
use super::pair::{Centre, Node1, free_address, line_to, until};
use crate::support::{self, figure};

const ORDERS_A_SECOND: u32 = 300;

pub fn run(seconds: u64) {
    let dir = tempfile::tempdir().unwrap();
    let (address, centre_dir) = (free_address(), dir.path().join("centre"));
    let centre = Centre::start(&centre_dir, address);
    let node = Node1::start(&dir.path().join("east"), Some(line_to(address)));
    support::import(&node.handle, 0);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let http = Http::new(&node.base);
    let sell = |lasts: u64| runtime.block_on(place_at(&http, ORDERS_A_SECOND, Duration::from_secs(lasts)));
    sell(2);
    let with = sell((seconds / 2).max(1));
    centre.kill();
    let away = sell(seconds);
    let back = Instant::now();
    let centre = Centre::start(&centre_dir, address);
    let (region, head) = (centre.east(), node.handle.status().log_head);
    until("queryable", || region.applied() >= head);
    let queryable = back.elapsed().as_secs_f64();
    let p99 = |histogram: &Histogram<u64>| histogram.value_at_quantile(0.99) as f64 / 1_000.0;
    println!(
        "{ORDERS_A_SECOND} orders/s through HTTP: p99 {:.2} ms with the centre, {:.2} ms = {:.2} × while it is away for {seconds} s \
        ({} orders, none refused); everything applied {queryable:.2} s after its return began",
        p99(&with),
        p99(&away),
        p99(&away) / p99(&with),
        away.len()
    );
    figure("replication", "order_p99_with_centre", p99(&with), "ms");
    figure("replication", "order_p99_away", p99(&away), "ms");
    figure("replication", "order_p99_ratio_away", p99(&away) / p99(&with), "ratio");
    figure("replication", "queryable_after_return", queryable, "s");
}
