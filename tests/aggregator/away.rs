//! The database away while regions sell: what they send is received and acknowledged all the same, and shown when it is back.

use serde_json::Value;

use crate::common::Client;
use crate::common::centre::Centre;
use crate::postgres::Server;
use crate::region::{Region, wait_until};

fn ready(centre: &Centre) -> (u16, Value) {
    let reply = Client::new(centre.address(), None).get("/readyz");
    let checks = reply.json()["checks"].clone();
    let store = checks.as_array().unwrap().iter().find(|check| check["name"] == "store").unwrap().clone();
    (reply.status, store)
}

#[test]
fn a_database_that_is_away_stops_neither_reception_nor_anything_for_good() {
    let Some(mut server) = Server::start() else { return };
    let mut centre = Centre::start_with(&format!("store = \"{}\"", server.url()), None);
    centre.process().tolerate(&["applying waits"]);
    let node = Region::start("east", &centre);
    node.paid_order("a", "1");
    node.shipped("east", &centre);
    let applied = centre.region("east")["applied_sequence"].clone();
    server.stop();

    let kept = node.paid_order("b", "1");
    let head = node.head();
    wait_until("everything is received and acknowledged", || {
        let entry = centre.region("east");
        let acknowledged = node.status()["replicated_to"] == head;
        if entry["last_sequence"] == head && acknowledged { Ok(()) } else { Err(format!("{entry:#}")) }
    });
    wait_until("the centre says so", || {
        let (status, store) = ready(&centre);
        if status == 503 && store["ok"] == false { Ok(()) } else { Err(format!("{status} {store:#}")) }
    });
    assert_eq!(centre.region("east")["applied_sequence"], applied, "nothing is shown that the store does not have");
    let asked = centre.operator().get("/v1/orders");
    assert_eq!((asked.status, asked.problem().as_str()), (503, "store-unavailable"));
    assert!(asked.header("retry-after").is_some());
    // What is known from memory is still answered.
    assert_eq!(centre.operator().get("/v1/summary").expect(200)["today"]["paid"], 1);
    assert!(server.begin(), "the database comes back");
    node.shipped("east", &centre);
    centre.operator().get(&format!("/v1/orders/{kept}")).expect(200);
    wait_until("all is well again", || {
        let (status, store) = ready(&centre);
        let entry = centre.region("east");
        if status == 200 && entry["health"] == "green" { Ok(()) } else { Err(format!("{store:#} {entry:#}")) }
    });
}
