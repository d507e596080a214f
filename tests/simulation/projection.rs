//! The projection in the simulation: what may befall its tables, and what whoever asks for closed orders must be told:
//! the order as it was last told or newer, `rebuilding`, but never "not found".

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::tz::TimeZone;
use qucan::domain::id::MemberId;
use qucan::domain::order::Order;
use qucan::domain::time::{BusinessDay, Millis, MinuteOfDay, business_day};
use qucan::engine::answer::Unavailable;
use qucan::engine::clock::Clock;
use qucan::engine::stepped::Stepped;
use qucan::engine::{ProjectionPhase, StoreOrdersFilter};
use qucan_replication::simulation::{Dice, Tally};
use qucan_storage::table::{CommitFault, TableMishap};

use crate::catalogue::{MEMBERS, STORES};
use crate::history::History;
use crate::node::{KEEP_DAYS, Node};
use crate::world::World;

/// What may befall the tables of a process that is gone.
pub fn may_break(node: &mut Node, dice: &mut Dice, tally: &mut Tally) {
    match dice.below(14) {
        0 => {
            tally.count("projection: lost");
            node.tables.lose();
        }
        1 | 2 => {
            if let Some(older) = node.older_tables.take() {
                tally.count("projection: an older one");
                node.tables.put(&older);
            }
        }
        3 | 4 => node.older_tables = Some(node.tables.image()),
        5 | 6 => {
            let mishap = TableMishap::ALL[dice.index(TableMishap::ALL.len())];
            if node.tables.break_one(dice.index(8), mishap) {
                tally.count(match mishap {
                    TableMishap::FailsToOpen => "projection: fails to open",
                    TableMishap::PanicsAtOpen => "projection: panics at open",
                    TableMishap::FailsToRead => "projection: fails to read",
                    TableMishap::TableEmptied => "projection: a table emptied",
                    TableMishap::MarkerLost => "projection: its marker lost",
                });
            }
        }
        _ => {}
    }
}

/// What may befall the tables of one that runs.
pub fn fails(node: &Node, dice: &mut Dice, tally: &mut Tally) {
    match dice.below(4) {
        0 => {
            tally.count("projection: a batch to fail");
            node.tables.fail_next_commit(CommitFault::Nothing);
        }
        1 => {
            tally.count("projection: a batch to be kept and said to have failed");
            node.tables.fail_next_commit(CommitFault::Everything);
        }
        2 => {
            tally.count("projection: no room");
            node.tables.set_full(true);
        }
        _ => node.tables.set_full(false),
    }
}

/// Whether it has followed the log to its end.
pub fn is_whole(node: &Node) -> bool {
    node.engine.as_ref().is_some_and(|engine| {
        let status = engine.handle().status();
        status.projection == ProjectionPhase::Following && status.projected_to == status.log_head
    })
}

fn phase(node: &Node) -> Option<ProjectionPhase> {
    node.engine.as_ref().map(|engine| engine.handle().status().projection)
}

/// Orders of this day and of later ones are kept for sure.
fn first_day_kept(node: &Node) -> BusinessDay {
    // The clock may have gone back a little since the last order.
    let zone = TimeZone::get("Asia/Shanghai").unwrap();
    let today = business_day(&zone, MinuteOfDay(240), node.clock.now().plus(Millis::minutes(30)));
    BusinessDay((today.0 + 1).saturating_sub(KEEP_DAYS))
}

/// Somebody asks for a closed order that they were told about, in one of three ways; or for everything.
pub fn is_asked(world: &mut World, region: usize) -> Result<(), String> {
    let node = &mut world.regions[region].node;
    is_not_ahead(node)?;
    let first = node.just_started && phase(node) == Some(ProjectionPhase::Following);
    node.just_started &= !first;
    if (first && world.dice.one_in(2)) || world.dice.one_in(120) {
        return is_compared(world, region);
    }
    if !world.dice.one_in(5) {
        return Ok(());
    }
    let here = &world.regions[region];
    let Some(engine) = &here.node.engine else { return Ok(()) };
    let Some(order) = here.crowd.some_closed(&mut world.dice) else { return Ok(()) };
    let found = match world.dice.below(3) {
        0 => engine.order(order.id),
        1 => engine.orders_of_member(&order.member, None, 500).map(|orders| found_in(&orders, &order)),
        _ => {
            let filter = StoreOrdersFilter { day: order.business_day, status: None, code: None };
            engine.orders_of_store(&order.store, &filter, None, 500).map(|orders| found_in(&orders, &order))
        }
    };
    let name = match found {
        Ok(Some(found)) if found.offset >= order.offset => "history: answered",
        Ok(None) if order.business_day < first_day_kept(&here.node) => "history: past its retention",
        Ok(None) if engine.handle().may_be_gone(order.id) => "history: went with the log for want of room",
        Err(Unavailable::Rebuilding) => "history: rebuilding",
        found => return Err(format!("{} was told as {order:?} and is answered with {found:?}", order.id)),
    };
    world.tally.count(name);
    if matches!(engine.handle().status().projection, ProjectionPhase::Paused(_)) {
        world.tally.count("projection: pauses");
    }
    Ok(())
}

fn found_in(orders: &[Arc<Order>], order: &Order) -> Option<Arc<Order>> {
    orders.iter().find(|found| found.id == order.id).cloned()
}

