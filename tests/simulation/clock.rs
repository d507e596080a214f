//! A process's clocks: the wall's, which may jump, and the steady one. Both move only when the simulation says so.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use qucan::domain::time::Timestamp;
use qucan::engine::clock::Clock;

use crate::parts::BEGIN;

#[derive(Debug, Default)]
pub struct SimClock {
    steady_micros: AtomicU64,
    jumped_millis: AtomicI64,
}

impl SimClock {
    pub fn set(&self, now: Duration) {
        self.steady_micros.store(now.as_micros() as u64, Ordering::Relaxed);
    }

    pub fn jump(&self, millis: i64) {
        self.jumped_millis.fetch_add(millis, Ordering::Relaxed);
    }

    /// All jumps together.
    pub fn jumped(&self) -> i64 {
        self.jumped_millis.load(Ordering::Relaxed)
    }
}

impl Clock for SimClock {
    fn now(&self) -> Timestamp {
        let passed = (self.steady_micros.load(Ordering::Relaxed) / 1_000) as i64;
        Timestamp(BEGIN + passed + self.jumped_millis.load(Ordering::Relaxed))
    }

    fn steady(&self) -> Duration {
        Duration::from_micros(self.steady_micros.load(Ordering::Relaxed))
    }
}
