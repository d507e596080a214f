//! Region and centre as real processes over real sockets: whatever the line, the disks and the processes do, the centre ends
//! with the region's history, once and in order, and the region's customers never notice.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "a test may stop where it fails"
)]

#[expect(dead_code, reason = "other test programs use the rest of it")]
#[path = "../common/mod.rs"]
mod common;

mod equal;
mod faults;
mod line;
mod load;
mod rot;
mod storms;
