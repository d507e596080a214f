//! Every check of `verify` has something that it alone is there for: broken here, behind right checksums where that is
//! possible, it must be found by that check, named, and end the command with 1.

mod events;
mod files;
mod projection;
mod state;

use std::collections::BTreeSet;
use std::path::Path;
use std::process::ExitCode;

use qucan::ops::verify::Check;

use crate::fixtures::Fixture;
use crate::{exit_code, report};

pub use events::reopen_as_another;

/// Something broken.
pub struct Sabotage {
    check: Check,
    fixture: Fixture,
    /// What is said about it.
    said: &'static str,
    act: fn(&Path),
}

fn on(fixture: Fixture, check: Check, said: &'static str, act: fn(&Path)) -> Sabotage {
    Sabotage { check, fixture, said, act }
}

fn all() -> Vec<Sabotage> {
    [files::log(), files::snapshots(), events::cases(), state::cases(), projection::cases()]
        .into_iter()
        .flatten()
        .collect()
}

/// Breaks one thing after another and expects each to be found.
fn each_is_found(cases: Vec<Sabotage>) {
    for Sabotage { check, fixture, said, act } in cases {
        let dir = fixture.copy();
        act(dir.path());
        let report = report(dir.path());
        let text = report.text();
        let name = check.to_string();
        let named = report.named.iter().any(|finding| finding.check == name && finding.what.contains(said));
        assert!(!report.ok && named, "{name}: {said:?} is not named in\n{text}");
        let proof = report.proofs.iter().find(|proof| proof.name == check.proof()).unwrap();
        assert!(!proof.holds, "{name}: {proof:?}");
        assert_eq!(exit_code(dir.path()), ExitCode::from(1), "{name}");
    }
}

#[test]
fn what_is_broken_in_the_log_is_found() {
    each_is_found(files::log());
}

#[test]
fn what_is_broken_in_snapshots_is_found() {
    each_is_found(files::snapshots());
}

#[test]
fn events_that_are_not_right_are_found() {
    each_is_found(events::cases());
}

#[test]
fn states_that_are_not_right_are_found() {
    each_is_found(state::cases());
}

#[test]
fn what_is_broken_in_the_projection_is_found() {
    each_is_found(projection::cases());
}

/// A check that can't fail proves nothing: whoever adds one adds the case that breaks it.
#[test]
fn every_check_is_broken_by_something() {
    let broken: BTreeSet<Check> = all().iter().map(|sabotage| sabotage.check).chain(state::planted()).collect();
    let never: Vec<String> =
        Check::all().iter().filter(|check| !broken.contains(check)).map(Check::to_string).collect();
    assert!(never.is_empty(), "nothing breaks {never:?}");
}
