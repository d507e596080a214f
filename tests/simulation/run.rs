//! One run: a compressed promotion day under faults, then peace, then the power is cut everywhere once more, and then
//! everything that was promised is looked at.

use std::time::Duration;

use qucan::aggregator::figures::Figures;
use qucan::domain::invariants::check_all;
use qucan::domain::order::{Status, reason};
use qucan::engine::records::state_hash;
use qucan_replication::simulation::{Faults, Tally};
use qucan_storage::fs::CrashPolicy;

use crate::history::History;
use crate::misfortune;
use crate::plants::Bug;
use crate::store::Mishap;
use crate::world::World;

/// Simulated time in which everything has arrived after the faults.
const ARRIVES_WITHIN: Duration = Duration::from_secs(240);

/// What a run leaves behind.
pub struct Outcome {
    pub tally: Tally,
    /// Of every byte of both logs.
    pub digest: blake3::Hash,
    pub simulated: Duration,
}

pub fn run(seed: u64, bug: Bug) -> Result<Outcome, String> {
    let mut world = World::new(seed, bug);
    let steps = 120 + world.dice.below(240);
    let mut told = Tally::default();
    for _ in 0..steps {
        if world.dice.one_in(2) {
            for _ in 0..1 + world.dice.below(4) {
                world.crowd.act(&world.region, &mut world.dice, &mut world.tally);
            }
        }
        misfortune::befalls(&mut world);
        let stepped = world.step();
        tell(&world, &mut told);
        stepped?;
    }
    peace(&mut world);
    settle(&mut world)?;
    world.region_dies(Some(CrashPolicy::DropUnsynced));
    world.centre_dies(Some(CrashPolicy::DropUnsynced));
    settle(&mut world)?;
    sells(&mut world)?;
    settle(&mut world)?;
    let digest = check(&mut world)?;
    Ok(Outcome { tally: world.tally, digest, simulated: world.now })
}

/// What has happened since it was told last, for whoever looks at one seed.
fn tell(world: &World, told: &mut Tally) {
    if !tracing::enabled!(tracing::Level::INFO) {
        return;
    }
    let news = world.tally.0.iter().filter(|(what, times)| told.times(what) < **times);
    let news: Vec<&str> = news.map(|(what, _)| *what).collect();
    if !news.is_empty() {
        tracing::info!(now = ?world.now, acknowledged = ?world.acknowledged, received = ?world.centre.received(), ?news);
    }
    told.clone_from(&world.tally);
}

/// No fault from here on; who has met one starts again.
fn peace(world: &mut World) {
    world.faults = Faults::default();
    (world.to_centre.hole, world.to_region.hole) = (false, false);
    world.region.fs.set_capacity(None);
    world.centre.fs.set_capacity(None);
    world.centre.store.rows().mishap = Mishap::None;
    (world.frozen_until, world.store_away_until) = (Duration::ZERO, Duration::ZERO);
    world.dies_unacknowledged = false;
    if world.region.fault_planned {
        world.region_dies(None);
    }
    if world.centre.fault_planned {
        world.centre_dies(None);
    }
}

fn settle(world: &mut World) -> Result<(), String> {
    let deadline = world.now + ARRIVES_WITHIN;
    while !world.is_settled() {
        if world.now > deadline {
            return Err(format!(
                "not everything arrived: the region is at {:?}, the centre has {:?} and applied {:?}, acknowledged is {:?}",
                world.region.last(),
                world.centre.received(),
                world.centre.stepped.as_ref().map(|stepped| stepped.applier().published()),
                world.acknowledged,
            ));
        }
        world.step()?;
    }
    Ok(())
}

/// Whatever happened, people can order again.
fn sells(world: &mut World) -> Result<(), String> {
    let before = world.tally.times("placed");
    world.crowd.restock(&world.region, &mut world.tally);
    for _ in 0..400 {
        world.crowd.act(&world.region, &mut world.dice, &mut world.tally);
        world.step()?;
        if world.tally.times("placed") > before {
            return Ok(());
        }
    }
    Err("nobody can order any more".to_owned())
}

/// What must hold in the end.
fn check(world: &mut World) -> Result<blake3::Hash, String> {
    let (Some(engine), Some(stepped), Some(copy)) = (&world.region.engine, &world.centre.stepped, &world.centre.region)
    else {
        return Err("somebody is not running".to_owned());
    };
    let head = engine.last();
    let here = History::read(&world.region.fs, &world.region.log_dir(), head)?;
    let there = History::read(&world.centre.fs, &world.centre.log_dir(), head)?;
    if here.groups != there.groups {
        return Err("the logs differ".to_owned());
    }
    world.crowd.ledger.check(&here)?;

    let hash = |state| state_hash(state).map_err(|error| error.to_string());
    let (live, replayed, applied) = (hash(engine.state())?, hash(&here.state)?, hash(stepped.applier().state())?);
    if live != replayed || live != applied {
        return Err(format!("states differ: live {live:?}, replayed {replayed:?}, applied {applied:?}"));
    }
    if let Some(violation) = check_all(engine.state()).into_iter().next() {
        return Err(format!("a promise is broken: {violation}"));
    }

    let rows = world.centre.store.rows();
    if rows.cursor != Some(head) {
        return Err(format!("the store is at {:?}, the log at {head:?}", rows.cursor));
    }
    if rows.orders != here.orders {
        return Err("the store's orders are not the log's".to_owned());
    }
    let recounted = Figures::recount(here.orders.values().map(AsRef::as_ref));
    if (&rows.figures.minutes, &rows.figures.store_days) != (&recounted.minutes, &recounted.store_days) {
        return Err("the store's figures are not what the orders say".to_owned());
    }
    if *copy.figures() != rows.figures {
        return Err("the figures shown are not the store's".to_owned());
    }
    let forgotten = rows.forgotten;
    drop(rows);

    let mut hasher = blake3::Hasher::new();
    for (_, bytes) in here.groups.iter().chain(&there.groups) {
        hasher.update(bytes);
    }
    let tally = &mut world.tally;
    if forgotten > 0 {
        tally.count("store: built again from the log");
    }
    for order in here.orders.values() {
        tally.count(match (order.status, order.reason.as_deref()) {
            (Status::Cancelled, Some(reason::PAYMENT_TIMEOUT)) => "order: nobody paid in time",
            (Status::Rejected, Some(reason::STORE_TIMEOUT)) => "order: the store was silent",
            (Status::Collected, Some(reason::AUTO)) => "order: collected by itself",
            (Status::Collected, _) => "order: collected",
            (Status::Cancelled, _) => "order: cancelled",
            (Status::Rejected, _) => "order: rejected",
            _ => "order: open",
        });
        if !order.refunds.is_empty() {
            tally.count("order: refunded");
        }
        if order.payments.len() > 1 {
            tally.count("order: paid more than once");
        }
    }
    Ok(hasher.finalize())
}
