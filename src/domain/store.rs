//! A store: where it is, when it is open, whether it takes orders, and the counters that belong to it alone.

use std::collections::{BTreeMap, BTreeSet};

use jiff::tz::TimeZone;
use smol_str::SmolStr;

use super::id::StoreId;
use super::time::{BusinessDay, MinuteOfDay, Timestamp, WeeklyHours, business_day};

/// A store as the catalogue describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Store {
    /// Its id.
    pub id: StoreId,
    /// Its name as customers know it.
    pub name: SmolStr,
    /// Its city.
    pub city: SmolStr,
    /// Where to go.
    pub address: SmolStr,
    /// Latitude in millionths of a degree.
    pub lat_micro: i32,
    /// Longitude in millionths of a degree.
    pub lon_micro: i32,
    /// Its time zone (IANA), resolved when it was parsed.
    pub timezone: TimeZone,
    /// When it is open.
    pub hours: WeeklyHours,
    /// Local minute at which a business day begins.
    pub business_day_starts: MinuteOfDay,
}

impl Store {
    /// The business day that `at` belongs to here.
    pub fn business_day(&self, at: Timestamp) -> BusinessDay {
        business_day(&self.timezone, self.business_day_starts, at)
    }

    /// Whether the hours say open.
    pub fn open_at(&self, at: Timestamp) -> bool {
        self.hours.open_at(&self.timezone, at)
    }
}

/// Paused or selling. A pause with an end is over by comparison, not by an event.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Pause {
    /// Why, for the customer.
    pub reason: Option<SmolStr>,
    /// Until when; `None` until resumed.
    pub until: Option<Timestamp>,
}

impl Pause {
    /// Whether the pause still holds at `now`.
    pub fn holds_at(&self, now: Timestamp) -> bool {
        self.until.is_none_or(|until| now < until)
    }
}

/// Pickup codes given out in one business day of one store.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DayCodes {
    /// The next number the node itself gives.
    pub next: u32,
    /// Numeric codes that a POS chose that day: the node's numbers step over them.
    pub chosen: BTreeSet<u32>,
}

/// What changes at a store with every order. Part of the hot state.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct StoreCounters {
    /// Offset of topic `store/ID`: one for every event of every order of the store.
    pub store_offset: u64,
    /// Offset of topic `board/ID`: one for every change of the board.
    pub board_offset: u64,
    /// Position of the order paid last; positions begin at 1 and are the queue's cursor.
    pub last_position: u64,
    /// Pause, if any.
    pub pause: Option<Pause>,
    /// Codes of the newest two business days.
    pub codes: BTreeMap<BusinessDay, DayCodes>,
}
