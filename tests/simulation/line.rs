//! The line between a node and the centre: both ends' sessions and what is under way between them.

use std::time::Duration;

use bytes::Bytes;
use qucan::aggregator::sink::RegionSink;
use qucan::node::LogSource;
use qucan_replication::frame::{ByeReason, Message};
use qucan_replication::receiver::{Receiver, ReceiverOptions};
use qucan_replication::sender::{Carry, Sender, SenderOptions};
use qucan_replication::simulation::{Dice, Direction};
use qucan_replication::{End, Fence, FenceReason, Plant};

use crate::node::is_full;
use crate::plants::Bug;
use crate::region::Who;
use crate::world::World;

/// One node's line.
#[derive(Default)]
pub struct Line {
    pub sender: Option<Sender<LogSource>>,
    pub receiver: Option<Receiver<RegionSink>>,
    pub to_centre: Direction,
    pub to_region: Direction,
    pub dial_at: Duration,
    pub carry: Carry,
    pub bytes_read: u64,
}

impl Line {
    /// The connection breaks.
    pub fn tear(&mut self, dice: &mut Dice) {
        self.to_centre.tear(dice);
        self.to_region.tear(dice);
    }
}

impl World {
    pub fn dial(&mut self, who: Who) {
        let sink = self.centre.sink(who.region);
        let Some(node) = self.regions[who.region].get_mut(who) else { return };
        if node.line.sender.is_some() || self.now < node.line.dial_at {
            return;
        }
        let (Some(source), Some(sink)) = (node.source(), sink) else {
            node.line.dial_at = self.now + Duration::from_millis(self.dice.below(1_500));
            return self.tally.count("line: found nobody");
        };
        let options = SenderOptions { window: self.window, ..SenderOptions::default() };
        let mut receiver = Receiver::new(sink, ReceiverOptions::default(), self.now);
        if self.bug == Bug::AcknowledgedBeforeSync {
            receiver.plant = Plant::AckBeforeSync;
        }
        let line = &mut node.line;
        line.sender = Some(Sender::new(source, options, line.carry, self.now));
        line.receiver = Some(receiver);
        (line.to_centre, line.to_region) = (Direction::default(), Direction::default());
        line.bytes_read = 0;
        self.tally.count("line: connected");
    }

    pub fn ships(&mut self, who: Who) -> Result<(), String> {
        for _ in 0..4 {
            let Some(node) = self.regions[who.region].get_mut(who) else { return Ok(()) };
            let Some(sender) = &mut node.line.sender else { return Ok(()) };
            if let Err(end) = sender.check(self.now) {
                return self.line_ends(who, &end);
            }
            if !sender.is_ready(self.now) {
                break;
            }
            let resends = sender.carry().resends;
            let polled = sender.poll(self.now);
            if sender.carry().resends > resends {
                self.tally.count("line: shipped again");
            }
            match polled {
                Ok(Some(message)) => {
                    node.line.to_centre.put(message, self.now, self.faults, &mut self.dice, &mut self.tally);
                }
                Ok(None) => {}
                Err(end) => return self.line_ends(who, &end),
            }
        }
        loop {
            let Some(node) = self.regions[who.region].get_mut(who) else { return Ok(()) };
            let Some(sender) = &mut node.line.sender else { return Ok(()) };
            let Some(message) = node.line.to_region.take(self.now) else { break };
            if let Err(end) = sender.receive(self.now, &message) {
                return self.line_ends(who, &end);
            }
        }
        self.centre_has(who);
        self.fence_is_lifted(who)?;
        let at_end = self.regions[who.region].get(who).is_some_and(|node| node.line.to_region.at_end());
        if at_end { self.line_ends(who, &End::Closed("end of stream".to_owned())) } else { Ok(()) }
    }

    /// What the centre has need not be kept for it.
    fn centre_has(&self, who: Who) {
        let Some(node) = self.regions[who.region].get(who) else { return };
        if let (Some(engine), Some(sender)) = (&node.engine, &node.line.sender)
            && sender.is_agreed()
        {
            engine.handle().centre_has(sender.acknowledged().sequence);
        }
    }

    /// The node's session is over.
    fn line_ends(&mut self, who: Who, end: &End) -> Result<(), String> {
        let Some(node) = self.regions[who.region].get_mut(who) else { return Ok(()) };
        let Some(sender) = node.line.sender.take() else { return Ok(()) };
        let fence = match end {
            End::Fenced(fence) => Some(fence.clone()),
            _ => sender.own_fence().cloned(),
        };
        self.tally.count(match end {
            End::Silence(_) => "line: silence",
            End::Stalled(_) => "line: stalled",
            End::Frame(_) => "line: damaged message",
            End::Bye(..) => "line: told bye",
            End::Refused(_) => "line: refused",
            End::Fenced(_) => "line: fenced",
            _ => "line: closed",
        });
        node.line.carry = sender.into_parts().1;
        if let Some(word) = end.last_word() {
            node.line.to_centre.put(word, self.now, self.faults, &mut self.dice, &mut self.tally);
        }
        node.line.to_centre.closed = true;
        let pause = if fence.is_some() { 3_000 + self.dice.below(4_000) } else { self.dice.below(2_000) };
        node.line.dial_at = self.now + Duration::from_millis(pause);
        fence.map_or(Ok(()), |fence| self.is_fenced(who, &fence))
    }

