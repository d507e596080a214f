//! One sequence: each symbol becomes a command of the domain and a call of the model.

use std::collections::BTreeMap;

use qucan::domain::actor::Actor;
use qucan::domain::command::{Command as DomainCommand, PlaceOrder, RequestedLine};
use qucan::domain::decide::Outcome as DomainOutcome;
use qucan::domain::id::CouponId;
use qucan::domain::money::Fen;
use qucan::domain::payment::RefundOutcome;
use qucan::domain::time::Timestamp;

use crate::commands::{Code, Command, Coupon, Expect, FIRST_VARIANT, Outcome, Pay, Place, Variant, Who};
use crate::compare::{self, Names, word};
use crate::plain::{self, Done, KnownCoupon, Plain, Refusal, Wish};
use crate::plain_orders::payable;
use crate::system::System;
use crate::world::{self, customer, operator, pos, requested};

/// How often each answer was met.
#[derive(Debug, Default)]
pub struct Seen(BTreeMap<&'static str, u64>);

impl Seen {
    fn count(&mut self, what: &'static str) {
        *self.0.entry(what).or_default() += 1;
    }

    /// Everything that can be answered was.
    pub fn check(&self) {
        let answers = [
            "placed",
            "repeated",
            "born paid",
            "new coupon",
            "same coupon",
            "discounted",
            "late money",
            "reopened",
            "order_not_found",
            "unknown_store",
            "unknown_campaign",
            "unknown_item",
            "unknown_option",
            "out_of_stock",
            "stock_not_counted",
            "store_closed",
            "store_paused",
            "coupon_not_usable",
            "price_changed",
            "over_limit",
            "quota_exhausted",
            "campaign_closed",
            "idempotency_key_reused",
            "wrong_status",
            "pickup_code_taken",
            "quota_below_claimed",
            "campaign forgotten",
            "key forgotten",
        ];
        let missing: Vec<_> = answers.iter().filter(|answer| !self.0.contains_key(*answer)).collect();
        assert!(missing.is_empty(), "never met: {missing:?}");
    }
}

/// A request as it was sent.
struct Sent {
    place: Place,
    command: PlaceOrder,
}

struct Run<'a> {
    system: System,
    plain: Plain,
    names: Names,
    sent: Vec<Sent>,
    /// By member and key: the request that made an order, and which.
    made: BTreeMap<(usize, usize), (PlaceOrder, usize)>,
    seen: &'a mut Seen,
}

pub fn run(open_orders_max: Option<usize>, commands: &[Command], seen: &mut Seen) {
    let system = System::new(open_orders_max);
    let plain = Plain::new(open_orders_max);
    let mut run = Run { system, plain, names: Names::default(), sent: Vec::new(), made: BTreeMap::new(), seen };
    run.submit(&Actor::Node, &DomainCommand::StartRegion(world::start()), Ok(Done::Nothing));
    run.submit(&operator(), &import(&FIRST_VARIANT), Ok(Done::Nothing));
    for command in commands {
        run.command(command);
    }
    if run.plain.forgotten {
        run.seen.count("campaign forgotten");
    }
    run.system.restart();
    run.system.restart();
    compare::everything(&run.system, &run.names, &run.plain);
}

fn import(variant: &Variant) -> DomainCommand {
    DomainCommand::ImportCatalog(Box::new(world::import(variant)))
}

