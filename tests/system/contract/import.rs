//! The catalogue: what an import changes, what it leaves alone, and what it says about a broken file.

use serde_json::{Value, json};

use super::world::World;
use crate::common::{catalogue, node::qucan};

#[test]
fn importing_again_changes_what_differs_and_nothing_else() {
    let mut world = World::new();
    let order = world.paid();
    let nothing = json!({"stores": 0, "items": 0, "campaigns": 0, "stock": 0, "withdrawn": 0});
    assert_eq!(world.operator.put("/v1/catalog", &catalogue()).expect(200), nothing);
    let left = |world: &mut World| {
        let stock = world.store.get("/v1/stores/s1/stock").expect(200);
        stock["stock"].as_array().unwrap().iter().find(|line| line["sku"] == "meal").unwrap()["available"].clone()
    };
    assert_eq!(left(&mut world), 499, "stock that is there is left alone");
    world.operator.put("/v1/catalog?set_stock=true", &catalogue()).expect(200);
    assert_eq!(left(&mut world), 500, "unless it is said otherwise");

    // What is no longer in the file is withdrawn; its open orders go on.
    let mut smaller = catalogue();
    smaller["items"].as_array_mut().unwrap().retain(|item| item["sku"] != "meal");
    smaller["stock"].as_array_mut().unwrap().retain(|line| line["sku"] != "meal");
    smaller["campaigns"].as_array_mut().unwrap().retain(|campaign| campaign["sku"] != "meal");
    let summary = world.operator.put("/v1/catalog", &smaller).expect(200);
    assert_eq!(summary["withdrawn"], 2, "an item and a campaign: {summary}");
    let key = world.key();
    assert_eq!(world.anna.post_with_key("/v1/orders", &key, &crate::common::one_meal()).problem(), "unknown-item");
    world.store.post_empty(&format!("/v1/orders/{order}/accept")).expect(200);
}

#[test]
fn a_broken_catalogue_is_refused_whole_with_every_error_at_its_pointer() {
    let mut world = World::new();
    world.anna.post_empty("/v1/campaigns/one-yuan/claim").expect(201);
    let before = world.everything();
    let mut broken = catalogue();
    broken["stores"][0]["timezone"] = json!("Moon/Base");
    broken["items"][0]["price"] = json!(-1);
    broken["items"][1]["colour"] = json!("red");
    broken["campaigns"][0]["sku"] = json!("nothing");
    let reply = world.operator.put("/v1/catalog", &broken);
    assert_eq!((reply.status, reply.problem().as_str()), (400, "malformed"));
    let json = reply.json();
    let pointers: Vec<&str> =
        json["errors"].as_array().unwrap().iter().map(|e| e["pointer"].as_str().unwrap()).collect();
    assert_eq!(pointers, ["/stores/0/timezone", "/items/0/price", "/items/1/colour", "/campaigns/0/sku"]);

    let mut low = catalogue();
    low["campaigns"][0]["quota"] = json!(0);
    let reply = world.operator.put("/v1/catalog", &low);
    assert_eq!((reply.status, reply.problem().as_str()), (422, "invalid-catalog"));
    assert_eq!(reply.json()["errors"][0]["pointer"], "/campaigns/0/quota");
    assert_eq!(world.everything(), before);
}

#[test]
fn the_import_command_works_with_the_node_running_and_without() {
    let mut world = World::of(crate::common::Node::empty(""));
    let file = world.node.data().join("../catalogue.json");
    let mut catalogue = catalogue();
    std::fs::write(&file, catalogue.to_string()).unwrap();
    let config = world.node.config();
    let import = |more: &[&str]| {
        let mut arguments = vec!["import", "--config", config.to_str().unwrap(), "--catalog", file.to_str().unwrap()];
        arguments.extend(more);
        let output = qucan(&arguments);
        (output.status.code(), String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap())
    };
    let running = import(&[]);
    assert_eq!(running.0, Some(0), "{running:?}");
    assert_eq!(world.anna.get("/v1/stores").expect(200)["stores"].as_array().unwrap().len(), 3);
    world.awaiting();
    world.node.stop();

    catalogue["items"][0]["price"] = json!(3100);
    std::fs::write(&file, catalogue.to_string()).unwrap();
    let stopped = import(&["--set-stock"]);
    assert_eq!(stopped.0, Some(0), "{stopped:?}");
    std::fs::write(&file, "{\"currency\":1}").unwrap();
    let broken = import(&[]);
    assert_eq!(broken.0, Some(1), "{broken:?}");
    assert!(broken.2.contains("/currency") && broken.2.contains("stores"), "{broken:?}");
    std::fs::remove_file(&file).unwrap();
    assert_eq!(import(&[]).0, Some(1));

    world.node.restart();
    let mut anna = world.node.customer("anna");
    let menu: Value = anna.get("/v1/stores/s1/menu").expect(200);
    let meal = menu["items"].as_array().unwrap().iter().find(|item| item["sku"] == "meal").unwrap();
    assert_eq!(meal["price"], 3100);
    let stock = world.node.store("s1").get("/v1/stores/s1/stock").expect(200);
    assert_eq!(stock["stock"][1]["available"], 500, "set anew while an order holds one: {stock}");
}
