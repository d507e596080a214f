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

/// Most units a line may have available: far from overflow whatever else is added.
pub const STOCK_MAX: u32 = 1_000_000_000;

/// A change that the line can't take: more leaves a term than is in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct StockError(pub &'static str);

impl StockLine {
    /// What a customer sees at most: beyond that the exact number is nobody's business.
    pub const SHOWN_MAX: u32 = 20;

    /// How many more can be ordered; `None` is not counted.
    pub fn left(&self) -> Option<u32> {
        self.counted.then_some(self.available)
    }

    /// Whether an order of `quantity` can be taken in.
    pub fn can_reserve(&self, quantity: u32) -> bool {
        (!self.counted || self.available >= quantity) && self.reserved.checked_add(quantity).is_some()
    }

    /// An order was placed. Units of a line that is not counted come in with the order that takes them.
    pub fn reserve(&mut self, quantity: u32) -> Result<(), StockError> {
        if !self.can_reserve(quantity) {
            return Err(StockError("fewer are available than an order takes"));
        }
        if self.counted {
            self.available -= quantity;
        } else {
            self.received += i64::from(quantity);
        }
        self.reserved += quantity;
        Ok(())
    }

    /// The order was paid.
    pub fn sell(&mut self, quantity: u32) -> Result<(), StockError> {
        let left =
            self.reserved.checked_sub(quantity).ok_or(StockError("fewer are reserved than an order paid for"))?;
        self.reserved = left;
        self.sold += u64::from(quantity);
        Ok(())
    }

    /// An order that was not paid gives back.
    pub fn release(&mut self, quantity: u32) -> Result<(), StockError> {
        let left =
            self.reserved.checked_sub(quantity).ok_or(StockError("fewer are reserved than an order gives back"))?;
        self.reserved = left;
        self.take_back(quantity);
        Ok(())
    }

    /// A paid order gives back.
    pub fn give_back(&mut self, quantity: u32) -> Result<(), StockError> {
        let left =
            self.sold.checked_sub(quantity.into()).ok_or(StockError("fewer are sold than an order gives back"))?;
        self.sold = left;
        self.take_back(quantity);
        Ok(())
    }

    fn take_back(&mut self, quantity: u32) {
        if self.counted {
            // Full can only be a line that was counted anew, to the most there is, under open orders.
            let room = (u32::MAX - self.available).min(quantity);
            self.available += room;
            self.received -= i64::from(quantity - room);
        } else {
            self.received -= i64::from(quantity);
        }
    }

    /// Counted anew; `None` is not counted from now on.
    pub fn set(&mut self, available: Option<u32>) {
        self.received += i64::from(available.unwrap_or(0)) - i64::from(self.available);
        self.counted = available.is_some();
        self.available = available.unwrap_or(0);
    }

    /// Taken in or out by hand.
    pub fn adjust(&mut self, delta: i32) -> Result<(), StockError> {
        let left =
            self.available.checked_add_signed(delta).ok_or(StockError("fewer are available than are taken out"))?;
        self.available = left;
        self.counted = true;
        self.received += i64::from(delta);
        Ok(())
    }

    /// Decision 12: whether the terms make the sum.
    pub fn balances(&self) -> bool {
        let sum = i128::from(self.available) + i128::from(self.reserved) + i128::from(self.sold);
        sum == i128::from(self.received) && (self.counted || self.available == 0)
    }
}
