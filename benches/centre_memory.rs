//! Resident memory of an aggregator (embedded store) after each of some simulated days of a region that ships to it.
//! `cargo bench --bench centre_memory [-- --orders N --days N]`
#![allow(
    clippy::cast_precision_loss,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a benchmark prints figures and may stop at the first surprise"
)]

mod support;

use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use qucan::config::{self, ReplicationConfig, Secret};
use qucan::engine::clock::ManualClock;
use qucan::node::Node;
use qucan::ops::client::http::{Call, Http};
use support::day::sell_a_day;
use support::{BEGIN, argument, figure};

const TOKEN: &str = "a region token for a benchmark";

struct Aggregator(Child);

impl Drop for Aggregator {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn main() {
    let full = support::is_full();
    let orders = argument("orders", if full { 1_000_000 } else { 200 });
    let days = argument("days", if full { 4 } else { 2 });
    let dir = tempfile::tempdir().unwrap();
    let free = || TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let (centre, node_address) = (free(), free());
    let file = dir.path().join("aggregator.toml");
    let text = format!(
        "mode = \"sandbox\"\n[aggregator]\nlisten = [\"{centre}\"]\ndata_dir = \"{}\"\n[regions.east]\ntoken = \"{TOKEN}\"\n",
        dir.path().join("centre").display()
    );
    std::fs::write(&file, text).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_qucan"));
    command.arg("aggregator").arg("--config").arg(&file).env("RUST_LOG", "warn").stdout(Stdio::null());
    let aggregator = Aggregator(command.spawn().unwrap());

    let clock = Arc::new(ManualClock::new(BEGIN));
    let mut config = config::load_node(None, []).unwrap().config;
    config.region = "east".parse().unwrap();
    config.data_dir = dir.path().join("east");
    config.listen = vec![node_address];
    config.orders.open_per_member = None;
    config.replication = Some(ReplicationConfig {
        aggregator: format!("ws://{centre}/v1/replicate"),
        token: Secret::new(TOKEN.to_owned()),
        ca: None,
    });
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let node = runtime.block_on(Node::start_at(config, Arc::clone(&clock) as _)).unwrap();
    let handle = node.handle();
    support::import(&handle, 0);
    let http = Http::new(&format!("http://{centre}"));
    let mut resident = Vec::new();
    for number in 0..days {
        let began = Instant::now();
        sell_a_day(&handle, &clock, number * orders, orders);
        runtime.block_on(applied(&http, handle.status().log_head));
        resident.push(resident_mib(aggregator.0.id()));
        let mib = resident[resident.len() - 1];
        println!(
            "day {}: {mib:.0} MiB resident at the centre, {:.0} orders/s from sale to applied",
            number + 1,
            orders as f64 / began.elapsed().as_secs_f64()
        );
        figure("centre_memory", &format!("resident_day_{}", number + 1), mib, "MiB");
    }
    if let [_, second, .., last] = resident.as_slice() {
        println!("resident after day {days} is {:.2} × that after day 2", last / second);
        figure("centre_memory", "last_day_to_second", last / second, "ratio");
    }
    let all = (orders * days) as f64;
    let bytes = support::disk_bytes(&dir.path().join("centre")) as f64;
    println!("disk at the centre: {:.0} B an order", bytes / all);
    figure("centre_memory", "disk_bytes_an_order", bytes / all, "B");
    runtime.block_on(node.stop()).unwrap();
}

/// Waits until the centre has applied everything up to `sequence`.
async fn applied(http: &Http, sequence: u64) {
    let body = serde_json::json!({"role": "operator", "subject": "bench"});
    let token = http.send(Call::post("/v1/sandbox/tokens").json(&body)).await.unwrap().json();
    let token = token["token"].as_str().unwrap().to_owned();
    loop {
        let answer = http.send(Call::get("/v1/regions").token(&token)).await.unwrap().json();
        if answer["regions"][0]["applied_sequence"].as_u64().unwrap() >= sequence {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

fn resident_mib(process: u32) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<f64>().unwrap() / 1024.0
}
