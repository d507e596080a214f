//! Every call of "Node: customer", "Node: store" and "Both" that needs a token: who may make it and what it takes.

use serde_json::{Value, json};

/// Who may make a call.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Who {
    Customer,
    Store,
    Operator,
    Anybody,
}

/// One call. `{order}` stands for an order of anna's at s1.
pub struct Call {
    pub method: &'static str,
    pub path: &'static str,
    pub who: Who,
    pub body: Option<Value>,
    pub key: bool,
}

impl Call {
    fn new(method: &'static str, path: &'static str, who: Who, body: Option<Value>) -> Self {
        Self { method, path, who, body, key: false }
    }

    fn with_key(mut self) -> Self {
        self.key = true;
        self
    }

    /// Whether a role may make the call, where it is its own store or order.
    pub fn allows(&self, role: &str) -> bool {
        match self.who {
            Who::Anybody => true,
            Who::Customer => role == "customer",
            Who::Store => role == "store" || role == "operator",
            Who::Operator => role == "operator",
        }
    }
}

/// The table.
pub fn with_token() -> Vec<Call> {
    use Who::{Anybody, Customer, Operator, Store};
    let order = json!({"store": "s1", "lines": [{"sku": "meal", "quantity": 1}]});
    vec![
        Call::new("POST", "/v1/campaigns/one-yuan/claim", Customer, None),
        Call::new("GET", "/v1/me/coupons", Customer, None),
        Call::new("GET", "/v1/me/orders", Customer, None),
        Call::new("POST", "/v1/orders", Customer, Some(order)).with_key(),
        Call::new("GET", "/v1/orders/{order}", Anybody, None),
        Call::new("POST", "/v1/orders/{order}/pay", Customer, Some(json!({"provider": "sandbox"}))),
        Call::new("POST", "/v1/orders/{order}/cancel", Customer, None),
        Call::new("GET", "/v1/stores/s1/queue", Store, None),
        Call::new("POST", "/v1/orders/{order}/accept", Store, Some(json!({"pickup_code": "A1"}))),
        Call::new("POST", "/v1/orders/{order}/reject", Store, Some(json!({"reason": "no gas"}))),
        Call::new("POST", "/v1/orders/{order}/ready", Store, None),
        Call::new("POST", "/v1/orders/{order}/collected", Store, None),
        Call::new("PUT", "/v1/stores/s1/stock/meal", Store, Some(json!({"available": 7}))),
        Call::new("POST", "/v1/stores/s1/stock/meal/adjust", Store, Some(json!({"delta": 1, "reason": "found"})))
            .with_key(),
        Call::new("GET", "/v1/stores/s1/stock", Store, None),
        Call::new("PUT", "/v1/stores/s1/accepting", Store, Some(json!({"accepting": true}))),
        Call::new("GET", "/v1/stores/s1/orders", Store, None),
        Call::new("GET", "/v1/stores/s1/board", Store, None),
        Call::new("GET", "/v1/status", Operator, None),
        Call::new("PUT", "/v1/catalog", Operator, Some(crate::common::catalogue())),
    ]
}

/// Calls that anybody may make without a token.
pub const PUBLIC: &[&str] =
    &["/v1/stores", "/v1/stores/s1/menu", "/v1/campaigns", "/openapi.json", "/asyncapi.json", "/healthz", "/readyz"];
