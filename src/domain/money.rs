//! Money: integer minor units and the one way to split an amount without losing a fen.

use std::fmt;
use std::iter::Sum;
use std::ops::{Add, AddAssign, Neg, Sub, SubAssign};

/// An amount in minor units of the catalogue's currency (`fen` for CNY). The bounds on prices, quantities and lines
/// (see `catalog` and `order`) keep every sum far below `i64::MAX`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Fen(pub i64);

impl Fen {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// Unit price times quantity.
    pub fn times(self, quantity: u32) -> Self {
        Self(self.0 * i64::from(quantity))
    }
}

impl Add for Fen {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }
}
impl AddAssign for Fen {
    fn add_assign(&mut self, other: Self) {
        self.0 += other.0;
    }
}
impl Sub for Fen {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self(self.0 - other.0)
    }
}
impl SubAssign for Fen {
    fn sub_assign(&mut self, other: Self) {
        self.0 -= other.0;
    }
}
impl Neg for Fen {
    type Output = Self;
    fn neg(self) -> Self {
        Self(-self.0)
    }
}
impl Sum for Fen {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        amounts.fold(Self::ZERO, Add::add)
    }
}

/// An ISO 4217 code such as `CNY`.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Currency(pub [u8; 3]);

impl Currency {
    /// Chinese yuan, the default of an empty region.
    pub const CNY: Self = Self(*b"CNY");

    /// Three capital letters, or nothing.
    pub fn parse(text: &str) -> Option<Self> {
        let code: [u8; 3] = text.as_bytes().try_into().ok()?;
        code.iter().all(u8::is_ascii_uppercase).then_some(Self(code))
    }

    /// The code as text.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or("???")
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The tax contained in `amount` at `rate` basis points, rounded half up: `amount − amount ÷ (1 + rate)`.
pub fn tax_included(amount: Fen, rate_bp: u16) -> Fen {
    let rate = i128::from(rate_bp);
    let numerator = i128::from(amount.0) * rate;
    let denominator = 10_000 + rate;
    let rounded = (2 * numerator + denominator).div_euclid(2 * denominator);
    Fen(i64::try_from(rounded).unwrap_or(amount.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tax_is_what_the_price_contains() {
        assert_eq!(tax_included(Fen(10_600), 600), Fen(600));
        assert_eq!(tax_included(Fen(100), 600), Fen(6), "5.66 rounds up");
        assert_eq!(tax_included(Fen(0), 600), Fen(0));
        assert_eq!(tax_included(Fen(6_800), 0), Fen(0));
    }
}
