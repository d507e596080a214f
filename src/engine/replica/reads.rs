//! Questions about a replica: the same views, overlay and projection as a node's, and a walk through all of a region's
//! orders from the newest on. Never here: anything that waits for the line or for the applier.

use std::collections::BTreeMap;
use std::sync::Arc;

use qucan_storage::Sequence;

use crate::domain::id::{OrderId, StoreId};
use crate::domain::order::{Order, Status};
use crate::domain::time::{BusinessDay, Timestamp, utc_day};
use crate::engine::answer::Unavailable;
use crate::engine::projection::{Newest, Projection};
use crate::engine::shared::Shared;
use crate::engine::{EngineStatus, Views, history};
use crate::limits::{HISTORY_LOOKS_MAX, PAGE_ORDERS_MAX};

/// Questions about a replica. Clones share it.
#[derive(Clone)]
pub struct ReplicaReads {
    shared: Arc<Shared>,
    projection: Arc<Projection>,
}

/// Which of a region's orders.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct OrdersFilter {
    /// Of this store.
    pub store: Option<StoreId>,
    /// In this status.
    pub status: Option<Status>,
    /// Placed at or after this.
    pub from: Option<Timestamp>,
    /// Placed before this.
    pub to: Option<Timestamp>,
}

/// A piece of a region's orders.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct OrdersPage {
    /// Newest first.
    pub orders: Vec<Arc<Order>>,
    /// Go on below this; `None` at the end.
    pub next: Option<OrderId>,
}

/// A business day may begin hours before or after the day in UTC, wherever the store is.
const DAYS_APART: u16 = 2;

impl OrdersFilter {
    fn likes_time(&self, order: &Order) -> bool {
        self.from.is_none_or(|from| order.created_at >= from) && self.to.is_none_or(|to| order.created_at < to)
    }

    fn likes(&self, order: &Order) -> bool {
        self.likes_time(order)
            && self.store.as_ref().is_none_or(|store| order.store == *store)
            && self.status.is_none_or(|status| order.status == status)
    }

    /// The oldest business day on which an order that is liked can be.
    fn oldest(&self) -> BusinessDay {
        BusinessDay(self.from.map_or(0, |from| utc_day(from).0.saturating_sub(DAYS_APART)))
    }

    /// Packed ids of orders that are liked are below this.
    fn below(&self) -> u64 {
        let newest = self.to.map(|to| utc_day(to).0.saturating_add(DAYS_APART + 1));
        newest.map_or(u64::MAX, |day| u64::from(day) << 48)
    }
}

impl ReplicaReads {
    pub(super) fn new(shared: Arc<Shared>, projection: Arc<Projection>) -> Self {
        Self { shared, projection }
    }

    /// The read models as of what was published.
    pub fn views(&self) -> &Arc<Views> {
        &self.shared.views
    }

    /// The last entry that was published.
    pub fn applied(&self) -> Sequence {
        Sequence(self.shared.views.durable_through())
    }

    /// How it is, in figures. `log_head` is what was published; what has arrived says the replica itself.
    pub fn status(&self) -> EngineStatus {
        EngineStatus::of(&self.shared, &self.projection)
    }

    /// Any order, open or closed. May wait for files: not for an async thread.
    pub fn order(&self, order: OrderId) -> Result<Option<Arc<Order>>, Unavailable> {
        history::order(&self.shared.views, &self.projection, order)
    }

    /// Orders below `below` (by id: business day, then number), newest first, that the filter likes. Looks at a bounded
    /// number of orders: `next` says where to go on, also where nothing was found. May wait for files.
    pub fn orders(
        &self,
        filter: &OrdersFilter,
        below: Option<OrderId>,
        limit: usize,
    ) -> Result<OrdersPage, Unavailable> {
        self.orders_looking(filter, below, limit, HISTORY_LOOKS_MAX)
    }

    fn orders_looking(
        &self,
        filter: &OrdersFilter,
        below: Option<OrderId>,
        limit: usize,
        looks: usize,
    ) -> Result<OrdersPage, Unavailable> {
        let limit = limit.clamp(1, PAGE_ORDERS_MAX);
        let below = below.map_or(u64::MAX, OrderId::packed).min(filter.below());
        let views = &self.shared.views;
        // In this order, as an order goes; what was found first is at least as new. Filtered only after merging: an older
        // record of a reopened order must not show through.
        let mut found: BTreeMap<u64, Arc<Order>> = BTreeMap::new();
        let open = views.open_orders_below(filter.store.as_ref(), below);
        for order in open.into_iter().chain(views.overlay().below(filter.store.as_ref(), below)) {
            found.entry(order.id.packed()).or_insert(order);
        }
        let mut reached = None;
        while found.len() > looks {
            found.pop_first();
            reached = found.first_key_value().map(|(packed, _)| *packed);
        }
        let walked = self.projection.newest(&Newest {
            store: filter.store.as_ref(),
            status: filter.status,
            likes: &|order| filter.likes_time(order),
            below,
            oldest: filter.oldest(),
            wanted: limit,
            looks,
        })?;
        reached = reached.max(walked.reached);
        for order in walked.orders {
            found.entry(order.id.packed()).or_insert_with(|| Arc::new(order));
        }
        let mut page = OrdersPage::default();
        let seen = found.into_iter().rev().filter(|(packed, _)| reached.is_none_or(|reached| *packed >= reached));
        let mut liked = seen.map(|(_, order)| order).filter(|order| filter.likes(order));
        page.orders.extend(liked.by_ref().take(limit));
        let more = liked.next().is_some();
        page.next = match page.orders.last() {
            Some(last) if more => Some(last.id),
            _ => reached.map(|packed| OrderId::from_packed(views.region_tag(), packed)),
        };
        Ok(page)
    }
}
