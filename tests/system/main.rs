//! The whole system through its public contract: the real binary, real sockets, a real directory.

#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may stop where it fails")]

#[expect(dead_code, reason = "other crates of tests need more of it")]
#[path = "../common/mod.rs"]
mod common;

mod clock;
mod contract;
mod crash;
mod documents;
mod pictures;
mod races;
