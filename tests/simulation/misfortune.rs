//! What may befall anybody before a step. Each fault is rare, so that most of a run is work.

use std::time::Duration;

use qucan_replication::Point;
use qucan_replication::simulation::{Dice, Tally};
use qucan_storage::fs::{Fault, FaultKind, Operation, SimFs};

use crate::store::Mishap;
use crate::world::World;

pub fn befalls(world: &mut World) {
    match world.dice.below(240) {
        0 => {
            world.tally.count("line: torn");
            world.to_centre.tear(&mut world.dice);
            world.to_region.tear(&mut world.dice);
        }
        1 => {
            world.tally.count("line: half-open");
            world.to_centre.hole |= world.dice.below(3) > 0;
            world.to_region.hole |= !world.to_centre.hole || world.dice.one_in(2);
        }
        2 => {
            world.tally.count("centre: frozen");
            world.frozen_until = world.now + Duration::from_millis(world.dice.below(12_000));
        }
        3 | 4 if world.region.engine.is_some() => {
            world.tally.count("region: died");
            let policy = world.some_policy();
            world.region_dies(policy);
        }
        5 | 6 => {
            world.tally.count("centre: died");
            let policy = world.some_policy();
            world.centre_dies(policy);
        }
        7 | 8 => {
            plan(&world.region.fs, &mut world.dice, &mut world.tally, "region");
            world.region.fault_planned = true;
        }
        9 | 10 => {
            plan(&world.centre.fs, &mut world.dice, &mut world.tally, "centre");
            world.centre.fault_planned = true;
        }
        11 => fill(&world.region.fs, &mut world.tally, "region: disk full"),
        12 => fill(&world.centre.fs, &mut world.tally, "centre: disk full"),
        13..19 => {
            world.region.fs.set_capacity(None);
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
            world.centre.store.rows().mishap = mishap;
        }
        25 | 26 => {
            world.tally.count("store: away");
            world.store_away_until = world.now + Duration::from_millis(world.dice.below(8_000));
        }
        27 => {
            world.tally.count("store: wiped");
            world.centre.store.rows().wipe();
        }
        28..31 => {
            let policy = world.some_policy();
            world.centre_dies(policy);
            world.tally.count("centre: backed up");
            world.backup = Some(world.centre.fs.backup());
        }
        31 | 32 => {
            if let Some(backup) = world.backup.take() {
                world.tally.count("centre: restored from an older copy");
                world.centre_dies(None);
                world.centre.fs.restore(&backup);
                // What was acknowledged since then is lost here, and comes again from the region.
                world.acknowledged = Point::ORIGIN;
            }
        }
        33 => {
            world.tally.count("region: clock jumped");
            let millis = world.dice.below(60_000) as i64 - 30_000;
            world.region.clock.jump(millis);
        }
        34 => {
            world.tally.count("everybody paused");
            world.now += Duration::from_millis(world.dice.below(15_000));
        }
        _ => {}
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
