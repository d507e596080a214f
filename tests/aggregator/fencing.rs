//! Who may go on with a region's history and who may not, case by case (decision 20).

use std::path::Path;

use qucan_storage::{DataDir, Epoch, Expect, fs};
use serde_json::{Value, json};

use crate::common::centre::Centre;
use crate::common::one_meal;
use crate::common::ports::free_address;
use crate::common::tokens;
use crate::region::{Region, copy_of, token_of, wait_until};

/// Warnings of a centre that refuses somebody.
const REFUSALS: &[&str] =
    &["a node is refused", "a later epoch is taken over", "copy can't be used", "rows are of another history"];

fn centre() -> Centre {
    let mut centre = Centre::start();
    centre.process().tolerate(REFUSALS);
    centre
}

/// Waits until the centre shows a refusal, and the node has stopped selling.
fn fenced(centre: &Centre, node: &Region, reason: &str) {
    wait_until("the centre shows the refusal", || {
        let entry = centre.region("east");
        let shown = entry["fenced"]["reason"] == reason && entry["health"] == "red";
        if shown { Ok(()) } else { Err(format!("{entry:#}")) }
    });
    wait_until("the node stops selling", || if node.sells() { Err("it sells".to_owned()) } else { Ok(()) });
    let mut customer = node.client(Some(tokens::customer("late")));
    let refused = customer.post_with_key("/v1/orders", "late", &one_meal());
    assert_eq!((refused.status, refused.problem().as_str()), (503, "fenced"));
    let ready = node.client(None).get("/readyz").json();
    let check = ready["checks"].as_array().unwrap().iter().find(|check| check["name"] == "fence").unwrap().clone();
    assert_eq!(check["ok"], false, "{check:#}");
    assert!(check["detail"].as_str().is_some_and(|detail| !detail.is_empty()));
}

/// Waits until the centre is well with a region.
fn green(centre: &Centre, region: &str) -> Value {
    let mut entry = Value::Null;
    wait_until("the region is green", || {
        entry = centre.region(region);
        if entry["health"] == "green" && entry.get("fenced").is_none() { Ok(()) } else { Err(format!("{entry:#}")) }
    });
    entry
}

/// Everything a node has is at the centre, as the node has it.
fn agrees(centre: &Centre, node: &Region, orders: &[String]) {
    node.shipped("east", centre);
    for id in orders {
        let told = node.operator().get(&format!("/v1/orders/{id}")).expect(200);
        let mut shown = centre.operator().get(&format!("/v1/orders/{id}")).expect(200);
        for added in ["history", "history_complete"] {
            shown.as_object_mut().unwrap().remove(added);
        }
        assert_eq!(shown, told);
    }
}

fn restart_on(data: &Path, centre: &Centre) -> Region {
    Region::on_alive(data, "east", centre.address(), &token_of("east"))
}

#[test]
fn killed_it_comes_back_under_the_same_epoch() {
    let centre = centre();
    let mut node = Region::start("east", &centre);
    let mut orders = vec![node.paid_order("a", "1")];
    node.process.kill();
    node.process.restart();
    orders.push(node.paid_order("b", "1"));
    agrees(&centre, &node, &orders);
    assert_eq!(green(&centre, "east")["epoch"], 1);
}

#[test]
fn an_old_copy_is_refused_until_the_real_one_comes_back() {
    let centre = centre();
    let mut node = Region::start("east", &centre);
    node.paid_order("a", "1");
    node.shipped("east", &centre);
    node.process.stop();
    let old = copy_of(node.data());
    node.process.restart();
    let newer = node.paid_order("b", "1");
    node.shipped("east", &centre);
    node.process.stop();

    let mut copy = restart_on(old.path(), &centre);
    fenced(&centre, &copy, "behind_centre");
    let summary = centre.operator().get("/v1/summary").expect(200);
    assert_eq!(summary["regions"], json!({"total": 2, "connected": 0, "fenced": 1}));
    copy.process.kill();

    node.process.restart();
    agrees(&centre, &node, &[newer]);
    green(&centre, "east");
}

#[test]
fn of_two_nodes_with_one_region_the_one_that_is_known_goes_on() {
    let centre = centre();
    let node = Region::start("east", &centre);
    let known = node.paid_order("a", "1");
    node.shipped("east", &centre);
    // The other one sells on its own first, and more, so that it is ahead when it comes.
    let mut other = Region::on(None, "east", free_address(), &token_of("east"));
    other.operator().put("/v1/catalog", &crate::common::catalogue()).expect(200);
    for number in 0..20 {
        other.paid_order(&format!("o{number}"), "1");
    }
    assert!(other.head() > node.head());
    other.process.stop();
    let other = restart_on(other.data(), &centre);
    fenced(&centre, &other, "other_history");

    let later = node.paid_order("c", "1");
    agrees(&centre, &node, &[known, later]);
    assert!(node.sells(), "whoever was there first is not disturbed");
    wait_until("the known one is connected", || {
        let entry = centre.region("east");
        if entry["connected"] == true { Ok(()) } else { Err(format!("{entry:#}")) }
    });
}

