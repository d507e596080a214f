//! Both sessions over a simulated line, by seeds: every fault a line, a region or a centre can have, at any step. After
//! every step the safety properties are checked; when the faults have ended, everything has to arrive in bounded time.
//! `QUCAN_SEED=n` runs one seed and says what happened; `QUCAN_SEEDS=n` runs so many.

use std::time::Duration;

use super::tally::Tally;
use super::world::{Scenario, World, foreign};

use crate::doubles::{Log, lock};
use crate::frame::Message;
use crate::plant::Plant;
use crate::point::Point;

/// Simulated time in which everything has arrived after the faults: a stalled line is given up after a minute, a fenced
/// or refused region asks again after half a minute.
const ARRIVES_WITHIN: Duration = Duration::from_secs(240);

/// One run.
fn run(seed: u64, plant: Plant) -> Result<Tally, String> {
    let mut world = World::new(seed, plant);
    let steps = 200 + world.dice.below(300);
    let commits = 20 + world.dice.below(100);
    let turning_point = world.dice.below(steps);
    for step in 0..steps {
        if world.dice.below(steps) < commits {
            world.commit();
        }
        if step == turning_point {
            turn(&mut world);
        }
        misfortune(&mut world);
        world.step()?;
    }
    world.faults = super::wire::Faults::default();
    lock(&world.centre).busy = false;
    lock(&world.centre).append_dies_after = None;
    (world.to_centre.hole, world.to_region.hole) = (false, false);
    world.fenced = world.fenced.filter(|_| world.scenario != Scenario::Normal);
    let deadline = world.now + ARRIVES_WITHIN;
    while !world.is_settled() {
        if world.now > deadline {
            return Err(format!("not everything arrived: {}", state(&world)));
        }
        world.step()?;
    }
    if world.scenario == Scenario::Normal && world.fenced.is_some() {
        return Err(format!("fenced without a reason: {:?}", world.fenced));
    }
    agree_where_both_have_entries(&world)?;
    let centre = lock(&world.centre);
    if !centre.snapshots.is_empty() {
        world.tally.count("snapshot kept");
    }
    if centre.log.base != Point::ORIGIN {
        world.tally.count("seeded");
    }
    drop(centre);
    Ok(world.tally)
}

fn state(world: &World) -> String {
    let (log, centre) = (lock(&world.log), lock(&world.centre));
    let acknowledged = world.sender.as_ref().map(crate::sender::Sender::acknowledged);
    format!(
        "{:?}: region {:?}…{:?} snapshot {:?}, centre {:?}…{:?} snapshots {:?}, acknowledged {acknowledged:?}, fenced {:?}",
        world.scenario,
        log.base,
        log.end(),
        log.snapshot.map(|snapshot| snapshot.at),
        centre.log.base,
        centre.log.end(),
        centre.snapshots.last().map(|snapshot| snapshot.at),
        world.fenced
    )
}

fn agree_where_both_have_entries(world: &World) -> Result<(), String> {
    if world.scenario != Scenario::Normal {
        return Ok(()); // every step has compared the centre with the genuine history
    }
    let (log, centre) = (lock(&world.log), lock(&world.centre));
    let first = log.base.sequence.max(centre.log.base.sequence);
    let of = |log: &Log| log.groups.iter().filter(|group| group.first > first).cloned().collect::<Vec<_>>();
    if of(&log) == of(&centre.log) { Ok(()) } else { Err("the logs differ".to_owned()) }
}

/// The one thing that happens to the histories.
fn turn(world: &mut World) {
    match world.scenario {
        Scenario::Normal => {}
        Scenario::Superseded => {
            lock(&world.centre).epoch = world.epoch + 1;
            world.region_ends(crate::End::Closed("restart".into()));
        }
        Scenario::NotGranted => {
            let mut centre = lock(&world.centre);
            centre.epoch = centre.epoch.max(1);
            drop(centre);
            world.epoch += 1;
            world.genuine = false;
            world.region_ends(crate::End::Closed("restart".into()));
        }
        Scenario::OldCopy => {
            let arrived = lock(&world.centre).log.durable;
            if arrived == 0 {
                return;
            }
            let kept = world.dice.index(arrived);
            let mut log = lock(&world.log);
            log.groups.truncate(kept);
            log.durable = kept;
            log.snapshot = None;
            drop(log);
            world.genuine = false;
            world.region_ends(crate::End::Closed("restart".into()));
            for _ in 0..world.dice.below(60) {
                world.commit();
            }
        }
    }
}

