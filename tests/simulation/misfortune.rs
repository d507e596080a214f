//! What may befall anybody before a step. Each fault is rare, so that most of a run is work.

use std::time::Duration;

use qucan_replication::Point;
use qucan_replication::simulation::{Dice, Tally};
use qucan_storage::Position;
use qucan_storage::fs::{Fault, FaultKind, Operation, SimFs};

use crate::node::KEEP_DAYS;
use crate::projection;
use crate::region::{Region, Who};
use crate::rot;
use crate::store::Mishap;
use crate::world::{Mode, World};

const NIGHT: i64 = 24 * 3_600_000;
/// Enough for days to pass their retention.
const NIGHTS_MAX: i64 = KEEP_DAYS as i64;

pub fn befalls(world: &mut World) {
    let region = world.dice.index(world.regions.len());
    let who = Who { region, rival: false };
    match world.dice.below(260) {
        0 => {
            world.tally.count("line: torn");
            world.regions[region].node.line.tear(&mut world.dice);
        }
        1 => {
            world.tally.count("line: half-open");
            let line = &mut world.regions[region].node.line;
            line.to_centre.hole |= world.dice.below(3) > 0;
            line.to_region.hole |= !line.to_centre.hole || world.dice.one_in(2);
        }
        2 => {
            world.tally.count("centre: frozen");
            world.frozen_until = world.now + Duration::from_millis(world.dice.below(12_000));
        }
        3 | 4 if world.regions[region].node.engine.is_some() => {
            world.tally.count("region: died");
            let policy = world.some_policy();
            world.dies(who, policy);
        }
        5 | 6 => {
            world.tally.count("centre: died");
            let policy = world.some_policy();
            world.centre_dies(policy);
        }
        7 | 8 => {
            let node = &mut world.regions[region].node;
            plan(&node.fs, &mut world.dice, &mut world.tally, "region");
            node.fault_planned = true;
        }
        9 | 10 => {
            plan(&world.centre.fs, &mut world.dice, &mut world.tally, "centre");
            world.centre.fault_planned = true;
        }
        11 => fill(&world.regions[region].node.fs, &mut world.tally, "region: disk full"),
        12 => fill(&world.centre.fs, &mut world.tally, "centre: disk full"),
        13..19 => {
            world.regions[region].node.fs.set_capacity(None);
            world.centre.fs.set_capacity(None);
        }
        19..21 => world.dies_unacknowledged = true,
        21..25 => {
            let (mishap, name) = [
                (Mishap::Refused, "store: refused"),
                (Mishap::AnswerLost, "store: answer lost"),
                (Mishap::DiesBefore, "store: centre to die before a batch"),
                (Mishap::DiesAfter, "store: centre to die after a batch"),
            ][world.dice.index(4)];
            world.tally.count(name);
            world.centre.copies[region].store.rows().mishap = mishap;
        }
        25 | 26 => {
            world.tally.count("store: away");
            world.store_away_until = world.now + Duration::from_millis(world.dice.below(8_000));
        }
        27 => {
            world.tally.count("store: wiped");
            world.centre.copies[region].store.rows().wipe();
        }
        28..31 => {
            let policy = world.some_policy();
            world.centre_dies(policy);
            world.tally.count("centre: backed up");
            world.backup = Some(world.centre.fs.backup());
        }
        31 | 32 => centre_is_restored(world),
        33 => {
            world.tally.count("region: clock jumped");
            let millis = world.dice.below(60_000) as i64 - 30_000;
            world.regions[region].node.clock.jump(millis);
        }
        34 => {
            world.tally.count("everybody paused");
            world.now += Duration::from_millis(world.dice.below(15_000));
        }
        35 => a_night_passes(world),
        36..40 => projection::fails(&world.regions[region].node, &mut world.dice, &mut world.tally),
        40..44 if world.regions[region].node.tape.is_some() => {
            world.tally.count("centre: away for long");
            world.centre_dies(None);
            world.centre.up_at = world.now + Duration::from_secs(20 + world.dice.below(60));
        }
        40..62 if world.mode == Mode::Safety => needs_a_person(world, region),
        _ => {}
    }
}

