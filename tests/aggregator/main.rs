//! The centre as headquarters, phones and lost nodes meet it: real processes, asked through the contract.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::indexing_slicing,
    reason = "a test may stop where it fails"
)]

#[path = "../common/mod.rs"]
mod common;

mod access;
mod history;
mod queries;
mod recount;
mod region;
