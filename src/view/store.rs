//! A store in the directory, and whether it takes orders.

use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::id::StoreId;
use crate::domain::store::{Pause, Store};
use crate::domain::time::Timestamp;

use super::time::Rfc3339;

/// A store as customers find it.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Store)]
pub struct StoreListing<'a> {
    /// Its id.
    pub id: &'a str,
    /// Its name.
    pub name: &'a str,
    /// Its city.
    pub city: &'a str,
    /// Where to go.
    pub address: &'a str,
    /// Latitude in degrees.
    pub lat: f64,
    /// Longitude in degrees.
    pub lon: f64,
    /// IANA time zone.
    #[schema(example = "Asia/Shanghai")]
    pub timezone: &'a str,
    /// Whether its hours say open.
    pub open: bool,
    /// Whether it takes orders now: open and not paused.
    pub accepting: bool,
    /// What an order paid now would have to wait, in minutes.
    pub wait_minutes: u16,
    /// Metres from `near`, where that was asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub distance_m: Option<u32>,
}

impl<'a> StoreListing<'a> {
    /// The store at `now`.
    pub fn of(
        store: &'a Store,
        pause: Option<&Pause>,
        wait_minutes: u16,
        distance_m: Option<u32>,
        now: Timestamp,
    ) -> Self {
        let open = store.open_at(now);
        Self {
            id: store.id.as_str(),
            name: store.name.as_str(),
            city: store.city.as_str(),
            address: store.address.as_str(),
            lat: degrees(store.lat_micro),
            lon: degrees(store.lon_micro),
            timezone: store.timezone.iana_name().unwrap_or("UTC"),
            open,
            accepting: open && !pause.is_some_and(|pause| pause.holds_at(now)),
            wait_minutes,
            distance_m,
        }
    }
}

fn degrees(micro: i32) -> f64 {
    f64::from(micro) / 1e6
}

/// Whether a store takes orders, and if not, why and until when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = Accepting)]
pub struct AcceptingView<'a> {
    /// Which.
    pub store: &'a str,
    /// Whether it takes orders.
    pub accepting: bool,
    /// Why not.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub reason: Option<&'a str>,
    /// Until when not; absent: until resumed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, value_type = Option<String>, format = DateTime)]
    pub until: Option<Rfc3339>,
}

impl<'a> AcceptingView<'a> {
    /// The store with its pause at `now`; one that is over counts as none.
    pub fn of(store: &'a StoreId, pause: Option<&'a Pause>, now: Timestamp) -> Self {
        let pause = pause.filter(|pause| pause.holds_at(now));
        Self {
            store: store.as_str(),
            accepting: pause.is_none(),
            reason: pause.and_then(|pause| pause.reason.as_deref()),
            until: pause.and_then(|pause| pause.until).map(Rfc3339),
        }
    }
}
