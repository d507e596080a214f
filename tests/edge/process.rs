//! The real program: what it says and how it ends when it can't start, when it is told to stop, and when nobody can read
//! its log.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _};
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use crate::ports::free_address;
use crate::region::{ask, get, get_with, post};

fn qucan(arguments: &[&str], data: &Path, listen: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_qucan"));
    command.args(arguments).env_clear();
    command.env("QUCAN_NODE__DATA_DIR", data).env("QUCAN_NODE__LISTEN", listen);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// A node as a process; killed if the test forgets it.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ended = self.0.kill();
        let _ended = self.0.wait();
    }
}

impl Process {
    /// Starts and waits until it says where it serves.
    fn start(data: &Path) -> (Self, SocketAddr) {
        let mut child = qucan(&["node"], data, "127.0.0.1:0").spawn().unwrap();
        let mut log = BufReader::new(child.stderr.take().unwrap());
        let mut line = String::new();
        let address = loop {
            line.clear();
            assert!(log.read_line(&mut line).unwrap() > 0, "the node ended before it served");
            if let Some((_, rest)) = line.split_once("addresses=[") {
                break rest.split(']').next().unwrap().parse().unwrap();
            }
        };
        // Somebody goes on reading, or the pipe would fill.
        std::thread::spawn(move || std::io::copy(&mut log, &mut std::io::sink()));
        (Self(child), address)
    }

    fn terminate(&self) {
        let pid = rustix::process::Pid::from_child(&self.0);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    }
}

/// One sentence on stderr, nothing on stdout.
fn refused(output: &Output, code: i32, sentence: &str) {
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{said}");
    assert!(said.contains(sentence), "{said}");
    assert_eq!(said.lines().filter(|line| !line.contains(" INFO ")).count(), 1, "one sentence: {said}");
    assert!(output.stdout.is_empty());
}

#[test]
fn a_start_that_can_t_work_says_why_in_one_sentence() {
    let data = tempfile::tempdir().unwrap();
    let empty = tempfile::tempdir().unwrap();

    let busy = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = busy.local_addr().unwrap().to_string();
    let output = qucan(&["node"], empty.path(), &address).output().unwrap();
    refused(&output, 2, &format!("{address} is in use by another program"));
    assert_eq!(std::fs::read_dir(empty.path()).unwrap().count(), 0, "nothing was touched");

    let (running, _) = Process::start(data.path());
    let output = qucan(&["node"], data.path(), "127.0.0.1:0").output().unwrap();
    refused(&output, 1, "in use by another process");
    running.terminate();
    drop(running);

    let foreign = tempfile::tempdir().unwrap();
    std::fs::write(foreign.path().join("notes.txt"), "mine").unwrap();
    let output = qucan(&["node"], foreign.path(), "127.0.0.1:0").output().unwrap();
    refused(&output, 2, "not empty and not a qucan data directory");
    assert_eq!(std::fs::read_dir(foreign.path()).unwrap().count(), 1, "nothing was added");

    let output = qucan(&["node"], data.path(), "127.0.0.1:0").env("QUCAN_NODE__REGION", "south").output().unwrap();
    refused(&output, 2, "belongs to region \"local\", not \"south\"");

    let identity = data.path().join("IDENTITY");
    let text = std::fs::read_to_string(&identity).unwrap();
    std::fs::write(&identity, text.replace("format = 1", "format = 2")).unwrap();
    let output = qucan(&["node"], data.path(), "127.0.0.1:0").output().unwrap();
    refused(&output, 2, "format 2 is newer than this version's 1");

    let output = qucan(&["node"], Path::new("/proc/nowhere"), "127.0.0.1:0").output().unwrap();
    refused(&output, 1, "/proc/nowhere");

    let broken = empty.path().join("catalog.json");
    std::fs::write(&broken, "{\"currency\": 5, \"stores\": 7}").unwrap();
    let new = empty.path().join("data");
    let output = qucan(&["node"], &new, "127.0.0.1:0").env("QUCAN_NODE__CATALOG", &broken).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("/currency: ") && said.contains("/stores: "), "every error by its pointer: {said}");
}

