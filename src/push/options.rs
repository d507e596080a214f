//! Times and bounds of the push hub. Defaults are for production; tests bring shorter ones.

use std::time::Duration;

use super::topics::RingLimits;
use crate::limits;

/// Everything the hub can be told.
#[derive(Debug, Clone)]
pub struct PushOptions {
    /// How long a connection may take to authenticate.
    pub authenticate_within: Duration,
    /// Between two pings; a client of which nothing is heard for twice that is closed.
    pub heartbeat: Duration,
    /// How long an order's event stays unacknowledged before it is sent again, doubled each time.
    pub resend_after: Duration,
    /// How long bytes are read and discarded after a close code was sent.
    pub linger: Duration,
    /// How long clients are left between `drain` and 1001, to acknowledge what they have.
    pub drain_linger: Duration,
    /// Clients are told to come back within this time, spread evenly.
    pub reconnect_spread: Duration,
    /// Connections at once.
    pub connections: usize,
    /// Connections of one address; `None` in sandbox.
    pub connections_per_address: Option<usize>,
    /// Connections of one customer; `None` in sandbox.
    pub connections_per_customer: Option<usize>,
    /// Connections of one subject of a store or of the operator.
    pub connections_per_staff: Option<usize>,
    /// Topics of one connection.
    pub subscriptions: usize,
    /// Events that wait for one slow connection.
    pub queue_events: usize,
    /// Bytes that wait for one slow connection, roughly.
    pub queue_bytes: usize,
    /// Largest frame of a client.
    pub client_frame_bytes: usize,
    /// Largest frame of the server.
    pub server_frame_bytes: usize,
    /// Frames of a client in a burst.
    pub client_frames_burst: u32,
    /// Frames of a client per second.
    pub client_frames_per_second: u32,
    /// Events kept for clients that come back.
    pub ring: RingLimits,
}

impl Default for PushOptions {
    fn default() -> Self {
        Self {
            authenticate_within: Duration::from_secs(10),
            heartbeat: Duration::from_secs(30),
            resend_after: Duration::from_secs(10),
            linger: Duration::from_secs(1),
            drain_linger: Duration::from_millis(500),
            reconnect_spread: Duration::from_secs(5),
            connections: limits::PUSH_CONNECTIONS_MAX,
            connections_per_address: Some(limits::PUSH_CONNECTIONS_PER_ADDRESS_MAX),
            connections_per_customer: Some(limits::PUSH_CONNECTIONS_PER_CUSTOMER_MAX),
            connections_per_staff: Some(limits::PUSH_CONNECTIONS_PER_STAFF_MAX),
            subscriptions: limits::PUSH_SUBSCRIPTIONS_MAX,
            queue_events: limits::PUSH_QUEUE_EVENTS,
            queue_bytes: limits::PUSH_QUEUE_BYTES,
            client_frame_bytes: limits::PUSH_CLIENT_FRAME_BYTES_MAX,
            server_frame_bytes: limits::PUSH_SERVER_FRAME_BYTES_MAX,
            client_frames_burst: limits::PUSH_CLIENT_FRAMES_BURST,
            client_frames_per_second: limits::PUSH_CLIENT_FRAMES_PER_SECOND,
            ring: RingLimits {
                topic_events: limits::PUSH_RING_TOPIC_EVENTS,
                events: limits::PUSH_RING_EVENTS,
                bytes: limits::PUSH_RING_BYTES,
            },
        }
    }
}

impl PushOptions {
    /// Without the limits per address and per member, as the sandbox has it.
    pub fn sandbox() -> Self {
        Self { connections_per_address: None, connections_per_customer: None, ..Self::default() }
    }
}
