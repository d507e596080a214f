//! Questions about orders wherever they are: open in the views, closed in the overlay, or projected to disk. Looked at in
//! that order, because that is the way an order goes, so none is ever missed in between.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::answer::Unavailable;
use super::projection::Projection;
use super::views::Views;
use crate::domain::id::{MemberId, OrderId, PickupCode, StoreId};
use crate::domain::order::{Order, Status};
use crate::domain::time::BusinessDay;
use crate::limits::PAGE_ORDERS_MAX;

/// Which of a store's orders.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreOrdersFilter {
    /// Placed on this business day.
    pub day: BusinessDay,
    /// In this status.
    pub status: Option<Status>,
    /// With this pickup code.
    pub code: Option<PickupCode>,
}

impl StoreOrdersFilter {
    fn likes(&self, order: &Order) -> bool {
        order.business_day == self.day
            && self.status.is_none_or(|status| order.status == status)
            && self.code.as_ref().is_none_or(|code| order.pickup_code.as_ref() == Some(code))
    }
}

/// Where a walk through a store's queue stands: after the order paid at `position`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QueueCursor {
    /// The epoch in which the position counts.
    pub epoch: u16,
    /// The business day of the order at the position: where older orders are looked for.
    pub day: BusinessDay,
    /// The position.
    pub position: u64,
}

/// A piece of a store's queue.
#[derive(Debug, Clone, PartialEq)]
pub struct QueuePage {
    /// By position, without a gap.
    pub orders: Vec<Arc<Order>>,
    /// Where to go on.
    pub cursor: QueueCursor,
}

/// Why a store's queue can't go on from a cursor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum QueueError {
    /// The cursor is of another epoch, ahead of the queue, or older than what is kept: begin with an empty one.
    #[error("the cursor is too old or of another epoch; start with an empty one")]
    Gone,
    /// Not now.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

/// One order.
pub(super) fn order(views: &Views, projection: &Projection, order: OrderId) -> Result<Option<Arc<Order>>, Unavailable> {
    if order.region() != views.region_tag() {
        return Ok(None);
    }
    match views.order(order) {
        Some(order) => Ok(Some(order)),
        None => projection.order(order),
    }
}

/// A member's orders, newest first.
pub(super) fn of_member(
    views: &Views,
    projection: &Projection,
    member: &MemberId,
    before: Option<OrderId>,
    limit: usize,
) -> Result<Vec<Arc<Order>>, Unavailable> {
    let limit = limit.min(PAGE_ORDERS_MAX);
    let below = |id: OrderId| before.is_none_or(|before| id < before);
    let mut found = Found::default();
    found.extend(views.open_orders_of_member(member));
    found.extend(views.overlay().of_member(member));
    found.0.retain(|_, order| below(order.id));
    found.extend(projection.of_member(member, before, limit)?);
    Ok(found.0.into_values().rev().take(limit).collect())
}

/// A store's orders of a day, by id.
pub(super) fn of_store(
    views: &Views,
    projection: &Projection,
    store: &StoreId,
    filter: &StoreOrdersFilter,
    after: Option<OrderId>,
    limit: usize,
) -> Result<Vec<Arc<Order>>, Unavailable> {
    let limit = limit.min(PAGE_ORDERS_MAX);
    let above = |order: &Order| after.is_none_or(|after| order.id > after);
    // Filtered only after merging: an older record of a reopened order must not show through.
    let mut found = Found::default();
    found.extend(views.open_orders_of_store(store).into_iter().filter(|order| order.business_day == filter.day));
    found.extend(views.overlay().of_store(store, |order| order.business_day == filter.day));
    let fresh: Vec<u64> = found.0.keys().copied().collect();
    found.0.retain(|_, order| above(order) && filter.likes(order));
    let projected = projection.of_store(store, filter, after, limit.saturating_add(fresh.len()))?;
    found.extend(projected.into_iter().filter(|order| fresh.binary_search(&order.id.packed()).is_err()));
    Ok(found.0.into_values().take(limit).collect())
}