#[tokio::test]
async fn a_terminated_node_ends_cleanly() {
    let data = tempfile::tempdir().unwrap();
    let (mut running, address) = Process::start(data.path());
    assert_eq!(ask(address, &get("/healthz")).await.status, 200);
    running.terminate();
    assert_eq!(running.0.wait().unwrap().code(), Some(0));
    let verified = qucan(&["verify", "--data", data.path().to_str().unwrap()], data.path(), "").output().unwrap();
    let report = String::from_utf8_lossy(&verified.stdout).into_owned();
    assert_eq!(verified.status.code(), Some(0), "{report}");
    assert!(report.contains("stopped cleanly"), "{report}");
}

#[tokio::test]
async fn a_log_that_nobody_can_write_or_read_stops_nothing() {
    // Every write to /dev/full fails; a pipe that nobody reads is full after 64 KiB and then blocks its writer.
    let full = || Stdio::from(File::create("/dev/full").unwrap());
    for (stdout, stderr) in [(full(), full()), (full(), Stdio::piped())] {
        let data = tempfile::tempdir().unwrap();
        let port = free_address();
        let mut command = qucan(&["node"], data.path(), &port.to_string());
        command.env("QUCAN_LOG__LEVEL", "trace").stdout(stdout).stderr(stderr);
        let mut mute = Process(command.spawn().unwrap());
        let answered = tokio::time::timeout(crate::region::AT_LAST, async {
            while tokio::net::TcpStream::connect(port).await.is_err() {
                tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            }
            for _ in 0..2_000 {
                assert_eq!(ask(port, &get("/v1/stores")).await.status, 200);
            }
        });
        answered.await.expect("it serves without a log");
        mute.terminate();
        assert_eq!(mute.0.wait().unwrap().code(), Some(0));
    }
}

#[tokio::test]
async fn import_and_token_work_on_a_running_and_on_a_stopped_node() {
    let data = tempfile::tempdir().unwrap();
    let catalog = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/catalog-east.json");
    let import = |listen: &str| {
        let output = qucan(&["import", "--catalog", catalog, "--json"], data.path(), listen).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice::<serde_json::Value>(&output.stdout).unwrap()
    };
    assert_eq!(import("127.0.0.1:0")["stores"], 12, "a new directory");
    let (running, address) = Process::start(data.path());
    assert_eq!(import(&address.to_string())["stores"], 0, "over HTTP, and nothing differs");
    let output =
        qucan(&["token", "--role", "operator", "--subject", "ann"], data.path(), "127.0.0.1:0").output().unwrap();
    let token = String::from_utf8(output.stdout).unwrap();
    assert_eq!(ask(address, &get_with("/v1/status", token.trim())).await.status, 200);
    drop(running);

    let broken = data.path().with_extension("json");
    std::fs::write(&broken, "{}").unwrap();
    let output =
        qucan(&["import", "--catalog", broken.to_str().unwrap()], data.path(), "127.0.0.1:0").output().unwrap();
    std::fs::remove_file(&broken).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("stores"), "the missing member is named");
}

