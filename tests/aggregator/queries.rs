//! What headquarters asks, against what the regions say and against recounts.

use serde_json::{Value, json};

use crate::common::centre::Centre;
use crate::common::{Client, tokens};
use crate::postgres::Server;
use crate::recount;
use crate::region::{Region, wait_until};

/// Orders in every status there is, at two stores; one sold out, one store paused, coupons claimed.
fn a_morning(node: &Region) -> Vec<String> {
    let (mut provider, mut store) = (node.client(None), node.client(Some(tokens::store("s1"))));
    let mut ids = Vec::new();
    for number in 0..24 {
        let member = format!("m{number}");
        let mut customer = node.client(Some(tokens::customer(&member)));
        let place = if number % 5 == 0 { "s2" } else { "s1" };
        let body =
            json!({"store": place, "lines": [{"sku": "meal", "quantity": 1 + number % 3}], "note": "不要辣 \"x\""});
        let order = customer.post_with_key("/v1/orders", "k", &body).expect(201);
        let id = order["id"].as_str().unwrap().to_owned();
        if number % 6 != 0 {
            provider.post_empty(&format!("/v1/sandbox/payments/{id}/succeed")).expect(200);
        }
        let steps: &[&str] = match number % 8 {
            0 | 1 => &[],
            2 => &["accept"],
            3 => &["accept", "ready"],
            4 | 5 => &["accept", "ready", "collected"],
            _ => &["cancel"],
        };
        for step in steps {
            let path = format!("/v1/orders/{id}/{step}");
            let answer = match *step {
                "cancel" => customer.post_empty(&path),
                _ if number % 6 == 0 || place != "s1" => continue,
                _ => store.post_empty(&path),
            };
            answer.expect(200);
        }
        ids.push(id);
    }
    let rejected = node.paid_order("unlucky", "k");
    store.post(&format!("/v1/orders/{rejected}/reject"), &json!({"reason": "oven"})).expect(200);
    ids.push(rejected);
    store.put("/v1/stores/s1/stock/rare", &json!({"available": 0})).expect(200);
    let pause = json!({"accepting": false, "reason": "full"});
    node.client(Some(tokens::store("s2"))).put("/v1/stores/s2/accepting", &pause).expect(200);
    for number in 0..3 {
        let mut customer = node.client(Some(tokens::customer(&format!("m{number}"))));
        customer.post_empty("/v1/campaigns/one-yuan/claim").expect(201);
    }
    // Refunds are asked for by themselves, a moment later.
    wait_until("refunds are settled", || {
        let pending = ids.iter().find(|id| {
            let order = node.operator().get(&format!("/v1/orders/{id}")).expect(200);
            order["refund"]["status"] == "pending"
        });
        pending.map_or(Ok(()), |id| Err(id.clone()))
    });
    ids
}

fn all_orders(client: &mut Client, query: &str, limit: usize) -> Vec<Value> {
    let (mut orders, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = client.get(&format!("/v1/orders?limit={limit}{query}{cursor}")).expect(200);
        let on_page = page["orders"].as_array().unwrap();
        assert!(on_page.len() <= limit);
        orders.extend(on_page.iter().cloned());
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return orders,
        }
    }
}

fn ids_of(orders: &[Value]) -> Vec<&str> {
    orders.iter().map(|order| order["id"].as_str().unwrap()).collect()
}

#[test]
fn every_query_is_what_the_regions_say_and_what_a_recount_says() {
    whole_morning(&Centre::start());
}

#[test]
fn the_same_on_a_database() {
    let Some(server) = Server::start() else { return };
    whole_morning(&Centre::start_with(&format!("store = \"{}\"", server.url()), None));
}

fn whole_morning(centre: &Centre) {
    let (east, south) = (Region::start("east", centre), Region::start("south", centre));
    let (east_ids, south_ids) = (a_morning(&east), a_morning(&south));
    east.shipped("east", centre);
    south.shipped("south", centre);
    let mut client = centre.operator();

    orders_are_the_regions_own(&mut client, &[(&east, &east_ids), (&south, &south_ids)]);
    lists_are_filtered(&mut client);
    figures_are_recounted(&mut client);
    the_directory_leads_to_the_nodes(centre);
}

