//! Opening hours: one span for every day, or spans by weekday. A span may pass midnight.

use serde_json::Value;

use crate::domain::time::{MinuteOfDay, Opening, WeeklyHours};
use crate::limits::CATALOG_OPENINGS_A_DAY_MAX;

use super::reader::{Path, Reader, shown};

const WEEKDAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

pub(super) fn weekly_hours(reader: &mut Reader, value: &Value, path: &Path<'_>) -> Option<WeeklyHours> {
    if value.is_string() {
        let opening = opening(reader, value, path)?;
        return Some(WeeklyHours(std::array::from_fn(|_| vec![opening])));
    }
    if !value.is_object() {
        let detail = format!("expected \"HH:MM-HH:MM\" or spans by weekday, found {}", shown(value));
        reader.error(*path, detail);
        return None;
    }
    let days = reader.object(value, path, &[], &WEEKDAYS)?;
    let mut hours = WeeklyHours::default();
    let mut whole = true;
    for (weekday, openings) in WEEKDAYS.iter().zip(hours.0.iter_mut()) {
        let read = reader.list(days, path, weekday, CATALOG_OPENINGS_A_DAY_MAX, opening);
        whole &= read.iter().all(Option::is_some);
        *openings = read.into_iter().flatten().collect();
        openings.sort_by_key(|opening| opening.from);
        let overlap = openings.windows(2).any(|pair| match pair {
            [earlier, later] => earlier.to <= earlier.from || earlier.to > later.from,
            _ => false,
        });
        if overlap {
            reader.error(path.key(weekday), "the spans of a day overlap");
        }
    }
    whole.then_some(hours)
}

fn opening(reader: &mut Reader, value: &Value, path: &Path<'_>) -> Option<Opening> {
    let parse = || {
        let (from, to) = value.as_str()?.split_once('-')?;
        let opening = Opening { from: clock_time(from)?, to: clock_time(to)? };
        // "08:00-08:00" could be nothing or everything; 00:00-24:00 says everything.
        (opening.from.0 < 24 * 60 && opening.to.0 > 0 && opening.from != opening.to).then_some(opening)
    };
    let opening = parse();
    if opening.is_none() {
        let detail = format!("expected \"HH:MM-HH:MM\", from 00:00 to 24:00 and not empty, found {}", shown(value));
        reader.error(*path, detail);
    }
    opening
}

/// `HH:MM` from 00:00 to 24:00.
pub(super) fn clock_time(text: &str) -> Option<MinuteOfDay> {
    let (hour, minute) = text.split_once(':')?;
    let two_digits = |part: &str| part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit());
    if !two_digits(hour) || !two_digits(minute) {
        return None;
    }
    let (hour, minute): (u16, u16) = (hour.parse().ok()?, minute.parse().ok()?);
    let minutes = hour * 60 + minute;
    (minute < 60 && minutes <= 24 * 60).then_some(MinuteOfDay(minutes))
}
