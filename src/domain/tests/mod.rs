//! The rules, one promise a test, mostly as tables. `tests/model` lives long random lives beside these.

mod catalog;
mod coupons;
mod invariants;
mod money;
mod orders;
mod steps;
mod stock;

use std::sync::Arc;

use jiff::tz::TimeZone;

use super::actor::Actor;
use super::catalog::{CatalogImport, Choice, Item, Name, OptionGroup, StockDeclaration, StoreScope};
use super::command::{Command, PlaceOrder, RequestedLine, RequestedOption, StartRegion};
use super::context::{Context, Settings};
use super::coupon::{Campaign, RegionSecret};
use super::decide::{Decision, Outcome, decide};
use super::effect::Effect;
use super::event::Event;
use super::id::{CouponId, OrderId};
use super::invariants::check_all;
use super::money::{Currency, Fen};
use super::order::{Order, Status};
use super::rejection::Rejection;
use super::state::State;
use super::store::Store;
use super::time::{Millis, MinuteOfDay, Opening, Timestamp, WeeklyHours};

/// 2026-11-23 02:00 UTC, a Monday; 10:00 in Shanghai.
const BEGIN: Timestamp = Timestamp(1_795_399_200_000);
const MINUTE: Millis = Millis::minutes(1);
const HOUR: Millis = Millis::hours(1);

const SETTINGS: Settings = Settings {
    pay_within: Millis::minutes(15),
    accept_within: Millis::minutes(10),
    auto_after: Millis::hours(4),
    open_orders_per_member_max: Some(3),
};

/// A region with a small catalogue, driven as the engine drives it. Every invariant is checked after every command.
struct World {
    state: State,
    now: Timestamp,
    /// Orders as they were last seen, closed ones too.
    seen: Vec<Arc<Order>>,
    effects: Vec<Effect>,
    keys: u32,
}

/// Opens at 06:00 and sells everything: 10 meals, 5 teas, soup uncounted. `t` sells tea alone and is open at night.
fn catalog() -> CatalogImport {
    let stock =
        |sku: &str, available| StockDeclaration { stores: StoreScope::All, sku: sku.parse().unwrap(), available };
    let mut meal = item("meal", 6_800, Some(600));
    meal.options = vec![
        group("drink", 1, 1, &[("cola", 0), ("juice", 300)]),
        group("extra", 0, 2, &[("egg", 200), ("ham", 400), ("dip", 0)]),
    ];
    let mut soup = item("soup", 1_200, None);
    soup.stores = StoreScope::Listed(["s".parse().unwrap()].into());
    CatalogImport {
        currency: Currency::CNY,
        stores: vec![store("s", 360, 1_320), store("t", 1_080, 120)],
        items: vec![meal, item("tea", 900, Some(1_300)), soup],
        stock: vec![stock("meal", Some(10)), stock("tea", Some(5)), stock("soup", None)],
        campaigns: vec![campaign("yuan", "meal", 100), campaign("free", "tea", 0)],
        set_stock: false,
    }
}

fn name(text: &str) -> Name {
    Name { zh: text.into(), en: text.into() }
}

fn store(id: &str, from: u16, to: u16) -> Store {
    let opening = Opening { from: MinuteOfDay(from), to: MinuteOfDay(to) };
    Store {
        id: id.parse().unwrap(),
        name: id.into(),
        city: "上海".into(),
        address: "1".into(),
        lat_micro: 31_230_400,
        lon_micro: 121_473_700,
        timezone: TimeZone::get("Asia/Shanghai").unwrap(),
        hours: WeeklyHours(std::array::from_fn(|_| vec![opening])),
        business_day_starts: MinuteOfDay(240),
    }
}

fn item(sku: &str, price: i64, tax_rate_bp: Option<u16>) -> Item {
    Item {
        sku: sku.parse().unwrap(),
        name: name(sku),
        price: Fen(price),
        tax_rate_bp,
        category: "all".into(),
        stores: StoreScope::All,
        options: Vec::new(),
        image: None,
    }
}

