//! A disk that fills up: new orders wait, everything that lets open orders end goes on, also after a restart, and selling
//! comes back by itself with the room.

use serde_json::{Value, json};

use crate::crowd::{Crowd, order};
use crate::site::{Running, Site, until};
use crate::skipped;
use crate::volume::{Volume, fill};

/// An order of a member of its own; its id.
fn place(node: &Running, member: &str) -> String {
    let placed = node.customer(member).post_with_key("/v1/orders", "k", &order()).expect(201);
    placed["id"].as_str().unwrap().to_owned()
}

fn pay(node: &Running, id: &str) -> Value {
    node.client(None).post_empty(&format!("/v1/sandbox/payments/{id}/succeed")).expect(200)
}

fn status(node: &Running, id: &str) -> String {
    node.operator().get(&format!("/v1/orders/{id}")).expect(200)["status"].as_str().unwrap().to_owned()
}

/// What customers and operators are told while there is no room, and what goes on all the same. Takes six unpaid orders.
fn is_full_and_lives(node: &Running, unpaid: &[String]) {
    let refused = node.customer("late").post_with_key("/v1/orders", "k", &order());
    assert_eq!((refused.status, refused.problem().as_str()), (503, "disk-full"), "{refused:?}");
    assert!(refused.header("retry-after").is_some_and(|seconds| seconds.parse::<u32>().is_ok()), "{refused:?}");
    let readiness = node.client(None).get("/readyz").expect(503);
    let disk = readiness["checks"].as_array().unwrap().iter().find(|check| check["name"] == "disk").unwrap().clone();
    assert_eq!(disk["ok"], false);
    assert!(node.operator().get("/v1/status").expect(200)["disk_full"].is_string());
    assert_eq!(node.client(None).get("/v1/stores").status, 200, "reads go on");

    let [collected, rejected, waiting, called_off, refunded, repeated] = unpaid else { panic!("{unpaid:?}") };
    for id in [collected, rejected, waiting, refunded] {
        assert_eq!(pay(node, id)["status"], "paid");
    }
    let mut store = node.store();
    for step in ["accept", "ready", "collected"] {
        store.post_empty(&format!("/v1/orders/{collected}/{step}")).expect(200);
    }
    store.post(&format!("/v1/orders/{rejected}/reject"), &json!({"reason": "closing"})).expect(200);
    for id in [called_off, refunded] {
        let member = node.operator().get(&format!("/v1/orders/{id}")).expect(200)["member"].clone();
        let mut customer = node.customer(member.as_str().unwrap());
        customer.post_empty(&format!("/v1/orders/{id}/cancel")).expect(200);
    }
    let member = node.operator().get(&format!("/v1/orders/{repeated}")).expect(200)["member"].clone();
    let again = node.customer(member.as_str().unwrap()).post_with_key("/v1/orders", "k", &order());
    assert_eq!(again.expect(200)["id"], repeated.as_str(), "who repeats is told about the order that there is");
    // Nobody accepts this one: its deadline passes, and the money goes back.
    until("the deadline fires on a full disk", || status(node, waiting) == "rejected");
    for id in [rejected, waiting, refunded] {
        until("the money goes back on a full disk", || {
            node.operator().get(&format!("/v1/orders/{id}")).expect(200)["refund"]["status"] == "succeeded"
        });
    }
}

#[test]
fn a_full_disk_stops_new_orders_and_nothing_else() {
    let volume = match Volume::tmpfs(96) {
        Ok(volume) => volume,
        Err(why) => return skipped("a full disk", &why),
    };
    let site = Site::at(&volume.path().join("data"), "[orders]\naccept_within = \"2s\"\n");
    let node = site.start_selling();
    let unpaid: Vec<String> = (0..24).map(|number| place(&node, &format!("early-{number}"))).collect();
    until("spare segments are ready", || {
        ["next.spare", "reserve.spare"].iter().all(|name| site.data().join("log").join(name).try_exists().unwrap())
    });
    let ballast = volume.path().join("ballast");
    fill(&ballast);
    // The first segment is still to be filled; the next one is there already.
    let crowd = Crowd::start(&node, "crowd", 6);
    assert!(crowd.hear(100));
    let refused = (1..20).map(|turn| node.swell(turn)).find(|reply| reply.status != 200).expect("a disk without end");
    assert_eq!((refused.status, refused.problem().as_str()), (503, "disk-full"), "{refused:?}");
    let mut told = crowd.ask_all();
    assert_eq!(told.refused.keys().collect::<Vec<_>>(), ["disk-full"]);
    is_full_and_lives(&node, &unpaid[..6]);

    node.kill();
    let node = site.start();
    is_full_and_lives(&node, &unpaid[6..12]);
    let stopped = node.stop();
    assert!(stopped.status.success(), "{}: {:#?}", stopped.status, stopped.said);
    let node = site.start();
    is_full_and_lives(&node, &unpaid[12..18]);

    std::fs::remove_file(&ballast).unwrap();
    until("it sells again by itself", || node.client(None).get("/readyz").status == 200);
    place(&node, "afterwards");
    told.check(&node);
    node.until_projected();
    node.kill();
    site.verify();
    println!("{} orders until the disk was full", told.count());
}

#[test]
fn a_new_node_on_a_full_disk_says_so_and_starts_when_there_is_room() {
    let volume = match Volume::tmpfs(32) {
        Ok(volume) => volume,
        Err(why) => return skipped("a start on a full disk", &why),
    };
    let site = Site::at(&volume.path().join("data"), "");
    let ballast = volume.path().join("ballast");
    fill(&ballast);
    let ended = site.spawn(&[]).ended();
    assert_eq!(ended.status.code(), Some(1), "{:#?}", ended.said);
    assert!(ended.has_said("No space left on device"), "{:#?}", ended.said);
    std::fs::remove_file(&ballast).unwrap();
    let node = site.start_selling();
    place(&node, "first");
    assert!(node.stop().status.success());
    site.verify();
}
