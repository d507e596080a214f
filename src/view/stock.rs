//! A stock line as the store sees it: exact figures.

use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::id::Sku;
use crate::domain::stock::StockLine;

/// Stock of one SKU at a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = StockLine)]
pub struct StockLineView<'a> {
    /// Of what.
    pub sku: &'a str,
    /// How many can be ordered; `null` is not counted.
    pub available: Option<u32>,
    /// In orders that wait for payment.
    pub reserved: u32,
    /// In paid orders.
    pub sold: u64,
}

impl<'a> StockLineView<'a> {
    /// The line of `sku`.
    pub fn of(sku: &'a Sku, line: &StockLine) -> Self {
        Self { sku: sku.as_str(), available: line.left(), reserved: line.reserved, sold: line.sold }
    }
}
