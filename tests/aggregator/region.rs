//! A region's node that ships to a centre: any region, any directory, so that copies and strangers can be started too.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::common::centre::{Centre, REGION_TOKEN};
use crate::common::ports::free_address;
use crate::common::process::Process;
use crate::common::{Client, catalogue, tokens};

/// A node with a directory that outlives it.
pub struct Region {
    pub process: Process,
    data: PathBuf,
    _directory: tempfile::TempDir,
}

/// The token of a region, as `Centre` has it.
pub fn token_of(region: &str) -> String {
    match region {
        "east" => REGION_TOKEN.to_owned(),
        _ => format!("{REGION_TOKEN} of the {region}"),
    }
}

impl Region {
    /// A fresh node with the test catalogue.
    pub fn start(region: &str, centre: &Centre) -> Self {
        let node = Self::on(None, region, centre.address(), &token_of(region));
        node.operator().put("/v1/catalog", &catalogue()).expect(200);
        node
    }

    /// The same with a log that may have only so many bytes.
    pub fn bounded(region: &str, centre: &Centre, log_bytes: u64) -> Self {
        let keys = format!("[retention]\nlog_bytes = {log_bytes}\n");
        let mut node = Self::begin(None, region, (centre.address(), &token_of(region)), &keys, Process::start);
        node.process.tolerate(&["replication", "centre", "fence", "before their time"]);
        node.operator().put("/v1/catalog", &catalogue()).expect(200);
        node
    }

    /// A node on a directory (a fresh one where none is given), with a token.
    pub fn on(data: Option<&Path>, region: &str, centre: SocketAddr, token: &str) -> Self {
        Self::begin(data, region, (centre, token), "", Process::start)
    }

    /// The same for one that may have reasons not to become ready.
    pub fn on_alive(data: &Path, region: &str, centre: SocketAddr, token: &str) -> Self {
        Self::begin(Some(data), region, (centre, token), "", Process::start_alive)
    }

    fn begin(
        data: Option<&Path>,
        region: &str,
        (centre, token): (SocketAddr, &str),
        keys: &str,
        start: fn(&'static str, &Path, SocketAddr) -> Process,
    ) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let address = free_address();
        let data = data.map_or_else(|| directory.path().join("data"), Path::to_owned);
        let text = format!(
            "mode = \"sandbox\"\n[node]\nregion = \"{region}\"\nlisten = [\"{address}\"]\ndata_dir = \"{}\"\n\
             public_url = \"https://{region}.example\"\n[auth]\nhs256_secret = \"{}\"\n\
             [replication]\naggregator = \"ws://{centre}/v1/replicate\"\ntoken = \"{token}\"\n{keys}",
            data.display(),
            tokens::SECRET
        );
        let config = directory.path().join("node.toml");
        std::fs::write(&config, text).unwrap();
        let mut process = start("node", &config, address);
        // Losing the line is what these tests are about.
        process.tolerate(&["replication", "centre", "fence"]);
        Self { process, data, _directory: directory }
    }

    /// The operator.
    pub fn operator(&self) -> Client {
        self.client(Some(tokens::operator()))
    }

    /// A client with any token or none.
    pub fn client(&self, token: Option<String>) -> Client {
        Client::new(self.process.address(), token)
    }

    /// The data directory.
    pub fn data(&self) -> &Path {
        &self.data
    }

    /// Its status.
    pub fn status(&self) -> Value {
        self.operator().get("/v1/status").expect(200)
    }

    /// Sequence of its last durable entry.
    pub fn head(&self) -> u64 {
        self.status()["log_head"].as_u64().unwrap()
    }

    /// Whether it sells.
    pub fn sells(&self) -> bool {
        self.client(None).get("/readyz").status == 200
    }

    /// Places an order, and says it paid. Its id.
    pub fn paid_order(&self, member: &str, key: &str) -> String {
        let id = self.placed_order(member, key);
        self.client(None).post_empty(&format!("/v1/sandbox/payments/{id}/succeed")).expect(200);
        id
    }

    /// Places an order. Its id.
    pub fn placed_order(&self, member: &str, key: &str) -> String {
        let mut customer = self.client(Some(tokens::customer(member)));
        let order = customer.post_with_key("/v1/orders", key, &crate::common::one_meal()).expect(201);
        order["id"].as_str().unwrap().to_owned()
    }

    /// Waits until the centre shows everything it has.
    pub fn shipped(&self, region: &str, centre: &Centre) {
        centre.wait_applied(region, self.head(), Duration::from_secs(30));
    }
}

/// Copies a stopped node's directory.
pub fn copy_of(data: &Path) -> tempfile::TempDir {
    let copy = tempfile::tempdir().unwrap();
    copy_into(data, copy.path());
    copy
}

fn copy_into(from: &Path, to: &Path) {
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.path().is_dir() {
            std::fs::create_dir(&to).unwrap();
            copy_into(&entry.path(), &to);
        } else {
            std::fs::copy(entry.path(), &to).unwrap();
        }
    }
}

/// Waits until something is so, and says what was last seen if it never is.
pub fn wait_until(what: &str, mut look: impl FnMut() -> Result<(), String>) {
    let began = Instant::now();
    loop {
        match look() {
            Ok(()) => return,
            Err(seen) => assert!(began.elapsed() < Duration::from_secs(60), "{what}: {seen}"),
        }
        // No synchronisation: only the pace of asking.
        std::thread::sleep(Duration::from_millis(20));
    }
}
