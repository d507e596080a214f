//! A store that a simulation brings along: what the real ones promise, in memory, and whatever can go wrong with them.

use std::fmt::Debug;
use std::sync::Arc;

use super::{StoreBatch, StoreError, Stored};
use crate::domain::id::RegionId;

/// What [`super::Store`] asks of a backend, without waiting.
pub trait Double: Debug + Send + Sync {
    /// As [`super::Store::open_region`].
    fn open_region(&self, region: &RegionId) -> Result<Stored, StoreError>;
    /// As [`super::Store::apply`].
    fn apply(&self, batch: &StoreBatch) -> Result<(), StoreError>;
    /// As [`super::Store::forget_region`].
    fn forget_region(&self, region: &RegionId) -> Result<(), StoreError>;
}

/// Simulations look at the double itself.
pub(super) fn not_asked<T>(store: &Arc<dyn Double>) -> Result<T, StoreError> {
    Err(StoreError::Unavailable(format!("{store:?} is not asked for orders")))
}
