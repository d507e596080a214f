//! Customers under whom a disk fails, and what they were told: acknowledged must be there, once and equal; a request without
//! an answer may have happened, once; and nobody is told "done" after anybody was told that storage has failed.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;

use serde_json::{Value, json};

use crate::common::{Client, Reply};
use crate::site::{AT_LAST, Running, pace};

/// Requests a customer still makes after the first that failed.
const INSISTS: usize = 3;

/// One placement, acknowledged or not.
struct Placed {
    member: String,
    key: String,
    id: Option<String>,
}

/// What customers were told.
#[derive(Default)]
pub struct Told {
    /// Every acknowledged order as it was last answered.
    orders: BTreeMap<String, Value>,
    placed: Vec<Placed>,
    /// Refusals with 503, by problem.
    pub refused: BTreeMap<String, usize>,
}

/// Customers at work.
pub struct Crowd {
    customers: Vec<JoinHandle<Told>>,
    answered: Receiver<()>,
    home: Arc<AtomicBool>,
}

struct Customer {
    member: String,
    client: Client,
    store: Client,
    provider: Client,
    told: Told,
    answered: Sender<()>,
    /// Somebody was told that storage has failed.
    failed: Arc<AtomicBool>,
    refusals: usize,
}

/// What a customer orders: with a note, so that the log grows.
pub fn order() -> Value {
    json!({"store": "s1", "lines": [{"sku": "meal", "quantity": 1}], "note": "少辣 ".repeat(20)})
}

impl Crowd {
    /// So many customers of a node; `name` tells them from those of another time.
    pub fn start(node: &Running, name: &str, count: usize) -> Self {
        let (sender, answered) = channel();
        let (home, failed) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
        let customers = (0..count).map(|number| {
            let member = format!("{name}-{number}");
            let mut customer = Customer {
                client: node.customer(&member),
                store: node.store(),
                provider: node.client(None),
                told: Told::default(),
                answered: sender.clone(),
                failed: Arc::clone(&failed),
                refusals: 0,
                member,
            };
            let home = Arc::clone(&home);
            std::thread::spawn(move || {
                let mut turn = 0;
                while !home.load(Ordering::SeqCst) && customer.refusals <= INSISTS {
                    turn += 1;
                    customer.visit(turn);
                }
                customer.told
            })
        });
        Self { customers: customers.collect(), answered, home }
    }

    /// Waits for so many answers; false when everybody has given up before.
    pub fn hear(&self, answers: usize) -> bool {
        for _ in 0..answers {
            match self.answered.recv_timeout(AT_LAST) {
                Ok(()) => {}
                Err(RecvTimeoutError::Disconnected) => return false,
                Err(RecvTimeoutError::Timeout) => panic!("the node says nothing any more"),
            }
        }
        true
    }

    /// Everybody goes home and says what they were told.
    pub fn go_home(self) -> Told {
        self.home.store(true, Ordering::SeqCst);
        self.ask_all()
    }

    /// Waits until everybody has given up.
    pub fn ask_all(self) -> Told {
        let mut all = Told::default();
        for customer in self.customers {
            all.add(customer.join().unwrap());
        }
        all
    }
}

impl Customer {
    /// An order and as much of its life as the turn wants: left unpaid, paid, called off, or collected.
    fn visit(&mut self, turn: usize) {
        let key = format!("k{turn}");
        let reply = self.ask("/v1/orders", &key, Some(&order()), |customer| &mut customer.client);
        let id = reply.map(|reply| reply.expect(201)["id"].as_str().unwrap().to_owned());
        self.told.placed.push(Placed { member: self.member.clone(), key, id: id.clone() });
        let Some(id) = id else { return };
        if turn.is_multiple_of(5) {
            return;
        }
        let paid = format!("/v1/sandbox/payments/{id}/succeed");
        if self.ask(&paid, "p", None, |customer| &mut customer.provider).is_none() || turn.is_multiple_of(4) {
            return;
        }
        if turn.is_multiple_of(3) {
            self.ask(&format!("/v1/orders/{id}/cancel"), "c", None, |customer| &mut customer.client);
            return;
        }
        for step in ["accept", "ready", "collected"] {
            let path = format!("/v1/orders/{id}/{step}");
            if self.ask(&path, "s", None, |customer| &mut customer.store).is_none() {
                return;
            }
        }
    }

