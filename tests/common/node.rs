//! The real binary, on a port and in a directory of its own.

use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::{Client, catalogue, tokens};

/// A node process. Killed when dropped, or when its directory is used for the next one.
pub struct Node {
    process: Child,
    address: SocketAddr,
    directory: tempfile::TempDir,
    log: Option<JoinHandle<Vec<String>>>,
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
        std::fs::write(directory.path().join("node.toml"), text).unwrap();
        let (process, log) = spawn(directory.path(), address);
        Self { process, address, directory, log: Some(log) }
    }

    /// kill -9, and a new process on the same directory.
    pub fn kill_and_restart(&mut self) {
        self.kill();
        self.restart();
    }

    /// kill -9: nothing is flushed, nothing is said.
    pub fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
        self.judge_log();
    }

    /// A new process on the directory of a dead one.
    pub fn restart(&mut self) {
        let (process, log) = spawn(self.directory.path(), self.address);
        (self.process, self.log) = (process, Some(log));
    }

    /// SIGTERM, and waits for the end.
    pub fn stop(&mut self) {
        let pid = i32::try_from(self.process.id()).unwrap();
        rustix::process::kill_process(rustix::process::Pid::from_raw(pid).unwrap(), rustix::process::Signal::TERM)
            .unwrap();
        let status = self.process.wait().unwrap();
        assert!(status.success(), "a clean stop ends with {status}");
        self.judge_log();
    }

    /// Where it listens, for programs.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
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
        Client::new(self.address, token)
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

/// Warnings that tests cause on purpose.
const EXPECTED: &[&str] = &["a refund was refused; it is asked again later"];

impl Node {
    /// What a process that ended has said must be nothing to worry about.
    fn judge_log(&mut self) {
        let log = self.log.take().and_then(|log| log.join().ok()).unwrap_or_default();
        if std::thread::panicking() {
            println!("the node said:\n{}", log.join("\n"));
            return;
        }
        let is_alarm = |line: &&String| ["WARN", "ERROR", "panicked"].iter().any(|word| line.contains(word));
        let unexpected = log.iter().filter(is_alarm).find(|line| !EXPECTED.iter().any(|known| line.contains(known)));
        assert!(unexpected.is_none(), "the node's log has {unexpected:?}");
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        self.judge_log();
    }
}

/// Runs a command of the binary to its end.
pub fn qucan(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_qucan")).args(arguments).env_remove("RUST_LOG").output().unwrap()
}

fn free_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

/// Starts the process and waits until it can take orders.
fn spawn(directory: &Path, address: SocketAddr) -> (Child, JoinHandle<Vec<String>>) {
    let mut process = Command::new(env!("CARGO_BIN_EXE_qucan"))
        .args(["node", "--config"])
        .arg(directory.join("node.toml"))
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let stderr = BufReader::new(process.stderr.take().unwrap());
    let log = std::thread::spawn(move || stderr.lines().map_while(Result::ok).collect::<Vec<String>>());
    let started = Instant::now();
    loop {
        if let Some(status) = process.try_wait().unwrap() {
            panic!("the node ended with {status}: {:#?}", log.join().unwrap());
        }
        // No synchronisation: only the pace of asking whether it listens.
        std::thread::sleep(Duration::from_millis(5));
        if Client::new(address, None).try_send("GET", "/readyz", &[], None).is_ok_and(|reply| reply.status == 200) {
            return (process, log);
        }
        assert!(started.elapsed() < Duration::from_secs(60), "the node is not ready after a minute");
    }
}
