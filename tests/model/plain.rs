//! The plain model: what the contract says, in the simplest words, with its own arithmetic and nothing of the domain's.
//! Nothing is ever deleted, everything is found by walking.

use std::collections::BTreeMap;

use crate::commands::{FIRST_VARIANT, HOUR, MINUTE, Variant};
use crate::world::{BEGIN, FREE_ENDS, YUAN_ENDS};

const DAY: i64 = 24 * HOUR;

/// Why not: one word for each of the contract's refusals.
pub type Refusal = &'static str;

/// What a command did.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Done {
    /// The order with this index, and whether it is new.
    Order {
        index: usize,
        fresh: bool,
    },
    Coupon {
        campaign: usize,
        member: usize,
        ordinal: usize,
        fresh: bool,
    },
    Nothing,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Stock {
    pub counted: bool,
    pub available: i64,
    pub reserved: i64,
    pub sold: i64,
}

#[derive(Debug, Clone)]
pub struct Money {
    pub reference: String,
    pub amount: i64,
    /// Number and status of the refund.
    pub refund: Option<(u16, &'static str)>,
}

#[derive(Debug, Clone)]
pub struct Line {
    pub sku: usize,
    pub quantity: i64,
    pub unit: i64,
    pub discount: i64,
    pub tax: Option<i64>,
}

#[derive(Debug, Clone)]
pub struct Order {
    pub member: usize,
    pub store: usize,
    pub lines: Vec<Line>,
    pub total: i64,
    pub payable: i64,
    pub coupon: Option<(usize, usize, usize)>,
    pub status: &'static str,
    pub reason: Option<String>,
    pub money: Vec<Money>,
    pub code: Option<String>,
    pub position: Option<u64>,
    pub wait: Option<i64>,
    pub deadline: Option<i64>,
    pub offset: u64,
    pub day: i64,
    pub born: i64,
    /// When its key was remembered, in generations of keys.
    pub generation: u64,
}

impl Order {
    pub fn closed(&self) -> bool {
        let over = matches!(self.status, "collected" | "cancelled" | "rejected");
        over && self.money.iter().all(|money| money.refund.is_none_or(|(_, status)| status == "succeeded"))
    }
}

#[derive(Debug, Clone)]
pub struct Campaign {
    /// Claims of each member: which order uses each.
    pub claims: BTreeMap<usize, Vec<Option<usize>>>,
}

#[derive(Debug, Clone)]
pub struct Adjusted {
    pub generation: u64,
    pub body: (usize, usize, i32),
}

#[derive(Debug, Clone, Default)]
pub struct Shop {
    /// Pause, with its end.
    pub paused: Option<Option<i64>>,
    pub positions: u64,
    /// Of each day: the next number, and the numbers POSes chose.
    pub codes: BTreeMap<i64, (u32, Vec<u32>)>,
}

/// A coupon of (campaign, member, ordinal); `Err` is none that anybody claimed.
pub type KnownCoupon = Result<(usize, usize, usize), ()>;

pub struct Wish<'a> {
    pub member: usize,
    pub store: usize,
    pub lines: &'a [crate::commands::Line],
    pub coupon: Option<KnownCoupon>,
    /// The expected total, if any: right or wrong.
    pub expects_right: Option<bool>,
}

pub struct Plain {
    pub now: i64,
    pub variant: Option<Variant>,
    pub stock: BTreeMap<(usize, usize), Stock>,
    pub shops: Vec<Shop>,
    pub campaigns: BTreeMap<usize, Campaign>,
    pub orders: Vec<Order>,
    pub adjusted: BTreeMap<(bool, usize), Adjusted>,
    pub open_orders_max: Option<usize>,
    /// Whether a campaign was forgotten with its claims.
    pub forgotten: bool,
    keys_began: i64,
    pub generation: u64,
}

