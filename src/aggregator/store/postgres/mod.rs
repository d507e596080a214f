//! The store of several machines: anything that speaks PostgreSQL's protocol. Orders, figures and cursor in tables keyed by
//! region, a batch in one transaction. Trouble is told apart here (see `trouble`) and tried again by the caller.

mod apply;
mod connect;
mod forget;
mod migrate;
mod read;
mod trouble;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use deadpool_postgres::{Object, Pool};
use rustls::ClientConfig;

use super::list::merge;
use super::{OrderPage, OrderQuery, StoreBatch, StoreError, Stored};
use crate::domain::id::{OrderId, RegionId, RegionTag};
use crate::domain::time::{BusinessDay, Timestamp};
use crate::limits::{POSTGRES_ANSWER_AT_MOST, POSTGRES_READERS, POSTGRES_WORK_AT_MOST, POSTGRES_WRITERS};
use connect::Address;
use trouble::Trouble;

/// Whether an address can be one; says what is wrong without quoting it.
pub(super) fn check_url(url: &str) -> Result<(), StoreError> {
    Address::parse(url).map(drop)
}

/// How often a question is asked when its connection breaks: those of a pool all break at once, when the server restarts.
const ASKED_AT_MOST: usize = POSTGRES_READERS + 1;

/// A database. Two pools, so that questions never keep batches waiting.
pub(super) struct Postgres {
    name: String,
    writers: Pool,
    readers: Pool,
}

impl fmt::Debug for Postgres {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Postgres").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Postgres {
    pub(super) async fn connect(url: &str, tls: Option<Arc<ClientConfig>>) -> Result<Self, StoreError> {
        let address = Address::parse(url)?;
        let pools = address.pools(tls, [POSTGRES_WRITERS, POSTGRES_READERS]).await;
        let [writers, readers] = pools.map_err(|trouble| said(&address.name, trouble))?;
        let store = Self { name: address.name, writers, readers };
        let mut client = store.client(&store.writers).await?;
        let outcome = within(POSTGRES_WORK_AT_MOST, migrate::migrate(&mut client)).await;
        store.done(client, outcome)?;
        Ok(store)
    }

    async fn client(&self, pool: &Pool) -> Result<Object, StoreError> {
        pool.get().await.map_err(|error| said(&self.name, error.into()))
    }

    /// Gives the connection back, or away where nobody knows what it is doing.
    fn done<T>(&self, client: Object, outcome: Result<T, Trouble>) -> Result<T, StoreError> {
        if let Err(Trouble::Again(_)) = &outcome {
            drop(Object::take(client));
        }
        outcome.map_err(|trouble| said(&self.name, trouble))
    }

    pub(super) async fn open_region(&self, region: &RegionId) -> Result<Stored, StoreError> {
        loop {
            let mut client = self.client(&self.writers).await?;
            let outcome = within(POSTGRES_WORK_AT_MOST, read::load(&mut client, region)).await;
            match self.done(client, outcome)? {
                Some(stored) => return Ok(stored),
                None => self.forget_region(region).await?,
            }
        }
    }

    pub(super) async fn apply(&self, batch: &StoreBatch) -> Result<(), StoreError> {
        let mut client = self.client(&self.writers).await?;
        match within(POSTGRES_WORK_AT_MOST, apply::apply(&mut client, batch)).await {
            Err(Trouble::OtherHistory) => Err(StoreError::OtherHistory { region: batch.region.clone() }),
            outcome => self.done(client, outcome),
        }
    }

    /// Takes as long as there are rows; each piece is bounded.
    pub(super) async fn forget_region(&self, region: &RegionId) -> Result<(), StoreError> {
        let mut client = self.client(&self.writers).await?;
        let outcome = forget::region(&mut client, region).await;
        self.done(client, outcome)
    }

    pub(super) async fn forget_before(
        &self,
        region: &RegionId,
        time: Timestamp,
        day: BusinessDay,
    ) -> Result<(), StoreError> {
        let client = self.client(&self.writers).await?;
        let outcome = forget::before(&client, region, time, day).await;
        self.done(client, outcome)
    }

    pub(super) async fn order(&self, region: &RegionId, order: OrderId) -> Result<Option<Bytes>, StoreError> {
        if order.region() != RegionTag::of(region) {
            return Ok(None);
        }
        let mut asked = 0;
        loop {
            let client = self.client(&self.readers).await?;
            let outcome = within(POSTGRES_ANSWER_AT_MOST, read::order(&client, region, order)).await;
            if let Some(answer) = self.answered(client, outcome, &mut asked) {
                return answer;
            }
        }
    }

    pub(super) async fn orders(&self, query: &OrderQuery) -> Result<OrderPage, StoreError> {
        let mut asked = 0;
        loop {
            let client = self.client(&self.readers).await?;
            let outcome = within(POSTGRES_ANSWER_AT_MOST, read::pages(&client, query)).await;
            if let Some(answer) = self.answered(client, outcome, &mut asked) {
                return Ok(merge(answer?, query.limit));
            }
        }
    }

    /// The answer; `None` when the connection broke and the question is to be asked on another one, so that a server that
    /// restarted fails no question.
    fn answered<T>(
        &self,
        client: Object,
        outcome: Result<T, Trouble>,
        asked: &mut usize,
    ) -> Option<Result<T, StoreError>> {
        *asked += 1;
        let again = matches!(outcome, Err(Trouble::Again(_))) && client.is_closed() && *asked < ASKED_AT_MOST;
        let answer = self.done(client, outcome);
        if again { None } else { Some(answer) }
    }
}

/// One sentence, with where it happened and no secret.
fn said(name: &str, trouble: Trouble) -> StoreError {
    match trouble {
        Trouble::Again(why) => StoreError::Unavailable(format!("{name}: {why}")),
        Trouble::Refused(why) => StoreError::Refused(format!("{name}: {why}")),
        Trouble::OtherHistory => StoreError::Refused(format!("{name}: rows of another history")),
    }
}

/// Bounded also where the server says nothing at all.
async fn within<T>(at_most: Duration, work: impl Future<Output = Result<T, Trouble>>) -> Result<T, Trouble> {
    match tokio::time::timeout(at_most, work).await {
        Ok(outcome) => outcome,
        Err(_) => Err(Trouble::Again(format!("no answer within {} s", at_most.as_secs()))),
    }
}
