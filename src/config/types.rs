//! Configurations as the rest of the program sees them: typed, whole and checked.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use super::value::Network;
use crate::domain::id::RegionId;

/// Whether money is play money.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Anybody may get tokens and play the payment provider; limits per client are off. For loopback.
    Sandbox,
    /// The real thing.
    Production,
}

impl Mode {
    /// As it stands in the file.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sandbox => "sandbox",
            Self::Production => "production",
        }
    }
}

/// Which program a configuration is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// A region's node.
    Node,
    /// The central aggregator.
    Aggregator,
}

impl Role {
    pub(super) fn with_article(self) -> &'static str {
        match self {
            Self::Node => "a node",
            Self::Aggregator => "an aggregator",
        }
    }
}

/// Something that is never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Keeps a text from being shown.
    pub fn new(text: String) -> Self {
        Self(text)
    }

    /// The text, for the one who needs it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// A node's configuration, whole and checked.
#[derive(Debug, Clone)]
pub struct NodeConfig {
    /// Sandbox or production.
    pub mode: Mode,
    /// The region.
    pub region: RegionId,
    /// Addresses to listen on.
    pub listen: Vec<SocketAddr>,
    /// The data directory.
    pub data_dir: PathBuf,
    /// The catalogue file.
    pub catalog: Option<PathBuf>,
    /// The folder of pictures that the catalogue may name.
    pub pictures_dir: Option<PathBuf>,
    /// Where customers reach this node.
    pub public_url: Option<String>,
    /// Keys of tokens.
    pub auth: AuthConfig,
    /// The way to the centre, if there is one.
    pub replication: Option<ReplicationConfig>,
    /// Deadlines and retention.
    pub orders: OrdersConfig,
    /// Bytes the log may have.
    pub log_bytes: u64,
    /// WeChat Pay, if it is configured.
    pub wechatpay: Option<WechatPayConfig>,
    /// Logging.
    pub log: LogConfig,
    /// Bounds of the HTTP edge.
    pub limits: EdgeLimits,
    /// Bounds in front of the writer.
    pub queues: QueueLimits,
}

/// An aggregator's configuration, whole and checked.
#[derive(Debug, Clone)]
pub struct AggregatorConfig {
    /// Sandbox or production.
    pub mode: Mode,
    /// Addresses to listen on.
    pub listen: Vec<SocketAddr>,
    /// The data directory.
    pub data_dir: PathBuf,
    /// Where orders and figures are kept.
    pub store: StoreConfig,
    /// Business days for which orders can be asked for.
    pub keep_days: u16,
    /// Bytes each region's log may have.
    pub log_bytes: u64,
    /// Keys of tokens.
    pub auth: AuthConfig,
    /// Regions that may replicate, with their tokens.
    pub regions: Vec<(RegionId, Secret)>,
    /// Logging.
    pub log: LogConfig,
    /// Bounds of the HTTP edge.
    pub limits: EdgeLimits,
}

/// `aggregator.store`
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoreConfig {
    /// In the data directory.
    Embedded,
    /// In a database that speaks PostgreSQL's protocol; its URL, which may hold a password.
    Postgres(Secret),
}

/// Either configuration.
#[derive(Debug, Clone)]
pub enum AnyConfig {
    /// A node's.
    Node(Box<NodeConfig>),
    /// An aggregator's.
    Aggregator(Box<AggregatorConfig>),
}

/// `[auth]`
#[derive(Debug, Clone)]
pub struct AuthConfig {
    /// The shared secret.
    pub hs256_secret: Option<Secret>,
    /// Texts of PEM files with public keys, with the files' names.
    pub public_keys: Vec<(String, String)>,
}

/// `[replication]`
#[derive(Debug, Clone)]
pub struct ReplicationConfig {
    /// The aggregator's address.
    pub aggregator: String,
    /// The region's token.
    pub token: Secret,
    /// Certificates of additional authorities to trust, PEM.
    pub ca: Option<String>,
}

/// `[orders]`
#[derive(Debug, Clone)]
pub struct OrdersConfig {
    /// How long an order waits for its money.
    pub pay_within: Duration,
    /// How long a paid order waits for the store.
    pub accept_within: Duration,
    /// When an order moves on by itself.
    pub auto_after: Duration,
    /// How long no deadline fires after a start.
    pub grace: Duration,
    /// Business days for which closed orders are answered.
    pub keep_days: u16,
    /// Orders a member may have open at once; `None`: no limit.
    pub open_per_member: Option<u32>,
}

/// `[payment.wechatpay]`
#[derive(Debug, Clone)]
pub struct WechatPayConfig {
    /// The mini-program's appid.
    pub appid: String,
    /// The merchant's id.
    pub mchid: String,
    /// Serial number of the merchant's API certificate.
    pub certificate_serial: String,
    /// The merchant's private key, PEM.
    pub private_key: Secret,
    /// The APIv3 key.
    pub api_v3_key: Secret,
    /// Id of the platform's public key.
    pub platform_public_key_id: String,
    /// The platform's public key, PEM.
    pub platform_public_key: String,
    /// The API's base URL.
    pub base_url: String,
    /// Where notifications go.
    pub notify_url: String,
}

/// `[log]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogConfig {
    /// One JSON object a line, or text.
    pub json: bool,
    /// Filter directives.
    pub level: String,
}

impl Default for LogConfig {
    fn default() -> Self {
        Self { json: false, level: "info".to_owned() }
    }
}

/// Bounds of the HTTP edge; 0 of a limit per client means none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EdgeLimits {
    /// Connections at once.
    pub connections: usize,
    /// Connections at once from one address.
    pub connections_per_address: usize,
    /// Requests a second from one address.
    pub requests_per_second_per_address: usize,
    /// Requests a second with a customer's token.
    pub requests_per_second_per_member: usize,
    /// Proxies whose word about the client is believed.
    pub trusted_proxies: Vec<Network>,
    /// Requests being worked on at once.
    pub in_flight: usize,
    /// How many of them may be browsing.
    pub in_flight_browsing: usize,
    /// How long a request's head may take.
    pub header_timeout: Duration,
    /// How long a connection may be idle.
    pub idle_timeout: Duration,
    /// How long a body may take to arrive.
    pub body_timeout: Duration,
    /// How long a client may take nothing.
    pub write_timeout: Duration,
    /// Bytes of a request's head.
    pub header_bytes: usize,
    /// Largest JSON body in bytes; the catalogue has its own bound.
    pub body_bytes: usize,
    /// How long a stop waits for requests.
    pub drain_within: Duration,
    /// Verified tokens remembered.
    pub tokens_cached: usize,
}

/// Lengths of the queues in front of the writer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QueueLimits {
    /// The critical one.
    pub critical: usize,
    /// The other one.
    pub normal: usize,
}