fn group(id: &str, min: u8, max: u8, choices: &[(&str, i64)]) -> OptionGroup {
    let choice = |(id, price): &(&str, i64)| Choice { id: id.parse().unwrap(), name: name(id), price: Fen(*price) };
    OptionGroup { id: id.parse().unwrap(), name: name(id), min, max, choices: choices.iter().map(choice).collect() }
}

fn campaign(id: &str, sku: &str, pay_price: i64) -> Campaign {
    Campaign {
        id: id.parse().unwrap(),
        name: name(id),
        sku: sku.parse().unwrap(),
        pay_price: Fen(pay_price),
        quota: 3,
        per_member: 2,
        starts_at: BEGIN,
        ends_at: BEGIN.plus(Millis::hours(48)),
    }
}

/// `meal` with cola where no option is named; options as `group/choice`.
fn line(sku: &str, quantity: u32, options: &[&str]) -> RequestedLine {
    let options = if sku == "meal" && options.is_empty() { &["drink/cola"] } else { options };
    let option = |text: &&str| {
        let (option, choice) = text.split_once('/').unwrap();
        RequestedOption { option: option.parse().unwrap(), choice: choice.parse().unwrap() }
    };
    RequestedLine { sku: sku.parse().unwrap(), quantity, options: options.iter().map(option).collect() }
}

fn customer(name: &str) -> Actor {
    Actor::Customer(name.parse().unwrap())
}

fn pos(store: &str) -> Actor {
    Actor::Store { store: store.parse().unwrap(), subject: "pos".into() }
}

fn operator() -> Actor {
    Actor::Operator { subject: "boss".into() }
}

fn start(epoch: u16) -> StartRegion {
    StartRegion { region: "east".parse().unwrap(), epoch, secret: RegionSecret([7; 32]) }
}

impl World {
    fn new() -> Self {
        let mut world = Self { state: State::new(), now: BEGIN, seen: Vec::new(), effects: Vec::new(), keys: 0 };
        world.run(&Actor::Node, &Command::StartRegion(start(1))).unwrap();
        world.import(catalog()).unwrap();
        world
    }

    /// Decides and evolves; a rejection changes nothing.
    fn run(&mut self, actor: &Actor, command: &Command) -> Result<Decision, Rejection> {
        let closed = command.order().and_then(|id| self.seen.iter().find(|order| order.id == id).cloned());
        let closed = closed.filter(|order| order.is_closed());
        let context = Context { now: self.now, actor, settings: &SETTINGS, closed: closed.as_deref() };
        let decision = decide(&self.state, &context, command)?;
        self.effects.clear();
        for event in &decision.events {
            self.state.evolve(self.now, event, &mut self.effects).unwrap();
        }
        for effect in &self.effects {
            if let Effect::Order(effect) = effect {
                self.seen.retain(|order| order.id != effect.order.id);
                self.seen.push(Arc::clone(&effect.order));
            }
        }
        assert_eq!(check_all(&self.state), []);
        Ok(decision)
    }

    fn wait(&mut self, duration: Millis) {
        self.now = self.now.plus(duration);
    }

    fn import(&mut self, import: CatalogImport) -> Result<Decision, Rejection> {
        self.run(&operator(), &Command::ImportCatalog(Box::new(import)))
    }

    /// A request of Ann's at `s`, with a key of its own.
    fn request(&mut self, lines: Vec<RequestedLine>) -> PlaceOrder {
        self.keys += 1;
        PlaceOrder {
            member: "ann".parse().unwrap(),
            store: "s".parse().unwrap(),
            lines,
            coupon: None,
            note: None,
            expected_total: None,
            key: format!("key-{}", self.keys).parse().unwrap(),
        }
    }

    fn send(&mut self, request: &PlaceOrder) -> Result<OrderId, Rejection> {
        let actor = Actor::Customer(request.member.clone());
        let decision = self.run(&actor, &Command::PlaceOrder(Box::new(request.clone())))?;
        let Outcome::Order { id, .. } = decision.outcome else { panic!("{decision:?}") };
        Ok(id)
    }

