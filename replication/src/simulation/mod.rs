//! What simulations are made of: dice, a tally of what was reached, and a line that does whatever a line can do. Here too
//! this crate's own runs; larger simulations bring a real log and a real centre.

mod dice;
#[cfg(test)]
mod runs;
mod tally;
mod wire;
#[cfg(test)]
mod world;

pub use dice::Dice;
pub use tally::Tally;
pub use wire::{Direction, Faults};
