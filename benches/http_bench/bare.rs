//! The least that durable order-taking can be: check the token (remembered after the first time), append bytes to a
//! pre-zeroed file in groups with fdatasync, answer. No rules at all.

use std::collections::HashSet;
use std::io::Write;
use std::os::unix::fs::FileExt;
use std::sync::{Arc, RwLock};

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse;

type Waiting = tokio::sync::oneshot::Sender<()>;

struct Bare {
    tokens: RwLock<HashSet<String>>,
    log: crossbeam_channel::Sender<Waiting>,
    answer: bytes::Bytes,
}

/// Serves until killed; prints its address first.
pub fn serve() {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<usize>().ok()).unwrap_or(700);
    let (answer_bytes, log_bytes) = (number("BARE_ANSWER_BYTES"), number("BARE_LOG_BYTES"));
    let (log, waiting) = crossbeam_channel::bounded(4_096);
    std::thread::spawn(move || write_groups(&waiting, log_bytes));
    let state = Arc::new(Bare { tokens: RwLock::default(), log, answer: bytes::Bytes::from(vec![b' '; answer_bytes]) });
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async move {
        let router = axum::Router::new().route("/v1/orders", axum::routing::post(place_order)).with_state(state);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        println!("{}", listener.local_addr().expect("its address"));
        std::io::stdout().flush().expect("a pipe");
        axum::serve(listener, router).await.expect("serving");
    });
}

async fn place_order(State(bare): State<Arc<Bare>>, headers: HeaderMap, _body: bytes::Bytes) -> impl IntoResponse {
    let token = headers.get("authorization").and_then(|value| value.to_str().ok()).unwrap_or_default();
    let known = bare.tokens.read().is_ok_and(|tokens| tokens.contains(token));
    if !known {
        let key = jsonwebtoken::DecodingKey::from_secret(b"any");
        let mut validation = jsonwebtoken::Validation::new(jsonwebtoken::Algorithm::HS256);
        validation.required_spec_claims.clear();
        // The tokens are the node's, whose secret is its own: the cost of the check is paid, its result is not used.
        let bare_token = token.trim_start_matches("Bearer ");
        let _checked = jsonwebtoken::decode::<serde_json::Value>(bare_token, &key, &validation);
        if let Ok(mut tokens) = bare.tokens.write() {
            tokens.insert(token.to_owned());
        }
    }
    let (done, written) = tokio::sync::oneshot::channel();
    if bare.log.try_send(done).is_err() || written.await.is_err() {
        return (StatusCode::SERVICE_UNAVAILABLE, bytes::Bytes::new());
    }
    (StatusCode::CREATED, bare.answer.clone())
}

/// One thread: take what is waiting, one write, one fdatasync, answer all.
fn write_groups(waiting: &crossbeam_channel::Receiver<Waiting>, log_bytes: usize) {
    const ZEROED_BYTES: usize = 256 << 20;
    let file = tempfile::tempfile().expect("a file");
    let zeros = vec![0; 1 << 20];
    for chunk in 0..(ZEROED_BYTES >> 20) {
        file.write_all_at(&zeros, (chunk << 20) as u64).expect("room");
    }
    file.sync_all().expect("a sync");
    let mut at = 0;
    while let Ok(first) = waiting.recv() {
        let mut group = vec![first];
        group.extend(waiting.try_iter().take(255));
        let bytes = vec![7; group.len() * log_bytes];
        if at + bytes.len() > ZEROED_BYTES {
            at = 0;
        }
        file.write_all_at(&bytes, at as u64).expect("room");
        file.sync_data().expect("a sync");
        at += bytes.len();
        for done in group {
            let _ = done.send(());
        }
    }
}
