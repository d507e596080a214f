//! The load: each connection sends its next order when the last one is answered.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper_util::rt::TokioIo;

use super::server::{OrderShape, Running};

/// What came out of a run.
pub struct Outcome {
    orders: u64,
    seconds: f64,
    cpu_ms: f64,
    latency_us: hdrhistogram::Histogram<u64>,
}

impl Outcome {
    /// Orders answered a second.
    pub fn per_second(&self) -> f64 {
        self.orders as f64 / self.seconds
    }

    /// The server's CPU milliseconds for 1,000 orders.
    pub fn cpu_ms(&self) -> f64 {
        self.cpu_ms / self.orders as f64 * 1_000.0
    }

    /// A row of the table and its JSON line.
    pub fn print(&self, name: &str) {
        let ms = |quantile| self.latency_us.value_at_quantile(quantile) as f64 / 1_000.0;
        let (p50, p99, rate, cpu) = (ms(0.5), ms(0.99), self.per_second(), self.cpu_ms());
        println!("{name:<28} {rate:>10.0} {p50:>9.2} {p99:>9.2} {cpu:>22.1}");
        println!(
            r#"{{"bench":"http","row":"{name}","orders_per_second":{rate:.0},"p50_ms":{p50:.2},"p99_ms":{p99:.2},"cpu_ms_per_1000":{cpu:.1}}}"#
        );
    }
}

/// Loads a server for some seconds after one second of warming up.
pub fn run(server: &Running, connections: usize, seconds: u64, order: &OrderShape) -> Outcome {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let (counting, over) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
        let workers: Vec<_> = (0..connections)
            .map(|number| {
                let worker = Worker {
                    address: server.address.clone(),
                    bearer: format!("Bearer {}", order.tokens[number]),
                    body: Bytes::from(order.body.clone()),
                    number,
                    counting: Arc::clone(&counting),
                    over: Arc::clone(&over),
                };
                tokio::spawn(worker.run())
            })
            .collect();
        tokio::time::sleep(Duration::from_secs(1)).await;
        let (cpu_before, began) = (server.cpu_ms(), Instant::now());
        counting.store(true, Ordering::Relaxed);
        tokio::time::sleep(Duration::from_secs(seconds)).await;
        counting.store(false, Ordering::Relaxed);
        let (cpu_ms, elapsed) = (server.cpu_ms() - cpu_before, began.elapsed().as_secs_f64());
        over.store(true, Ordering::Relaxed);
        let mut latency_us = hdrhistogram::Histogram::new(3).expect("a histogram");
        for worker in workers {
            latency_us.add(worker.await.expect("a worker")).expect("the same bounds");
        }
        Outcome { orders: latency_us.len(), seconds: elapsed, cpu_ms, latency_us }
    })
}

struct Worker {
    address: String,
    bearer: String,
    body: Bytes,
    number: usize,
    counting: Arc<AtomicBool>,
    over: Arc<AtomicBool>,
}

impl Worker {
    async fn run(self) -> hdrhistogram::Histogram<u64> {
        let mut latency_us = hdrhistogram::Histogram::new(3).expect("a histogram");
        let stream = tokio::net::TcpStream::connect(&self.address).await.expect("a connection");
        stream.set_nodelay(true).expect("a socket option");
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.expect("a handshake");
        tokio::spawn(connection);
        let mut sent = 0_u64;
        while !self.over.load(Ordering::Relaxed) {
            sent += 1;
            let request = http::Request::post("/v1/orders")
                .header("Host", &self.address)
                .header("Content-Type", "application/json")
                .header("Authorization", &self.bearer)
                .header("Idempotency-Key", format!("{}-{sent}", self.number))
                .body(Full::new(self.body.clone()))
                .expect("a request");
            let began = Instant::now();
            let answer = sender.send_request(request).await.expect("an answer");
            let status = answer.status();
            let body = answer.into_body().collect().await.expect("a body").to_bytes();
            assert_eq!(status, http::StatusCode::CREATED, "{}", String::from_utf8_lossy(&body));
            if self.counting.load(Ordering::Relaxed) {
                latency_us.record(u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX)).expect("in range");
            }
        }
        latency_us
    }
}
