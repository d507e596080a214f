//! Damaged bytes for what comes over the line, what stands in the projection's rows, and the small and derived files of a
//! data directory: as in `damage`, nothing panics, nothing takes memory beyond the limits, and nothing is believed.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use proptest::prelude::*;
use proptest::sample::Index;
use qucan::domain::order::Order;
use qucan::domain::time::{BusinessDay, Millis};
use qucan::engine::answer::Unavailable;
use qucan::engine::projection::{directories, keys};
use qucan::engine::records::decode_order;
use qucan::engine::{Engine, EngineOptions, StoreOrdersFilter};
use qucan_replication::frame::{ByeReason, Message, encode_groups};
use qucan_replication::{Batch, Fence, FenceReason, Hello, Identity, Point, SnapshotInfo, limits};
use qucan_storage::log::Group;
use qucan_storage::table::{Scan, TableOptions, Tables};

use crate::crowd::Crowd;
use crate::damage::{SMALL, check, corpus, damaged, damages, within};
use crate::site::{AT_LAST, Site, pace};
use crate::volume::run;

/// Of a message: where its body's length stands, where the body begins, and the checksum behind it.
const LENGTH_AT: usize = 8;
const BODY_AT: usize = 12;
const CHECK_BYTES: usize = 16;
/// LZ4 makes at most so many bytes of one.
const UNPACKED_MOST: usize = 255;
/// Bytes in memory for each byte of a stored order, as for entries.
const RECORD_GROWTH: usize = 8;

/// A message of every kind, those with groups as a region that sells has sent them.
fn messages() -> Vec<Vec<u8>> {
    let groups: Vec<Group<'_>> = corpus().groups.iter().map(|raw| Group::parse(raw).unwrap()).collect();
    let point = |group: &Group<'_>| Point { sequence: group.last().0, hash: group.position().hash.0 };
    let at = point(&groups[0]);
    let identity = Identity { region: "华北".into(), epoch: 3, instance: 1 << 99, announcement: vec![7; 40] };
    let heartbeat = Duration::from_secs(2);
    let plain = [
        Message::Hello(Hello { identity, head: 9, first: 1 }),
        Message::Welcome { from: at, epoch: 3, window: 8 << 20, heartbeat },
        Message::Seed { epoch: 3, window: 8 << 20, heartbeat },
        Message::Fence(Fence { reason: FenceReason::OtherHistory, detail: "old copy".into(), epoch: 4 }),
        Message::Refuse("not this way".into()),
        Message::Ack(at),
        Message::Heartbeat { head: 1, bytes: 2 },
        Message::Diverged { at: 5, hash: Some(at.hash) },
        Message::SnapshotOffer(SnapshotInfo { at, epoch: 3, bytes: 1 << 40 }),
        Message::SnapshotAnswer { at: 5, wanted: true },
        Message::SnapshotPiece { at: 5, offset: 6, bytes: corpus().snapshot[..2_000].to_vec().into() },
        Message::SnapshotEnd { at: 5 },
        Message::SnapshotTaken { at: 5, offset: 6 },
        Message::Bye { reason: ByeReason::Busy, text: "restart".into() },
    ];
    let mut messages: Vec<Vec<u8>> = plain.iter().map(|message| message.encode().to_vec()).collect();
    for (begin, count) in [(0, 1), (1, 20), (30, 60)] {
        let some = &groups[begin..(begin + count).min(groups.len())];
        let mut batch = Batch::new(limits::BATCH_BYTES_MAX);
        for group in some {
            batch.push(group.first().0, point(group), group.raw());
        }
        let after = Point { sequence: some[0].first().0 - 1, hash: some[0].previous().0 };
        let last = point(some.last().unwrap());
        messages.extend([true, false].map(|packed| encode_groups(after, last, &batch, 900, 77, packed).0.to_vec()));
    }
    messages
}

#[test]
fn damaged_messages_are_refused_and_never_grow() {
    let whole = messages();
    check((any::<Index>(), damages(), any::<bool>()), 4_000, |(which, damages, resealed)| {
        let which = which.index(whole.len());
        let mut bytes = damaged(&whole[which], &damages, &whole);
        let resealed = resealed && bytes.len() >= BODY_AT + CHECK_BYTES;
        if resealed {
            // As if it had been sent so: the checksum tells nothing.
            let body = bytes.len() - CHECK_BYTES;
            let length = u32::try_from(body - BODY_AT).unwrap();
            bytes[LENGTH_AT..BODY_AT].copy_from_slice(&length.to_le_bytes());
            let check = blake3::hash(&bytes[..body]);
            bytes[body..].copy_from_slice(&check.as_bytes()[..CHECK_BYTES]);
        }
        let unpacked = (bytes.len() * UNPACKED_MOST).min(limits::RAW_BYTES_MAX);
        let message = bytes::Bytes::from(bytes.clone());
        within(unpacked + bytes.len() + SMALL, || match Message::decode(&message) {
            Ok(Message::Groups(groups)) => {
                let sent: usize = groups.iter().map(<[u8]>::len).sum();
                assert!(sent <= limits::RAW_BYTES_MAX);
                // What is in them is judged by the log: whole groups that continue it, or nothing.
                let _judged = groups.iter().filter(|raw| Group::parse(raw).is_ok()).count();
                assert!(resealed || whole.contains(&bytes), "damage passed for groups");
            }
            Ok(_) => assert!(resealed || whole.contains(&bytes), "damage passed for a message"),
            Err(error) => assert!(!error.to_string().is_empty() && !whole.contains(&bytes)),
        })
    });
}

