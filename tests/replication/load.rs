//! Customers and a POS that keep a region busy and remember what they were told. No request of theirs may fail or be refused
//! for a reason that the centre is.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::common::{Client, Node, one_meal};

/// People at work.
pub struct Load {
    home: Arc<AtomicBool>,
    answered: Arc<AtomicU64>,
    people: Vec<JoinHandle<Told>>,
}

/// What one of them was told.
#[derive(Default)]
pub struct Told {
    /// Orders as they were last answered, by id.
    pub orders: BTreeMap<String, Value>,
    /// Calls that got no answer, because the process was killed.
    pub unanswered: u64,
}

impl Load {
    /// `people` begin to order, pay, cook, collect and cancel.
    pub fn begin(node: &Node, people: usize) -> Self {
        node.store("s1").put("/v1/stores/s1/stock/meal", &serde_json::json!({"available": null})).expect(200);
        let (home, answered) = (Arc::<AtomicBool>::default(), Arc::<AtomicU64>::default());
        let run = node.address().port();
        let people = (0..people)
            .map(|number| {
                let person = Person {
                    customer: node.customer(&format!("p{run}-{number}")),
                    provider: node.client(None),
                    store: node.store("s1"),
                    told: Told::default(),
                    answered: Arc::clone(&answered),
                };
                let home = Arc::clone(&home);
                std::thread::spawn(move || person.work(&home))
            })
            .collect();
        Self { home, answered, people }
    }

    /// Waits until so many more calls were answered.
    pub fn answers(&self, more: u64) {
        let until = self.answered.load(Ordering::SeqCst) + more;
        let began = Instant::now();
        while self.answered.load(Ordering::SeqCst) < until {
            assert!(began.elapsed() < Duration::from_secs(60), "nobody is answered any more");
            // No synchronisation: only the pace of looking at a counter.
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// Everybody goes home and tells.
    pub fn end(self) -> Told {
        self.home.store(true, Ordering::SeqCst);
        let mut all = Told::default();
        for person in self.people {
            let told = person.join().unwrap();
            all.orders.extend(told.orders);
            all.unanswered += told.unanswered;
        }
        all
    }
}

struct Person {
    customer: Client,
    provider: Client,
    store: Client,
    told: Told,
    answered: Arc<AtomicU64>,
}

impl Person {
    fn work(mut self, home: &AtomicBool) -> Told {
        let mut turn = 0;
        while !home.load(Ordering::SeqCst) {
            turn += 1;
            self.visit(turn);
        }
        self.told
    }

    fn visit(&mut self, turn: u64) {
        let key = format!("k{turn}");
        let order = self.call(|person| {
            person.customer.try_send(
                "POST",
                "/v1/orders",
                &[("Idempotency-Key", &key)],
                Some(one_meal().to_string().as_bytes()),
            )
        });
        let id = order["id"].as_str().unwrap().to_owned();
        let path = |step: &str| format!("/v1/orders/{id}/{step}");
        if turn.is_multiple_of(5) {
            self.call(|person| person.customer.try_send("POST", &path("cancel"), &[], None));
            return;
        }
        let pay = format!("/v1/sandbox/payments/{id}/succeed");
        self.call(|person| person.provider.try_send("POST", &pay, &[], None));
        if turn.is_multiple_of(3) {
            return;
        }
        for step in ["accept", "ready", "collected"] {
            self.call(|person| person.store.try_send("POST", &path(step), &[], None));
        }
    }

    /// Every call is safe to repeat; what is answered must be a yes.
    fn call(&mut self, send: impl Fn(&mut Self) -> std::io::Result<crate::common::Reply>) -> Value {
        let began = Instant::now();
        loop {
            match send(self) {
                Ok(reply) if reply.status == 200 || reply.status == 201 => {
                    self.answered.fetch_add(1, Ordering::SeqCst);
                    let order = reply.json();
                    self.told.orders.insert(order["id"].as_str().unwrap().to_owned(), order.clone());
                    return order;
                }
                Ok(reply) => {
                    panic!("a customer was refused: {} {}", reply.status, String::from_utf8_lossy(&reply.body))
                }
                Err(error) => {
                    self.told.unanswered += 1;
                    assert!(began.elapsed() < Duration::from_secs(60), "the node does not come back: {error}");
                    std::thread::sleep(Duration::from_millis(5));
                }
            }
        }
    }
}
