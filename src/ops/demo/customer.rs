//! One customer from the menu to the meal: claims, orders, pays, waits on the socket for the code, and collects. More than
//! one in ten misbehaves on purpose.

use std::sync::Arc;
use std::time::{Duration, Instant};

use http::StatusCode;
use serde_json::{Value, json};
use smol_str::SmolStr;

use super::basket::{Basket, Coupon, number, text};
use super::dice::Dice;
use super::ledger::{ClaimNote, OrderNote, increment};
use super::watching::Watching;
use super::world::{Trouble, World, refused};
use crate::ops::client::http::Call;

/// How long a customer waits for an order to end before the demo says that it never did.
const ENDS_WITHIN: Duration = Duration::from_secs(120);

/// What a customer does beside the plain thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Habit {
    /// Orders, pays, collects.
    Plain,
    /// Changes its mind before paying.
    CancelsUnpaid,
    /// Changes its mind right after paying.
    CancelsPaid,
    /// Goes away without paying.
    NeverPays,
    /// Pays when the order is cancelled already.
    PaysLate,
    /// Pays again from a second device.
    PaysTwice,
    /// Loses patience with the first answer and sends the same order with the same key again.
    RepeatsKey,
    /// Loses the socket after paying and comes back.
    DropsSocket,
    /// The first attempt to pay fails.
    PaymentFails,
}

impl Habit {
    /// Seven in ten are plain.
    fn of(dice: &mut Dice) -> Self {
        match dice.below(100) {
            0..4 => Self::CancelsUnpaid,
            4..8 => Self::CancelsPaid,
            8..11 => Self::NeverPays,
            11..14 => Self::PaysLate,
            14..18 => Self::PaysTwice,
            18..22 => Self::RepeatsKey,
            22..28 => Self::DropsSocket,
            28..30 => Self::PaymentFails,
            _ => Self::Plain,
        }
    }
}

/// Lives one customer's visit. What goes wrong is noted in the ledger.
pub async fn visit(world: Arc<World>, number: u64) {
    let mut dice = Dice::new(world.seed, number);
    let habit = Habit::of(&mut dice);
    increment(&world.ledger.counts.customers);
    if habit != Habit::Plain {
        increment(&world.ledger.counts.misbehaved);
    }
    let member = format!("{}-{number}", world.run);
    let visitor = Visitor { world: &world, member: &member, habit };
    if let Err(trouble) = visitor.visit(&mut dice).await {
        world.ledger.violation(format!("customer {member} ({habit:?}): {trouble}"));
    }
}

struct Visitor<'a> {
    world: &'a World,
    member: &'a str,
    habit: Habit,
}

