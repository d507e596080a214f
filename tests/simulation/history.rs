//! A log read from its first group to its end, with all that it says: what `verify` would read.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use qucan::domain::effect::Effect;
use qucan::domain::order::Order;
use qucan::domain::state::State;
use qucan::engine::replay::{Replay, Step, Witness};
use qucan_storage::fs::SimFs;
use qucan_storage::log::LogReader;
use qucan_storage::{Position, Sequence};

/// What a log says.
pub struct History {
    /// Each group as it lies on disk, by where it ends.
    pub groups: Vec<(Position, Vec<u8>)>,
    /// Every order, as it is at the end.
    pub orders: BTreeMap<u64, Arc<Order>>,
    /// Every image of every order, by id and offset.
    pub images: BTreeMap<(u64, u64), Arc<Order>>,
    /// The state at the end.
    pub state: State,
}

#[derive(Default)]
struct Images(Vec<Arc<Order>>);

impl Witness for Images {
    fn after(&mut self, _: Step<'_>, effects: &[Effect]) {
        self.0.extend(effects.iter().filter_map(|effect| match effect {
            Effect::Order(effect) => Some(Arc::clone(&effect.order)),
            _ => None,
        }));
    }
}

impl History {
    /// Reads a log up to `end`.
    pub fn read(fs: &SimFs, log_dir: &Path, end: Position) -> Result<Self, String> {
        let mut history =
            Self { groups: Vec::new(), orders: BTreeMap::new(), images: BTreeMap::new(), state: State::new() };
        if end == Position::ORIGIN {
            return Ok(history);
        }
        let mut replay = Replay::new(State::new(), Sequence::NONE);
        let mut images = Images::default();
        let mut reader = LogReader::open(fs.shared(), log_dir, Sequence::NONE).map_err(|error| error.to_string())?;
        while let Some(group) = reader.next(end.sequence).map_err(|error| error.to_string())? {
            replay.group_with(&group, &mut images).map_err(|error| error.to_string())?;
            history.groups.push((group.position(), group.raw().to_vec()));
        }
        if history.groups.last().map(|(at, _)| *at) != Some(end) {
            return Err(format!("the log does not end at {end:?}"));
        }
        for order in images.0 {
            let at = (order.id.packed(), order.offset);
            if history.images.insert(at, Arc::clone(&order)).is_some() {
                return Err(format!("{} has offset {} twice", order.id, order.offset));
            }
            history.orders.insert(order.id.packed(), order);
        }
        history.state = replay.into_state();
        Ok(history)
    }
}