/// The queue after a cursor as far as memory knows it without a gap; nothing where the projection has to be asked.
pub(super) fn open_queue_after(
    views: &Views,
    store: &StoreId,
    cursor: QueueCursor,
    limit: usize,
) -> Result<Option<QueuePage>, QueueError> {
    let Some(walk) = Walk::begin(views, store, cursor, limit)? else {
        return Ok(Some(QueuePage { orders: Vec::new(), cursor }));
    };
    Ok(walk.is_whole().then(|| walk.page()))
}

/// The queue after a cursor.
pub(super) fn queue_after(
    views: &Views,
    projection: &Projection,
    store: &StoreId,
    cursor: QueueCursor,
    limit: usize,
) -> Result<QueuePage, QueueError> {
    let Some(mut walk) = Walk::begin(views, store, cursor, limit)? else {
        return Ok(QueuePage { orders: Vec::new(), cursor });
    };
    // An order may have been placed on the day before its predecessor in the queue, shortly before the day's end.
    let from = BusinessDay(cursor.day.0.saturating_sub(1));
    for day in projection.days_from(from)? {
        if walk.is_whole() {
            break;
        }
        walk.take(projection.after_position(day, store, walk.after, walk.until)?);
    }
    if walk.orders.first_key_value().is_none_or(|(position, _)| *position != walk.after + 1) {
        return Err(QueueError::Gone);
    }
    Ok(walk.page())
}

/// Orders by packed id; what was found first stays, because it is at least as new.
#[derive(Default)]
struct Found(BTreeMap<u64, Arc<Order>>);

impl Found {
    fn extend(&mut self, orders: impl IntoIterator<Item = Arc<Order>>) {
        for order in orders {
            self.0.entry(order.id.packed()).or_insert(order);
        }
    }
}

/// Orders by position, gathered until there is no gap: positions count every paid order of the store by one.
struct Walk {
    cursor: QueueCursor,
    after: u64,
    until: u64,
    orders: BTreeMap<u64, Arc<Order>>,
}

impl Walk {
    /// Nothing where the cursor is at the queue's end.
    fn begin(views: &Views, store: &StoreId, cursor: QueueCursor, limit: usize) -> Result<Option<Self>, QueueError> {
        let limit = u64::try_from(limit.clamp(1, PAGE_ORDERS_MAX)).unwrap_or(1);
        let (open, last) = views.open_after(store, cursor.position).unwrap_or_default();
        if cursor.epoch != views.region().1 || cursor.position > last {
            return Err(QueueError::Gone);
        }
        if cursor.position == last {
            return Ok(None);
        }
        let after = cursor.position;
        let until = last.min(after.saturating_add(limit));
        let mut walk = Self { cursor, after, until, orders: BTreeMap::new() };
        walk.take(open);
        walk.take(views.overlay().of_store(store, |order| order.position.is_some_and(|position| position > after)));
        Ok(Some(walk))
    }

    fn take(&mut self, orders: Vec<Arc<Order>>) {
        for order in orders {
            if let Some(position) = order.position.filter(|position| (self.after + 1..=self.until).contains(position)) {
                self.orders.entry(position).or_insert(order);
            }
        }
    }

    fn is_whole(&self) -> bool {
        u64::try_from(self.orders.len()).is_ok_and(|len| len == self.until - self.after)
    }

    /// The orders up to the first gap.
    fn page(self) -> QueuePage {
        let mut next = self.after;
        let mut orders = Vec::with_capacity(self.orders.len());
        for (position, order) in self.orders {
            if position != next + 1 {
                break;
            }
            next = position;
            orders.push(order);
        }
        let day = orders.last().map_or(self.cursor.day, |order| order.business_day);
        QueuePage { orders, cursor: QueueCursor { epoch: self.cursor.epoch, day, position: next } }
    }
}
