//! The projection's days against what the log says about them, each at its own position, by number and sum of its rows.

use std::collections::BTreeMap;
use std::path::Path;

use qucan_storage::{ChainHash, Epoch, Sequence};

use super::check::Check;
use super::disk::{OnDisk, visit_orders};
use super::naming::Naming;
use super::report::Findings;
use super::rows::{Earlier, Expected, Expecting, Rows};
use crate::domain::invariants::check_order;
use crate::domain::time::BusinessDay;

/// What is known of the log.
pub(super) struct Log<'l> {
    /// The directory's epoch.
    pub(super) epoch: Epoch,
    pub(super) last: Sequence,
    /// Its chain where the days say that they are.
    pub(super) hashes: &'l BTreeMap<Sequence, ChainHash>,
}

/// Compares; answers the days whose rows have to be looked at one by one, and how many orders closed before the log begins.
pub(super) fn compare(disk: &OnDisk, expecting: &Expecting, log: &Log<'_>, found: &mut Findings) -> (Vec<Naming>, u64) {
    let (mut differing, mut older, limits) = (Vec::new(), 0, disk.limits());
    for (name, day) in &disk.days {
        let (dir, at) = (day.dir.display(), day.position.sequence);
        found.expect(day.epoch <= log.epoch, Check::DayEpoch, || {
            format!("{dir}: {:?}, the directory is in {:?}", day.epoch, log.epoch)
        });
        if at > log.last {
            found.add(Check::DayPosition, format!("{dir}: applied up to {at}, the log ends at {}", log.last));
            continue;
        }
        let same = at == Sequence::NONE || log.hashes.get(&at) == Some(&day.position.hash);
        found.expect(same, Check::DayHistory, || {
            format!("{dir}: applied up to {at}, of another history than the log's")
        });
        let expected = expecting.days.get(name).map(|expected| expected.rows).unwrap_or_default();
        let of_log = day.rows == expected;
        if !of_log && day.rows != expected.plus(rows_before(name, &day.dir, &expecting.earlier, &mut older, found)) {
            differing.push(Naming::new(*name, &day.dir, limits.of(*name)));
        }
    }
    let oldest = disk.days.keys().next();
    for (name, Expected { orders, .. }) in &expecting.days {
        let kept = oldest.is_some_and(|oldest| name >= oldest);
        found.expect(!kept || disk.days.contains_key(name), Check::DayThere, || {
            format!("day {} is missing: {orders} closed orders", name.date())
        });
    }
    (differing, older)
}

/// The rows that a day's orders must have that closed before the log begins, as their records say. The records are judged
/// by themselves.
fn rows_before(day: &BusinessDay, dir: &Path, earlier: &Earlier, older: &mut u64, found: &mut Findings) -> Rows {
    let mut rows = Rows::default();
    if !earlier.reaches_back(*day) {
        return rows;
    }
    let visited = visit_orders(dir, |order| {
        if earlier.holds(&order) {
            rows = rows.plus(Rows::of(&order));
            *older += 1;
            for violation in check_order(&order) {
                found.add(Check::OrderHolds(violation.invariant), format!("{}: {violation}", dir.display()));
            }
        }
    });
    if let Err(error) = visited {
        found.add(Check::DayOpens, format!("{}: {error}", dir.display()));
    }
    rows
}
