//! What must always hold, each as one numbered predicate. Evolve in debug builds, tests and `verify` all use these; documents cite
//! the numbers. Nothing here repairs anything.

mod order;
mod whole;

use std::fmt;

use super::coupon::{PER_MEMBER_MAX, coupon_id};
use super::id::{CampaignId, CouponId, MemberId, Sku, StoreId};
use super::order::Order;
use super::state::State;
use super::stock::StockLine;

/// Most violations of one invariant that are listed: enough to see the pattern, whatever the damage.
pub const VIOLATIONS_MAX: usize = 100;

/// A promise about every state, at every commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Invariant {
    /// Decision 12, in one line.
    StockBalances,
    /// Decision 12, between lines and orders.
    StockFollowsOrders,
    /// Decision 13, the quota.
    QuotaHolds,
    /// Decision 13, the member's limit.
    ClaimsCounted,
    /// Decision 13, the use.
    CouponUsedOnce,
    /// Decision 14, the amounts.
    AmountsAddUp,
    /// Decision 14, payments and refunds.
    MoneyBalances,
    /// The state machine of an order.
    LifeFollowsStatus,
    /// Decision 7.
    OnlyOpenOrders,
    /// Decision 10.
    DeadlinesDerived,
    /// Codes on the board.
    CodesUnique,
    /// The store's queue.
    PositionsUnique,
    /// Decision 9.
    KeysKnown,
    /// What is counted beside the orders.
    CountsDerived,
    /// Decision 15.
    OffsetsCount,
}

impl Invariant {
    /// All, by number.
    pub const ALL: [Self; 15] = [
        Self::StockBalances,
        Self::StockFollowsOrders,
        Self::QuotaHolds,
        Self::ClaimsCounted,
        Self::CouponUsedOnce,
        Self::AmountsAddUp,
        Self::MoneyBalances,
        Self::LifeFollowsStatus,
        Self::OnlyOpenOrders,
        Self::DeadlinesDerived,
        Self::CodesUnique,
        Self::PositionsUnique,
        Self::KeysKnown,
        Self::CountsDerived,
        Self::OffsetsCount,
    ];

    /// Its number, from 1; never given to another.
    pub fn number(self) -> u8 {
        match self {
            Self::StockBalances => 1,
            Self::StockFollowsOrders => 2,
            Self::QuotaHolds => 3,
            Self::ClaimsCounted => 4,
            Self::CouponUsedOnce => 5,
            Self::AmountsAddUp => 6,
            Self::MoneyBalances => 7,
            Self::LifeFollowsStatus => 8,
            Self::OnlyOpenOrders => 9,
            Self::DeadlinesDerived => 10,
            Self::CodesUnique => 11,
            Self::PositionsUnique => 12,
            Self::KeysKnown => 13,
            Self::CountsDerived => 14,
            Self::OffsetsCount => 15,
        }
    }

    /// Its short name.
    pub fn name(self) -> &'static str {
        match self {
            Self::StockBalances => "stock balances",
            Self::StockFollowsOrders => "stock follows orders",
            Self::QuotaHolds => "quota holds",
            Self::ClaimsCounted => "claims counted",
            Self::CouponUsedOnce => "coupon used once",
            Self::AmountsAddUp => "amounts add up",
            Self::MoneyBalances => "money balances",
            Self::LifeFollowsStatus => "life follows status",
            Self::OnlyOpenOrders => "only open orders",
            Self::DeadlinesDerived => "deadlines derived",
            Self::CodesUnique => "codes unique",
            Self::PositionsUnique => "positions unique",
            Self::KeysKnown => "keys known",
            Self::CountsDerived => "counts derived",
            Self::OffsetsCount => "offsets count",
        }
    }

    /// What it says.
    pub fn statement(self) -> &'static str {
        match self {
            Self::StockBalances => {
                "for every store and SKU available + reserved + sold = received, every term at least 0; a line that is \
                 not counted has nothing available"
            }
            Self::StockFollowsOrders => {
                "reserved is what the orders awaiting payment hold, and sold is at least what the paid ones hold"
            }
            Self::QuotaHolds => "no campaign on sale has more coupons claimed than its quota",
            Self::ClaimsCounted => {
                "a campaign's claimed is the number of its claims, and no claim's ordinal is beyond what one member may \
                 have"
            }
            Self::CouponUsedOnce => {
                "the coupon of a live order is its member's, names that order and no other, and a coupon in use that \
                 names an open order is that order's"
            }
            Self::AmountsAddUp => {
                "amount = unit price × quantity; total = lines + fees; payable = total − discount, at least 0; the \
                 lines' discounts make the discount, none above its line; tax is within what is paid"
            }
            Self::MoneyBalances => {
                "every refund gives the whole of one payment back, none twice; what is kept is the payable of an order \
                 that the store has or had, and nothing of any other"
            }
            Self::LifeFollowsStatus => {
                "an order has the times, code and position of its status, and times never go back"
            }
            Self::OnlyOpenOrders => "the state holds orders of this region that can still change, and no other",
            Self::DeadlinesDerived => "the deadlines in the order of time are those of the open orders",
            Self::CodesUnique => "no two orders on a store's board have the same code, and the codes held are theirs",
            Self::PositionsUnique => "no two orders of a store have the same position, none is beyond the last given",
            Self::KeysKnown => "an idempotency key points to an order of a day and epoch that was, or to none",
            Self::CountsDerived => {
                "the numbers of open orders, of each member's and of each store's waiting ones are those of the orders, \
                 and every store on sale has its counters"
            }
            Self::OffsetsCount => {
                "a store's offset counts at least the events of its open orders, and its board's offset no more than it"
            }
        }
    }

    /// Every violation in a state, at most [`VIOLATIONS_MAX`]. Walks all of it: not for the hot path.
    pub fn check(self, state: &State) -> Vec<Violation> {
        let mut found = Findings::new(self);
        match self {
            Self::StockBalances => whole::stock_balances(state, &mut found),
            Self::StockFollowsOrders => whole::stock_follows_orders(state, &mut found),
            Self::QuotaHolds => whole::quota_holds(state, &mut found),
            Self::ClaimsCounted => whole::claims_counted(state, &mut found),
            Self::CouponUsedOnce => whole::coupon_used_once(state, &mut found),
            Self::AmountsAddUp => state.orders().iter().for_each(|order| order::amounts_add_up(order, &mut found)),
            Self::MoneyBalances => state.orders().iter().for_each(|order| order::money_balances(order, &mut found)),
            Self::LifeFollowsStatus => {
                state.orders().iter().for_each(|order| order::life_follows_status(order, &mut found));
            }
            Self::OnlyOpenOrders => whole::only_open_orders(state, &mut found),
            Self::DeadlinesDerived => whole::deadlines_derived(state, &mut found),
            Self::CodesUnique => whole::codes_unique(state, &mut found),
            Self::PositionsUnique => whole::positions_unique(state, &mut found),
            Self::KeysKnown => whole::keys_known(state, &mut found),
            Self::CountsDerived => whole::counts_derived(state, &mut found),
            Self::OffsetsCount => whole::offsets_count(state, &mut found),
        }
        found.list
    }
}