impl Run<'_> {
    /// Submits to the domain and compares with what the model did; answers how many events there were.
    fn submit(&mut self, actor: &Actor, command: &DomainCommand, expected: Result<Done, Refusal>) -> usize {
        let actual = self.system.submit(self.plain.now, actor, command);
        compare::answers(&self.system, &mut self.names, &self.plain, &actual, expected);
        match actual {
            Err(rejection) => self.seen.count(word(&rejection)),
            Ok((DomainOutcome::Coupon { fresh, .. }, _)) => {
                self.seen.count(if fresh { "new coupon" } else { "same coupon" })
            }
            Ok((_, count)) => return count,
        }
        0
    }

    fn command(&mut self, command: &Command) {
        match command {
            Command::Wait { millis } => self.plain.now += millis,
            Command::Restart => self.system.restart(),
            Command::Claim { member, campaign } => {
                let expected = self.plain.claim(*member, *campaign);
                let (member, campaign) = (world::member(*member), world::campaign(*campaign));
                let actor = Actor::Customer(member.clone());
                self.submit(&actor, &DomainCommand::ClaimCoupon { member, campaign }, expected);
            }
            Command::Place(place) => self.place(place),
            Command::Repeat { request, other_body } => self.repeat(*request, *other_body),
            Command::Import(variant) => {
                let expected = self.plain.import(*variant);
                self.submit(&operator(), &import(variant), expected);
                if expected.is_ok() {
                    let again = self.submit(&operator(), &import(variant), expected);
                    assert_eq!(again, 0, "the same catalogue again changes something");
                }
            }
            Command::SetStock { store, sku, available } => {
                let expected = self.plain.set_stock(*store, *sku, *available);
                let (store, sku) = (world::store(*store), world::sku(*sku));
                self.submit(&operator(), &DomainCommand::SetStock { store, sku, available: *available }, expected);
            }
            Command::Adjust { store, sku, delta, key } => {
                let by_operator = key.is_multiple_of(2);
                let expected = self.plain.adjust(by_operator, *key, *store, *sku, *delta);
                let actor = if by_operator { operator() } else { pos(*store) };
                let (store, sku, key) = (world::store(*store), world::sku(*sku), format!("adjust-{key}"));
                let (reason, key) = ("count".into(), key.parse().unwrap());
                let command = DomainCommand::AdjustStock { store, sku, delta: *delta, reason, key };
                self.submit(&actor, &command, expected);
            }
            Command::Accepting { store, accepting, for_millis } => {
                let until = for_millis.map(|millis| self.plain.now + millis);
                let expected = self.plain.accepting(*store, (!accepting).then_some(until));
                let (store, accepting, until) = (world::store(*store), *accepting, until.map(Timestamp));
                let command = DomainCommand::SetAccepting { store, accepting, reason: None, until };
                self.submit(&operator(), &command, expected);
            }
            Command::PassDue => self.pass_due(),
            _ => self.order_command(command),
        }
    }

    /// The order that a symbol means: counted from the youngest where it is huge.
    fn order(&self, symbol: usize) -> Option<usize> {
        let count = self.plain.orders.len();
        let youngest = (usize::MAX - symbol < 64).then(|| count.checked_sub(1 + (usize::MAX - symbol)));
        youngest.unwrap_or_else(|| symbol.checked_rem(count))
    }

    fn order_command(&mut self, command: &Command) {
        let (Command::Pay { order: symbol, .. }
        | Command::Cancel { order: symbol, .. }
        | Command::Accept { order: symbol, .. }
        | Command::Reject { order: symbol, .. }
        | Command::Ready { order: symbol, .. }
        | Command::Collected { order: symbol, .. }
        | Command::Settle { order: symbol, .. }
        | Command::PassDeadline { order: symbol }) = command
        else {
            return;
        };
        let Some(index) = self.order(*symbol) else { return };
        let (order, store, member) =
            (self.names.orders[index], self.plain.orders[index].store, self.plain.orders[index].member);
        let staff = |who: &Who| match who {
            Who::Right => pos(store),
            Who::Stranger => pos((store + 1) % 4),
            Who::Operator => operator(),
        };
        let stranger = |who: &Who| *who == Who::Stranger;
        let refused = Err("order_not_found");
        match command {
            Command::Pay { pay, .. } => self.pay(index, *pay),
            Command::Cancel { who, .. } => {
                let actor = if stranger(who) { customer((member + 1) % 4) } else { customer(member) };
                let expected = if stranger(who) { refused } else { self.plain.cancel(index) };
                self.submit(&actor, &DomainCommand::CancelOrder { order }, expected);
            }
            Command::Accept { who, code, .. } => {
                let code = match code {
                    Code::None => None,
                    Code::Word(word) => Some(format!("A-{word}")),
                    Code::Number(number) => Some(number.to_string()),
                };
                let expected = if stranger(who) { refused } else { self.plain.accept(index, code.clone()) };
                let pickup_code = code.map(|code| code.parse().unwrap());
                self.submit(&staff(who), &DomainCommand::AcceptOrder { order, pickup_code }, expected);
            }
            Command::Reject { who, .. } => {
                let expected = if stranger(who) { refused } else { self.plain.reject(index) };
                self.submit(&staff(who), &DomainCommand::RejectOrder { order, reason: "sorry".into() }, expected);
            }
            Command::Ready { who, .. } => {
                let expected = if stranger(who) { refused } else { self.plain.ready(index, None) };
                self.submit(&staff(who), &DomainCommand::MarkReady { order }, expected);
            }
            Command::Collected { who, .. } => {
                let expected = if stranger(who) { refused } else { self.plain.collected(index) };
                self.submit(&staff(who), &DomainCommand::MarkCollected { order }, expected);
            }
            Command::Settle { number, outcome, .. } => {
                let expected = self.plain.settle(index, *number, *outcome);
                let outcome = match outcome {
                    Outcome::Succeeded => RefundOutcome::Succeeded,
                    Outcome::Failed => RefundOutcome::Failed,
                    Outcome::Retried => RefundOutcome::Retried,
                };
                self.submit(
                    &Actor::Provider,
                    &DomainCommand::SettleRefund { order, number: *number, outcome },
                    expected,
                );
            }
            Command::PassDeadline { .. } => self.pass(index),
            _ => {}
        }
    }

    fn pay(&mut self, index: usize, pay: Pay) {
        let order = &self.plain.orders[index];
        let fresh = format!("pay-{index}-{}", order.money.len());
        let again = |nth: usize| order.money.get(nth).map(|money| money.reference.clone());
        let (reference, amount) = match pay {
            Pay::Exact => (fresh, order.payable),
            Pay::TooLittle => (fresh, order.payable - 1),
            Pay::Again(nth) => (again(nth).unwrap_or(fresh), order.payable),
            Pay::Nothing => (fresh, 0),
        };
        let (closed, status) = (order.closed(), order.status);
        let expected = self.plain.pay(index, &reference, amount);
        let (order, reference) = (self.names.orders[index], reference.parse().unwrap());
        let command =
            DomainCommand::RecordPayment { order, provider: "sandbox".into(), reference, amount: Fen(amount) };
        let events = self.submit(&Actor::Provider, &command, expected);
        if events > 0 && status != "awaiting_payment" {
            self.seen.count(if closed { "reopened" } else { "late money" });
        }
    }

    fn pass(&mut self, index: usize) {
        self.plain.pass_deadline(index);
        let command = DomainCommand::PassDeadline { order: self.names.orders[index] };
        self.submit(&Actor::Node, &command, Ok(Done::Nothing));
        compare::order(&self.system, &self.names, &self.plain, index);
    }

    fn pass_due(&mut self) {
        let due = |order: &plain::Order| order.deadline.filter(|deadline| *deadline <= self.plain.now);
        let orders = self.plain.orders.iter().enumerate();
        let mut expected: Vec<_> =
            orders.filter_map(|(index, order)| Some((due(order)?, self.names.orders[index].packed(), index))).collect();
        expected.sort_unstable();
        let actual = self.system.state.due(Timestamp(self.plain.now), 1_000);
        assert!(
            actual.iter().map(|id| id.packed()).eq(expected.iter().map(|(_, packed, _)| *packed)),
            "other orders are due"
        );
        let first = self.plain.orders.iter().filter_map(|order| order.deadline).min();
        assert_eq!(self.system.state.next_deadline().map(|at| at.0), first);
        for (_, _, index) in expected {
            self.pass(index);
        }
    }

    fn place(&mut self, place: &Place) {
        let coupon = self.coupon(place);
        let mut wish = Wish {
            member: place.member,
            store: place.store,
            lines: &place.lines,
            coupon: coupon.map(|(_, known)| known),
            expects_right: None,
        };
        let quote = self.plain.quote(&wish).map_or(1, |lines| payable(&lines));
        let expected_total = match place.expect {
            Expect::Nothing => None,
            Expect::Right => Some(Fen(quote)),
            Expect::Wrong => Some(Fen(quote + 1)),
        };
        wish.expects_right = expected_total.map(|_| place.expect == Expect::Right);
        let command = PlaceOrder {
            member: world::member(place.member),
            store: world::store(place.store),
            lines: place.lines.iter().map(requested).collect::<Vec<RequestedLine>>(),
            coupon: coupon.map(|(id, _)| id),
            note: place.key.is_multiple_of(3).then(|| "no ice".into()),
            expected_total,
            key: format!("key-{}", place.key).parse().unwrap(),
        };
        self.sent.push(Sent { place: place.clone(), command: command.clone() });
        if self.repeated(place, &command) {
            return;
        }
        let expected = self.plain.place(&wish);
        let born_paid = expected.is_ok() && quote == 0;
        let events =
            self.submit(&customer(place.member), &DomainCommand::PlaceOrder(Box::new(command.clone())), expected);
        if let Ok(Done::Order { index, .. }) = expected {
            self.made.insert((place.member, place.key), (command, index));
            assert_eq!(events, if born_paid { 2 } else { 1 });
            self.seen.count(if born_paid { "born paid" } else { "placed" });
            if self.plain.orders[index].lines.iter().any(|line| line.discount > 0) {
                self.seen.count("discounted");
            }
        }
    }

    /// The coupon an order comes with: its id, and what the model knows of it.
    fn coupon(&self, place: &Place) -> Option<(CouponId, KnownCoupon)> {
        let known = |coupon: (usize, usize, usize)| Some((*self.names.coupons.get(&coupon)?, Ok(coupon)));
        match place.coupon {
            Coupon::None => None,
            Coupon::Mine { campaign, ordinal } => known((campaign, place.member, ordinal)),
            Coupon::Somebodys { campaign } => known((campaign, (place.member + 1) % 4, 0)),
            Coupon::Invented => Some((CouponId(42), Err(()))),
        }
    }

    /// A request of before, sent again.
    fn repeat(&mut self, symbol: usize, other_body: bool) {
        let Some(nth) = symbol.checked_rem(self.sent.len()) else { return };
        let place = self.sent[nth].place.clone();
        let mut command = self.sent[nth].command.clone();
        if other_body {
            match symbol % 5 {
                0 => command.note = Some("other".into()),
                1 => command.expected_total = command.expected_total.map_or(Some(Fen(0)), |_| None),
                2 => command.lines.extend(command.lines.first().cloned()),
                3 => command.lines.iter_mut().for_each(|line| line.quantity += 1),
                _ => command.store = world::store((place.store + 1) % 5),
            }
        }
        if !self.repeated(&place, &command) {
            self.place(&place);
        }
    }

    /// Whether the key made an order already: then the answer is that order, or a refusal of another body. Only what
    /// succeeded is remembered, so a request that was refused may come again as if for the first time.
    fn repeated(&mut self, place: &Place, command: &PlaceOrder) -> bool {
        let Some((first, index)) = self.made.get(&(place.member, place.key)) else { return false };
        let (same, index) = (first == command, *index);
        let order = &self.plain.orders[index];
        if !self.plain.remembers(order.generation, order.born) {
            self.seen.count("key forgotten");
            return false;
        }
        let expected = if same { Ok(Done::Order { index, fresh: false }) } else { Err("idempotency_key_reused") };
        let command = DomainCommand::PlaceOrder(Box::new(command.clone()));
        let events = self.submit(&customer(place.member), &command, expected);
        assert_eq!(events, 0, "a repetition changes something");
        self.seen.count("repeated");
        true
    }
}
