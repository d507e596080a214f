//! A store of the catalogue file.

use jiff::tz::TimeZone;
use serde_json::Value;
use smol_str::SmolStr;

use crate::domain::store::Store;
use crate::domain::time::MinuteOfDay;
use crate::limits::{CATALOG_ADDRESS_CHARS_MAX, CATALOG_NAME_CHARS_MAX};

use super::hours::{clock_time, weekly_hours};
use super::reader::{Object, Path, Reader, shown};

/// Business days begin at 04:00 where the file says nothing.
const BUSINESS_DAY_STARTS_DEFAULT: MinuteOfDay = MinuteOfDay(4 * 60);

pub(super) fn store(reader: &mut Reader, value: &Value, path: &Path<'_>) -> Option<Store> {
    let required = ["id", "name", "city", "address", "lat", "lon", "timezone", "hours"];
    let store = reader.object(value, path, &required, &["business_day_starts"])?;
    let id = reader.id(store, path, "id");
    let name = reader.text(store, path, "name", CATALOG_NAME_CHARS_MAX);
    let city = reader.text(store, path, "city", CATALOG_NAME_CHARS_MAX);
    let address = reader.text(store, path, "address", CATALOG_ADDRESS_CHARS_MAX);
    let lat_micro = degrees(reader, store, path, "lat", 90.0);
    let lon_micro = degrees(reader, store, path, "lon", 180.0);
    let timezone = timezone(reader, store, path);
    let hours = store.get("hours").and_then(|hours| weekly_hours(reader, hours, &path.key("hours")));
    let business_day_starts = match store.get("business_day_starts") {
        None => Some(BUSINESS_DAY_STARTS_DEFAULT),
        Some(value) => {
            let starts = value.as_str().and_then(clock_time).filter(|starts| starts.0 < 24 * 60);
            if starts.is_none() {
                let detail = format!("expected a time from 00:00 to 23:59, found {}", shown(value));
                reader.error(path.key("business_day_starts"), detail);
            }
            starts
        }
    };
    Some(Store {
        id: id?,
        name: SmolStr::new(name?),
        city: SmolStr::new(city?),
        address: SmolStr::new(address?),
        lat_micro: lat_micro?,
        lon_micro: lon_micro?,
        timezone: timezone?,
        hours: hours?,
        business_day_starts: business_day_starts?,
    })
}

/// Degrees as millionths, some 10 cm.
fn degrees(reader: &mut Reader, store: &Object, path: &Path<'_>, key: &str, max: f64) -> Option<i32> {
    let value = store.get(key)?;
    let Some(degrees) = value.as_f64().filter(|degrees| degrees.abs() <= max) else {
        reader.error(path.key(key), format!("expected degrees from -{max} to {max}, found {}", shown(value)));
        return None;
    };
    #[expect(clippy::cast_possible_truncation, reason = "at most 180 million, checked above")]
    Some((degrees * 1e6).round() as i32)
}

fn timezone(reader: &mut Reader, store: &Object, path: &Path<'_>) -> Option<TimeZone> {
    let name = reader.text(store, path, "timezone", CATALOG_NAME_CHARS_MAX)?;
    let zone = TimeZone::get(name).ok();
    if zone.is_none() {
        reader.error(path.key("timezone"), format!("no IANA time zone is called \"{name}\""));
    }
    zone
}
