//! Region, line and centre together, over real sockets and real files: catch-up next to a plain copy of the same log, from
//! commit to acknowledgement, what the centre costs a region, and a minute away under load.
//!
//! `cargo bench --bench replication [-- --orders N --seconds S --away S --rounds N]` prints a table and one JSON line a row.
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
mod replication_bench {
    pub mod away;
    pub mod catch_up;
    pub mod cost;
    pub mod latency;
    pub mod pair;
}

use replication_bench::{away, catch_up, cost, latency};
use support::argument;

fn main() {
    let full = support::is_full();
    catch_up::run(argument("orders", if full { 100_000 } else { 200 }));
    latency::run(argument("seconds", if full { 20 } else { 1 }));
    cost::run(argument("cost-orders", if full { 150_000 } else { 500 }), argument("rounds", if full { 3 } else { 1 }));
    away::run(argument("away", if full { 60 } else { 1 }));
}
