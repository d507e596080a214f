//! Place-order decided, logged and synced through the engine, next to the raw log: the same writer pattern, the same bytes,
//! pre-zeroed segments, in turns in the same run. `cargo bench --bench engine [-- --orders N --rounds N]`
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a benchmark prints figures and may stop at the first surprise"
)]

mod support;

use std::path::Path;
use std::time::Instant;

use qucan::engine::Engine;
use qucan_storage::fs::real;
use qucan_storage::log::{GroupBuffer, Log, LogOptions, OpenFrom, SpaceClass};
use qucan_storage::{Epoch, Position};
use support::{argument, figure};

/// A log whose first segment takes the whole run: nothing is prepared while it is measured.
fn log_options() -> LogOptions {
    LogOptions { segment_bytes_first: 160 << 20, segment_bytes_max: 160 << 20, ..LogOptions::default() }
}

struct Measured {
    orders_per_second: f64,
    bytes_per_order: f64,
    orders_per_group: f64,
    /// CPU microseconds of the writer's thread an order: little moved by what else the machine does.
    cpu: f64,
    /// Microseconds an order: waiting for nothing but the disk; deciding and encoding; publishing.
    parts: [f64; 3],
}

fn through_engine(dir: &Path, group: usize, orders: u64, projection: bool) -> Measured {
    let (mut options, _clock) = support::options(dir);
    options.projection = projection;
    options.log = log_options();
    options.limits.group_commands = group;
    options.limits.group_normal_share = group / 4;
    options.snapshot_every_entries = u64::MAX;
    let engine = Engine::open(options).unwrap();
    let handle = engine.handle();
    support::import(&handle, 0);
    // Warm: the maps have their first size, the allocator its arenas.
    support::drive(&handle, group * 4, (0..orders / 10).map(support::place), |answer| drop(answer.unwrap()));
    support::settle(dir);
    let requests: Vec<_> = (orders..orders * 2).map(support::place).collect();
    let metrics = handle.metrics().clone();
    let groups_before = sums(&metrics);
    let cpu_before = support::thread_cpu_micros("writer");
    let begun = Instant::now();
    support::drive(&handle, group * 4, requests.into_iter(), |answer| drop(answer.unwrap()));
    let seconds = begun.elapsed().as_secs_f64();
    let cpu = (support::thread_cpu_micros("writer") - cpu_before) / orders as f64;
    let after = sums(&metrics);
    let of = |index: usize| after[index] - groups_before[index];
    let (log, head) = (dir.join("log"), handle.status().log_head);
    engine.stop().unwrap();
    let bytes = bytes_per_entry(&log, head);
    let per_order = 1e6 / orders as f64;
    Measured {
        orders_per_second: orders as f64 / seconds,
        bytes_per_order: bytes,
        orders_per_group: orders as f64 / of(3),
        cpu,
        parts: [of(0) * per_order, of(1) * per_order, of(2) * per_order],
    }
}

/// Sums of sync, decide and publish seconds, and the number of groups, read from the exposition as an operator would.
fn sums(metrics: &qucan::engine::metrics::EngineMetrics) -> [f64; 4] {
    let mut registry = prometheus_client::registry::Registry::default();
    metrics.register(&mut registry);
    let mut text = String::new();
    prometheus_client::encoding::text::encode(&mut text, &registry).unwrap();
    let value = |name: &str| {
        let line = text.lines().find(|line| line.starts_with(name)).unwrap_or_else(|| panic!("{name} in {text}"));
        line.rsplit(' ').next().unwrap().parse::<f64>().unwrap()
    };
    [
        value("engine_sync_seconds_sum"),
        value("engine_decide_seconds_sum"),
        value("engine_publish_seconds_sum"),
        value("engine_sync_seconds_count"),
    ]
}

/// Mean bytes an entry takes in the log, framing of entry and group left to the raw log's own account.
fn bytes_per_entry(log: &Path, head: u64) -> f64 {
    let mut reader = qucan_storage::log::LogReader::open(real(), log, qucan_storage::Sequence::NONE).unwrap();
    let (mut entries, mut bytes) = (0_u64, 0_u64);
    while let Some(group) = reader.next(qucan_storage::Sequence(head)).unwrap() {
        // The catalogue's entries are not orders.
        if group.first().0 > 200 {
            entries += u64::try_from(group.entries().len()).unwrap();
            bytes += group.entries().map(|(_, entry)| entry.len() as u64).sum::<u64>();
        }
    }
    bytes as f64 / entries as f64
}

/// Orders a second and CPU microseconds an order.
fn raw_log(dir: &Path, group: usize, orders: u64, bytes: usize) -> (f64, f64) {
    let options = LogOptions { create: true, ..log_options() };
    let open = || Log::open(real(), dir, Epoch(1), OpenFrom::snapshot(Position::ORIGIN), options, |_| Ok(()));
    let (mut log, _) = open().unwrap();
    let entry: Vec<u8> = (0..bytes).map(|i| (i * 31 % 251) as u8).collect();
    support::settle(dir);
    let writer = std::thread::Builder::new().name("writer".to_owned()).spawn(move || {
        let mut buffer = GroupBuffer::new();
        let begun = Instant::now();
        for _ in 0..orders / group as u64 {
            buffer.clear();
            for _ in 0..group {
                buffer.push(&entry).unwrap();
            }
            log.append(&mut buffer, SpaceClass::Normal).unwrap();
        }
        let written = (orders / group as u64 * group as u64) as f64;
        (written / begun.elapsed().as_secs_f64(), support::thread_cpu_micros("writer") / written)
    });
    writer.unwrap().join().unwrap()
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn main() {
    let full = support::is_full();
    let orders = argument("orders", if full { 150_000 } else { 500 });
    let rounds = argument("rounds", if full { 3 } else { 1 });
    for group in [64, 256] {
        let (mut raw, mut off, mut on) = (Vec::new(), Vec::new(), Vec::new());
        let mut bytes = 0.0;
        for round in 0..rounds {
            let dir = tempfile::tempdir().unwrap();
            let measured = through_engine(&dir.path().join("off"), group, orders, false);
            bytes = measured.bytes_per_order;
            let (raw_rate, raw_cpu) = raw_log(&dir.path().join("raw"), group, orders, bytes.round() as usize);
            raw.push(raw_rate);
            let with = through_engine(&dir.path().join("on"), group, orders, true);
            println!(
                "group {group}, round {round}: raw {raw_rate:.0}/s ({raw_cpu:.2} µs CPU); engine {:.0}/s ({:.1} a group; \
                 µs an order: writer's CPU {:.2}, sync {:.2}, decide {:.2}, publish {:.2}); with projection {:.0}/s",
                measured.orders_per_second,
                measured.orders_per_group,
                measured.cpu,
                measured.parts[0],
                measured.parts[1],
                measured.parts[2],
                with.orders_per_second
            );
            off.push(measured.orders_per_second);
            on.push(with.orders_per_second);
        }
        let (raw, off, on) = (median(raw), median(off), median(on));
        println!(
            "group {group}: raw {raw:.0}/s, engine {off:.0}/s = {:.2} × raw, with projection {on:.0}/s = {:.2} × raw ({bytes:.0} B an order)",
            off / raw,
            on / raw
        );
        figure("engine", &format!("raw_log_group_{group}"), raw, "orders/s");
        figure("engine", &format!("engine_group_{group}"), off, "orders/s");
        figure("engine", &format!("ratio_group_{group}"), off / raw, "ratio");
        figure("engine", &format!("engine_projection_group_{group}"), on, "orders/s");
        figure("engine", &format!("ratio_projection_group_{group}"), on / raw, "ratio");
    }
}