impl Visitor<'_> {
    async fn visit(&self, dice: &mut Dice) -> Result<(), Trouble> {
        let world = self.world;
        let token = world.token("customer", self.member, None).await?;
        let Some(store) = world.pick_store(dice).await? else {
            world.ledger.turned_away("no-store-open".to_owned());
            return Ok(());
        };
        let menu = world.menu(&store).await?;
        let coupon = if dice.percent(45) { self.claim(&token, dice).await? } else { None };
        let basket = menu.compose(coupon.as_ref(), dice);
        let Some(order) = self.place(&token, &store, &basket, coupon.as_ref(), dice).await? else { return Ok(()) };
        increment(&world.ledger.counts.placed);
        let units = basket.units.iter().map(|(sku, quantity)| (SmolStr::from(sku.as_str()), *quantity)).collect();
        let mut note = OrderNote {
            store: store.into(),
            units,
            total: basket.total,
            discount: basket.discount,
            coupon: coupon.map(|coupon| coupon.id.into()),
            ..OrderNote::default()
        };
        let mut watching = Watching::new(world, &token, &order);
        // Whatever happens, what is known of the order is noted: it will be compared.
        let lived = self.live(&token, &order, &mut note, &mut watching, dice).await;
        note.last = watching.seen().cloned().unwrap_or_default();
        note.last.id = order.as_str().into();
        note.pushed_code = watching.code.clone();
        if !note.last.has_ended() {
            world.ledger.violation(format!("order {order} did not end: {}", note.last.status));
        }
        world.ledger.order(note);
        lived
    }

    /// A coupon of one of the campaigns, where there is one to have.
    async fn claim(&self, token: &str, dice: &mut Dice) -> Result<Option<Coupon>, Trouble> {
        let answer = self.world.expect("GET /v1/campaigns", Call::get("/v1/campaigns").token(token)).await?;
        let campaigns = answer.get("campaigns").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        let Some(campaign) = dice.one_of(campaigns) else { return Ok(None) };
        let id = text(campaign, "id");
        let path = format!("/v1/campaigns/{id}/claim");
        let reply = self.world.insist(Call::post(&path).token(token)).await?;
        match (reply.status, reply.problem().as_str()) {
            (StatusCode::OK | StatusCode::CREATED, _) => {
                let json = reply.json();
                let coupon = text(&json, "id").to_owned();
                let (member, campaign_id) = (self.member.into(), id.into());
                self.world.ledger.claim(ClaimNote { member, campaign: campaign_id, coupon: coupon.as_str().into() });
                let (sku, pay_price) = (text(campaign, "sku").to_owned(), number(campaign, "pay_price"));
                Ok(Some(Coupon { id: coupon, sku, pay_price }))
            }
            (StatusCode::UNPROCESSABLE_ENTITY, problem @ ("quota-exhausted" | "campaign-closed")) => {
                self.world.ledger.turned_away(problem.to_owned());
                Ok(None)
            }
            _ => Err(refused(&path, &reply)),
        }
    }

    /// Places the order; nothing where the customer is refused for a reason that is the world's.
    async fn place(
        &self,
        token: &str,
        store: &str,
        basket: &Basket,
        coupon: Option<&Coupon>,
        dice: &mut Dice,
    ) -> Result<Option<String>, Trouble> {
        let mut body = json!({"store": store, "lines": basket.lines, "expected_total": basket.payable()});
        if let Some(fields) = body.as_object_mut() {
            if let Some(coupon) = coupon {
                fields.insert("coupon".to_owned(), json!(coupon.id));
            }
            if dice.percent(10) {
                fields.insert("note".to_owned(), json!("少辣，谢谢 / less spicy, please"));
            }
        }
        let key = format!("{}-1", self.member);
        let call = Call::post("/v1/orders").token(token).key(&key).json(&body);
        if self.habit == Habit::RepeatsKey {
            // The answer is not waited for: it may come, or the order may be on its way, or never have left.
            let impatience = dice.millis(0, 8);
            let _ = tokio::time::timeout(impatience, self.world.http.send(call.clone())).await;
        }
        let reply = self.world.insist(call.clone()).await?;
        let fresh = reply.status == StatusCode::CREATED;
        let order = match (reply.status, reply.problem().as_str()) {
            (StatusCode::OK | StatusCode::CREATED, _) => reply.json(),
            (
                StatusCode::UNPROCESSABLE_ENTITY,
                problem @ ("out-of-stock" | "store-closed" | "store-paused" | "over-limit"),
            ) => {
                self.world.ledger.turned_away(problem.to_owned());
                return Ok(None);
            }
            _ => return Err(refused("POST /v1/orders", &reply)),
        };
        let id = text(&order, "id").to_owned();
        if self.habit == Habit::RepeatsKey || dice.percent(5) {
            let again = self.world.insist(call).await?;
            let same = text(&again.json(), "id") == id;
            if again.status != StatusCode::OK || !same {
                let what = format!("order {id}: the same key again answered {}, fresh before: {fresh}", again.status);
                self.world.ledger.violation(what);
            }
        }
        Ok(Some(id))
    }

    /// From the placed order to its end.
    async fn live(
        &self,
        token: &str,
        order: &str,
        note: &mut OrderNote,
        watching: &mut Watching<'_>,
        dice: &mut Dice,
    ) -> Result<(), Trouble> {
        let given_up = Instant::now() + ENDS_WITHIN;
        self.until(watching, given_up, |_| true).await;
        tokio::time::sleep(dice.millis(50, 600)).await;
        match self.habit {
            Habit::CancelsUnpaid => self.cancel(token, order).await?,
            Habit::NeverPays => {}
            Habit::PaysLate => {
                self.until(watching, given_up, |seen| seen.is_final()).await;
                self.pay(order, note, None).await?;
            }
            _ => self.pay_and_wait(token, order, note, watching, dice, given_up).await?,
        }
        // Money that came counts once its effect is shown: an order may look ended before a second payment shows up.
        let paid: i64 = note.payments.iter().sum();
        self.until(watching, given_up, |seen| {
            let kept = if seen.status == "collected" { seen.payable } else { 0 };
            seen.has_ended() && seen.refunded() + kept >= paid
        })
        .await;
        Ok(())
    }

    async fn pay_and_wait(
        &self,
        token: &str,
        order: &str,
        note: &mut OrderNote,
        watching: &mut Watching<'_>,
        dice: &mut Dice,
        given_up: Instant,
    ) -> Result<(), Trouble> {
        let path = format!("/v1/orders/{order}/pay");
        let reply = self.world.insist(Call::post(&path).token(token).json(&json!({"provider": "sandbox"}))).await?;
        match reply.status {
            StatusCode::OK => {}
            // Too slow: it was cancelled for want of payment.
            StatusCode::CONFLICT => return Ok(()),
            _ => return Err(refused(&path, &reply)),
        }
        if self.habit == Habit::PaymentFails {
            let fail = format!("/v1/sandbox/payments/{order}/fail");
            self.world.expect("a failed payment", Call::post(&fail)).await?;
        }
        self.pay(order, note, None).await?;
        let paid_at = Instant::now();
        match self.habit {
            Habit::CancelsPaid => self.cancel(token, order).await?,
            Habit::PaysTwice => {
                tokio::time::sleep(dice.millis(0, 1_500)).await;
                self.pay(order, note, Some("second-device")).await?;
            }
            Habit::DropsSocket => {
                watching.drop_socket();
                tokio::time::sleep(dice.millis(100, 1_500)).await;
            }
            _ => {}
        }
        let told = self.until(watching, given_up, |seen| seen.pickup_code.is_some() || seen.is_final()).await;
        if told && watching.code.is_some() {
            self.world.ledger.code_after(paid_at.elapsed());
        }
        Ok(())
    }

    /// Pays as the provider would notify it; a payment of another reference is a second payment.
    async fn pay(&self, order: &str, note: &mut OrderNote, reference: Option<&str>) -> Result<(), Trouble> {
        let path = format!("/v1/sandbox/payments/{order}/succeed");
        let body = reference.map(|name| json!({"reference": format!("{name}-{order}")}));
        let call = Call::post(&path);
        let call = if let Some(body) = &body { call.json(body) } else { call };
        let answer = self.world.expect("a payment", call).await?;
        if note.payments.is_empty() {
            increment(&self.world.ledger.counts.paid);
        }
        note.payments.push(number(&answer, "payable"));
        Ok(())
    }

    /// Calls it off; too late is part of life.
    async fn cancel(&self, token: &str, order: &str) -> Result<(), Trouble> {
        let path = format!("/v1/orders/{order}/cancel");
        let reply = self.world.insist(Call::post(&path).token(token)).await?;
        match reply.status {
            StatusCode::OK | StatusCode::CONFLICT => Ok(()),
            _ => Err(refused(&path, &reply)),
        }
    }

    /// Watches until the order is so; answers whether it became so in time.
    async fn until(
        &self,
        watching: &mut Watching<'_>,
        given_up: Instant,
        so: impl Fn(&super::ledger::Seen) -> bool,
    ) -> bool {
        loop {
            if watching.seen().is_some_and(&so) {
                return true;
            }
            match tokio::time::timeout_at(given_up.into(), watching.next()).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => {
                    self.world.ledger.violation(format!("customer {}: {error}", self.member));
                    return false;
                }
                Err(_) => return false,
            }
        }
    }
}
