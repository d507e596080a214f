//! Entries applied a second by the aggregator's store, on both backends, from batches of a day at 300 orders/s: each order five
//! entries within twelve minutes, so that a batch rarely holds two of one order.
//! `cargo bench --bench store [-- --orders N]`
#![allow(
    clippy::cast_precision_loss,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a benchmark prints figures and may stop at the first surprise"
)]

#[path = "../tests/common/ports.rs"]
mod ports;
#[expect(dead_code, reason = "the tests use more of it")]
#[path = "../tests/common/postgres.rs"]
mod server;
mod support;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::sync::Arc;
use std::time::{Duration, Instant};

use qucan::aggregator::figures::{Changed, Figures};
use qucan::aggregator::store::{OrderQuery, Store, StoreBatch};
use qucan::domain::catalog::Name;
use qucan::domain::effect::{Effect, OrderEffect};
use qucan::domain::event::OrderChange;
use qucan::domain::id::{OrderId, RegionId, RegionTag};
use qucan::domain::money::{Currency, Fen};
use qucan::domain::order::{ChosenOption, Line, Order, Status};
use qucan::domain::payment::Payment;
use qucan::domain::time::{BusinessDay, Millis, Timestamp, utc_day};
use qucan::engine::replica::AppliedStep;
use qucan_storage::{ChainHash, Position, Sequence};
use support::{BEGIN, argument, figure, is_full};

const STORES: u32 = 300;
const ORDERS_A_SECOND: i64 = 300;
const BATCHES: [usize; 3] = [512, 1_024, 2_048];

fn main() {
    let orders = u32::try_from(argument("orders", if is_full() { 60_000 } else { 60 })).unwrap();
    let region: RegionId = "east".parse().unwrap();
    let steps = day(&region, orders);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    println!("{orders} orders, {} entries", steps.len());
    for entries in BATCHES {
        let home = tempfile::tempdir().unwrap();
        let store = Store::embedded(home.path().join("store")).unwrap();
        report("embedded", entries, steps.len(), runtime.block_on(applied(&store, &region, &steps, entries)));
    }
    for entries in BATCHES {
        let Some(server) = server::Server::start() else { break };
        let store = runtime.block_on(Store::postgres(&server.url())).unwrap();
        let mine = cpu_seconds("self");
        report("postgres", entries, steps.len(), runtime.block_on(applied(&store, &region, &steps, entries)));
        let servers = server.backends().iter().map(|pid| cpu_seconds(pid)).sum();
        for (whose, seconds) in [("aggregator", cpu_seconds("self") - mine), ("server", servers)] {
            let name = format!("postgres_{entries}_cpu_of_{whose}");
            figure("store", &name, seconds * 1e6 / steps.len() as f64, "us/entry");
        }
        if entries == BATCHES[BATCHES.len() - 1] {
            runtime.block_on(analyzed(&server.url()));
            runtime.block_on(asked(&store, &region));
        }
    }
}

/// CPU seconds of a process so far (`self` for this one); Linux counts in hundredths.
fn cpu_seconds(pid: &str) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
    fields.skip(11).take(2).filter_map(|ticks| ticks.parse::<f64>().ok()).sum::<f64>() / 100.0
}

fn report(backend: &str, entries: usize, all: usize, (took, slowest): (Duration, Duration)) {
    let rate = all as f64 / took.as_secs_f64();
    println!("{backend}, {entries} entries a batch: {rate:.0} entries/s, slowest batch {slowest:?}");
    figure("store", &format!("{backend}_{entries}_applied"), rate, "entries/s");
    figure("store", &format!("{backend}_{entries}_slowest_batch"), slowest.as_secs_f64() * 1e3, "ms");
}

/// Takes the entries into figures and applies them; how long that took, and the slowest batch.
async fn applied(store: &Store, region: &RegionId, steps: &[AppliedStep], entries: usize) -> (Duration, Duration) {
    store.open_region(region).await.unwrap();
    let (mut figures, mut from, mut slowest) = (Figures::default(), None, Duration::ZERO);
    let began = Instant::now();
    for steps in steps.chunks(entries) {
        let batch_began = Instant::now();
        let mut changed = Changed::default();
        let mut orders = BTreeMap::new();
        for step in steps {
            figures.take(step, &mut changed);
            for effect in &step.effects {
                if let Effect::Order(effect) = effect {
                    orders.insert(effect.order.id.packed(), Arc::clone(&effect.order));
                }
            }
        }
        let rows = figures.rows(&changed);
        let to = Position { sequence: steps[steps.len() - 1].sequence, hash: ChainHash([7; 32]) };
        let batch = StoreBatch {
            region: region.clone(),
            from,
            to,
            epoch: 1,
            unseen: Vec::new(),
            orders: orders.into_values().collect(),
            minutes: rows.minutes,
            store_days: rows.store_days,
            ticks: rows.ticks,
        };
        store.apply(&batch).await.unwrap();
        from = Some(to);
        slowest = slowest.max(batch_began.elapsed());
    }
    let took = began.elapsed();
    assert_eq!(store.open_region(region).await.unwrap().figures, figures);
    (took, slowest)
}

/// What the server does by itself within a minute: without it lists are planned for an empty table.
async fn analyzed(url: &str) {
    let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    client.batch_execute("ANALYZE orders").await.unwrap();
}

