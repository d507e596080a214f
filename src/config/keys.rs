//! The table of every key: what it is, what it may be, what it is by itself. Reading, checking, the environment's names
//! and `docs/configuration.md` all follow it. Never here: values.

use super::Role;
use crate::limits::LOG_BYTES_MIN;

/// What a value may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// One of these words.
    Choice(&'static [&'static str]),
    /// Any text that is not empty.
    Text,
    /// A region's name.
    Region,
    /// Addresses to listen on, `HOST:PORT`.
    Addresses,
    /// A file or directory.
    Path,
    /// Files.
    Paths,
    /// A URL of one of these schemes.
    Url(&'static [&'static str]),
    /// A time such as `15m`, in milliseconds at least and at most.
    Duration(u64, u64),
    /// A number, at least and at most.
    Count(u64, u64),
    /// A number of bytes such as `32GiB`, at least and at most.
    Bytes(u64, u64),
    /// Something that must not be seen; may stand in a file of its own, named by the same key with `_file`.
    Secret,
    /// Networks, `ADDRESS` or `ADDRESS/BITS`.
    Networks,
    /// Text that may stand in a file of its own, named by the same key with `_file`; no secret.
    Document,
}

/// One key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Key {
    /// The section, empty for the top of the file. `*` stands for any name.
    pub section: &'static str,
    /// Its name within the section.
    pub name: &'static str,
    /// What it may be.
    pub shape: Shape,
    /// Whose it is; `None`: both.
    pub role: Option<Role>,
    /// What it is by itself, empty: nothing.
    pub default: &'static str,
    /// What it is by itself in sandbox mode, where that differs.
    pub sandbox: Option<&'static str>,
    /// For people.
    pub doc: &'static str,
}

impl Key {
    /// `section.name`.
    pub fn dotted(&self) -> String {
        if self.section.is_empty() { self.name.to_owned() } else { format!("{}.{}", self.section, self.name) }
    }

    /// The default in a mode.
    pub fn default_in(&self, sandbox: bool) -> &'static str {
        if sandbox { self.sandbox.unwrap_or(self.default) } else { self.default }
    }
}

const N: Option<Role> = Some(Role::Node);
const A: Option<Role> = Some(Role::Aggregator);
const BOTH: Option<Role> = None;

const SECOND: u64 = 1_000;
const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

const fn key(
    role: Option<Role>,
    section: &'static str,
    name: &'static str,
    shape: Shape,
    default: &'static str,
    doc: &'static str,
) -> Key {
    Key { section, name, shape, role, default, sandbox: None, doc }
}

const fn relaxed(mut key: Key, sandbox: &'static str) -> Key {
    key.sandbox = Some(sandbox);
    key
}

