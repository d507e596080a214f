//! Configurations: good ones mean what they say, every bad one is one clear sentence with file, line and key.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests may fail the test")]

use std::path::{Path, PathBuf};
use std::time::Duration;

use qucan::config::{self, AnyConfig, ConfigError, Mode};

const PRODUCTION: &str = r#"
mode = "production"
[node]
region = "east"
data_dir = "/var/lib/qucan"
[auth]
hs256_secret = "a secret of thirty-two bytes...."
"#;

struct Files {
    dir: tempfile::TempDir,
}

impl Files {
    fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap() }
    }

    fn put(&self, name: &str, text: &str) -> PathBuf {
        let path = self.dir.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    }
}

fn environment(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn error_of(path: &Path, pairs: &[(&str, &str)]) -> ConfigError {
    config::load_any(path, environment(pairs)).expect_err("should be refused")
}

#[test]
fn without_a_file_a_node_is_a_sandbox_on_loopback() {
    let config = config::load_node(None, []).unwrap().config;
    assert_eq!(config.mode, Mode::Sandbox);
    assert_eq!(config.listen, ["127.0.0.1:7100".parse::<std::net::SocketAddr>().unwrap()]);
    assert_eq!(config.orders.pay_within, Duration::from_secs(900));
    assert_eq!(config.orders.grace, Duration::ZERO, "no grace in a sandbox");
    assert_eq!(config.limits.requests_per_second_per_address, 0, "no limit per client in a sandbox");
    assert_eq!(config.orders.open_per_member, None);
}

#[test]
fn the_contract_s_example_is_understood_to_the_letter() {
    let files = Files::new();
    let secret = files.put("jwt.key", "  a secret with white space around it \n");
    let token = files.put("region.token", "sixteen bytes at least\n");
    let pem = files.put("key.pem", "-----BEGIN…\n");
    let v3 = files.put("v3.key", "12345678901234567890123456789012\n");
    let path = files.put(
        "node.toml",
        &format!(
            r#"
mode = "production"                    # or "sandbox"
[node]
region     = "east"
listen     = ["0.0.0.0:7100"]
data_dir   = "/var/lib/qucan"
catalog    = "/etc/qucan/catalog.json" # optional: imported when it changed
public_url = "https://east.example"    # what the store directory tells customers
[auth]
hs256_secret_file = "{secret}"
[replication]
aggregator = "ws://aggregator:7000/v1/replicate"
token_file = "{token}"
[orders]
pay_within    = "15m"
accept_within = "10m"
[payment.wechatpay]
appid = "wx1"
mchid = "2"
certificate_serial = "3"
private_key_file = "{pem}"
api_v3_key_file = "{v3}"
platform_public_key_id = "PUB_KEY_ID_1"
platform_public_key_file = "{pem}"
base_url = "https://pay.example"
notify_url = "https://east.example/v1/payments/wechatpay/notify"
"#,
            secret = secret.display(),
            token = token.display(),
            pem = pem.display(),
            v3 = v3.display()
        ),
    );
    let loaded = config::load_node(Some(&path), []).unwrap();
    let config = loaded.config;
    assert_eq!(config.mode, Mode::Production);
    assert_eq!(config.region.as_str(), "east");
    assert_eq!(config.auth.hs256_secret.unwrap().reveal(), "a secret with white space around it");
    assert_eq!(config.replication.unwrap().token.reveal(), "sixteen bytes at least");
    assert_eq!(config.wechatpay.unwrap().api_v3_key.reveal().len(), 32);
    assert_eq!(config.orders.open_per_member, Some(10));
    assert_eq!(config.limits.requests_per_second_per_member, 20);
    assert_eq!(config.log_bytes, 32 << 30);
    for (size, bytes) in [("64MiB", 64 << 20), ("1TiB", 1 << 40), ("100000000", 100_000_000)] {
        let variables = [("QUCAN_RETENTION__LOG_BYTES".to_owned(), size.to_owned())];
        assert_eq!(config::load_node(Some(&path), variables).unwrap().config.log_bytes, bytes);
    }
    let warned: Vec<_> = loaded.warnings.iter().map(|warning| warning.key.as_str()).collect();
    assert!(warned.contains(&"auth.hs256_secret_file"), "0644 is worth a warning: {warned:?}");
    assert!(!warned.contains(&"payment.wechatpay.platform_public_key_file"), "a public key may be read: {warned:?}");
}

#[test]
fn an_aggregator_s_file_is_understood_too() {
    let files = Files::new();
    let path = files.put(
        "aggregator.toml",
        r#"
mode = "production"
[aggregator]
listen   = ["0.0.0.0:7000"]
data_dir = "/var/lib/qucan-aggregator"
store    = "embedded"
[auth]
hs256_secret = "a secret of thirty-two bytes...."
[regions.east]
token = "0123456789abcdef"
[regions.south]
token = "0123456789abcdef"
"#,
    );
    match config::load_any(&path, []).unwrap().config {
        AnyConfig::Aggregator(config) => assert_eq!(config.regions.len(), 2),
        AnyConfig::Node(_) => panic!("taken for a node's"),
    }
    let error = config::load_node(Some(&path), []).unwrap_err().to_string();
    assert!(error.ends_with("is an aggregator's configuration, not a node's"), "{error}");
}

#[test]
fn the_environment_wins_over_the_file() {
    let files = Files::new();
    let path = files.put("node.toml", PRODUCTION);
    let other = files.put("other.key", "another secret, from a file");
    let variables = environment(&[
        ("QUCAN_NODE__REGION", "south"),
        ("QUCAN_NODE__LISTEN", "127.0.0.1:1, [::1]:2"),
        ("QUCAN_LIMITS__CONNECTIONS", "77"),
        ("QUCAN_ORDERS__PAY_WITHIN", "1h30m"),
        ("QUCAN_AUTH__HS256_SECRET_FILE", other.to_str().unwrap()),
        ("QUCAN_SOMETHING", "not ours"),
        ("PATH", "/bin"),
    ]);
    let config = config::load_node(Some(&path), variables).unwrap().config;
    assert_eq!(config.region.as_str(), "south");
    assert_eq!(config.listen.len(), 2);
    assert_eq!(config.limits.connections, 77);
    assert_eq!(config.orders.pay_within, Duration::from_secs(5400));
    assert_eq!(config.auth.hs256_secret.unwrap().reveal(), "another secret, from a file");
}

/// One mistake each, put into a file that is good otherwise: the line it must be found at, and the sentence.
#[test]
fn each_mistake_is_one_clear_sentence() {
    let node = |keys: &str| PRODUCTION.replace("[auth]", &format!("{keys}\n[auth]"));
    let auth = |keys: &str| PRODUCTION.replace("hs256_secret = \"a secret of thirty-two bytes....\"", keys);
    let end = |keys: &str| format!("{PRODUCTION}{keys}");
    let table: &[(&str, String, &str)] = &[
        ("syntax", "mode = \"sandbox\nx".into(), "2:2: not valid TOML: key with no value, expected `=`"),
        ("unknown key", node("regoin = 1"), "6:1: `node.regoin` is unknown; did you mean `node.region`?"),
        (
            "a key in the wrong section",
            node("pay_within = \"1m\""),
            "6:1: `node.pay_within` is unknown; did you mean `orders.pay_within`?",
        ),
        ("unknown key at the top", format!("mod = 1\n{PRODUCTION}"), "1:1: `mod` is unknown; did you mean `mode`?"),
        ("unknown section", end("[limit]\nx = 1"), "8:2: `limit` is an unknown section; did you mean `[limits]`?"),
        (
            "unknown provider",
            end("[payment.alipay]\nx = 1"),
            "8:10: `payment.alipay` is an unknown section; did you mean `[payment.wechatpay]`?",
        ),
        (
            "secret by the wrong name",
            end("hs256_secret_path = \"x\""),
            "8:1: `auth.hs256_secret_path` is unknown; did you mean `auth.hs256_secret_file`?",
        ),
        (
            "another program's key",
            end("[regions.east]\ntoken = \"0123456789abcdef\""),
            "has [node] and [aggregator]: one file is for one of them",
        ),
        (
            "mode",
            PRODUCTION.replace("\"production\"", "\"prod\""),
            "2:8: `mode` is \"prod\"; it can be \"production\" or \"sandbox\"",
        ),
        (
            "region",
            PRODUCTION.replace("\"east\"", "\"far east\""),
            "4:10: `node.region` is not a valid region: 1 to 32 of A-Z a-z 0-9 . _ -",
        ),
        (
            "region of a wrong type",
            PRODUCTION.replace("\"east\"", "7"),
            "4:10: `node.region` should be a text in quotes",
        ),
        (
            "no region",
            PRODUCTION.replace("region = \"east\"", ""),
            "`node.region` is missing: production needs it; set it in the file or as QUCAN_NODE__REGION",
        ),
        (
            "no data directory",
            PRODUCTION.replace("data_dir = \"/var/lib/qucan\"", ""),
            "`node.data_dir` is missing: production needs it; set it in the file or as QUCAN_NODE__DATA_DIR",
        ),
        (
            "no secret",
            auth(""),
            "`auth.hs256_secret` is missing: production needs it, or `auth.public_key_files`; set it in the file or as QUCAN_AUTH__HS256_SECRET",
        ),
        (
            "short secret",
            auth("hs256_secret = \"secret\""),
            "7:16: `auth.hs256_secret` has 6 bytes; at least 16 are needed",
        ),
        ("empty secret", auth("hs256_secret = \" \""), "7:16: `auth.hs256_secret` is empty"),
        (
            "secret file missing",
            auth("hs256_secret_file = \"/nowhere/key\""),
            "7:21: `auth.hs256_secret_file` /nowhere/key can't be read: there is no such file",
        ),
        (
            "secret twice",
            node("").replace("[auth]", "[auth]\nhs256_secret_file = \"x\""),
            "`auth.hs256_secret_file` and `auth.hs256_secret` can't both be set",
        ),
        (
            "public keys missing",
            auth("public_key_files = [\"/nowhere/key\"]"),
            "7:20: `auth.public_key_files` /nowhere/key can't be read: there is no such file",
        ),
        (
            "listen",
            node("listen = [\"7100\"]"),
            "6:10: `node.listen` is \"7100\", not an address such as \"0.0.0.0:7100\" or \"[::]:7100\"",
        ),
        ("listen nowhere", node("listen = []"), "6:10: `node.listen` should be 1 to 16 addresses"),
        ("listen of a wrong type", node("listen = 7100"), "`node.listen` should be a list of texts"),
        (
            "listen twice",
            node("listen = [\"127.0.0.1:1\", \"127.0.0.1:1\"]"),
            "6:10: `node.listen` names 127.0.0.1:1 twice",
        ),
        (
            "URL",
            node("public_url = \"east.example\""),
            "6:14: `node.public_url` is \"east.example\", not a URL such as https://… or http://…",
        ),
        (
            "replication without a token",
            end("[replication]\naggregator = \"ws://a/v1/replicate\""),
            "`replication.token` is missing: the aggregator asks for it; set it in the file or as QUCAN_REPLICATION__TOKEN",
        ),
        (
            "short region token",
            end("[replication]\naggregator = \"ws://a/\"\ntoken = \"short\""),
            "10:9: `replication.token` has 5 bytes; at least 16 are needed",
        ),
        (
            "a time without a unit",
            end("[orders]\npay_within = 15"),
            "9:14: `orders.pay_within` is 15 without a unit; write \"15s\" or \"15m\"",
        ),
        (
            "a time of a wrong unit",
            end("[orders]\npay_within = \"15 minutes\""),
            "9:14: `orders.pay_within` is \"15 minutes\", not a time such as \"15m\", \"90s\" or \"1h30m\"",
        ),
        (
            "a time out of range",
            end("[orders]\npay_within = \"2d\""),
            "9:14: `orders.pay_within` is \"2d\"; it can be 1s to 1d",
        ),
        (
            "a number as text",
            end("[limits]\nconnections = \"many\""),
            "9:15: `limits.connections` should be a number from 16 to 1000000",
        ),
        (
            "a number out of range",
            end("[limits]\nconnections = 1"),
            "9:15: `limits.connections` should be a number from 16 to 1000000",
        ),
        (
            "a size without a unit that is too small",
            end("[retention]\nlog_bytes = 32"),
            "9:13: `retention.log_bytes` should be a size such as \"32GiB\", from 32MiB to 1024TiB",
        ),
        (
            "a size of another kind",
            end("[retention]\nlog_bytes = \"32 gigs\""),
            "9:13: `retention.log_bytes` should be a size such as \"32GiB\", from 32MiB to 1024TiB",
        ),
        (
            "a part larger than the whole",
            end("[limits]\nin_flight = 100\nin_flight_browsing = 101"),
            "10:22: `limits.in_flight_browsing` is more than `limits.in_flight`, of which it is a part",
        ),
        (
            "a provider half configured",
            end(
                "[payment.wechatpay]\nappid = \"wx\"\nmchid = \"1\"\ncertificate_serial = \"1\"\nprivate_key = \"k\"\nplatform_public_key_id = \"i\"\nplatform_public_key = \"k\"\nnotify_url = \"https://x/\"",
            ),
            "`payment.wechatpay.api_v3_key` is missing: WeChat Pay needs it; set it in the file or as QUCAN_PAYMENT__WECHATPAY__API_V3_KEY",
        ),
        ("a date", node("catalog = 2026-01-01"), "6:11: `node.catalog` can't be a datetime"),
    ];
    let files = Files::new();
    let mut wrong = Vec::new();
    for (name, text, sentence) in table {
        let path = files.put("node.toml", text);
        let shown = error_of(&path, &[]).to_string();
        let findings = error_of(&path, &[]).findings.len();
        let first = shown.lines().next().unwrap().strip_prefix(&path.display().to_string()).unwrap_or("no file named");
        let rest = first.trim_start_matches(':').trim_start();
        let fits = if sentence.starts_with(|c: char| c.is_ascii_digit()) {
            rest == *sentence
        } else {
            rest.ends_with(sentence)
        };
        if !fits || findings != 1 {
            wrong.push(format!("{name}: {findings} findings\n       is {rest}\n expected {sentence}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn several_mistakes_are_told_at_once_and_shown_with_a_caret() {
    let files = Files::new();
    let path = files.put("node.toml", &PRODUCTION.replace("region = \"east\"", "regoin = \"east\""));
    let error = error_of(&path, &[("QUCAN_NODE__LISTEN", "x"), ("QUCAN_NODE__REGOIN", "y")]);
    let shown = error.to_string().replace(&path.display().to_string(), "FILE");
    let expected = "\
FILE:4:1: `node.regoin` is unknown; did you mean `node.region`?
4 | regoin = \"east\"
  | ^^^^^^
environment variable QUCAN_NODE__REGOIN: `node.regoin` is unknown; did you mean `node.region`?
FILE: `node.region` is missing: production needs it; set it in the file or as QUCAN_NODE__REGION
environment variable QUCAN_NODE__LISTEN: `node.listen` is \"x\", not an address such as \"0.0.0.0:7100\" or \"[::]:7100\"";
    assert_eq!(shown, expected);
}

#[test]
fn a_sandbox_listens_beyond_this_machine_only_when_told_so() {
    let outside = ("QUCAN_NODE__LISTEN", "0.0.0.0:7100");
    let error = config::load_node(None, environment(&[outside])).unwrap_err().to_string();
    assert!(error.contains("without a `mode` this is a sandbox"), "{error}");
    let loaded = config::load_node(None, environment(&[outside, ("QUCAN_MODE", "sandbox")])).unwrap();
    assert_eq!(loaded.warnings.len(), 1, "allowed, and said aloud");
}

#[test]
fn a_file_that_can_t_be_read_is_named() {
    let files = Files::new();
    let missing = files.dir.path().join("missing.toml");
    let shown = error_of(&missing, &[]).to_string();
    assert_eq!(shown, format!("{}: the configuration can't be read: there is no such file", missing.display()));
    let shown = error_of(files.dir.path(), &[]).to_string();
    assert!(shown.ends_with("it is a directory"), "{shown}");
}

#[test]
fn secrets_are_never_shown() {
    let files = Files::new();
    let path = files.put("node.toml", PRODUCTION);
    let config = config::load_node(Some(&path), []).unwrap().config;
    assert!(!format!("{config:?}").contains("thirty-two"), "a secret in Debug");
}

#[test]
fn the_reference_is_what_the_table_says() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/configuration.md");
    if std::env::var_os("QUCAN_WRITE_DOCS").is_some() {
        std::fs::write(&path, config::document()).unwrap();
    }
    let page = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        page == config::document(),
        "docs/configuration.md is not up to date: run the tests with QUCAN_WRITE_DOCS=1"
    );
}
