//! How many connections there are, altogether and from one client address. A place is given back when it is dropped.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::Mutex;

use crate::config::EdgeLimits;
use crate::config::value::Network;

/// A client as far as addresses tell: one IPv4 address, or one IPv6 /64, which is what a customer gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ClientAddress(u64, bool);

impl From<IpAddr> for ClientAddress {
    fn from(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(v4) => Self(u64::from(v4.to_bits()), false),
            IpAddr::V6(v6) => {
                let [a, b, c, d, ..] = v6.segments();
                Self(u64::from(a) << 48 | u64::from(b) << 32 | u64::from(c) << 16 | u64::from(d), true)
            }
        }
    }
}

/// Why there is no place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Full {
    Altogether,
    Address,
}

/// Places for connections.
#[derive(Debug)]
pub struct Places {
    taken: AtomicUsize,
    limit: usize,
    limit_per_address: usize,
    /// Our own proxies, behind which everybody is.
    trusted: Vec<Network>,
    by_address: Mutex<HashMap<ClientAddress, usize>>,
}

/// One connection's place.
#[derive(Debug)]
pub(super) struct Place {
    places: Arc<Places>,
    address: Option<ClientAddress>,
}

impl Places {
    /// As many as configured.
    pub fn new(limits: &EdgeLimits) -> Arc<Self> {
        Arc::new(Self {
            taken: AtomicUsize::new(0),
            limit: limits.connections,
            limit_per_address: limits.connections_per_address,
            trusted: limits.trusted_proxies.clone(),
            by_address: Mutex::default(),
        })
    }

    /// How many are taken.
    pub fn taken(&self) -> usize {
        self.taken.load(Ordering::Relaxed)
    }

    pub(super) fn take(self: &Arc<Self>, address: IpAddr) -> Result<Place, Full> {
        // Counted first and given back by the place's drop: two at once never both get the last one.
        if self.taken.fetch_add(1, Ordering::AcqRel) >= self.limit {
            self.taken.fetch_sub(1, Ordering::AcqRel);
            return Err(Full::Altogether);
        }
        let mut place = Place { places: Arc::clone(self), address: None };
        let address = address.to_canonical();
        if self.limit_per_address > 0 && !self.trusted.iter().any(|network| network.contains(address)) {
            let address = ClientAddress::from(address);
            let mut by_address = self.by_address.lock();
            let count = by_address.entry(address).or_default();
            if *count >= self.limit_per_address {
                drop(by_address);
                return Err(Full::Address);
            }
            *count += 1;
            place.address = Some(address);
        }
        Ok(place)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.places.taken.fetch_sub(1, Ordering::AcqRel);
        let Some(address) = self.address else { return };
        let mut by_address = self.places.by_address.lock();
        if let Some(count) = by_address.get_mut(&address) {
            *count -= 1;
            if *count == 0 {
                by_address.remove(&address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Mode;

    #[test]
    fn places_are_bounded_and_given_back() {
        let mut limits = EdgeLimits::of(Mode::Production);
        limits.connections = 3;
        limits.connections_per_address = 2;
        let places = Places::new(&limits);
        let a: IpAddr = "10.0.0.1".parse().unwrap();
        let b: IpAddr = "2001:db8::1".parse().unwrap();
        let neighbour: IpAddr = "2001:db8::2".parse().unwrap();
        let mapped: IpAddr = "::ffff:10.0.0.1".parse().unwrap();
        let (first, second) = (places.take(a).unwrap(), places.take(mapped).unwrap());
        assert_eq!(places.take(a).unwrap_err(), Full::Address);
        assert_eq!(places.taken(), 2, "a refusal takes no place");
        let third = places.take(b).unwrap();
        assert_eq!(places.take(neighbour).unwrap_err(), Full::Altogether);
        drop((first, second, third));
        assert_eq!(places.taken(), 0);
        assert!(places.by_address.lock().is_empty(), "nothing is remembered of clients that are gone");
        assert_eq!(ClientAddress::from(b), ClientAddress::from(neighbour));
    }
}