impl Plain {
    pub fn new(open_orders_max: Option<usize>) -> Self {
        let mut plain = Self {
            now: BEGIN,
            variant: None,
            stock: BTreeMap::new(),
            shops: vec![Shop::default(); 5],
            campaigns: BTreeMap::new(),
            orders: Vec::new(),
            adjusted: BTreeMap::new(),
            open_orders_max,
            forgotten: false,
            keys_began: BEGIN,
            generation: 0,
        };
        plain.import(FIRST_VARIANT).unwrap();
        plain
    }

    pub fn variant(&self) -> Variant {
        self.variant.unwrap_or(FIRST_VARIANT)
    }

    /// Something happens now: once a day old keys go, and with them campaigns that are withdrawn and long over.
    pub fn happens(&mut self) {
        if self.now >= self.keys_began + DAY {
            self.keys_began = self.now;
            self.generation += 1;
            let gone = !self.variant().free && self.now >= FREE_ENDS + 2 * DAY;
            if gone && self.campaigns.remove(&1).is_some() {
                self.forgotten = true;
            }
        }
    }

    /// Whether a key of that generation is still known; for a day it must be.
    pub fn remembers(&self, generation: u64, since: i64) -> bool {
        let known = self.generation - generation <= 1;
        assert!(known || self.now - since >= DAY, "a key was forgotten within a day");
        known
    }

    pub fn on_sale(&self, store: usize) -> bool {
        store < 3 || (store == 3 && self.variant().fourth_store)
    }

    pub fn sold_at(&self, sku: usize, store: usize) -> bool {
        match sku {
            1 => store < 2,
            3 => self.variant().soup,
            _ => sku < 5,
        }
    }

    fn minute_of_day(&self) -> i64 {
        (self.now + 8 * HOUR).rem_euclid(DAY) / MINUTE
    }

    pub fn business_day(&self) -> i64 {
        (self.now + 4 * HOUR).div_euclid(DAY) - 18_262
    }

    pub fn open(&self, store: usize) -> bool {
        let minute = self.minute_of_day();
        match store {
            1 => (360..1_320).contains(&minute),
            2 => !(120..1_080).contains(&minute),
            _ => true,
        }
    }

    pub fn campaign_open(&self, campaign: usize) -> bool {
        let ends = if campaign == 0 { YUAN_ENDS } else { FREE_ENDS };
        (BEGIN..ends).contains(&self.now)
    }

    pub fn import(&mut self, variant: Variant) -> Result<Done, Refusal> {
        let claimed = |campaign| self.campaigns.get(&campaign).map_or(0, claimed);
        if claimed(0) > variant.yuan_quota as usize || (variant.free && claimed(1) > 5) {
            return Err("quota_below_claimed");
        }
        let before = self.variant.replace(variant);
        let empty = Campaign { claims: BTreeMap::new() };
        // The first thing that happens may end a campaign; the file then begins it anew.
        let defined = |variant| Variant { set_stock: false, soup_stock: 0, ..variant };
        let anything = before.is_none_or(|before| defined(before) != defined(variant));
        let mut stock_changes = Vec::new();
        for store in (0..4).filter(|store| self.on_sale(*store)) {
            for (sku, declared) in [(0, Some(6)), (1, Some(4)), (2, None), (3, Some(variant.soup_stock)), (4, Some(2))]
            {
                let declared = if (store, sku) == (0, 4) { Some(5) } else { declared.map(i64::from) };
                let differs = |line: &Stock| line.counted.then_some(line.available) != declared;
                let line = self.stock.get(&(store, sku));
                if self.sold_at(sku, store) && line.is_none_or(|line| variant.set_stock && differs(line)) {
                    stock_changes.push((store, sku, declared));
                }
            }
        }
        if anything || !stock_changes.is_empty() {
            self.variant = before.or(Some(variant));
            self.happens();
            self.variant = Some(variant);
        }
        self.campaigns.entry(0).or_insert_with(|| empty.clone());
        if variant.free {
            self.campaigns.entry(1).or_insert(empty);
        }
        for (store, sku, declared) in stock_changes {
            self.count(store, sku, declared);
        }
        Ok(Done::Nothing)
    }

