//! Who is let in, before any work is done: so many requests at once, browsing never taking the places of orders, payment
//! and POS; and so many a second from one address or one member. Never here: what a request is about.

use std::hash::Hash;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use axum::http::Method;
use lru::LruCache;
use parking_lot::Mutex;

use super::problem::{Kind, Problem};
use super::server::ClientAddress;
use crate::config::EdgeLimits;
use crate::domain::id::MemberId;
use crate::limits::CLIENTS_REMEMBERED_MAX;

/// How a request is treated when there are too many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// Health and figures: always answered, or nobody would see why nothing else is.
    Always,
    /// Waits most of its time (long polls, sockets): takes no place; connections bound it.
    Waiting,
    /// Orders, payment, POS; at the centre what headquarters asks.
    Essential,
    /// Menus, stores, campaigns, pages; the public directory.
    Browsing,
}

impl Class {
    /// The class of a route, by its template; paths without one are browsing.
    pub fn of(method: &Method, route: &str) -> Self {
        match route {
            "/healthz" | "/readyz" | "/metrics" | "/v1/status" => Self::Always,
            "/v1/push" | "/v1/stores/{store}/queue" | "/v1/replicate" | "/v1/stream" => Self::Waiting,
            "/v1/stores" | "/v1/stores/{store}/menu" | "/v1/campaigns" => Self::Browsing,
            _ if route.starts_with("/v1/") => Self::Essential,
            _ if method == Method::GET || method == Method::HEAD => Self::Browsing,
            _ => Self::Essential,
        }
    }
}

/// The node's bounds on requests.
pub struct Admission {
    places: Arc<Working>,
    in_flight_max: usize,
    browsing_max: usize,
    addresses: Option<Rates<ClientAddress>>,
    members: Option<Rates<MemberId>>,
}

#[derive(Debug, Default)]
struct Working {
    all: AtomicUsize,
    browsing: AtomicUsize,
}

/// A place among the requests being worked on; given back when dropped.
#[derive(Debug)]
pub struct Place {
    working: Option<Arc<Working>>,
    browsing: bool,
}

impl Drop for Place {
    fn drop(&mut self) {
        let Some(working) = &self.working else { return };
        working.all.fetch_sub(1, Ordering::AcqRel);
        if self.browsing {
            working.browsing.fetch_sub(1, Ordering::AcqRel);
        }
    }
}

impl Admission {
    /// Bounds as configured.
    pub fn new(limits: &EdgeLimits) -> Self {
        Self {
            places: Arc::default(),
            in_flight_max: limits.in_flight,
            browsing_max: limits.in_flight_browsing,
            addresses: Rates::new(limits.requests_per_second_per_address),
            members: Rates::new(limits.requests_per_second_per_member),
        }
    }

    /// How many requests are being worked on.
    pub fn in_flight(&self) -> usize {
        self.places.all.load(Ordering::Relaxed)
    }

    /// A place for a request from an address, or why not.
    pub fn admit(&self, class: Class, address: Option<ClientAddress>) -> Result<Place, Problem> {
        if class == Class::Always {
            return Ok(Place { working: None, browsing: false });
        }
        if let (Some(rates), Some(address)) = (&self.addresses, address) {
            rates.take(address, Instant::now()).map_err(|wait| too_many("your address", wait))?;
        }
        if class == Class::Waiting {
            return Ok(Place { working: None, browsing: false });
        }
        let overloaded = || Problem::new(Kind::Overloaded, "too many requests are being worked on");
        // Counted first and given back by the place's drop: two at once never both get the last one.
        let all = self.places.all.fetch_add(1, Ordering::AcqRel);
        let mut place = Place { working: Some(Arc::clone(&self.places)), browsing: false };
        if all >= self.in_flight_max {
            return Err(overloaded());
        }
        if class == Class::Browsing {
            place.browsing = true;
            if self.places.browsing.fetch_add(1, Ordering::AcqRel) >= self.browsing_max {
                return Err(overloaded());
            }
        }
        Ok(place)
    }

    /// Whether a member may ask now.
    pub fn admit_member(&self, member: &MemberId) -> Result<(), Problem> {
        match &self.members {
            Some(rates) => rates.take(member.clone(), Instant::now()).map_err(|wait| too_many("you", wait)),
            None => Ok(()),
        }
    }
}

fn too_many(whom: &str, wait: Duration) -> Problem {
    let millis = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX).max(1);
    Problem::new(Kind::TooManyRequests, format!("too many requests from {whom}")).with("retry_after_ms", millis)
}

