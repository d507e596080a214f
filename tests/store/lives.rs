//! Random lives of a region's orders, through the domain's own decide and evolve: the entries as an applier would hand them on.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::tz::TimeZone;
use qucan::domain::actor::Actor;
use qucan::domain::catalog::{CatalogImport, Item, Name, StockDeclaration, StoreScope};
use qucan::domain::command::{Command, PlaceOrder, RequestedLine, StartRegion};
use qucan::domain::context::{Context, Settings};
use qucan::domain::coupon::RegionSecret;
use qucan::domain::decide::decide;
use qucan::domain::effect::Effect;
use qucan::domain::id::{OrderId, RegionId};
use qucan::domain::money::{Currency, Fen};
use qucan::domain::order::{Order, Status};
use qucan::domain::payment::{RefundOutcome, RefundStatus};
use qucan::domain::state::State;
use qucan::domain::store::Store;
use qucan::domain::time::{Millis, MinuteOfDay, Opening, Timestamp, WeeklyHours};
use qucan::engine::replica::AppliedStep;
use qucan_storage::Sequence;

/// 2026-11-23 10:00 in Shanghai.
pub const BEGIN: Timestamp = Timestamp(1_795_399_200_000);

const SETTINGS: Settings = Settings {
    pay_within: Millis::minutes(15),
    accept_within: Millis::minutes(10),
    auto_after: Millis::hours(4),
    open_orders_per_member_max: None,
};

/// SplitMix64: a seed names a life for ever.
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(bound).unwrap()).unwrap()
    }

    pub fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }
}

/// A region that lives.
pub struct Life {
    state: State,
    random: Random,
    now: Timestamp,
    /// Every order as it is now, by number.
    pub orders: BTreeMap<u64, Arc<Order>>,
    /// Every entry so far.
    pub steps: Vec<AppliedStep>,
    keys: u64,
}

impl Life {
    pub fn new(region: &RegionId, seed: u64) -> Self {
        let (state, random) = (State::new(), Random(seed));
        let mut life = Self { state, random, now: BEGIN, orders: BTreeMap::new(), steps: Vec::new(), keys: 0 };
        let start = StartRegion { region: region.clone(), epoch: 1, secret: RegionSecret([7; 32]) };
        assert!(life.run(&Actor::Node, &Command::StartRegion(start)));
        assert!(life.run(&operator(), &Command::ImportCatalog(Box::new(catalogue()))));
        life
    }

    /// A life of so many commands; many are refused.
    pub fn lived(region: &RegionId, seed: u64, commands: usize) -> Self {
        let mut life = Self::new(region, seed);
        for _ in 0..commands {
            life.live();
        }
        life
    }

    /// One command, likely or not.
    pub fn live(&mut self) {
        match self.random.below(100) {
            0 => self.now = self.now.plus(Millis::hours(7)),
            1..=20 => self.now = self.now.plus(Millis(i64::try_from(self.random.below(40_000)).unwrap())),
            21..=45 => self.place(),
            46..=52 => self.pass_deadlines(),
            _ => self.change(),
        }
    }

    /// Places one order; its number.
    pub fn place(&mut self) {
        self.keys += 1;
        let sku = if self.random.chance(10) { "gift" } else { "meal" };
        let quantity = u32::try_from(1 + self.random.below(3)).unwrap();
        let lines = vec![RequestedLine { sku: sku.parse().unwrap(), quantity, options: Vec::new() }];
        let member = format!("m{}", self.random.below(9)).parse().unwrap();
        let store = format!("s{}", self.random.below(4)).parse().unwrap();
        let key = format!("key-{}", self.keys).parse().unwrap();
        let note = self.random.chance(20).then(|| "no ice, \"please\" \\ 少冰\u{0}\n".into());
        let order = PlaceOrder { member, store, lines, coupon: None, note, expected_total: None, key };
        self.run(&Actor::Customer(order.member.clone()), &Command::PlaceOrder(Box::new(order.clone())));
    }

    fn pass_deadlines(&mut self) {
        for order in self.state.due(self.now, 3) {
            self.run(&Actor::Node, &Command::PassDeadline { order });
        }
    }

