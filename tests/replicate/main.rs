//! A node and its line to the centre: everything arrives, the centre may be away, and its word ends selling.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that fails says where"
)]

mod centre;
#[path = "../edge/region.rs"]
#[expect(dead_code, reason = "the edge's tests use all of it")]
mod region;

use std::time::{Duration, Instant};

use qucan::node::Node;
use qucan_replication::{Fence, FenceReason};
use serde_json::Value;

use crate::centre::Centre;
use crate::region::{AT_LAST, Region, ask, configuration, get, get_with, post};

const TOKEN: &str = "a token of thirty-two bytes, say.";

async fn start(centre: &Centre) -> Region {
    Region::start(&keys(&centre.url())).await
}

fn keys(url: &str) -> Vec<(&'static str, &str)> {
    vec![
        ("REPLICATION__AGGREGATOR", url),
        ("REPLICATION__TOKEN", TOKEN),
        ("NODE__REGION", "east"),
        ("NODE__PUBLIC_URL", "https://east.example"),
    ]
}

async fn until<F: Future<Output = bool>>(what: &str, mut happened: impl FnMut() -> F) {
    let begun = Instant::now();
    while !happened().await {
        assert!(begun.elapsed() < AT_LAST, "waited in vain: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

impl Region {
    async fn status(&self) -> Value {
        let token = self.token("operator", "boss", None).await;
        ask(self.address, &get_with("/v1/status", &token)).await.json()
    }

    async fn check(&self, name: &str) -> Value {
        let ready = ask(self.address, &get("/readyz")).await.json();
        ready["checks"].as_array().unwrap().iter().find(|check| check["name"] == name).cloned().unwrap()
    }

    /// A figure of `/metrics`.
    async fn figure(&self, name: &str) -> f64 {
        let page = ask(self.address, &get("/metrics")).await.body;
        let line = page.lines().find_map(|line| line.strip_prefix(&format!("qucan_replication_{name} ")));
        line.unwrap_or_else(|| panic!("no {name} in\n{page}")).parse().unwrap()
    }

    async fn order(&self, number: usize) -> crate::region::Answer {
        let token = self.token("customer", &format!("member-{number}"), None).await;
        let headers = format!("Authorization: Bearer {token}\r\nIdempotency-Key: key-{number}\r\n");
        let body = r#"{"store":"sh-001","lines":[{"sku":"snack-dumplings","quantity":1}]}"#;
        ask(self.address, &post("/v1/orders", &headers, body)).await
    }

    async fn sell(&self, numbers: std::ops::Range<usize>) {
        for number in numbers {
            let answer = self.order(number).await;
            assert_eq!(answer.status, 201, "{answer:?}");
        }
    }

    fn head(&self) -> u64 {
        self.node.handle().status().log_head
    }

    async fn caught_up(&self) {
        until("the centre has everything", || async { self.status().await["replication"]["lag"]["entries"] == 0 })
            .await;
    }

    /// Stops it and starts it again on its directory.
    async fn restart(self, centre: &Centre) -> Self {
        let Self { node, data, .. } = self;
        node.stop().await.unwrap();
        let node = Node::start(configuration(data.path(), &keys(&centre.url()))).await.unwrap();
        let address = node.addresses()[0];
        Self { node, address, data }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_arrives_and_a_stop_gives_the_last_entries_a_moment() {
    let mut centre = Centre::start().await;
    let region = start(&centre).await;
    region.sell(0..20).await;
    region.caught_up().await;
    assert_eq!(centre.replica.received().sequence.0, region.head());
    let status = region.status().await;
    assert_eq!(status["replicated_to"], region.head());
    let replication = &status["replication"];
    assert_eq!((&replication["connected"], &replication["acknowledged"]), (&true.into(), &region.head().into()));
    assert_eq!(replication["lag"]["seconds"], 0.0);
    assert!(replication.get("fenced").is_none() && replication.get("last_error").is_none(), "{replication}");
    assert_eq!(region.check("replication").await["ok"], true);
    assert_eq!(region.figure("connected").await, 1.0);
    assert_eq!(region.figure("acknowledged").await, region.head() as f64);
    assert_eq!((region.figure("lag_entries").await, region.figure("lag_bytes").await), (0.0, 0.0));
    assert_eq!((region.figure("fenced").await, region.figure("connections_total").await), (0.0, 1.0));
    let since = region.figure("last_acknowledgement_timestamp_seconds").await;
    assert!(since > 1.7e9, "{since}");
    let hello = centre.script.lock().unwrap().hellos[0].clone();
    assert_eq!((hello.identity.region.as_str(), hello.identity.epoch, hello.first), ("east", 1, 1));
    let announced: Value = serde_json::from_slice(&hello.identity.announcement).unwrap();
    assert_eq!(announced["public_url"], "https://east.example");

    // The last thing that happens before the stop.
    let handle = region.node.handle();
    region.sell(20..25).await;
    region.node.stop().await.unwrap();
    assert_eq!(centre.replica.received().sequence.0, handle.status().log_head);
    centre.apply();
    let reads = centre.replica.reads();
    assert_eq!(reads.views().open_orders(), handle.views().open_orders());
    let store = "sh-001".parse().unwrap();
    assert_eq!(reads.views().store(&store), handle.views().store(&store));
    assert_eq!(reads.views().stock(&store), handle.views().stock(&store));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_centre_may_be_away_and_what_waits_is_counted_over_a_restart_too() {
    let mut centre = Centre::start().await;
    let region = start(&centre).await;
    region.sell(0..3).await;
    region.caught_up().await;
    let had = region.head();
    centre.away().await;
    until("the line is seen to be down", || async { region.figure("connected").await == 0.0 }).await;
    region.sell(3..8).await;
    assert_eq!(region.figure("lag_entries").await, 5.0);
    assert!(region.figure("lag_bytes").await > 500.0);
    let first = region.figure("lag_seconds").await;
    until("lag goes on counting", || async { region.figure("lag_seconds").await > first + 0.2 }).await;
    assert_eq!(region.check("replication").await["ok"], true, "selling does not depend on it");
    let detail = region.check("replication").await["detail"].as_str().unwrap().to_owned();
    assert!(detail.contains("5 entries wait"), "{detail}");
    assert_eq!(ask(region.address, &get("/readyz")).await.status, 200);
    assert_eq!(region.status().await["replication"]["acknowledged"], had);
    let waited = region.figure("lag_seconds").await;

    let region = region.restart(&centre).await;
    assert_eq!(region.figure("lag_entries").await, (region.head() - had) as f64, "it knows what the centre had");
    assert!(region.figure("lag_seconds").await >= waited, "and for how long it waits");
    centre.back().await;
    region.caught_up().await;
    assert_eq!(region.figure("lag_seconds").await, 0.0);
    assert_eq!(centre.replica.received().sequence.0, region.head());
    region.node.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_centre_ends_selling_until_it_takes_the_region_again() {
    let mut centre = Centre::start().await;
    let region = start(&centre).await;
    region.sell(0..3).await;
    region.caught_up().await;
    let fence = Fence {
        reason: FenceReason::EpochSuperseded,
        detail: "epoch 2 was granted to another node".to_owned(),
        epoch: 2,
    };
    centre.set_fence(Some(fence));
    // The next group meets it.
    region.sell(3..4).await;
    until("the node is fenced", || async { region.check("fence").await["ok"] == false }).await;
    let fenced = |answer: crate::region::Answer| (answer.status, answer.problem()) == (503, "fenced".to_owned());
    assert!(fenced(region.order(50).await));
    assert_eq!(ask(region.address, &get("/readyz")).await.status, 503);
    let status = region.status().await;
    let told = status["replication"]["fenced"].as_str().unwrap();
    assert!(told.contains("another node has taken the region over") && told.contains("epoch 2"), "{told}");
    assert_eq!(status["fenced"], status["replication"]["fenced"]);
    assert_eq!(region.figure("fenced").await, 1.0);

    // Started again with the centre away it does not sell before the centre has spoken.
    centre.away().await;
    let region = region.restart(&centre).await;
    assert!(fenced(region.order(51).await));
    assert_eq!(region.check("fence").await["ok"], false);
    centre.set_fence(None);
    centre.back().await;
    until("the fence is lifted", || async { region.check("fence").await["ok"] == true }).await;
    region.sell(60..62).await;
    region.caught_up().await;
    let region = region.restart(&centre).await;
    region.sell(70..71).await;
    region.node.stop().await.unwrap();
    assert!(!std::fs::exists(region.data.path().join("FENCED")).unwrap());
}
