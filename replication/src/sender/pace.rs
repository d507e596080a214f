//! How much one message should carry: much on a fast line; little on a slow one, so that a line that breaks now and then
//! still moves, and a piece of a snapshot never holds up a live entry for long.

use std::time::Duration;

use crate::limits;

/// Bytes for the next message, learnt from how soon the ones before were answered.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    bytes: usize,
    min: usize,
    max: usize,
}

impl Pace {
    pub(super) fn new(first: usize, min: usize, max: usize) -> Self {
        Self { bytes: first, min, max }
    }

    pub(super) fn bytes(self) -> usize {
        self.bytes
    }

    /// A message was answered after this long.
    pub(super) fn answered(&mut self, took: Duration) {
        if took <= limits::PACE_FAST {
            self.bytes = (self.bytes * 2).min(self.max);
        } else if took >= limits::PACE_SLOW {
            self.bytes = (self.bytes / 2).max(self.min);
        }
    }
}
