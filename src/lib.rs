//! qucan (取餐): a regional order-ahead appliance. One writer decides, one log remembers, everything else follows.
//!
//! `ARCHITECTURE.md` is the map; the rooms below import one way only (see `tests/tidy.rs`).

pub mod aggregator;
pub mod api;
pub mod config;
pub mod domain;
pub mod engine;
pub mod limits;
pub mod node;
pub mod ops;
pub mod payment;
pub mod push;
pub mod telemetry;
pub mod view;
pub mod web;
pub mod websocket;
