//! The projection's days against what the log says about them, each at its own position, by number and sum of its rows.

use std::collections::BTreeMap;

use qucan_storage::{ChainHash, Epoch, Sequence};

use super::check::Check;
use super::disk::OnDisk;
use super::naming::Naming;
use super::report::Findings;
use super::rows::{Expected, Expecting};

/// What is known of the log.
pub(super) struct Log<'l> {
    /// The directory's epoch.
    pub(super) epoch: Epoch,
    pub(super) last: Sequence,
    /// Its chain where the days say that they are.
    pub(super) hashes: &'l BTreeMap<Sequence, ChainHash>,
}

/// Compares; answers the days whose rows have to be looked at one by one.
pub(super) fn compare(disk: &OnDisk, expecting: &Expecting, log: &Log<'_>, found: &mut Findings) -> Vec<Naming> {
    let (mut differing, limits) = (Vec::new(), disk.limits());
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
        if expecting.days.get(name).map(|expected| expected.rows).unwrap_or_default() != day.rows {
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
    differing
}
