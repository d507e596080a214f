//! The engine through its own door, on real files: what it promises about durability, restarts, and history.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test stops at the first surprise")]

mod commit;
mod copy;
mod fence;
mod gate;
mod outrun;
mod projection;
mod recovery;
mod region;
mod replica;
mod replica_seed;
mod restart;
mod retention;
mod trouble;