/// Every key.
#[rustfmt::skip]
pub const KEYS: &[Key] = &[
    key(BOTH, "", "mode", Shape::Choice(&["production", "sandbox"]), "production",
        "`sandbox` adds calls that hand out tokens and play the payment provider, and switches limits per client off; it is the default where there is no file."),

    relaxed(key(N, "node", "region", Shape::Region, "", "The region this node serves; the data directory belongs to it for good. Needed in production."), "local"),
    key(N, "node", "listen", Shape::Addresses, "127.0.0.1:7100", "Addresses to listen on."),
    relaxed(key(N, "node", "data_dir", Shape::Path, "", "The data directory; one process at a time. Needed in production."), "qucan-data"),
    key(N, "node", "catalog", Shape::Path, "", "The region's catalogue file; imported at the start when it differs from what is on sale."),
    key(N, "node", "pictures_dir", Shape::Path, "", "A folder with pictures of the items: `image` in the catalogue may then name a file in it (SVG, PNG, JPEG, WebP or AVIF, at most 512 KiB each and 64 MiB together). Read at the start and with every import."),
    key(N, "node", "public_url", Shape::Url(&["https", "http"]), "", "Where customers reach this node; the store directory tells it to them."),

    key(BOTH, "auth", "hs256_secret", Shape::Secret, "", "The secret that tokens are signed and checked with, at least 16 bytes. Production needs it or `public_key_files`; a sandbox makes its own and keeps it in the data directory."),
    key(BOTH, "auth", "public_key_files", Shape::Paths, "", "PEM files with Ed25519 or ES256 (P-256) public keys that tokens are checked with; tokens are then made elsewhere."),

    key(N, "replication", "aggregator", Shape::Url(&["ws", "wss"]), "", "The aggregator's replication address. Without it the region sells on its own."),
    key(N, "replication", "token", Shape::Secret, "", "The region's token at the aggregator, at least 16 bytes."),
    key(N, "replication", "ca", Shape::Document, "", "Certificates of authorities that are trusted behind `wss://` besides the machine's own, PEM."),

    key(N, "orders", "pay_within", Shape::Duration(SECOND, DAY), "15m", "How long an order waits for its money before it is cancelled."),
    key(N, "orders", "accept_within", Shape::Duration(SECOND, DAY), "10m", "How long a paid order waits for the store before it is rejected and refunded."),
    key(N, "orders", "auto_after", Shape::Duration(MINUTE, 7 * DAY), "4h", "After how long an accepted order counts as ready, and a ready one as collected, without anybody saying so."),
    relaxed(key(N, "orders", "grace", Shape::Duration(0, DAY), "2m", "How long no deadline fires after a start, a jump of the clock or a stall of seconds."), "0s"),
    key(N, "orders", "keep_days", Shape::Count(2, 60), "7", "Business days for which closed orders are answered, the present one included."),

    key(BOTH, "retention", "log_bytes", Shape::Bytes(LOG_BYTES_MIN, 1 << 50), "32GiB", "How large the log may become, at the aggregator that of each region. It keeps what `keep_days` and the centre need; near this bound the oldest entries go all the same, which is said in the log, in `/v1/status` and in `qucan_engine_log_trims`. A node sells on; a centre that lacked entries is seeded with a snapshot. Segments being prepared (up to 200 MiB) and snapshots come on top."),

    key(N, "payment.wechatpay", "appid", Shape::Text, "", "The mini-program's appid."),
    key(N, "payment.wechatpay", "mchid", Shape::Text, "", "The merchant's id."),
    key(N, "payment.wechatpay", "certificate_serial", Shape::Text, "", "Serial number of the merchant's API certificate."),
    key(N, "payment.wechatpay", "private_key", Shape::Secret, "", "The merchant's private key, PEM."),
    key(N, "payment.wechatpay", "api_v3_key", Shape::Secret, "", "The APIv3 key, 32 bytes."),
    key(N, "payment.wechatpay", "platform_public_key_id", Shape::Text, "", "Id of WeChat Pay's public key, `PUB_KEY_ID_…`."),
    key(N, "payment.wechatpay", "platform_public_key", Shape::Document, "", "WeChat Pay's public key, PEM."),
    key(N, "payment.wechatpay", "base_url", Shape::Url(&["https", "http"]), "https://api.mch.weixin.qq.com", "WeChat Pay's API."),
    key(N, "payment.wechatpay", "notify_url", Shape::Url(&["https", "http"]), "", "Where WeChat Pay reaches this node's notification call."),

    key(A, "aggregator", "listen", Shape::Addresses, "127.0.0.1:7000", "Addresses to listen on."),
    relaxed(key(A, "aggregator", "data_dir", Shape::Path, "", "The data directory; one process at a time. Needed in production."), "qucan-aggregator-data"),
    key(A, "aggregator", "store", Shape::Secret, "embedded", "`embedded`, or `postgres://…` where one machine is not enough."),
    key(A, "aggregator", "keep_days", Shape::Count(2, 400), "14", "Business days for which orders can be asked for, the present one included; the embedded store takes some 0.5 GiB for a million orders."),
    key(A, "regions.*", "token", Shape::Secret, "", "The token with which the region of this name replicates, at least 16 bytes. A sandbox without any region takes every one that comes with the token `sandbox-region-token`."),

    key(BOTH, "log", "format", Shape::Choice(&["text", "json"]), "text", "How log lines on stderr look."),
    key(BOTH, "log", "level", Shape::Text, "info", "What is logged: `error`, `warn`, `info`, `debug`, `trace`, or filter directives."),

    key(BOTH, "limits", "connections", Shape::Count(16, 1_000_000), "16000", "Connections at once, WebSockets included; beyond it a connection is answered 503 and closed."),
    relaxed(key(BOTH, "limits", "connections_per_address", Shape::Count(0, 1_000_000), "1024", "Connections at once from one client address (IPv6: one /64); 0: no limit."), "0"),
    relaxed(key(BOTH, "limits", "requests_per_second_per_address", Shape::Count(0, 1_000_000), "500", "Requests a second from one client address, twice that in a burst; 0: no limit."), "0"),
    relaxed(key(BOTH, "limits", "requests_per_second_per_member", Shape::Count(0, 1_000_000), "20", "Requests a second with a customer's token, twice that in a burst; 0: no limit."), "0"),
    relaxed(key(N, "limits", "open_orders_per_member", Shape::Count(0, 1_000), "10", "Orders a member may have open at once; 0: no limit."), "0"),
    key(BOTH, "limits", "trusted_proxies", Shape::Networks, "", "Proxies in front, whose `X-Forwarded-For` is believed; they have no limit of connections."),
    key(BOTH, "limits", "in_flight", Shape::Count(16, 100_000), "4096", "Requests being worked on at once; beyond it 503 `overloaded`."),
    key(BOTH, "limits", "in_flight_browsing", Shape::Count(8, 100_000), "2048", "How many of them may be menus, stores, campaigns and pages: the rest is kept for orders, payment and POS."),
    key(BOTH, "limits", "header_timeout", Shape::Duration(100, 5 * MINUTE), "10s", "How long a request's head may take to arrive, and a new connection may be silent."),
    key(BOTH, "limits", "idle_timeout", Shape::Duration(100, HOUR), "75s", "How long a connection may be idle between requests."),
    key(BOTH, "limits", "body_timeout", Shape::Duration(100, 5 * MINUTE), "10s", "How long a body may take to arrive."),
    key(BOTH, "limits", "write_timeout", Shape::Duration(100, 5 * MINUTE), "30s", "How long a client may take nothing of what is sent to it."),
    key(BOTH, "limits", "header_bytes", Shape::Count(8_192, 1_048_576), "16384", "Bytes of a request's head."),
    key(BOTH, "limits", "body_bytes", Shape::Count(1_024, 1_048_576), "65536", "Bytes of a JSON body; the catalogue has its own bound of 8 MiB."),
    key(BOTH, "limits", "drain_within", Shape::Duration(0, 10 * MINUTE), "10s", "How long a stop waits for requests being worked on."),
    key(BOTH, "limits", "tokens_cached", Shape::Count(16, 10_000_000), "65536", "Verified tokens remembered until they expire, about 250 bytes each."),
    key(N, "limits", "critical_queue", Shape::Count(16, 1_000_000), "4096", "Commands waiting in front of the writer: payments, POS, refunds; beyond it 503 `overloaded`."),
    key(N, "limits", "normal_queue", Shape::Count(16, 1_000_000), "4096", "Commands waiting in front of the writer: new orders, claims; beyond it 503 `overloaded`."),
];
