//! A region, a centre and a line between them, moved in small steps by a seed.

use std::time::Duration;

use bytes::Bytes;
use qucan::node::LogSource;
use qucan_replication::frame::Message;
use qucan_replication::receiver::{Receiver, ReceiverOptions};
use qucan_replication::sender::{Carry, Sender, SenderOptions};
use qucan_replication::simulation::{Dice, Direction, Faults, Tally};
use qucan_replication::{End, Plant, Point};
use qucan_storage::Sequence;
use qucan_storage::fs::{CrashPolicy, SimFs};

use crate::centre::{Centre, CentreSink};
use crate::crowd::Crowd;
use crate::plants::Bug;
use crate::region::{Region, point};

pub struct World {
    pub dice: Dice,
    pub tally: Tally,
    pub now: Duration,
    pub faults: Faults,
    pub region: Region,
    pub centre: Centre,
    pub crowd: Crowd,
    pub sender: Option<Sender<LogSource>>,
    pub receiver: Option<Receiver<CentreSink>>,
    pub to_centre: Direction,
    pub to_region: Direction,
    pub backup: Option<SimFs>,
    /// What the centre has said it has synced.
    pub acknowledged: Point,
    /// The centre reads and applies nothing until then.
    pub frozen_until: Duration,
    /// The store can't be reached until then.
    pub store_away_until: Duration,
    /// The centre dies after its next append, before it can say so.
    pub dies_unacknowledged: bool,
    dial_at: Duration,
    carry: Carry,
    bytes_read: u64,
    window: usize,
    bug: Bug,
}

impl World {
    pub fn new(seed: u64, bug: Bug) -> Self {
        let mut dice = Dice::new(seed);
        // Half of the lines are good or have one illness; the rest have everything.
        let faults = match dice.below(8) {
            0 | 1 => Faults::default(),
            2 => Faults { duplicate: 4, ..Faults::default() },
            3 => Faults { flip: 30, ..Faults::default() },
            4 => Faults { delay: 5, reorder: 12, ..Faults::default() },
            _ => Faults { drop: 60, duplicate: 20, reorder: 40, cut: 80, flip: 60, delay: 20 },
        };
        let (region_every, centre_every) = (20 + dice.below(120), 15 + dice.below(150));
        let (region, centre) = (Region::new(seed, region_every), Centre::new(seed, centre_every));
        bug.plant(&region.fs, &centre.fs, &centre.store);
        Self {
            window: [4 << 10, 32 << 10, 8 << 20][dice.index(3)],
            dice,
            tally: Tally::default(),
            now: Duration::ZERO,
            faults,
            region,
            centre,
            crowd: Crowd::default(),
            sender: None,
            receiver: None,
            to_centre: Direction::default(),
            to_region: Direction::default(),
            backup: None,
            acknowledged: Point::ORIGIN,
            frozen_until: Duration::ZERO,
            store_away_until: Duration::ZERO,
            dies_unacknowledged: false,
            dial_at: Duration::ZERO,
            carry: Carry::default(),
            bytes_read: 0,
            bug,
        }
    }

    /// Lets some time pass and does what has come due.
    pub fn step(&mut self) -> Result<(), String> {
        self.advance();
        self.region_decides()?;
        self.dial();
        self.region_ships()?;
        self.centre_lives()?;
        if self.now >= self.frozen_until {
            self.centre_hears();
            self.centre_answers();
            self.centre_applies()?;
        }
        let wrong = self.centre.store.rows().wrong.take();
        wrong.map_or(Ok(()), Err)
    }

    fn advance(&mut self) {
        let mut at = self.now + Duration::from_micros(self.dice.below(60_000));
        if self.dice.one_in(2) {
            let thaws = self.frozen_until;
            let next = [
                self.to_centre.next_at().map(|at| at.max(thaws)),
                self.to_region.next_at(),
                // Before the next heartbeat is due.
                self.sender.is_some().then_some(self.now + Duration::from_millis(900)),
                self.sender.is_none().then_some(self.dial_at.max(self.centre.up_at).max(self.region.up_at)),
            ];
            at = next.into_iter().flatten().min().unwrap_or(at).max(self.now + Duration::from_micros(100));
        }
        self.now = at;
        self.region.clock.set(at);
        self.centre.clock.set(at);
    }

    fn region_decides(&mut self) -> Result<(), String> {
        if self.region.engine.is_none() {
            if self.now < self.region.up_at {
                return Ok(());
            }
            if !self.region.start()? {
                self.tally.count("region: failed to start");
                self.region_dies(None);
                return Ok(());
            }
        }
        let Some(engine) = &mut self.region.engine else { return Ok(()) };
        let before = engine.last();
        let stepped = engine.step();
        let moved = engine.last() != before;
        self.crowd.listen(&self.region, &mut self.tally)?;
        if let Err(why) = stepped {
            if !self.region.fault_planned {
                return Err(format!("the region failed on a healthy disk: {why}"));
            }
            self.tally.count("region: disk failed under it");
            let policy = self.some_policy();
            self.region_dies(policy);
        } else if moved && self.region.engine.as_ref().is_some_and(|engine| engine.handle().status().snapshot_at > 0) {
            self.tally.count("region: has a snapshot");
        }
        Ok(())
    }

