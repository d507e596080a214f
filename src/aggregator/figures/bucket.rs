//! One bucket of counters, and how buckets add up. Never here: which bucket something belongs to.

use std::iter::Sum;
use std::ops::AddAssign;

use crate::domain::money::Fen;

/// What happened in a stretch of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Bucket {
    /// Orders placed.
    pub placed: u64,
    /// Orders paid.
    pub paid: u64,
    /// Payable of the orders paid, in minor units.
    pub revenue: Fen,
    /// Orders accepted.
    pub accepted: u64,
    /// Orders made ready.
    pub ready: u64,
    /// Orders collected.
    pub collected: u64,
    /// Orders cancelled.
    pub cancelled: u64,
    /// Orders rejected.
    pub rejected: u64,
    /// Seconds from paid to ready, summed over the orders made ready.
    pub wait_seconds: u64,
    /// How many orders that sum is of.
    pub waits: u64,
}

impl Bucket {
    /// Mean seconds from paid to ready, rounded half up; `None` where nothing was made ready.
    pub fn mean_wait_seconds(&self) -> Option<u64> {
        self.wait_seconds.saturating_add(self.waits / 2).checked_div(self.waits)
    }

    /// The counters in the order in which they are stored, as signed numbers.
    pub fn to_numbers(self) -> [i64; Self::NUMBERS] {
        let signed = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        [
            signed(self.placed),
            signed(self.paid),
            self.revenue.0,
            signed(self.accepted),
            signed(self.ready),
            signed(self.collected),
            signed(self.cancelled),
            signed(self.rejected),
            signed(self.wait_seconds),
            signed(self.waits),
        ]
    }

    /// The inverse of [`Bucket::to_numbers`]; `None` where a count is negative.
    pub fn from_numbers(numbers: [i64; Self::NUMBERS]) -> Option<Self> {
        let [placed, paid, revenue, accepted, ready, collected, cancelled, rejected, wait_seconds, waits] = numbers;
        let count = |number: i64| u64::try_from(number).ok();
        Some(Self {
            placed: count(placed)?,
            paid: count(paid)?,
            revenue: Fen(revenue),
            accepted: count(accepted)?,
            ready: count(ready)?,
            collected: count(collected)?,
            cancelled: count(cancelled)?,
            rejected: count(rejected)?,
            wait_seconds: count(wait_seconds)?,
            waits: count(waits)?,
        })
    }

    /// How many counters there are.
    pub const NUMBERS: usize = 10;
}

impl AddAssign for Bucket {
    fn add_assign(&mut self, other: Self) {
        self.placed += other.placed;
        self.paid += other.paid;
        self.revenue += other.revenue;
        self.accepted += other.accepted;
        self.ready += other.ready;
        self.collected += other.collected;
        self.cancelled += other.cancelled;
        self.rejected += other.rejected;
        self.wait_seconds += other.wait_seconds;
        self.waits += other.waits;
    }
}

impl Sum for Bucket {
    fn sum<I: Iterator<Item = Self>>(buckets: I) -> Self {
        buckets.fold(Self::default(), |mut sum, bucket| {
            sum += bucket;
            sum
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_survives_its_numbers_and_a_negative_count_is_none() {
        let numbers = [1, 2, -3, 4, 5, 6, 7, 8, 9, 10];
        let bucket = Bucket::from_numbers(numbers).unwrap();
        assert_eq!(bucket.to_numbers(), numbers);
        assert_eq!((bucket.placed, bucket.revenue, bucket.rejected, bucket.waits), (1, Fen(-3), 8, 10));
        for index in (0..Bucket::NUMBERS).filter(|index| *index != 2) {
            let mut damaged = numbers;
            damaged[index] = -1;
            assert_eq!(Bucket::from_numbers(damaged), None, "counter {index}");
        }
    }

    #[test]
    fn the_mean_wait_is_rounded_and_absent_without_any() {
        let mean = |wait_seconds, waits| Bucket { wait_seconds, waits, ..Bucket::default() }.mean_wait_seconds();
        assert_eq!(mean(0, 0), None);
        assert_eq!(mean(0, 3), Some(0));
        assert_eq!(mean(10, 4), Some(3), "2.5 rounds up");
        assert_eq!(mean(9, 4), Some(2));
    }

    #[test]
    fn buckets_add_up_counter_by_counter() {
        let one = Bucket::from_numbers([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]).unwrap();
        let two: Bucket = [one, one].into_iter().sum();
        assert_eq!(two.to_numbers(), [2, 4, 6, 8, 10, 12, 14, 16, 18, 20]);
    }
}
