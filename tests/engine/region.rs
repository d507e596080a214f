//! A small region in a directory of its own, driven through the engine's door.

use std::sync::Arc;
use std::time::{Duration, Instant};

use qucan::api::catalog_file;
use qucan::domain::actor::Actor;
use qucan::domain::command::{Command, PlaceOrder, RequestedLine};
use qucan::domain::id::{MemberId, OrderId, StoreId};
use qucan::domain::order::Order;
use qucan::domain::payment::RefundOutcome;
use qucan::domain::time::{Millis, Timestamp};
use qucan::engine::answer::{Answer, Refusal, Request};
use qucan::engine::clock::ManualClock;
use qucan::engine::{Engine, EngineOptions, Handle, ProjectionPhase};
use qucan_storage::log::LogOptions;
use tempfile::TempDir;

/// 2026-11-23 10:00 in Shanghai.
pub const BEGIN: Timestamp = Timestamp(1_795_399_200_000);
pub const STORE: &str = "s1";

const CATALOG: &str = r#"{"currency": "CNY",
 "stores": [{"id": "s1", "name": "一", "city": "上海", "address": "a", "lat": 31.2, "lon": 121.4, "timezone": "Asia/Shanghai", "hours": "00:00-24:00"},
            {"id": "s2", "name": "二", "city": "上海", "address": "b", "lat": 31.3, "lon": 121.5, "timezone": "Asia/Shanghai", "hours": "00:00-24:00"}],
 "items": [{"sku": "meal", "name": {"zh": "套餐", "en": "Meal"}, "price": 6800, "tax_rate_bp": 600, "category": "餐", "stores": "*"},
           {"sku": "tea", "name": {"zh": "茶", "en": "Tea"}, "price": 900, "category": "饮", "stores": "*"}],
 "stock": [{"store": "*", "sku": "meal", "available": 100000}, {"store": "*", "sku": "tea", "available": null}],
 "campaigns": [{"id": "one-yuan", "name": {"zh": "一元", "en": "1 yuan"}, "sku": "meal", "pay_price": 100, "quota": 40,
                "per_member": 1, "starts_at": "2026-01-01T00:00:00.000Z", "ends_at": "2030-01-01T00:00:00.000Z"}]}"#;

pub struct Region {
    pub dir: TempDir,
    pub clock: Arc<ManualClock>,
    pub options: EngineOptions,
    engine: Option<Engine>,
}

/// Small segments, no grace, a clock that stands; changed before the first start by `change`.
pub fn region(change: impl FnOnce(&mut EngineOptions)) -> Region {
    let dir = tempfile::tempdir().unwrap();
    let clock = Arc::new(ManualClock::new(BEGIN));
    let mut options = EngineOptions::new(dir.path().join("data"), "east".parse().unwrap());
    options.grace = Millis(0);
    options.clock = Arc::clone(&clock) as _;
    options.settings.open_orders_per_member_max = None;
    options.log = LogOptions {
        segment_bytes_first: 256 << 10,
        segment_bytes_max: 1 << 20,
        reserve_bytes: 256 << 10,
        ..LogOptions::default()
    };
    change(&mut options);
    let mut region = Region { dir, clock, options, engine: None };
    region.start();
    region.import();
    region
}

impl Region {
    pub fn start(&mut self) {
        self.engine = Some(Engine::open(self.options.clone()).unwrap());
    }

    pub fn stop(&mut self) {
        self.engine.take().unwrap().stop().unwrap();
    }

    /// As kill -9: nothing is finished, no mark is left.
    pub fn kill(&mut self) {
        drop(self.engine.take().unwrap());
    }

    pub fn stop_engine(&mut self) -> Engine {
        self.engine.take().unwrap()
    }

    pub fn handle(&self) -> Handle {
        self.engine.as_ref().unwrap().handle()
    }

    pub fn state_dir(&self) -> std::path::PathBuf {
        self.options.data_dir.join("state")
    }

    pub fn advance(&self, by: Millis) {
        use qucan::engine::clock::Clock;
        self.clock.set(self.clock.now().plus(by));
    }

