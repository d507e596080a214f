//! Where the centre keeps what it can be asked: one interface, two backends, effects and cursor in one transaction. Everything
//! here can be built again from the regions' logs. Never here: the logs themselves, or what the numbers mean.

#[cfg(feature = "simulation")]
mod double;
mod embedded;
mod list;
mod postgres;

use std::path::PathBuf;
use std::sync::Arc;

use axum::body::Bytes;
use qucan_storage::Position;

#[cfg(feature = "simulation")]
pub use double::Double;
pub use embedded::RegionOrders;
pub use list::OrderKey;

use super::figures::{Bucket, Figures, Minute};
use crate::domain::id::{OrderId, RegionId, StoreId};
use crate::domain::order::{Order, Status};
use crate::domain::time::{BusinessDay, Timestamp};
use embedded::Embedded;
use postgres::Postgres;

/// The store can't do it now. Said to callers as 503; the applier tries again.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// It passes: a connection broke, a transaction met another one, the server restarts, the disk is full. The outcome of an
    /// [`Store::apply`] is open; it may be repeated.
    #[error("the aggregator's store is not available: {0}")]
    Unavailable(String),
    /// It stays until a person does something: a wrong address, password or right, tables of a later version. Nothing was done.
    #[error("the aggregator's store refuses: {0}")]
    Refused(String),
    /// History is being built again.
    #[error("order history is being rebuilt")]
    Rebuilding,
    /// Its rows don't go on with this batch: they are of another history, or were lost. Then [`Store::forget_region`], and
    /// apply from the log's beginning.
    #[error("the store's rows of region {region} do not continue this history; they are built again")]
    OtherHistory {
        /// Which.
        region: RegionId,
    },
}

/// How far a region's rows are.
#[derive(Debug, Default)]
pub struct Stored {
    /// The last position applied; `None` before the first batch.
    pub cursor: Option<Position>,
    /// The figures as of there.
    pub figures: Figures,
}

/// What a stretch of a region's log changed: absolute rows, each key once.
#[derive(Debug)]
pub struct StoreBatch {
    /// Whose.
    pub region: RegionId,
    /// The cursor before; `None` for the first.
    pub from: Option<Position>,
    /// The cursor after.
    pub to: Position,
    /// The epoch of its last group.
    pub epoch: u32,
    /// Each order that changed, once, as it is now.
    pub orders: Vec<Arc<Order>>,
    /// Orders that closed unseen, as they were last seen: nothing will change them any more.
    pub unseen: Vec<Arc<Order>>,
    /// Minutes that changed.
    pub minutes: Vec<(Minute, Bucket)>,
    /// Store-days that changed.
    pub store_days: Vec<((BusinessDay, StoreId), Bucket)>,
    /// Ticks that are new.
    pub ticks: Vec<(i64, u64)>,
}

/// Which orders.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderQuery {
    /// Of these regions.
    pub regions: Vec<RegionId>,
    /// Of this store.
    pub store: Option<StoreId>,
    /// In this status.
    pub status: Option<Status>,
    /// Placed at or after this.
    pub from: Option<Timestamp>,
    /// Placed before this.
    pub to: Option<Timestamp>,
    /// After this one in the list.
    pub after: Option<OrderKey>,
    /// At most so many.
    pub limit: usize,
}

/// A page of orders.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct OrderPage {
    /// The contract's orders as JSON.
    pub orders: Vec<Bytes>,
    /// Where to go on; `None` at the end.
    pub next: Option<OrderKey>,
}

/// Either backend.
#[derive(Debug)]
pub struct Store(Backend);

#[derive(Debug)]
enum Backend {
    Embedded(Embedded),
    Postgres(Postgres),
    #[cfg(feature = "simulation")]
    Double(Arc<dyn Double>),
}

impl Store {
    /// Figures in tables under `dir`, closed orders where each region's replica keeps them.
    pub fn embedded(dir: PathBuf) -> Result<Self, StoreError> {
        Ok(Self(Backend::Embedded(Embedded::new(dir)?)))
    }

