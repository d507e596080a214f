//! One fault at a time: the centre away, frozen, slow, silent, full. The region's customers never notice, and afterwards both
//! have the same history.

use std::time::{Duration, Instant};

use crate::common::Node;
use crate::common::centre::Centre;
use crate::equal::{assert_orders_equal, assert_same_history, caught_up, head};
use crate::line::{Line, Weather};
use crate::load::{Load, Told};
use crate::storms::node_over;

/// Half-open connections and frozen peers are noticed by three missed heartbeats.
const NOTICED_WITHIN: Duration = Duration::from_secs(20);
/// How soon everything must be at the centre once it can be.
const CAUGHT_UP_WITHIN: Duration = Duration::from_secs(5);

struct World {
    centre: Centre,
    line: Line,
    node: Node,
}

impl World {
    fn new() -> Self {
        let mut centre = Centre::start();
        centre.process().tolerate(&["replication", "region"]);
        let line = Line::to(centre.address(), 1, Weather::Fine);
        let node = node_over(&line);
        Self { centre, line, node }
    }

    fn is_connected(&self) -> bool {
        self.node.operator().get("/v1/status").expect(200)["replication"]["connected"] == true
    }

    fn wait_connected(&self, connected: bool, at_most: Duration) {
        let began = Instant::now();
        while self.is_connected() != connected {
            assert!(began.elapsed() < at_most, "connected is not {connected} after {at_most:?}");
            // No synchronisation: only the pace of asking.
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    fn end(mut self, told: &Told, at_most: Duration) {
        caught_up(&self.node, &self.centre, at_most);
        assert_orders_equal(&self.node, &self.centre, told);
        assert_same_history(&mut self.node, &mut self.centre);
    }
}

#[test]
fn a_centre_that_is_away_is_nobody_s_business() {
    let mut world = World::new();
    world.wait_connected(true, CAUGHT_UP_WITHIN);
    let load = Load::begin(&world.node, 4);
    load.answers(200);
    world.centre.process().kill();
    load.answers(1_000);
    let status = world.node.operator().get("/v1/status").expect(200);
    assert!(status["replication"]["lag"]["entries"].as_u64().unwrap() > 0, "{status:#}");
    assert_eq!(world.node.client(None).get("/readyz").status, 200, "a region sells without its centre");
    world.centre.process().restart();
    load.answers(200);
    let told = load.end();
    assert_eq!(told.unanswered, 0, "no customer's call failed");
    world.end(&told, CAUGHT_UP_WITHIN);
}

#[test]
fn a_frozen_centre_is_noticed_and_caught_up_with() {
    let mut world = World::new();
    world.wait_connected(true, CAUGHT_UP_WITHIN);
    let load = Load::begin(&world.node, 4);
    load.answers(200);
    world.centre.process().freeze();
    let before = world.node.operator().get("/v1/status").expect(200)["replication"]["lag"]["seconds"].as_f64().unwrap();
    load.answers(500);
    world.wait_connected(false, NOTICED_WITHIN);
    let after = world.node.operator().get("/v1/status").expect(200)["replication"]["lag"]["seconds"].as_f64().unwrap();
    assert!(after > before, "the lag grows while nobody answers: {before} then {after}");
    world.centre.process().thaw();
    load.answers(100);
    let told = load.end();
    assert_eq!(told.unanswered, 0, "no customer's call failed");
    world.end(&told, CAUGHT_UP_WITHIN + Duration::from_secs(5));
}

#[test]
fn a_line_that_is_open_and_dead_is_noticed_on_both_sides() {
    let world = World::new();
    world.wait_connected(true, CAUGHT_UP_WITHIN);
    let load = Load::begin(&world.node, 2);
    load.answers(50);
    world.line.set(Weather::Dead);
    world.wait_connected(false, NOTICED_WITHIN);
    let began = Instant::now();
    while world.centre.region("east")["connected"] == true {
        assert!(began.elapsed() < NOTICED_WITHIN, "the centre believes in a dead line");
        std::thread::sleep(Duration::from_millis(10));
    }
    load.answers(50);
    let told = load.end();
    world.line.set(Weather::Fine);
    world.line.cut();
    world.end(&told, CAUGHT_UP_WITHIN + Duration::from_secs(5));
}

#[test]
fn a_line_of_a_kilobyte_a_second_still_gets_there() {
    let world = World::new();
    world.wait_connected(true, CAUGHT_UP_WITHIN);
    caught_up(&world.node, &world.centre, CAUGHT_UP_WITHIN);
    let connects = |world: &World| {
        let metrics = String::from_utf8(world.node.client(None).get("/metrics").body).unwrap();
        let line =
            metrics.lines().find(|line| line.starts_with("qucan_replication_connections_total")).unwrap().to_owned();
        line.rsplit(' ').next().unwrap().parse::<f64>().unwrap()
    };
    let before = connects(&world);
    world.line.set(Weather::Crawling(1024));
    let load = Load::begin(&world.node, 1);
    load.answers(40);
    let told = load.end();
    // Some twenty kilobytes: longer than the silence after which a line is given up, were it not for the bytes that come.
    let behind = head(&world.node);
    world.centre.wait_applied("east", behind, Duration::from_secs(60));
    assert!((connects(&world) - before).abs() < f64::EPSILON, "a slow line is not taken for a dead one");
    world.line.set(Weather::Fine);
    world.end(&told, CAUGHT_UP_WITHIN);
}
