//! Everybody around the region on its promotion day: customers, stores, the payment provider, operators. They know only
//! what they were told, and ask again when they weren't.

use std::collections::BTreeMap;
use std::sync::Arc;

use qucan::domain::actor::Actor;
use qucan::domain::command::{Command, PlaceOrder, RequestedLine};
use qucan::domain::id::{CouponId, MemberId};
use qucan::domain::order::{Order, Status};
use qucan::domain::payment::{RefundOutcome, RefundStatus};
use qucan::domain::rejection::Rejection;
use qucan::engine::answer::{Answer, Refusal, Request, Unavailable};
use qucan::engine::clock::Clock;
use qucan::engine::stepped::{Asked, Stepped};
use qucan_replication::simulation::{Dice, Tally};
use qucan_storage::Sequence;

use crate::catalogue::{MEMBERS, SKUS, STORES, campaign, import, store};
use crate::ledger::{Acknowledged, Ledger};
use crate::node::Node;
use crate::region::Region;

/// The variant of the catalogue that counts stock anew.
const RESTOCKING: u64 = 4;

/// A request that waits for its answer, perhaps of a node that only takes itself for the region's.
struct Pending {
    asked: Asked,
    request: Request,
    rival: bool,
}

#[derive(Default)]
pub struct Crowd {
    pub ledger: Ledger,
    pending: Vec<Pending>,
    /// What may be asked again with the same key.
    repeatable: Vec<Request>,
    /// Orders as they were last told.
    known: BTreeMap<u64, Arc<Order>>,
    coupons: Vec<(MemberId, CouponId)>,
    open_for_business: bool,
    number: u64,
}

impl Crowd {
    /// Somebody wants something.
    pub fn acts(region: &mut Region, dice: &mut Dice, tally: &mut Tally) {
        let Region { node, rival, crowd, .. } = region;
        let at_rival = rival.as_ref().filter(|rival| rival.engine.is_some() && dice.one_in(2));
        crowd.number += 1;
        let request = crowd.wish(node, dice, tally);
        crowd.ask(at_rival.unwrap_or(node), at_rival.is_some(), request, tally);
    }

    /// Everything is in stock again; whoever comes now must be served.
    pub fn restock(&mut self, node: &Node, tally: &mut Tally) {
        self.ask(node, false, request(operator(), Command::ImportCatalog(Box::new(import(RESTOCKING)))), tally);
    }

    fn ask(&mut self, node: &Node, rival: bool, request: Request, tally: &mut Tally) {
        let Some(engine) = &node.engine else {
            return tally.count("asked nobody");
        };
        if rival {
            tally.count("asked another node");
        }
        if let Command::PlaceOrder(place) = &request.command {
            self.ledger.placement_sent(place.key.as_str());
        }
        if matches!(
            request.command,
            Command::PlaceOrder(_) | Command::RecordPayment { .. } | Command::AdjustStock { .. }
        ) {
            self.repeatable.push(request.clone());
            if self.repeatable.len() > 24 {
                self.repeatable.remove(0);
            }
        }
        match engine.submit(request.clone()) {
            Ok(asked) => self.pending.push(Pending { asked, request, rival }),
            Err(refusal) => tally.count(refused(&refusal)),
        }
    }

    /// An order that was told as closed.
    pub fn some_closed(&self, dice: &mut Dice) -> Option<Arc<Order>> {
        let closed: Vec<_> = self.known.values().filter(|order| order.is_closed()).collect();
        closed.get(dice.index(closed.len())).map(|order| Arc::clone(order))
    }

    /// What came after `kept` is not the region's history any more.
    pub fn history_ended(&mut self, kept: Sequence) {
        self.ledger.history_ended(kept);
        self.known.retain(|_, order| self.ledger.knows(order));
        self.coupons.retain(|(_, coupon)| self.ledger.knows_coupon(*coupon));
    }

    /// A day passes: nobody remembers what they asked, and no key is kept that long.
    pub fn sleeps(&mut self) {
        self.repeatable.clear();
        self.pending.clear();
    }

