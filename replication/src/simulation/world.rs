//! A region, a centre and a line between them, moved in small steps by a seed. After every step what must always hold is
//! checked; [`run`] ends the faults after a while and then demands that everything arrives.

use std::collections::HashSet;
use std::time::Duration;

use bytes::Bytes;

use super::dice::Dice;
use super::tally::Tally;
use super::wire::{Direction, Faults};
use crate::doubles::{Centre, CentreSink, Group, Log, LogSource, Shared, lock, shared};
use crate::end::End;
use crate::frame::{FrameError, Message};
use crate::plant::Plant;
use crate::point::{FenceReason, Point};
use crate::receiver::{Receiver, ReceiverOptions};
use crate::sender::{Carry, Sender, SenderOptions};

/// What happens to the histories, beside all that happens to the line.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Scenario {
    /// Nothing: everything has to arrive.
    Normal,
    /// The region goes on from an old copy of its log: it has to be fenced.
    OldCopy,
    /// A later epoch is granted.
    Superseded,
    /// The region claims an epoch that nobody granted.
    NotGranted,
}

pub struct World {
    pub dice: Dice,
    pub tally: Tally,
    pub scenario: Scenario,
    pub now: Duration,
    pub faults: Faults,
    pub(super) log: Shared<Log>,
    pub(super) centre: Shared<Centre>,
    pub(super) sender: Option<Sender<LogSource>>,
    pub(super) receiver: Option<Receiver<CentreSink>>,
    pub(super) to_centre: Direction,
    pub(super) to_region: Direction,
    pub(super) carry: Carry,
    pub(super) epoch: u32,
    pub(super) dial_at: Duration,
    pub(super) centre_up_at: Duration,
    pub(super) frozen_until: Duration,
    /// The centre lives and reads nothing.
    pub(super) choked_until: Duration,
    pub(super) trims: bool,
    /// Everything that was ever committed by the history that the centre follows.
    pub(super) history: Vec<Group>,
    /// Whether commits belong to it.
    pub(super) genuine: bool,
    pub(super) fenced: Option<FenceReason>,
    durable_ever: HashSet<Point>,
    checked: usize,
    bytes_read: u64,
    window: usize,
    plant: Plant,
}

impl World {
    pub fn new(seed: u64, plant: Plant) -> Self {
        let mut dice = Dice::new(seed);
        let scenario = match dice.below(10) {
            0 | 1 => Scenario::OldCopy,
            2 => Scenario::Superseded,
            3 => Scenario::NotGranted,
            _ => Scenario::Normal,
        };
        // Half of the lines are good or have one illness; the rest have everything.
        let mut faults = Faults { drop: 60, duplicate: 20, reorder: 40, cut: 80, flip: 60, delay: 20 };
        match dice.below(8) {
            0 => faults = Faults::default(),
            1 => faults = Faults { duplicate: 3, ..Faults::default() },
            2 => faults = Faults { flip: 25, ..Faults::default() },
            3 => faults = Faults { delay: 4, reorder: 10, ..Faults::default() },
            _ => {}
        }
        let centre = Centre { trusting: plant != Plant::Nothing || dice.one_in(3), ..Centre::default() };
        Self {
            trims: scenario == Scenario::Normal && !centre.trusting && dice.below(3) > 0,
            window: [4 << 10, 32 << 10, 8 << 20][dice.index(3)],
            dice,
            tally: Tally::default(),
            scenario,
            now: Duration::ZERO,
            faults,
            log: shared(Log::default()),
            centre: shared(centre),
            sender: None,
            receiver: None,
            to_centre: Direction::default(),
            to_region: Direction::default(),
            carry: Carry::default(),
            epoch: 1,
            dial_at: Duration::ZERO,
            centre_up_at: Duration::ZERO,
            frozen_until: Duration::ZERO,
            choked_until: Duration::ZERO,
            history: Vec::new(),
            genuine: true,
            fenced: None,
            durable_ever: HashSet::from([Point::ORIGIN]),
            checked: 0,
            bytes_read: 0,
            plant,
        }
    }

