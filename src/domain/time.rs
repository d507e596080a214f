//! Time as a value: instants, business days and weekly hours. Nothing here asks what time it is.

use jiff::civil::{Date, date};
use jiff::tz::TimeZone;

/// Milliseconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// This instant plus a duration in milliseconds.
    pub fn plus(self, millis: Millis) -> Self {
        Self(self.0.saturating_add(millis.0))
    }
}

/// A duration in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Millis(pub i64);

impl Millis {
    /// A duration of whole seconds.
    pub const fn seconds(seconds: i64) -> Self {
        Self(seconds * 1_000)
    }
    /// A duration of whole minutes.
    pub const fn minutes(minutes: i64) -> Self {
        Self::seconds(minutes * 60)
    }
    /// A duration of whole hours.
    pub const fn hours(hours: i64) -> Self {
        Self::minutes(hours * 60)
    }
}

/// A store's trading day, counted from 2020-01-01. It begins at the store's `business_day_starts`, not at midnight.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct BusinessDay(pub u16);

const FIRST_DAY: Date = date(2020, 1, 1);
/// Its midnight in UTC.
const FIRST_DAY_BEGINS: Timestamp = Timestamp(1_577_836_800_000);

impl BusinessDay {
    /// The calendar date that names the day.
    pub fn date(self) -> Date {
        FIRST_DAY.checked_add(jiff::Span::new().days(i64::from(self.0))).unwrap_or(FIRST_DAY)
    }

    /// The first instant that can belong to the day, wherever a store is: no time zone is more than 14 hours ahead of UTC.
    pub fn begins_anywhere(self) -> Timestamp {
        FIRST_DAY_BEGINS.plus(Millis::hours(24 * i64::from(self.0) - 14))
    }

    /// The day a date names; nothing before 2020 or after 2199.
    pub fn from_date(date: Date) -> Option<Self> {
        let days = FIRST_DAY.until(date).ok()?.get_days();
        u16::try_from(days).ok().map(Self)
    }
}

/// Minutes after local midnight, 0 to 1,440.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct MinuteOfDay(pub u16);

/// One opening: from and to in local minutes; `to` at or before `from` passes midnight.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Opening {
    /// First open minute.
    pub from: MinuteOfDay,
    /// First closed minute.
    pub to: MinuteOfDay,
}

/// Opening hours of a week; index 0 is Monday.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct WeeklyHours(pub [Vec<Opening>; 7]);

impl WeeklyHours {
    /// Whether the store is open at `at` in its time zone. Yesterday's opening may still run after midnight.
    pub fn open_at(&self, zone: &TimeZone, at: Timestamp) -> bool {
        let Some((today, minute)) = local(zone, at) else { return false };
        let weekday = usize::from(today.weekday().to_monday_zero_offset().unsigned_abs());
        let yesterday = (weekday + 6) % 7;
        let runs_today = |opening: &Opening| {
            if opening.to > opening.from {
                opening.from <= minute && minute < opening.to
            } else {
                opening.from <= minute
            }
        };
        let runs_over = |opening: &Opening| opening.to <= opening.from && minute < opening.to;
        self.0.get(weekday).is_some_and(|day| day.iter().any(runs_today))
            || self.0.get(yesterday).is_some_and(|day| day.iter().any(runs_over))
    }
}

/// The business day that `at` belongs to in a store of this zone whose day begins at `starts`.
pub fn business_day(zone: &TimeZone, starts: MinuteOfDay, at: Timestamp) -> BusinessDay {
    let Some((today, minute)) = local(zone, at) else { return BusinessDay::default() };
    let date = if minute < starts { today.yesterday().unwrap_or(today) } else { today };
    BusinessDay::from_date(date).unwrap_or_default()
}

/// The day in UTC, as if a store there began it at midnight.
pub fn utc_day(at: Timestamp) -> BusinessDay {
    business_day(&TimeZone::UTC, MinuteOfDay(0), at)
}

fn local(zone: &TimeZone, at: Timestamp) -> Option<(Date, MinuteOfDay)> {
    let local = jiff::Timestamp::from_millisecond(at.0).ok()?.to_zoned_datetime(zone.clone());
    let minute = u16::try_from(i32::from(local.hour()) * 60 + i32::from(local.minute())).ok()?;
    Some((local.date(), MinuteOfDay(minute)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp(text.parse::<jiff::Timestamp>().unwrap().as_millisecond())
    }

    fn shanghai() -> TimeZone {
        TimeZone::get("Asia/Shanghai").unwrap()
    }

    #[test]
    fn hours_may_pass_midnight() {
        let mut hours = WeeklyHours::default();
        hours.0[0] = vec![Opening { from: MinuteOfDay(18 * 60), to: MinuteOfDay(2 * 60) }];
        // 2026-11-23 is a Monday; Shanghai is UTC+8.
        assert!(!hours.open_at(&shanghai(), at("2026-11-23T09:59:00Z")));
        assert!(hours.open_at(&shanghai(), at("2026-11-23T10:00:00Z")));
        assert!(hours.open_at(&shanghai(), at("2026-11-23T17:59:00Z")), "01:59 on Tuesday");
        assert!(!hours.open_at(&shanghai(), at("2026-11-23T18:00:00Z")), "02:00 on Tuesday");
    }

    #[test]
    fn the_business_day_begins_when_the_store_says() {
        let starts = MinuteOfDay(4 * 60);
        let monday = BusinessDay::from_date(date(2026, 11, 23)).unwrap();
        assert_eq!(business_day(&shanghai(), starts, at("2026-11-23T19:59:00Z")), monday, "03:59 on Tuesday");
        assert_eq!(business_day(&shanghai(), starts, at("2026-11-23T20:00:00Z")), BusinessDay(monday.0 + 1));
        assert_eq!(monday.date(), date(2026, 11, 23));
    }

    #[test]
    fn no_store_anywhere_begins_a_day_before_it_can_begin() {
        let day = BusinessDay::from_date(date(2026, 11, 23)).unwrap();
        assert_eq!(day.begins_anywhere(), at("2026-11-22T10:00:00Z"));
        let kiritimati = TimeZone::get("Pacific/Kiritimati").unwrap();
        assert_eq!(business_day(&kiritimati, MinuteOfDay(0), day.begins_anywhere()), day);
        let before = Timestamp(day.begins_anywhere().0 - 1);
        assert_eq!(business_day(&kiritimati, MinuteOfDay(0), before), BusinessDay(day.0 - 1));
    }
}
