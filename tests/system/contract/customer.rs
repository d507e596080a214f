//! Stores, menus, campaigns and coupons as customers see them.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::shape::{CAMPAIGNS, COUPON, COUPONS, MENU, STORES, check};
use super::world::World;
use crate::common::one_meal;

fn ids(list: &Value) -> Vec<String> {
    list.as_array().unwrap().iter().map(|thing| thing["id"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn stores_are_listed_found_and_sorted_by_distance() {
    let mut world = World::new();
    let all = world.anna.get("/v1/stores").expect(200);
    check(&all, STORES);
    assert_eq!(ids(&all["stores"]), ["s1", "s2", "shut"]);
    assert!(all["stores"][0].get("distance_m").is_none(), "no place, no distance");
    assert!(all.get("next_cursor").is_none(), "there is no more");
    assert_eq!((all["stores"][0]["open"].as_bool(), all["stores"][0]["accepting"].as_bool()), (Some(true), Some(true)));
    assert_eq!(
        (all["stores"][2]["open"].as_bool(), all["stores"][2]["accepting"].as_bool()),
        (Some(false), Some(false))
    );

    let mut catalogue = crate::common::catalogue();
    catalogue["stores"][0]["lat"] = json!(31.30);
    catalogue["stores"][1]["name"] = json!("人民广场 Café");
    world.operator.put("/v1/catalog", &catalogue).expect(200);
    let near = world.anna.get("/v1/stores?near=31.2304,121.4737").expect(200);
    check(&near, STORES);
    assert_eq!(ids(&near["stores"]), ["s2", "shut", "s1"]);
    assert_eq!(near["stores"][0]["distance_m"], 0);
    assert!((7_600..7_900).contains(&near["stores"][2]["distance_m"].as_i64().unwrap()), "{near}");
    let found = |world: &mut World, q: &str| ids(&world.anna.get(&format!("/v1/stores?q={q}")).expect(200)["stores"]);
    assert_eq!(found(&mut world, "caf%C3%89"), ["s2"], "case does not matter");
    assert_eq!(found(&mut world, "%E4%BA%BA%E6%B0%91"), ["s2"]);
    assert!(found(&mut world, "nowhere").is_empty());
}

#[test]
fn every_list_of_stores_can_be_walked_in_pages() {
    let mut world = World::new();
    let mut catalogue = crate::common::catalogue();
    for number in 0..20 {
        let mut store = catalogue["stores"][0].clone();
        store["id"] = json!(format!("x{number:02}"));
        store["lat"] = json!(31.0 + f64::from(number % 5) / 10.0);
        catalogue["stores"].as_array_mut().unwrap().push(store);
    }
    world.operator.put("/v1/catalog", &catalogue).expect(200);
    for query in ["", "&near=31.2,121.5", "&q=x"] {
        let whole = ids(&world.anna.get(&format!("/v1/stores?limit=500{query}")).expect(200)["stores"]);
        let mut walked = Vec::new();
        let mut cursor = String::new();
        loop {
            let page = world.anna.get(&format!("/v1/stores?limit=3&cursor={cursor}{query}")).expect(200);
            walked.extend(ids(&page["stores"]));
            match page["next_cursor"].as_str() {
                Some(next) => cursor = next.to_owned(),
                None => break,
            }
        }
        assert_eq!(walked, whole, "{query}");
    }
}

#[test]
fn a_menu_shows_what_the_store_sells_and_no_more_than_twenty_left() {
    let mut world = World::new();
    let menu = world.anna.get("/v1/stores/s1/menu");
    let json = menu.expect(200);
    check(&json, MENU);
    let item = |menu: &Value, sku: &str| {
        menu["items"].as_array().unwrap().iter().find(|item| item["sku"] == sku).cloned().unwrap_or(Value::Null)
    };
    assert_eq!(item(&json, "meal")["available"], 20, "500 left: the exact number is nobody's business");
    assert_eq!(item(&json, "rare")["available"], 3);
    assert_eq!(item(&json, "set")["available"], Value::Null, "not counted");
    assert_eq!(item(&json, "off"), Value::Null, "sold elsewhere");
    assert_eq!(item(&json, "rare")["image"], "rare.webp");
    assert_eq!(json["currency"], "CNY");

    let etag = menu.header("etag").unwrap().to_owned();
    assert!(etag.starts_with('"') && etag.ends_with('"') && etag.len() > 2, "strong: {etag}");
    for known in [etag.clone(), format!("\"x\", {etag}"), "*".to_owned()] {
        let again = world.anna.send("GET", "/v1/stores/s1/menu", &[("If-None-Match", &known)], None);
        assert_eq!((again.status, again.header("etag")), (304, Some(etag.as_str())), "{known}");
        assert!(again.body.is_empty());
    }
    let other = world.anna.send("GET", "/v1/stores/s1/menu", &[("If-None-Match", "\"x\"")], None);
    assert_eq!(other.status, 200);

    // What is sold shows within the second; orders use the exact figure at once.
    world.place(&json!({"store": "s1", "lines": [{"sku": "rare", "quantity": 3}]}));
    let key = world.key();
    let one_more = json!({"store": "s1", "lines": [{"sku": "rare", "quantity": 1}]});
    assert_eq!(world.anna.post_with_key("/v1/orders", &key, &one_more).problem(), "out-of-stock");
    let started = std::time::Instant::now();
    loop {
        let now = world.anna.send("GET", "/v1/stores/s1/menu", &[("If-None-Match", &etag)], None);
        if now.status == 200 {
            let json = now.json();
            assert_eq!(item(&json, "rare")["available"], 0);
            assert_ne!(now.header("etag"), Some(etag.as_str()));
            break;
        }
        assert!(started.elapsed().as_secs() < 10, "the menu never changed");
    }
}

#[test]
fn a_withdrawn_item_leaves_the_menu_at_once() {
    let mut world = World::new();
    world.anna.get("/v1/stores/s1/menu").expect(200);
    let mut catalogue = crate::common::catalogue();
    catalogue["items"].as_array_mut().unwrap().retain(|item| item["sku"] != "rare");
    catalogue["stock"].as_array_mut().unwrap().retain(|line| line["sku"] != "rare");
    world.operator.put("/v1/catalog", &catalogue).expect(200);
    let menu = world.anna.get("/v1/stores/s1/menu").expect(200);
    assert!(!menu.to_string().contains("rare"), "{menu}");
}

#[test]
fn campaigns_are_listed_with_what_is_left() {
    let mut world = World::new();
    let campaigns = world.anna.get("/v1/campaigns").expect(200);
    check(&campaigns, CAMPAIGNS);
    assert_eq!(ids(&campaigns["campaigns"]), ["one-yuan", "over", "tiny", "twice"]);
    world.anna.post_empty("/v1/campaigns/one-yuan/claim").expect(201);
    let campaigns = world.anna.get("/v1/campaigns").expect(200);
    assert_eq!(
        (campaigns["campaigns"][0]["quota"].as_i64(), campaigns["campaigns"][0]["remaining"].as_i64()),
        (Some(40), Some(39))
    );
    let page = world.anna.get("/v1/campaigns?limit=3").expect(200);
    let rest = world.anna.get(&format!("/v1/campaigns?cursor={}", page["next_cursor"].as_str().unwrap())).expect(200);
    assert_eq!(ids(&rest["campaigns"]), ["twice"]);
    assert!(rest.get("next_cursor").is_none(), "there is no more");
}

#[test]
fn a_claim_gives_the_coupon_that_is_held_or_a_new_one_up_to_the_limit() {
    let mut world = World::new();
    let first = world.anna.post_empty("/v1/campaigns/twice/claim").expect(201);
    check(&first, COUPON);
    assert_eq!((first["campaign"].as_str(), first["status"].as_str()), (Some("twice"), Some("claimed")));
    assert_eq!(world.anna.post_empty("/v1/campaigns/twice/claim").expect(200), first, "holding one: that one");

    let use_it =
        |coupon: &Value| json!({"store": "s1", "lines": [{"sku": "meal", "quantity": 1}], "coupon": coupon["id"]});
    let order = world.place(&use_it(&first));
    let second = world.anna.post_empty("/v1/campaigns/twice/claim").expect(201);
    assert_ne!(second["id"], first["id"]);
    world.place(&use_it(&second));
    let third = world.anna.post_empty("/v1/campaigns/twice/claim");
    assert_eq!((third.status, third.problem().as_str()), (422, "over-limit"));

    let coupons = world.anna.get("/v1/me/coupons").expect(200);
    check(&coupons, COUPONS);
    let states: BTreeSet<&str> =
        coupons["coupons"].as_array().unwrap().iter().map(|c| c["status"].as_str().unwrap()).collect();
    assert_eq!(states, BTreeSet::from(["redeemed"]));
    let page = world.anna.get("/v1/me/coupons?limit=1").expect(200);
    let rest = world.anna.get(&format!("/v1/me/coupons?cursor={}", page["next_cursor"].as_str().unwrap())).expect(200);
    assert_eq!(rest["coupons"].as_array().unwrap().len(), 1);
    assert_ne!(rest["coupons"][0]["id"], page["coupons"][0]["id"]);

    // Given back is claimed again, and the claim finds it.
    let path = format!("/v1/orders/{}/cancel", order["id"].as_str().unwrap());
    world.anna.post_empty(&path).expect(200);
    let back = world.anna.post_empty("/v1/campaigns/twice/claim").expect(200);
    assert_eq!((&back["id"], back["status"].as_str()), (&first["id"], Some("claimed")));
}

#[test]
fn a_campaign_ends_by_time_and_by_quota() {
    let mut world = World::new();
    let over = world.anna.post_empty("/v1/campaigns/over/claim");
    assert_eq!((over.status, over.problem().as_str()), (422, "campaign-closed"));
    world.anna.post_empty("/v1/campaigns/tiny/claim").expect(201);
    let late = world.node.customer("boris").post_empty("/v1/campaigns/tiny/claim");
    assert_eq!((late.status, late.problem().as_str()), (422, "quota-exhausted"));
    assert_eq!(world.node.customer("boris").get("/v1/me/coupons").expect(200), json!({"coupons": []}));
}

#[test]
fn my_orders_are_mine_newest_first_and_walked_in_pages() {
    let mut world = World::new();
    let mut placed: Vec<String> = (0..7).map(|_| world.place(&one_meal())["id"].as_str().unwrap().to_owned()).collect();
    world.node.customer("boris").post_with_key("/v1/orders", "b", &one_meal()).expect(201);
    placed.reverse();
    let mut walked = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = world.anna.get(&format!("/v1/me/orders?limit=3&cursor={cursor}")).expect(200);
        check(&page, super::shape::ORDERS);
        walked.extend(ids(&page["orders"]));
        match page["next_cursor"].as_str() {
            Some(next) => cursor = next.to_owned(),
            None => break,
        }
    }
    assert_eq!(walked, placed);
    let exact = world.anna.get("/v1/me/orders?limit=7").expect(200);
    assert!(exact.get("next_cursor").is_none(), "exactly full and nothing more");
}
