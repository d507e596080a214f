//! The plain model's orders: placing, paying, and every step until they end.

use crate::commands::{HOUR, MINUTE, Options, Outcome};
use crate::plain::{Done, KnownCoupon, Line, Money, Order, Plain, Refusal, Wish};

impl Plain {
    /// The lines of an order with their prices, if everything asked for can be had.
    pub fn quote(&self, wish: &Wish<'_>) -> Result<Vec<Line>, Refusal> {
        let store = wish.store;
        if !self.on_sale(store) {
            return Err("unknown_store");
        }
        if !self.open(store) {
            return Err("store_closed");
        }
        if self.shops[store].paused.is_some_and(|until| until.is_none_or(|until| self.now < until)) {
            return Err("store_paused");
        }
        if wish.lines.is_empty() {
            return Err("over_limit");
        }
        let mut lines = Vec::new();
        for line in wish.lines {
            lines.push(self.price(store, line)?);
        }
        for line in &lines {
            let wanted: i64 = lines.iter().filter(|other| other.sku == line.sku).map(|other| other.quantity).sum();
            let stock = self.stock.get(&(store, line.sku)).ok_or("out_of_stock")?;
            if stock.counted && stock.available < wanted {
                return Err("out_of_stock");
            }
        }
        if let Some(coupon) = wish.coupon {
            self.redeem(wish.member, coupon, &mut lines)?;
        }
        for line in &mut lines {
            let rate = [Some(600), Some(1_300), None, Some(0), Some(600)][line.sku];
            // The tax in a gross amount, rounded half up.
            line.tax = rate.map(|rate| {
                let gross = (line.unit * line.quantity - line.discount) as f64;
                (gross * f64::from(rate) / (10_000.0 + f64::from(rate)) + 0.5).floor() as i64
            });
        }
        Ok(lines)
    }

    pub fn place(&mut self, wish: &Wish<'_>) -> Result<Done, Refusal> {
        let lines = self.quote(wish)?;
        let store = wish.store;
        let total: i64 = lines.iter().map(|line| line.unit * line.quantity).sum();
        let payable = payable(&lines);
        if wish.expects_right == Some(false) {
            return Err("price_changed");
        }
        let over = |order: &Order| matches!(order.status, "collected" | "cancelled" | "rejected");
        let open = self.orders.iter().filter(|order| order.member == wish.member && !over(order)).count();
        if self.open_orders_max.is_some_and(|max| open >= max) {
            return Err("over_limit");
        }
        self.happens();
        for line in &lines {
            let stock = self.stock.get_mut(&(store, line.sku)).unwrap();
            stock.available -= if stock.counted { line.quantity } else { 0 };
            stock.reserved += line.quantity;
        }
        let index = self.orders.len();
        let coupon = wish.coupon.and_then(Result::ok);
        if let Some((campaign, member, ordinal)) = coupon {
            self.campaigns.get_mut(&campaign).unwrap().claims.get_mut(&member).unwrap()[ordinal] = Some(index);
        }
        self.orders.push(Order {
            member: wish.member,
            store,
            lines,
            total,
            payable,
            coupon,
            status: "awaiting_payment",
            reason: None,
            money: Vec::new(),
            code: None,
            position: None,
            wait: None,
            deadline: Some(self.now + 15 * MINUTE),
            offset: 1,
            day: self.business_day(),
            born: self.now,
            generation: self.generation,
        });
        if payable == 0 {
            self.paid(index);
        }
        Ok(Done::Order { index, fresh: true })
    }

    fn price(&self, store: usize, line: &crate::commands::Line) -> Result<Line, Refusal> {
        if line.quantity == 0 || line.quantity > 999 {
            return Err("over_limit");
        }
        if !self.sold_at(line.sku, store) {
            return Err("unknown_item");
        }
        let base = self.base_price(line.sku);
        let meal = line.sku == 0;
        let extra = match line.options {
            Options::None if !meal => 0,
            Options::Cola if meal => 0,
            Options::JuiceAndTwo if meal => 300 + 100 + 250,
            _ => return Err("unknown_option"),
        };
        Ok(Line { sku: line.sku, quantity: i64::from(line.quantity), unit: base + extra, discount: 0, tax: None })
    }