    /// The region commits a group.
    pub fn commit(&mut self) {
        let bytes = if self.dice.one_in(30) { 20_000 } else { 1_500 };
        let payload = if self.dice.one_in(2) {
            let bytes = self.dice.index(bytes);
            self.dice.bytes(bytes)
        } else {
            vec![0; self.dice.index(bytes)]
        };
        let count = 1 + self.dice.below(9) as u32;
        let mut log = lock(&self.log);
        log.commit(self.epoch, count, &payload);
        if self.genuine {
            self.history.extend(log.groups.last().cloned());
        }
    }

    /// Lets some time pass and does what has come due.
    pub fn step(&mut self) -> Result<(), String> {
        self.advance();
        self.dial();
        self.region_works();
        self.region_hears();
        if self.now >= self.frozen_until {
            if self.now >= self.choked_until {
                self.centre_hears();
            } else if let Some(receiver) = &mut self.receiver {
                receiver.heard(self.now, 0); // who doesn't listen can't complain of silence
            }
            self.centre_works();
        }
        self.check()
    }

    fn advance(&mut self) {
        let sender_ready = self.sender.as_ref().is_some_and(|sender| sender.is_ready(self.now));
        let mut soonest = self.now + Duration::from_micros(self.dice.below(30_000));
        if !sender_ready && self.dice.one_in(2) {
            let frozen = (self.frozen_until > self.now).then_some(self.frozen_until);
            let choked = self.choked_until.max(self.frozen_until);
            let awake = |at: Option<Duration>| at.map(|at| frozen.map_or(at, |until| at.max(until)));
            let next = [
                self.to_centre.next_at().map(|at| at.max(choked)),
                self.to_region.next_at(),
                self.sender.as_ref().map(|sender| sender.poll_at().min(sender.deadline())),
                awake(self.receiver.as_ref().map(|receiver| receiver.poll_at().min(receiver.deadline()))),
                self.sender.is_none().then_some(self.dial_at.max(self.centre_up_at)),
            ];
            soonest = next.into_iter().flatten().min().unwrap_or(soonest).max(self.now + Duration::from_micros(100));
        }
        self.now = soonest;
    }

    fn dial(&mut self) {
        if self.sender.is_some() || self.now < self.dial_at {
            return;
        }
        if self.now < self.centre_up_at {
            self.tally.count("found nobody");
            self.dial_at = self.now + Duration::from_millis(self.dice.below(2_000));
            return;
        }
        let options = SenderOptions { window: self.window, ..SenderOptions::default() };
        let source = LogSource::new(&self.log, self.epoch, 1);
        let mut sender = Sender::new(source, options, self.carry, self.now);
        let mut receiver = Receiver::new(CentreSink(self.centre.clone()), ReceiverOptions::default(), self.now);
        (sender.plant, receiver.plant) = (self.plant, self.plant);
        self.sender = Some(sender);
        self.receiver = Some(receiver);
        self.to_centre = Direction::default();
        self.to_region = Direction::default();
        self.bytes_read = 0;
        self.tally.count("connected");
    }

    fn send(&mut self, message: Bytes) {
        self.to_centre.put(message, self.now, self.faults, &mut self.dice, &mut self.tally);
    }

    fn answer(&mut self, message: Bytes) {
        self.to_region.put(message, self.now, self.faults, &mut self.dice, &mut self.tally);
    }

    fn region_works(&mut self) {
        let Some(sender) = &mut self.sender else { return };
        if let Err(end) = sender.check(self.now) {
            return self.region_ends(end);
        }
        // Not more than a few, so that faults come in between.
        for _ in 0..4 {
            let Some(sender) = self.sender.as_mut().filter(|sender| sender.is_ready(self.now)) else { return };
            let resends = sender.carry().resends;
            let polled = sender.poll(self.now);
            if sender.carry().resends > resends {
                self.tally.count("shipped again");
            }
            match polled {
                Ok(Some(message)) => self.send(message),
                Ok(None) => {}
                Err(end) => return self.region_ends(end),
            }
        }
    }