    /// An answer that was no 503, noted.
    fn ask(&mut self, path: &str, key: &str, body: Option<&Value>, who: fn(&mut Self) -> &mut Client) -> Option<Reply> {
        let failed_before = self.failed.load(Ordering::SeqCst);
        let body = body.map(ToString::to_string);
        let key = [("Idempotency-Key", key)];
        let reply = who(self).try_send("POST", path, &key, body.as_ref().map(String::as_bytes));
        let reply = match reply {
            Ok(reply) if reply.status == 503 => {
                let problem = reply.problem();
                self.failed.fetch_or(problem == "storage-failed", Ordering::SeqCst);
                *self.told.refused.entry(problem).or_default() += 1;
                self.refusals += 1;
                return None;
            }
            Ok(reply) => reply,
            Err(_) => {
                self.refusals += 1;
                return None;
            }
        };
        assert!(!failed_before, "{path} was answered {} after storage had failed", reply.status);
        assert!(reply.status < 300, "{path}: {} {}", reply.status, String::from_utf8_lossy(&reply.body));
        let order = reply.json();
        self.told.orders.insert(order["id"].as_str().unwrap().to_owned(), order);
        let _heard = self.answered.send(());
        Some(reply)
    }
}

impl Told {
    /// Acknowledged orders.
    pub fn count(&self) -> usize {
        self.orders.len()
    }

    /// Whether anybody was told that storage had failed.
    pub fn storage_failed(&self) -> bool {
        self.refused.contains_key("storage-failed")
    }

    pub fn add(&mut self, other: Self) {
        self.orders.extend(other.orders);
        self.placed.extend(other.placed);
        for (problem, count) in other.refused {
            *self.refused.entry(problem).or_default() += count;
        }
    }

    /// Compares all of it with a node that has started again. What had no answer is asked again, and is acknowledged then.
    pub fn check(&mut self, node: &Running) {
        let mut operator = node.operator();
        for (id, then) in &self.orders {
            let now = patiently(&mut operator, "GET", &format!("/v1/orders/{id}"), "").expect(200);
            let later = now["offset"].as_i64() > then["offset"].as_i64();
            assert!(later || now == *then, "acknowledged {then:#}\nfound {now:#}");
            for field in ["id", "member", "store", "lines", "total", "payable", "created_at", "note"] {
                assert_eq!(now[field], then[field], "{field}");
            }
        }
        for placed in &mut self.placed {
            let mut client = node.customer(&placed.member);
            let mut repeat = || patiently(&mut client, "POST", "/v1/orders", &placed.key);
            let id = match placed.id.take() {
                Some(id) => id,
                None => {
                    let made = repeat();
                    assert!([200, 201].contains(&made.status), "{made:?}");
                    let order = made.json();
                    let id = order["id"].as_str().unwrap().to_owned();
                    self.orders.insert(id.clone(), order);
                    id
                }
            };
            assert_eq!(repeat().expect(200)["id"], id.as_str(), "the key stands for its order");
            placed.id = Some(id);
        }
    }

    /// Compares the lists that the projection's indexes give: every acknowledged order stands once in its member's list, and
    /// once in its store's list of the day under the status that it has now.
    pub fn check_lists(&self, node: &Running) {
        let mut lists: BTreeMap<String, BTreeMap<String, Value>> = BTreeMap::new();
        for then in self.orders.values() {
            let text = |field: &str| then[field].as_str().unwrap();
            let list = text("member").to_owned();
            let by_member = lists
                .entry(list)
                .or_insert_with(|| listed(&mut node.customer(text("member")), "/v1/me/orders?limit=500"));
            let now = by_member.get(text("id")).unwrap_or_else(|| panic!("not in its member's list: {then:#}")).clone();
            let (day, status) = (text("business_day"), now["status"].as_str().unwrap());
            let of_store = format!("/v1/stores/s1/orders?business_day={day}&status={status}&limit=500");
            let by_store = lists.entry(of_store.clone()).or_insert_with(|| listed(&mut node.store(), &of_store));
            assert_eq!(by_store.get(text("id")), Some(&now), "the store's list says otherwise");
        }
    }
}

/// A list, all of its pages, by id.
fn listed(client: &mut Client, path: &str) -> BTreeMap<String, Value> {
    let (mut all, mut cursor) = (BTreeMap::new(), String::new());
    loop {
        let page = patiently(client, "GET", &format!("{path}{cursor}"), "").expect(200);
        for order in page["orders"].as_array().unwrap() {
            let again = all.insert(order["id"].as_str().unwrap().to_owned(), order.clone());
            assert!(again.is_none(), "twice in {path}: {order:#}");
        }
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return all,
        }
    }
}

/// Repeats what is answered 503 for a while: history that is being rebuilt.
fn patiently(client: &mut Client, method: &str, path: &str, key: &str) -> Reply {
    let begun = std::time::Instant::now();
    loop {
        let body = (method == "POST").then(|| order().to_string());
        let reply = client.send(method, path, &[("Idempotency-Key", key)], body.as_ref().map(String::as_bytes));
        if reply.status != 503 {
            return reply;
        }
        assert!(begun.elapsed() < AT_LAST, "{path} stays {reply:?}");
        pace();
    }
}
