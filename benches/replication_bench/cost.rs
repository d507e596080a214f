//! What shipping costs the region: orders through the engine of a node that ships to a receiver that acknowledges and
//! discards, next to one that doesn't ship; and to a real centre on the same disk.

use std::net::SocketAddr;
use std::time::Instant;

use qucan_replication::line::{ServeOptions, serve};
use qucan_replication::{Greeting, Hello, Point, SUBPROTOCOL, Sink, SinkError, SnapshotInfo};
use tokio::net::TcpListener;
use tokio_tungstenite::accept_hdr_async;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};

use super::pair::{Centre, Node1, free_address, line_to};
use crate::support::{self, figure};

const GROUP: usize = 64;

pub fn run(orders: u64, rounds: u64) {
    let (mut without, mut discarding, mut real) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..rounds {
        without.push(orders_per_second(orders, None));
        let receiver = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        discarding.push(orders_per_second(orders, Some(receiver.block_on(receive_and_discard()))));
        receiver.shutdown_background();
        let (dir, address) = (tempfile::tempdir().unwrap(), free_address());
        let centre = Centre::start(dir.path(), address);
        real.push(orders_per_second(orders, Some(address)));
        drop(centre);
    }
    let [without, discarding, real] = [without, discarding, real].map(median);
    println!(
        "orders through a node's engine, window {}: {without:.0}/s alone; {discarding:.0}/s = {:.2} × with a receiver that \
        acknowledges and discards; {real:.0}/s = {:.2} × with a real centre on the same machine and disk",
        GROUP * 4,
        discarding / without,
        real / without
    );
    figure("replication", "engine_alone", without, "orders/s");
    figure("replication", "engine_ratio_discarding_receiver", discarding / without, "ratio");
    figure("replication", "engine_ratio_real_centre", real / without, "ratio");
}

fn orders_per_second(orders: u64, centre: Option<SocketAddr>) -> f64 {
    let dir = tempfile::tempdir().unwrap();
    let node = Node1::start(&dir.path().join("east"), centre.map(line_to));
    support::import(&node.handle, 0);
    support::drive(&node.handle, GROUP * 4, (0..orders / 10).map(support::place), |answer| drop(answer.unwrap()));
    support::settle(dir.path());
    let requests: Vec<_> = (orders..orders * 2).map(support::place).collect();
    let began = Instant::now();
    support::drive(&node.handle, GROUP * 4, requests.into_iter(), |answer| drop(answer.unwrap()));
    orders as f64 / began.elapsed().as_secs_f64()
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