    fn region_hears(&mut self) {
        while self.sender.is_some() {
            let Some(message) = self.to_region.take(self.now) else { break };
            let Some(sender) = &mut self.sender else { break };
            if let Err(end) = sender.receive(self.now, &message) {
                return self.region_ends(end);
            }
        }
        if self.sender.is_some() && self.to_region.at_end() {
            self.region_ends(End::Closed("end of stream".to_owned()));
        }
    }

    /// The region's session is over.
    pub(super) fn region_ends(&mut self, end: End) {
        let Some(sender) = self.sender.take() else { return };
        self.tally.count(ending(&end));
        let own = sender.own_fence().map(|fence| fence.reason);
        self.carry = sender.into_parts().1;
        let mut pause = self.dice.below(2_000);
        if let End::Fenced(fence) = &end {
            self.fenced = Some(fence.reason);
            self.tally.count(fence_name(fence.reason));
            pause = 5_000 + self.dice.below(25_000);
        } else if let Some(reason) = own {
            self.fenced = Some(reason);
            self.tally.count("fenced itself");
        }
        if let Some(word) = end.last_word() {
            self.send(word);
        }
        self.to_centre.closed = true;
        self.dial_at = self.now + Duration::from_millis(pause);
    }

    fn centre_hears(&mut self) {
        let mut groups = 0;
        while self.receiver.is_some() {
            let Some(message) = self.to_centre.take(self.now) else { break };
            let Some(receiver) = &mut self.receiver else { break };
            self.bytes_read += message.len() as u64;
            receiver.heard(self.now, self.bytes_read);
            let gathered = receiver.gathered_bytes();
            let received = receiver.receive(self.now, &message);
            groups += u64::from(receiver.gathered_bytes() > gathered);
            if let Err(end) = received {
                return self.centre_ends(end);
            }
            if groups > 1 {
                self.tally.count("several messages settled at once");
            }
        }
        let settles = self.dice.below(4) > 0;
        let Some(receiver) = self.receiver.as_mut().filter(|_| settles) else { return };
        if let Err(end) = receiver.settle() {
            return self.centre_ends(end);
        }
        if self.to_centre.at_end() {
            self.centre_ends(End::Closed("end of stream".to_owned()));
        }
    }

    fn centre_works(&mut self) {
        let Some(receiver) = &mut self.receiver else { return };
        if let Err(end) = receiver.check(self.now) {
            return self.centre_ends(end);
        }
        while let Some(message) = self.receiver.as_mut().and_then(|receiver| receiver.poll(self.now)) {
            self.answer(message);
        }
    }

    /// The centre's session is over; its last words go out.
    pub(super) fn centre_ends(&mut self, end: End) {
        let Some(mut receiver) = self.receiver.take() else { return };
        self.tally.count(ending(&end));
        while let Some(message) = receiver.poll(Duration::ZERO) {
            self.answer(message);
        }
        self.to_region.closed = true;
        if matches!(&end, End::Left(_, text) if text == "killed") {
            self.tally.count("killed inside an append");
            self.centre_dies();
        }
    }

    /// kill -9 and a power cut: what isn't synced may be lost, from the end.
    pub(super) fn centre_dies(&mut self) {
        self.receiver = None;
        let mut centre = lock(&self.centre);
        let unsynced = centre.log.groups.len() - centre.log.durable;
        if unsynced > 0 {
            let kept = centre.log.durable + self.dice.index(unsynced + 1);
            if kept < centre.log.groups.len() {
                self.tally.count("lost what wasn't synced");
            }
            centre.log.groups.truncate(kept);
            centre.log.durable = kept; // it is synced when the log is opened again
        }
        centre.append_dies_after = None;
        drop(centre);
        self.checked = 0;
        self.to_region.tear(&mut self.dice);
        self.to_centre.tear(&mut self.dice);
        self.centre_up_at = self.now + Duration::from_millis(self.dice.below(5_000));
    }

