//! The comparison at the end: what customers and stores experienced against what the node says, one by one. Pure: it gets
//! both sides and answers with counts and mismatches.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::Value;
use smol_str::SmolStr;

use super::gather::{Campaigns, Stock};
use super::ledger::{Experience, OrderNote, Seen};

/// Most mismatches that are printed; all are counted.
pub const NAMED_MAX: usize = 20;

/// A stock line as the contract answers it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct StockFigures {
    /// What can be ordered; nothing where it is not counted.
    pub available: Option<i64>,
    /// In orders that wait for their money.
    pub reserved: i64,
    /// In paid orders.
    pub sold: i64,
}

/// A campaign as the contract answers it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CampaignFigures {
    /// Coupons there are.
    pub quota: i64,
    /// Coupons left.
    pub remaining: i64,
}

/// Both sides.
#[derive(Debug, Default, Clone)]
pub struct Facts {
    /// What customers and stores experienced.
    pub experience: Experience,
    /// The node's answer for each order.
    pub answers: HashMap<SmolStr, Seen>,
    /// This run's orders in the lists of their stores.
    pub listed: Vec<SmolStr>,
    /// Stock before the first and after the last customer.
    pub stock: (Stock, Stock),
    /// Campaigns before and after.
    pub campaigns: (Campaigns, Campaigns),
    /// Status of each coupon, as its owner is answered.
    pub coupons: HashMap<SmolStr, SmolStr>,
    /// Each store's board: as its screen showed it last, and as `GET` answers it.
    pub boards: BTreeMap<SmolStr, (Option<Value>, Value)>,
}