    /// The power is cut, or (`None`) the process killed.
    pub fn region_dies(&mut self, policy: Option<CrashPolicy>) {
        end_process(&self.region.fs, policy);
        self.region.engine = None;
        self.region.fault_planned = false;
        self.bug.plant_disk(&self.region.fs);
        self.crowd.hung_up(&mut self.tally);
        self.sender = None;
        self.carry = Carry::default();
        self.to_centre.tear(&mut self.dice);
        self.dial_at = self.now;
        self.region.up_at = self.now + Duration::from_millis(self.dice.below(3_000));
    }

    pub fn centre_dies(&mut self, policy: Option<CrashPolicy>) {
        if let (Some(received), Some(stepped)) = (self.centre.received(), &self.centre.stepped)
            && received.sequence > stepped.applier().published().sequence
        {
            self.tally.count("centre: died with entries not applied");
        }
        end_process(&self.centre.fs, policy);
        self.receiver = None;
        (self.centre.stepped, self.centre.region) = (None, None);
        self.centre.fault_planned = false;
        self.dies_unacknowledged = false;
        self.to_region.tear(&mut self.dice);
        self.to_centre.tear(&mut self.dice);
        self.centre.up_at = self.now + Duration::from_millis(self.dice.below(4_000));
    }

    /// A process kill, or a power cut that drops, keeps or tears what wasn't synced.
    pub fn some_policy(&mut self) -> Option<CrashPolicy> {
        let (policy, name) = match self.dice.below(6) {
            0 | 1 => (None, "process killed"),
            2 => (Some(CrashPolicy::DropUnsynced), "power cut: nothing unsynced kept"),
            3 => (Some(CrashPolicy::KeepUnsynced), "power cut: everything kept"),
            _ => (Some(CrashPolicy::Random(self.dice.next())), "power cut: blocks kept, lost or torn"),
        };
        self.tally.count(name);
        policy
    }

    fn dial(&mut self) {
        if self.sender.is_some() || self.now < self.dial_at {
            return;
        }
        let (Some(source), Some(sink)) = (self.region.source(), self.centre.sink()) else {
            self.dial_at = self.now + Duration::from_millis(self.dice.below(1_500));
            return self.tally.count("line: found nobody");
        };
        let options = SenderOptions { window: self.window, ..SenderOptions::default() };
        let mut receiver = Receiver::new(sink, ReceiverOptions::default(), self.now);
        if self.bug == Bug::AcknowledgedBeforeSync {
            receiver.plant = Plant::AckBeforeSync;
        }
        self.sender = Some(Sender::new(source, options, self.carry, self.now));
        self.receiver = Some(receiver);
        (self.to_centre, self.to_region) = (Direction::default(), Direction::default());
        self.bytes_read = 0;
        self.tally.count("line: connected");
    }

    fn send(&mut self, message: Bytes) {
        self.to_centre.put(message, self.now, self.faults, &mut self.dice, &mut self.tally);
    }

    fn region_ships(&mut self) -> Result<(), String> {
        for _ in 0..4 {
            let Some(sender) = &mut self.sender else { return Ok(()) };
            if let Err(end) = sender.check(self.now) {
                return self.line_ends(&end);
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
                Ok(Some(message)) => self.send(message),
                Ok(None) => {}
                Err(end) => return self.line_ends(&end),
            }
        }
        while self.sender.is_some() {
            let Some(message) = self.to_region.take(self.now) else { break };
            if let Some(Err(end)) = self.sender.as_mut().map(|sender| sender.receive(self.now, &message)) {
                return self.line_ends(&end);
            }
        }
        if self.sender.is_some() && self.to_region.at_end() {
            return self.line_ends(&End::Closed("end of stream".to_owned()));
        }
        Ok(())
    }

    /// The region's session is over. Nothing that can happen here is a reason for a fence.
    fn line_ends(&mut self, end: &End) -> Result<(), String> {
        let Some(sender) = self.sender.take() else { return Ok(()) };
        if let End::Fenced(fence) = end {
            return Err(format!("the region was fenced: {fence:?}"));
        }
        if let Some(fence) = sender.own_fence() {
            return Err(format!("the region fenced itself: {fence:?}"));
        }
        self.tally.count(match end {
            End::Silence(_) => "line: silence",
            End::Stalled(_) => "line: stalled",
            End::Frame(_) => "line: damaged message",
            End::Bye(..) => "line: told bye",
            End::Refused(_) => "line: refused",
            _ => "line: closed",
        });
        self.carry = sender.into_parts().1;
        if let Some(word) = end.last_word() {
            self.send(word);
        }
        self.to_centre.closed = true;
        self.dial_at = self.now + Duration::from_millis(self.dice.below(2_000));
        Ok(())
    }

