//! What the operator says: one TOML file, environment variables over it, safe defaults under it; checked as a whole before
//! anything is started. Never here: using it, or opening anything but the configuration's own files.

mod build;
mod document;
mod error;
mod keys;
mod source;
mod types;
pub mod value;

use std::net::SocketAddr;
use std::path::Path;

use self::build::Reader;
pub use self::document::document;
pub use self::error::{ConfigError, Finding, Place};
pub use self::keys::{KEYS, Key, Shape};
use self::source::Layers;
pub use self::types::{
    AggregatorConfig, AnyConfig, AuthConfig, EdgeLimits, LogConfig, Mode, NodeConfig, OrdersConfig, QueueLimits,
    ReplicationConfig, Role, Secret, StoreConfig, WechatPayConfig,
};
use crate::domain::id::RegionId;
use crate::limits;

impl EdgeLimits {
    /// The defaults of a mode.
    pub fn of(mode: Mode) -> Self {
        edge_limits(&mut Reader {
            layers: Layers::default(),
            sandbox: mode == Mode::Sandbox,
            warnings: Vec::new(),
            findings: Vec::new(),
        })
    }
}

/// A configuration with what is worth a warning.
#[derive(Debug)]
pub struct Loaded<T> {
    /// It.
    pub config: T,
    /// Warnings.
    pub warnings: Vec<Finding>,
}

/// Reads a node's configuration; without a file the defaults of a sandbox on loopback.
pub fn load_node(
    file: Option<&Path>,
    environment: impl IntoIterator<Item = (String, String)>,
) -> Result<Loaded<NodeConfig>, ConfigError> {
    match load(file, environment, Some(Role::Node))? {
        Loaded { config: AnyConfig::Node(config), warnings } => Ok(Loaded { config: *config, warnings }),
        Loaded { config: AnyConfig::Aggregator(_), .. } => Err(wrong_role(file, Role::Aggregator, Role::Node)),
    }
}

/// Reads an aggregator's configuration; without a file the defaults of a sandbox on loopback.
pub fn load_aggregator(
    file: Option<&Path>,
    environment: impl IntoIterator<Item = (String, String)>,
) -> Result<Loaded<AggregatorConfig>, ConfigError> {
    match load(file, environment, Some(Role::Aggregator))? {
        Loaded { config: AnyConfig::Aggregator(config), warnings } => Ok(Loaded { config: *config, warnings }),
        Loaded { config: AnyConfig::Node(_), .. } => Err(wrong_role(file, Role::Node, Role::Aggregator)),
    }
}

/// Reads either configuration, whichever the file is.
pub fn load_any(
    file: &Path,
    environment: impl IntoIterator<Item = (String, String)>,
) -> Result<Loaded<AnyConfig>, ConfigError> {
    load(Some(file), environment, None)
}

fn wrong_role(file: Option<&Path>, is: Role, wanted: Role) -> ConfigError {
    let message = format!("is {}'s configuration, not {}'s", is.with_article(), wanted.with_article());
    let place = file.map_or(Place::Nowhere, |file| Place::File(file.to_owned()));
    ConfigError { findings: vec![Finding { place, key: String::new(), message }] }
}

fn load(
    file: Option<&Path>,
    environment: impl IntoIterator<Item = (String, String)>,
    wanted: Option<Role>,
) -> Result<Loaded<AnyConfig>, ConfigError> {
    let mut layers = Layers::default();
    if let Some(path) = file {
        layers.read_file(path, &read_config(path)?)?;
    }
    layers.read_environment(environment);
    let role = match (layers.role, wanted) {
        (Some(is), Some(wanted)) if is != wanted => return Err(wrong_role(file, is, wanted)),
        (is, wanted) => wanted.or(is).unwrap_or(Role::Node),
    };
    layers.check_role(role);
    let findings = std::mem::take(&mut layers.findings);
    let mut reader = Reader { layers, sandbox: false, warnings: Vec::new(), findings };
    let mode = mode(&mut reader, file.is_some());
    let config = match role {
        Role::Node => node(&mut reader, mode).map(|config| AnyConfig::Node(Box::new(config))),
        Role::Aggregator => aggregator(&mut reader, mode).map(|config| AnyConfig::Aggregator(Box::new(config))),
    };
    // What is missing has a finding, so no configuration means findings.
    if let (Some(config), true) = (config, reader.findings.is_empty()) {
        return Ok(Loaded { config, warnings: reader.warnings });
    }
    for finding in &mut reader.findings {
        // A key that is missing is missing in the file, if there is one.
        if let (Place::Nowhere, Some(path)) = (&finding.place, file) {
            finding.place = Place::File(path.to_owned());
        }
    }
    Err(ConfigError { findings: reader.findings })
}

/// An I/O error in plain words.
fn plain(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::NotFound => "there is no such file".to_owned(),
        std::io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        std::io::ErrorKind::InvalidData => "not UTF-8 text".to_owned(),
        std::io::ErrorKind::IsADirectory => "it is a directory".to_owned(),
        _ => error.to_string(),
    }
}