    fn count(&mut self, store: usize, sku: usize, available: Option<i64>) {
        let nothing = Stock { counted: true, available: 0, reserved: 0, sold: 0 };
        let line = self.stock.entry((store, sku)).or_insert(nothing);
        line.counted = available.is_some();
        line.available = available.unwrap_or(0);
    }

    pub fn claim(&mut self, member: usize, campaign: usize) -> Result<Done, Refusal> {
        if campaign == 2 || (campaign == 1 && !self.variant().free) {
            return Err("unknown_campaign");
        }
        if !self.campaign_open(campaign) {
            return Err("campaign_closed");
        }
        let (quota, per_member) = if campaign == 0 { (self.variant().yuan_quota as usize, 1) } else { (5, 2) };
        let claims = &self.campaigns[&campaign];
        let mine = claims.claims.get(&member).cloned().unwrap_or_default();
        if let Some(ordinal) = mine.iter().position(Option::is_none) {
            return Ok(Done::Coupon { campaign, member, ordinal, fresh: false });
        }
        if mine.len() >= per_member {
            return Err("over_limit");
        }
        if claimed(claims) >= quota {
            return Err("quota_exhausted");
        }
        self.happens();
        self.campaigns.get_mut(&campaign).unwrap().claims.entry(member).or_default().push(None);
        Ok(Done::Coupon { campaign, member, ordinal: mine.len(), fresh: true })
    }

    pub fn set_stock(&mut self, store: usize, sku: usize, available: Option<u32>) -> Result<Done, Refusal> {
        let line = self.line(store, sku)?;
        if line.is_none_or(|line| line.counted.then_some(line.available) != available.map(i64::from)) {
            self.happens();
            self.count(store, sku, available.map(i64::from));
        }
        Ok(Done::Nothing)
    }

    /// `by_operator` and `key` make the subject's own key; it is remembered with what was asked.
    pub fn adjust(
        &mut self,
        by_operator: bool,
        key: usize,
        store: usize,
        sku: usize,
        delta: i32,
    ) -> Result<Done, Refusal> {
        let body = (store, sku, delta);
        // A POS of another store is another subject.
        let subject = (by_operator, key * 10 + if by_operator { 0 } else { store });
        if let Some(known) = self.adjusted.get(&subject).filter(|known| self.generation - known.generation <= 1) {
            return if known.body == body { Ok(Done::Nothing) } else { Err("idempotency_key_reused") };
        }
        let line = self.line(store, sku)?;
        if line.is_some_and(|line| !line.counted) {
            return Err("stock_not_counted");
        }
        let after = line.map_or(0, |line| line.available) + i64::from(delta);
        if after < 0 {
            return Err("out_of_stock");
        }
        self.happens();
        self.count(store, sku, Some(after));
        self.adjusted.insert(subject, Adjusted { generation: self.generation, body });
        Ok(Done::Nothing)
    }

    fn line(&self, store: usize, sku: usize) -> Result<Option<&Stock>, Refusal> {
        if !self.on_sale(store) {
            return Err("unknown_store");
        }
        let line = self.stock.get(&(store, sku));
        if line.is_none() && !self.sold_at(sku, store) {
            return Err("unknown_item");
        }
        Ok(line)
    }

    pub fn accepting(&mut self, store: usize, pause: Option<Option<i64>>) -> Result<Done, Refusal> {
        if !self.on_sale(store) {
            return Err("unknown_store");
        }
        if self.shops[store].paused != pause {
            self.happens();
            self.shops[store].paused = pause;
        }
        Ok(Done::Nothing)
    }
}

fn claimed(campaign: &Campaign) -> usize {
    campaign.claims.values().map(Vec::len).sum()
}
