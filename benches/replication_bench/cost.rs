//! What shipping costs the region: orders through the engine of a node that ships to a receiver that acknowledges and
//! discards, next to one that doesn't ship; and to a real centre on the same disk.

use std::net::SocketAddr;
use std::time::Instant;

use qucan_replication::line::{ServeOptions, serve};
use qucan_replication::{Greeting, Hello, Point, SUBPROTOCOL, Sink, SinkError, SnapshotInfo};
use tokio::net::TcpListener;
use tokio_tungstenite::accept_hdr_async;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};

use super::pair::{Centre, NODE, Node1, free_address, line_to};
use crate::support::{self, figure};

const GROUP: usize = 64;
/// Names the receiver's threads.
const RECEIVER: &str = "receiver";

/// What one run measured.
#[derive(Clone, Copy)]
struct Cost {
    orders_per_second: f64,
    /// CPU microseconds an order on the node's runtime, where the push hub and shipping run.
    node: f64,
    /// The same of the discarding receiver: not the region's, but taken from the same cores here.
    receiver: f64,
}

pub fn run(orders: u64, rounds: u64) {
    let (mut without, mut discarding, mut real) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..rounds {
        without.push(sell(orders, None));
        let mut receiver = tokio::runtime::Builder::new_multi_thread();
        let receiver = receiver.worker_threads(1).enable_all().thread_name(RECEIVER).build().unwrap();
        discarding.push(sell(orders, Some(receiver.block_on(receive_and_discard()))));
        receiver.shutdown_background();
        let (dir, address) = (tempfile::tempdir().unwrap(), free_address());
        let centre = Centre::start(dir.path(), address);
        real.push(sell(orders, Some(address)));
        drop(centre);
        println!(
            "round {round}: alone {}; discarding receiver {}; real centre {}",
            said(&without),
            said(&discarding),
            said(&real)
        );
    }
    let of = |costs: &[Cost], part: fn(&Cost) -> f64| median(costs.iter().map(part).collect());
    let [alone, beside, real] = [&without, &discarding, &real].map(|costs| of(costs, |cost| cost.orders_per_second));
    let sender = of(&discarding, |cost| cost.node) - of(&without, |cost| cost.node);
    let receiver = of(&discarding, |cost| cost.receiver);
    println!(
        "orders through a node's engine, window {}: {alone:.0}/s alone; {beside:.0}/s = {:.2} × with a receiver that \
        acknowledges and discards (CPU an order: {sender:.2} µs to ship, {receiver:.2} µs to receive); {real:.0}/s = \
        {:.2} × with a real centre on the same machine and disk",
        GROUP * 4,
        beside / alone,
        real / alone
    );
    figure("replication", "engine_alone", alone, "orders/s");
    figure("replication", "engine_ratio_discarding_receiver", beside / alone, "ratio");
    figure("replication", "sender_cpu", sender, "µs/order");
    figure("replication", "discarding_receiver_cpu", receiver, "µs/order");
    figure("replication", "engine_ratio_real_centre", real / alone, "ratio");
}

/// The newest run in words.
fn said(costs: &[Cost]) -> String {
    let cost = costs[costs.len() - 1];
    format!("{:.0}/s (node {:.2} µs, receiver {:.2} µs)", cost.orders_per_second, cost.node, cost.receiver)
}

fn sell(orders: u64, centre: Option<SocketAddr>) -> Cost {
    let dir = tempfile::tempdir().unwrap();
    let node = Node1::start(&dir.path().join("east"), centre.map(line_to));
    support::import(&node.handle, 0);
    support::drive(&node.handle, GROUP * 4, (0..orders / 10).map(support::place), |answer| drop(answer.unwrap()));
    support::settle(dir.path());
    let requests: Vec<_> = (orders..orders * 2).map(support::place).collect();
    let cpu = || [NODE, RECEIVER].map(support::thread_cpu_micros);
    let (before, began) = (cpu(), Instant::now());
    support::drive(&node.handle, GROUP * 4, requests.into_iter(), |answer| drop(answer.unwrap()));
    let (lasted, after) = (began.elapsed().as_secs_f64(), cpu());
    let spent = |thread: usize| (after[thread] - before[thread]) / orders as f64;
    Cost { orders_per_second: orders as f64 / lasted, node: spent(0), receiver: spent(1) }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Listens and takes whatever comes; answers where.
async fn receive_and_discard() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            socket.set_nodelay(true).unwrap();
            #[expect(clippy::result_large_err, reason = "the library's callback")]
            let agree = |_: &Request, mut response: Response| -> Result<Response, ErrorResponse> {
                response.headers_mut().insert("sec-websocket-protocol", SUBPROTOCOL.parse().unwrap());
                Ok(response)
            };
            let socket = accept_hdr_async(socket, agree).await.unwrap();
            tokio::spawn(serve(socket, Discard, ServeOptions::default()));
        }
    });
    address
}

struct Discard;

/// Where a group ends, by its fixed fields and its hash at the end.
fn end_of(group: &[u8]) -> Point {
    let number = |at: usize, bytes: usize| {
        group[at..at + bytes].iter().rev().fold(0_u64, |sum, byte| sum << 8 | u64::from(*byte))
    };
    let hash_at = group.len() - 33;
    Point { sequence: number(16, 8) + number(12, 4) - 1, hash: group[hash_at..hash_at + 32].try_into().unwrap() }
}

impl Sink for Discard {
    fn greet(&mut self, hello: &Hello) -> Result<Greeting, SinkError> {
        Ok(Greeting::Continue { from: Point::ORIGIN, epoch: hello.identity.epoch })
    }

    fn append(&mut self, groups: &[&[u8]]) -> Result<Point, SinkError> {
        Ok(groups.last().map_or(Point::ORIGIN, |group| end_of(group)))
    }

    fn heard(&mut self, _head: u64, _bytes_behind: u64) {}

    fn snapshot_wanted(&mut self, _info: &SnapshotInfo) -> bool {
        false
    }

    fn snapshot_bytes(&mut self, _info: &SnapshotInfo, _offset: u64, _bytes: &[u8]) -> Result<(), SinkError> {
        Ok(())
    }

    fn snapshot_end(&mut self, info: &SnapshotInfo) -> Result<Point, SinkError> {
        Ok(info.at)
    }
}