fn read_config(path: &Path) -> Result<String, ConfigError> {
    use std::io::Read as _;
    let mut text = String::new();
    let read = std::fs::File::open(path).and_then(|file| file.take(limits::CONFIG_BYTES_MAX).read_to_string(&mut text));
    read.map(|_| text).map_err(|error| ConfigError {
        findings: vec![Finding {
            place: Place::File(path.to_owned()),
            key: String::new(),
            message: format!("the configuration can't be read: {}", plain(&error)),
        }],
    })
}

fn mode(reader: &mut Reader, has_file: bool) -> Mode {
    if !has_file && !reader.is_set("mode") {
        reader.sandbox = true;
        return Mode::Sandbox;
    }
    reader.sandbox = reader.choice("mode", &["production", "sandbox"]) == "sandbox";
    if reader.sandbox { Mode::Sandbox } else { Mode::Production }
}

/// A sandbox hands out tokens to everybody who asks: it has to be wanted before it listens beyond this machine.
fn listen(reader: &mut Reader, name: &str, mode: Mode) -> Vec<SocketAddr> {
    let addresses = reader.addresses(name);
    let outside = addresses.iter().find(|address| !address.ip().is_loopback());
    if let (Mode::Sandbox, Some(address)) = (mode, outside) {
        if reader.is_set("mode") {
            let message = format!("is {address}: everybody who reaches this sandbox may get any token");
            reader.warn(reader.place(name), name, message);
        } else {
            let message = format!(
                "is {address}, but without a `mode` this is a sandbox that gives anybody any token; set mode = \"production\", \
                 or mode = \"sandbox\" if that is what you want (QUCAN_MODE)"
            );
            reader.complain(reader.place(name), name, message);
        }
    }
    addresses
}

fn node(reader: &mut Reader, mode: Mode) -> Option<NodeConfig> {
    const PRODUCTION: &str = "production needs it";
    let region = reader.parsed::<RegionId>("node.region");
    reader.require(region.is_some(), "node.region", PRODUCTION);
    let data_dir = reader.path("node.data_dir");
    reader.require(data_dir.is_some(), "node.data_dir", PRODUCTION);
    let listen = listen(reader, "node.listen", mode);
    let catalog = reader.path("node.catalog");
    let pictures_dir = reader.path("node.pictures_dir");
    let public_url = reader.url("node.public_url", &["https", "http"]);
    let auth = auth(reader, mode);
    let replication = replication(reader);
    let orders = orders(reader);
    let log_bytes = reader.bytes("retention.log_bytes");
    let wechatpay = wechatpay(reader);
    let log = log(reader);
    let limits = edge_limits(reader);
    let queues =
        QueueLimits { critical: reader.count("limits.critical_queue"), normal: reader.count("limits.normal_queue") };
    Some(NodeConfig {
        mode,
        region: region?,
        listen,
        data_dir: data_dir?,
        catalog,
        pictures_dir,
        public_url,
        auth,
        replication,
        orders,
        log_bytes,
        wechatpay,
        log,
        limits,
        queues,
    })
}

fn aggregator(reader: &mut Reader, mode: Mode) -> Option<AggregatorConfig> {
    let data_dir = reader.path("aggregator.data_dir");
    reader.require(data_dir.is_some(), "aggregator.data_dir", "production needs it");
    let listen = listen(reader, "aggregator.listen", mode);
    let store = store(reader);
    let keep_days = u16::try_from(reader.count("aggregator.keep_days")).unwrap_or(u16::MAX);
    let log_bytes = reader.bytes("retention.log_bytes");
    let auth = auth(reader, mode);
    let mut regions = Vec::new();
    for name in std::mem::take(&mut reader.layers.regions) {
        let key = format!("regions.{name}.token");
        let token = reader.secret(&key, limits::REGION_TOKEN_BYTES_MIN);
        reader.require(token.is_some(), &key, "without it the region can't replicate");
        match (name.parse(), token) {
            (Ok(region), Some(token)) => regions.push((region, token)),
            (Err(error), _) => reader.complain(reader.place(&key), &format!("regions.{name}"), format!("is {error}")),
            (Ok(_), None) => {}
        }
    }
    let log = log(reader);
    let limits = edge_limits(reader);
    Some(AggregatorConfig {
        mode,
        listen,
        data_dir: data_dir?,
        store,
        keep_days,
        log_bytes,
        auth,
        regions,
        log,
        limits,
    })
}

fn store(reader: &mut Reader) -> StoreConfig {
    match reader.secret("aggregator.store", 1) {
        Some(url) if value::is_url(url.reveal(), &["postgres", "postgresql"]) => StoreConfig::Postgres(url),
        Some(word) if word.reveal() != "embedded" => {
            let place = reader.place("aggregator.store");
            reader.complain(place, "aggregator.store", "should be \"embedded\" or \"postgres://…\"");
            StoreConfig::Embedded
        }
        _ => StoreConfig::Embedded,
    }
}

