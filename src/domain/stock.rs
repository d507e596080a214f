//! Stock of one SKU at one store. `available + reserved + sold = received`, every term at least zero.

/// One stock line. For a SKU that is not counted `available` stays 0 and is not looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct StockLine {
    /// Whether sales are limited by `available`.
    pub counted: bool,
    /// Units that can still be ordered.
    pub available: u32,
    /// Units in orders that wait for payment.
    pub reserved: u32,
    /// Units in paid orders.
    pub sold: u64,
    /// Units ever taken in: the sum that the other three must make.
    pub received: i64,
}

impl StockLine {
    /// What a customer sees at most: beyond that the exact number is nobody's business.
    pub const SHOWN_MAX: u32 = 20;

    /// How many more can be ordered; `None` is not counted.
    pub fn left(&self) -> Option<u32> {
        self.counted.then_some(self.available)
    }
}
