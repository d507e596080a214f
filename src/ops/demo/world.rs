//! What every simulated person shares: the node's address, tokens, the list of stores, menus by ETag, patience.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use http::{HeaderValue, StatusCode};
use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::sync::watch;

use super::basket::{Menu, text};
use super::dice::Dice;
use super::ledger::Ledger;
use crate::ops::client::http::{Call, CallError, Http, Reply};

/// Times a call is repeated while the node is busy or the line is broken.
const ATTEMPTS_MAX: u32 = 30;
/// How long the list of stores is believed.
const STORES_FOR: Duration = Duration::from_secs(1);

/// A simulated person's day is over early: it says why.
#[derive(Debug, thiserror::Error)]
pub enum Trouble {
    /// No answer, however often asked.
    #[error(transparent)]
    Call(#[from] CallError),
    /// Somebody did not want to wait for the end.
    #[error("interrupted before every order had ended")]
    Interrupted,
    /// Some customers never came to an end.
    #[error("{0} customers still wait for the end of their orders")]
    Unfinished(usize),
    /// The centre did not come back.
    #[error("the centre did not come back: {0}")]
    Centre(String),
    /// An answer that the contract doesn't have here.
    #[error("{what} answered {status} {problem}")]
    Answer {
        /// What was called.
        what: String,
        /// The status.
        status: StatusCode,
        /// The problem's name.
        problem: String,
    },
}

/// Shared by all.
pub struct World {
    /// The way to the node.
    pub http: Http,
    /// What is experienced.
    pub ledger: Ledger,
    /// The run's seed.
    pub seed: u64,
    /// Begins the names of this run's members and keys.
    pub run: String,
    /// The operator's token.
    pub operator: String,
    /// Becomes true when everybody should go home.
    pub closing: watch::Receiver<bool>,
    stores: Mutex<Option<(Instant, Arc<Vec<Value>>)>>,
    menus: Mutex<HashMap<String, (HeaderValue, Arc<Menu>)>>,
}

impl World {
    /// A world around a node that answers.
    pub fn new(http: Http, operator: String, seed: u64, run: String, closing: watch::Receiver<bool>) -> Self {
        Self {
            http,
            ledger: Ledger::default(),
            seed,
            run,
            operator,
            closing,
            stores: Mutex::default(),
            menus: Mutex::default(),
        }
    }

    /// Sends a call again and again while the node is busy or does not answer; every call of the contract is safe to
    /// repeat so.
    pub async fn insist(&self, call: Call<'_>) -> Result<Reply, CallError> {
        let mut attempt = 0;
        loop {
            attempt += 1;
            let pause = match self.http.send(call.clone()).await {
                Ok(reply) if !reply.is_busy() || attempt >= ATTEMPTS_MAX => return Ok(reply),
                Ok(reply) => reply.retry_after(),
                Err(error) if attempt >= ATTEMPTS_MAX => return Err(error),
                Err(_) => Duration::from_millis(200),
            };
            tokio::time::sleep(pause).await;
        }
    }

    /// The same, with the only good answers being 200 and 201.
    pub async fn expect(&self, what: &str, call: Call<'_>) -> Result<Value, Trouble> {
        let reply = self.insist(call).await?;
        match reply.status {
            StatusCode::OK | StatusCode::CREATED => Ok(reply.json()),
            _ => Err(refused(what, &reply)),
        }
    }

    /// A token of the sandbox.
    pub async fn token(&self, role: &str, subject: &str, store: Option<&str>) -> Result<String, Trouble> {
        token(&self.http, role, subject, store).await
    }

    /// A store that is open and takes orders; any where none does.
    pub async fn pick_store(&self, dice: &mut Dice) -> Result<Option<String>, Trouble> {
        let stores = self.stores().await?;
        let flag = |store: &Value, name: &str| store.get(name) == Some(&Value::Bool(true));
        let selling: Vec<&Value> =
            stores.iter().filter(|store| flag(store, "open") && flag(store, "accepting")).collect();
        Ok(dice.one_of(&selling).map(|store| text(store, "id").to_owned()))
    }

    /// The stores, not older than a second.
    pub async fn stores(&self) -> Result<Arc<Vec<Value>>, Trouble> {
        let known = self.stores.lock().clone();
        if let Some((at, stores)) = known
            && at.elapsed() < STORES_FOR
        {
            return Ok(stores);
        }
        let mut answer = self.expect("GET /v1/stores", Call::get("/v1/stores?limit=500")).await?;
        let stores = match answer.get_mut("stores").map(Value::take) {
            Some(Value::Array(stores)) => Arc::new(stores),
            _ => Arc::default(),
        };
        *self.stores.lock() = Some((Instant::now(), Arc::clone(&stores)));
        Ok(stores)
    }

    /// A store's menu as it is now; unchanged ones are not sent again.
    pub async fn menu(&self, store: &str) -> Result<Arc<Menu>, Trouble> {
        let path = format!("/v1/stores/{store}/menu");
        let known = self.menus.lock().get(store).cloned();
        let etag = known.as_ref().map(|(etag, _)| etag.clone());
        let reply = self.insist(Call::get(&path).unless(etag)).await?;
        match (reply.status, known) {
            (StatusCode::NOT_MODIFIED, Some((_, menu))) => Ok(menu),
            (StatusCode::OK, _) => {
                let menu = Arc::new(Menu(reply.json()));
                if let Some(etag) = reply.etag() {
                    self.menus.lock().insert(store.to_owned(), (etag, Arc::clone(&menu)));
                }
                Ok(menu)
            }
            _ => Err(refused(&path, &reply)),
        }
    }

    /// Whether everybody should go home.
    pub fn is_closing(&self) -> bool {
        *self.closing.borrow()
    }
}

/// A token of the sandbox.
pub async fn token(http: &Http, role: &str, subject: &str, store: Option<&str>) -> Result<String, Trouble> {
    let mut body = json!({"role": role, "subject": subject});
    if let (Some(store), Some(fields)) = (store, body.as_object_mut()) {
        fields.insert("store".to_owned(), json!(store));
    }
    let reply = http.send(Call::post("/v1/sandbox/tokens").json(&body)).await?;
    match reply.status {
        StatusCode::CREATED => Ok(text(&reply.json(), "token").to_owned()),
        _ => Err(refused("POST /v1/sandbox/tokens", &reply)),
    }
}

/// An answer that should not have been.
pub fn refused(what: &str, reply: &Reply) -> Trouble {
    Trouble::Answer { what: what.to_owned(), status: reply.status, problem: reply.problem() }
}
