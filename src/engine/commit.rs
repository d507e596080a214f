//! A committed group: what the writer hands to everybody who follows it, in order, after the fsync.

use crate::domain::effect::Effect;
use crate::domain::time::Timestamp;

/// A durable group. Followers get it through a bounded broadcast; one that falls behind is told so and takes snapshots.
#[derive(Debug)]
pub struct Committed {
    /// Sequence of the group's first entry.
    pub first: u64,
    /// Sequence of the group's last entry.
    pub last: u64,
    /// The group's time.
    pub at: Timestamp,
    /// What changed, in order.
    pub effects: Vec<Effect>,
}
