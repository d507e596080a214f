//! What time does by itself, through the contract, on a clock that moves only when told: the node runs in this process.

use std::net::SocketAddr;
use std::sync::Arc;

use qucan::config;
use qucan::domain::time::{Millis, Timestamp};
use qucan::engine::clock::{Clock, ManualClock};
use qucan::node::Node;
use serde_json::{Value, json};

use crate::common::{Client, catalogue, one_meal, tokens};

/// 2027-01-04T04:00:00Z: noon of a Monday in Shanghai.
const START: Timestamp = Timestamp(1_799_035_200_000);

/// A node in this process, and its clock.
struct Region {
    runtime: tokio::runtime::Runtime,
    node: Option<Node>,
    clock: Arc<ManualClock>,
    directory: tempfile::TempDir,
    address: SocketAddr,
}

impl Region {
    fn start() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let directory = tempfile::tempdir().unwrap();
        let clock = Arc::new(ManualClock::new(START));
        let address = SocketAddr::from(([127, 0, 0, 1], 0));
        let mut region = Self { runtime, node: None, clock, directory, address };
        region.up();
        region.client(tokens::operator()).put("/v1/catalog", &catalogue()).expect(200);
        region
    }

    fn up(&mut self) {
        let file = self.directory.path().join("node.toml");
        let text = format!(
            "mode = \"sandbox\"\n[node]\nregion = \"east\"\nlisten = [\"127.0.0.1:0\"]\ndata_dir = \"{}\"\n\
             [auth]\nhs256_secret = \"{}\"\n",
            self.directory.path().join("data").display(),
            tokens::SECRET
        );
        std::fs::write(&file, text).unwrap();
        let loaded = config::load_node(Some(&file), []).unwrap();
        let clock: Arc<dyn Clock> = self.clock.clone();
        let node = self.runtime.block_on(Node::start_at(loaded.config, clock)).unwrap();
        self.address = node.addresses()[0];
        self.node = Some(node);
    }

    fn down(&mut self) {
        if let Some(node) = self.node.take() {
            self.runtime.block_on(node.stop()).unwrap();
        }
    }

    fn pass(&self, time: Millis) {
        self.clock.set(self.clock.now().plus(time));
    }

    fn client(&self, token: String) -> Client {
        Client::new(self.address, Some(token))
    }

    fn anna(&self) -> Client {
        self.client(tokens::customer("anna"))
    }

    fn store(&self) -> Client {
        self.client(tokens::store("s1"))
    }

    fn place(&self, key: &str) -> String {
        let order = self.anna().post_with_key("/v1/orders", key, &one_meal()).expect(201);
        order["id"].as_str().unwrap().to_owned()
    }

    fn pay(&self, order: &str) {
        Client::new(self.address, None).post_empty(&format!("/v1/sandbox/payments/{order}/succeed")).expect(200);
    }

    /// Asks until an order is as expected; what the node does by itself takes a moment.
    fn eventually(&self, order: &str, is: impl Fn(&Value) -> bool) -> Value {
        let started = std::time::Instant::now();
        let mut anna = self.anna();
        loop {
            let reply = anna.get(&format!("/v1/orders/{order}"));
            // Shortly after a start history may say that it is being read.
            if reply.status != 503 && is(&reply.expect(200)) {
                return reply.json();
            }
            assert!(started.elapsed().as_secs() < 20, "still {reply:?}");
            std::thread::yield_now();
        }
    }
}

impl Drop for Region {
    fn drop(&mut self) {
        self.down();
    }
}

fn status_is(status: &'static str) -> impl Fn(&Value) -> bool {
    move |order| order["status"] == status
}

#[test]
fn an_order_that_nobody_pays_is_cancelled_and_gives_everything_back() {
    let region = Region::start();
    let coupon = region.anna().post_empty("/v1/campaigns/one-yuan/claim").expect(201)["id"].clone();
    let set = json!([{"sku": "set", "quantity": 1, "options": [{"option": "drink", "choice": "cola"}]},
                     {"sku": "rare", "quantity": 3}]);
    let body = json!({"store": "s1", "lines": set, "coupon": coupon});
    let order = region.anna().post_with_key("/v1/orders", "k", &body).expect(201);
    let id = order["id"].as_str().unwrap().to_owned();
    region.pass(Millis::minutes(16));
    let cancelled = region.eventually(&id, status_is("cancelled"));
    assert_eq!((cancelled["reason"].as_str(), cancelled["offset"].as_i64()), (Some("payment_timeout"), Some(2)));
    assert!(cancelled.get("refund").is_none());
    let coupons = region.anna().get("/v1/me/coupons").expect(200);
    assert_eq!(coupons["coupons"][0]["status"], "claimed", "given back");
    let stock = region.store().get("/v1/stores/s1/stock").expect(200);
    let rare = stock["stock"].as_array().unwrap().iter().find(|line| line["sku"] == "rare").unwrap().clone();
    assert_eq!(rare, json!({"sku": "rare", "available": 3, "reserved": 0, "sold": 0}));
    // Money that comes now goes back by itself.
    region.pay(&id);
    let refunded = region.eventually(&id, |order| order["refund"]["status"] == "succeeded");
    assert_eq!((refunded["status"].as_str(), &refunded["refund"]["amount"]), (Some("cancelled"), &order["payable"]));
}