    fn change(&mut self) {
        let open: Vec<OrderId> = self.state.orders().iter().map(|order| order.id).collect();
        let closed = self.random.chance(5);
        let id = match (open.is_empty(), closed || open.is_empty()) {
            (false, false) => open[self.random.below(open.len())],
            _ if self.orders.is_empty() => return,
            _ => self.orders.values().nth(self.random.below(self.orders.len())).unwrap().id,
        };
        let order = Arc::clone(&self.orders[&id.packed()]);
        let pos = Actor::Store { store: order.store.clone(), subject: "pos".into() };
        let refund = order.refunds.iter().find(|refund| refund.status != RefundStatus::Succeeded);
        if let Some(refund) = refund.filter(|_| self.random.chance(60)) {
            let outcome = match refund.status {
                RefundStatus::Failed => RefundOutcome::Retried,
                _ if self.random.chance(30) => RefundOutcome::Failed,
                _ => RefundOutcome::Succeeded,
            };
            let number = refund.number;
            self.run(&Actor::Provider, &Command::SettleRefund { order: id, number, outcome });
            return;
        }
        let (actor, command) = match self.random.below(10) {
            0 => (Actor::Customer(order.member.clone()), Command::CancelOrder { order: id }),
            1 => (pos, Command::RejectOrder { order: id, reason: "sold out".into() }),
            _ => match order.status {
                Status::Paid => (pos, Command::AcceptOrder { order: id, pickup_code: None }),
                Status::Accepted => (pos, Command::MarkReady { order: id }),
                Status::Ready => (pos, Command::MarkCollected { order: id }),
                _ => {
                    self.keys += 1;
                    let reference = format!("p{}", self.keys).parse().unwrap();
                    let amount = if self.random.chance(5) { Fen(1) } else { order.payable };
                    let pay = Command::RecordPayment { order: id, provider: "sandbox".into(), reference, amount };
                    (Actor::Provider, pay)
                }
            },
        };
        self.run(&actor, &command);
    }

    /// Decides and evolves as the engine does, an entry an event. False when it is refused.
    fn run(&mut self, actor: &Actor, command: &Command) -> bool {
        let closed = command.order().and_then(|id| self.orders.get(&id.packed())).filter(|order| order.is_closed());
        let context = Context { now: self.now, actor, settings: &SETTINGS, closed: closed.map(|order| &**order) };
        let Ok(decision) = decide(&self.state, &context, command) else { return false };
        for event in &decision.events {
            let mut effects = Vec::new();
            self.state.evolve(self.now, event, &mut effects).unwrap();
            for effect in &effects {
                if let Effect::Order(effect) = effect {
                    self.orders.insert(effect.order.id.packed(), Arc::clone(&effect.order));
                }
            }
            let sequence = Sequence(u64::try_from(self.steps.len()).unwrap() + 1);
            self.steps.push(AppliedStep { sequence, at: self.now, effects });
        }
        true
    }
}

fn operator() -> Actor {
    Actor::Operator { subject: "boss".into() }
}

fn catalogue() -> CatalogImport {
    let item = |sku: &str, price| Item {
        sku: sku.parse().unwrap(),
        name: Name { zh: sku.into(), en: sku.into() },
        price: Fen(price),
        tax_rate_bp: None,
        category: "all".into(),
        stores: StoreScope::All,
        options: Vec::new(),
        image: None,
    };
    let stock = |sku: &str| StockDeclaration { stores: StoreScope::All, sku: sku.parse().unwrap(), available: None };
    CatalogImport {
        currency: Currency::CNY,
        stores: (0..4).map(store).collect(),
        items: vec![item("meal", 6_800), item("gift", 0)],
        stock: vec![stock("meal"), stock("gift")],
        campaigns: Vec::new(),
        set_stock: false,
    }
}

/// Open day and night; the business days of two of them begin at odd hours and far away.
fn store(number: u16) -> Store {
    let opening = Opening { from: MinuteOfDay(0), to: MinuteOfDay(1_440) };
    let timezone = ["Asia/Shanghai", "Asia/Shanghai", "Pacific/Kiritimati", "America/Adak"][usize::from(number)];
    Store {
        id: format!("s{number}").parse().unwrap(),
        name: "store".into(),
        city: "上海".into(),
        address: "1".into(),
        lat_micro: 31_230_400,
        lon_micro: 121_473_700,
        timezone: TimeZone::get(timezone).unwrap(),
        hours: WeeklyHours(std::array::from_fn(|_| vec![opening])),
        business_day_starts: MinuteOfDay(if number == 3 { 1_439 } else { 240 }),
    }
}
