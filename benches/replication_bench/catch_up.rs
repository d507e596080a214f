//! A centre that has nothing meets a region that has sold for a while.

use std::path::Path;
use std::time::Instant;

use qucan::engine::Engine;

use super::pair::{Centre, Node1, free_address, line_to, until};
use crate::support::{self, figure};

pub fn run(orders: u64) {
    let dir = tempfile::tempdir().unwrap();
    let (east, copy) = (dir.path().join("east"), dir.path().join("copy"));
    let head = sell(&east, orders);
    support::settle(&east);
    let (bytes, copied) = copy_log(&east.join("log"), &copy);
    let per_second = |seconds: f64| head as f64 / seconds;
    println!(
        "{head} entries, {} MiB of log; a plain copy with fsync takes {copied:.2} s = {:.0} entries/s",
        bytes >> 20,
        per_second(copied)
    );
    figure("replication", "plain_copy", per_second(copied), "entries/s");

    let address = free_address();
    let centre = Centre::start(&dir.path().join("centre"), address);
    let began = Instant::now();
    let node = Node1::start(&east, Some(line_to(address)));
    let region = centre.east();
    until("received", || region.received().sequence.0 >= head);
    let received = began.elapsed().as_secs_f64();
    until("applied", || region.applied() >= head);
    let applied = began.elapsed().as_secs_f64();
    println!(
        "catch-up: received, fsynced and acknowledged in {received:.2} s = {:.0} entries/s; applied (embedded) in \
        {applied:.2} s = {:.0} entries/s; the node's own start included",
        per_second(received),
        per_second(applied)
    );
    figure("replication", "received_synced", per_second(received), "entries/s");
    figure("replication", "applied_embedded", per_second(applied), "entries/s");
    drop(node);
}

/// Sells orders to their end through the engine; answers the log's end.
fn sell(dir: &Path, orders: u64) -> u64 {
    let (options, _clock) = support::options(dir);
    let engine = Engine::open(options).unwrap();
    let handle = engine.handle();
    support::import(&handle, 0);
    support::sell::sell(&handle, orders, |_| false);
    let head = handle.status().log_head;
    engine.stop().unwrap();
    head
}

/// Bytes and seconds.
fn copy_log(from: &Path, to: &Path) -> (u64, f64) {
    std::fs::create_dir_all(to).unwrap();
    let began = Instant::now();
    let mut bytes = 0;
    for file in std::fs::read_dir(from).unwrap().flatten() {
        // Segments are named by numbers; what is beside them is not history.
        if file.file_name().to_string_lossy().starts_with(|first: char| first.is_ascii_digit()) {
            let target = to.join(file.file_name());
            bytes += std::fs::copy(file.path(), &target).unwrap();
            std::fs::File::open(&target).unwrap().sync_all().unwrap();
        }
    }
    (bytes, began.elapsed().as_secs_f64())
}
