//! The centre as headquarters, phones and lost nodes meet it: real processes, asked through the contract.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::indexing_slicing,
    reason = "a test may stop where it fails"
)]

#[expect(dead_code, unused_imports, reason = "other crates of tests need more of it")]
#[path = "../common/mod.rs"]
mod common;
use common::ports;

mod access;
mod away;
mod fencing;
mod history;
mod life;
mod outrun;
#[expect(dead_code, reason = "the store's own tests need more of it")]
#[path = "../common/postgres.rs"]
mod postgres;
mod queries;
mod recount;
mod region;
mod restore;
mod rot;
mod seeding;
mod sink;
mod stream;
