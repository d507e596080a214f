//! The push protocol through a real socket, a real hub and a real engine: every frame, every close code, and the promise
//! that nothing is missed and nothing comes twice.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that fails says where"
)]

mod client;
mod closing;
mod random;
mod region;
mod topics;
