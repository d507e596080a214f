//! Where the centre keeps what it can be asked: one interface, two backends, effects and cursor in one transaction. Everything
//! here can be built again from the regions' logs.

use std::path::PathBuf;
use std::sync::Arc;

use axum::body::Bytes;
use qucan_storage::Position;

use super::figures::{Bucket, Figures, Minute};
use crate::domain::id::{OrderId, RegionId, StoreId};
use crate::domain::order::{Order, Status};
use crate::domain::time::{BusinessDay, Timestamp};
use crate::engine::replica::ReplicaReads;

/// The store can't do it now. Said to callers as 503; the applier tries again.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// Not reachable or in trouble.
    #[error("the aggregator's store is not available: {0}")]
    Unavailable(String),
    /// History is being built again.
    #[error("order history is being rebuilt")]
    Rebuilding,
    /// It is of another history; [`Store::forget_region`] and apply from the log's beginning.
    #[error("the store's rows of region {region} are of another history")]
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

/// What a stretch of a region's log changed: absolute rows.
#[derive(Debug)]
pub struct StoreBatch {
    /// Whose.
    pub region: RegionId,
    /// The cursor before; `None` for the first.
    pub from: Option<Position>,
    /// The cursor after.
    pub to: Position,
    /// Each order that changed, as it is now.
    pub orders: Vec<Arc<Order>>,
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

/// An order's place in lists: newest first by business day and number, then by region.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct OrderKey {
    /// The order's business day and number, packed ([`OrderId::packed`]).
    pub packed: u64,
    /// Its region.
    pub region: RegionId,
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
pub struct Store {}

impl Store {
    /// Figures in tables under `dir`, closed orders where each region's replica keeps them.
    pub fn embedded(dir: PathBuf) -> Result<Self, StoreError> {
        let _ = dir;
        unimplemented!()
    }

    /// A database that speaks PostgreSQL's protocol; its tables are made or brought up to date.
    pub async fn postgres(url: &str) -> Result<Self, StoreError> {
        let _ = url;
        unimplemented!()
    }

    /// Whether replicas must keep closed orders themselves.
    pub fn needs_projection(&self) -> bool {
        unimplemented!()
    }

    /// How far a region is.
    pub async fn open_region(&self, region: &RegionId) -> Result<Stored, StoreError> {
        let _ = region;
        unimplemented!()
    }

    /// From where a region's closed orders are read; before any question about it.
    pub fn serve_region(&self, region: &RegionId, reads: ReplicaReads) {
        let _ = (region, reads);
        unimplemented!()
    }

    /// Applies a batch, whole or not at all. May be repeated when the outcome is not known.
    pub async fn apply(&self, batch: &StoreBatch) -> Result<(), StoreError> {
        let _ = batch;
        unimplemented!()
    }

    /// Forgets a region's rows and its cursor.
    pub async fn forget_region(&self, region: &RegionId) -> Result<(), StoreError> {
        let _ = region;
        unimplemented!()
    }

    /// Forgets figures and closed orders before these.
    pub async fn forget_before(&self, region: &RegionId, time: Timestamp, day: BusinessDay) -> Result<(), StoreError> {
        let _ = (region, time, day);
        unimplemented!()
    }

    /// One order as the contract's JSON.
    pub async fn order(&self, region: &RegionId, order: OrderId) -> Result<Option<Bytes>, StoreError> {
        let _ = (region, order);
        unimplemented!()
    }

    /// Orders, newest first.
    pub async fn orders(&self, query: &OrderQuery) -> Result<OrderPage, StoreError> {
        let _ = query;
        unimplemented!()
    }
}
