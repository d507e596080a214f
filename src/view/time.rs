//! Times as the contract writes them: RFC 3339 in UTC with milliseconds, `2026-11-23T09:59:00.123Z`.

use std::fmt;

use serde::{Serialize, Serializer};

use crate::domain::time::{BusinessDay, Timestamp};

/// 0000-01-01T00:00:00.000Z and 9999-12-31T23:59:59.999Z: what four digits of a year can say.
const FIRST_MILLIS: i64 = -62_167_219_200_000;
const LAST_MILLIS: i64 = 253_402_300_799_999;
const DAY_MILLIS: i64 = 86_400_000;

/// A [`Timestamp`] that is written as text. Instants outside the years 0 to 9999 are written as the nearest within.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rfc3339(pub Timestamp);

impl Rfc3339 {
    /// The 24 bytes of the text; no allocation, because an order has half a dozen of them.
    fn bytes(self) -> [u8; 24] {
        let millis = self.0.0.clamp(FIRST_MILLIS, LAST_MILLIS);
        let (year, month, day) = civil(millis.div_euclid(DAY_MILLIS));
        let of_day = millis.rem_euclid(DAY_MILLIS);
        let mut out = *b"0000-00-00T00:00:00.000Z";
        put(&mut out, 0, 4, year);
        put(&mut out, 5, 2, month);
        put(&mut out, 8, 2, day);
        put(&mut out, 11, 2, of_day / 3_600_000);
        put(&mut out, 14, 2, of_day / 60_000 % 60);
        put(&mut out, 17, 2, of_day / 1_000 % 60);
        put(&mut out, 20, 3, of_day % 1_000);
        out
    }

    /// Reads an RFC 3339 time with any offset; finer than a millisecond is cut off.
    pub fn parse(text: &str) -> Option<Timestamp> {
        let plain = |byte: u8| byte.is_ascii_digit() || matches!(byte, b'-' | b':' | b'.' | b'+' | b'T' | b'Z');
        // The library also reads spaces, lower case and zone names; the contract does not.
        if !text.bytes().all(plain) {
            return None;
        }
        text.parse::<jiff::Timestamp>().ok().map(|at| Timestamp(at.as_millisecond()))
    }
}

impl fmt::Display for Rfc3339 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(std::str::from_utf8(&self.bytes()).unwrap_or_default())
    }
}

impl Serialize for Rfc3339 {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(std::str::from_utf8(&self.bytes()).unwrap_or_default())
    }
}

/// A business day as its date, `2026-11-23`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DayText(pub BusinessDay);

impl Serialize for DayText {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        /// Days from 1970-01-01 to 2020-01-01, where business days begin to count.
        const FIRST: i64 = 18_262;
        let (year, month, day) = civil(FIRST + i64::from(self.0.0));
        let mut out = *b"0000-00-00";
        put(&mut out, 0, 4, year);
        put(&mut out, 5, 2, month);
        put(&mut out, 8, 2, day);
        serializer.serialize_str(std::str::from_utf8(&out).unwrap_or_default())
    }
}

/// Writes the last `digits` decimal digits of `value` at `from`.
fn put(out: &mut [u8], from: usize, digits: usize, mut value: i64) {
    for place in out.iter_mut().skip(from).take(digits).rev() {
        *place = b'0' + u8::try_from(value.rem_euclid(10)).unwrap_or(0);
        value = value.div_euclid(10);
    }
}

/// Year, month and day of a day counted from 1970-01-01, in the proleptic Gregorian calendar.
fn civil(day: i64) -> (i64, i64, i64) {
    // Years are taken to begin in March, so that the leap day is the last of its year; 400 years have 146,097 days.
    let day = day + 719_468;
    let era = day.div_euclid(146_097);
    let of_era = day.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * of_year + 2) / 153;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = era * 400 + year_of_era + i64::from(month <= 2);
    (year, month, of_year - (153 * shifted + 2) / 5 + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_time_is_written_as_the_calendar_library_writes_it() {
        // A step that is prime to a day walks through all hours, months and leap years of four centuries.
        for millis in (-62_000_000_000_000..253_000_000_000_000i64).step_by(86_399_999_987) {
            let expected = jiff::Timestamp::from_millisecond(millis).unwrap().strftime("%Y-%m-%dT%H:%M:%S%.3fZ");
            assert_eq!(Rfc3339(Timestamp(millis)).to_string(), expected.to_string(), "{millis}");
        }
    }

    #[test]
    fn times_beyond_four_digits_of_a_year_are_cut_to_them() {
        assert_eq!(Rfc3339(Timestamp(i64::MAX)).to_string(), "9999-12-31T23:59:59.999Z");
        assert_eq!(Rfc3339(Timestamp(i64::MIN)).to_string(), "0000-01-01T00:00:00.000Z");
    }

    #[test]
    fn a_written_time_is_read_back_and_other_spellings_are_not() {
        let at = Timestamp(1_795_427_940_123);
        assert_eq!(Rfc3339::parse(&Rfc3339(at).to_string()), Some(at));
        assert_eq!(Rfc3339::parse("2026-11-23T17:59:00.123+08:00"), Some(at));
        for bad in ["2026-11-23", "2026-11-23 09:59:00Z", "2026-11-23T09:59:00", "2026-11-23T09:59:00Z[UTC]", ""] {
            assert_eq!(Rfc3339::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_business_day_is_its_date() {
        for day in [0, 58, 59, 60, 366, 2_518, u16::MAX] {
            let day = BusinessDay(day);
            assert_eq!(serde_json::to_string(&DayText(day)).unwrap(), format!("\"{}\"", day.date()));
        }
    }
}
