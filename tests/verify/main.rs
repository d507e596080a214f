//! `verify` finds what no checksum shows, names it, and leaves alone what heals by itself.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops at the first surprise, in its helpers too"
)]

mod fixtures;
mod forge;
mod region;
mod sabotage;

use std::path::Path;
use std::process::ExitCode;

use fixtures::{Fixture, stopped};
use qucan::domain::time::Millis;
use qucan::ops::verify::{Report, VerifyArgs, VerifyOptions, run, verify};
use region::{Manner, Region};

fn report(dir: &Path) -> Report {
    verify(dir, &VerifyOptions::default()).unwrap()
}

fn exit_code(dir: &Path) -> ExitCode {
    run(&VerifyArgs { data: dir.to_owned(), json: false })
}

/// Everything holds, and the report says what was looked at.
fn assert_holds(dir: &Path) -> Report {
    let report = report(dir);
    assert!(report.ok, "{}", report.text());
    assert_eq!(exit_code(dir), ExitCode::SUCCESS);
    report
}

#[test]
fn a_real_day_holds_and_every_proof_counted_something() {
    let dir = stopped(Manner::default());
    let report = assert_holds(dir.path());
    println!("{}", report.text());
    let names: Vec<_> = report.proofs.iter().map(|proof| proof.name).collect();
    let expected = ["log", "replay", "snapshots", "invariants", "orders", "stock", "coupons", "offsets", "projection"];
    assert_eq!(names, expected);
    let orders = report.proofs.iter().find(|proof| proof.name == "orders").unwrap();
    assert!(orders.checked.starts_with("48 placed, 42 closed, 12 opened again"), "{}", orders.checked);
    let projection = report.proofs.last().unwrap();
    assert!(projection.checked.starts_with("1 days, 30 closed orders"), "{}", projection.checked);
}

/// Every file outside `state/`, with what is in it.
fn truth(dir: &Path) -> Vec<(std::path::PathBuf, Vec<u8>)> {
    let rooms = [dir.to_owned(), dir.join("log"), dir.join("snapshot")];
    let entries = rooms.iter().flat_map(|room| std::fs::read_dir(room).unwrap()).map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = entries.filter(|path| path.is_file()).collect();
    files.sort();
    files.into_iter().map(|path| (path.clone(), std::fs::read(&path).unwrap())).collect()
}

#[test]
fn looking_changes_nothing_outside_state_and_finds_the_same_again() {
    let dir = stopped(Manner::default());
    let before = truth(dir.path());
    let mut first = assert_holds(dir.path());
    assert!(truth(dir.path()) == before, "verify changed a file");
    let mut again = assert_holds(dir.path());
    for (pace, count) in again.pace.iter().zip([192, 30]) {
        assert_eq!((pace.count, pace.per_second > 0), (count, true), "{pace:?}");
    }
    assert_eq!(again.pace.len(), 2);
    (first.pace, again.pace) = (Vec::new(), Vec::new());
    assert_eq!(first, again);
    let json = serde_json::to_value(&again).unwrap();
    assert_eq!((&json["ok"], &json["last_sequence"]), (&true.into(), &192.into()));
    assert_eq!(json["proofs"].as_array().unwrap().len(), 9);
}

#[test]
fn a_killed_node_holds_as_well() {
    let dir = tempfile::tempdir().unwrap();
    for round in 0..3 {
        let mut region = Region::open(dir.path(), Manner::default(), Millis::minutes(round));
        if round == 0 {
            region.import();
        }
        region.live(17);
        region.kill();
        assert_holds(dir.path());
    }
}

#[test]
fn what_is_not_a_stopped_data_directory_is_wrong_usage() {
    let dir = tempfile::tempdir().unwrap();
    assert_eq!(exit_code(&dir.path().join("nothing")), ExitCode::from(2));
    let region = Region::open(dir.path(), Manner::default(), Millis(0));
    let error = verify(dir.path(), &VerifyOptions::default()).unwrap_err();
    assert!(error.to_string().contains("in use by another process"), "{error}");
    region.stop();
    assert_holds(dir.path());
}

#[test]
fn a_torn_tail_is_said_and_fine() {
    let dir = tempfile::tempdir().unwrap();
    let mut region = Region::open(dir.path(), Manner { projection: false, ..Manner::default() }, Millis(0));
    region.import();
    region.live(20);
    region.kill();
    let segment = forge::segments(dir.path()).pop().unwrap();
    let mut bytes = std::fs::read(&segment).unwrap();
    let (at, length) = *forge::frames(&bytes).last().unwrap();
    bytes[at + 32 + length / 2..].fill(0);
    std::fs::write(&segment, bytes).unwrap();
    let report = assert_holds(dir.path());
    assert!(report.notes.iter().any(|note| note.contains("torn at offset")), "{}", report.text());
}

#[test]
fn a_missing_state_directory_is_said_and_fine() {
    let dir = stopped(Manner::default());
    std::fs::remove_dir_all(dir.path().join("state")).unwrap();
    let report = assert_holds(dir.path());
    assert!(report.notes.iter().any(|note| note.contains("no projection")), "{}", report.text());
    assert!(!dir.path().join("state").try_exists().unwrap(), "verify made a directory");
}

#[test]
fn a_projection_behind_the_log_is_said_and_judged_at_its_own_position() {
    let dir = stopped(Manner::default());
    let mut region = Region::open(dir.path(), Manner { projection: false, ..Manner::default() }, Millis::minutes(5));
    region.live(24);
    region.stop();
    let report = assert_holds(dir.path());
    assert!(report.notes.iter().any(|note| note.contains("behind the log")), "{}", report.text());
    forge::edit_projection(dir.path(), |rows, batch| batch.remove(rows[0].0, rows[0].1.clone()));
    let report = self::report(dir.path());
    assert!(report.named.iter().any(|finding| finding.what.contains("is missing")), "{}", report.text());
}

/// A day whose first half was trimmed away: the proof begins at the base, and what closed before it is left alone.
#[test]
fn a_trimmed_log_is_proved_from_its_base() {
    let dir = Fixture::Trimmed.copy();
    let report = assert_holds(dir.path());
    for note in ["base is", "closed orders closed before the log begins: only their own rows were compared"] {
        assert!(report.notes.iter().any(|found| found.contains(note)), "{note:?} is not in\n{}", report.text());
    }
    let log = &report.proofs[0];
    assert!(log.checked.contains("to 192: gapless") && !log.checked.contains(" 1 to"), "{}", log.checked);
}

/// Nothing is remembered, so that each order that late money opened again is looked up in a second walk.
#[test]
fn orders_opened_again_long_after_they_closed_are_looked_up() {
    let dir = Fixture::Day.copy();
    let options = VerifyOptions { closed_remembered: 0, ..VerifyOptions::default() };
    let report = verify(dir.path(), &options).unwrap();
    assert!(report.ok, "{}", report.text());
    forge::edit_log(dir.path(), sabotage::reopen_as_another());
    let report = verify(dir.path(), &options).unwrap();
    assert!(report.named.iter().any(|finding| finding.check == "orders: reopens"), "{}", report.text());
}
