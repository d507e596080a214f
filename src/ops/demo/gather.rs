//! Asks the node for everything that the comparison needs, through the same API as everybody.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use futures_util::StreamExt;
use futures_util::stream;
use http::StatusCode;
use serde_json::Value;
use smol_str::SmolStr;

use super::basket::{number, text};
use super::check::{CampaignFigures, StockFigures};
use super::ledger::{ClaimNote, OrderNote, Seen};
use super::world::{Trouble, World, refused};
use crate::ops::client::http::Call;

/// Questions asked at once.
pub const AT_ONCE: usize = 32;

/// Stock lines by store and SKU.
pub type Stock = BTreeMap<(SmolStr, SmolStr), StockFigures>;

/// Campaigns by id.
pub type Campaigns = BTreeMap<SmolStr, CampaignFigures>;

/// What the node says about each order: nothing where it knows none.
#[derive(Debug, Default, Clone)]
pub struct Answers {
    /// By order id.
    pub orders: HashMap<SmolStr, Seen>,
    /// Store and business day of every order.
    pub days: BTreeSet<(SmolStr, SmolStr)>,
}

/// Every stock line of every store.
pub async fn stock(world: &World) -> Result<Stock, Trouble> {
    let mut lines = Stock::new();
    for store in world.stores().await?.iter().map(|store| text(store, "id")) {
        let path = format!("/v1/stores/{store}/stock");
        let answer = world.expect("the stock", Call::get(&path).token(&world.operator)).await?;
        for line in list(&answer, "stock") {
            let figures = StockFigures {
                available: line.get("available").and_then(Value::as_i64),
                reserved: number(line, "reserved"),
                sold: number(line, "sold"),
            };
            lines.insert((store.into(), text(line, "sku").into()), figures);
        }
    }
    Ok(lines)
}

/// Every campaign's quota and what is left of it.
pub async fn campaigns(world: &World) -> Result<Campaigns, Trouble> {
    let answer = world.expect("the campaigns", Call::get("/v1/campaigns")).await?;
    let figures = |campaign: &Value| {
        let figures = CampaignFigures { quota: number(campaign, "quota"), remaining: number(campaign, "remaining") };
        (SmolStr::from(text(campaign, "id")), figures)
    };
    Ok(list(&answer, "campaigns").iter().map(figures).collect())
}

/// One order; nothing where the node knows none such.
pub async fn order(world: &World, id: &str) -> Result<Option<Value>, Trouble> {
    let path = format!("/v1/orders/{id}");
    let reply = world.insist(Call::get(&path).token(&world.operator)).await?;
    match reply.status {
        StatusCode::OK => Ok(Some(reply.json())),
        StatusCode::NOT_FOUND => Ok(None),
        _ => Err(refused(&path, &reply)),
    }
}

/// Every order, asked one by one.
pub async fn orders(world: &World, notes: &[OrderNote]) -> Result<Answers, Trouble> {
    let ask = |id: SmolStr| async move { order(world, &id).await };
    let mut asked = stream::iter(notes.iter().map(|note| ask(note.last.id.clone()))).buffer_unordered(AT_ONCE);
    let mut answers = Answers::default();
    while let Some(answer) = asked.next().await {
        if let Some(order) = answer? {
            answers.days.insert((text(&order, "store").into(), text(&order, "business_day").into()));
            answers.orders.insert(text(&order, "id").into(), Seen::of(&order));
        }
    }
    Ok(answers)
}

/// Ids of this run's orders as the stores list them.
pub async fn store_lists(world: &World, days: &BTreeSet<(SmolStr, SmolStr)>) -> Result<Vec<SmolStr>, Trouble> {
    let mut ids = Vec::new();
    for (store, day) in days {
        let mut cursor = String::new();
        loop {
            let path = format!("/v1/stores/{store}/orders?business_day={day}&limit=500{cursor}");
            let answer = world.expect("a store's orders", Call::get(&path).token(&world.operator)).await?;
            let ours = list(&answer, "orders").iter().filter(|order| is_of_run(text(order, "member"), &world.run));
            ids.extend(ours.map(|order| SmolStr::from(text(order, "id"))));
            match answer.get("next_cursor").and_then(Value::as_str) {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
    }
    Ok(ids)
}

fn is_of_run(member: &str, run: &str) -> bool {
    member.strip_prefix(run).is_some_and(|rest| rest.starts_with('-'))
}

/// Status of every coupon claimed, asked as its owner.
pub async fn coupons(world: &World, claims: &[ClaimNote]) -> Result<HashMap<SmolStr, SmolStr>, Trouble> {
    let members: BTreeSet<&SmolStr> = claims.iter().map(|claim| &claim.member).collect();
    let ask = |member: SmolStr| async move {
        let token = world.token("customer", &member, None).await?;
        world.expect("a member's coupons", Call::get("/v1/me/coupons?limit=500").token(&token)).await
    };
    let mut asked = stream::iter(members.into_iter().map(|member| ask(member.clone()))).buffer_unordered(AT_ONCE);
    let mut statuses = HashMap::new();
    while let Some(answer) = asked.next().await {
        let answer = answer?;
        let coupons = list(&answer, "coupons").iter();
        statuses.extend(coupons.map(|coupon| (text(coupon, "id").into(), text(coupon, "status").into())));
    }
    Ok(statuses)
}

/// A store's board as `GET` answers it.
pub async fn board(world: &World, store: &str) -> Result<Value, Trouble> {
    let path = format!("/v1/stores/{store}/board");
    world.expect("a board", Call::get(&path).token(&world.operator)).await
}

/// A list in an answer; empty where there is none.
pub fn list<'a>(answer: &'a Value, field: &str) -> &'a [Value] {
    answer.get(field).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}