/// Once a write has failed nothing may be acknowledged any more: the process says so and ends, to start again from disk.
#[tokio::test]
async fn a_node_whose_storage_fails_answers_so_ends_with_1_and_starts_again() {
    use rustix::process::{Pid, Resource, Rlimit, prlimit};
    let data = tempfile::tempdir().unwrap();
    let port = free_address();
    let mut command = Command::new("sh");
    // With the signal ignored, a write beyond the limit fails with EFBIG, as it would with EIO on a dying disk.
    command.args(["-c", "trap '' XFSZ; exec \"$0\" node", env!("CARGO_BIN_EXE_qucan")]).env_clear();
    command.env("QUCAN_NODE__DATA_DIR", data.path()).env("QUCAN_NODE__LISTEN", port.to_string());
    command.env("QUCAN_NODE__CATALOG", concat!(env!("CARGO_MANIFEST_DIR"), "/examples/catalog-east.json"));
    let mut process = Process(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap());
    let serves = tokio::time::timeout(crate::region::AT_LAST, async {
        while tokio::net::TcpStream::connect(port).await.is_err() {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    });
    serves.await.expect("it serves");
    let body = r#"{"role":"store","subject":"pos","store":"sh-001"}"#;
    let token = ask(port, &post("/v1/sandbox/tokens", "", body)).await.json()["token"].as_str().unwrap().to_owned();
    let pause = |accepting: bool| {
        let body = format!("{{\"accepting\":{accepting}}}");
        post("/v1/stores/sh-001/accepting", &format!("Authorization: Bearer {token}\r\n"), &body)
            .replacen("POST", "PUT", 1)
    };
    assert_eq!(ask(port, &pause(false)).await.status, 200);
    let limit = Rlimit { current: Some(0), maximum: Some(0) };
    prlimit(Some(Pid::from_child(&process.0)), Resource::Fsize, limit).unwrap();
    let refused = ask(port, &pause(true)).await;
    assert_eq!((refused.status, refused.problem().as_str()), (503, "storage-failed"), "{refused:?}");
    let ended = tokio::task::spawn_blocking(move || process.0.wait().unwrap());
    let ended = tokio::time::timeout(crate::region::AT_LAST, ended).await.expect("it ends by itself").unwrap();
    assert_eq!(ended.code(), Some(1));

    let (_again, address) = Process::start(data.path());
    let stores = ask(address, &get("/v1/stores?limit=500")).await.json();
    let store = stores["stores"].as_array().unwrap().iter().find(|store| store["id"] == "sh-001").unwrap();
    assert_eq!(store["accepting"], false, "what was acknowledged is there, what was not is not");
}

#[test]
fn commands_end_with_the_code_they_promise() {
    let data = tempfile::tempdir().unwrap();
    let good = data.path().join("good.toml");
    std::fs::write(&good, "mode = \"sandbox\"\n[node]\nregion = \"east\"\n").unwrap();
    let bad = data.path().join("bad.toml");
    std::fs::write(&bad, "[node]\nregoin = \"east\"\n").unwrap();
    let key = data.path().join("key.pem");
    std::fs::write(&key, "no key").unwrap();
    let bad_key = data.path().join("bad-key.toml");
    std::fs::write(&bad_key, format!("mode = \"sandbox\"\n[auth]\npublic_key_files = [\"{}\"]\n", key.display()))
        .unwrap();
    let (good, bad, bad_key) = (good.to_str().unwrap(), bad.to_str().unwrap(), bad_key.to_str().unwrap());
    let nowhere = data.path().join("nowhere");
    let table: &[(&[&str], i32, &str)] = &[
        (&["--help"], 0, ""),
        (&["node", "--help"], 0, ""),
        (&["token", "--help"], 0, ""),
        (&["check", "--help"], 0, ""),
        (&["import", "--help"], 0, ""),
        (&["verify", "--help"], 0, ""),
        (&["--version"], 0, ""),
        (&[], 2, "Usage"),
        (&["brew"], 2, "unrecognized subcommand"),
        (&["node", "--port", "1"], 2, "unexpected argument"),
        (&["check"], 2, "--config"),
        (&["check", "--config", good], 0, ""),
        (&["check", "--config", bad], 2, "did you mean `node.region`?"),
        (&["check", "--config", bad_key], 2, "not a PEM public key"),
        (&["node", "--config", bad], 2, "did you mean `node.region`?"),
        (&["token", "--role", "king", "--subject", "x"], 2, "customer, store or operator"),
        (&["token", "--role", "store", "--subject", "x"], 2, "start the node first"),
        (&["verify", "--data", nowhere.to_str().unwrap()], 2, "no data directory there"),
    ];
    for (arguments, code, said) in table {
        let mut command = Command::new(env!("CARGO_BIN_EXE_qucan"));
        command.args(*arguments).env_clear().env("QUCAN_NODE__DATA_DIR", &nowhere);
        // The configuration under test is the file's, not the variable's.
        let output = command.stdin(Stdio::null()).output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(*code), "{arguments:?}: {stderr}");
        assert!(stderr.contains(said), "{arguments:?}: {stderr}");
        assert!(*code == 0 || output.stdout.is_empty(), "{arguments:?}: errors go to stderr");
    }
}

#[test]
fn a_closed_stdout_is_no_panic() {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut command = Command::new(env!("CARGO_BIN_EXE_qucan"));
    command.args(["check", "--config", concat!(env!("CARGO_MANIFEST_DIR"), "/systemd/node.toml")]).env_clear();
    command.env("QUCAN_AUTH__HS256_SECRET", "a secret of thirty-two bytes....").stdout(writer).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut said = String::new();
    child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0), "{said}");
    assert!(!said.contains("panicked"), "{said}");
}