impl fmt::Display for Invariant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "I{} {}", self.number(), self.name())
    }
}

/// A promise that was found broken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Which promise.
    pub invariant: Invariant,
    /// By what: an order, a stock line, a campaign.
    pub subject: String,
    /// How.
    pub detail: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}: {}", self.invariant, self.subject, self.detail)
    }
}

/// What a predicate found. Texts are made only for what is broken.
struct Findings {
    invariant: Invariant,
    list: Vec<Violation>,
}

impl Findings {
    fn new(invariant: Invariant) -> Self {
        Self { invariant, list: Vec::new() }
    }

    /// Notes a violation unless `holds`.
    fn expect(&mut self, holds: bool, subject: impl FnOnce() -> String, detail: impl FnOnce() -> String) {
        if !holds && self.list.len() < VIOLATIONS_MAX {
            self.list.push(Violation { invariant: self.invariant, subject: subject(), detail: detail() });
        }
    }
}

/// Every violation of a state.
pub fn check_all(state: &State) -> Vec<Violation> {
    Invariant::ALL.iter().flat_map(|invariant| invariant.check(state)).collect()
}

/// Every violation that one order, open or closed, shows by itself.
pub fn check_order(order: &Order) -> Vec<Violation> {
    let mut amounts = Findings::new(Invariant::AmountsAddUp);
    order::amounts_add_up(order, &mut amounts);
    let mut all = amounts.list;
    all.append(&mut check_changed(order));
    all
}

/// The violations that a change can bring to an order that had none: its amounts are frozen when it is placed.
pub fn check_changed(order: &Order) -> Vec<Violation> {
    let mut money = Findings::new(Invariant::MoneyBalances);
    order::money_balances(order, &mut money);
    let mut life = Findings::new(Invariant::LifeFollowsStatus);
    order::life_follows_status(order, &mut life);
    let mut all = money.list;
    all.append(&mut life.list);
    all
}

/// What one stock line shows by itself.
pub fn check_stock(store: &StoreId, sku: &Sku, line: &StockLine) -> Vec<Violation> {
    let mut found = Findings::new(Invariant::StockBalances);
    whole::line_balances(store, sku, line, &mut found);
    found.list
}

/// What a claim shows before it is taken in: the id is its member's, the ordinal is the member's next and within the
/// limit, the quota is not used up. This is how a replay proves the limit per member, which the claims alone can't.
pub fn check_claim(
    state: &State,
    coupon: CouponId,
    campaign: &CampaignId,
    member: &MemberId,
    ordinal: u16,
) -> Vec<Violation> {
    let secret = state.secret();
    let id = |ordinal| coupon_id(&secret, campaign, member, ordinal);
    let on_sale = state.catalog().campaigns.get(campaign);
    let limit = on_sale.map_or(0, |campaign| campaign.per_member).min(PER_MEMBER_MAX);
    let next = (0..PER_MEMBER_MAX).find(|ordinal| state.claim(id(*ordinal)).is_none());
    let subject = || format!("coupon {coupon} of {member}");

    let mut found = Findings::new(Invariant::ClaimsCounted);
    found.expect(coupon == id(ordinal), subject, || "the id is not its member's".into());
    found.expect(next == Some(ordinal), subject, || format!("ordinal {ordinal} where {next:?} is next"));
    found.expect(ordinal < limit, subject, || format!("ordinal {ordinal} where a member may have {limit}"));
    let mut quota = Findings::new(Invariant::QuotaHolds);
    let claimed = state.campaign_number(campaign).and_then(|number| state.campaign(number)).map_or(0, |c| c.claimed);
    let holds = on_sale.is_some_and(|campaign| claimed < campaign.quota);
    quota.expect(holds, subject, || format!("{claimed} are claimed already"));
    found.list.append(&mut quota.list);
    found.list
}
