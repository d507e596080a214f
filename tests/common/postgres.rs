//! A PostgreSQL server of a test's own: private directory, port and user, gone with the value. From Debian's binaries.

use std::io::Read as _;
use std::net::{Ipv4Addr, TcpStream};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::ports::free_address;

/// The password where one is asked for.
pub const PASSWORD: &str = "correct horse";

/// A running server, or one that is stopped for a while.
pub struct Server {
    bin: PathBuf,
    home: TempDir,
    port: u16,
    /// User and group that PostgreSQL runs as: it refuses root.
    owner: Option<(u32, u32)>,
    child: Option<Child>,
}

impl Server {
    /// Starts a server that trusts everybody; `None`, and a word why, where there are no binaries.
    pub fn start() -> Option<Self> {
        Self::start_with("trust", "")
    }

    /// Starts one with an authentication method of initdb (`trust`, `scram-sha-256`) and lines for its configuration.
    pub fn start_with(authentication: &str, configuration: &str) -> Option<Self> {
        let Some(bin) = binaries() else {
            println!("skipped: PostgreSQL's server is not installed (Debian: postgresql)");
            return None;
        };
        let home = tempfile::tempdir().unwrap();
        let mut server = Self { bin, home, port: 0, owner: unprivileged(), child: None };
        server.give(server.home.path());
        let password = server.home.path().join("password");
        std::fs::write(&password, PASSWORD).unwrap();
        server.give(&password);
        let made = server
            .command("initdb")
            .args(["--no-sync", "--username=postgres", "--encoding=UTF8", "--locale=C.UTF-8", "--auth", authentication])
            .arg("--pwfile")
            .arg(&password)
            .arg("--pgdata")
            .arg(server.data())
            .output()
            .unwrap();
        assert!(made.status.success(), "initdb: {}", String::from_utf8_lossy(&made.stderr));
        let settings = format!(
            "unix_socket_directories = ''\nlisten_addresses = '127.0.0.1'\nshared_buffers = 64MB\nmax_connections = 40\n\
             log_min_messages = warning\n{configuration}\n"
        );
        let path = server.data().join("postgresql.auto.conf");
        std::fs::write(&path, settings).unwrap();
        server.give(&path);
        // A port that is free now may be taken in a moment by another test.
        for _ in 0..10 {
            server.port = free_address().port();
            if server.begin() {
                return Some(server);
            }
        }
        panic!("PostgreSQL does not start: {}", server.log());
    }

    /// The database's address.
    pub fn url(&self) -> String {
        self.url_at(self.port)
    }

    /// The same through another port of this machine.
    pub fn url_at(&self, port: u16) -> String {
        format!("postgres://postgres:{}@127.0.0.1:{port}/postgres?sslmode=disable", PASSWORD.replace(' ', "%20"))
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// Where files that the server reads may be put.
    pub fn data(&self) -> PathBuf {
        self.home.path().join("data")
    }

    /// Makes a file the server's own.
    pub fn give(&self, path: &Path) {
        if let Some((user, group)) = self.owner {
            std::os::unix::fs::chown(path, Some(user), Some(group)).unwrap();
        }
    }

    /// Starts it on its port; false when it ends at once.
    pub fn begin(&mut self) -> bool {
        let log = std::fs::File::options().append(true).create(true).open(self.home.path().join("log")).unwrap();
        let mut command = self.command("postgres");
        let port = format!("port={}", self.port);
        command.arg("-D").arg(self.data()).args(["-c", &port]).stderr(log).stdout(Stdio::null());
        let mut child = command.spawn().unwrap();
        let began = Instant::now();
        while began.elapsed() < Duration::from_secs(30) {
            if child.try_wait().unwrap().is_some() {
                return false;
            }
            if self.is_ready() {
                self.child = Some(child);
                return true;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        self.child = Some(child);
        panic!("PostgreSQL is not ready: {}", self.log());
    }

    /// Whether it says so itself, and can be reached.
    fn is_ready(&self) -> bool {
        let ready = self.data().join("postmaster.pid");
        let said = std::fs::read_to_string(ready).unwrap_or_default();
        said.lines().nth(7).is_some_and(|line| line.trim() == "ready")
            && TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).is_ok()
    }

    /// Stops it as an operator would: connections are cut, nothing committed is lost.
    pub fn stop(&mut self) {
        self.end(Signal::INT);
    }

    /// Stops it as a crash would.
    pub fn crash(&mut self) {
        self.end(Signal::QUIT);
    }

    /// Freezes or thaws the server's processes, all but the first.
    pub fn signal_backends(&self, signal: Signal) {
        for pid in self.backends() {
            // One may have ended meanwhile.
            let _ = kill_process(Pid::from_raw(pid.parse().unwrap()).unwrap(), signal);
        }
    }

    /// The server's processes, all but the first: one a connection, and its helpers.
    pub fn backends(&self) -> Vec<String> {
        let pid = self.pid().as_raw_nonzero();
        let children = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap();
        children.split_whitespace().map(str::to_owned).collect()
    }

    fn pid(&self) -> Pid {
        Pid::from_child(self.child.as_ref().unwrap())
    }

    fn end(&mut self, signal: Signal) {
        if let Some(mut child) = self.child.take() {
            let _ = kill_process(Pid::from_child(&child), signal);
            child.wait().unwrap();
        }
    }

    /// What the server wrote.
    pub fn log(&self) -> String {
        let mut text = String::new();
        if let Ok(mut file) = std::fs::File::open(self.home.path().join("log")) {
            file.read_to_string(&mut text).unwrap();
        }
        text
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(self.bin.join(program));
        if let Some((user, group)) = self.owner {
            command.uid(user).gid(group);
        }
        command.current_dir(self.home.path()).env_clear().env("LC_ALL", "C.UTF-8");
        command
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.end(Signal::QUIT);
    }
}

/// The newest server on this machine.
fn binaries() -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").ok()?.flatten();
    let mut versions: Vec<(u32, PathBuf)> = versions
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path().join("bin"))))
        .filter(|(_, bin)| bin.join("initdb").is_file() && bin.join("postgres").is_file())
        .collect();
    versions.sort();
    versions.pop().map(|(_, bin)| bin)
}

/// `postgres`, else `nobody`, where this is root.
fn unprivileged() -> Option<(u32, u32)> {
    if !rustix::process::geteuid().is_root() {
        return None;
    }
    let users = std::fs::read_to_string("/etc/passwd").unwrap();
    let find = |name: &str| {
        let fields: Vec<&str> = users
            .lines()
            .map(|line| line.split(':'))
            .find_map(|mut line| (line.next() == Some(name)).then(|| line.collect()))?;
        Some((fields.get(1)?.parse().ok()?, fields.get(2)?.parse().ok()?))
    };
    find("postgres").or_else(|| find("nobody"))
}
