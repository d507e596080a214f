//! A node with an order in every status, and a way to see that nothing changed.

use serde_json::{Value, json};

use crate::common::{Client, Node, one_meal};

/// A node, its people, and their orders at store `s1`.
pub struct World {
    pub node: Node,
    pub anna: Client,
    pub store: Client,
    pub operator: Client,
    keys: u32,
}

impl World {
    pub fn new() -> Self {
        Self::of(Node::start())
    }

    pub fn of(node: Node) -> Self {
        let (anna, store, operator) = (node.customer("anna"), node.store("s1"), node.operator());
        Self { node, anna, store, operator, keys: 0 }
    }

    /// A new idempotency key.
    pub fn key(&mut self) -> String {
        self.keys += 1;
        format!("key-{}", self.keys)
    }

    /// An order of anna's.
    pub fn place(&mut self, body: &Value) -> Value {
        let key = self.key();
        self.anna.post_with_key("/v1/orders", &key, body).expect(201)
    }

    /// What a customer's phone and a provider do to pay.
    pub fn pay(&mut self, order: &str) -> Value {
        self.anna.post(&format!("/v1/orders/{order}/pay"), &json!({"provider": "sandbox"})).expect(200);
        self.node.client(None).post_empty(&format!("/v1/sandbox/payments/{order}/succeed")).expect(200)
    }

    pub fn awaiting(&mut self) -> String {
        self.place(&one_meal())["id"].as_str().unwrap().to_owned()
    }

    pub fn paid(&mut self) -> String {
        let order = self.awaiting();
        self.pay(&order);
        order
    }

    pub fn accepted(&mut self) -> String {
        let order = self.paid();
        self.store.post_empty(&format!("/v1/orders/{order}/accept")).expect(200);
        order
    }

    pub fn ready(&mut self) -> String {
        let order = self.accepted();
        self.store.post_empty(&format!("/v1/orders/{order}/ready")).expect(200);
        order
    }

    pub fn collected(&mut self) -> String {
        let order = self.ready();
        self.store.post_empty(&format!("/v1/orders/{order}/collected")).expect(200);
        order
    }

    /// Waits, by asking, until an order is as expected: what the node does by itself takes a moment.
    pub fn eventually(&mut self, order: &str, is: impl Fn(&Value) -> bool) -> Value {
        let started = std::time::Instant::now();
        loop {
            let now = self.anna.get(&format!("/v1/orders/{order}")).expect(200);
            if is(&now) {
                return now;
            }
            assert!(started.elapsed().as_secs() < 20, "still {now:#}");
            std::thread::yield_now();
        }
    }

    /// Everything that a refused request must leave as it is.
    pub fn everything(&mut self) -> Value {
        let status = self.operator.get("/v1/status").expect(200);
        json!({
            "log_head": status["log_head"],
            "orders": self.anna.get("/v1/me/orders").expect(200),
            "coupons": self.anna.get("/v1/me/coupons").expect(200),
            "stock": self.store.get("/v1/stores/s1/stock").expect(200),
            "campaigns": self.anna.get("/v1/campaigns").expect(200),
        })
    }
}
