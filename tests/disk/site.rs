//! A node's configuration and data directory, and the processes that run on them one after another.
//! Judges nothing: which end a process may come to is each test's own matter.

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;

use crate::common::ports::free_address;
use crate::common::{Client, Reply, catalogue, tokens};

/// What must happen happens long before this; it only ends a test that hangs.
pub const AT_LAST: Duration = Duration::from_secs(60);

/// Where a node lives. Its configuration is never on the disk under test.
pub struct Site {
    home: tempfile::TempDir,
    data: PathBuf,
    address: SocketAddr,
}

/// A process that has ended.
pub struct Ended {
    pub status: ExitStatus,
    pub said: Vec<String>,
}

impl Ended {
    /// Whether a line says this.
    pub fn has_said(&self, what: &str) -> bool {
        self.said.iter().any(|line| line.contains(what))
    }
}

/// A node process. Killed when dropped.
pub struct Running {
    child: Child,
    address: SocketAddr,
    said: Arc<Mutex<Vec<String>>>,
    listener: Option<JoinHandle<()>>,
}

impl Site {
    /// A node with its data in `data`, and more configuration.
    pub fn at(data: &Path, configuration: &str) -> Self {
        Self::configured(data, &format!("[auth]\nhs256_secret = \"{}\"\n{configuration}", tokens::SECRET))
    }

    /// A sandbox that draws its own secret, as everybody's first one does.
    pub fn with_its_own_secret(data: &Path) -> Self {
        Self::configured(data, "")
    }

    fn configured(data: &Path, configuration: &str) -> Self {
        let home = tempfile::tempdir().unwrap();
        let address = free_address();
        let text = format!(
            "mode = \"sandbox\"\n[node]\nregion = \"east\"\nlisten = [\"{address}\"]\ndata_dir = \"{}\"\n\
             {configuration}\n",
            data.display()
        );
        std::fs::write(home.path().join("node.toml"), text).unwrap();
        Self { home, data: data.to_owned(), address }
    }

    /// The data directory.
    pub fn data(&self) -> &Path {
        &self.data
    }

    /// A directory for the test's own notes.
    pub fn home(&self) -> &Path {
        self.home.path()
    }

    /// Starts a process, `wrapper` in front of it.
    pub fn spawn(&self, wrapper: &[String]) -> Running {
        self.spawn_at(self.address, wrapper)
    }

    /// The same on another address.
    pub fn spawn_at(&self, address: SocketAddr, wrapper: &[String]) -> Running {
        let binary = env!("CARGO_BIN_EXE_qucan").to_owned();
        let words: Vec<String> = wrapper.iter().cloned().chain([binary, "node".into(), "--config".into()]).collect();
        let mut command = Command::new(&words[0]);
        command.args(&words[1..]).arg(self.home.path().join("node.toml"));
        command.env_remove("RUST_LOG").env_remove("RUST_BACKTRACE").env("QUCAN_NODE__LISTEN", address.to_string());
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        let said = Arc::new(Mutex::new(Vec::new()));
        let heard = Arc::clone(&said);
        let listener = std::thread::spawn(move || {
            stderr.lines().map_while(Result::ok).for_each(|line| heard.lock().unwrap().push(line));
        });
        Running { child, address, said, listener: Some(listener) }
    }

    /// Starts a process and waits until it answers.
    pub fn start(&self) -> Running {
        let mut running = self.spawn(&[]);
        assert!(running.serves(), "the node ended: {:#?}", running.said());
        running
    }

    /// A process with the test catalogue and meals without end.
    pub fn start_selling(&self) -> Running {
        let running = self.start();
        running.begin_to_sell();
        running
    }

