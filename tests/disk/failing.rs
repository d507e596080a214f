//! The Nth call fails, for N = 1, 2, 3, … until no Nth call is reached: SQLite's way to test a disk that is dying.
//!
//! strace makes the Nth call of *each thread* fail with EIO (or ENOSPC), alone or with all that come after it: from the start
//! on in a new directory and in one that has sold before, and from the first order on in a node that runs already.
//! After it nothing is acknowledged that is not on disk: the process refuses to start, or ends with 1, or goes on because
//! the call was not one that answers stand on; a file of the log on which a call failed is never written to again; a
//! failing disk is never told as a full one; and without the fault it starts again with everything acknowledged.

use std::collections::BTreeMap;
use std::io::{BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::json;

use crate::common::catalogue;
use crate::common::client::read_reply;
use crate::crowd::{Crowd, Told, order};
use crate::site::{AT_LAST, Running, Site};
use crate::volume::run;
use crate::{is_long, skipped};

/// What is answered at most before the node is stopped: more calls than that are not looked at.
const ANSWERS: usize = 60;
/// No run makes more calls of a kind and thread than this; a loop that gets there doesn't end by itself.
const CALLS_MAX: usize = 2_000;

/// A directory of a node that has sold, closed orders and stopped, and one that is not there yet.
struct Start {
    sold: tempfile::TempDir,
    told: Told,
}

/// From where on calls are counted.
#[derive(Clone, Copy, PartialEq)]
enum From {
    NewDirectory,
    StartAgain,
    Selling,
}

/// What a call that fails led to.
#[derive(Default)]
struct Seen {
    runs: usize,
    /// Calls that failed, by the file.
    reached: BTreeMap<String, usize>,
    /// How the processes ended.
    ends: BTreeMap<&'static str, usize>,
}

impl Start {
    fn make() -> Self {
        let sold = tempfile::tempdir().unwrap();
        let site = Site::at(&sold.path().join("data"), "[orders]\ngrace = \"1h\"\n");
        let node = site.start_selling();
        let crowd = Crowd::start(&node, "before", 2);
        assert!(crowd.hear(ANSWERS));
        let told = crowd.go_home();
        node.until_projected();
        assert!(node.stop().status.success());
        Self { sold, told }
    }
}

/// Which calls fail: `3` is the third, `3+` all from the third on.
#[derive(Clone, Copy)]
struct Nth(usize, &'static str);

/// A call that fails once, and a disk that is gone for good.
const ONCE: &str = "";
const ONWARDS: &str = "+";
/// The calls that change what a file holds, or make it last: watched whatever fails, to see that nothing is tried again.
const WRITES: [&str; 3] = ["pwrite64", "fdatasync", "fsync"];

fn strace(out: &Path, calls: &str, error: &str, nth: Nth) -> Vec<String> {
    let inject = format!("inject={calls}:error={error}:when={}{}", nth.0, nth.1);
    let trace = format!("trace={calls},{}", WRITES.join(","));
    // -ff: a file a thread, so that no line is cut in two.
    let words = ["strace", "-ff", "-y", "-o", out.to_str().unwrap(), "-e", &trace, "-e", &inject];
    words.map(str::to_owned).into()
}

/// Starts a node whose calls are counted from its first one on.
fn start_under_strace(site: &Site, mut strace: Vec<String>) -> Running {
    // -D: the node stays our child, and ends with its own code.
    strace.extend(["-D", "-qq", "--seccomp-bpf"].map(str::to_owned));
    site.spawn(&strace)
}

/// Counts the calls of a node that runs already; the tracer ends with it.
fn attach(node: &Running, strace: &[String]) -> Child {
    let pid = node.pid().as_raw_nonzero().to_string();
    let mut command = Command::new(&strace[0]);
    command.args(&strace[1..]).args(["-p", &pid]).stderr(Stdio::piped());
    let mut tracer = command.spawn().unwrap();
    let mut said = String::new();
    while !said.contains("attached") {
        let mut letter = [0];
        tracer.stderr.as_mut().unwrap().read_exact(&mut letter).unwrap_or_else(|error| panic!("{error}: {said}"));
        said.push(char::from(letter[0]));
    }
    tracer
}

/// Whether processes may be traced here; if not, why.
fn can_trace() -> Result<(), String> {
    run("strace", &["-D", "-f", "-qq", "--seccomp-bpf", "-o", "/dev/null", "-e", "inject=fdatasync:error=EIO", "true"])
}

/// One run with the Nth call failing; false when none was reached.
fn fail_nth(start: &mut Start, from: From, calls: &str, error: &str, nth: Nth, seen: &mut Seen) -> bool {
    let place = tempfile::tempdir().unwrap();
    let site = Site::at(&place.path().join("data"), "[orders]\ngrace = \"1h\"\n");
    if from != From::NewDirectory {
        let sold = start.sold.path().join("data");
        run("cp", &["-a", sold.to_str().unwrap(), site.data().to_str().unwrap()]).unwrap();
    }
    let out = site.home().join("calls");
    let strace = strace(&out, calls, error, nth);
    let (mut node, tracer) = match from {
        From::NewDirectory | From::StartAgain => (start_under_strace(&site, strace), None),
        From::Selling => {
            let node = site.start();
            let tracer = attach(&node, &strace);
            (node, Some(tracer))
        }
    };
    let mut told = Told::default();
    let mut storage_failed = false;
    let ended = if node.serves() {
        if begin_to_sell(&node) {
            let crowd = Crowd::start(&node, "now", 2);
            crowd.hear(ANSWERS);
            if from == From::Selling {
                // Over the end of the first segment, so that the log's own thread has something to prepare.
                let mut operator = node.operator();
                let _all_or_none = (1..6).all(|turn| node.swell_as(&mut operator, turn).is_ok());
            }
            told = crowd.go_home();
        }
        storage_failed = told.storage_failed();
        // One that has ended already doesn't hear it.
        let ended = if storage_failed { node.ended() } else { node.stop_if_there() };
        storage_failed |= ended.has_said("nothing is acknowledged any more");
        ended
    } else {
        node.ended()
    };
    if let Some(mut tracer) = tracer {
        tracer.wait().unwrap();
    }
    let what = format!("{calls} {}{} {error}: {:?}, {:#?}", nth.0, nth.1, ended.status, ended.said);
    let code = ended.status.code();
    assert!(code == Some(0) || code == Some(1), "it ends, and is not ended: {what}");
    assert!(!storage_failed || code == Some(1), "{what}");
    // sled panics where it can't sync; that is caught, and no panic of ours.
    let ours = ended.said.iter().find(|line| line.contains("panicked at") && !line.contains("/sled-"));
    assert!(ours.is_none(), "{what}");
    let rebuilds = ended.said.iter().filter(|line| line.contains("the projection is moved aside")).count();
    assert!(rebuilds < 10, "built again {rebuilds} times: {what}");
    let Calls { failed, again } = calls_seen(&out);
    let in_log = |file: &String| file.contains("/log/");
    // Without room a spare segment is only not there yet.
    let is_promised = |file: &String| file.ends_with(".seg") || (error == "EIO" && in_log(file));
    let hits_log = failed.iter().any(is_promised);
    assert!(!hits_log || code == Some(1), "a call on the log itself failed, and it went on: {what} {failed:?}");
    assert!(error != "EIO" || !again.iter().any(in_log), "tried again after it had failed: {again:?} {what}");
    assert!(error != "EIO" || !told.refused.contains_key("disk-full"), "the disk fails and is not full: {what}");
    let end = match (code, storage_failed) {
        (_, true) => "storage failed while selling",
        (Some(0), _) => "went on, clean stop",
        _ if told.count() == 0 => "refused to start",
        _ => "went on, no clean stop",
    };
    seen.runs += 1;
    *seen.ends.entry(end).or_default() += 1;
    for file in &failed {
        *seen.reached.entry(kind_of(file)).or_default() += 1;
    }

    let again = site.start_selling();
    told.check(&again);
    if from != From::NewDirectory {
        start.told.check(&again);
    }
    again.kill();
    site.verify();
    !failed.is_empty()
}

/// Imports the catalogue; false when the node can't any more.
fn begin_to_sell(node: &Running) -> bool {
    let mut operator = node.operator();
    let body = catalogue().to_string();
    let imported = operator.try_send("PUT", "/v1/catalog", &[], Some(body.as_bytes()));
    let body = json!({"available": null}).to_string();
    let endless = node.store().try_send("PUT", "/v1/stores/s1/stock/meal", &[], Some(body.as_bytes()));
    let fine = |reply: std::io::Result<crate::common::Reply>| reply.is_ok_and(|reply| reply.status == 200);
    fine(imported) && fine(endless)
}

/// What strace wrote down.
struct Calls {
    /// The files on which a call was made to fail.
    failed: Vec<String>,
    /// Of these, the ones that the same thread wrote to or synced afterwards.
    again: Vec<String>,
}

fn calls_seen(out: &Path) -> Calls {
    let name = format!("{}.", out.file_name().unwrap().to_str().unwrap());
    let threads = std::fs::read_dir(out.parent().unwrap()).unwrap().flatten();
    let threads = threads.filter(|entry| entry.file_name().to_str().is_some_and(|found| found.starts_with(&name)));
    let mut calls = Calls { failed: Vec::new(), again: Vec::new() };
    for thread in threads {
        let text = std::fs::read_to_string(thread.path()).unwrap();
        let mut failed: Vec<String> = Vec::new();
        for line in text.lines() {
            let file = file_of(line);
            let is_write = WRITES.iter().any(|call| line.starts_with(&format!("{call}(")));
            if is_write && failed.contains(&file) {
                calls.again.push(file.clone());
            }
            if line.contains("(INJECTED)") {
                failed.push(file);
            }
        }
        calls.failed.append(&mut failed);
    }
    calls
}

/// The file of a call: a rename counts for its new name, any other call for its descriptor's path.
fn file_of(line: &str) -> String {
    let named = line.rsplit_once("(INJECTED)").map_or(line, |(call, _)| call);
    let from = named.find(['<', '"']).map_or(0, |at| at + 1);
    let rest = &named[from..];
    let to = rest.rfind("\")").and_then(|end| rest[..end].rfind('"')).map_or(0, |at| at + 1);
    let rest = if named.starts_with("rename") { &rest[to..] } else { rest };
    rest.split(['>', '"']).next().unwrap_or_default().to_owned()
}

/// A file's kind, for the figures.
fn kind_of(path: &str) -> String {
    let mut parts = path.split("/data").nth(1).unwrap_or(path).trim_start_matches('/').split('/');
    let (room, name) = (parts.next().unwrap_or_default(), parts.next_back().unwrap_or_default());
    let kind = name.rsplit_once('.').map_or(name, |(_, extension)| extension);
    format!("{room}/{kind}").trim_end_matches('/').to_owned()
}

impl Running {
    fn stop_if_there(mut self) -> crate::site::Ended {
        if self.has_ended() { self.ended() } else { self.stop() }
    }
}

/// All of one call, from everywhere on, or the few given.
fn fail(calls: &str, error: &str, few: &[(From, Nth)]) {
    if let Err(why) = can_trace() {
        return skipped(&format!("failing {calls}"), &why);
    }
    let mut start = Start::make();
    let mut seen = Seen::default();
    if is_long() {
        for from in [From::NewDirectory, From::StartAgain, From::Selling] {
            for how in [ONCE, ONWARDS] {
                let mut nth = 1;
                while fail_nth(&mut start, from, calls, error, Nth(nth, how), &mut seen) {
                    // Without room every run goes to its end: some of them do.
                    nth += if error == "EIO" { 1 } else { 7 };
                    assert!(nth < CALLS_MAX, "there is always one more {calls}");
                }
            }
        }
    } else {
        for (from, nth) in few {
            assert!(fail_nth(&mut start, *from, calls, error, *nth, &mut seen), "no {calls} number {}", nth.0);
        }
    }
    println!("{calls} {error}: {} runs, reached {:?}, ends {:?}", seen.runs, seen.reached, seen.ends);
}

const NEW: From = From::NewDirectory;
const AGAIN: From = From::StartAgain;
const SELLING: From = From::Selling;

#[test]
fn the_nth_fdatasync_fails() {
    let few = [(NEW, Nth(1, ONCE)), (AGAIN, Nth(9, ONWARDS)), (SELLING, Nth(7, ONCE)), (SELLING, Nth(1, ONWARDS))];
    fail("fdatasync", "EIO", &few);
}

#[test]
fn the_nth_write_fails() {
    fail("pwrite64", "EIO", &[(NEW, Nth(6, ONCE)), (AGAIN, Nth(2, ONCE)), (SELLING, Nth(1, ONWARDS))]);
}

#[test]
fn the_nth_write_finds_no_room() {
    fail("pwrite64", "ENOSPC", &[(SELLING, Nth(9, ONCE))]);
}

#[test]
fn the_nth_rename_fails() {
    fail("/^rename", "EIO", &[(NEW, Nth(4, ONCE)), (AGAIN, Nth(1, ONCE)), (SELLING, Nth(1, ONCE))]);
}

#[test]
fn the_nth_sync_of_a_directory_fails() {
    fail("fsync", "EIO", &[(AGAIN, Nth(2, ONCE)), (SELLING, Nth(1, ONWARDS))]);
}

/// Opens the connection of somebody who watches, and begins a question that is not at its end yet: the answer to it is given
/// by a node that has failed, however quickly the process ends.
fn begin_to_ask(node: &Running, path: &str) -> BufReader<TcpStream> {
    let mut stream = TcpStream::connect(node.address()).unwrap();
    stream.set_read_timeout(Some(AT_LAST)).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {}\r\n", node.address()).unwrap();
    BufReader::new(stream)
}

/// Everybody is told the same: who orders, who watches, who reads the log, and the service manager by the exit code.
#[test]
fn a_failing_disk_is_told_by_its_name_and_ends_the_process() {
    if let Err(why) = can_trace() {
        return skipped("what is told of a failing disk", &why);
    }
    let data = tempfile::tempdir().unwrap();
    let site = Site::at(&data.path().join("data"), "[orders]\ngrace = \"1h\"\n");
    let node = site.start_selling();
    let kept = node.customer("early").post_with_key("/v1/orders", "k", &order()).expect(201);
    let mut watcher = begin_to_ask(&node, "/readyz");
    let (mut customer, mut store) = (node.customer("late"), node.store());
    assert_eq!(store.get("/v1/stores/s1/stock").status, 200, "whoever connected before is served by now");
    let mut tracer = attach(&node, &strace(&site.home().join("calls"), "fdatasync", "EIO", Nth(1, ONWARDS)));

    let refused = customer.post_with_key("/v1/orders", "k", &order());
    assert_eq!((refused.status, refused.problem().as_str()), (503, "storage-failed"), "{refused:?}");
    assert!(refused.header("retry-after").is_some_and(|seconds| seconds.parse::<u32>().is_ok()), "{refused:?}");
    watcher.get_mut().write_all(b"\r\n").unwrap();
    let readiness = read_reply(&mut watcher, false).unwrap().expect(503);
    assert_eq!(readiness["ready"], false);
    let checks = readiness["checks"].as_array().unwrap();
    let storage = checks.iter().find(|check| check["name"] == "storage").unwrap();
    assert_eq!(storage["ok"], false);
    let why = storage["detail"].as_str().unwrap();
    assert!(why.contains(".seg") && why.contains("Input/output error"), "{why}");
    let disk = checks.iter().find(|check| check["name"] == "disk").unwrap();
    assert_eq!(disk["ok"], true, "it is not full: {disk}");

    let ended = node.ended();
    tracer.wait().unwrap();
    assert_eq!(ended.status.code(), Some(1), "{:#?}", ended.said);
    assert!(ended.has_said("nothing is acknowledged any more"), "{:#?}", ended.said);
    let again = site.start();
    let found = again.operator().get(&format!("/v1/orders/{}", kept["id"].as_str().unwrap())).expect(200);
    assert_eq!(found, kept);
    again.customer("late").post_with_key("/v1/orders", "k", &order());
    again.kill();
    site.verify();
}

/// What the log's own thread writes ahead of need is on the same disk: an error there was told as a full disk.
#[test]
fn a_disk_that_fails_under_the_next_segment_is_not_called_full() {
    if let Err(why) = can_trace() {
        return skipped("a disk that fails under the next segment", &why);
    }
    let data = tempfile::tempdir().unwrap();
    let site = Site::at(&data.path().join("data"), "[orders]\ngrace = \"1h\"\n");
    let node = site.start_selling();
    let mut strace = strace(&site.home().join("calls"), "pwrite64", "EIO", Nth(1, ONWARDS));
    // Only on this file.
    strace.extend(["-P".into(), site.data().join("log/next.tmp").to_str().unwrap().to_owned()]);
    let mut tracer = attach(&node, &strace);
    let crowd = Crowd::start(&node, "now", 2);
    assert!(crowd.hear(ANSWERS));
    let mut operator = node.operator();
    let refused = (1..20)
        .map(|turn| node.swell_as(&mut operator, turn))
        .find(|reply| !reply.as_ref().is_ok_and(|reply| reply.status == 200));
    let problem = refused.unwrap().map_or_else(|_gone| "storage-failed".to_owned(), |refused| refused.problem());
    assert_eq!(problem, "storage-failed");
    let mut told = crowd.ask_all();
    let ended = node.ended();
    tracer.wait().unwrap();
    assert!(!calls_seen(&site.home().join("calls")).failed.is_empty(), "the file was never reached");
    assert!(!told.refused.contains_key("disk-full"), "{:?}", told.refused);
    assert_eq!(ended.status.code(), Some(1), "{:#?}", ended.said);
    assert!(ended.has_said("next.spare") && ended.has_said("Input/output error"), "{:#?}", ended.said);
    let again = site.start();
    told.check(&again);
    assert!(again.stop().status.success());
    site.verify();
}
