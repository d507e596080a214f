//! Region against centre: every order field by field, then the stopped directories by chain hash and state hash.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::Value;

use crate::common::centre::Centre;
use crate::common::node::qucan;
use crate::common::{Node, tokens};
use crate::load::Told;

/// Sequence of the region's last durable entry.
pub fn head(node: &Node) -> u64 {
    node.operator().get("/v1/status").expect(200)["log_head"].as_u64().unwrap()
}

/// Waits until the centre has applied everything; answers how long that took.
pub fn caught_up(node: &Node, centre: &Centre, at_most: Duration) -> Duration {
    centre.wait_applied("east", head(node), at_most)
}

/// Everything that anybody was told is at the centre once, as the region answers it now.
pub fn assert_orders_equal(node: &Node, centre: &Centre, told: &Told) {
    let listed = centre.orders("east");
    let ids: BTreeSet<&str> = listed.iter().map(|order| order["id"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), listed.len(), "the centre lists an order twice");
    let mut operator = node.client(Some(tokens::operator()));
    let by_id: BTreeMap<&str, &Value> = listed.iter().map(|order| (order["id"].as_str().unwrap(), order)).collect();
    for (id, then) in &told.orders {
        let now = operator.get(&format!("/v1/orders/{id}")).expect(200);
        assert!(now["offset"].as_u64() >= then["offset"].as_u64(), "{then:#} went back to {now:#}");
        assert_eq!(by_id.get(id.as_str()), Some(&&now), "order {id}");
    }
    for id in ids.iter().filter(|id| !told.orders.contains_key(**id)) {
        operator.get(&format!("/v1/orders/{id}")).expect(200);
    }
}

/// Both stop; both verify; both are the same history.
pub fn assert_same_history(node: &mut Node, centre: &mut Centre) {
    node.stop();
    centre.process().stop();
    let [region, copy] = [node.data(), centre.copy_of("east")].map(|data| {
        let verified = qucan(&["verify", "--json", "--data", data.to_str().unwrap()]);
        let report: Value = serde_json::from_slice(&verified.stdout).unwrap();
        assert!(verified.status.success(), "{}: {report:#}", data.display());
        report
    });
    for field in ["region", "last_sequence", "chain_hash", "state_hash"] {
        assert_eq!(region[field], copy[field], "{field}");
    }
}
