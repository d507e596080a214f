//! Ten seeds of a line that damages everything, with both processes killed in between.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::common::Node;
use crate::common::centre::{Centre, REGION_TOKEN};
use crate::equal::{assert_orders_equal, assert_same_history, caught_up};
use crate::line::{Line, Trouble, Weather};
use crate::load::Load;

/// What the node may say about such a line.
const LINE_TROUBLE: &[&str] = &["replication", "the centre", "the line"];

/// A node that replicates over `line`.
pub fn node_over(line: &Line) -> Node {
    let mut node = Node::start_with(&format!(
        "[orders]\ngrace = \"1h\"\n[limits]\nopen_orders_per_member = 0\n[replication]\naggregator = \"{}\"\ntoken = \"{REGION_TOKEN}\"\n",
        line.url()
    ));
    node.process().tolerate(LINE_TROUBLE);
    node
}

fn storm(seed: u64) -> BTreeMap<Trouble, u64> {
    let mut centre = Centre::start();
    centre.process().tolerate(LINE_TROUBLE);
    let line = Line::to(centre.address(), seed, Weather::Stormy(15));
    let mut node = node_over(&line);
    let load = Load::begin(&node, 4);
    for round in 0..4 {
        load.answers(120);
        match (seed + round) % 4 {
            0 => {
                centre.process().kill();
                load.answers(60);
                centre.process().restart();
            }
            1 => node.kill_and_restart(),
            2 => line.cut(),
            _ => {
                centre.process().kill();
                node.kill_and_restart();
                centre.process().restart();
            }
        }
    }
    load.answers(100);
    let told = load.end();
    line.set(Weather::Fine);
    line.cut();
    caught_up(&node, &centre, Duration::from_secs(30));
    assert_orders_equal(&node, &centre, &told);
    let reached = line.reached();
    assert_same_history(&mut node, &mut centre);
    println!("seed {seed}: {} orders, {} calls unanswered, {reached:?}", told.orders.len(), told.unanswered);
    reached
}

#[test]
fn ten_storms_end_with_one_history() {
    let mut reached = BTreeMap::<Trouble, u64>::new();
    for seed in 1..=10 {
        for (trouble, count) in storm(seed) {
            *reached.entry(trouble).or_default() += count;
        }
    }
    for trouble in Trouble::ALL {
        assert!(reached.contains_key(&trouble), "{trouble:?} never happened: {reached:?}");
    }
}