/// So many a second for each key, twice that in a burst. Remembers a bounded number of keys, the busiest of late; a key
/// that is forgotten begins with a full burst again.
struct Rates<K: Hash + Eq> {
    interval: Duration,
    burst: Duration,
    shards: Vec<Mutex<LruCache<K, Instant, rustc_hash::FxBuildHasher>>>,
    hasher: std::hash::RandomState,
}

const SHARDS: usize = 16;

impl<K: Hash + Eq> Rates<K> {
    fn new(per_second: usize) -> Option<Self> {
        let per_second = u32::try_from(per_second).ok().filter(|rate| *rate > 0)?;
        let capacity = NonZeroUsize::new(CLIENTS_REMEMBERED_MAX / SHARDS)?;
        let shard = || Mutex::new(LruCache::with_hasher(capacity, rustc_hash::FxBuildHasher));
        Some(Self {
            interval: Duration::from_secs(1) / per_second,
            burst: Duration::from_secs(2),
            shards: std::iter::repeat_with(shard).take(SHARDS).collect(),
            hasher: std::hash::RandomState::new(),
        })
    }

    /// Takes one, or says how long to wait. The virtual-scheduling form of a leaky bucket (GCRA): one time a key.
    fn take(&self, key: K, now: Instant) -> Result<(), Duration> {
        use std::hash::BuildHasher as _;
        // Keyed, so that nobody can aim at one shard or one chain.
        let hash = usize::try_from(self.hasher.hash_one(&key) % SHARDS as u64).unwrap_or(0);
        let Some(shard) = self.shards.get(hash) else { return Ok(()) };
        let mut shard = shard.lock();
        let due = shard.get_or_insert_mut(key, || now);
        let begins = (*due).max(now);
        let ends = begins + self.interval;
        match ends.checked_duration_since(now + self.burst) {
            Some(wait) if !wait.is_zero() => Err(wait),
            _ => {
                *due = ends;
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Mode;

    fn limits() -> EdgeLimits {
        let mut limits = EdgeLimits::of(Mode::Production);
        limits.in_flight = 4;
        limits.in_flight_browsing = 2;
        limits
    }

    #[test]
    fn browsing_leaves_room_for_what_matters() {
        let admission = Admission::new(&limits());
        let browsing: Vec<_> = (0..2).map(|_| admission.admit(Class::Browsing, None).unwrap()).collect();
        assert_eq!(admission.admit(Class::Browsing, None).unwrap_err().kind, Kind::Overloaded);
        let essential: Vec<_> = (0..2).map(|_| admission.admit(Class::Essential, None).unwrap()).collect();
        assert_eq!(admission.admit(Class::Essential, None).unwrap_err().kind, Kind::Overloaded);
        assert!(admission.admit(Class::Always, None).is_ok(), "health is always answered");
        assert_eq!(admission.in_flight(), 4, "refusals give their place back");
        drop((browsing, essential));
        assert_eq!(admission.in_flight(), 0);
        assert!(admission.admit(Class::Browsing, None).is_ok());
    }

    #[test]
    fn a_rate_allows_a_burst_and_then_its_pace() {
        let rates = Rates::new(10).unwrap();
        let start = Instant::now();
        let taken = (0..100).filter(|_| rates.take(1, start).is_ok()).count();
        assert_eq!(taken, 20, "two seconds' worth at once");
        let wait = rates.take(1, start).unwrap_err();
        assert_eq!(wait, Duration::from_millis(100));
        assert!(rates.take(2, start).is_ok(), "another one is not held up");
        assert!(rates.take(1, start + wait).is_ok(), "the wait that was told is enough");
        let later = start + Duration::from_secs(3600);
        assert_eq!((0..100).filter(|_| rates.take(1, later).is_ok()).count(), 20, "silence earns no more than a burst");
    }

    #[test]
    fn a_sandbox_limits_no_client() {
        let admission = Admission::new(&EdgeLimits::of(Mode::Sandbox));
        let member: MemberId = "m".parse().unwrap();
        assert!((0..10_000).all(|_| admission.admit_member(&member).is_ok()));
    }

    #[test]
    fn routes_are_of_the_class_they_should_be() {
        for (method, route, class) in [
            (Method::GET, "/healthz", Class::Always),
            (Method::GET, "/v1/stores/{store}/menu", Class::Browsing),
            (Method::GET, "/", Class::Browsing),
            (Method::GET, "/nothing", Class::Browsing),
            (Method::POST, "/v1/orders", Class::Essential),
            (Method::GET, "/v1/orders/{id}", Class::Essential),
            (Method::POST, "/v1/orders/{id}/accept", Class::Essential),
            (Method::GET, "/v1/stores/{store}/queue", Class::Waiting),
            (Method::GET, "/v1/push", Class::Waiting),
        ] {
            assert_eq!(Class::of(&method, route), class, "{method} {route}");
        }
    }
}