/// What a system can't get over alone.
fn needs_a_person(world: &mut World, region: usize) {
    let who = Who { region, rival: false };
    let alone = world.regions[region].rival.is_none();
    match world.dice.below(11) {
        0 | 1 => {
            let policy = world.some_policy();
            world.dies(who, policy);
            let node = &mut world.regions[region].node;
            if node.refuses.is_none() {
                let dir = node.dir().to_owned();
                let flipped = rot::flips_a_bit(&node.fs, &dir, &mut world.dice, &mut world.tally);
                (node.rotten, node.just_rotten) = (node.rotten || flipped, node.just_rotten || flipped);
            }
        }
        2 if alone => {
            let policy = world.some_policy();
            world.centre_dies(policy);
            world.backup = None;
            let copy = &mut world.centre.copies[region];
            if rot::flips_a_bit(&world.centre.fs, &copy.dir(), &mut world.dice, &mut world.tally) {
                world.tally.count("rot: in the centre's copy");
                copy.rotten = true;
            }
        }
        3 => {
            world.tally.count("region: its disk was lost");
            let policy = world.some_policy();
            world.dies(who, policy);
            let seed = world.dice.next();
            let Region { node, lost, .. } = &mut world.regions[region];
            *lost = Some(node.copy());
            node.fs.restore(&SimFs::new(seed));
            node.tables.lose();
            node.is_another(Vec::new(), false);
            node.refuses = Some(format!("{}: the disk is lost", node.dir().display()));
        }
        4 | 5 => {
            let Region { node, old_copy, .. } = &mut world.regions[region];
            if node.refuses.is_none() && (old_copy.is_none() || world.dice.one_in(4)) {
                *old_copy = Some(node.copy());
            }
        }
        6 | 7 if alone => an_old_copy_is_started(world, region),
        8 if alone && world.regions[region].node.refuses.is_none() => {
            world.tally.count("rival: a second copy beside the node");
            let copy = world.regions[region].node.copy();
            let seed = world.dice.next();
            let here = &mut world.regions[region];
            here.may_fork(copy.head().sequence);
            here.rival = Some(here.node.twin(&copy, seed));
            world.backup = None;
        }
        9 if alone => {
            let seed = world.dice.next();
            let here = &mut world.regions[region];
            if let Some(copy) = here.old_copy.take() {
                world.tally.count("rival: an old copy beside the node");
                here.may_fork(copy.head().sequence);
                here.rival = Some(here.node.twin(&copy, seed));
                world.backup = None;
            }
        }
        10 if alone && world.regions[region].node.refuses.is_none() => {
            let seed = world.dice.next();
            let here = &mut world.regions[region];
            if let Some(copy) = here.lost.take() {
                world.tally.count("rival: the lost node comes back");
                here.rival = Some(here.node.twin(&copy, seed));
                world.backup = None;
            }
        }
        _ => {}
    }
}

/// The disk of some time ago instead of the present one, with the projection of then or of now.
fn an_old_copy_is_started(world: &mut World, region: usize) {
    let Some(copy) = world.regions[region].old_copy.take() else { return };
    let policy = world.some_policy();
    world.dies(Who { region, rival: false }, policy);
    let here = &mut world.regions[region];
    let newer = here.node.tables.image();
    here.node.put(&copy);
    if copy.head() == Position::ORIGIN || world.dice.one_in(3) {
        world.tally.count("region: an old copy was started");
    } else {
        world.tally.count("region: an old copy was started, its projection is newer");
        here.node.tables.put(&newer);
    }
    world.bug.plant_disk(&here.node.fs);
    here.may_fork(copy.head().sequence);
    here.crowd.history_ended(copy.head().sequence);
    world.backup = None;
}

fn centre_is_restored(world: &mut World) {
    let Some(backup) = world.backup.take() else { return };
    if world.regions.iter().any(|region| region.rival.is_some()) {
        return;
    }
    world.tally.count("centre: restored from an older copy");
    world.centre_dies(None);
    world.centre.fs.restore(&backup);
    // What was acknowledged since then is lost here, and comes again from the regions.
    for region in &mut world.regions {
        region.acknowledged = Point::ORIGIN;
    }
}

/// Nobody does anything for a day or two; days past their retention are dropped.
fn a_night_passes(world: &mut World) {
    // Beyond that a log would be trimmed, which is for runs that keep a tape of it.
    let trims = world.regions.iter().all(|region| region.node.tape.is_some());
    let most = if trims { i64::MAX } else { NIGHTS_MAX - world.nights };
    let nights = (1 + world.dice.below(2) as i64).min(most);
    if nights == 0 {
        return;
    }
    world.tally.count("a night passed");
    world.nights += nights;
    world.centre.clock.jump(nights * NIGHT);
    for region in &mut world.regions {
        region.crowd.sleeps();
        for node in [Some(&region.node), region.rival.as_ref()].into_iter().flatten() {
            node.clock.jump(nights * NIGHT);
        }
    }
}

/// The Nth operation of some kind from now on fails, in some way.
fn plan(fs: &SimFs, dice: &mut Dice, tally: &mut Tally, whose: &str) {
    let (operation, kind, name) = match dice.below(6) {
        0 => (Operation::Write, FaultKind::Error, ["region: write to fail", "centre: write to fail"]),
        1 => (Operation::Sync, FaultKind::Error, ["region: sync to fail", "centre: sync to fail"]),
        2 => (Operation::AnyChange, FaultKind::Error, ["region: something to fail", "centre: something to fail"]),
        3 => (Operation::Write, FaultKind::ShortWrite(dice.index(300)), ["region: short write", "centre: short write"]),
        4 => (Operation::AnyChange, FaultKind::NoSpace, ["region: no space once", "centre: no space once"]),
        _ => (Operation::AnyChange, FaultKind::PowerCut, ["region: to die inside", "centre: to die inside"]),
    };
    tally.count(name[usize::from(whose == "centre")]);
    fs.plan(Fault::nth(operation, 1 + dice.below(25), kind));
}

fn fill(fs: &SimFs, tally: &mut Tally, name: &'static str) {
    tally.count(name);
    fs.set_capacity(Some(fs.used()));
}
