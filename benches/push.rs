//! What push costs: time from commit to client with 1,000 sockets and 1,000 order events a second, and memory of an idle
//! socket with 10,000. The clients run in a process of their own, so that memory and CPU are the server's alone.
//!
//! `cargo bench --bench push [-- --quick]` prints one JSON line a figure.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::cast_possible_truncation,
    reason = "a benchmark prints, and stops where something is wrong"
)]

#[path = "../tests/push/client.rs"]
#[expect(dead_code, reason = "the tests use more of it")]
mod client;
#[path = "../tests/push/region.rs"]
#[expect(dead_code, reason = "the tests use more of it")]
mod region;

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use hdrhistogram::Histogram;
use qucan::domain::order::Order;
use qucan::push::PushOptions;
use serde_json::json;
use tokio::runtime::Runtime;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_tungstenite::tungstenite::Message;

use client::Client;
use region::{Region, STORE};

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    match arguments.iter().position(|argument| argument == "--clients") {
        Some(at) => runtime().block_on(clients(arguments[at + 1].parse().unwrap())),
        None => {
            let quick = arguments.iter().any(|argument| argument == "--quick");
            let (sockets, orders_each, idle) = if quick { (100, 2, 1_000) } else { (1_000, 3, 10_000) };
            runtime().block_on(latency(sockets, orders_each));
            runtime().block_on(idle_memory(idle));
        }
    }
}

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_multi_thread().enable_all().worker_threads(2).build().unwrap()
}

fn options() -> PushOptions {
    PushOptions {
        connections: 20_000,
        heartbeat: Duration::from_secs(300),
        resend_after: Duration::from_secs(600),
        ..PushOptions::sandbox()
    }
}

/// Microseconds since 1970: the one clock that two processes share.
#[expect(clippy::disallowed_methods, reason = "a benchmark over two processes needs their common clock")]
fn now_us() -> u64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_micros() as u64
}

/// The clients' process: takes `MEMBER ORDER…` lines, one a socket, then an empty one; says `ready`; then prints `ORDER
/// OFFSET MICROSECONDS` for each event until its input ends.
async fn clients(address: SocketAddr) {
    let (lines, mut wanted) = mpsc::channel::<String>(64);
    let (events, mut seen) = mpsc::channel::<String>(4_096);
    let input = std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines() {
            if lines.blocking_send(line.unwrap()).is_err() {
                break;
            }
        }
    });
    let mut sockets = JoinSet::new();
    while let Some(line) = wanted.recv().await {
        if line.is_empty() {
            break;
        }
        let mut words = line.split(' ');
        let mut client = Client::of(address, &format!("customer:{}", words.next().unwrap())).await;
        for order in words {
            let topic = format!("order/{order}");
            client.subscribe(&topic).await;
            client.expect("snapshot", &topic).await;
        }
        let events = events.clone();
        sockets.spawn(async move {
            while let Some(Ok(message)) = client.0.next().await {
                let at = now_us();
                if let Message::Text(text) = message {
                    let frame: serde_json::Value = serde_json::from_str(&text).unwrap();
                    let order = frame["topic"].as_str().unwrap().trim_start_matches("order/");
                    events.send(format!("{order} {} {at}", frame["offset"])).await.unwrap();
                }
            }
        });
    }
    println!("ready");
    let mut out = std::io::stdout();
    loop {
        tokio::select! {
            event = seen.recv() => writeln!(out, "{}", event.unwrap()).unwrap(),
            end = wanted.recv() => if end.is_none() { break },
        }
    }
    // What is still on its way.
    while let Ok(Some(event)) = tokio::time::timeout(Duration::from_secs(1), seen.recv()).await {
        writeln!(out, "{event}").unwrap();
    }
    input.join().unwrap();
}

fn start_clients(address: SocketAddr) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--clients", &address.to_string()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