    fn base_price(&self, sku: usize) -> i64 {
        [self.variant().meal_price, 900, 2_500, 1_200, 500][sku]
    }

    fn redeem(&self, member: usize, coupon: KnownCoupon, lines: &mut [Line]) -> Result<(), Refusal> {
        let (campaign, owner, ordinal) = coupon.map_err(|()| "coupon_not_usable")?;
        let used =
            self.campaigns.get(&campaign).and_then(|campaign| campaign.claims.get(&owner)?.get(ordinal).copied());
        let on_sale = campaign == 0 || self.variant().free;
        if owner != member || used != Some(None) || !on_sale || !self.campaign_open(campaign) {
            return Err("coupon_not_usable");
        }
        let (sku, pays) = if campaign == 0 { (0, 100) } else { (4, 0) };
        let line = lines.iter_mut().find(|line| line.sku == sku).ok_or("coupon_not_usable")?;
        line.discount = (self.base_price(sku) - pays).max(0);
        Ok(())
    }

    fn paid(&mut self, index: usize) {
        let store = self.orders[index].store;
        let ahead =
            self.orders.iter().filter(|order| order.store == store && matches!(order.status, "paid" | "accepted"));
        let wait = (5 + 2 * ahead.count() as i64).min(120);
        self.shops[store].positions += 1;
        let order = &mut self.orders[index];
        order.position = Some(self.shops[store].positions);
        order.wait = Some(wait);
        order.status = "paid";
        order.deadline = Some(self.now + 10 * MINUTE);
        order.offset += 1;
        for line in &order.lines {
            let stock = self.stock.get_mut(&(store, line.sku)).unwrap();
            stock.reserved -= line.quantity;
            stock.sold += line.quantity;
        }
    }

    pub fn pay(&mut self, index: usize, reference: &str, amount: i64) -> Result<Done, Refusal> {
        let done = Ok(Done::Order { index, fresh: false });
        let order = &self.orders[index];
        if amount <= 0 || order.money.iter().any(|money| money.reference == reference) {
            return done;
        }
        if order.money.len() >= 16 {
            return Err("over_limit");
        }
        self.happens();
        let order = &mut self.orders[index];
        let mut money = Money { reference: reference.into(), amount, refund: None };
        if order.status == "awaiting_payment" && amount == order.payable {
            order.money.push(money);
            self.paid(index);
        } else {
            money.refund = Some((refunds(order) + 1, "pending"));
            order.money.push(money);
            order.offset += 1;
        }
        done
    }

    /// A step by somebody, or by the clock with its reason. `from` are the statuses it is possible from, `past` those
    /// that have made it.
    fn step(&mut self, index: usize, from: &[&str], past: &[&str]) -> Result<bool, Refusal> {
        let status = self.orders[index].status;
        if past.contains(&status) {
            return Ok(false);
        }
        if !from.contains(&status) {
            return Err("wrong_status");
        }
        Ok(true)
    }

    fn end(&mut self, index: usize, status: &'static str, reason: Option<&str>) {
        self.happens();
        let unpaid = self.orders[index].status == "awaiting_payment";
        let order = &mut self.orders[index];
        order.status = status;
        order.reason = reason.map(Into::into);
        order.deadline = None;
        order.offset += 1;
        if status == "collected" {
            return;
        }
        let mut number = refunds(order);
        for money in order.money.iter_mut().filter(|money| money.refund.is_none()) {
            number += 1;
            money.refund = Some((number, "pending"));
        }
        for line in &order.lines {
            let stock = self.stock.get_mut(&(order.store, line.sku)).unwrap();
            *(if unpaid { &mut stock.reserved } else { &mut stock.sold }) -= line.quantity;
            stock.available += if stock.counted { line.quantity } else { 0 };
        }
        if let Some((campaign, member, ordinal)) = order.coupon {
            let claims = self.campaigns.get_mut(&campaign).and_then(|campaign| campaign.claims.get_mut(&member));
            if let Some(used) = claims.and_then(|claims| claims.get_mut(ordinal)).filter(|used| **used == Some(index)) {
                *used = None;
            }
        }
    }

