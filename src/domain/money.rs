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

/// Splits `amount` (at least zero) in proportion to `weights` (each at least zero), to the fen: every part is its exact
/// share rounded down or up, the largest remainders up, the earlier of equal ones first. Where all weights are zero
/// nothing can be split and every part is zero.
pub fn allot(amount: Fen, weights: &[Fen]) -> Vec<Fen> {
    let whole: i128 = weights.iter().map(|weight| i128::from(weight.0.max(0))).sum();
    if whole == 0 {
        return vec![Fen::ZERO; weights.len()];
    }
    let share = |weight: &Fen| i128::from(amount.0) * i128::from(weight.0.max(0));
    let mut parts: Vec<i128> = weights.iter().map(|weight| share(weight) / whole).collect();
    let rest = i128::from(amount.0) - parts.iter().sum::<i128>();
    let mut by_remainder: Vec<(i128, &mut i128)> = weights.iter().map(|w| share(w) % whole).zip(&mut parts).collect();
    by_remainder.sort_by_key(|(remainder, _)| std::cmp::Reverse(*remainder));
    for ((_, part), _) in by_remainder.into_iter().zip(0..rest) {
        *part += 1;
    }
    parts.into_iter().map(|part| Fen(i64::try_from(part).unwrap_or_default())).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_largest_remainders_get_the_odd_fen() {
        let allot = |amount, weights: &[i64]| -> Vec<i64> {
            let weights: Vec<Fen> = weights.iter().copied().map(Fen).collect();
            super::allot(Fen(amount), &weights).into_iter().map(|part| part.0).collect()
        };
        assert_eq!(allot(100, &[1, 1, 1]), [34, 33, 33]);
        assert_eq!(allot(10, &[1, 2, 4]), [1, 3, 6], "1.43, 2.86, 5.71");
        assert_eq!(allot(5, &[0, 7, 0]), [0, 5, 0]);
        assert_eq!(allot(5, &[0, 0]), [0, 0]);
        assert_eq!(allot(0, &[3, 4]), [0, 0]);
    }

    proptest! {
        #[test]
        fn allotted_parts_make_the_amount_and_keep_to_their_share(
            amount in 0i64..10_000_000_000,
            weights in prop::collection::vec(0i64..1_000_000_000, 1..60),
        ) {
            let fen: Vec<Fen> = weights.iter().copied().map(Fen).collect();
            let parts = allot(Fen(amount), &fen);
            let whole: i128 = weights.iter().map(|weight| i128::from(*weight)).sum();
            prop_assume!(whole > 0);
            prop_assert_eq!(parts.iter().copied().sum::<Fen>(), Fen(amount));
            for (part, weight) in parts.iter().zip(&weights) {
                let exact = i128::from(amount) * i128::from(*weight);
                prop_assert!((i128::from(part.0) * whole - exact).abs() < whole, "{} of {}", part.0, weight);
                prop_assert!(*weight > 0 || *part == Fen::ZERO);
            }
        }
    }

    #[test]
    fn tax_is_what_the_price_contains() {
        assert_eq!(tax_included(Fen(10_600), 600), Fen(600));
        assert_eq!(tax_included(Fen(100), 600), Fen(6), "5.66 rounds up");
        assert_eq!(tax_included(Fen(0), 600), Fen(0));
        assert_eq!(tax_included(Fen(6_800), 0), Fen(0));
    }
}
