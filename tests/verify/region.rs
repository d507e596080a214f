//! A small region's life through the real engine: every way an order can go, coupons, stock, late money.

use std::path::Path;
use std::sync::Arc;

use qucan::domain::actor::Actor;
use qucan::domain::catalog::{CatalogImport, Item, Name, StockDeclaration, StoreScope};
use qucan::domain::command::{Command, PlaceOrder, RequestedLine};
use qucan::domain::coupon::Campaign;
use qucan::domain::id::{CouponId, MemberId, OrderId};
use qucan::domain::money::{Currency, Fen};
use qucan::domain::payment::RefundOutcome;
use qucan::domain::store::Store;
use qucan::domain::time::{Millis, MinuteOfDay, Opening, Timestamp, WeeklyHours};
use qucan::engine::answer::{Answer, Request};
use qucan::engine::clock::{Clock, ManualClock};
use qucan::engine::{Engine, EngineOptions};
use qucan_storage::log::{LogOptions, Preparation};

/// 2026-11-23 10:00 in Shanghai.
const MORNING: Timestamp = Timestamp(1_795_399_200_000);

/// A region that runs.
pub struct Region {
    engine: Option<Engine>,
    clock: Arc<ManualClock>,
    keys: u32,
}

/// How a region's engine is opened.
#[derive(Clone, Copy)]
pub struct Manner {
    /// With closed orders on disk.
    pub projection: bool,
    /// Entries between snapshots.
    pub snapshot_every: u64,
    /// Bytes of the first segments.
    pub segment_bytes: u64,
}

impl Default for Manner {
    fn default() -> Self {
        Self { projection: true, snapshot_every: 60, segment_bytes: 1 << 20 }
    }
}

impl Region {
    /// Opens or begins a region at `dir`.
    pub fn open(dir: &Path, manner: Manner, since_morning: Millis) -> Self {
        let clock = Arc::new(ManualClock::new(MORNING.plus(since_morning)));
        let mut options = EngineOptions::new(dir, "east".parse().unwrap());
        options.clock = Arc::clone(&clock) as Arc<dyn Clock>;
        options.projection = manner.projection;
        options.snapshot_every_entries = manner.snapshot_every;
        options.grace = Millis(0);
        options.settings.open_orders_per_member_max = None;
        options.log = LogOptions {
            segment_bytes_first: manner.segment_bytes,
            segment_bytes_max: manner.segment_bytes,
            reserve_bytes: 1 << 20,
            preparation: Preparation::Inline,
            ..LogOptions::default()
        };
        Self { engine: Some(Engine::open(options).unwrap()), clock, keys: 0 }
    }

    pub fn stop(mut self) {
        self.engine.take().unwrap().stop().unwrap();
    }

    /// Ends as if the process had been killed.
    pub fn kill(mut self) {
        drop(self.engine.take());
    }

    pub fn ask(&mut self, actor: Actor, command: Command) -> Answer {
        self.clock.set(self.clock.now().plus(Millis(1_000)));
        let request = Request { command, actor, request_id: "test".into(), device: None };
        self.engine.as_ref().unwrap().handle().submit_blocking(request).unwrap()
    }

    pub fn import(&mut self) {
        let import = Box::new(catalog());
        self.ask(Actor::Operator { subject: "op".into() }, Command::ImportCatalog(import));
    }

    fn coupon(&mut self, member: &MemberId) -> CouponId {
        let claim = Command::ClaimCoupon { member: member.clone(), campaign: "one-yuan".parse().unwrap() };
        match self.ask(Actor::Customer(member.clone()), claim) {
            Answer::Coupon { coupon, .. } => coupon.id,
            other => panic!("{other:?}"),
        }
    }

    fn place(&mut self, member: &MemberId, store: u32, coupon: Option<CouponId>) -> (OrderId, Fen) {
        self.keys += 1;
        let line = |sku: &str, quantity| RequestedLine { sku: sku.parse().unwrap(), quantity, options: Vec::new() };
        let place = PlaceOrder {
            member: member.clone(),
            store: format!("sh-{store:03}").parse().unwrap(),
            lines: vec![line("set-1", 1), line("tea", 2)],
            coupon,
            note: None,
            expected_total: None,
            key: format!("key-{}-{}", self.clock.now().0, self.keys).parse().unwrap(),
        };
        match self.ask(Actor::Customer(member.clone()), Command::PlaceOrder(Box::new(place))) {
            Answer::Order { order, .. } => (order.id, order.payable),
            other => panic!("{other:?}"),
        }
    }