    fn centre_lives(&mut self) -> Result<(), String> {
        let failed = self.centre.region.as_ref().is_some_and(|region| region.replica().failure().is_some());
        if failed {
            if !self.centre.fault_planned {
                return Err("the centre's log failed on a healthy disk".to_owned());
            }
            self.tally.count("centre: disk failed under it");
            let policy = self.some_policy();
            self.centre_dies(policy);
        }
        if self.centre.region.is_some() || self.now < self.centre.up_at {
            return Ok(());
        }
        if !self.centre.start()? {
            self.tally.count("centre: failed to start");
            self.centre_dies(None);
            return Ok(());
        }
        let Some(region) = &self.centre.region else { return Ok(()) };
        let at = self.acknowledged;
        let here = region.replica().position_at(Sequence(at.sequence)).map_err(|error| error.to_string())?;
        if here.map(point) != Some(at) {
            return Err(format!("the centre acknowledged {at:?} and has {here:?} there after a restart"));
        }
        Ok(())
    }

    fn centre_hears(&mut self) {
        while let Some(receiver) = &mut self.receiver {
            let Some(message) = self.to_centre.take(self.now) else { break };
            self.bytes_read += message.len() as u64;
            receiver.heard(self.now, self.bytes_read);
            if let Err(end) = receiver.receive(self.now, &message) {
                return self.centre_ends(&end);
            }
        }
        if self.dice.one_in(4) {
            return;
        }
        let Some(receiver) = &mut self.receiver else { return };
        let before = receiver.position();
        if let Err(end) = receiver.settle() {
            return self.centre_ends(&end);
        }
        if self.dies_unacknowledged && receiver.position() != before {
            self.tally.count("centre: died between append and acknowledgement");
            let policy = self.some_policy();
            return self.centre_dies(policy);
        }
        if self.to_centre.at_end() {
            self.centre_ends(&End::Closed("end of stream".to_owned()));
        }
    }

    fn centre_answers(&mut self) {
        let Some(receiver) = &mut self.receiver else { return };
        if let Err(end) = receiver.check(self.now) {
            return self.centre_ends(&end);
        }
        while let Some(message) = self.receiver.as_mut().and_then(|receiver| receiver.poll(self.now)) {
            self.say(message);
        }
    }

    fn say(&mut self, message: Bytes) {
        match Message::decode(&message) {
            Ok(Message::Ack(at)) if at.sequence > self.acknowledged.sequence => self.acknowledged = at,
            Ok(Message::SnapshotAnswer { wanted: true, .. }) => self.tally.count("snapshot: wanted"),
            _ => {}
        }
        self.to_region.put(message, self.now, self.faults, &mut self.dice, &mut self.tally);
    }

    fn centre_ends(&mut self, end: &End) {
        let Some(mut receiver) = self.receiver.take() else { return };
        while let Some(message) = receiver.poll(Duration::ZERO) {
            self.say(message);
        }
        if matches!(end, End::Left(qucan_replication::frame::ByeReason::Busy, _)) {
            self.tally.count("centre: busy");
        }
        self.to_region.closed = true;
    }

    fn centre_applies(&mut self) -> Result<(), String> {
        if self.now < self.store_away_until || self.dice.one_in(3) {
            return Ok(());
        }
        let most = if self.dice.one_in(3) { 3 } else { 60 };
        let entries = 1 + self.dice.index(most);
        let Some(stepped) = &mut self.centre.stepped else { return Ok(()) };
        match stepped.step(entries) {
            Ok(true) => {}
            Ok(false) => {
                if self.centre.store.rows().dead {
                    self.tally.count("centre: died around a store batch");
                } else {
                    self.tally.count("store: found wiped, the centre starts again");
                }
                let policy = self.some_policy();
                self.centre_dies(policy);
            }
            Err(_) if self.centre.fault_planned => self.tally.count("centre: applying waits for the disk"),
            Err(error) => return Err(format!("the centre can't apply: {error}")),
        }
        Ok(())
    }

    /// Everything has arrived, was applied, and the region knows it.
    pub fn is_settled(&self) -> bool {
        let (Some(head), Some(received)) = (self.region.last(), self.centre.received()) else { return false };
        let applied = self.centre.stepped.as_ref().map(|stepped| stepped.applier().published());
        let acknowledged = self.sender.as_ref().map(Sender::acknowledged);
        received == head && applied == Some(head) && acknowledged == Some(point(head))
    }
}

/// Ends everything that a process has open, before what it was is dropped.
fn end_process(fs: &SimFs, policy: Option<CrashPolicy>) {
    match policy {
        Some(policy) => fs.crash(policy),
        None => fs.kill(),
    }
    fs.set_capacity(None);
}