async fn latency(sockets: usize, orders_each: usize) {
    let region = Arc::new(Region::start(options()).await);
    let mut orders: Vec<Arc<Order>> = Vec::new();
    let mut child = start_clients(region.address);
    let mut input = child.stdin.take().unwrap();
    for socket in 0..sockets {
        let mut line = format!("m{socket}");
        for number in 0..orders_each {
            let order = region.place(&format!("m{socket}"), STORE, &format!("k{number}")).await;
            line.push_str(&format!(" {}", order.id));
            orders.push(order);
        }
        writeln!(input, "{line}").unwrap();
    }
    writeln!(input).unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    let mut ready = String::new();
    output.read_line(&mut ready).unwrap();
    assert_eq!(ready, "ready\n");
    // Read all the time, so that the clients never wait for us.
    let arrived = std::thread::spawn(move || output.lines().map(Result::unwrap).collect::<Vec<_>>());

    // 1,000 events a second, each on time however long the one before took.
    let count = orders.len() * 4;
    let cpu = cpu_ms();
    let mut ticks = tokio::time::interval(Duration::from_millis(1));
    let mut events: JoinSet<(String, u64, u64)> = JoinSet::new();
    for step in 0..4u64 {
        for order in &orders {
            ticks.tick().await;
            let (region, order) = (Arc::clone(&region), Arc::clone(order));
            events.spawn(async move {
                let asked = now_us();
                let order = match step {
                    0 => region.pay(&order).await,
                    1 => region.accept(order.id).await,
                    2 => region.ready(order.id).await,
                    _ => region.collected(order.id).await,
                };
                let answered = now_us();
                (format!("{} {}", order.id, order.offset), asked, answered)
            });
        }
    }
    let sent: HashMap<String, (u64, u64)> =
        events.join_all().await.into_iter().map(|(event, asked, answered)| (event, (asked, answered))).collect();
    let cpu = cpu_ms() - cpu;
    assert_eq!(sent.len(), count);
    let mut from_commit = Histogram::<u64>::new(3).unwrap();
    let mut from_request = Histogram::<u64>::new(3).unwrap();
    drop(input);
    child.wait().unwrap();
    let arrived = arrived.join().unwrap();
    assert_eq!(arrived.len(), count, "every event reached its client");
    for line in &arrived {
        let (event, at) = line.rsplit_once(' ').unwrap();
        let at: u64 = at.parse().unwrap();
        let (asked, answered) = sent[event];
        from_commit.record(at.saturating_sub(answered)).unwrap();
        from_request.record(at.saturating_sub(asked)).unwrap();
    }
    let ms = |histogram: &Histogram<u64>, quantile| histogram.value_at_quantile(quantile) as f64 / 1_000.0;
    println!(
        "{}",
        json!({
            "bench": "push_latency", "sockets": sockets, "events": count, "events_per_second": 1_000,
            "commit_to_client_p50_ms": ms(&from_commit, 0.5), "commit_to_client_p99_ms": ms(&from_commit, 0.99),
            "commit_to_client_max_ms": ms(&from_commit, 1.0),
            "request_to_client_p50_ms": ms(&from_request, 0.5), "request_to_client_p99_ms": ms(&from_request, 0.99),
            "server_cpu_ms_per_1000_events": cpu as f64 * 1_000.0 / count as f64,
        })
    );
    Arc::into_inner(region).unwrap().stop().await;
}

async fn idle_memory(sockets: usize) {
    let region = Region::start(options()).await;
    let mut lines = Vec::new();
    for socket in 0..sockets {
        let order = region.place(&format!("m{socket}"), STORE, "k").await;
        lines.push(format!("m{socket} {}", order.id));
    }
    let mut child = start_clients(region.address);
    let mut input = child.stdin.take().unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    let before = rss_kib();
    let asked = std::time::Instant::now();
    for line in lines {
        writeln!(input, "{line}").unwrap();
    }
    writeln!(input).unwrap();
    let mut ready = String::new();
    output.read_line(&mut ready).unwrap();
    let connected = asked.elapsed();
    let after = rss_kib();
    assert_eq!(region.push.connections(), sockets);
    drop(input);
    child.wait().unwrap();
    println!(
        "{}",
        json!({
            "bench": "push_idle_memory", "sockets": sockets, "rss_before_kib": before, "rss_after_kib": after,
            "rss_per_socket_kib": (after - before) as f64 / sockets as f64,
            "connected_in_seconds": connected.as_secs_f64(),
        })
    );
}

fn rss_kib() -> i64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// CPU time of this process so far; a tick is 10 ms.
fn cpu_ms() -> u64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
    let ticks = |index: usize| fields[index].parse::<u64>().unwrap();
    (ticks(11) + ticks(12)) * 10
}