/// What came out.
#[derive(Debug, Default)]
pub struct Verdict {
    /// One line a check: its name, whether all is equal, the counts.
    pub lines: Vec<(&'static str, bool, String)>,
    /// How many mismatches there are.
    pub mismatches: usize,
    /// The first of them.
    pub named: Vec<String>,
}

impl Verdict {
    /// One line of counts, and what does not fit.
    pub fn line(&mut self, name: &'static str, counts: String, mismatches: Vec<String>) {
        self.lines.push((name, mismatches.is_empty(), counts));
        self.mismatches += mismatches.len();
        let room = NAMED_MAX.saturating_sub(self.named.len());
        self.named.extend(mismatches.into_iter().take(room).map(|what| format!("{name}: {what}")));
    }
}

/// Compares everything.
pub fn check(facts: &Facts) -> Verdict {
    let mut verdict = Verdict::default();
    check_orders(facts, &mut verdict);
    check_lives(facts, &mut verdict);
    check_money(facts, &mut verdict);
    check_stock(facts, &mut verdict);
    check_coupons(facts, &mut verdict);
    check_pushed(facts, &mut verdict);
    check_boards(facts, &mut verdict);
    let violations = facts.experience.violations.clone();
    verdict.line("protocol", format!("{} surprises noticed on the way", violations.len()), violations);
    verdict
}

/// Pushed last = asked now, for each order; and the stores list exactly these orders.
fn check_orders(facts: &Facts, verdict: &mut Verdict) {
    let mut mismatches = Vec::new();
    let mut equal = 0;
    for note in &facts.experience.orders {
        match facts.answers.get(&note.last.id) {
            Some(answer) if *answer == note.last => equal += 1,
            Some(answer) => mismatches.push(difference(&note.last, answer)),
            None => mismatches.push(format!("order {} was placed, and the node knows none such", note.last.id)),
        }
    }
    let placed: BTreeSet<&SmolStr> = facts.experience.orders.iter().map(|note| &note.last.id).collect();
    let listed: BTreeSet<&SmolStr> = facts.listed.iter().collect();
    mismatches.extend(placed.difference(&listed).map(|id| format!("order {id} is not in its store's list")));
    mismatches.extend(listed.difference(&placed).map(|id| format!("order {id} is listed, and nobody placed it")));
    if facts.listed.len() != listed.len() {
        mismatches.push(format!("{} orders are listed twice", facts.listed.len() - listed.len()));
    }
    let counts = format!(
        "{} placed, {equal} equal in id, status, amounts, code, refund and offset; {} in the stores' lists",
        placed.len(),
        listed.len()
    );
    verdict.line("orders", counts, mismatches);
}

fn difference(pushed: &Seen, answer: &Seen) -> String {
    format!("order {} was pushed as {pushed:?}, and the node answers {answer:?}", pushed.id)
}

/// Every order has ended.
fn check_lives(facts: &Facts, verdict: &mut Verdict) {
    let orders = &facts.experience.orders;
    let of = |status: &str| orders.iter().filter(|note| note.last.status == status).count();
    let (collected, cancelled, rejected) = (of("collected"), of("cancelled"), of("rejected"));
    let paid = orders.iter().filter(|note| !note.payments.is_empty()).count();
    let refunded = orders.iter().filter(|note| note.last.refunded() > 0).count();
    let open = orders.iter().filter(|note| !note.last.has_ended());
    let mismatches: Vec<_> = open.map(|note| format!("order {} is still {}", note.last.id, note.last.status)).collect();
    let counts = format!(
        "{} placed, {paid} paid, {collected} collected, {cancelled} cancelled, {rejected} rejected, {refunded} refunded, \
         {} open",
        orders.len(),
        mismatches.len()
    );
    verdict.line("lives", counts, mismatches);
}

/// Prices as the customer adds them up; paid = kept + refunded.
fn check_money(facts: &Facts, verdict: &mut Verdict) {
    let mut mismatches = Vec::new();
    let (mut paid, mut kept, mut refunded) = (0, 0, 0);
    for note in &facts.experience.orders {
        let order = &note.last;
        if (order.total, order.discount, order.payable) != (note.total, note.discount, note.total - note.discount) {
            let (expected, id) = ((note.total, note.discount), &order.id);
            mismatches.push(format!("order {id} costs {order:?}, and its customer adds up {expected:?}"));
        }
        let came: i64 = note.payments.iter().sum();
        let keeps = if order.status == "collected" { order.payable } else { 0 };
        if came != keeps + order.refunded() {
            let back = order.refunded();
            mismatches.push(format!("order {}: {came} came, {keeps} is kept and {back} went back", order.id));
        }
        paid += came;
        kept += keeps;
        refunded += order.refunded();
    }
    verdict.line("money", format!("{paid} fen paid = {kept} kept + {refunded} refunded"), mismatches);
}

/// Sold in the stock lines = in the orders that were kept; nothing appears or vanishes.
fn check_stock(facts: &Facts, verdict: &mut Verdict) {
    let mut bought: BTreeMap<(&str, &str), i64> = BTreeMap::new();
    for note in facts.experience.orders.iter().filter(|note| keeps_stock(note)) {
        for (sku, quantity) in &note.units {
            *bought.entry((&note.store, sku)).or_default() += i64::from(*quantity);
        }
    }
    let mut mismatches = Vec::new();
    let (before, after) = &facts.stock;
    let mut sold_in_lines = 0;
    for ((store, sku), now) in after {
        let then = before.get(&(store.clone(), sku.clone())).copied().unwrap_or_default();
        let sold = now.sold - then.sold;
        let expected = bought.remove(&(store.as_str(), sku.as_str())).unwrap_or(0);
        sold_in_lines += sold;
        if sold != expected {
            mismatches.push(format!("{sku} at {store}: {sold} sold, and customers bought {expected}"));
        }
        if now.reserved != then.reserved {
            mismatches.push(format!("{sku} at {store}: {} still reserved", now.reserved - then.reserved));
        }
        if let (Some(left), Some(were)) = (now.available, then.available)
            && (left < 0 || left + now.reserved + now.sold != were + then.reserved + then.sold)
        {
            mismatches.push(format!("{sku} at {store}: {now:?} does not add up to {then:?}"));
        }
    }
    mismatches.extend(bought.iter().map(|((store, sku), n)| format!("{n} of {sku} at {store} bought without a line")));
    let units: i64 = facts.experience.orders.iter().filter(|note| keeps_stock(note)).map(units).sum();
    verdict.line("stock", format!("{units} units bought = {sold_in_lines} sold in {} lines", after.len()), mismatches);
}

fn keeps_stock(note: &OrderNote) -> bool {
    !matches!(note.last.status.as_str(), "cancelled" | "rejected" | "awaiting_payment")
}

fn units(note: &OrderNote) -> i64 {
    note.units.iter().map(|(_, quantity)| i64::from(*quantity)).sum()
}

/// Claimed within the quota, each redeemed by at most one order that was kept.
fn check_coupons(facts: &Facts, verdict: &mut Verdict) {
    let mut mismatches = Vec::new();
    let claims = &facts.experience.claims;
    let (before, after) = &facts.campaigns;
    for (campaign, now) in after {
        let then = before.get(campaign).copied().unwrap_or_default();
        let claimed = claims.iter().filter(|claim| claim.campaign == *campaign).count();
        let gone = then.remaining - now.remaining;
        if i64::try_from(claimed).ok() != Some(gone) {
            mismatches.push(format!("{campaign}: {claimed} claimed, and {gone} fewer are left"));
        }
        if now.remaining < 0 || now.remaining > now.quota {
            mismatches.push(format!("{campaign}: {} left of a quota of {}", now.remaining, now.quota));
        }
    }
    let mut used: HashMap<&SmolStr, u32> = HashMap::new();
    for note in facts.experience.orders.iter().filter(|note| keeps_stock(note)) {
        if let Some(coupon) = &note.coupon {
            *used.entry(coupon).or_default() += 1;
        }
    }
    let mut redeemed = 0;
    for claim in claims {
        let expected = if used.contains_key(&claim.coupon) { "redeemed" } else { "claimed" };
        let status = facts.coupons.get(&claim.coupon).map(SmolStr::as_str);
        redeemed += u32::from(status == Some("redeemed"));
        if status != Some(expected) {
            mismatches.push(format!("coupon {} is {status:?}, and its owner expects {expected}", claim.coupon));
        }
    }
    let twice = used.iter().filter(|(_, orders)| **orders > 1);
    mismatches.extend(twice.map(|(coupon, orders)| format!("coupon {coupon} was used by {orders} orders")));
    let quota: i64 = after.values().map(|campaign| campaign.quota).sum();
    let counts = format!("{} claimed of {quota}, {redeemed} redeemed by {} orders", claims.len(), used.len());
    verdict.line("coupons", counts, mismatches);
}

/// Every code that a POS was given reached its customer, and no other.
fn check_pushed(facts: &Facts, verdict: &mut Verdict) {
    let accepts = &facts.experience.accepts;
    let mut mismatches = Vec::new();
    let mut pushed = 0;
    let mut seen = BTreeSet::new();
    for note in &facts.experience.orders {
        let accepted = accepts.get(&note.last.id);
        seen.insert(&note.last.id);
        pushed += u32::from(note.pushed_code.is_some());
        if accepted != note.pushed_code.as_ref() {
            let (id, code) = (&note.last.id, &note.pushed_code);
            mismatches.push(format!("order {id}: accepted with code {accepted:?}, pushed {code:?}"));
        }
    }
    let strangers = accepts.keys().filter(|id| !seen.contains(id));
    mismatches.extend(strangers.map(|id| format!("order {id} was accepted, and nobody placed it")));
    verdict.line("pushed", format!("{pushed} codes pushed = {} orders accepted", accepts.len()), mismatches);
}

/// Every call screen shows what the node answers.
fn check_boards(facts: &Facts, verdict: &mut Verdict) {
    let differs = |(shown, answer): &(Option<Value>, Value)| shown.as_ref() != Some(answer);
    let mismatches: Vec<_> = (facts.boards.iter())
        .filter(|(_, board)| differs(board))
        .map(|(store, (shown, answer))| format!("the screen of {store} shows {shown:?}, and the node answers {answer}"))
        .collect();
    let equal = facts.boards.len() - mismatches.len();
    verdict.line(
        "screens",
        format!("{equal} of {} call screens show what the node answers", facts.boards.len()),
        mismatches,
    );
}

#[cfg(test)]
#[path = "check_tests.rs"]
mod tests;
