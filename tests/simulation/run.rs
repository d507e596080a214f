//! One run: a compressed promotion day under faults, then peace, then the power is cut everywhere once more, and then
//! everything that was promised is looked at.

use std::time::Duration;

use qucan_replication::simulation::{Faults, Tally};
use qucan_storage::fs::CrashPolicy;

use crate::check::{Found, check};
use crate::crowd::Crowd;
use crate::history::History;
use crate::misfortune;
use crate::node::{Node, is_named};
use crate::operator;
use crate::plants::Bug;
use crate::projection;
use crate::region::Who;
use crate::store::Mishap;
use crate::world::{Mode, World};

/// Simulated time in which everything has arrived after the faults.
const ARRIVES_WITHIN: Duration = Duration::from_secs(240);
/// How often older rot is found in the end and mended.
const MENDED_MOST: usize = 4;

/// What a run leaves behind.
pub struct Outcome {
    pub tally: Tally,
    /// Of every byte of both logs.
    pub digest: blake3::Hash,
    pub simulated: Duration,
}

pub fn run(seed: u64, bug: Bug) -> Result<Outcome, String> {
    let mut world = World::new(seed, bug);
    let digest = lives(&mut world)?;
    if let Some(why) = &world.dead_end {
        tracing::info!(why, "nobody can go on");
        world.tally.count("rot: in both copies, and both say so");
    }
    Ok(Outcome { tally: world.tally, digest, simulated: world.now })
}

/// The whole run; it ends early where no copy of a history is left.
fn lives(world: &mut World) -> Result<blake3::Hash, String> {
    let steps = 120 + world.dice.below(240);
    let mut told = Tally::default();
    for _ in 0..steps {
        for region in 0..world.regions.len() {
            if world.dice.one_in(2) {
                for _ in 0..1 + world.dice.below(4) {
                    Crowd::acts(&mut world.regions[region], &mut world.dice, &mut world.tally);
                }
            }
        }
        misfortune::befalls(world);
        let stepped = world.step();
        tell(world, &mut told);
        stepped?;
        if world.dead_end.is_some() {
            return Ok(blake3::hash(b"dead end"));
        }
    }
    peace(world);
    settle(world)?;
    for region in 0..world.regions.len() {
        world.dies(Who { region, rival: false }, Some(CrashPolicy::DropUnsynced));
    }
    world.centre_dies(Some(CrashPolicy::DropUnsynced));
    settle(world)?;
    for region in 0..world.regions.len() {
        sells(world, region)?;
    }
    for _ in 0..MENDED_MOST {
        settle(world)?;
        if world.dead_end.is_some() {
            return Ok(blake3::hash(b"dead end"));
        }
        let found = check(world)?;
        match found {
            Found::Sound(digest) => {
                for region in 0..world.regions.len() {
                    projection::check_rebuilt(world, region)?;
                }
                return Ok(digest);
            }
            Found::RottenNode(region, why) => {
                world.tally.count("rot: found by reading a region's whole log");
                world.dies(Who { region, rival: false }, None);
                world.regions[region].node.refuses = Some(why);
            }
            Found::RottenCopy(region, why) => {
                world.tally.count("rot: found by reading the centre's whole log");
                world.centre.copies[region].is_refused(why);
                world.centre_dies(None);
            }
        }
    }
    Err("there is rot whatever is restored".to_owned())
}

/// What has happened since it was told last, for whoever looks at one seed.
fn tell(world: &World, told: &mut Tally) {
    if !tracing::enabled!(tracing::Level::INFO) {
        return;
    }
    let news = world.tally.0.iter().filter(|(what, times)| told.times(what) < **times);
    let news: Vec<&str> = news.map(|(what, _)| *what).collect();
    if !news.is_empty() {
        let at = |node: &Node| node.last().map(|last| last.sequence.0);
        let heads: Vec<_> =
            world.regions.iter().map(|region| (at(&region.node), region.rival.as_ref().map(at))).collect();
        let received: Vec<_> = world.centre.copies.iter().map(|copy| copy.received().map(|at| at.sequence.0)).collect();
        tracing::info!(now = ?world.now, ?heads, ?received, ?news);
    }
    told.clone_from(&world.tally);
}

/// No fault from here on; who has met one starts again.
fn peace(world: &mut World) {
    world.faults = Faults::default();
    for region in 0..world.regions.len() {
        if world.regions[region].rival.is_some() {
            operator::switch_off(world, region);
        }
        let node = &mut world.regions[region].node;
        (node.line.to_centre.hole, node.line.to_region.hole) = (false, false);
        node.fs.set_capacity(None);
        node.tables.set_full(false);
        if node.fault_planned {
            world.dies(Who { region, rival: false }, None);
        }
        world.centre.copies[region].store.rows().mishap = Mishap::None;
    }
    world.centre.fs.set_capacity(None);
    (world.frozen_until, world.store_away_until) = (Duration::ZERO, Duration::ZERO);
    world.dies_unacknowledged = false;
    if world.centre.fault_planned {
        world.centre_dies(None);
    }
}

/// Lets everything arrive. What is found to be rotten meanwhile is mended by the operator, if there is a way.
fn settle(world: &mut World) -> Result<(), String> {
    let mut deadline = world.now + ARRIVES_WITHIN;
    while !world.is_settled() && world.dead_end.is_none() {
        if world.now > deadline {
            // Nobody was told yet about rot that only shipping meets.
            if !somebody_reads(world) {
                return Err(unsettled(world));
            }
            deadline = world.now + ARRIVES_WITHIN;
        }
        world.step()?;
    }
    Ok(())
}

/// A person finds out why nothing goes on, as `verify` would say it; whether there was anything to find.
fn somebody_reads(world: &mut World) -> bool {
    for region in 0..world.regions.len() {
        let node = &world.regions[region].node;
        let (Some(last), true, None) = (node.last(), node.rotten, &node.refuses) else { continue };
        if let Err(why) = History::read(node, last)
            && is_named(&why)
        {
            world.tally.count("rot: kept a region from shipping");
            world.dies(Who { region, rival: false }, None);
            world.regions[region].node.refuses = Some(why);
            return world.mode == Mode::Safety;
        }
    }
    false
}

fn unsettled(world: &World) -> String {
    let mut text = String::from("not everything arrived:");
    for (region, copy) in world.regions.iter().zip(&world.centre.copies) {
        let status = region.node.engine.as_ref().map(|engine| engine.handle().status());
        text += &format!(
            " the region is at {:?}, its projection {:?}, refuses {:?}; the centre has {:?} and applied {:?}, refuses {:?};",
            region.node.last(),
            status.map(|status| (status.projection, status.projected_to, status.fenced)),
            region.node.refuses,
            copy.received(),
            copy.stepped.as_ref().map(|stepped| stepped.applier().published()),
            copy.refuses,
        );
    }
    text
}

/// Whatever happened, people can order again.
fn sells(world: &mut World, region: usize) -> Result<(), String> {
    if world.dead_end.is_some() {
        return Ok(());
    }
    let before = world.tally.times("placed");
    let here = &mut world.regions[region];
    here.crowd.restock(&here.node, &mut world.tally);
    for _ in 0..400 {
        Crowd::acts(&mut world.regions[region], &mut world.dice, &mut world.tally);
        world.step()?;
        if world.tally.times("placed") > before || world.dead_end.is_some() {
            return Ok(());
        }
    }
    Err("nobody can order any more".to_owned())
}
