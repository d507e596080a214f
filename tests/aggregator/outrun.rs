//! A centre that is away for longer than the region's log may grow: the region sells on, older entries go, and when the centre
//! is back it goes on with a snapshot, says what it missed, and counts right what it knows.

use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::common::centre::Centre;
use crate::common::node::qucan;
use crate::common::{catalogue, tokens};
use crate::postgres::Server;
use crate::recount;
use crate::region::{Region, wait_until};

/// The smallest bound there is.
const LOG_BYTES: u64 = 32 << 20;

/// What the centre says about a gap, in its own log.
const SAID: &[&str] = &["the copy begins anew behind them"];

/// A catalogue of some megabytes: nothing fills a log sooner.
fn large(price: i64) -> Value {
    let mut catalogue = catalogue();
    let name = json!({"zh": "一份很大的菜单里的一个很长的名字".repeat(2), "en": "a long name in a large menu ".repeat(2).trim()});
    let choices: Vec<Value> =
        (0..64).map(|number| json!({"id": format!("c{number}"), "name": name, "price": number})).collect();
    let options: Vec<Value> = (0..24)
        .map(|number| json!({"id": format!("o{number}"), "name": name, "min": 0, "max": 1, "choices": choices}))
        .collect();
    for number in 0..8 {
        catalogue["items"].as_array_mut().unwrap().push(json!({
            "sku": format!("large-{number}"), "name": name, "price": price, "category": "L", "stores": "*", "options": options
        }));
    }
    catalogue
}

fn finish(node: &Region, order: &str) {
    let mut pos = node.client(Some(tokens::store("s1")));
    for step in ["accept", "ready", "collected"] {
        pos.post_empty(&format!("/v1/orders/{order}/{step}")).expect(200);
    }
}

fn log_bytes_on_disk(node: &Region) -> u64 {
    let files = std::fs::read_dir(node.data().join("log")).unwrap().map(Result::unwrap);
    let segments = files.filter(|file| file.path().extension().is_some_and(|extension| extension == "seg"));
    segments.filter_map(|file| file.metadata().ok()).map(|file| file.len()).sum()
}

/// Lets the region's log grow over what the centre has. Every now and then somebody buys something.
fn outgrow(node: &Region, centre_had: u64) {
    let mut operator = node.operator();
    for round in 0.. {
        operator.put("/v1/catalog", &large(1_000 + round)).expect(200);
        node.paid_order("kim", &format!("on-{round}"));
        assert!(log_bytes_on_disk(node) <= LOG_BYTES);
        let status = node.status();
        if status["log_first"].as_u64().unwrap() > centre_had + 1 {
            break;
        }
        assert!(round < 60, "{status:#}");
    }
}

/// Everything of a region at the centre is what its node says, and the figures are those of the orders it lists.
fn seeded(node: &Region, centre: &Centre) -> Value {
    wait_until("the centre has caught up", || {
        let entry = centre.region("east");
        let is_there = entry["applied_sequence"] == node.head() && entry["lag"]["entries"] == 0;
        if is_there && entry["connected"] == true { Ok(()) } else { Err(format!("{entry:#}")) }
    });
    let entry = centre.region("east");
    assert_eq!(entry["open_orders"], node.status()["open_orders"]);
    assert!(entry.get("needs_seed").is_none(), "{entry:#}");
    let mut today = entry["today"].clone();
    let recounted = recount::today(&centre.orders("east"));
    today.as_object_mut().unwrap().retain(|name, _| recounted.get(name).is_some());
    assert_eq!(today, recounted, "figures are what the orders say");
    entry
}