#[test]
fn a_node_restored_under_the_next_epoch_ends_the_one_before() {
    let centre = centre();
    let mut node = Region::start("east", &centre);
    let first = node.paid_order("a", "1");
    node.shipped("east", &centre);
    node.process.stop();
    let restored = copy_of(node.data());
    node.process.restart();
    green(&centre, "east");

    let mut own = crate::common::Client::new(centre.address(), Some(token_of("east")));
    let granted = own.post_empty("/v1/regions/east/epoch").expect(200);
    assert_eq!(granted, json!({"region": "east", "epoch": 2}));
    // The old one is connected and has nothing to say; it learns it all the same.
    fenced(&centre, &node, "epoch_superseded");

    let expect = Expect { region: Some("east"), create: false };
    let mut directory = DataDir::open(fs::real(), restored.path(), expect).unwrap();
    directory.set_epoch(Epoch(2)).unwrap();
    drop(directory);
    let restored = restart_on(restored.path(), &centre);
    let second = restored.paid_order("b", "1");
    agrees(&centre, &restored, &[first, second.clone()]);
    assert!(second.contains("-2-"), "{second} is of the new epoch");
    let entry = centre.region("east");
    assert_eq!((&entry["epoch"], &entry["connected"]), (&json!(2), &json!(true)));

    node.process.kill();
    let again = restart_on(node.data(), &centre);
    fenced(&centre, &again, "epoch_superseded");
    let third = restored.paid_order("c", "1");
    agrees(&centre, &restored, &[third]);
}

#[test]
fn a_centre_restored_from_an_older_copy_is_sent_again_and_never_fences() {
    let mut centre = centre();
    let mut node = Region::start("east", &centre);
    let mut orders = vec![node.paid_order("a", "1")];
    node.shipped("east", &centre);
    centre.process().stop();
    let older = copy_of(centre.data());
    centre.process().restart();
    orders.push(node.paid_order("b", "1"));
    node.shipped("east", &centre);
    // Meanwhile the region was restored under the next epoch: the older copy does not know it.
    let mut own = crate::common::Client::new(centre.address(), Some(token_of("east")));
    own.post_empty("/v1/regions/east/epoch").expect(200);
    fenced(&centre, &node, "epoch_superseded");
    node.process.kill();
    centre.process().stop();
    let expect = Expect { region: Some("east"), create: false };
    let mut directory = DataDir::open(fs::real(), node.data(), expect).unwrap();
    directory.set_epoch(Epoch(2)).unwrap();
    drop(directory);

    let mut again = Centre::start_with("store = \"embedded\"", Some(older.path()));
    again.process().tolerate(REFUSALS);
    assert_eq!(again.region("east")["epoch"], 1);
    let node = restart_on(node.data(), &again);
    wait_until("the node sells again", || if node.sells() { Ok(()) } else { Err("it does not".to_owned()) });
    orders.push(node.paid_order("c", "1"));
    agrees(&again, &node, &orders);
    assert_eq!(green(&again, "east")["epoch"], 2, "taken over from the node, whose chain goes on from the centre's");
}

#[test]
fn a_token_speaks_for_its_own_region_only() {
    let centre = centre();
    let stranger = Region::on(None, "north", centre.address(), &token_of("east"));
    let wrong = Region::on(None, "east", centre.address(), "not the token of anybody here");
    for (node, words) in [(&stranger, "north"), (&wrong, "token")] {
        let mut seen = Value::Null;
        wait_until("the node is refused", || {
            seen = node.status()["replication"].clone();
            if seen["refused"].is_string() { Ok(()) } else { Err(format!("{seen:#}")) }
        });
        assert!(seen["refused"].as_str().unwrap().contains(words), "{seen:#}");
        assert_eq!(seen["connected"], false);
        assert!(node.sells(), "a wrong token stops nobody from selling");
    }
    let entry = centre.region("east");
    assert_eq!((&entry["last_sequence"], entry.get("fenced")), (&json!(0), None));
}

#[test]
fn a_copy_of_another_region_is_left_alone_and_the_others_are_served() {
    let mut centre = centre();
    let (mut east, mut south) = (Region::start("east", &centre), Region::start("south", &centre));
    east.shipped("east", &centre);
    south.shipped("south", &centre);
    centre.process().stop();
    std::fs::remove_dir_all(centre.copy_of("east")).unwrap();
    std::fs::rename(centre.copy_of("south"), centre.copy_of("east")).unwrap();
    let mut centre = centre.start_again_alive();
    centre.process().tolerate(REFUSALS);
    assert_eq!(crate::common::Client::new(centre.address(), None).get("/readyz").status, 503);
    let entry = centre.region("east");
    assert_eq!((entry["health"].as_str(), entry["connected"].as_bool()), (Some("red"), Some(false)), "{entry:#}");
    assert!(entry["reason"].as_str().unwrap().contains("belongs to region"), "{entry:#}");
    south.shipped("south", &centre);
    green(&centre, "south");
    wait_until("the node is refused", || {
        let seen = east.status()["replication"].clone();
        if seen["refused"].is_string() || seen["last_error"].is_string() { Ok(()) } else { Err(format!("{seen:#}")) }
    });
    assert!(east.sells());
    east.process.stop();

    // Somebody takes the foreign copy away: the centre need not start again for the region to be served.
    std::fs::remove_dir_all(centre.copy_of("east")).unwrap();
    east.process.restart();
    east.shipped("east", &centre);
    green(&centre, "east");
    assert_eq!(crate::common::Client::new(centre.address(), None).get("/readyz").status, 200);
    east.process.stop();
    south.process.stop();
}