    pub fn cancel(&mut self, index: usize) -> Result<Done, Refusal> {
        if self.step(index, &["awaiting_payment", "paid"], &["cancelled"])? {
            self.end(index, "cancelled", None);
        }
        Ok(Done::Order { index, fresh: false })
    }

    pub fn reject(&mut self, index: usize) -> Result<Done, Refusal> {
        if self.step(index, &["paid", "accepted", "ready"], &["rejected"])? {
            self.end(index, "rejected", Some("sorry"));
        }
        Ok(Done::Order { index, fresh: false })
    }

    pub fn collected(&mut self, index: usize) -> Result<Done, Refusal> {
        if self.step(index, &["ready"], &["collected"])? {
            self.end(index, "collected", None);
        }
        Ok(Done::Order { index, fresh: false })
    }

    pub fn ready(&mut self, index: usize, reason: Option<&str>) -> Result<Done, Refusal> {
        if self.step(index, &["accepted"], &["ready", "collected"])? {
            self.happens();
            let order = &mut self.orders[index];
            order.status = "ready";
            order.reason = reason.map(Into::into);
            order.deadline = Some(self.now + 4 * HOUR);
            order.offset += 1;
        }
        Ok(Done::Order { index, fresh: false })
    }

    pub fn accept(&mut self, index: usize, code: Option<String>) -> Result<Done, Refusal> {
        if self.step(index, &["paid"], &["accepted", "ready", "collected"])? {
            let (store, day) = (self.orders[index].store, self.orders[index].day);
            let held: Vec<String> = (self.orders.iter())
                .filter(|order| order.store == store && matches!(order.status, "accepted" | "ready"))
                .filter_map(|order| order.code.clone())
                .collect();
            if code.as_ref().is_some_and(|code| held.contains(code)) {
                return Err("pickup_code_taken");
            }
            self.happens();
            let codes = &mut self.shops[store].codes;
            let (next, chosen) = codes.entry(day).or_insert((101, Vec::new()));
            let code = match code {
                Some(code) => {
                    chosen.extend(code.parse::<u32>());
                    code
                }
                None => {
                    while chosen.contains(next) || held.contains(&next.to_string()) {
                        *next += 1;
                    }
                    *next += 1;
                    (*next - 1).to_string()
                }
            };
            while codes.len() > 2 {
                codes.pop_first();
            }
            let order = &mut self.orders[index];
            order.status = "accepted";
            order.code = Some(code);
            order.deadline = Some(self.now + 4 * HOUR);
            order.offset += 1;
        }
        Ok(Done::Order { index, fresh: false })
    }

    pub fn settle(&mut self, index: usize, number: u16, outcome: Outcome) -> Result<Done, Refusal> {
        let order = &mut self.orders[index];
        let refund = order.money.iter_mut().filter_map(|money| money.refund.as_mut()).find(|refund| refund.0 == number);
        let refund = refund.ok_or("wrong_status")?;
        let status = match (refund.1, outcome) {
            ("pending" | "failed", Outcome::Succeeded) => "succeeded",
            ("pending", Outcome::Failed) => "failed",
            ("failed", Outcome::Retried) => "pending",
            (same, _) => same,
        };
        if refund.1 != status {
            refund.1 = status;
            order.offset += 1;
            self.happens();
        }
        Ok(Done::Order { index, fresh: false })
    }

    pub fn pass_deadline(&mut self, index: usize) {
        let order = &self.orders[index];
        if order.deadline.is_none_or(|deadline| self.now < deadline) {
            return;
        }
        match order.status {
            "awaiting_payment" => self.end(index, "cancelled", Some("payment_timeout")),
            "paid" => self.end(index, "rejected", Some("store_timeout")),
            "accepted" => drop(self.ready(index, Some("auto"))),
            _ => self.end(index, "collected", Some("auto")),
        }
    }
}

fn refunds(order: &Order) -> u16 {
    order.money.iter().filter(|money| money.refund.is_some()).count() as u16
}

pub fn payable(lines: &[Line]) -> i64 {
    lines.iter().map(|line| line.unit * line.quantity - line.discount).sum()
}
