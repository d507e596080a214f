//! Ports of programs under test that are killed and come back to where they were.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::atomic::{AtomicU32, Ordering};

/// Below the ports that the system hands out to connections (32,768 and up on Linux), or another test's client may have one
/// just when its program is down.
const PORTS: std::ops::Range<u32> = 12_000..32_000;

/// An address on which nobody listens. Processes and calls draw from different places, so two tests hardly ever share one.
pub fn free_address() -> SocketAddr {
    static TURN: AtomicU32 = AtomicU32::new(0);
    loop {
        let turn = std::process::id().wrapping_mul(7).wrapping_add(TURN.fetch_add(1, Ordering::SeqCst));
        let port = PORTS.start + turn % (PORTS.end - PORTS.start);
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, u16::try_from(port).unwrap()));
        if TcpListener::bind(address).is_ok() {
            return address;
        }
    }
}
