//! The engine through its own door, on real files: what it promises about durability, restarts, and history.

mod commit;
mod gate;
mod projection;
mod region;
mod restart;
mod trouble;
