//! Regions, a centre and the lines between them, moved in small steps by a seed.
//!
//! Two modes. *Liveness*: faults that a system gets over by itself (kills, power cuts, failing and full disks, bad lines,
//! a lost or broken projection, a store that is away or wiped, jumping clocks, pauses, nights; logs that are trimmed, and a
//! centre that is away until it needs a seed); once they end everything has to arrive and people have to be served, with
//! nobody's help. *Safety*: besides (but for trimmed logs), what asks for a person: bits that flip on both sides' disks, lost
//! disks, an old copy started, two nodes of one region at once, a restore under the next epoch while the lost node comes
//! back. Nothing wrong may be claimed and nothing acknowledged silently lost. There an operator restores what refuses to go
//! on, and where both copies of a history are rotten the run ends, as long as both say so.

use std::time::Duration;

use qucan_replication::sender::Carry;
use qucan_replication::simulation::{Dice, Faults, Tally};
use qucan_storage::fs::{CrashPolicy, SimFs};

use crate::centre::Centre;
use crate::node::Started;
use crate::operator;
use crate::plants::Bug;
use crate::projection;
use crate::region::{Region, Who};

/// Which faults there are, and what is asked for afterwards.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    Liveness,
    Safety,
}

pub struct World {
    pub mode: Mode,
    pub dice: Dice,
    pub tally: Tally,
    pub now: Duration,
    pub faults: Faults,
    pub regions: Vec<Region>,
    pub centre: Centre,
    pub backup: Option<SimFs>,
    /// The centre reads and applies nothing until then.
    pub frozen_until: Duration,
    /// The store can't be reached until then.
    pub store_away_until: Duration,
    /// The centre dies after its next append, before it can say so.
    pub dies_unacknowledged: bool,
    /// Nights that have passed.
    pub nights: i64,
    /// Why nobody can go on: no copy of a history is left that can be read.
    pub dead_end: Option<String>,
    pub window: usize,
    pub bug: Bug,
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
        let names: &[&str] = if dice.one_in(5) { &["east", "south"] } else { &["east"] };
        let mut regions = Vec::new();
        for (index, name) in (0..).zip(names) {
            regions.push(Region::new(name, seed ^ index << 32, 20 + dice.below(120)));
        }
        let centre = Centre::new(!seed, names, 15 + dice.below(150));
        let mode = if bug.needs_safety() || seed % 8 >= 4 { Mode::Safety } else { Mode::Liveness };
        // A restore from a trimmed copy begins with a snapshot; that is for a test of its own.
        let trims = mode == Mode::Liveness && dice.one_in(3);
        if trims {
            regions.iter_mut().for_each(|region| region.node.trims((90 + dice.below(90)) << 10));
            centre.copies.iter().for_each(|copy| copy.store.rows().may_be_seeded = true);
        }
        let mut world = Self {
            mode,
            window: [4 << 10, 32 << 10, 8 << 20][dice.index(3)],
            dice,
            tally: Tally::default(),
            now: Duration::ZERO,
            faults,
            regions,
            centre,
            backup: None,
            frozen_until: Duration::ZERO,
            store_away_until: Duration::ZERO,
            dies_unacknowledged: false,
            nights: 0,
            dead_end: None,
            bug,
        };
        world.tally.count(if world.mode == Mode::Safety { "mode: safety" } else { "mode: liveness" });
        if trims {
            world.tally.count("logs are trimmed");
        }
        if names.len() > 1 {
            world.tally.count("two regions");
        }
        bug.plant(&mut world);
        world
    }

    /// Every node there is.
    pub fn nodes(&self) -> Vec<Who> {
        let mut nodes = Vec::new();
        for (region, there) in self.regions.iter().enumerate() {
            nodes.push(Who { region, rival: false });
            if there.rival.is_some() {
                nodes.push(Who { region, rival: true });
            }
        }
        nodes
    }

    /// Lets some time pass and does what has come due.
    pub fn step(&mut self) -> Result<(), String> {
        self.advance();
        for who in self.nodes() {
            self.decides(who)?;
            self.dial(who);
            self.ships(who)?;
        }
        self.centre_lives()?;
        if self.now >= self.frozen_until {
            for who in self.nodes() {
                self.centre_hears(who);
                self.centre_answers(who);
            }
            for region in 0..self.regions.len() {
                self.centre_applies(region)?;
            }
        }
        for region in 0..self.regions.len() {
            projection::is_asked(self, region)?;
            operator::looks_after(self, region)?;
        }
        let wrong = self.centre.copies.iter().find_map(|copy| copy.store.rows().wrong.take());
        wrong.map_or(Ok(()), Err)
    }

    fn advance(&mut self) {
        let mut at = self.now + Duration::from_micros(self.dice.below(60_000));
        if self.dice.one_in(2) {
            let mut next = Vec::new();
            for who in self.nodes() {
                let Some(node) = self.regions[who.region].get(who) else { continue };
                let line = &node.line;
                next.extend(line.to_centre.next_at().map(|at| at.max(self.frozen_until)));
                next.extend(line.to_region.next_at());
                next.push(match line.sender {
                    // Before the next heartbeat is due.
                    Some(_) => self.now + Duration::from_millis(900),
                    None => line.dial_at.max(self.centre.up_at).max(node.up_at),
                });
            }
            at = next.into_iter().min().unwrap_or(at).max(self.now + Duration::from_micros(100));
        }
        self.now = at;
        self.centre.clock.set(at);
        for who in self.nodes() {
            if let Some(node) = self.regions[who.region].get(who) {
                node.clock.set(at);
            }
        }
    }

    fn decides(&mut self, who: Who) -> Result<(), String> {
        if !self.is_up(who)? {
            return Ok(());
        }
        let Region { node, rival, crowd, .. } = &mut self.regions[who.region];
        let Some(node) = (if who.rival { rival.as_mut() } else { Some(node) }) else { return Ok(()) };
        let fenced = node.is_fenced();
        let Some(engine) = &mut node.engine else { return Ok(()) };
        if self.dice.below(4) > 0 {
            engine.project();
        }
        let before = engine.last();
        let stepped = engine.step();
        let last = engine.last();
        if last != before {
            node.heads.push(last);
            node.is_taped()?;
        }
        let Some(engine) = &node.engine else { return Ok(()) };
        let answered = crowd.listen(engine, who.rival, &mut self.tally)?;
        if fenced && answered > 0 {
            return Err("a fenced node has acknowledged something".to_owned());
        }
        if let Err(why) = stepped {
            if !node.fault_planned {
                return Err(format!("the region failed on a healthy disk: {why}"));
            }
            self.tally.count("region: disk failed under it");
            let policy = self.some_policy();
            self.dies(who, policy);
        } else if last != before && engine.handle().status().snapshot_at > 0 {
            self.tally.count("region: has a snapshot");
        }
        Ok(())
    }

    /// Whether a node runs; starts it where it is time.
    fn is_up(&mut self, who: Who) -> Result<bool, String> {
        let now = self.now;
        let Some(node) = self.regions[who.region].get_mut(who) else { return Ok(false) };
        if node.engine.is_some() {
            return Ok(true);
        }
        if now < node.up_at || node.refuses.is_some() {
            return Ok(false);
        }
        match node.start()? {
            Started::Runs => {}
            Started::NotYet => {
                self.tally.count("region: failed to start");
                self.dies(who, None);
                return Ok(false);
            }
            Started::Refuses => {
                self.tally.count("rot: refused by name at a start");
                self.dies(who, None);
                if who.rival {
                    self.regions[who.region].rival = None;
                }
                return Ok(false);
            }
        }
        let left = node.what_is_left()?;
        node.is_taped()?;
        node.heads.extend(node.last().filter(|last| node.heads.last() != Some(last)));
        if let Some(kept) = left {
            self.tally.count("rot: took the last group, which nothing proves");
            let region = &mut self.regions[who.region];
            region.may_fork(kept);
            if !who.rival {
                region.crowd.history_ended(kept);
            }
        }
        Ok(true)
    }

    /// The power is cut, or (`None`) the process killed.
    pub fn dies(&mut self, who: Who, policy: Option<CrashPolicy>) {
        let region = &mut self.regions[who.region];
        let Some(node) = region.get_mut(who) else { return };
        node.dies(policy);
        if policy.is_some() {
            let losses = node.fs.losses();
            for (times, what) in [
                (losses.blocks_lost, "disk: blocks lost"),
                (losses.blocks_kept, "disk: blocks kept by chance"),
                (losses.blocks_torn, "disk: blocks torn"),
                (losses.names_undone, "disk: directory entries lost"),
                (losses.renames_undone, "disk: renames lost"),
            ] {
                if times > 0 {
                    self.tally.count(what);
                }
            }
        }
        node.line.sender = None;
        node.line.carry = Carry::default();
        node.line.to_centre.tear(&mut self.dice);
        node.line.dial_at = self.now;
        node.up_at = self.now + Duration::from_millis(self.dice.below(3_000));
        projection::may_break(node, &mut self.dice, &mut self.tally);
        region.crowd.hung_up(who.rival, &mut self.tally);
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

    /// Everything has arrived, was applied and projected, and the regions know it.
    pub fn is_settled(&self) -> bool {
        (0..self.regions.len()).all(|region| self.has_settled(region))
    }

    fn has_settled(&self, region: usize) -> bool {
        let (node, copy) = (&self.regions[region].node, &self.centre.copies[region]);
        let (Some(head), Some(received)) = (node.last(), copy.received()) else { return false };
        let applied = copy.stepped.as_ref().map(|stepped| stepped.applier().published());
        let acknowledged = node.line.sender.as_ref().map(|sender| sender.acknowledged());
        received == head
            && applied == Some(head)
            && acknowledged == Some(crate::node::point(head))
            && projection::is_whole(node)
    }
}