    /// `qucan verify`, nothing running there. What it says must be that everything holds.
    pub fn verify(&self) {
        let Output { status, stdout, stderr } =
            Command::new(env!("CARGO_BIN_EXE_qucan")).arg("verify").arg("--data").arg(&self.data).output().unwrap();
        let said = [stdout, stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        assert!(status.success(), "{said:#?}");
    }
}

impl Running {
    /// Waits until it answers; false when it ended before.
    pub fn serves(&mut self) -> bool {
        let begun = Instant::now();
        while self.child.try_wait().unwrap().is_none() {
            if self.client(None).try_send("GET", "/healthz", &[], None).is_ok_and(|reply| reply.status == 200) {
                return true;
            }
            assert!(begun.elapsed() < AT_LAST, "neither serves nor ends: {:#?}", self.said());
            pace();
        }
        false
    }

    /// Imports the test catalogue, with meals without end.
    pub fn begin_to_sell(&self) {
        self.operator().put("/v1/catalog", &catalogue()).expect(200);
        self.store().put("/v1/stores/s1/stock/meal", &json!({"available": null})).expect(200);
    }

    pub fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    pub fn signal(&self, signal: Signal) {
        kill_process(self.pid(), signal).unwrap();
    }

    /// Whether it has ended.
    pub fn has_ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    /// Waits for the end that must come by itself.
    pub fn ended(mut self) -> Ended {
        let begun = Instant::now();
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            assert!(begun.elapsed() < AT_LAST, "it does not end: {:#?}", self.said());
            pace();
        };
        self.listener.take().unwrap().join().unwrap();
        Ended { status, said: self.said() }
    }

    /// kill -9.
    pub fn kill(mut self) -> Ended {
        // Gone already is as good.
        let _gone = self.child.kill();
        self.ended()
    }

    /// SIGTERM.
    pub fn stop(self) -> Ended {
        self.signal(Signal::TERM);
        self.ended()
    }

    /// What it has written so far.
    pub fn said(&self) -> Vec<String> {
        self.said.lock().unwrap().clone()
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    pub fn client(&self, token: Option<String>) -> Client {
        Client::new(self.address, token)
    }

    pub fn customer(&self, member: &str) -> Client {
        self.client(Some(tokens::customer(member)))
    }

    pub fn store(&self) -> Client {
        self.client(Some(tokens::store("s1")))
    }

    pub fn operator(&self) -> Client {
        self.client(Some(tokens::operator()))
    }

    /// Imports a catalogue of more than a MiB, each time another one: the log grows as with thousands of orders.
    pub fn swell(&self, turn: u32) -> Reply {
        self.swell_as(&mut self.operator(), turn).unwrap()
    }

    /// The same over a connection that is there already.
    pub fn swell_as(&self, operator: &mut Client, turn: u32) -> std::io::Result<Reply> {
        let mut catalogue = catalogue();
        let (long, image) = ("面".repeat(100), "i".repeat(400));
        let items = catalogue["items"].as_array_mut().unwrap();
        items.extend((0..1_200).map(|number| {
            json!({"sku": format!("bulk-{number}"), "name": {"zh": long, "en": long}, "price": 100 + turn, "tax_rate_bp": 600,
                   "category": "Z", "image": format!("{image}.webp"), "stores": ["s1"]})
        }));
        operator.try_send("PUT", "/v1/catalog", &[], Some(catalogue.to_string().as_bytes()))
    }

    /// Waits until every closed order can be asked for: the projection is whole again.
    pub fn until_projected(&self) {
        let mut operator = self.operator();
        until("the projection follows", || {
            let status = operator.get("/v1/status").expect(200);
            status["projected_to"] == status["log_head"]
        });
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _gone = self.child.kill();
        let _gone = self.child.wait();
        if std::thread::panicking() {
            println!("the node said:\n{}", self.said().join("\n"));
        }
    }
}

/// The pace of looking again; nothing is synchronised by it.
pub fn pace() {
    std::thread::sleep(Duration::from_millis(5));
}

/// Looks again and again until it is so.
pub fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < AT_LAST, "never: {what}");
        pace();
    }
}
