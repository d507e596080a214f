//! The store of one machine: figures in a table directory for each region, orders wherever the region's replica keeps them.
//! Never here: orders on disk.

mod region;
mod rows;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use axum::body::Bytes;
use parking_lot::RwLock;
use tokio::sync::Semaphore;

use super::list::{RegionPage, merge};
use super::{OrderPage, OrderQuery, StoreBatch, StoreError, Stored};
use crate::domain::id::{OrderId, RegionId, RegionTag};
use crate::domain::order::Order;
use crate::domain::time::{BusinessDay, Timestamp};
use crate::engine::answer::Unavailable;
use crate::engine::replica::{OrdersFilter, OrdersPage, ReplicaReads};
use crate::limits::{STORE_LOOKS_MAX, STORE_READS_MAX};
use crate::view::encode_order;
use region::Region;

/// Where a region's orders are, open and closed. May wait for files: never asked from an async thread.
pub trait RegionOrders: Send + Sync {
    /// Any order.
    fn order(&self, order: OrderId) -> Result<Option<Arc<Order>>, Unavailable>;

    /// Orders below `below`, newest first, that the filter likes; looks at a bounded number of orders, at least one.
    fn orders(&self, filter: &OrdersFilter, below: Option<OrderId>, limit: usize) -> Result<OrdersPage, Unavailable>;
}

impl RegionOrders for ReplicaReads {
    fn order(&self, order: OrderId) -> Result<Option<Arc<Order>>, Unavailable> {
        Self::order(self, order)
    }

    fn orders(&self, filter: &OrdersFilter, below: Option<OrderId>, limit: usize) -> Result<OrdersPage, Unavailable> {
        Self::orders(self, filter, below, limit)
    }
}

/// The embedded store.
#[derive(Debug)]
pub(super) struct Embedded {
    dir: PathBuf,
    regions: RwLock<BTreeMap<RegionId, Arc<Region>>>,
    reads: Arc<Semaphore>,
}

impl Embedded {
    pub(super) fn new(dir: PathBuf) -> Result<Self, StoreError> {
        std::fs::create_dir_all(&dir)
            .map_err(|error| StoreError::Unavailable(format!("{}: {error}", dir.display())))?;
        Ok(Self { dir, regions: RwLock::default(), reads: Arc::new(Semaphore::new(STORE_READS_MAX)) })
    }

    fn region(&self, region: &RegionId) -> Arc<Region> {
        if let Some(known) = self.regions.read().get(region) {
            return Arc::clone(known);
        }
        let mut regions = self.regions.write();
        let new = || Arc::new(Region::new(&self.dir, region.clone()));
        Arc::clone(regions.entry(region.clone()).or_insert_with(new))
    }

    /// Where a region's orders are; an error while it is not known.
    fn orders_of(&self, region: &RegionId) -> Result<Arc<dyn RegionOrders>, StoreError> {
        let known = self.regions.read().get(region).and_then(|region| region.orders());
        known.ok_or_else(|| StoreError::Unavailable(format!("region {region} is not open yet")))
    }

    pub(super) fn serve_region(&self, region: &RegionId, orders: Arc<dyn RegionOrders>) {
        self.region(region).serve(orders);
    }

    pub(super) async fn open_region(&self, region: &RegionId) -> Result<Stored, StoreError> {
        let region = self.region(region);
        blocking(move || region.open()).await
    }

    pub(super) async fn apply(&self, batch: &StoreBatch) -> Result<(), StoreError> {
        let region = self.region(&batch.region);
        let rows = rows::rows_of(batch);
        let (from, to, epoch) = (batch.from, batch.to, batch.epoch);
        blocking(move || region.apply(from, to, epoch, &rows)).await
    }

    pub(super) async fn forget_region(&self, region: &RegionId) -> Result<(), StoreError> {
        let region = self.region(region);
        blocking(move || region.forget()).await
    }

    pub(super) async fn forget_before(
        &self,
        region: &RegionId,
        time: Timestamp,
        day: BusinessDay,
    ) -> Result<(), StoreError> {
        let region = self.region(region);
        blocking(move || region.forget_before(time, day)).await
    }

    pub(super) async fn order(&self, region: &RegionId, order: OrderId) -> Result<Option<Bytes>, StoreError> {
        let (orders, region) = (self.orders_of(region)?, region.clone());
        self.asking(move || {
            let found = orders.order(order)?;
            Ok(found.map(|order| Bytes::from(encode_order(&order, &region))))
        })
        .await
    }

    pub(super) async fn orders(&self, query: &OrderQuery) -> Result<OrderPage, StoreError> {
        let regions = query.regions.iter().map(|region| Ok((region.clone(), self.orders_of(region)?)));
        let (regions, query) = (regions.collect::<Result<Vec<_>, StoreError>>()?, query.clone());
        self.asking(move || {
            let looks = (STORE_LOOKS_MAX / regions.len().max(1)).max(1);
            let pages = regions.into_iter().map(|(region, orders)| page_of(&query, region, &*orders, looks));
            Ok(merge(pages.collect::<Result<_, _>>()?, query.limit))
        })
        .await
    }

    /// Asks on a thread that may wait, a bounded number at once.
    async fn asking<T: Send + 'static>(
        &self,
        question: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let reads = Arc::clone(&self.reads);
        let permit = reads.acquire_owned().await.map_err(|_| StoreError::Unavailable("it is closed".to_owned()))?;
        blocking(move || {
            let answer = question();
            drop(permit);
            answer
        })
        .await
    }
}

/// A region's part of a list: one order more than asked for, or all there are, or what so many looks find.
fn page_of(
    query: &OrderQuery,
    region: RegionId,
    source: &dyn RegionOrders,
    looks: usize,
) -> Result<RegionPage, StoreError> {
    let filter = OrdersFilter { store: query.store.clone(), status: query.status, from: query.from, to: query.to };
    let tag = RegionTag::of(&region);
    let mut below = query.after.as_ref().map(|after| after.below_in(&region));
    let mut orders = Vec::new();
    for _ in 0..looks {
        let wanted = (query.limit + 1).saturating_sub(orders.len());
        let from = below.map(|packed| OrderId::from_packed(tag, packed));
        let page = source.orders(&filter, from, wanted)?;
        let encoded = |order: &Arc<Order>| (order.id.packed(), Bytes::from(encode_order(order, &region)));
        orders.extend(page.orders.iter().map(encoded));
        below = page.next.map(OrderId::packed);
        if below.is_none() || orders.len() > query.limit {
            break;
        }
    }
    Ok(RegionPage { region, orders, below })
}

impl From<Unavailable> for StoreError {
    fn from(why: Unavailable) -> Self {
        match why {
            Unavailable::Rebuilding => Self::Rebuilding,
            other => Self::Unavailable(other.to_string()),
        }
    }
}

/// Runs on a thread that may wait.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    let outcome = tokio::task::spawn_blocking(work).await;
    outcome.unwrap_or_else(|error| Err(StoreError::Unavailable(format!("the work was interrupted: {error}"))))
}
