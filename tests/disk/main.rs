//! The node on real disks that fail: power cuts, failing calls, full disks, stalls, and damaged bytes for the decoders.
//!
//! Real processes, real file systems. `./test` runs a small set; `./test disk` runs all of it (QUCAN_TEST_LONG=1).
//! What a machine has no right to (mounting, tracing) is skipped, and the test says so.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::indexing_slicing,
    reason = "a test may stop where it fails, and says what it saw"
)]

use std::io::Write as _;

#[path = "../common/mod.rs"]
#[expect(dead_code, unused_imports, reason = "this crate needs a part of what whole-system tests share")]
mod common;

mod crowd;
mod damage;
mod decoders;
mod ends;
mod failing;
mod full;
mod limited;
mod power;
mod recovery;
mod site;
mod stalls;
mod tables;
mod volume;

/// Whether the whole set is to run.
fn is_long() -> bool {
    std::env::var_os("QUCAN_TEST_LONG").is_some_and(|value| !value.is_empty())
}

/// Says that something was not tested here, and why; to the file that `./test` shows at its end as well, since nobody sees
/// what a test that passes has said.
fn skipped(what: &str, why: &str) {
    println!("SKIPPED: {what}: {why}");
    if let Some(notes) = std::env::var_os("QUCAN_SKIPPED") {
        let mut notes = std::fs::OpenOptions::new().append(true).open(notes).unwrap();
        writeln!(notes, "{what}: {why}").unwrap();
    }
}
