//! What must always hold.
use super::order::Order;

/// In debug builds, panics if an order contradicts itself.
pub(super) fn debug_check_order(_order: &Order) {}