fn auth(reader: &mut Reader, mode: Mode) -> AuthConfig {
    let hs256_secret = reader.secret("auth.hs256_secret", limits::HS256_SECRET_BYTES_MIN);
    let public_keys = reader.file_texts("auth.public_key_files");
    if mode == Mode::Production {
        let present = hs256_secret.is_some() || !public_keys.is_empty() || reader.is_set("auth.public_key_files");
        reader.require(present, "auth.hs256_secret", "production needs it, or `auth.public_key_files`");
    }
    AuthConfig { hs256_secret, public_keys }
}

fn replication(reader: &mut Reader) -> Option<ReplicationConfig> {
    let aggregator = reader.url("replication.aggregator", &["ws", "wss"]);
    let token = reader.secret("replication.token", limits::REGION_TOKEN_BYTES_MIN);
    if aggregator.is_some() {
        reader.require(token.is_some(), "replication.token", "the aggregator asks for it");
    } else if token.is_some() {
        reader.require(false, "replication.aggregator", "a token alone leads nowhere");
    }
    let ca = reader.text("replication.ca");
    Some(ReplicationConfig { aggregator: aggregator?, token: token?, ca })
}

fn orders(reader: &mut Reader) -> OrdersConfig {
    let open = reader.count("limits.open_orders_per_member");
    OrdersConfig {
        pay_within: reader.duration("orders.pay_within"),
        accept_within: reader.duration("orders.accept_within"),
        auto_after: reader.duration("orders.auto_after"),
        grace: reader.duration("orders.grace"),
        keep_days: u16::try_from(reader.count("orders.keep_days")).unwrap_or(u16::MAX),
        open_per_member: u32::try_from(open).ok().filter(|open| *open > 0),
    }
}

fn wechatpay(reader: &mut Reader) -> Option<WechatPayConfig> {
    const SECTION: &str = "payment.wechatpay";
    if !reader.layers.values.keys().any(|name| name.starts_with(SECTION)) {
        return None;
    }
    const WHY: &str = "WeChat Pay needs it";
    let mut text = |name: &str| {
        let name = format!("{SECTION}.{name}");
        let text = reader.text(&name);
        reader.require(text.is_some(), &name, WHY);
        text
    };
    let (appid, mchid, certificate_serial) = (text("appid"), text("mchid"), text("certificate_serial"));
    let (key_id, public_key) = (text("platform_public_key_id"), text("platform_public_key"));
    let mut secret = |name: &str| {
        let name = format!("{SECTION}.{name}");
        let secret = reader.secret(&name, 1);
        reader.require(secret.is_some(), &name, WHY);
        secret
    };
    let (private_key, api_v3_key) = (secret("private_key"), secret("api_v3_key"));
    if api_v3_key.as_ref().is_some_and(|key| key.reveal().len() != 32) {
        let name = format!("{SECTION}.api_v3_key");
        reader.complain(reader.place(&name), &name, "is not 32 bytes long");
    }
    let mut url = |name: &str| {
        let name = format!("{SECTION}.{name}");
        let url = reader.url(&name, &["https", "http"]);
        reader.require(url.is_some(), &name, WHY);
        url
    };
    let (base_url, notify_url) = (url("base_url"), url("notify_url"));
    Some(WechatPayConfig {
        appid: appid?,
        mchid: mchid?,
        certificate_serial: certificate_serial?,
        private_key: private_key?,
        api_v3_key: api_v3_key?,
        platform_public_key_id: key_id?,
        platform_public_key: public_key?,
        base_url: base_url?,
        notify_url: notify_url?,
    })
}

fn log(reader: &mut Reader) -> LogConfig {
    let json = reader.choice("log.format", &["text", "json"]) == "json";
    LogConfig { json, level: reader.text("log.level").unwrap_or_default() }
}

fn edge_limits(reader: &mut Reader) -> EdgeLimits {
    let limits = EdgeLimits {
        connections: reader.count("limits.connections"),
        connections_per_address: reader.count("limits.connections_per_address"),
        requests_per_second_per_address: reader.count("limits.requests_per_second_per_address"),
        requests_per_second_per_member: reader.count("limits.requests_per_second_per_member"),
        trusted_proxies: reader.networks("limits.trusted_proxies"),
        in_flight: reader.count("limits.in_flight"),
        in_flight_browsing: reader.count("limits.in_flight_browsing"),
        header_timeout: reader.duration("limits.header_timeout"),
        idle_timeout: reader.duration("limits.idle_timeout"),
        body_timeout: reader.duration("limits.body_timeout"),
        write_timeout: reader.duration("limits.write_timeout"),
        header_bytes: reader.count("limits.header_bytes"),
        body_bytes: reader.count("limits.body_bytes"),
        drain_within: reader.duration("limits.drain_within"),
        tokens_cached: reader.count("limits.tokens_cached"),
    };
    if limits.in_flight_browsing > limits.in_flight {
        let name = "limits.in_flight_browsing";
        reader.complain(reader.place(name), name, "is more than `limits.in_flight`, of which it is a part");
    }
    limits
}
