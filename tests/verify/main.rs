//! `verify` finds what no checksum shows, names it, and leaves alone what heals by itself.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops at the first surprise, in its helpers too"
)]

mod forge;
mod region;

use std::path::Path;
use std::process::ExitCode;

use qucan::domain::event::{Event, OrderChange};
use qucan::domain::money::Fen;
use qucan::domain::state::Part;
use qucan::domain::time::Millis;
use qucan::engine::projection::keys;
use qucan::ops::verify::{Report, VerifyArgs, VerifyOptions, run, verify};
use region::{Manner, Region};
use tempfile::TempDir;

/// A stopped node's directory after a small day.
fn stopped(manner: Manner) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    let mut region = Region::open(dir.path(), manner, Millis(0));
    region.import();
    region.live(48);
    region.stop();
    dir
}

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

/// Something is broken, and the report names all of `what`.
fn assert_names(dir: &Path, what: &[&str]) {
    let report = report(dir);
    let text = report.text();
    assert!(!report.ok && report.violations > 0, "{text}");
    for what in what {
        assert!(report.named.iter().any(|finding| finding.what.contains(what)), "{what:?} is not named in\n{text}");
    }
    assert_eq!(exit_code(dir), ExitCode::from(1));
}

#[test]
fn a_real_day_holds_and_every_proof_counted_something() {
    let dir = stopped(Manner::default());
    let report = assert_holds(dir.path());
    println!("{}", report.text());
    let names: Vec<_> = report.proofs.iter().map(|proof| proof.name.as_str()).collect();
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
    let first = assert_holds(dir.path());
    assert!(truth(dir.path()) == before, "verify changed a file");
    let again = assert_holds(dir.path());
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

// Decisions 12 to 15, each broken by itself behind right checksums.

#[test]
fn decision_12_stock_that_does_not_add_up_in_a_snapshot() {
    let dir = stopped(Manner::default());
    forge::edit_snapshot(dir.path(), |part| {
        if let Part::Stock(_, lines) = part {
            lines[0].2.available += 1;
        }
    });
    assert_names(dir.path(), &["I1 stock balances", "its state at"]);
}

#[test]
fn decision_12_units_sold_that_no_order_bought() {
    let dir = stopped(Manner::default());
    forge::edit_snapshot(dir.path(), |part| {
        if let Part::Stock(_, lines) = part {
            lines[0].2.sold += 1;
            lines[0].2.received += 1;
        }
    });
    assert_names(dir.path(), &["decision 12", "its state at"]);
}

#[test]
fn decision_13_more_coupons_than_the_quota() {
    let dir = stopped(Manner::default());
    forge::edit_log(dir.path(), |_, event| {
        if let Event::CampaignDefined(campaign) = event {
            std::sync::Arc::make_mut(campaign).quota = 15;
        }
    });
    assert_names(dir.path(), &["I3 quota holds"]);
}

#[test]
fn decision_13_a_claim_that_nobody_made() {
    let dir = stopped(Manner::default());
    forge::edit_snapshot(dir.path(), |part| {
        if let Part::Claims(_, claims) = part {
            claims.truncate(0);
        }
    });
    assert_names(dir.path(), &["I4 claims counted", "decision 13"]);
}

#[test]
fn decision_13_a_coupon_marked_free_that_an_order_uses() {
    let dir = stopped(Manner::default());
    forge::edit_snapshot(dir.path(), |part| {
        if let Part::Claims(_, claims) = part {
            claims.iter_mut().for_each(|(_, claim)| claim.used_by = None);
        }
    });
    assert_names(dir.path(), &["I5 coupon used once", "decision 13"]);
}

#[test]
fn decision_14_money_that_does_not_balance() {
    let dir = stopped(Manner::default());
    let mut first = true;
    forge::edit_log(dir.path(), |_, event| {
        if let Event::OrderChanged { change: OrderChange::Paid { payment: Some(payment), .. }, .. } = event
            && std::mem::take(&mut first)
        {
            payment.amount -= Fen(1);
        }
    });
    assert_names(dir.path(), &["I7 money balances"]);
}

#[test]
fn decision_14_a_closed_order_other_than_its_events_made_it() {
    let dir = stopped(Manner::default());
    forge::edit_log(dir.path(), |_, event| {
        if let Event::OrderChanged { whole: Some(whole), change: OrderChange::Collected { .. }, .. } = event {
            std::sync::Arc::make_mut(whole).note = Some("never said".into());
        }
    });
    assert_names(dir.path(), &["it is another than the event carries"]);
}

#[test]
fn decision_14_a_closed_order_that_comes_back_as_another() {
    let dir = stopped(Manner::default());
    // The order that late money opens again, and everything it does afterwards, carries another note than it closed with.
    let mut ids = std::collections::BTreeSet::new();
    forge::edit_log(dir.path(), |_, event| {
        if let Event::OrderChanged { order, whole: Some(whole), change, .. } = event
            && (matches!(change, OrderChange::MoneyReturned { .. }) || ids.contains(order))
        {
            ids.insert(*order);
            std::sync::Arc::make_mut(whole).note = Some("never said".into());
        }
    });
    assert_names(dir.path(), &["is opened again as another than it was closed"]);
}

#[test]
fn decision_15_offsets_that_skip() {
    let dir = stopped(Manner::default());
    forge::edit_snapshot(dir.path(), |part| {
        if let Part::Stores(_, stores) = part {
            stores[0].1.store_offset += 1;
        }
    });
    assert_names(dir.path(), &["decision 15", "its state at"]);
}

// The log.

#[test]
fn a_flipped_bit_in_the_log() {
    let dir = stopped(Manner::default());
    let segment = forge::segments(dir.path()).remove(0);
    let frames = forge::frames(&std::fs::read(&segment).unwrap());
    forge::flip(&segment, frames[frames.len() / 2].0 + 200);
    assert_names(dir.path(), &["damaged at offset"]);
}

#[test]
fn a_group_whose_predecessor_is_another() {
    let dir = stopped(Manner::default());
    forge::break_chain(&forge::segments(dir.path())[0], 5);
    assert_names(dir.path(), &["a group that doesn't continue the one before"]);
}

#[test]
fn a_missing_segment() {
    let dir = stopped(Manner { segment_bytes: 32 << 10, ..Manner::default() });
    let segments = forge::segments(dir.path());
    assert!(segments.len() >= 3, "{segments:?}");
    std::fs::remove_file(&segments[1]).unwrap();
    assert_names(dir.path(), &["lost"]);
}

#[test]
fn an_entry_of_a_later_version_is_named_and_nothing_else_claimed() {
    let dir = stopped(Manner::default());
    let mut number = 0;
    forge::edit_log_bytes(dir.path(), |entry| {
        number += 1;
        if number == 40 {
            entry[0] = 99;
        }
    });
    assert_names(dir.path(), &["entry 40: entry of unknown kind 99"]);
    assert_eq!(report(dir.path()).proofs.len(), 1);
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

// Snapshots.

#[test]
fn a_snapshot_of_another_state_that_breaks_no_promise() {
    let dir = stopped(Manner::default());
    forge::edit_snapshot(dir.path(), |part| {
        if let Part::Head(head) = part {
            head.next_order += 1;
        }
    });
    assert_names(dir.path(), &["its state at"]);
}

#[test]
fn a_snapshot_that_rots() {
    let dir = stopped(Manner::default());
    forge::flip(&forge::snapshots(dir.path())[0], 500);
    assert_names(dir.path(), &["damaged snapshot"]);
}

// The projection.

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
    assert_names(dir.path(), &["is missing"]);
}

#[test]
fn a_closed_order_that_the_projection_lost() {
    let dir = stopped(Manner::default());
    forge::edit_projection(dir.path(), |rows, batch| batch.remove(rows[3].0, rows[3].1.clone()));
    assert_names(dir.path(), &["order 2611", "is missing"]);
}

#[test]
fn an_index_entry_that_the_projection_lost() {
    let dir = stopped(Manner::default());
    forge::edit_projection(dir.path(), |rows, batch| {
        let (table, key, _) = rows.iter().find(|(table, key, _)| *table == keys::INDEX && key[0] == b'q').unwrap();
        batch.remove(*table, key.clone());
    });
    assert_names(dir.path(), &["queue entry of store sh-00", "is missing"]);
}

#[test]
fn an_index_entry_too_many() {
    let dir = stopped(Manner::default());
    forge::edit_projection(dir.path(), |_, batch| {
        batch.put(keys::INDEX, keys::member_key(&"nobody".parse().unwrap(), 7), Vec::new());
    });
    assert_names(dir.path(), &["index entry of member nobody", "is not in the log"]);
}

#[test]
fn a_closed_order_with_another_amount() {
    let dir = stopped(Manner::default());
    forge::edit_projection(dir.path(), |rows, batch| {
        let (table, key, value) = rows.iter().find(|(table, ..)| *table == keys::ORDERS).unwrap();
        let mut order = qucan::engine::records::decode_order(&value[1..]).unwrap();
        order.payable += Fen(100);
        let mut changed = vec![1];
        qucan::engine::records::encode_order(&mut changed, &order).unwrap();
        batch.put(*table, key.clone(), changed);
    });
    assert_names(dir.path(), &["is not as the log says"]);
}

#[test]
fn two_changes_that_leave_the_count_as_it_was() {
    let dir = stopped(Manner::default());
    forge::edit_projection(dir.path(), |rows, batch| {
        batch.remove(rows[0].0, rows[0].1.clone());
        batch.put(keys::ORDERS, keys::order_key(7), rows[0].2.clone());
    });
    assert_names(dir.path(), &["is missing", "is not in the log"]);
}
