//! A line that does to messages whatever a line can do, by the dice.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::Bytes;

use super::dice::Dice;
use super::tally::Tally;

/// How bad a line is: one in so many messages meets each fault; 0 for never.
#[derive(Clone, Copy, Debug, Default)]
pub struct Faults {
    /// It vanishes.
    pub drop: u64,
    /// It comes twice.
    pub duplicate: u64,
    /// It changes places with an earlier one.
    pub reorder: u64,
    /// Its end is missing.
    pub cut: u64,
    /// A bit of it is another.
    pub flip: u64,
    /// It and what follows come later, up to four seconds.
    pub delay: u64,
}

/// One direction.
#[derive(Debug, Default)]
pub struct Direction {
    under_way: VecDeque<(Duration, Bytes)>,
    /// Nothing more will be put in; the reader finds the end after what is under way.
    pub closed: bool,
    /// What is put in vanishes.
    pub hole: bool,
    latest: Duration,
}

fn meets(dice: &mut Dice, one_in: u64) -> bool {
    one_in > 0 && dice.one_in(one_in)
}

impl Direction {
    /// Sends a message.
    pub fn put(&mut self, message: Bytes, now: Duration, faults: Faults, dice: &mut Dice, tally: &mut Tally) {
        if self.closed {
            return;
        }
        if self.hole {
            return tally.count("into a hole");
        }
        if meets(dice, faults.drop) {
            return tally.count("dropped");
        }
        let mut at = self.latest.max(now + Duration::from_micros(dice.below(20_000)));
        if meets(dice, faults.delay) {
            tally.count("delayed");
            at += Duration::from_millis(dice.below(4_000));
        }
        self.latest = at;
        let mut message = message;
        if meets(dice, faults.cut) {
            tally.count("cut");
            message = message.slice(..dice.index(message.len()));
        }
        if meets(dice, faults.flip) && !message.is_empty() {
            tally.count("flipped");
            let mut bytes = message.to_vec();
            let bit = dice.index(bytes.len() * 8);
            bytes[bit / 8] ^= 1 << (bit % 8);
            message = bytes.into();
        }
        if meets(dice, faults.duplicate) {
            tally.count("duplicated");
            self.under_way.push_back((at, message.clone()));
        }
        self.under_way.push_back((at, message));
        let last = self.under_way.len() - 1;
        if last > 0 && meets(dice, faults.reorder) {
            tally.count("reordered");
            let other = dice.index(last);
            let (one, two) = (self.under_way[other].0, self.under_way[last].0);
            self.under_way.swap(other, last);
            (self.under_way[other].0, self.under_way[last].0) = (one, two);
        }
    }

    /// Puts a message in as it is.
    pub fn inject(&mut self, message: Bytes, now: Duration) {
        self.under_way.push_front((now, message));
    }

    /// What has arrived next.
    pub fn take(&mut self, now: Duration) -> Option<Bytes> {
        self.under_way.pop_front_if(|(at, _)| *at <= now).map(|(_, message)| message)
    }

    /// When something can be taken.
    pub fn next_at(&self) -> Option<Duration> {
        self.under_way.front().map(|(at, _)| *at)
    }

    /// Whether nothing more will come.
    pub fn at_end(&self) -> bool {
        self.closed && self.under_way.is_empty()
    }

    /// The connection breaks: some of what was under way still arrives, perhaps.
    pub fn tear(&mut self, dice: &mut Dice) {
        let kept = dice.index(self.under_way.len() + 1);
        self.under_way.truncate(kept);
        self.closed = true;
    }
}
