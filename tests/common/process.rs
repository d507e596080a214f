//! A program of ours as an operator runs it: its own process, killed, frozen, stopped; its log judged when it ends.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use super::Client;

/// Warnings that tests cause on purpose.
const EXPECTED: &[&str] = &["a refund was refused; it is asked again later"];

/// A process that answers. Killed when dropped.
pub struct Process {
    role: &'static str,
    config: PathBuf,
    address: SocketAddr,
    child: Child,
    log: Option<JoinHandle<Vec<String>>>,
    tolerated: &'static [&'static str],
    /// What answers 200 once it has started.
    path: &'static str,
}

impl Process {
    /// Starts `qucan ROLE --config FILE` and waits until it is ready.
    pub fn start(role: &'static str, config: &Path, address: SocketAddr) -> Self {
        Self::start_until(role, config, address, "/readyz")
    }

    /// The same where it may have reasons not to become ready: waits until it is alive.
    pub fn start_alive(role: &'static str, config: &Path, address: SocketAddr) -> Self {
        Self::start_until(role, config, address, "/healthz")
    }

    fn start_until(role: &'static str, config: &Path, address: SocketAddr, path: &'static str) -> Self {
        let (child, log) = spawn(role, config, address, path);
        Self { role, config: config.to_owned(), address, child, log: Some(log), tolerated: &[], path }
    }

    /// Words of warnings that this test causes on purpose.
    pub fn tolerate(&mut self, words: &'static [&'static str]) {
        self.tolerated = words;
    }

    /// kill -9: nothing is flushed, nothing is said.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        self.judge_log();
    }

    /// A new process on what a dead one left.
    pub fn restart(&mut self) {
        let (child, log) = spawn(self.role, &self.config, self.address, self.path);
        (self.child, self.log) = (child, Some(log));
    }

    /// SIGTERM, and waits for the end.
    pub fn stop(&mut self) {
        self.signal(Signal::TERM);
        let status = self.child.wait().unwrap();
        assert!(status.success(), "a clean stop ends with {status}");
        self.judge_log();
    }

    /// Makes sure that it is over, stopped or not.
    pub fn end(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        self.judge_log();
    }

    /// Holds it still: its sockets stay open and nobody answers.
    pub fn freeze(&self) {
        self.signal(Signal::STOP);
    }

    /// Lets it go on.
    pub fn thaw(&self) {
        self.signal(Signal::CONT);
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.child.id()).unwrap();
        kill_process(Pid::from_raw(pid).unwrap(), signal).unwrap();
    }

    /// What a process that ended has said must be nothing to worry about.
    fn judge_log(&mut self) {
        let log = self.log.take().and_then(|log| log.join().ok()).unwrap_or_default();
        if std::thread::panicking() {
            println!("the {} said:\n{}", self.role, log.join("\n"));
            return;
        }
        let is_known = |line: &&String| EXPECTED.iter().chain(self.tolerated).any(|known| line.contains(known));
        let is_alarm = |line: &&String| ["WARN", "ERROR", "panicked"].iter().any(|word| line.contains(word));
        let unexpected = log.iter().filter(is_alarm).find(|line| !is_known(line));
        assert!(unexpected.is_none(), "the log of the {} has {unexpected:?}", self.role);
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.end();
    }
}

fn spawn(role: &str, config: &Path, address: SocketAddr, path: &str) -> (Child, JoinHandle<Vec<String>>) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_qucan"))
        .args([role, "--config"])
        .arg(config)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let stderr = BufReader::new(child.stderr.take().unwrap());
    let log = std::thread::spawn(move || stderr.lines().map_while(Result::ok).collect::<Vec<String>>());
    let started = Instant::now();
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            panic!("the {role} ended with {status}: {:#?}", log.join().unwrap());
        }
        // No synchronisation: only the pace of asking whether it listens.
        std::thread::sleep(Duration::from_millis(5));
        if Client::new(address, None).try_send("GET", path, &[], None).is_ok_and(|reply| reply.status == 200) {
            return (child, log);
        }
        assert!(started.elapsed() < Duration::from_secs(60), "the {role} is not ready after a minute");
    }
}
