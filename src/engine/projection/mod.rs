//! Closed orders on disk, for questions. Follows the log and may be lost at any moment: what it can't answer meanwhile is
//! `rebuilding`, never "not found".

use std::sync::Arc;

use super::answer::Unavailable;
use super::history::StoreOrdersFilter;
use super::status::ProjectionPhase;
use crate::domain::id::{MemberId, OrderId, StoreId};
use crate::domain::order::Order;
use crate::domain::time::BusinessDay;

/// The projection as its readers see it.
#[derive(Debug)]
pub(super) struct Projection {}

impl Projection {
    /// No projection: nothing closed is known.
    pub(super) fn off() -> Self {
        Self {}
    }

    /// How far the log has been applied.
    pub(super) fn applied(&self) -> u64 {
        0
    }

    /// What it is doing.
    pub(super) fn phase(&self) -> ProjectionPhase {
        ProjectionPhase::Off
    }

    /// A closed order.
    pub(super) fn order(&self, _order: OrderId) -> Result<Option<Arc<Order>>, Unavailable> {
        Ok(None)
    }

    /// A member's closed orders, newest first.
    pub(super) fn of_member(
        &self,
        _member: &MemberId,
        _before: Option<OrderId>,
        _limit: usize,
    ) -> Result<Vec<Arc<Order>>, Unavailable> {
        Ok(Vec::new())
    }

    /// A store's closed orders of a day that the filter likes, by id.
    pub(super) fn of_store(
        &self,
        _store: &StoreId,
        _filter: &StoreOrdersFilter,
        _after: Option<OrderId>,
        _limit: usize,
    ) -> Result<Vec<Arc<Order>>, Unavailable> {
        Ok(Vec::new())
    }

    /// The days there are from `day` on, oldest first.
    pub(super) fn days_from(&self, _day: BusinessDay) -> Result<Vec<BusinessDay>, Unavailable> {
        Ok(Vec::new())
    }

    /// A store's closed orders of a day that were paid after one position and up to another.
    pub(super) fn after_position(
        &self,
        _day: BusinessDay,
        _store: &StoreId,
        _after: u64,
        _until: u64,
    ) -> Result<Vec<Arc<Order>>, Unavailable> {
        Ok(Vec::new())
    }
}
