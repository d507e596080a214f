//! From commit to acknowledgement at 500 orders a second through HTTP, as the node's own status tells it.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use qucan::ops::client::http::{Call, Http};

use super::pair::{Centre, Node1, free_address, line_to};
use crate::support::{self, figure};

pub const ORDERS_A_SECOND: u32 = 500;
/// Makes every key another one.
static PLACED: AtomicU64 = AtomicU64::new(0);

pub fn run(seconds: u64) {
    let dir = tempfile::tempdir().unwrap();
    let address = free_address();
    let centre = Centre::start(&dir.path().join("centre"), address);
    let node = Node1::start(&dir.path().join("east"), Some(line_to(address)));
    support::import(&node.handle, 0);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let histogram = runtime.block_on(async {
        let (http, over) = (Http::new(&node.base), Arc::new(AtomicBool::new(false)));
        let watching = tokio::spawn(watch(http.clone(), Arc::clone(&over)));
        place_at(&http, ORDERS_A_SECOND, Duration::from_secs(seconds)).await;
        over.store(true, Ordering::SeqCst);
        watching.await.unwrap()
    });
    let ms = |quantile| histogram.value_at_quantile(quantile) as f64 / 1_000.0;
    println!(
        "commit to acknowledgement at {ORDERS_A_SECOND} orders/s through HTTP: p50 {:.2} ms, p99 {:.2} ms, max {:.2} ms \
        ({} looks)",
        ms(0.5),
        ms(0.99),
        histogram.max() as f64 / 1_000.0,
        histogram.len()
    );
    figure("replication", "commit_to_acknowledged_p50", ms(0.5), "ms");
    figure("replication", "commit_to_acknowledged_p99", ms(0.99), "ms");
    drop(node);
    drop(centre);
}

/// Places orders at an even pace, however slow answers are; answers how long each took from the moment it was due.
pub async fn place_at(http: &Http, per_second: u32, lasts: Duration) -> Histogram<u64> {
    let token = token(http, "customer", "bench").await;
    let body = serde_json::json!({"store": "sh-001", "lines": [{"sku": "drink-cola", "quantity": 2}]});
    let mut tick = tokio::time::interval(Duration::from_secs(1) / per_second);
    let (began, mut under_way) = (Instant::now(), tokio::task::JoinSet::new());
    let mut histogram = Histogram::new(3).unwrap();
    while began.elapsed() < lasts {
        let due = tick.tick().await.into_std();
        let (http, token, body) = (http.clone(), token.clone(), body.clone());
        let key = format!("bench-{}", PLACED.fetch_add(1, Ordering::Relaxed));
        under_way.spawn(async move {
            let answer = http.send(Call::post("/v1/orders").token(&token).key(&key).json(&body)).await.unwrap();
            assert_eq!(answer.status, 201, "{}", String::from_utf8_lossy(&answer.body));
            due.elapsed()
        });
        while let Some(took) = under_way.try_join_next() {
            histogram.record(took.unwrap().as_micros() as u64).unwrap();
        }
    }
    while let Some(took) = under_way.join_next().await {
        histogram.record(took.unwrap().as_micros() as u64).unwrap();
    }
    histogram
}

pub async fn token(http: &Http, role: &str, subject: &str) -> String {
    let body = serde_json::json!({"role": role, "subject": subject});
    let reply = http.send(Call::post("/v1/sandbox/tokens").json(&body)).await.unwrap();
    reply.json()["token"].as_str().unwrap().to_owned()
}

/// Looks at head and acknowledged together; the time from first seeing one until the other has come that far.
async fn watch(http: Http, over: Arc<AtomicBool>) -> Histogram<u64> {
    let operator = token(&http, "operator", "bench").await;
    let mut waiting: VecDeque<(u64, Instant)> = VecDeque::new();
    let mut histogram = Histogram::new(3).unwrap();
    let mut seen = 0;
    while !over.load(Ordering::SeqCst) || !waiting.is_empty() {
        let status = http.send(Call::get("/v1/status").token(&operator)).await.unwrap().json();
        let (now, head) = (Instant::now(), status["log_head"].as_u64().unwrap());
        let acknowledged = status["replicated_to"].as_u64().unwrap_or(0);
        if head > seen {
            seen = head;
            waiting.push_back((head, now));
        }
        while let Some((_, since)) = waiting.pop_front_if(|(sequence, _)| *sequence <= acknowledged) {
            histogram.record(now.duration_since(since).as_micros() as u64).unwrap();
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    histogram
}