fn orders_are_the_regions_own(client: &mut Client, regions: &[(&Region, &Vec<String>)]) {
    let mut seen = Vec::new();
    for (node, ids) in regions {
        for id in *ids {
            let told = node.operator().get(&format!("/v1/orders/{id}")).expect(200);
            let mut at_centre = client.get(&format!("/v1/orders/{id}")).expect(200);
            let history = at_centre.as_object_mut().unwrap().remove("history").unwrap();
            assert_eq!(at_centre.as_object_mut().unwrap().remove("history_complete"), Some(json!(true)), "{history:#}");
            assert_eq!(at_centre, told, "field by field, offset included");
            assert_eq!(history.as_array().unwrap().len() as u64, told["offset"].as_u64().unwrap(), "{history:#}");
            seen.push(told);
        }
    }
    let listed = all_orders(client, "", 7);
    let mut expected = seen;
    expected.sort_by_key(|order| order["id"].as_str().unwrap().to_owned());
    let mut sorted = listed;
    sorted.sort_by_key(|order| order["id"].as_str().unwrap().to_owned());
    assert_eq!(sorted, expected, "the list has every order once, as it is");
}

fn lists_are_filtered(client: &mut Client) {
    let all = all_orders(client, "", 500);
    let keys: Vec<(String, u32)> = all
        .iter()
        .map(|order| {
            let (day, id) = (order["business_day"].as_str().unwrap(), order["id"].as_str().unwrap());
            let number = id.rsplit('-').next().unwrap().chars().fold(0, |sum, digit| {
                sum * 32 + u32::try_from("0123456789ABCDEFGHJKMNPQRSTVWXYZ".find(digit).unwrap()).unwrap()
            });
            (day.to_owned(), number)
        })
        .collect();
    assert!(keys.is_sorted_by(|a, b| a >= b), "newest first: {keys:?}");
    let from = all[all.len() / 2]["created_at"].as_str().unwrap().to_owned();
    type Likes = Box<dyn Fn(&Value) -> bool>;
    let is = |field: &'static str, value: &'static str| -> Likes { Box::new(move |order| order[field] == value) };
    let (after, before) = (from.clone(), from.clone());
    let filters: Vec<(String, Likes)> = vec![
        ("&region=south".into(), is("region", "south")),
        ("&store=s2".into(), is("store", "s2")),
        ("&status=collected".into(), is("status", "collected")),
        ("&status=cancelled&region=east".into(), {
            Box::new(|order| order["status"] == "cancelled" && order["region"] == "east")
        }),
        (format!("&from={from}"), Box::new(move |order| order["created_at"].as_str().unwrap() >= after.as_str())),
        (format!("&to={from}"), Box::new(move |order| order["created_at"].as_str().unwrap() < before.as_str())),
        ("&store=nobody".into(), Box::new(|_| false)),
        ("&region=&store=&status=&from=&to=".into(), Box::new(|_| true)),
    ];
    for (query, likes) in filters {
        let expected: Vec<Value> = all.iter().filter(|order| likes(order)).cloned().collect();
        for limit in [1, 3, 500] {
            let found = all_orders(client, &query, limit);
            assert_eq!(ids_of(&found), ids_of(&expected), "{query} by {limit}");
        }
    }
}

fn figures_are_recounted(client: &mut Client) {
    let all = all_orders(client, "", 500);
    let of = |region: &'static str| all.iter().filter(move |order| order["region"] == region);
    let summary = client.get("/v1/summary").expect(200);
    assert_eq!(summary["today"], recount::today(&all), "the country's day");
    assert_eq!(summary["open"], recount::open(&all));
    assert_eq!(summary["regions"], json!({"total": 2, "connected": 2, "fenced": 0}));
    assert_eq!(summary["stores"], json!({"total": 6, "open": 4, "paused": 2}));
    assert_eq!(summary["currency"], "CNY");
    assert_eq!(summary["stock_outs_total"], 2);
    let out = json!({"region": "east", "store": "s1", "store_name": "Store s1", "sku": "rare",
                     "name": {"zh": "Rare", "en": "Rare"}});
    assert_eq!(summary["stock_outs"][0], out);
    let campaigns = summary["campaigns"].as_array().unwrap();
    let burn = campaigns.iter().find(|one| one["id"] == "one-yuan" && one["region"] == "south").unwrap();
    assert_eq!((&burn["quota"], &burn["claimed"], &burn["remaining"]), (&json!(40), &json!(3), &json!(37)));

    let regions = client.get("/v1/regions").expect(200);
    for (entry, region) in regions["regions"].as_array().unwrap().iter().zip(["east", "south"]) {
        assert_eq!((entry["region"].as_str(), entry["health"].as_str()), (Some(region), Some("green")), "{entry:#}");
        assert_eq!(entry["today"], recount::today(of(region)), "{region}");
        assert_eq!(entry["lag"], json!({"entries": 0, "bytes": 0, "seconds": 0.0}));
        assert_eq!((&entry["epoch"], &entry["connected"], &entry["stores"]), (&json!(1), &json!(true), &json!(3)));
        assert_eq!(entry["last_sequence"], entry["applied_sequence"]);
    }
    let stores = client.get("/v1/regions/east/stores").expect(200);
    for store in stores["stores"].as_array().unwrap() {
        let id = store["id"].clone();
        assert_eq!(store["today"], recount::today(of("east").filter(|order| order["store"] == id)), "{id}");
        assert_eq!(store["open_orders"], recount::open(of("east").filter(|order| order["store"] == id)), "{id}");
    }
    assert_eq!(stores["stores"][0]["stock_outs"], json!(["rare"]));
    assert_eq!(stores["stores"][1]["paused"], json!({"reason": "full"}));
    assert_eq!(stores["stores"][1]["accepting"], false);
    assert_eq!(stores["stores"][2]["open"], false, "the shop that is always shut");

    series_are_recounted(client, &all);
}

