//! Deterministic simulation: whole regions and a centre, one thread, simulated clock, disks, tables and lines; the real
//! domain, engine, log, snapshots, projection, replication and applying. One seed decides everything that happens.
//!
//! `QUCAN_SEEDS=n` runs so many seeds instead of the usual ones; `QUCAN_SEED=n` runs that one and says what happened.

#![expect(clippy::unwrap_used, reason = "a test may stop where it fails")]
#![expect(clippy::indexing_slicing, reason = "a test may stop where it fails")]
#![expect(clippy::cast_possible_truncation, clippy::cast_possible_wrap, reason = "small numbers")]
#![expect(clippy::print_stdout, reason = "what was reached is worth knowing")]

mod catalogue;
mod centre;
mod check;
mod clock;
mod crowd;
mod history;
mod ledger;
mod line;
mod misfortune;
mod node;
mod operator;
#[path = "../common/catalog.rs"]
mod parts;
mod plants;
mod projection;
mod reached;
mod region;
mod rot;
mod run;
mod store;
mod world;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use plants::Bug;
use qucan_replication::simulation::Tally;
use run::run;

/// Seeds of an ordinary test run, shared by [`PARTS`] tests.
const SEEDS: u64 = 256;
const PARTS: u64 = 4;
/// From so many on a run has to reach the rare things too.
const LONG: u64 = 3_000;

/// Seeds that found something once. They stay.
/// 325: a first start that failed half-way, and a power cut much later, took a whole copy away.
/// 599, 2117: a projection of another history, not ahead of the log, was believed until the log was read on from it.
const PAST: &[u64] = &[325, 599, 2117];

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().and_then(|value| value.parse().ok())
}

fn part(which: u64) {
    let seeds = number("QUCAN_SEEDS").unwrap_or(SEEDS);
    let (mut tally, mut simulated, mut runs) = (Tally::default(), Duration::ZERO, 0);
    let (began, mut failed) = (Instant::now(), Vec::new());
    for seed in (0..seeds).filter(|seed| seed % PARTS == which) {
        match run(seed, Bug::None) {
            Ok(outcome) => {
                tally.add(&outcome.tally);
                simulated += outcome.simulated;
                runs += 1;
            }
            Err(error) => failed.push(format!("seed {seed}: {error}")),
        }
    }
    println!("{runs} runs, {simulated:?} simulated in {:?}: {tally:#?}", began.elapsed());
    assert!(failed.is_empty(), "{failed:#?}");
    let missed = reached::missing(&tally, seeds >= LONG);
    assert!(missed.is_empty() || seeds < SEEDS, "never reached: {missed:?}");
}

#[test]
fn first_part_of_the_seeds() {
    part(0);
}

#[test]
fn second_part_of_the_seeds() {
    part(1);
}

#[test]
fn third_part_of_the_seeds() {
    part(2);
}

#[test]
fn fourth_part_of_the_seeds() {
    part(3);
}

#[test]
fn seeds_that_found_something_once() {
    if number("QUCAN_SEED").is_some() {
        let subscriber = tracing_subscriber::fmt().without_time().with_ansi(false).with_writer(std::io::stdout);
        tracing::subscriber::set_global_default(subscriber.finish()).unwrap();
    }
    for seed in PAST.iter().copied().chain(number("QUCAN_SEED")) {
        let began = Instant::now();
        match run(seed, Bug::None) {
            Ok(outcome) => println!("seed {seed} took {:?}: {:#?}", began.elapsed(), outcome.tally),
            Err(error) => panic!("seed {seed}: {error}"),
        }
    }
}

#[test]
fn a_seed_gives_the_same_bytes_every_time() {
    for seed in [3, 14, 15] {
        let (one, two) = (
            run(seed, Bug::None).unwrap_or_else(|e| panic!("{e}")),
            run(seed, Bug::None).unwrap_or_else(|e| panic!("{e}")),
        );
        assert_eq!((one.digest, one.tally.0, one.simulated), (two.digest, two.tally.0, two.simulated));
    }
}

/// A planted bug is found within 20 seeds.
fn is_found(bug: Bug) {
    let mut found = Vec::new();
    for seed in 0..20 {
        match catch_unwind(AssertUnwindSafe(|| run(seed, bug).map(|_| ()))) {
            Ok(Ok(())) => {}
            Ok(Err(error)) => found.push(format!("seed {seed}: {error}")),
            Err(_) => found.push(format!("seed {seed}: a panic")),
        }
    }
    println!("{bug:?} found in {} of 20 seeds: {found:#?}", found.len());
    assert!(!found.is_empty(), "{bug:?} was not found");
}

#[test]
fn forgotten_syncs_are_found() {
    is_found(Bug::NoSync);
}

#[test]
fn an_acknowledgement_before_the_sync_is_found() {
    is_found(Bug::AcknowledgedBeforeSync);
}

#[test]
fn a_batch_applied_twice_is_found() {
    is_found(Bug::NoDedup);
}

#[test]
fn a_store_that_is_believed_is_found() {
    is_found(Bug::StoreBelieved);
}

#[test]
fn forgotten_directory_syncs_are_found() {
    is_found(Bug::NoDirectorySync);
}

#[test]
fn an_answer_before_the_sync_is_found() {
    is_found(Bug::AnsweredBeforeSync);
}

#[test]
fn checksums_that_are_ignored_are_found() {
    is_found(Bug::ChecksumsIgnored);
}

#[test]
fn a_projection_that_is_believed_is_found() {
    is_found(Bug::ProjectionBelieved);
}

#[test]
fn stock_that_is_not_given_back_is_found() {
    is_found(Bug::StockNotGivenBack);
}

#[test]
fn a_timer_that_fires_twice_is_found() {
    is_found(Bug::TimerFiredTwice);
}