/// Pages of lists as the dashboard asks for them.
async fn asked(store: &Store, region: &RegionId) {
    let all = OrderQuery {
        regions: vec![region.clone()],
        store: None,
        status: None,
        from: None,
        to: None,
        after: None,
        limit: 50,
    };
    let of_store = OrderQuery { store: Some("store-7".parse().unwrap()), ..all.clone() };
    let ready = OrderQuery { status: Some(Status::Ready), ..all.clone() };
    let rejected = OrderQuery { status: Some(Status::Rejected), ..all.clone() };
    let minute = OrderQuery { from: Some(BEGIN), to: Some(BEGIN.plus(Millis::minutes(1))), ..all.clone() };
    for (name, query) in [
        ("newest", all),
        ("of_store", of_store),
        ("ready", ready),
        ("none_rejected", rejected),
        ("of_a_minute", minute),
    ] {
        let mut took = Vec::new();
        for _ in 0..50 {
            let began = Instant::now();
            store.orders(&query).await.unwrap();
            took.push(began.elapsed());
        }
        took.sort();
        figure("store", &format!("postgres_list_{name}"), took[25].as_secs_f64() * 1e3, "ms");
    }
}

/// Every entry of the day, by time.
fn day(region: &RegionId, orders: u32) -> Vec<AppliedStep> {
    let tag = RegionTag::of(region);
    let mut next: BinaryHeap<Reverse<(Timestamp, u32, usize)>> = BinaryHeap::new();
    let mut open: BTreeMap<u32, Arc<Order>> = BTreeMap::new();
    let (mut steps, mut placed) = (Vec::new(), 0);
    loop {
        let placing = BEGIN.plus(Millis(i64::from(placed) * 1_000 / ORDERS_A_SECOND));
        let due = next.peek().is_some_and(|Reverse((at, ..))| *at <= placing || placed == orders);
        let (at, number, event) = if due {
            next.pop().unwrap().0
        } else if placed < orders {
            placed += 1;
            (placing, placed, 0)
        } else {
            break;
        };
        let order = match open.remove(&number) {
            None => order(tag, at, number),
            Some(mut order) => {
                let change = change(order.id, order.payable, event);
                Arc::make_mut(&mut order).apply(at, &change);
                order
            }
        };
        let names = ["placed", "paid", "accepted", "ready", "collected"];
        // A little uneven, so that orders don't march in step.
        let pauses = [20, 40, 420, 240].map(|seconds| Millis(seconds * 1_000 + i64::from(number % 97) * 200));
        if let Some(pause) = pauses.get(event) {
            next.push(Reverse((at.plus(*pause), number, event + 1)));
            open.insert(number, Arc::clone(&order));
        }
        let effect =
            OrderEffect { order, event: names[event], store_offset: 1, board_offset: None, closed: event == 4 };
        let sequence = Sequence(u64::try_from(steps.len()).unwrap() + 1);
        steps.push(AppliedStep { sequence, at, effects: vec![Effect::Order(effect)] });
    }
    steps
}

fn change(id: OrderId, amount: Fen, event: usize) -> OrderChange {
    let later = Timestamp(BEGIN.0 + 4 * 3_600_000);
    match event {
        1 => {
            let reference = format!("42000021982026{id}").parse().unwrap();
            let payment = Payment { provider: "sandbox".into(), reference, amount, at: BEGIN };
            OrderChange::Paid { payment: Some(payment), position: 7, accept_by: later, wait_minutes: 8 }
        }
        2 => OrderChange::Accepted { pickup_code: "A17".parse().unwrap(), chosen_by_pos: false, auto_at: later },
        3 => OrderChange::Ready { auto_at: later, reason: None },
        _ => OrderChange::Collected { reason: None },
    }
}

/// Two lines, one with options: some 1,100 bytes of JSON.
fn order(region: RegionTag, at: Timestamp, number: u32) -> Arc<Order> {
    let name = |zh: &str, en: &str| Name { zh: zh.into(), en: en.into() };
    let option = |option: &str, choice: &str| ChosenOption {
        option: option.parse().unwrap(),
        choice: choice.parse().unwrap(),
        name: name("大碗", "Large"),
        price: Fen(300),
    };
    let line = |sku: &str, quantity, unit_price, options| Line {
        sku: sku.parse().unwrap(),
        name: name("红烧牛肉面", "Braised beef noodles"),
        quantity,
        options,
        unit_price: Fen(unit_price),
        amount: Fen(unit_price).times(quantity),
        discount: Fen(0),
        tax: Some(Fen(200)),
    };
    let day: BusinessDay = utc_day(at);
    let options = vec![option("size", "large"), option("spice", "mild")];
    Arc::new(Order {
        id: OrderId::new(region, 1, day, number),
        store: format!("store-{}", number % STORES).parse().unwrap(),
        member: format!("oUpF8uMuAJO_M2pxb1Q9{number:08}").parse().unwrap(),
        business_day: day,
        status: Status::AwaitingPayment,
        lines: vec![line("noodle-beef", 1, 3_600, options), line("drink-cola", 2, 500, Vec::new())],
        fees: Vec::new(),
        currency: Currency::CNY,
        total: Fen(4_600),
        discount: Fen(0),
        payable: Fen(4_600),
        coupon: None,
        note: None,
        pickup_code: None,
        created_at: at,
        pay_by: Some(at.plus(Millis::minutes(15))),
        paid_at: None,
        accept_by: None,
        accepted_at: None,
        ready_at: None,
        auto_at: None,
        collected_at: None,
        closed_at: None,
        reason: None,
        payments: Vec::new(),
        refunds: Vec::new(),
        position: None,
        wait_minutes: None,
        offset: 1,
    })
}