#[test]
fn a_paid_order_that_the_store_does_not_answer_is_rejected_and_refunded() {
    let region = Region::start();
    let order = region.place("k");
    region.pay(&order);
    region.pass(Millis::minutes(11));
    let rejected = region.eventually(&order, |order| order["refund"]["status"] == "succeeded");
    assert_eq!((rejected["status"].as_str(), rejected["reason"].as_str()), (Some("rejected"), Some("store_timeout")));
}

#[test]
fn an_accepted_order_ends_collected_by_itself() {
    let region = Region::start();
    let order = region.place("k");
    region.pay(&order);
    region.store().post_empty(&format!("/v1/orders/{order}/accept")).expect(200);
    region.pass(Millis::hours(5));
    region.eventually(&order, status_is("ready"));
    region.pass(Millis::hours(5));
    let collected = region.eventually(&order, status_is("collected"));
    assert_eq!(collected["reason"], "auto");
}

#[test]
fn deadlines_that_pass_while_the_node_is_down_act_once_after_the_start() {
    let mut region = Region::start();
    let order = region.place("k");
    region.down();
    region.pass(Millis::hours(1));
    region.up();
    let cancelled = region.eventually(&order, status_is("cancelled"));
    assert_eq!((cancelled["reason"].as_str(), cancelled["offset"].as_i64()), (Some("payment_timeout"), Some(2)));
    region.down();
    region.up();
    region.eventually(&order, |order| *order == cancelled);
}

#[test]
fn a_key_is_kept_for_a_day_and_an_order_until_its_retention_ends() {
    let region = Region::start();
    let order = region.place("k");
    region.anna().post_empty(&format!("/v1/orders/{order}/cancel")).expect(200);
    region.pass(Millis::hours(23));
    let again = region.anna().post_with_key("/v1/orders", "k", &one_meal()).expect(200);
    assert_eq!(again["id"], order.as_str());
    // Something has to happen for old days to leave.
    for day in 0..12 {
        region.pass(Millis::hours(24));
        let order = region.place(&format!("day-{day}"));
        region.anna().post_empty(&format!("/v1/orders/{order}/cancel")).expect(200);
    }
    let anew = region.anna().post_with_key("/v1/orders", "k", &one_meal()).expect(201);
    assert_ne!(anew["id"], order.as_str(), "a key of long ago is free again");
    let started = std::time::Instant::now();
    loop {
        let reply = region.anna().get(&format!("/v1/orders/{order}"));
        if reply.status == 410 {
            assert_eq!(reply.problem(), "gone");
            break;
        }
        assert!(started.elapsed().as_secs() < 20, "still {}", reply.status);
        std::thread::yield_now();
    }
}

#[test]
fn coupons_expire_with_their_campaign() {
    let region = Region::start();
    let mut soon = catalogue();
    soon["campaigns"][0]["ends_at"] = json!("2027-01-05T00:00:00.000Z");
    region.client(tokens::operator()).put("/v1/catalog", &soon).expect(200);
    let coupon = region.anna().post_empty("/v1/campaigns/one-yuan/claim").expect(201);
    assert_eq!(coupon["expires_at"], "2027-01-05T00:00:00.000Z");
    region.pass(Millis::hours(21));
    let coupons = region.anna().get("/v1/me/coupons").expect(200);
    assert_eq!(
        (&coupons["coupons"][0]["id"], coupons["coupons"][0]["status"].as_str()),
        (&coupon["id"], Some("expired"))
    );
    let set = json!([{"sku": "set", "quantity": 1, "options": [{"option": "drink", "choice": "cola"}]}]);
    let body = json!({"store": "s1", "lines": set, "coupon": coupon["id"]});
    assert_eq!(region.anna().post_with_key("/v1/orders", "k", &body).problem(), "coupon-not-usable");
    assert_eq!(region.anna().post_empty("/v1/campaigns/one-yuan/claim").problem(), "campaign-closed");
}
