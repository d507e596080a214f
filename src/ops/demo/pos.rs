//! The stores' side: a POS that takes orders from its queue, a call screen that follows its board, and a store that
//! pauses now and then. Some orders are rejected, some are never answered, some calls are said twice.

use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::basket::text;
use super::dice::Dice;
use super::world::{Trouble, World, refused};
use crate::ops::client::http::Call;
use crate::ops::client::socket::{Frame, Socket, SocketError};

/// Orders that one POS works on at once.
const AT_ONCE_MAX: usize = 2_000;

/// Runs a store's POS until everybody goes home.
pub async fn run_pos(world: Arc<World>, store: String) {
    if let Err(trouble) = follow_queue(&world, &store).await {
        world.ledger.violation(format!("the POS of {store}: {trouble}"));
    }
}

async fn follow_queue(world: &Arc<World>, store: &str) -> Result<(), Trouble> {
    let token: Arc<str> = world.token("store", &format!("pos-{store}"), Some(store)).await?.into();
    let mut cursor = String::new();
    let mut meals = JoinSet::new();
    while !world.is_closing() {
        let path = format!("/v1/stores/{store}/queue?after={cursor}&wait=2&limit=100");
        let reply = world.insist(Call::get(&path).token(&token)).await?;
        let answer = match reply.status {
            StatusCode::OK => reply.json(),
            StatusCode::GONE => {
                cursor.clear();
                continue;
            }
            _ => return Err(refused(&path, &reply)),
        };
        text(&answer, "cursor").clone_into(&mut cursor);
        for order in answer.get("orders").and_then(Value::as_array).map_or(&[][..], Vec::as_slice) {
            if text(order, "status") == "paid" {
                meals.spawn(make(Arc::clone(world), Arc::clone(&token), text(order, "id").to_owned()));
            }
        }
        while meals.try_join_next().is_some() {}
        if meals.len() > AT_ONCE_MAX {
            meals.join_next().await;
        }
    }
    meals.shutdown().await;
    Ok(())
}

/// One order through the kitchen.
async fn make(world: Arc<World>, token: Arc<str>, order: String) {
    let cook = Cook { world: &world, token: &token, order: &order };
    if let Err(trouble) = cook.make().await {
        world.ledger.violation(format!("the POS, order {order}: {trouble}"));
    }
}

struct Cook<'a> {
    world: &'a World,
    token: &'a str,
    order: &'a str,
}

impl Cook<'_> {
    async fn make(&self) -> Result<(), Trouble> {
        let mut dice = Dice::new(self.world.seed, hash(self.order));
        match dice.below(100) {
            // Nobody looks at the screen: the deadline gives the customer the money back.
            0..2 => return Ok(()),
            2..5 => {
                tokio::time::sleep(dice.millis(20, 300)).await;
                self.step("reject", json!({"reason": "卖完了 / sold out"}), &mut dice).await?;
                return Ok(());
            }
            _ => tokio::time::sleep(dice.millis(20, 400)).await,
        }
        let own_code = dice.percent(10).then(|| format!("P{:03}", dice.below(1_000)));
        let wish = own_code.map_or_else(|| json!({}), |code| json!({"pickup_code": code}));
        let accepted = match self.step("accept", wish, &mut dice).await? {
            Stepped::CodeTaken => self.step("accept", json!({}), &mut dice).await?,
            other => other,
        };
        let Stepped::Done(accepted) = accepted else { return Ok(()) };
        self.world.ledger.accepted(self.order, text(&accepted, "pickup_code"));
        tokio::time::sleep(dice.millis(50, 1_000)).await;
        if dice.percent(1) {
            self.step("reject", json!({"reason": "做不了了 / can't be made after all"}), &mut dice).await?;
            return Ok(());
        }
        self.step("ready", Value::Null, &mut dice).await?;
        tokio::time::sleep(dice.millis(50, 800)).await;
        self.step("collected", Value::Null, &mut dice).await?;
        Ok(())
    }

    /// One call; now and then said twice, as over a broken line.
    async fn step(&self, step: &str, body: Value, dice: &mut Dice) -> Result<Stepped, Trouble> {
        let path = format!("/v1/orders/{}/{step}", self.order);
        let call = Call::post(&path).token(self.token);
        let call = if body.is_null() { call } else { call.json(&body) };
        let mut reply = self.world.insist(call.clone()).await?;
        if dice.percent(4) {
            reply = self.world.insist(call).await?;
        }
        match (reply.status, reply.problem().as_str()) {
            (StatusCode::OK, _) => Ok(Stepped::Done(reply.json())),
            (StatusCode::CONFLICT, "wrong-status") => Ok(Stepped::TooLate),
            (StatusCode::UNPROCESSABLE_ENTITY, "pickup-code-taken") => Ok(Stepped::CodeTaken),
            _ => Err(refused(&path, &reply)),
        }
    }
}