/// What may befall anybody before a step.
fn misfortune(world: &mut World) {
    match world.dice.below(300) {
        0 => {
            world.tally.count("disconnected");
            world.to_centre.tear(&mut world.dice);
            world.to_region.tear(&mut world.dice);
        }
        1 => {
            world.tally.count("half-open");
            world.to_centre.hole |= world.dice.below(3) > 0;
            world.to_region.hole |= !world.to_centre.hole || world.dice.one_in(2);
        }
        2 => {
            world.tally.count("centre frozen");
            world.frozen_until = world.now + Duration::from_millis(world.dice.below(20_000));
        }
        3 => {
            world.tally.count("region killed");
            world.region_ends(crate::End::Closed("killed".into()));
            world.carry = crate::sender::Carry::default();
            world.to_centre.tear(&mut world.dice);
        }
        4 => {
            world.tally.count("centre killed");
            world.centre_dies();
        }
        5 | 6 => lock(&world.centre).append_dies_after = Some(world.dice.index(4)),
        7 => lock(&world.centre).busy = true,
        8..12 => lock(&world.centre).busy = false,
        // With a forked region it could follow the wrong branch, and nobody could tell.
        12 if world.scenario == Scenario::Normal => {
            let mut centre = lock(&world.centre);
            let kept = centre.log.durable - world.dice.index(centre.log.durable / 2 + 1);
            if kept < centre.log.durable {
                world.tally.count("centre restored from an older copy");
                centre.log.groups.truncate(kept);
                centre.log.durable = kept;
                drop(centre);
                world.centre_dies();
                world.recheck();
            }
        }
        13..16 if world.sender.is_some() => {
            world.tally.count("acknowledgement forged");
            let centre = lock(&world.centre).log.durable_end();
            let log = lock(&world.log).durable_end();
            let ahead = world.dice.below(40);
            let forged = match world.dice.below(3) {
                0 => Point { sequence: centre.sequence + 1 + ahead, hash: [7; 32] },
                1 => Point { sequence: log.sequence + 1 + ahead, hash: log.hash },
                _ => Point { sequence: log.sequence + 1, hash: log.hash },
            };
            world.forge(Message::Ack(forged).encode());
        }
        20 => world.forge(foreign(&Message::Ack(Point::ORIGIN))),
        21 => world.to_centre.inject(foreign(&Message::Heartbeat { head: 0, bytes: 0 }), world.now),
        34 => {
            world.tally.count("centre choked");
            world.choked_until = world.now + Duration::from_millis(world.dice.below(100_000));
        }
        22..28 => {
            let bytes = world.dice.below(200_000);
            lock(&world.log).take_snapshot(world.epoch, 1 + bytes);
            world.tally.count("snapshot taken");
        }
        28..34 if world.trims => {
            let acknowledged = world.sender.as_ref().map_or(0, |sender| sender.acknowledged().sequence);
            let mut log = lock(&world.log);
            log.take_snapshot(world.epoch, 5_000);
            let known = log.groups.partition_point(|group| group.last.sequence <= acknowledged);
            if known > 0 {
                log.trim(known);
                world.tally.count("trimmed");
            }
        }
        _ => {}
    }
}

/// What has to have happened in a set of seeds, or it proves nothing.
const REACHED: &[&str] = &[
    "connected",
    "found nobody",
    "into a hole",
    "dropped",
    "duplicated",
    "reordered",
    "cut",
    "flipped",
    "delayed",
    "disconnected",
    "half-open",
    "centre frozen",
    "centre choked",
    "region killed",
    "centre killed",
    "killed inside an append",
    "lost what wasn't synced",
    "centre restored from an older copy",
    "acknowledgement forged",
    "snapshot taken",
    "snapshot kept",
    "trimmed",
    "seeded",
    "shipped again",
    "several messages settled at once",
    "fenced: superseded",
    "fenced: behind the centre",
    "fenced: another history",
    "fenced: not granted",
    "ended: told bye",
    "ended: left",
    "ended: refused",
    "ended: silence",
    "ended: stalled",
    "ended: foreign version",
    "ended: damaged message",
    "ended: acknowledgement not believed",
    "ended: gap",
    "ended: closed",
];

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().and_then(|value| value.parse().ok())
}

/// Runs every second seed, so that two tests share them.
fn half(which: u64) {
    let seeds = number("QUCAN_SEEDS").unwrap_or(1_200);
    let mut tally = Tally::default();
    for seed in (0..seeds).filter(|seed| seed % 2 == which) {
        match run(seed, Plant::Nothing) {
            Ok(reached) => tally.add(&reached),
            Err(error) => panic!("seed {seed}: {error}"),
        }
    }
    println!("{tally:#?}");
    let missed: Vec<_> = REACHED.iter().filter(|what| tally.times(what) == 0).collect();
    assert!(missed.is_empty(), "never reached: {missed:?}");
}

#[test]
fn every_even_seed_arrives() {
    half(0);
}

#[test]
fn every_odd_seed_arrives() {
    half(1);
}

#[test]
fn one_seed_as_asked() {
    let seed = number("QUCAN_SEED").unwrap_or(0);
    let began = std::time::Instant::now();
    let result = run(seed, Plant::Nothing);
    println!("seed {seed} took {:?}: {result:#?}", began.elapsed());
    assert!(result.is_ok());
}

#[test]
fn a_run_is_repeatable() {
    let one = run(17, Plant::Nothing).map(|tally| tally.0);
    assert_eq!(one, run(17, Plant::Nothing).map(|tally| tally.0));
}

fn found(plant: Plant) -> String {
    let errors: Vec<String> = (0..50).filter_map(|seed| run(seed, plant).err()).collect();
    println!("{plant:?} in {} of 50 seeds: {errors:#?}", errors.len());
    errors.join("\n")
}

#[test]
fn planted_no_hash_check_is_found() {
    assert!(found(Plant::NoHashCheck).contains("OldCopy"));
}

#[test]
fn planted_future_acknowledgement_is_found() {
    assert!(found(Plant::FutureAckBelieved).contains("never was"));
}

#[test]
fn planted_duplicate_is_found() {
    assert!(found(Plant::DuplicateApplied).contains("twice"));
}

#[test]
fn planted_acknowledgement_before_sync_is_found() {
    assert!(found(Plant::AckBeforeSync).contains("never was"));
}
