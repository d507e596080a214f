//! Power cuts: an ext4 is shut down under a running node, while sled is being written. Whatever was acknowledged is there
//! after the restart, the projection is healed or rebuilt and answers as before, and selling begins with the first second.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

use qucan::engine::projection::{directories, keys};
use qucan_storage::table::{TableOptions, Tables};
use serde_json::json;

use crate::common::catalogue;
use crate::crowd::{Crowd, Told, order};
use crate::site::{Running, Site, until};
use crate::volume::{Volume, run};
use crate::{is_long, skipped};

const CUSTOMERS: usize = 6;
/// From readiness to the first order on disk.
const SELLS_WITHIN: Duration = Duration::from_secs(1);

/// How a power cut left the projection, by what its files say to the first who opens them: a copy of them, so that the
/// node finds them as they were.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Left {
    /// Nothing: the cut came before the first day's directory was on disk.
    Nothing,
    /// Whole, and as far as the log.
    AsItWas,
    /// Whole, and behind the log: healed by reading on.
    Behind,
    /// Not to be opened, or its rows don't add up: built again.
    Broken(String),
}

#[test]
fn no_power_cut_takes_an_acknowledged_order() {
    let mut volume = match Volume::ext4(512) {
        Ok(volume) => volume,
        Err(why) => return skipped("power cuts", &why),
    };
    let site = Site::at(&volume.path().join("data"), "[orders]\ngrace = \"1h\"\n");
    let rounds = if is_long() { 24 } else { 3 };
    let mut told = Told::default();
    let mut node = site.start_selling();
    let (mut first_orders, mut starts) = (Vec::new(), Vec::new());
    let (mut left, mut rebuilt) = (BTreeMap::<Left, usize>::new(), 0);
    for round in 0..rounds {
        let crowd = Crowd::start(&node, &format!("r{round}"), CUSTOMERS);
        assert!(crowd.hear(100 + 211 * round % 600), "they gave up with the power on");
        // A new one each time: ext4 writes a file that was there before when it is closed.
        let canary = volume.path().join(format!("canary-{round}"));
        let switch = volume.switch();
        until_sled_writes(&site.data().join("state"));
        std::fs::write(&canary, "never synced").unwrap();
        switch.off();
        told.add(crowd.ask_all());
        node.kill();
        power_on(&mut volume);
        let kept = std::fs::read(&canary).unwrap_or_default();
        assert!(kept.is_empty(), "the power was not cut: what nobody synced is there");
        if round % 3 == 2 {
            cut_while_it_starts(&site, &mut volume, round);
        }
        let found = look_at_the_projection(&site);
        *left.entry(found.clone()).or_default() += 1;
        let (again, started, sold) = sell_at_once(&site, round);
        starts.push(started);
        first_orders.push(sold);
        // Asked of the projection, not of what memory still knows.
        again.until_projected();
        told.check(&again);
        told.check_lists(&again);
        // Healed or rebuilt, it answers for itself after one more start.
        let ended = if round % 2 == 0 { again.stop() } else { again.kill() };
        let was_rebuilt = ended.has_said("the projection is moved aside");
        let is_broken = matches!(found, Left::Broken(_));
        assert!(!is_broken || was_rebuilt, "a broken projection was believed: {found:?} {:#?}", ended.said);
        rebuilt += usize::from(was_rebuilt);
        site.verify();
        node = site.start();
    }
    told.check(&node);
    told.check_lists(&node);
    first_orders.sort();
    println!(
        "{rounds} power cuts while sled was written: {} acknowledged orders, all there; the projection was left {left:?}, \
         healed {} times and rebuilt {rebuilt} times; started within {:?}, and the first order was on disk {:?} (median) \
         to {:?} (latest) after readiness",
        told.count(),
        rounds - rebuilt,
        starts.iter().max().unwrap(),
        first_orders[rounds / 2],
        first_orders[rounds - 1]
    );
}

