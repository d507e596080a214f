//! The business, pure and deterministic: `decide` a command against the state, `evolve` the state by the events.
//!
//! Never here: I/O, a clock, randomness, async, JSON values, the iteration order of a hash map. Time, settings and
//! secrets come in as values; what decide concludes stands in the event, so that evolve needs nothing else.

pub mod actor;
pub mod catalog;
pub mod command;
pub mod context;
pub mod coupon;
pub mod decide;
pub mod effect;
pub mod event;
pub mod evolve;
mod fingerprint;
pub mod id;
pub mod invariants;
pub mod lookup;
pub mod money;
pub mod order;
pub mod payment;
#[cfg(feature = "simulation")]
pub mod plant;
pub mod rejection;
pub mod state;
pub mod stock;
pub mod store;
pub mod time;

#[cfg(test)]
mod tests;