    /// Ann's order of one meal at `s`.
    fn placed(&mut self) -> OrderId {
        let request = self.request(vec![line("meal", 1, &[])]);
        self.send(&request).unwrap()
    }

    fn pay(&mut self, order: OrderId, reference: &str, amount: i64) -> Result<Decision, Rejection> {
        let (provider, reference) = ("sandbox".into(), reference.parse().unwrap());
        self.run(&Actor::Provider, &Command::RecordPayment { order, provider, reference, amount: Fen(amount) })
    }

    fn accept(&mut self, order: OrderId, code: Option<&str>) -> Result<Decision, Rejection> {
        let pickup_code = code.map(|code| code.parse().unwrap());
        self.run(&pos("s"), &Command::AcceptOrder { order, pickup_code })
    }

    /// Ann's order of one meal at `s`, brought to a status.
    fn brought_to(&mut self, status: Status) -> OrderId {
        let order = self.placed();
        let accepted = [Status::Accepted, Status::Ready, Status::Collected].contains(&status);
        if accepted || [Status::Paid, Status::Rejected].contains(&status) {
            self.pay(order, "pay-1", 6_800).unwrap();
        }
        if accepted {
            self.accept(order, None).unwrap();
        }
        if [Status::Ready, Status::Collected].contains(&status) {
            self.run(&pos("s"), &Command::MarkReady { order }).unwrap();
        }
        match status {
            Status::Collected => drop(self.run(&pos("s"), &Command::MarkCollected { order }).unwrap()),
            Status::Cancelled => drop(self.run(&customer("ann"), &Command::CancelOrder { order }).unwrap()),
            Status::Rejected => {
                self.run(&pos("s"), &Command::RejectOrder { order, reason: "sorry".into() }).unwrap();
            }
            _ => {}
        }
        assert_eq!(self.order(order).status, status);
        order
    }

    fn order(&self, id: OrderId) -> &Order {
        self.seen.iter().find(|order| order.id == id).unwrap()
    }

    /// Available, reserved, sold of a SKU at `s`; available is `None` where it is not counted.
    fn stock(&self, sku: &str) -> (Option<u32>, u32, u64) {
        let line = self.state.stock_line(&"s".parse().unwrap(), &sku.parse().unwrap()).unwrap();
        (line.left(), line.reserved, line.sold)
    }

    fn claim(&mut self, member: &str, campaign: &str) -> Result<(CouponId, bool), Rejection> {
        let command = Command::ClaimCoupon { member: member.parse().unwrap(), campaign: campaign.parse().unwrap() };
        let decision = self.run(&customer(member), &command)?;
        let Outcome::Coupon { id, fresh } = decision.outcome else { panic!("{decision:?}") };
        Ok((id, fresh))
    }
}

/// Names of a decision's events, for tables.
fn names(decision: &Decision) -> Vec<&'static str> {
    let name = |event: &Event| match event {
        Event::RegionStarted(_) => "region started",
        Event::CurrencySet(_) => "currency set",
        Event::StoreDefined(_) => "store defined",
        Event::StoreWithdrawn(_) => "store withdrawn",
        Event::ItemDefined(_) => "item defined",
        Event::ItemWithdrawn(_) => "item withdrawn",
        Event::CampaignDefined(_) => "campaign defined",
        Event::CampaignWithdrawn(_) => "campaign withdrawn",
        Event::StockDeclared { .. } => "stock declared",
        Event::StockSet { .. } => "stock set",
        Event::StockAdjusted { .. } => "stock adjusted",
        Event::AcceptingChanged { .. } => "accepting changed",
        Event::CouponClaimed { .. } => "coupon claimed",
        Event::OrderPlaced { .. } => "placed",
        Event::OrderChanged { change, .. } => change.name(),
    };
    decision.events.iter().map(name).collect()
}