    pub fn import(&self) {
        let import = catalog_file::parse(CATALOG.as_bytes(), false).unwrap();
        self.ask(operator(), Command::ImportCatalog(Box::new(import))).unwrap();
    }

    pub fn ask(&self, actor: Actor, command: Command) -> Result<Answer, Refusal> {
        self.handle().submit_blocking(request(actor, command))
    }

    pub fn order(&self, actor: Actor, command: Command) -> Arc<Order> {
        order_of(self.ask(actor, command).unwrap()).0
    }

    pub fn place(&self, name: &str, key: &str) -> Arc<Order> {
        self.order(customer(name), place(name, key))
    }

    pub fn pay(&self, order: OrderId, reference: &str) -> Arc<Order> {
        self.order(Actor::Provider, pay(order, reference, 6_800))
    }

    /// From the basket to the counter and home: closed.
    pub fn sell(&self, name: &str, key: &str) -> Arc<Order> {
        let order = self.place(name, key).id;
        self.pay(order, key);
        self.finish(order)
    }

    /// A paid order to its end.
    pub fn finish(&self, order: OrderId) -> Arc<Order> {
        self.order(pos(), Command::AcceptOrder { order, pickup_code: None });
        self.order(pos(), Command::MarkReady { order });
        self.order(pos(), Command::MarkCollected { order })
    }

    pub fn cancel(&self, name: &str, order: OrderId) -> Arc<Order> {
        self.order(customer(name), Command::CancelOrder { order })
    }

    pub fn refund_succeeds(&self, order: OrderId, number: u16) -> Arc<Order> {
        let outcome = RefundOutcome::Succeeded;
        self.order(Actor::Provider, Command::SettleRefund { order, number, outcome })
    }

    /// Waits until every closed order is on disk.
    pub fn projected(&self) {
        let handle = self.handle();
        until("the projection follows", || {
            let status = handle.status();
            status.projection == ProjectionPhase::Following
                && status.projected_to == status.log_head
                && status.overlay_orders == 0
        });
    }

    pub fn find(&self, order: OrderId) -> Result<Option<Arc<Order>>, qucan::engine::answer::Unavailable> {
        block_on(self.handle().order(order))
    }

    /// The same once history is known.
    pub fn find_in_time(&self, order: OrderId) -> Option<Arc<Order>> {
        let mut found = None;
        until("history is known", || match self.find(order) {
            Ok(order) => {
                found = order;
                true
            }
            Err(_) => false,
        });
        found
    }
}

pub fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

/// Waits for something that another thread brings about, and fails with its name if it does not come.
pub fn until(what: &str, mut happened: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !happened() {
        assert!(begun.elapsed() < Duration::from_secs(30), "waited in vain: {what}");
        std::thread::yield_now();
    }
}

pub fn request(actor: Actor, command: Command) -> Request {
    Request { command, actor, request_id: "test".into(), device: None }
}

pub fn member(name: &str) -> MemberId {
    name.parse().unwrap()
}

pub fn store() -> StoreId {
    STORE.parse().unwrap()
}

pub fn customer(name: &str) -> Actor {
    Actor::Customer(member(name))
}

pub fn pos() -> Actor {
    Actor::Store { store: store(), subject: "pos".into() }
}

pub fn operator() -> Actor {
    Actor::Operator { subject: "boss".into() }
}

pub fn place(name: &str, key: &str) -> Command {
    Command::PlaceOrder(Box::new(PlaceOrder {
        member: member(name),
        store: store(),
        lines: vec![RequestedLine { sku: "meal".parse().unwrap(), quantity: 1, options: Vec::new() }],
        coupon: None,
        note: None,
        expected_total: None,
        key: key.parse().unwrap(),
    }))
}

pub fn pay(order: OrderId, reference: &str, fen: i64) -> Command {
    Command::RecordPayment {
        order,
        provider: "sandbox".into(),
        reference: reference.parse().unwrap(),
        amount: qucan::domain::money::Fen(fen),
    }
}

pub fn order_of(answer: Answer) -> (Arc<Order>, bool) {
    match answer {
        Answer::Order { order, fresh } => (order, fresh),
        other => panic!("an order was expected, not {other:?}"),
    }
}