    fn wish(&mut self, node: &Node, dice: &mut Dice, tally: &mut Tally) -> Request {
        if !self.open_for_business {
            return request(operator(), Command::ImportCatalog(Box::new(import(0))));
        }
        // Mostly the youngest orders, so that lives are walked to their end.
        let most = if dice.one_in(5) { 200 } else { 12 };
        let recent = 1 + dice.index(most);
        let order = self.known.values().rev().nth(recent.min(self.known.len()).saturating_sub(1)).cloned();
        match (dice.below(100), order) {
            (0..26, _) => self.place(dice),
            (26..31, _) if !self.repeatable.is_empty() => {
                tally.count("asked again with the same key");
                self.repeatable[dice.index(self.repeatable.len())].clone()
            }
            (31..39, _) => {
                let member = some_member(dice);
                request(Actor::Customer(member.clone()), Command::ClaimCoupon { member, campaign: campaign() })
            }
            (39..85, Some(order)) => self.next_step(&order, dice, tally),
            (85..88, Some(order)) => customer_cancels(&order),
            (88..90, _) => {
                let available = [None, Some(0), Some(4), Some(11)][dice.index(4)];
                request(operator(), Command::SetStock { store: some_store(dice), sku: some_sku(dice), available })
            }
            (90..93, _) => {
                let delta = dice.below(9) as i32 - 4;
                let key = format!("stock-{}", self.number).parse().unwrap();
                let (store, sku) = (some_store(dice), some_sku(dice));
                request(operator(), Command::AdjustStock { store, sku, delta, reason: "count".into(), key })
            }
            (93..96, _) => {
                let accepting = dice.below(3) > 0;
                let until = dice.one_in(2).then(|| node.clock.now().plus(qucan::domain::time::Millis::seconds(3)));
                let store = some_store(dice);
                let until = until.filter(|_| !accepting);
                request(operator(), Command::SetAccepting { store, accepting, reason: None, until })
            }
            (96, _) => request(operator(), Command::ImportCatalog(Box::new(import(dice.below(20))))),
            _ => self.place(dice),
        }
    }

    fn place(&mut self, dice: &mut Dice) -> Request {
        let member = some_member(dice);
        let line = |dice: &mut Dice| RequestedLine {
            sku: some_sku(dice),
            quantity: 1 + dice.below(3) as u32,
            options: Vec::new(),
        };
        let mut lines: Vec<RequestedLine> = (0..1 + dice.index(2)).map(|_| line(dice)).collect();
        let mut coupon = None;
        if dice.one_in(2)
            && let Some((_, mine)) = self.coupons.iter().rev().find(|(whose, _)| *whose == member)
        {
            coupon = Some(*mine);
            lines = vec![RequestedLine { sku: "meal".parse().unwrap(), quantity: 1, options: Vec::new() }];
        }
        let key = format!("key-{}", self.number);
        let place = PlaceOrder {
            member: member.clone(),
            store: some_store(dice),
            lines,
            coupon,
            // So that an order can be told by its key from the log alone.
            note: Some(key.as_str().into()),
            expected_total: None,
            key: key.parse().unwrap(),
        };
        request(Actor::Customer(member), Command::PlaceOrder(Box::new(place)))
    }

    /// What should happen to an order next, or what should not.
    fn next_step(&mut self, order: &Arc<Order>, dice: &mut Dice, tally: &mut Tally) -> Request {
        let pos = Actor::Store { store: order.store.clone(), subject: "pos".into() };
        let id = order.id;
        if let Some(refund) = order.refunds.iter().find(|refund| refund.status != RefundStatus::Succeeded) {
            let outcome = match (dice.below(4), refund.status) {
                (0, RefundStatus::Pending) => RefundOutcome::Failed,
                (_, RefundStatus::Failed) => RefundOutcome::Retried,
                _ => RefundOutcome::Succeeded,
            };
            return request(Actor::Provider, Command::SettleRefund { order: id, number: refund.number, outcome });
        }
        match order.status {
            Status::AwaitingPayment => self.pay(order),
            Status::Paid if dice.one_in(12) => {
                tally.count("paid twice");
                self.pay(order)
            }
            Status::Paid if dice.one_in(5) => {
                request(pos, Command::RejectOrder { order: id, reason: "no rice".into() })
            }
            Status::Paid => request(pos, Command::AcceptOrder { order: id, pickup_code: None }),
            Status::Accepted => request(pos, Command::MarkReady { order: id }),
            Status::Ready => request(pos, Command::MarkCollected { order: id }),
            Status::Cancelled | Status::Rejected if dice.one_in(3) => {
                tally.count("paid late");
                self.pay(order)
            }
            _ => self.place(dice),
        }
    }

    fn pay(&self, order: &Order) -> Request {
        let reference = format!("money-{}", self.number).parse().unwrap();
        let provider = "sandbox".into();
        request(Actor::Provider, Command::RecordPayment { order: order.id, provider, reference, amount: order.payable })
    }

    /// Takes in the answers that have come from a node; how many of them say that something is done.
    pub fn listen(&mut self, engine: &Stepped, rival: bool, tally: &mut Tally) -> Result<usize, String> {
        let (mut waiting, mut done) = (Vec::new(), 0);
        for mut pending in std::mem::take(&mut self.pending) {
            if pending.rival != rival {
                waiting.push(pending);
                continue;
            }
            match engine.answer(&mut pending.asked) {
                None => waiting.push(pending),
                Some(Ok(answer)) => {
                    done += 1;
                    if rival {
                        self.told_elsewhere(&pending.request, &answer, engine, tally);
                    } else {
                        self.told(&pending.request, &answer, engine, tally)?;
                    }
                }
                Some(Err(refusal)) => tally.count(refused(&refusal)),
            }
        }
        self.pending = waiting;
        Ok(done)
    }

