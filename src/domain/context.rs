//! What decide needs beside the state: the time and the operator's settings, both as values.

use super::actor::Actor;
use super::order::Order;
use super::time::{Millis, Timestamp};

/// The operator's choices that flow into decisions. What they lead to (a deadline, say) is written into the event, so a
/// later change of a setting never changes what a replay gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// How long an order waits for its money.
    pub pay_within: Millis,
    /// How long a paid order waits for the store.
    pub accept_within: Millis,
    /// How long an accepted order may go without `ready`, then a ready one without `collected`.
    pub auto_after: Millis,
    /// Open orders a member may have at once; `None` in sandbox.
    pub open_orders_per_member_max: Option<u32>,
}

/// Everything around one command.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// The group's time; never before that of an earlier group.
    pub now: Timestamp,
    /// Who asks.
    pub actor: &'a Actor,
    /// The operator's choices.
    pub settings: &'a Settings,
    /// The order the command is about, when it is closed and so no longer in the state (decision 8). An open order in
    /// the state wins over it.
    pub closed: Option<&'a Order>,
}
