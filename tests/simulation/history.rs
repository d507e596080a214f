//! A log read from its first group to its end, with all that it says: what `verify` would read.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use qucan::domain::effect::Effect;
use qucan::domain::order::Order;
use qucan::domain::state::State;
use qucan::engine::replay::{Replay, Step, Witness};
use qucan_storage::fs::SimFs;
use qucan_storage::log::{Group, LogReader, ReadError};
use qucan_storage::{Position, Sequence};

use crate::node::Node;

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

/// What is on disk of a log after a sequence, up to `end`: each group, and where it ends.
pub fn groups(fs: &SimFs, log_dir: &Path, after: Sequence, end: Position) -> Result<Vec<(Position, Vec<u8>)>, String> {
    let mut groups = Vec::new();
    if end.sequence <= after {
        return Ok(groups);
    }
    let mut reader = match LogReader::open(fs.shared(), log_dir, after) {
        Err(ReadError::Trimmed { begins, .. }) => LogReader::open(fs.shared(), log_dir, begins.previous()),
        opened => opened,
    }
    .map_err(|error| error.to_string())?;
    while let Some(group) = reader.next(end.sequence).map_err(|error| error.to_string())? {
        groups.push((group.position(), group.raw().to_vec()));
    }
    match groups.last() {
        Some((at, _)) if *at == end => Ok(groups),
        _ => Err(format!("the log does not end at {end:?}")),
    }
}

impl History {
    /// Reads a node's whole log up to `end`; what was trimmed away as it once was committed.
    pub fn read(node: &Node, end: Position) -> Result<Self, String> {
        let there = groups(&node.fs, &node.log_dir(), Sequence::NONE, end)?;
        let Some(tape) = &node.tape else { return Self::of(there) };
        if !tape.ends_with(&there) {
            return Err("the log is not what was committed".to_owned());
        }
        Self::of(tape.clone())
    }

    /// What groups say, from the first one on.
    pub fn of(groups: Vec<(Position, Vec<u8>)>) -> Result<Self, String> {
        let mut replay = Replay::new(State::new(), Sequence::NONE);
        let mut seen = Images::default();
        for (_, group) in &groups {
            let group = Group::parse(group).map_err(|error| error.to_string())?;
            replay.group_with(&group, &mut seen).map_err(|error| error.to_string())?;
        }
        let (mut orders, mut images) = (BTreeMap::new(), BTreeMap::new());
        for order in seen.0 {
            let at = (order.id.packed(), order.offset);
            if images.insert(at, Arc::clone(&order)).is_some() {
                return Err(format!("{} has offset {} twice", order.id, order.offset));
            }
            orders.insert(order.id.packed(), order);
        }
        Ok(Self { groups, orders, images, state: replay.into_state() })
    }
}