    /// A database that speaks PostgreSQL's protocol; its tables are made or brought up to date. TLS trusts what this machine
    /// trusts (or `SSL_CERT_FILE` names).
    pub async fn postgres(url: &str) -> Result<Self, StoreError> {
        Ok(Self(Backend::Postgres(Postgres::connect(url, None).await?)))
    }

    /// The same with a TLS configuration of one's own.
    pub async fn postgres_with_tls(url: &str, tls: Arc<rustls::ClientConfig>) -> Result<Self, StoreError> {
        Ok(Self(Backend::Postgres(Postgres::connect(url, Some(tls)).await?)))
    }

    /// Whatever a simulation takes for a store. It can't be asked for orders.
    #[cfg(feature = "simulation")]
    pub fn double(double: Arc<dyn Double>) -> Self {
        Self(Backend::Double(double))
    }

    /// Whether an address of a database can be one at all, without asking the network. Secrets are never part of the error.
    pub fn check_postgres_url(url: &str) -> Result<(), StoreError> {
        postgres::check_url(url)
    }

    /// Whether replicas must keep closed orders themselves.
    pub fn needs_projection(&self) -> bool {
        matches!(self.0, Backend::Embedded(_))
    }

    /// How far a region is. Damaged rows count as none.
    pub async fn open_region(&self, region: &RegionId) -> Result<Stored, StoreError> {
        match &self.0 {
            Backend::Embedded(store) => store.open_region(region).await,
            Backend::Postgres(store) => store.open_region(region).await,
            #[cfg(feature = "simulation")]
            Backend::Double(store) => store.open_region(region),
        }
    }

    /// From where a region's orders are read, where this store doesn't keep them itself; before any question about it.
    pub fn serve_region(&self, region: &RegionId, orders: impl RegionOrders + 'static) {
        match &self.0 {
            Backend::Embedded(store) => store.serve_region(region, Arc::new(orders)),
            Backend::Postgres(_) => {}
            #[cfg(feature = "simulation")]
            Backend::Double(_) => {}
        }
    }

    /// Applies a batch, whole or not at all. May be repeated when the outcome is not known.
    pub async fn apply(&self, batch: &StoreBatch) -> Result<(), StoreError> {
        match &self.0 {
            Backend::Embedded(store) => store.apply(batch).await,
            Backend::Postgres(store) => store.apply(batch).await,
            #[cfg(feature = "simulation")]
            Backend::Double(store) => store.apply(batch),
        }
    }

    /// Forgets a region's rows and its cursor. One that was interrupted is ended by [`Store::open_region`].
    pub async fn forget_region(&self, region: &RegionId) -> Result<(), StoreError> {
        match &self.0 {
            Backend::Embedded(store) => store.forget_region(region).await,
            Backend::Postgres(store) => store.forget_region(region).await,
            #[cfg(feature = "simulation")]
            Backend::Double(store) => store.forget_region(region),
        }
    }

    /// Forgets figures before these, and closed orders of days before `day` (where this store keeps them).
    pub async fn forget_before(&self, region: &RegionId, time: Timestamp, day: BusinessDay) -> Result<(), StoreError> {
        match &self.0 {
            Backend::Embedded(store) => store.forget_before(region, time, day).await,
            Backend::Postgres(store) => store.forget_before(region, time, day).await,
            #[cfg(feature = "simulation")]
            Backend::Double(store) => {
                let _ = (store, region, time, day);
                Ok(())
            }
        }
    }

    /// One order as the contract's JSON.
    pub async fn order(&self, region: &RegionId, order: OrderId) -> Result<Option<Bytes>, StoreError> {
        match &self.0 {
            Backend::Embedded(store) => store.order(region, order).await,
            Backend::Postgres(store) => store.order(region, order).await,
            #[cfg(feature = "simulation")]
            Backend::Double(store) => double::not_asked(store),
        }
    }

    /// Orders, newest first. A page may be shorter than asked for although more follow: `next` alone says so.
    pub async fn orders(&self, query: &OrderQuery) -> Result<OrderPage, StoreError> {
        match &self.0 {
            Backend::Embedded(store) => store.orders(query).await,
            Backend::Postgres(store) => store.orders(query).await,
            #[cfg(feature = "simulation")]
            Backend::Double(store) => double::not_asked(store),
        }
    }
}
