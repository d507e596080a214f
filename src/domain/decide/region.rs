//! The beginning of an epoch: the first event of its log.

use super::{Decision, Outcome};
use crate::domain::command::StartRegion;
use crate::domain::event::Event;
use crate::domain::rejection::Rejection;
use crate::domain::state::State;

/// Epoch 1 begins an empty log; a later one goes on with the same region and secret.
pub(super) fn start(state: &State, start: &StartRegion) -> Result<Decision, Rejection> {
    let refused = |why| Err(Rejection::WrongRegion { why });
    if start.epoch == 0 {
        return refused("epochs count from 1");
    }
    match state.region() {
        Some(now) if now == start => return Ok(Decision::nothing(Outcome::Done)),
        Some(now) if now.region != start.region => return refused("the log belongs to another region"),
        Some(now) if now.epoch >= start.epoch => return refused("the log is in this epoch or a later one"),
        Some(now) if now.secret != start.secret => return refused("a later epoch keeps the region's secret"),
        Some(_) | None => {}
    }
    Ok(Decision::one(Event::RegionStarted(start.clone()), Outcome::Done))
}
