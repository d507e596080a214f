//! A region: its node, perhaps another node that takes itself for it, and everybody around it.

use std::time::Duration;

use qucan_replication::Point;
use qucan_storage::Sequence;

use crate::crowd::Crowd;
use crate::node::{Copy, Node};

/// Which of a region's nodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Who {
    pub region: usize,
    pub rival: bool,
}

pub struct Region {
    pub node: Node,
    /// An old or a second copy of the node that runs beside it.
    pub rival: Option<Node>,
    pub crowd: Crowd,
    /// What the centre has said it has synced.
    pub acknowledged: Point,
    /// The node's disk at some time of the present epoch, and the disk that a restore has replaced.
    pub old_copy: Option<Copy>,
    pub lost: Option<Copy>,
    /// From here on the history may go on in two ways: a copy was started, or an end was lost. Without it nobody is fenced.
    pub fork: Option<Sequence>,
    /// When somebody looks after a node that can't go on.
    pub restore_at: Option<Duration>,
}

impl Region {
    pub fn new(name: &str, seed: u64, snapshot_every_entries: u64) -> Self {
        Self {
            node: Node::new(name, seed, snapshot_every_entries),
            rival: None,
            crowd: Crowd::default(),
            acknowledged: Point::ORIGIN,
            old_copy: None,
            lost: None,
            fork: None,
            restore_at: None,
        }
    }

    pub fn get(&self, who: Who) -> Option<&Node> {
        if who.rival { self.rival.as_ref() } else { Some(&self.node) }
    }

    pub fn get_mut(&mut self, who: Who) -> Option<&mut Node> {
        if who.rival { self.rival.as_mut() } else { Some(&mut self.node) }
    }

    /// The history may fork after `at`.
    pub fn may_fork(&mut self, at: Sequence) {
        self.fork = Some(self.fork.map_or(at, |fork| fork.min(at)));
    }
}
