//! The person who looks after nodes that can't go on: restores one from the centre under the next epoch, moves a rotten copy
//! of the centre's aside, switches off a node that takes itself for a region's.

use std::time::Duration;

use qucan::aggregator::region::Region;
use qucan_replication::Point;
use qucan_storage::{Position, Sequence};

use crate::node::{is_full, is_named};
use crate::region::Who;
use crate::world::World;

/// Does what is asked of a person now.
pub fn looks_after(world: &mut World, region: usize) -> Result<(), String> {
    let here = &mut world.regions[region];
    if here.rival.as_ref().is_some_and(|rival| rival.is_fenced()) && world.dice.one_in(80) {
        switch_off(world, region);
    }
    let here = &mut world.regions[region];
    let refuses = here.node.refuses.is_some();
    if !refuses && !here.node.is_fenced() {
        here.restore_at = None;
        if world.centre.copies[region].refuses.is_some() && world.dice.one_in(40) {
            move_aside(world, region);
        }
        return Ok(());
    }
    let at = *here.restore_at.get_or_insert(world.now + Duration::from_millis(world.dice.below(5_000)));
    if world.now < at {
        return Ok(());
    }
    match (&world.centre.copies[region].refuses, refuses) {
        (Some(theirs), true) => {
            let ours = here.node.refuses.clone().unwrap_or_default();
            world.dead_end = Some(format!("the node says: {ours}; the centre says: {theirs}"));
            Ok(())
        }
        (Some(_), false) => {
            move_aside(world, region);
            Ok(())
        }
        (None, _) => restore(world, region),
    }
}

/// Ends a rival for good.
pub fn switch_off(world: &mut World, region: usize) {
    world.tally.count("rival: switched off");
    world.dies(Who { region, rival: true }, None);
    world.regions[region].rival = None;
}

/// The centre's copy is taken away; the region sends everything again. There must be one node only: what was granted is
/// forgotten with it.
fn move_aside(world: &mut World, region: usize) {
    if world.regions[region].rival.is_some() {
        switch_off(world, region);
    }
    world.centre_dies(None);
    let copy = &mut world.centre.copies[region];
    world.centre.fs.take_away(&copy.dir());
    (copy.rotten, copy.refuses) = (false, None);
    world.backup = None;
    let here = &mut world.regions[region];
    here.acknowledged = Point::ORIGIN;
    (here.lost, here.old_copy) = (None, None);
    world.tally.count("rot: the centre's copy was moved aside and filled again");
}

/// As `qucan restore --from-aggregator`: an epoch is granted, the copy is read, and only then is a new disk built from it.
fn restore(world: &mut World, region: usize) -> Result<(), String> {
    let Some(theirs) = world.centre.copies[region].region.clone() else { return Ok(()) };
    let epoch = match theirs.grant_next() {
        Ok(epoch) => epoch,
        Err(_) if world.centre.fault_planned || is_full(&world.centre.fs) => return Ok(()),
        Err(error) => return Err(format!("no epoch was granted on a healthy disk: {error}")),
    };
    world.backup = None;
    let end = theirs.received();
    let groups = match read(&theirs, end) {
        Ok(groups) => groups,
        Err(error) if world.centre.copies[region].rotten && is_named(&error) => {
            world.tally.count("rot: a restore found it in the centre's copy");
            drop(theirs);
            world.centre.copies[region].is_refused(error);
            world.centre_dies(None);
            return Ok(());
        }
        Err(error) => return Err(format!("the centre's copy can't be read: {error}")),
    };
    drop(theirs);
    world.dies(Who { region, rival: false }, None);
    let (seed, bug) = (world.dice.next(), world.bug);
    let here = &mut world.regions[region];
    here.lost = Some(here.node.copy());
    here.old_copy = None;
    here.node.is_restored(seed, epoch, &groups, end)?;
    bug.plant_disk(&here.node.fs);
    let kept = here.fork.take().map_or(end.sequence, |fork| fork.min(end.sequence));
    here.crowd.history_ended(kept);
    here.restore_at = None;
    world.tally.count("region: restored from the centre under the next epoch");
    Ok(())
}

fn read(theirs: &Region, end: Position) -> Result<Vec<Vec<u8>>, String> {
    let mut groups = Vec::new();
    if end == Position::ORIGIN {
        return Ok(groups);
    }
    let mut reader = theirs.replica().reader(Sequence::NONE).map_err(|error| error.to_string())?;
    while let Some(group) = reader.next(end.sequence).map_err(|error| error.to_string())? {
        groups.push(group.raw().to_vec());
    }
    Ok(groups)
}