/// A data directory whose projection holds closed orders, stopped.
fn sold() -> tempfile::TempDir {
    let home = tempfile::tempdir().unwrap();
    let site = Site::at(&home.path().join("data"), "[orders]\ngrace = \"1h\"\n");
    let node = site.start_selling();
    let crowd = Crowd::start(&node, "rows", 2);
    assert!(crowd.hear(200));
    crowd.go_home();
    node.until_projected();
    assert!(node.stop().status.success());
    home
}

/// The rows' keys and values, table by table.
fn rows(state: &Path) -> [Vec<Vec<u8>>; 3] {
    let mut all = [Vec::new(), Vec::new(), Vec::new()];
    for (_, dir) in directories(state).unwrap() {
        let tables = Tables::open(&dir, keys::TABLES, TableOptions::default()).unwrap();
        all[0].extend(tables.scan(keys::ORDERS, &Scan::all()).unwrap().into_iter().map(|(_, record)| record));
        for (key, facts) in tables.scan(keys::INDEX, &Scan::all()).unwrap() {
            all[1].push(key);
            all[2].push(facts);
        }
    }
    all
}

#[test]
fn damaged_rows_of_the_projection_never_panic_and_never_grow() {
    let home = sold();
    let rows = rows(&home.path().join("data/state"));
    assert!(rows.iter().all(|rows| rows.len() > 20), "there is something to damage");
    check((any::<Index>(), 0_usize..3, damages()), 4_000, |(which, kind, damages)| {
        let whole = &rows[kind][which.index(rows[kind].len())];
        let bytes = damaged(whole, &damages, &rows[kind]);
        within(bytes.len() * RECORD_GROWTH + SMALL, || {
            // Whether it is the right one is `verify`'s to say: a row has no checksum of its own.
            let _ = bytes.split_first().map(|(_pieces, record)| decode_order(record));
            let _ = (keys::number_of(&bytes), keys::member_of(&bytes));
        })
    });
}

/// The files that a start may do without, and the words that must not be lost by damage.
fn derived(data: &Path) -> Vec<String> {
    let mut names = vec!["state/APPLIED".to_owned(), "log/clean-stop".to_owned()];
    for (_, dir) in directories(&data.join("state")).unwrap() {
        let day = dir.file_name().unwrap().to_str().unwrap().to_owned();
        names.extend(["db", "conf"].map(|file| format!("state/{day}/{file}")));
    }
    names
}

/// Every order of the store on all days, as an engine on this directory answers, once it has an answer.
fn answers(data: &Path, days: &[BusinessDay]) -> Result<Vec<Arc<Order>>, TestCaseError> {
    let mut options = EngineOptions::new(data, "east".parse().unwrap());
    options.grace = Millis::hours(1);
    let engine = Engine::open(options).map_err(|error| TestCaseError::fail(error.to_string()))?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (handle, store) = (engine.handle(), "s1".parse().unwrap());
    let begun = Instant::now();
    let mut found = Vec::new();
    for day in days {
        let filter = StoreOrdersFilter { day: *day, status: None, code: None };
        found.extend(loop {
            match runtime.block_on(handle.orders_of_store(&store, filter.clone(), None, 10_000)) {
                Ok(orders) => break orders,
                Err(Unavailable::Rebuilding) => pace(),
                Err(other) => return Err(TestCaseError::fail(format!("{other:?}"))),
            }
            prop_assert!(begun.elapsed() < AT_LAST, "it is never whole again: {:?}", handle.status());
        });
    }
    prop_assert!(engine.stop().is_ok());
    Ok(found)
}

/// Whatever is damaged in what is derived, the region starts, and answers about its history as before, or "rebuilding".
#[test]
fn damaged_derived_files_are_healed_or_made_anew() {
    let home = sold();
    let data = home.path().join("data");
    let names = derived(&data);
    let others: Vec<Vec<u8>> = names.iter().map(|name| std::fs::read(data.join(name)).unwrap()).collect();
    let days: Vec<BusinessDay> = directories(&data.join("state")).unwrap().into_iter().map(|(day, _)| day).collect();
    let on_a_copy = |change: &dyn Fn(&Path)| {
        let dir = tempfile::tempdir().unwrap();
        let copy = dir.path().join("data");
        run("cp", &["-a", data.to_str().unwrap(), copy.to_str().unwrap()]).unwrap();
        change(&copy);
        answers(&copy, &days)
    };
    let expected = on_a_copy(&|_| {}).unwrap();
    assert!(expected.iter().filter(|order| order.is_closed()).count() > 20, "there is a history");
    check((any::<Index>(), damages()), 40, |(which, damages)| {
        let which = which.index(names.len());
        let bytes = damaged(&others[which], &damages, &others);
        let found = on_a_copy(&|copy| std::fs::write(copy.join(&names[which]), &bytes).unwrap())?;
        prop_assert!(found == expected, "{}: another history", names[which]);
        Ok(())
    });
}

/// A fence says that this history goes on elsewhere: whatever its file's bytes have become, it stands.
#[test]
fn a_damaged_fence_still_fences() {
    let corpus = corpus();
    let whole = "a later epoch was granted\n".as_bytes().to_vec();
    check(damages(), 12, |damages| {
        let dir = tempfile::tempdir().unwrap();
        let copy = dir.path().join("data");
        run("cp", &["-a", corpus.data.path().to_str().unwrap(), copy.to_str().unwrap()]).unwrap();
        std::fs::write(copy.join("FENCED"), damaged(&whole, &damages, &corpus.groups)).unwrap();
        let mut options = EngineOptions::new(&copy, "east".parse().unwrap());
        options.projection = false;
        match Engine::open(options) {
            Ok(engine) => {
                prop_assert!(engine.handle().status().fenced.is_some(), "it sells again");
                prop_assert!(engine.stop().is_ok());
            }
            Err(error) => prop_assert!(!error.to_string().is_empty()),
        }
        Ok(())
    });
}
