//! A region's node: the real binary, on a port and in a directory of its own.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Command, Output};

use super::ports::free_address;
use super::process::Process;
use super::{Client, catalogue, tokens};

/// A node process. Killed when dropped, or when its directory is used for the next one.
pub struct Node {
    process: Process,
    directory: tempfile::TempDir,
}

impl Node {
    /// A fresh node with the test catalogue.
    pub fn start() -> Self {
        Self::start_with("")
    }

    /// The same with more configuration.
    pub fn start_with(configuration: &str) -> Self {
        let node = Self::empty(configuration);
        node.operator().put("/v1/catalog", &catalogue()).expect(200);
        node
    }

    /// A fresh node that sells nothing yet.
    pub fn empty(configuration: &str) -> Self {
        Self::in_mode("sandbox", configuration)
    }

    /// The same with real money, as far as a test goes.
    pub fn in_production() -> Self {
        let node = Self::in_mode("production", "");
        node.operator().put("/v1/catalog", &catalogue()).expect(200);
        node
    }

    fn in_mode(mode: &str, configuration: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let address = free_address();
        let data = directory.path().join("data");
        let text = format!(
            "mode = \"{mode}\"\n[node]\nregion = \"east\"\nlisten = [\"{address}\"]\ndata_dir = \"{}\"\n\
             [auth]\nhs256_secret = \"{}\"\n{configuration}\n",
            data.display(),
            tokens::SECRET
        );
        let config = directory.path().join("node.toml");
        std::fs::write(&config, text).unwrap();
        Self { process: Process::start("node", &config, address), directory }
    }

    /// kill -9, and a new process on the same directory.
    pub fn kill_and_restart(&mut self) {
        self.kill();
        self.restart();
    }

    /// kill -9: nothing is flushed, nothing is said.
    pub fn kill(&mut self) {
        self.process.kill();
    }

    /// A new process on the directory of a dead one.
    pub fn restart(&mut self) {
        self.process.restart();
    }

    /// SIGTERM, and waits for the end.
    pub fn stop(&mut self) {
        self.process.stop();
    }

    /// The process itself.
    pub fn process(&mut self) -> &mut Process {
        &mut self.process
    }

    /// Where it listens, for programs.
    pub fn url(&self) -> String {
        format!("http://{}", self.process.address())
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.process.address()
    }

    /// The data directory.
    pub fn data(&self) -> PathBuf {
        self.directory.path().join("data")
    }

    /// The configuration file.
    pub fn config(&self) -> PathBuf {
        self.directory.path().join("node.toml")
    }

    /// A client with any token or none.
    pub fn client(&self, token: Option<String>) -> Client {
        Client::new(self.process.address(), token)
    }

    /// A customer.
    pub fn customer(&self, member: &str) -> Client {
        self.client(Some(tokens::customer(member)))
    }

    /// A store's POS.
    pub fn store(&self, store: &str) -> Client {
        self.client(Some(tokens::store(store)))
    }

    /// The operator.
    pub fn operator(&self) -> Client {
        self.client(Some(tokens::operator()))
    }

    /// `qucan verify` on its data, the node being stopped.
    pub fn verify(&self) -> Output {
        qucan(&["verify", "--data", self.data().to_str().unwrap()])
    }
}

/// Runs a command of the binary to its end.
pub fn qucan(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_qucan")).args(arguments).env_remove("RUST_LOG").output().unwrap()
}