enum Stepped {
    Done(Value),
    /// Cancelled, or timed out meanwhile.
    TooLate,
    CodeTaken,
}

/// FNV-1a: the same order is treated the same in every run of the same seed.
fn hash(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

/// Pauses a random store for a moment, again and again.
pub async fn run_pauses(world: Arc<World>) {
    let mut dice = Dice::new(world.seed, u64::MAX);
    let mut closing = world.closing.clone();
    loop {
        tokio::select! {
            () = tokio::time::sleep(dice.millis(3_000, 6_000)) => {}
            _ = closing.wait_for(|closing| *closing) => return,
        }
        if let Err(trouble) = pause_one(&world, &mut dice).await {
            world.ledger.violation(format!("pausing a store: {trouble}"));
        }
    }
}

async fn pause_one(world: &World, dice: &mut Dice) -> Result<(), Trouble> {
    let Some(store) = world.pick_store(dice).await? else { return Ok(()) };
    let path = format!("/v1/stores/{store}/accepting");
    let pause = json!({"accepting": false, "reason": "忙不过来 / too busy"});
    world.expect("a pause", Call::put(&path).token(&world.operator).json(&pause)).await?;
    tokio::time::sleep(dice.millis(300, 1_200)).await;
    world.expect("its end", Call::put(&path).token(&world.operator).json(&json!({"accepting": true}))).await?;
    Ok(())
}

/// Follows a store's board over the socket; answers the board as it was shown last.
pub async fn run_screen(world: Arc<World>, store: String, mut leave: watch::Receiver<Option<u64>>) -> Option<Value> {
    let topic = format!("board/{store}");
    let mut shown: Option<(u64, Value)> = None;
    let mut opened = 0;
    while opened < 20 {
        opened += 1;
        match watch_board(&world, &store, &topic, &mut shown, &mut leave).await {
            Ok(()) => break,
            Err(SocketError::Open(_) | SocketError::Broken(_)) => {
                tokio::time::sleep(Duration::from_millis(250)).await;
            }
            Err(error) => {
                world.ledger.violation(format!("the screen of {store}: {error}"));
                break;
            }
        }
    }
    shown.map(|(_, board)| board)
}

/// Until the board stands at the offset at which the screen may leave.
async fn watch_board(
    world: &World,
    store: &str,
    topic: &str,
    shown: &mut Option<(u64, Value)>,
    leave: &mut watch::Receiver<Option<u64>>,
) -> Result<(), SocketError> {
    let token = world.token("store", &format!("screen-{store}"), Some(store)).await;
    let token = token.map_err(|trouble| SocketError::Open(trouble.to_string()))?;
    let mut socket = Socket::open(world.http.base(), &token).await?;
    socket.subscribe(topic, shown.as_ref().map(|(offset, _)| *offset)).await?;
    loop {
        let goal = *leave.borrow_and_update();
        if let (Some(goal), Some((offset, _))) = (goal, &*shown)
            && *offset >= goal
        {
            return Ok(());
        }
        let frame = tokio::select! {
            frame = socket.next() => frame?,
            changed = leave.changed() => if changed.is_ok() { continue } else { return Ok(()) },
        };
        let before = shown.as_ref().map(|(offset, _)| *offset);
        match frame {
            Frame::Snapshot { offset, data, .. } => *shown = Some((offset, data)),
            Frame::Event { offset, data, .. } => {
                if before.is_some_and(|before| offset != before + 1) {
                    world.ledger.violation(format!("{topic}: event {offset} came after {before:?}"));
                }
                *shown = Some((offset, data));
            }
            Frame::Error { problem, .. } => world.ledger.violation(format!("{topic}: {problem}")),
            _ => {}
        }
    }
}