/// It never says that it follows while it is ahead of the log: what it has is of another history then.
fn is_not_ahead(node: &Node) -> Result<(), String> {
    let Some(engine) = &node.engine else { return Ok(()) };
    let status = engine.handle().status();
    if status.projection == ProjectionPhase::Following && status.projected_to > status.log_head {
        return Err(format!(
            "the projection is believed at {}, the log ends at {}",
            status.projected_to, status.log_head
        ));
    }
    Ok(())
}

/// Everything that is answered now is compared with the log, unless it says that it is being rebuilt.
fn is_compared(world: &mut World, region: usize) -> Result<(), String> {
    let node = &world.regions[region].node;
    let Some(engine) = &node.engine else { return Ok(()) };
    if phase(node) != Some(ProjectionPhase::Following) {
        return Ok(());
    }
    let history = match History::read(node, engine.last()) {
        Err(_) if node.rotten || node.fault_planned => return Ok(()),
        read => read?,
    };
    match compare(node, engine, &history) {
        Ok(()) => world.tally.count("history: compared with the log"),
        Err(Differs::Unavailable(_)) => world.tally.count("history: found to be broken"),
        Err(Differs::Wrong(why)) => return Err(why),
    }
    Ok(())
}

/// Everything is answered as the log has it. A table that is found to be broken only now is built again first.
pub fn check(node: &mut Node, history: &History) -> Result<(), String> {
    let mut outcome = Ok(());
    for _ in 0..4 {
        follow(node);
        let Some(engine) = &node.engine else { return Err("the region does not run".to_owned()) };
        match compare(node, engine, history) {
            Ok(()) => return Ok(()),
            Err(Differs::Wrong(why)) => return Err(why),
            Err(Differs::Unavailable(why)) => {
                outcome = Err(format!("closed orders can't be asked for in the end: {why}"));
            }
        }
    }
    outcome
}

/// Moves the projection on until it is whole; nothing is decided meanwhile.
fn follow(node: &mut Node) {
    for _ in 0..10_000 {
        if node.engine.as_mut().is_none_or(Stepped::project) && is_whole(node) {
            return;
        }
    }
}

/// Why answers are not the log's.
enum Differs {
    Unavailable(Unavailable),
    Wrong(String),
}

impl From<Unavailable> for Differs {
    fn from(unavailable: Unavailable) -> Self {
        Self::Unavailable(unavailable)
    }
}

/// Every order that is kept is answered as the log has it, by itself and in every list; and nothing else is.
fn compare(node: &Node, engine: &Stepped, history: &History) -> Result<(), Differs> {
    let first = first_day_kept(node);
    for order in history.orders.values() {
        match engine.order(order.id)? {
            Some(found) if found == *order => {}
            None if order.business_day < first || engine.handle().may_be_gone(order.id) => {}
            found => return Err(Differs::Wrong(format!("on the log is {order:?}, the answer is {found:?}"))),
        }
    }
    for member in MEMBERS {
        let member: MemberId = member.parse().unwrap();
        let answered = engine.orders_of_member(&member, None, 500)?;
        let kept = |order: &Order| order.business_day >= first && !engine.handle().may_be_gone(order.id);
        is_all(&answered, history, kept, |order| order.member == member).map_err(Differs::Wrong)?;
    }
    let days: BTreeSet<BusinessDay> = history.orders.values().map(|order| order.business_day).collect();
    for (store, day) in STORES.iter().flat_map(|store| days.range(first..).map(move |day| (*store, *day))) {
        let store = store.parse().unwrap();
        let filter = StoreOrdersFilter { day, status: None, code: None };
        let answered = engine.orders_of_store(&store, &filter, None, 500)?;
        let kept = |order: &Order| !engine.handle().may_be_gone(order.id);
        is_all(&answered, history, kept, |order| order.store == store && order.business_day == day)
            .map_err(Differs::Wrong)?;
    }
    Ok(())
}

fn is_all(
    answered: &[Arc<Order>],
    history: &History,
    is_kept: impl Fn(&Order) -> bool,
    belongs: impl Fn(&Order) -> bool,
) -> Result<(), String> {
    let answered: BTreeMap<u64, &Arc<Order>> = answered.iter().map(|order| (order.id.packed(), order)).collect();
    let expected = history.orders.values().filter(|order| belongs(order));
    if let Some(missing) = expected
        .clone()
        .find(|order| is_kept(order) && answered.get(&order.id.packed()).is_none_or(|found| *found != *order))
    {
        return Err(format!("{} is missing in a list or differs from the log", missing.id));
    }
    match answered.values().find(|found| !expected.clone().any(|order| order.id == found.id)) {
        Some(foreign) => Err(format!("{} does not belong into a list that holds it", foreign.id)),
        None => Ok(()),
    }
}

/// A projection that is built again from the log is the one that followed it.
pub fn check_rebuilt(world: &mut World, region: usize) -> Result<(), String> {
    let node = &mut world.regions[region].node;
    if node.tape.is_some() {
        // What went with the log can't come back.
        return Ok(());
    }
    let state = node.dir().join("state");
    let live = node.tables.rows_below(&state);
    node.dies(None);
    node.tables.lose();
    node.start()?;
    if node.engine.is_none() {
        return Err("the region does not start".to_owned());
    }
    follow(node);
    let rebuilt = node.tables.rows_below(&state);
    if live != rebuilt {
        let differs = live.iter().find(|(table, rows)| rebuilt.get(table) != Some(rows)).map(|(table, _)| table);
        return Err(format!("a rebuilt projection differs from the live one, first in {differs:?}"));
    }
    world.tally.count("projection: rebuilt equals live");
    Ok(())
}