fn outrun_with(keys: &str, kills: usize) {
    let mut centre = Centre::start_with(keys, None);
    centre.process().tolerate(SAID);
    let mut node = Region::bounded("east", &centre, LOG_BYTES);
    let closed = node.paid_order("ann", "closed");
    finish(&node, &closed);
    let unseen = node.paid_order("ann", "unseen");
    let open = node.paid_order("bob", "open");
    node.shipped("east", &centre);
    let had = node.head();
    wait_until("it is acknowledged", || {
        let status = node.status();
        if status["replicated_to"] == had { Ok(()) } else { Err(format!("{status:#}")) }
    });
    centre.process().kill();

    finish(&node, &unseen);
    let hidden = node.paid_order("eve", "hidden");
    finish(&node, &hidden);
    node.client(Some(tokens::store("s1"))).post_empty(&format!("/v1/orders/{open}/accept")).expect(200);
    outgrow(&node, had);
    let status = node.status();
    let said = status["log_trimmed_early"].as_str().unwrap();
    assert!(said.contains("seeded when it is there"), "{said}");
    assert!(status["log_bytes"].as_u64().unwrap() <= LOG_BYTES && status["log_bytes_max"] == LOG_BYTES);
    let metrics = node.client(None).get("/metrics");
    let metrics = String::from_utf8(metrics.body).unwrap();
    assert!(metrics.contains("qucan_engine_log_trims_total{reason=\"bytes\"}"), "{metrics}");

    centre.process().restart();
    for _ in 0..kills {
        kill_while_seeding(&mut centre, &node);
        centre.process().restart();
    }
    let entry = seeded(&node, &centre);
    let gaps = entry["gaps"].as_array().unwrap();
    assert_eq!((gaps.len(), &gaps[0]["first_sequence"]), (1, &json!(had + 1)), "{entry:#}");
    assert!(gaps[0]["last_sequence"].as_u64().unwrap() + 1 >= status["log_first"].as_u64().unwrap());
    for time in ["from", "to", "at"] {
        assert!(gaps[0][time].is_string());
    }
    let mut headquarters = centre.operator();
    let status_of = |client: &mut crate::common::Client, order: &str| {
        client.get(&format!("/v1/orders/{order}")).expect(200)["status"].clone()
    };
    assert_eq!(status_of(&mut headquarters, &closed), "collected");
    assert_eq!(status_of(&mut headquarters, &unseen), "paid", "as it was last seen");
    let mut says = |order: &str| headquarters.get(&format!("/v1/orders/{order}")).expect(200)["ended_unseen"].clone();
    assert_eq!([says(&closed), says(&unseen), says(&open)], [Value::Null, true.into(), Value::Null]);
    assert_eq!(status_of(&mut headquarters, &open), "accepted");
    assert_eq!(headquarters.get(&format!("/v1/orders/{hidden}")).status, 404);

    // It goes on as ever, and over a restart.
    finish(&node, &open);
    seeded(&node, &centre);
    centre.process().stop();
    centre.process().restart();
    let entry = seeded(&node, &centre);
    assert_eq!(entry["gaps"].as_array().unwrap().len(), 1);
    assert_eq!(status_of(&mut centre.operator(), &unseen), "paid");
    centre.process().stop();
    node.process.stop();
    verified(&centre.copy_of("east"));
    verified(node.data());
    history_is_gone_and_not_unknown(&mut node, &hidden, &open);
}

fn verified(data: &Path) {
    let verified = qucan(&["verify", "--data", data.to_str().unwrap()]);
    assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stdout));
}

/// A region that loses `state/` builds what its log still has; what closed before is said to be gone.
fn history_is_gone_and_not_unknown(node: &mut Region, before: &str, after: &str) {
    std::fs::remove_dir_all(node.data().join("state")).unwrap();
    node.process.restart();
    let mut bob = node.client(Some(tokens::customer("bob")));
    wait_until("what the log has is built again", || match bob.get(&format!("/v1/orders/{after}")) {
        reply if reply.status == 200 => Ok(()),
        reply => Err(reply.problem()),
    });
    let mut eve = node.client(Some(tokens::customer("eve")));
    assert_eq!(eve.get(&format!("/v1/orders/{before}")).problem(), "gone");
    assert_eq!(eve.post_empty(&format!("/v1/orders/{before}/cancel")).problem(), "gone");
    assert_eq!(bob.get(&format!("/v1/orders/{before}")).problem(), "gone", "whoever asks");
    node.process.stop();
    verified(node.data());
}

/// Kills the centre while a seed arrives: as soon as its file is there.
fn kill_while_seeding(centre: &mut Centre, node: &Region) {
    let snapshots = centre.copy_of("east").join("snapshot");
    let arrives = || {
        let mut files = std::fs::read_dir(&snapshots).unwrap().map(|file| file.unwrap().path());
        files.any(|file| file.extension().is_some_and(|extension| extension == "tmp"))
    };
    let began = Instant::now();
    while !arrives() && centre.region("east").get("gaps").is_none() {
        assert!(began.elapsed() < Duration::from_secs(60), "no seed: {:#}", node.status());
    }
    centre.process().kill();
}

#[test]
fn a_centre_that_was_away_too_long_is_seeded_and_says_what_it_missed() {
    outrun_with("store = \"embedded\"", 0);
}

#[test]
fn killed_while_it_is_seeded_it_is_seeded_all_the_same() {
    outrun_with("store = \"embedded\"", 2);
}

#[test]
fn a_database_keeps_what_it_knew_from_before_a_gap() {
    let Some(server) = Server::start() else { return };
    outrun_with(&format!("store = \"{}\"", server.url()), 0);
}