    fn pay(&mut self, order: OrderId, amount: Fen) {
        self.keys += 1;
        let reference = format!("pay-{}-{}", self.clock.now().0, self.keys).parse().unwrap();
        self.ask(Actor::Provider, Command::RecordPayment { order, provider: "sandbox".into(), reference, amount });
    }

    /// `count` orders, each going another way than the one before it.
    pub fn live(&mut self, count: u32) {
        let operator = Actor::Operator { subject: "op".into() };
        for number in 0..count {
            let member: MemberId = format!("member-{}-{number}", self.clock.now().0).parse().unwrap();
            let coupon = (number % 3 == 0).then(|| self.coupon(&member));
            let (order, payable) = self.place(&member, number % 2, coupon);
            let way = number % 8;
            match way {
                // Not paid at all, for now.
                0 => continue,
                1 => {
                    self.ask(Actor::Customer(member), Command::CancelOrder { order });
                    continue;
                }
                // Money for what was called off, given back: closed, open again, closed again.
                2 => {
                    self.ask(Actor::Customer(member), Command::CancelOrder { order });
                    self.pay(order, payable);
                    self.settle(order, 1);
                    continue;
                }
                _ => self.pay(order, payable),
            }
            if way == 3 {
                continue;
            }
            if way == 4 {
                self.ask(operator.clone(), Command::RejectOrder { order, reason: "out of rice".into() });
                self.settle(order, 1);
                continue;
            }
            self.ask(operator.clone(), Command::AcceptOrder { order, pickup_code: None });
            if way == 5 {
                continue;
            }
            self.ask(operator.clone(), Command::MarkReady { order });
            self.ask(operator.clone(), Command::MarkCollected { order });
            if way == 7 {
                // Paid twice.
                self.pay(order, payable);
                self.settle(order, 1);
            }
        }
    }

    fn settle(&mut self, order: OrderId, number: u16) {
        let outcome = RefundOutcome::Succeeded;
        self.ask(Actor::Provider, Command::SettleRefund { order, number, outcome });
    }
}

fn catalog() -> CatalogImport {
    let name = |zh: &str, en: &str| Name { zh: zh.into(), en: en.into() };
    let always = Opening { from: MinuteOfDay(0), to: MinuteOfDay(1_440) };
    let store = |number: u32| Store {
        id: format!("sh-{number:03}").parse().unwrap(),
        name: "人民广场店".into(),
        city: "上海".into(),
        address: "南京西路 1 号".into(),
        lat_micro: 31_230_400,
        lon_micro: 121_473_700,
        timezone: jiff::tz::TimeZone::get("Asia/Shanghai").unwrap(),
        hours: WeeklyHours([(); 7].map(|()| vec![always])),
        business_day_starts: MinuteOfDay(240),
    };
    let item = |sku: &str, price| Item {
        sku: sku.parse().unwrap(),
        name: name("套餐", "Meal"),
        price: Fen(price),
        tax_rate_bp: Some(600),
        category: "套餐".into(),
        stores: StoreScope::All,
        options: Vec::new(),
        image: None,
    };
    let stock =
        |sku: &str, available| StockDeclaration { stores: StoreScope::All, sku: sku.parse().unwrap(), available };
    CatalogImport {
        currency: Currency::CNY,
        stores: (0..2).map(store).collect(),
        items: vec![item("set-1", 6_800), item("tea", 1_200)],
        stock: vec![stock("set-1", Some(10_000)), stock("tea", None)],
        campaigns: vec![Campaign {
            id: "one-yuan".parse().unwrap(),
            name: name("一元套餐", "1-yuan meal"),
            sku: "set-1".parse().unwrap(),
            pay_price: Fen(100),
            quota: 1_000,
            per_member: 1,
            starts_at: Timestamp(0),
            ends_at: Timestamp(4_000_000_000_000),
        }],
        set_stock: false,
    }
}