fn series_are_recounted(client: &mut Client, all: &[Value]) {
    let money = |order: &Value| order["payable"].as_i64().unwrap();
    type Counts<'c> = (&'c str, &'c str, Box<dyn Fn(&Value) -> Option<i64>>);
    let metrics: [Counts<'_>; 4] = [
        ("orders", "created_at", Box::new(|_| Some(1))),
        ("paid", "paid_at", Box::new(|_| Some(1))),
        ("revenue", "paid_at", Box::new(move |order| Some(money(order)))),
        ("rejected", "closed_at", Box::new(|order| (order["status"] == "rejected").then_some(1))),
    ];
    for (metric, time, counts) in metrics {
        for (window, step) in [("1h", 60), ("1d", 300), ("7d", 3600)] {
            let query = format!("/v1/series?metric={metric}&window={window}&compare=day&region=east");
            let series = client.get(&query).expect(200);
            let from = recount::minute(&series["from"]).unwrap() * 60;
            let points = series["points"].as_array().unwrap();
            let mut expected = vec![0; points.len()];
            for order in all.iter().filter(|order| order["region"] == "east") {
                if let (Some(minute), Some(count)) = (recount::minute(&order[time]), counts(order)) {
                    expected[usize::try_from((minute * 60 - from).div_euclid(step)).unwrap()] += count;
                }
            }
            assert_eq!(series["points"], json!(expected), "{metric} {window}");
            assert_eq!(series["step_seconds"], step);
            assert_eq!(series["compare"]["kind"], "day");
            assert!(series["compare"]["points"].as_array().unwrap().iter().all(|point| point == 0));
        }
    }
    let wait = client.get("/v1/series?metric=wait&window=1h").expect(200);
    assert_eq!((wait["unit"].as_str(), wait.get("compare")), (Some("seconds"), None));
    assert!(wait["points"].as_array().unwrap().iter().any(serde_json::Value::is_null), "a mean of nothing is null");
    let both = client.get("/v1/series?metric=orders&window=1h").expect(200);
    let sum: i64 = both["points"].as_array().unwrap().iter().filter_map(Value::as_i64).sum();
    assert_eq!(sum, i64::try_from(all.len()).unwrap(), "all regions together");
}

fn the_directory_leads_to_the_nodes(centre: &Centre) {
    let mut anybody = Client::new(centre.address(), None);
    let (mut stores, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = anybody.get(&format!("/v1/stores?limit=4{cursor}")).expect(200);
        stores.extend(page["stores"].as_array().unwrap().iter().cloned());
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    let names: Vec<_> =
        stores.iter().map(|store| (store["id"].as_str().unwrap(), store["region"].as_str().unwrap())).collect();
    let expected =
        [("s1", "east"), ("s1", "south"), ("s2", "east"), ("s2", "south"), ("shut", "east"), ("shut", "south")];
    assert_eq!(names, expected, "a clash of ids is two stores");
    assert_eq!(stores[0]["public_url"], "https://east.example");
    assert_eq!(stores[3]["public_url"], "https://south.example");
    assert_eq!((&stores[0]["accepting"], &stores[2]["accepting"]), (&json!(true), &json!(false)));
    let near = anybody.get("/v1/stores?near=31.2304,121.4737&q=s2").expect(200);
    assert_eq!(near["stores"].as_array().unwrap().len(), 2);
    assert_eq!(near["stores"][0]["distance_m"], 0);
}