    /// Somebody changed the centre's log otherwise: everything is looked at anew.
    pub(super) fn recheck(&mut self) {
        self.checked = 0;
    }

    /// What must hold after every step.
    fn check(&mut self) -> Result<(), String> {
        let centre = lock(&self.centre);
        if self.checked > centre.log.groups.len() || centre.log.groups.is_empty() {
            self.checked = 0;
        }
        let mut before = self.checked.checked_sub(1).map_or(centre.log.base, |at| centre.log.groups[at].last);
        for group in &centre.log.groups[self.checked..] {
            if group.first != before.sequence + 1 || group.previous != before.hash {
                return Err(format!("the centre has {}… after {before:?}: twice, out of order or a gap", group.first));
            }
            let ours = self.history.binary_search_by_key(&group.first, |group| group.first);
            if ours.ok().map(|at| &self.history[at]) != Some(group) {
                return Err(format!("the centre has a group at {} that isn't of this history", group.first));
            }
            before = group.last;
        }
        self.checked = centre.log.groups.len();
        self.durable_ever.insert(centre.log.base);
        self.durable_ever
            .extend(centre.log.groups.iter().take(centre.log.durable).rev().take(64).map(|group| group.last));
        let acknowledged = self.sender.as_ref().map_or(Point::ORIGIN, Sender::acknowledged);
        if !self.durable_ever.contains(&acknowledged) {
            return Err(format!("the region believes that {acknowledged:?} is synced, and it never was"));
        }
        Ok(())
    }

    /// Everything has arrived, or the fence has.
    pub fn is_settled(&self) -> bool {
        match self.scenario {
            Scenario::Normal => {
                let (log, centre) = (lock(&self.log), lock(&self.centre));
                let acknowledged = self.sender.as_ref().map(Sender::acknowledged);
                log.end() == centre.log.durable_end()
                    && acknowledged == Some(log.end())
                    && log.snapshot.is_none_or(|snapshot| centre.snapshots.contains(&snapshot))
            }
            Scenario::OldCopy => self.genuine || self.fenced.is_some(),
            Scenario::Superseded => self.fenced == Some(FenceReason::EpochSuperseded),
            Scenario::NotGranted => self.fenced == Some(FenceReason::EpochNotGranted),
        }
    }

    /// A forged message from the centre.
    pub(super) fn forge(&mut self, message: Bytes) {
        self.to_region.inject(message, self.now);
    }
}

fn ending(end: &End) -> &'static str {
    match end {
        End::Fenced(_) => "ended: fenced",
        End::Refused(_) => "ended: refused",
        End::Bye(..) => "ended: told bye",
        End::Left(..) => "ended: left",
        End::Silence(_) => "ended: silence",
        End::Stalled(_) => "ended: stalled",
        End::Frame(FrameError::Version { .. }) => "ended: foreign version",
        End::Frame(_) => "ended: damaged message",
        End::Protocol(text) if text.contains("acknowledged") => "ended: acknowledgement not believed",
        End::Protocol(text) if text.contains("continue") => "ended: gap",
        End::Protocol(_) => "ended: against the protocol",
        End::Source(_) => "ended: source",
        End::Closed(_) => "ended: closed",
    }
}

fn fence_name(reason: FenceReason) -> &'static str {
    match reason {
        FenceReason::EpochSuperseded => "fenced: superseded",
        FenceReason::BehindCentre => "fenced: behind the centre",
        FenceReason::OtherHistory => "fenced: another history",
        FenceReason::EpochNotGranted => "fenced: not granted",
    }
}

/// The message with another version, its checksum right.
pub(super) fn foreign(message: &Message) -> Bytes {
    let mut bytes = message.encode().to_vec();
    bytes.truncate(bytes.len() - 16);
    bytes[4] = 9;
    let check = blake3::hash(&bytes);
    bytes.extend_from_slice(&check.as_bytes()[..16]);
    bytes.into()
}
