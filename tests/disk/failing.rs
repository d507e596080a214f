//! The Nth call fails, for N = 1, 2, 3, … until no Nth call is reached: SQLite's way to test a disk that is dying.
//!
//! strace makes the Nth call of *each thread* fail with EIO (or ENOSPC), alone or with all that come after it: from the start
//! on in a new directory and in one that has sold before, and from the first order on in a node that runs already.
//! After it nothing is acknowledged that is not on disk: the process refuses to start, or ends with 1, or goes on because
//! the call was not one that answers stand on; and without the fault it starts again with everything acknowledged.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::json;

use crate::common::catalogue;
use crate::crowd::{Crowd, Told};
use crate::site::{Running, Site};
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

fn strace(out: &Path, calls: &str, error: &str, nth: Nth) -> Vec<String> {
    let inject = format!("inject={calls}:error={error}:when={}{}", nth.0, nth.1);
    let trace = format!("trace={calls}");
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
            if rolls(calls) {
                // Over the end of the first segment.
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
    let failed = failed_calls(&out);
    let hits_log = failed.iter().any(|file| file.ends_with(".seg"));
    assert!(!hits_log || code == Some(1), "a call on the log itself failed, and it went on: {what} {failed:?}");
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

/// Calls of which the writer makes none before the log goes on to its next segment.
fn rolls(calls: &str) -> bool {
    calls == "fsync" || calls.contains("rename")
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

/// The files whose calls were made to fail.
fn failed_calls(out: &Path) -> Vec<String> {
    let name = format!("{}.", out.file_name().unwrap().to_str().unwrap());
    let threads = std::fs::read_dir(out.parent().unwrap()).unwrap().flatten();
    let threads = threads.filter(|entry| entry.file_name().to_str().is_some_and(|found| found.starts_with(&name)));
    let text: String = threads.map(|entry| std::fs::read_to_string(entry.path()).unwrap()).collect();
    let injected = text.lines().filter(|line| line.contains("(INJECTED)"));
    let path = |line: &str| {
        let named = line.rsplit_once("(INJECTED)").map_or(line, |(call, _)| call);
        let from = named.find(['<', '"']).map_or(0, |at| at + 1);
        let rest = &named[from..];
        let to = rest.rfind("\")").and_then(|end| rest[..end].rfind('"')).map_or(0, |at| at + 1);
        // A rename counts for its new name; any other call for its descriptor's path.
        let rest = if named.contains("rename") { &rest[to..] } else { rest };
        rest.split(['>', '"']).next().unwrap_or_default().to_owned()
    };
    injected.map(path).collect()
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
                    nth += 1;
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

#[test]
fn the_nth_fdatasync_fails() {
    let new = (From::NewDirectory, Nth(1, ONCE));
    fail("fdatasync", "EIO", &[new, (From::StartAgain, Nth(9, ONWARDS)), (From::Selling, Nth(7, ONCE))]);
}

#[test]
fn the_nth_write_fails() {
    fail("pwrite64", "EIO", &[(From::NewDirectory, Nth(6, ONCE)), (From::Selling, Nth(1, ONWARDS))]);
}

#[test]
fn the_nth_write_finds_no_room() {
    fail("pwrite64", "ENOSPC", &[(From::Selling, Nth(9, ONCE))]);
}

#[test]
fn the_nth_rename_fails() {
    fail("/^rename", "EIO", &[(From::NewDirectory, Nth(4, ONCE)), (From::Selling, Nth(1, ONCE))]);
}

#[test]
fn the_nth_sync_of_a_directory_fails() {
    fail("fsync", "EIO", &[(From::StartAgain, Nth(2, ONCE)), (From::Selling, Nth(1, ONWARDS))]);
}