/// Waits until sled has just begun to write: the cut comes between that and its sync, or a little later.
fn until_sled_writes(state: &Path) {
    let changed = || -> Option<SystemTime> {
        let days = directories(state).unwrap();
        let written = days.iter().filter_map(|(_, dir)| std::fs::metadata(dir.join("db")).ok()?.modified().ok());
        written.max()
    };
    let before = changed();
    let begun = Instant::now();
    while changed() == before {
        assert!(begun.elapsed() < Duration::from_secs(60), "the projection is not written");
        std::thread::yield_now();
    }
}

fn look_at_the_projection(site: &Site) -> Left {
    let copy = tempfile::tempdir().unwrap();
    let state = copy.path().join("state");
    run("cp", &["-a", site.data().join("state").to_str().unwrap(), state.to_str().unwrap()]).unwrap();
    let Some((_, newest)) = directories(&state).unwrap().pop() else { return Left::Nothing };
    let mut end = qucan_storage::Sequence::NONE;
    let from = qucan_storage::log::OpenFrom::default();
    let scanned = qucan_storage::log::scan(&qucan_storage::fs::real(), &site.data().join("log"), None, from, |group| {
        end = group.last();
        Ok(())
    });
    scanned.unwrap();
    let opened = Tables::open(&newest, keys::TABLES, TableOptions::default());
    match opened.and_then(|tables| tables.check_counts().map(|()| tables.applied().position.sequence)) {
        Err(error) => Left::Broken(error.to_string()),
        Ok(applied) if applied == end => Left::AsItWas,
        Ok(_) => Left::Behind,
    }
}

/// The disk as the power cut left it.
fn power_on(volume: &mut Volume) {
    volume.unmount();
    volume.mount().unwrap();
}

/// Cuts the power again, further into the start each time, five times in a row.
fn cut_while_it_starts(site: &Site, volume: &mut Volume, round: usize) {
    for attempt in 0..5 {
        let node = site.spawn(&[]);
        // Not waiting for anything: a place in the start that nobody chose.
        std::thread::sleep(Duration::from_millis(u64::try_from(5 + 23 * attempt + round).unwrap()));
        volume.cut_power();
        node.kill();
        power_on(volume);
    }
}

/// Starts a node and orders as soon as it is ready; how long the start took, and how long the order.
fn sell_at_once(site: &Site, round: usize) -> (Running, Duration, Duration) {
    let begun = Instant::now();
    let node = site.start();
    let mut customer = node.customer(&format!("first-{round}"));
    until("it is ready", || customer.get("/readyz").status == 200);
    let (started, ready) = (begun.elapsed(), Instant::now());
    customer.post_with_key("/v1/orders", "k", &order()).expect(201);
    let sold = ready.elapsed();
    assert!(sold < SELLS_WITHIN, "the first order was on disk {sold:?} after readiness");
    (node, started, sold)
}

/// The first start of a sandbox drew its secret and did not sync it. After a power cut the file was there and empty, and the
/// node refused to start, for good. Now the secret is synced before it has its name, and its name before it is used.
#[test]
fn a_new_node_whose_power_is_cut_starts_again_and_knows_its_tokens() {
    let mut volume = match Volume::ext4(128) {
        Ok(volume) => volume,
        Err(why) => return skipped("a power cut of a new node", &why),
    };
    let site = Site::with_its_own_secret(&volume.path().join("data"));
    let node = site.start();
    let asked =
        node.client(None).post("/v1/sandbox/tokens", &json!({"role": "operator", "subject": "ops"})).expect(201);
    let token = asked["token"].as_str().unwrap().to_owned();
    node.client(Some(token.clone())).put("/v1/catalog", &catalogue()).expect(200);
    volume.cut_power();
    node.kill();
    power_on(&mut volume);
    let node = site.start();
    assert_eq!(node.client(None).get("/v1/stores/s1/menu").status, 200, "the catalogue that was acknowledged");
    assert_eq!(node.client(Some(token)).get("/v1/status").status, 200, "a token from before");
    node.kill();
}
