//! Orders through HTTP: 64 keep-alive connections, a token each, full rules; next to a bare handler that only checks the
//! token, appends the same number of bytes in groups with fdatasync and answers the same size.
//!
//! `cargo bench --bench http [-- --seconds 10 --connections 64]`. Server and client share the machine's cores; CPU time is
//! the server process's own. Prints a table and one JSON line a row.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a benchmark prints, and stops at the first surprise"
)]

mod http_bench {
    pub mod bare;
    pub mod client;
    pub mod server;
}

use http_bench::{bare, client, server};

fn main() {
    let mut arguments = std::env::args().skip(1);
    let (mut seconds, mut connections) = (10_u64, 64_usize);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--seconds" => seconds = arguments.next().and_then(|text| text.parse().ok()).unwrap_or(seconds),
            "--connections" => connections = arguments.next().and_then(|text| text.parse().ok()).unwrap_or(connections),
            "--bare" => return bare::serve(),
            _ => {}
        }
    }
    println!("orders through HTTP, {connections} connections, {seconds} s each");
    println!("{:<28} {:>10} {:>9} {:>9} {:>22}", "server", "orders/s", "p50 ms", "p99 ms", "server CPU ms / 1,000");
    let node = server::Running::node();
    let order = node.one_order(connections);
    let ours = client::run(&node, connections, seconds, &order);
    ours.print("qucan, full rules");
    drop(node);
    let bare = server::Running::bare(&order);
    let theirs = client::run(&bare, connections, seconds, &order);
    theirs.print("bare axum, token + log");
    drop(bare);
    let (rate, cpu) = (ours.per_second() / theirs.per_second(), ours.cpu_ms() / theirs.cpu_ms());
    println!("qucan does {rate:.2} x the bare handler's orders/s at {cpu:.2} x its CPU time");
    println!(r#"{{"bench":"http","row":"ratio","orders_per_second":{rate:.3},"cpu":{cpu:.3}}}"#);
}
