//! Random lives of a small chain, lived twice: by the domain and by a plain model with its own arithmetic. Every answer
//! and every figure must agree, over restarts and replays too.
//!
//! `QUCAN_MODEL_SEED` repeats one run (it is printed), `QUCAN_MODEL_SEQUENCES` sets how many sequences are lived. A
//! failing sequence is cut down to few commands before it is shown.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    missing_docs,
    reason = "a test says what is wrong by panicking, and its numbers are small"
)]

mod commands;
mod compare;
#[path = "../common/catalog.rs"]
mod parts;
mod plain;
mod plain_orders;
mod run;
mod system;
mod world;

use std::panic::{AssertUnwindSafe, catch_unwind};

use commands::{Command, Random, sequence};

const SEQUENCES: u64 = 10_000;

#[test]
fn the_domain_lives_as_the_contract_says() {
    let number = |name: &str| std::env::var(name).ok().map(|text| text.parse::<u64>().expect(name));
    let seed = number("QUCAN_MODEL_SEED").unwrap_or_else(|| u64::from(std::process::id()) << 20);
    let sequences = number("QUCAN_MODEL_SEQUENCES").unwrap_or(SEQUENCES);
    println!("QUCAN_MODEL_SEED={seed} QUCAN_MODEL_SEQUENCES={sequences}");
    let mut seen = run::Seen::default();
    // Only the last failure is shown: cutting down makes many.
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    for index in 0..sequences {
        let mut random = Random(seed.wrapping_add(index));
        let commands = sequence(&mut random);
        let limit = random.chance(30).then_some(2);
        if lives(limit, &commands, &mut seen).is_err() {
            let seed = seed.wrapping_add(index);
            let few = shrink(limit, commands);
            std::panic::set_hook(hook);
            println!("QUCAN_MODEL_SEED={seed} QUCAN_MODEL_SEQUENCES=1 fails, cut down to {few:#?} (limit {limit:?})");
            run::run(limit, &few, &mut seen);
            panic!("sequence {seed} failed once and not again");
        }
    }
    std::panic::set_hook(hook);
    println!("answers: {seen:?}");
    // A run that met too little proves too little.
    if sequences >= 1_000 {
        seen.check();
    }
}

fn lives(limit: Option<usize>, commands: &[Command], seen: &mut run::Seen) -> Result<(), ()> {
    catch_unwind(AssertUnwindSafe(|| run::run(limit, commands, seen))).map_err(|_| ())
}

/// Leaves out ever smaller pieces as long as it still fails.
fn shrink(limit: Option<usize>, mut commands: Vec<Command>) -> Vec<Command> {
    let mut piece = commands.len() / 2;
    while piece > 0 {
        let mut from = 0;
        while from < commands.len() {
            let mut fewer = commands.clone();
            fewer.drain(from..(from + piece).min(commands.len()));
            if lives(limit, &fewer, &mut run::Seen::default()).is_err() {
                commands = fewer;
            } else {
                from += piece;
            }
        }
        piece /= 2;
    }
    commands
}
