//! A shop for benchmarks: the example catalogue with stock enough, realistic orders of two lines, and small helpers.
#![allow(dead_code, reason = "each benchmark uses its part")]

pub mod day;
pub mod sell;

use std::path::Path;
use std::sync::Arc;

use futures_util::stream::{FuturesUnordered, StreamExt};
use qucan::api::catalog_file;
use qucan::domain::actor::Actor;
use qucan::domain::command::{Command, PlaceOrder, RequestedLine, RequestedOption};
use qucan::domain::id::{MemberId, OrderId, StoreId};
use qucan::domain::money::Fen;
use qucan::domain::order::Order;
use qucan::domain::time::{Millis, Timestamp};
use qucan::engine::answer::{Answer, Refusal, Request};
use qucan::engine::clock::ManualClock;
use qucan::engine::{EngineOptions, Handle};

/// 2026-11-23 10:00 in Shanghai.
pub const BEGIN: Timestamp = Timestamp(1_795_399_200_000);
/// Stores of the example that are open day and night.
const STORES: [&str; 9] = ["sh-001", "sh-002", "sh-003", "hz-001", "nj-001", "su-001", "nb-001", "hf-001", "sh-001"];

/// A whole number given on the command line as `--name N`.
pub fn argument(name: &str, default: u64) -> u64 {
    let mut arguments = std::env::args().skip_while(|argument| argument != &format!("--{name}"));
    arguments.nth(1).map_or(default, |value| value.parse().unwrap())
}

/// Whether this is `cargo bench`, not a test run of all targets.
pub fn is_full() -> bool {
    std::env::args().any(|argument| argument == "--bench")
}

/// One JSON line beside the words.
pub fn figure(bench: &str, name: &str, value: f64, unit: &str) {
    println!("{{\"bench\":\"{bench}\",\"figure\":\"{name}\",\"value\":{value:.3},\"unit\":\"{unit}\"}}");
}

/// Options of a region for benchmarks: no grace, no limits per member, a clock that is set by hand.
pub fn options(dir: &Path) -> (EngineOptions, Arc<ManualClock>) {
    let clock = Arc::new(ManualClock::new(BEGIN));
    let mut options = EngineOptions::new(dir, "east".parse().unwrap());
    options.clock = Arc::clone(&clock) as _;
    options.grace = Millis(0);
    options.settings.open_orders_per_member_max = None;
    (options, clock)
}

/// Imports the example catalogue with stock that never runs out.
pub fn import(handle: &Handle, claims: u32) {
    let file = include_bytes!("../../examples/catalog-east.json");
    let mut import = catalog_file::parse(file, true).unwrap();
    for stock in &mut import.stock {
        stock.available = Some(1_000_000_000);
    }
    for campaign in &mut import.campaigns {
        campaign.quota = claims.max(campaign.quota);
    }
    let actor = Actor::Operator { subject: "bench".into() };
    handle.submit_blocking(request(actor, Command::ImportCatalog(Box::new(import)))).unwrap();
}

pub fn request(actor: Actor, command: Command) -> Request {
    Request { command, actor, request_id: "01JDCM5YVE7Q".into(), device: None }
}

pub fn member(number: u64) -> MemberId {
    format!("oUpF8uMuAJO_M2pxb1Q9{number:08}").parse().unwrap()
}

pub fn store(number: u64) -> StoreId {
    STORES[usize::try_from(number).unwrap() % STORES.len()].parse().unwrap()
}

/// The `number`-th order: a bowl of noodles as one likes it, and two colas.
pub fn place(number: u64) -> Request {
    let option = |option: &str, choice: &str| RequestedOption {
        option: option.parse().unwrap(),
        choice: choice.parse().unwrap(),
    };
    let line = |sku: &str, quantity, options| RequestedLine { sku: sku.parse().unwrap(), quantity, options };
    let order = PlaceOrder {
        member: member(number / 2),
        store: store(number),
        lines: vec![
            line("noodle-beef", 1, vec![option("size", "large"), option("spice", "mild")]),
            line("drink-cola", 2, Vec::new()),
        ],
        coupon: None,
        note: None,
        expected_total: None,
        key: format!("8f14e45f-ceea-467f-a9d3-{number:012}").parse().unwrap(),
    };
    request(Actor::Customer(order.member.clone()), Command::PlaceOrder(Box::new(order)))
}

pub fn pay(order: &Order) -> Request {
    let reference = format!("42000021982026{}", order.id).parse().unwrap();
    let amount: Fen = order.payable;
    request(Actor::Provider, Command::RecordPayment { order: order.id, provider: "sandbox".into(), reference, amount })
}

pub fn step(store: &StoreId, command: Command) -> Request {
    request(Actor::Store { store: store.clone(), subject: "pos-1".into() }, command)
}

pub fn accept(store: &StoreId, order: OrderId) -> Request {
    step(store, Command::AcceptOrder { order, pickup_code: None })
}

pub fn order_of(answer: Result<Answer, Refusal>) -> Arc<Order> {
    match answer.unwrap() {
        Answer::Order { order, .. } => order,
        other => panic!("an order was expected, not {other:?}"),
    }
}

/// Sends requests with so many under way at once and hands every answer on.
pub fn drive(
    handle: &Handle,
    window: usize,
    mut requests: impl Iterator<Item = Request>,
    mut each: impl FnMut(Result<Answer, Refusal>),
) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let mut under_way = FuturesUnordered::new();
        loop {
            while under_way.len() < window
                && let Some(request) = requests.next()
            {
                let handle = handle.clone();
                under_way.push(async move { handle.submit(request).await });
            }
            match under_way.next().await {
                Some(answer) => each(answer),
                None => return,
            }
        }
    });
}

/// Resident memory of this process in MiB.
pub fn resident_mib() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<f64>().unwrap() / 1024.0
}

/// Bytes below a directory that are really allocated.
pub fn disk_bytes(dir: &Path) -> u64 {
    use std::os::unix::fs::MetadataExt;
    let Ok(entries) = std::fs::read_dir(dir) else { return 0 };
    entries
        .flatten()
        .map(|entry| match entry.metadata() {
            Ok(metadata) if metadata.is_dir() => disk_bytes(&entry.path()),
            Ok(metadata) => metadata.blocks() * 512,
            Err(_) => 0,
        })
        .sum()
}

/// Waits until spare segments are zeroed, so that nothing else writes while it is measured.
pub fn settle(dir: &Path) {
    let mut before = (0, 0);
    while before.1 < 4 {
        std::thread::sleep(std::time::Duration::from_millis(100));
        let bytes = disk_bytes(dir);
        before = if bytes == before.0 { (bytes, before.1 + 1) } else { (bytes, 0) };
    }
}

/// CPU time that the thread of this name has used, in microseconds.
pub fn thread_cpu_micros(name: &str) -> f64 {
    let tasks = std::fs::read_dir("/proc/self/task").unwrap().flatten();
    let of = |task: std::fs::DirEntry| {
        let comm = std::fs::read_to_string(task.path().join("comm")).ok()?;
        let ran = std::fs::read_to_string(task.path().join("schedstat")).ok()?;
        (comm.trim() == name).then(|| ran.split(' ').next().unwrap().parse::<f64>().unwrap() / 1_000.0)
    };
    tasks.filter_map(of).sum()
}
