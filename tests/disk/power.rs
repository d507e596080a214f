//! Power cuts: an ext4 is shut down under a running node. Whatever was acknowledged is there after the restart, the
//! projection is healed or rebuilt, and selling begins with the first second.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::common::catalogue;
use crate::crowd::{Crowd, Told, order};
use crate::site::{Running, Site};
use crate::volume::Volume;
use crate::{is_long, skipped};

const CUSTOMERS: usize = 6;
/// From the start of the process to an order on disk. A second on an idle machine; the tests beside this one take theirs.
const SELLS_WITHIN: Duration = Duration::from_secs(10);

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
    let (mut slowest, mut rebuilt) = (Duration::ZERO, 0);
    for round in 0..rounds {
        let crowd = Crowd::start(&node, &format!("r{round}"), CUSTOMERS);
        assert!(crowd.hear(100 + 211 * round % 600), "they gave up with the power on");
        let canary = volume.path().join("canary");
        std::fs::write(&canary, "never synced").unwrap();
        volume.cut_power();
        told.add(crowd.ask_all());
        node.kill();
        power_on(&mut volume);
        let kept = std::fs::read(&canary).unwrap_or_default();
        assert!(kept.is_empty(), "the power was not cut: what nobody synced is there");
        if round % 3 == 2 {
            cut_while_it_starts(&site, &mut volume, round);
        }
        let (again, sells_after) = sell_at_once(&site, round);
        slowest = slowest.max(sells_after);
        told.check(&again);
        again.until_projected();
        // Healed or rebuilt, it answers for itself after one more start.
        let ended = if round % 2 == 0 { again.stop() } else { again.kill() };
        rebuilt += usize::from(ended.has_said("the projection is moved aside"));
        site.verify();
        node = site.start();
    }
    told.check(&node);
    println!(
        "{rounds} power cuts: {} acknowledged orders, all there; the projection was rebuilt {rebuilt} times; \
         sold at the latest {slowest:?} after the start",
        told.count()
    );
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

/// Starts a node and orders with the first answer it gives.
fn sell_at_once(site: &Site, round: usize) -> (Running, Duration) {
    let begun = Instant::now();
    let node = site.start();
    node.customer(&format!("first-{round}")).post_with_key("/v1/orders", "k", &order()).expect(201);
    let took = begun.elapsed();
    assert!(took < SELLS_WITHIN, "the first order was on disk {took:?} after the start");
    (node, took)
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
