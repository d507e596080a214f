//! Texts of a configuration and what they mean: times, addresses, URLs. Every error says what a right one looks like.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

/// A time such as `15m`, `1h30m`, `500ms`.
pub fn duration(text: &str) -> Option<Duration> {
    let mut rest = text.trim();
    let mut total: u64 = 0;
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let number: u64 = rest.get(..digits)?.parse().ok()?;
        let after = rest.get(digits..)?;
        let letters = after.len() - after.trim_start_matches(|c: char| c.is_ascii_alphabetic()).len();
        let unit = match after.get(..letters)? {
            "ms" => 1,
            "s" => 1_000,
            "m" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            _ => return None,
        };
        total = total.checked_add(number.checked_mul(unit)?)?;
        rest = after.get(letters..)?;
    }
    Some(Duration::from_millis(total))
}

/// How a time is written: the largest unit that leaves no rest.
pub fn duration_text(millis: u64) -> String {
    for (unit, length) in [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000)] {
        if millis >= length && millis.is_multiple_of(length) {
            return format!("{}{unit}", millis / length);
        }
    }
    if millis == 0 { "0s".to_owned() } else { format!("{millis}ms") }
}

/// Units of sizes, the largest first.
const BYTE_UNITS: [(&str, u64); 4] = [("TiB", 1 << 40), ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)];

/// A number of bytes such as `32GiB`, `500MiB` or `1048576`.
pub fn bytes(text: &str) -> Option<u64> {
    let text = text.trim();
    let unit = BYTE_UNITS.iter().find_map(|(unit, bytes)| Some((text.strip_suffix(unit)?, *bytes)));
    let (number, bytes) = unit.unwrap_or((text, 1));
    number.trim_end().parse::<u64>().ok()?.checked_mul(bytes)
}

/// How a number of bytes is written: the largest unit that leaves no rest.
pub fn bytes_text(bytes: u64) -> String {
    let fits = |unit: &&(&str, u64)| bytes >= unit.1 && bytes.is_multiple_of(unit.1);
    BYTE_UNITS.iter().find(fits).map_or_else(|| bytes.to_string(), |(unit, length)| format!("{}{unit}", bytes / length))
}

/// An address to listen on.
pub fn address(text: &str) -> Option<SocketAddr> {
    let text = text.trim();
    match text.strip_prefix("localhost:") {
        Some(port) => Some(SocketAddr::from(([127, 0, 0, 1], port.parse().ok()?))),
        None => text.parse().ok(),
    }
}

/// Addresses that begin alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    bits: u32,
}

impl Network {
    /// Whether an address is one of them.
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address) {
            (IpAddr::V4(mine), IpAddr::V4(other)) => {
                self.bits == 0 || (mine.to_bits() ^ other.to_bits()) >> (32 - self.bits) == 0
            }
            (IpAddr::V6(mine), IpAddr::V6(other)) => {
                self.bits == 0 || (mine.to_bits() ^ other.to_bits()) >> (128 - self.bits) == 0
            }
            _ => false,
        }
    }
}

/// A network such as `10.0.0.0/8`, or a single address.
pub fn network(text: &str) -> Option<Network> {
    let (address, bits) = match text.trim().split_once('/') {
        Some((address, bits)) => (address, Some(bits.parse::<u32>().ok()?)),
        None => (text.trim(), None),
    };
    let address: IpAddr = address.parse().ok()?;
    let most = if address.is_ipv4() { 32 } else { 128 };
    let bits = bits.unwrap_or(most);
    (bits <= most).then_some(Network { address, bits })
}

/// Whether the text is a URL of one of these schemes with a host.
pub fn is_url(text: &str, schemes: &[&str]) -> bool {
    let Ok(uri) = text.parse::<http::Uri>() else { return false };
    uri.scheme_str().is_some_and(|scheme| schemes.contains(&scheme)) && uri.host().is_some_and(|host| !host.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_and_written() {
        for (text, millis) in [("15m", 900_000), ("1h30m", 5_400_000), ("500ms", 500), ("0s", 0), (" 2d ", 172_800_000)]
        {
            assert_eq!(duration(text), Some(Duration::from_millis(millis)), "{text}");
        }
        for text in ["", "15", "m", "-1s", "1.5h", "1 m", "1w", "99999999999999999999s", "18446744073709551615d"] {
            assert_eq!(duration(text), None, "{text}");
        }
        for text in ["2d", "90m", "1h", "45s", "1500ms", "0s"] {
            let millis = u64::try_from(duration(text).unwrap().as_millis()).unwrap();
            assert_eq!(duration_text(millis), text);
        }
    }

    #[test]
    fn networks_hold_what_begins_alike() {
        let contains =
            |network_text: &str, address: &str| network(network_text).unwrap().contains(address.parse().unwrap());
        assert!(contains("10.0.0.0/8", "10.200.3.4") && !contains("10.0.0.0/8", "11.0.0.1"));
        assert!(contains("127.0.0.1", "127.0.0.1") && !contains("127.0.0.1", "127.0.0.2"));
        assert!(contains("0.0.0.0/0", "8.8.8.8") && contains("::/0", "::1") && !contains("0.0.0.0/0", "::1"));
        assert!(contains("fd00::/8", "fd12::1") && !contains("fd00::/8", "fe80::1"));
        for text in ["", "10.0.0.0/33", "10.0.0/8", "x", "::/129"] {
            assert_eq!(network(text), None, "{text}");
        }
    }

    #[test]
    fn addresses_and_urls_are_what_they_look_like() {
        assert!(address("[::]:7100").is_some() && address("localhost:1").is_some());
        for text in ["7100", ":7100", "0.0.0.0", "127.0.0.1:99999", "example.com:80"] {
            assert_eq!(address(text), None, "{text}");
        }
        assert!(is_url("wss://aggregator:7000/v1/replicate", &["ws", "wss"]));
        for text in ["aggregator:7000", "http://", "https://x", "/v1"] {
            assert!(!is_url(text, &["ws", "wss"]), "{text}");
        }
    }
}