    /// The process is gone: whoever waits knows nothing.
    pub fn hung_up(&mut self, rival: bool, tally: &mut Tally) {
        let (gone, waiting) = std::mem::take(&mut self.pending).into_iter().partition(|pending| pending.rival == rival);
        self.pending = waiting;
        let gone: Vec<Pending> = gone;
        if !gone.is_empty() {
            tally.count("answers never came");
        }
        for pending in gone {
            if matches!(pending.request.command, Command::PlaceOrder(_) | Command::RecordPayment { .. }) {
                self.repeatable.push(pending.request);
            }
        }
    }

    /// What another node says holds only if the centre follows it.
    fn told_elsewhere(&mut self, request: &Request, answer: &Answer, engine: &Stepped, tally: &mut Tally) {
        let what = match (answer, &request.command) {
            (Answer::Order { order, .. }, Command::PlaceOrder(place)) => {
                self.ledger
                    .told_elsewhere(engine.last(), Acknowledged::Placed(place.key.as_str().to_owned(), order.id));
                Acknowledged::Image(Arc::clone(order))
            }
            (Answer::Order { order, .. }, _) => Acknowledged::Image(Arc::clone(order)),
            (Answer::Coupon { coupon, .. }, _) => Acknowledged::Coupon(coupon.id),
            _ => return,
        };
        self.ledger.told_elsewhere(engine.last(), what);
        tally.count("answered by another node");
    }

    fn told(&mut self, request: &Request, answer: &Answer, engine: &Stepped, tally: &mut Tally) -> Result<(), String> {
        let at = engine.last();
        match answer {
            Answer::Order { order, fresh } => {
                self.ledger.told(order, at)?;
                if let Command::PlaceOrder(place) = &request.command {
                    self.ledger.placement_told(place.key.as_str(), order.id, at)?;
                    tally.count(if *fresh { "placed" } else { "placed before" });
                    if order.coupon.is_some() {
                        tally.count("coupon used");
                    }
                }
                let known = self.known.entry(order.id.packed()).or_insert_with(|| Arc::clone(order));
                if known.offset < order.offset {
                    *known = Arc::clone(order);
                }
            }
            Answer::Coupon { coupon, .. } => {
                self.ledger.coupon_told(coupon.id, at);
                if let Command::ClaimCoupon { member, .. } = &request.command {
                    self.coupons.push((member.clone(), coupon.id));
                }
                tally.count("coupon claimed");
            }
            Answer::Catalog(_) => {
                self.open_for_business = true;
                tally.count("catalogue imported");
            }
            Answer::Stock { .. } | Answer::Accepting { .. } | Answer::Done => {}
        }
        Ok(())
    }
}

fn refused(refusal: &Refusal) -> &'static str {
    match refusal {
        Refusal::Unavailable(Unavailable::DiskFull) => "refused: disk full",
        Refusal::Unavailable(Unavailable::StorageFailed) => "refused: storage failed",
        Refusal::Unavailable(Unavailable::Rebuilding) => "refused: rebuilding",
        Refusal::Unavailable(Unavailable::Fenced) => "refused: fenced",
        Refusal::Unavailable(_) => "refused: unavailable",
        Refusal::Rejected(Rejection::OutOfStock { .. }) => "refused: out of stock",
        Refusal::Rejected(Rejection::QuotaExhausted { .. }) => "refused: quota exhausted",
        Refusal::Rejected(Rejection::StorePaused { .. }) => "refused: store paused",
        Refusal::Rejected(Rejection::WrongStatus { .. }) => "refused: wrong status",
        Refusal::Rejected(Rejection::OrderNotFound { .. }) => "refused: order not found",
        Refusal::Rejected(_) => "refused: otherwise",
    }
}

fn customer_cancels(order: &Order) -> Request {
    request(Actor::Customer(order.member.clone()), Command::CancelOrder { order: order.id })
}

fn request(actor: Actor, command: Command) -> Request {
    Request { command, actor, request_id: "simulated".into(), device: None }
}

fn operator() -> Actor {
    Actor::Operator { subject: "boss".into() }
}

fn some_member(dice: &mut Dice) -> MemberId {
    MEMBERS[dice.index(MEMBERS.len())].parse().unwrap()
}

fn some_store(dice: &mut Dice) -> qucan::domain::id::StoreId {
    store(dice.index(STORES.len()))
}

fn some_sku(dice: &mut Dice) -> qucan::domain::id::Sku {
    SKUS[[0, 0, 0, 1, 2, 3][dice.index(6)]].parse().unwrap()
}
