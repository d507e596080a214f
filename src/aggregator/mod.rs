//! The centre: receives every region's log, keeps it, applies it, answers headquarters' questions. Never here: a decision
//! about an order; the regions decide.

pub mod figures;
pub mod store;
