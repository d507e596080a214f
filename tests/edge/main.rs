//! The edge of a node, through raw sockets and through the real program: odd and slow clients, bounds, drain, tokens, and a
//! start that can't work.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that fails says where"
)]

mod bounds;
mod odd;
#[path = "../common/ports.rs"]
mod ports;
mod process;
mod region;
mod slow;
mod tokens;
