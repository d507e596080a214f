//! What must hold in the end: what was acknowledged is there, log = state = copy = store = projection, and the business adds
//! up. Where a log can't be read it has to be for a bit that was flipped, and by name.

use std::collections::HashMap;
use std::sync::Arc;

use qucan::aggregator::figures::Figures;
use qucan::domain::invariants::check_all;
use qucan::domain::order::{Order, Status, reason};
use qucan::engine::records::state_hash;
use qucan_replication::simulation::Tally;
use qucan_storage::Sequence;

use crate::history::{History, groups};
use crate::node::is_named;
use crate::projection;
use crate::world::World;

/// What a look at everything found.
pub enum Found {
    /// All is as it must be; the hash of all logs.
    Sound(blake3::Hash),
    /// A region's log can't be read, for a reason that was planted.
    RottenNode(usize, String),
    /// The centre's copy of it can't.
    RottenCopy(usize, String),
}

pub fn check(world: &mut World) -> Result<Found, String> {
    let mut hasher = blake3::Hasher::new();
    for region in 0..world.regions.len() {
        match check_one(world, region, &mut hasher)? {
            Found::Sound(_) => {}
            rotten => return Ok(rotten),
        }
    }
    Ok(Found::Sound(hasher.finalize()))
}

fn check_one(world: &mut World, region: usize, hasher: &mut blake3::Hasher) -> Result<Found, String> {
    let (here, there) = (&world.regions[region], &world.centre.copies[region]);
    let (Some(engine), Some(stepped), Some(copy)) = (&here.node.engine, &there.stepped, &there.region) else {
        return Err("somebody is not running".to_owned());
    };
    let head = engine.last();
    let log = match History::read(&here.node, head) {
        Err(why) if here.node.rotten && is_named(&why) => return Ok(Found::RottenNode(region, why)),
        read => read?,
    };
    let copied = match groups(&world.centre.fs, &there.log_dir(), Sequence::NONE, head) {
        Err(why) if there.rotten && is_named(&why) => return Ok(Found::RottenCopy(region, why)),
        read => read?,
    };
    // A copy that lost everything to an older one may begin with a seed too.
    let has_gaps = !copy.replica().gaps().is_empty() || copy.replica().first() > Sequence(1);
    if !log.groups.ends_with(&copied) || (log.groups.len() != copied.len() && !has_gaps) {
        return Err("the logs differ".to_owned());
    }
    let acknowledged = here.acknowledged;
    let mut points = log.groups.iter().map(|(at, _)| crate::node::point(*at));
    if acknowledged.sequence > 0 && !points.any(|at| at == acknowledged) {
        return Err(format!("the centre acknowledged {acknowledged:?}, which is on no log any more"));
    }
    let followed = here.crowd.ledger.check(&log)?;

    let hash = |state| state_hash(state).map_err(|error| error.to_string());
    let (live, replayed, applied) = (hash(engine.state())?, hash(&log.state)?, hash(stepped.applier().state())?);
    if live != replayed || live != applied {
        return Err(format!("states differ: live {live:?}, replayed {replayed:?}, applied {applied:?}"));
    }
    if let Some(violation) = check_all(engine.state()).into_iter().next() {
        return Err(format!("a promise is broken: {violation}"));
    }
    let rows = there.store.rows();
    if rows.cursor != Some(head) {
        return Err(format!("the store is at {:?}, the log at {head:?}", rows.cursor));
    }
    // What closed in a gap only the region knows.
    let differs = |(id, order): (&u64, &Arc<Order>)| log.orders.get(id) != Some(order);
    if rows.orders.iter().any(|row| differs(row) && !has_gaps) || (rows.orders.len() != log.orders.len() && !has_gaps) {
        return Err("the store's orders are not the log's".to_owned());
    }
    let recounted = Figures::recount(log.orders.values().map(AsRef::as_ref));
    let counted = (&rows.figures.minutes, &rows.figures.store_days);
    if counted != (&recounted.minutes, &recounted.store_days) && !has_gaps {
        return Err("the store's figures are not what the orders say".to_owned());
    }
    if *copy.figures() != rows.figures {
        return Err("the figures shown are not the store's".to_owned());
    }
    if rows.forgotten > 0 {
        world.tally.count("store: built again from the log");
    }
    drop(rows);
    if has_gaps {
        world.tally.count("a gap at the centre, and what closed in it is at the region");
    }
    if log.groups.first().is_some_and(|(at, _)| engine.handle().status().log_first > at.sequence.0) {
        world.tally.count("region: its log was trimmed");
    }
    for (_, bytes) in log.groups.iter().chain(&copied) {
        hasher.update(bytes);
    }
    projection::check(&mut world.regions[region].node, &log)?;
    if followed > 0 {
        world.tally.count("what another node acknowledged was followed");
    }
    count(&log, &mut world.tally);
    Ok(Found::Sound(hasher.finalize()))
}

/// How the orders ended.
fn count(log: &History, tally: &mut Tally) {
    let mut epochs = HashMap::new();
    for order in log.orders.values() {
        *epochs.entry(order.id.epoch()).or_insert(0) += 1;
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
    if epochs.len() > 1 {
        tally.count("orders of several epochs");
    }
}