    /// The centre's word that this history goes on elsewhere reaches the engine.
    fn is_fenced(&mut self, who: Who, fence: &Fence) -> Result<(), String> {
        let region = &mut self.regions[who.region];
        // A rotten log is no reason: it is named as what it is.
        if !who.rival && region.fork.is_none() {
            return Err(format!("the region was fenced without a reason: {fence:?}"));
        }
        self.tally.count(match fence.reason {
            FenceReason::EpochSuperseded => "fence: its epoch was over",
            FenceReason::BehindCentre => "fence: an older copy",
            FenceReason::OtherHistory => "fence: another history",
            FenceReason::EpochNotGranted => "fence: an epoch never granted",
        });
        self.tally.count(if who.rival { "fence: of another node" } else { "fence: of the region's node" });
        let Some(node) = region.get_mut(who) else { return Ok(()) };
        let Some(engine) = &node.engine else { return Ok(()) };
        match engine.handle().fence(Some(fence.detail.as_str().into())) {
            Ok(()) => node.fence_kept = true,
            Err(_) if node.fault_planned || is_full(&node.fs) => self.tally.count("fence: not written down"),
            Err(error) => return Err(format!("a fence can't be written down on a healthy disk: {error}")),
        }
        Ok(())
    }

    /// Only a centre that accepts a node lifts its fence.
    fn fence_is_lifted(&mut self, who: Who) -> Result<(), String> {
        let Some(node) = self.regions[who.region].get_mut(who) else { return Ok(()) };
        let is_agreed = node.line.sender.as_ref().is_some_and(|sender| sender.is_agreed());
        if !is_agreed || !node.is_fenced() {
            return Ok(());
        }
        let Some(engine) = &node.engine else { return Ok(()) };
        match engine.handle().fence(None) {
            Ok(()) => {
                node.fence_kept = false;
                self.tally.count("fence: lifted");
                Ok(())
            }
            Err(_) if node.fault_planned || is_full(&node.fs) => {
                node.fence_kept = false;
                Ok(())
            }
            Err(error) => Err(format!("a fence can't be lifted on a healthy disk: {error}")),
        }
    }

    pub fn centre_hears(&mut self, who: Who) {
        loop {
            let Some(line) = self.regions[who.region].get_mut(who).map(|node| &mut node.line) else { return };
            let Some(receiver) = &mut line.receiver else { return };
            let Some(message) = line.to_centre.take(self.now) else { break };
            line.bytes_read += message.len() as u64;
            receiver.heard(self.now, line.bytes_read);
            if let Err(end) = receiver.receive(self.now, &message) {
                return self.centre_ends(who, &end);
            }
        }
        if self.dice.one_in(4) {
            return;
        }
        let Some(line) = self.regions[who.region].get_mut(who).map(|node| &mut node.line) else { return };
        let Some(receiver) = &mut line.receiver else { return };
        let before = receiver.position();
        if let Err(end) = receiver.settle() {
            return self.centre_ends(who, &end);
        }
        if self.dies_unacknowledged && receiver.position() != before {
            self.tally.count("centre: died between append and acknowledgement");
            let policy = self.some_policy();
            return self.centre_dies(policy);
        }
        if line.to_centre.at_end() {
            self.centre_ends(who, &End::Closed("end of stream".to_owned()));
        }
    }

    pub fn centre_answers(&mut self, who: Who) {
        loop {
            let Some(line) = self.regions[who.region].get_mut(who).map(|node| &mut node.line) else { return };
            let Some(receiver) = &mut line.receiver else { return };
            if let Err(end) = receiver.check(self.now) {
                return self.centre_ends(who, &end);
            }
            let Some(message) = receiver.poll(self.now) else { return };
            self.say(who, message);
        }
    }

    fn say(&mut self, who: Who, message: Bytes) {
        let region = &mut self.regions[who.region];
        match Message::decode(&message) {
            Ok(Message::Ack(at)) if at.sequence > region.acknowledged.sequence => region.acknowledged = at,
            Ok(Message::SnapshotAnswer { wanted: true, .. }) => self.tally.count("snapshot: wanted"),
            _ => {}
        }
        let Some(node) = region.get_mut(who) else { return };
        node.line.to_region.put(message, self.now, self.faults, &mut self.dice, &mut self.tally);
    }

    fn centre_ends(&mut self, who: Who, end: &End) {
        let Some(line) = self.regions[who.region].get_mut(who).map(|node| &mut node.line) else { return };
        let Some(mut receiver) = line.receiver.take() else { return };
        while let Some(message) = receiver.poll(Duration::ZERO) {
            self.say(who, message);
        }
        if matches!(end, End::Left(ByeReason::Busy, _)) {
            self.tally.count("centre: busy");
        }
        if let Some(node) = self.regions[who.region].get_mut(who) {
            node.line.to_region.closed = true;
        }
    }
}
