//! A region's log rots under the running node where the centre stands: it is told as what it is, and not as another history.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::common::centre::{Centre, REGION_TOKEN};
use crate::common::node::qucan;
use crate::common::{Client, Node, one_meal};
use crate::equal::{caught_up, head};

const AT_LAST: Duration = Duration::from_secs(60);

fn until(what: &str, mut happened: impl FnMut() -> bool) {
    let began = Instant::now();
    while !happened() {
        assert!(began.elapsed() < AT_LAST, "waited in vain: {what}");
        // No synchronisation: only the pace of asking.
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn order(customer: &mut Client, key: &str) {
    customer.post_with_key("/v1/orders", key, &one_meal()).expect(201);
}

fn newest_segment(log: &Path) -> PathBuf {
    let files = std::fs::read_dir(log).unwrap().map(|entry| entry.unwrap().path());
    files.filter(|path| path.extension().is_some_and(|ending| ending == "seg")).max().unwrap()
}

/// A bit of the last group's hash, in the file that the node goes on writing to.
fn flips_a_bit_of_the_last_hash(segment: &Path) {
    use std::os::unix::fs::FileExt;
    let bytes = std::fs::read(segment).unwrap();
    let at = bytes.iter().rposition(|byte| *byte != 0).unwrap() - 7;
    let file = std::fs::OpenOptions::new().write(true).open(segment).unwrap();
    file.write_all_at(&[bytes[at] ^ 1], at as u64).unwrap();
}

#[test]
fn a_log_that_rotted_where_the_centre_stands_is_told_as_damaged_and_not_as_another_history() {
    let mut centre = Centre::start();
    centre.process().tolerate(&["replication", "region"]);
    let url = format!("ws://{}/v1/replicate", centre.address());
    let mut node = Node::start_with(&format!("[replication]\naggregator = \"{url}\"\ntoken = \"{REGION_TOKEN}\"\n"));
    // The projection may be the one that meets it.
    node.process().tolerate(&["no line to the centre", "the log is damaged", "the projection pauses"]);
    let mut customer = node.customer("ann");
    order(&mut customer, "before");
    caught_up(&node, &centre, AT_LAST);
    let stands_at = head(&node);
    centre.process().kill();

    let segment = newest_segment(&node.data().join("log"));
    flips_a_bit_of_the_last_hash(&segment);
    centre.process().restart();
    let status = || node.operator().get("/v1/status").expect(200);
    until("the damage is met", || status()["log_damaged"].is_string());
    let told = status();
    assert!(told["fenced"].is_null() && told["replication"]["fenced"].is_null(), "{told:#}");
    let says = told["log_damaged"].as_str().unwrap();
    let range = format!("to {stands_at} can't be read");
    for words in [segment.to_str().unwrap(), "damaged at offset", range.as_str(), "`qucan restore`"] {
        assert!(says.contains(words), "{words:?} is not in {says:?}");
    }
    let ready = node.client(None).get("/readyz");
    assert_eq!(ready.status, 200, "it sells on: {ready:?}");
    let checks = ready.json()["checks"].clone();
    let check = checks.as_array().unwrap().iter().find(|check| check["name"] == "log").cloned().unwrap();
    assert_eq!(check["detail"], Value::from(says));
    order(&mut customer, "meanwhile");
    assert!(centre.region("east")["fenced"].is_null(), "{:#}", centre.region("east"));

    // As with any damaged middle of a log, a start that has to read it names it, and doesn't begin.
    node.kill();
    let ended = qucan(&["node", "--config", node.config().to_str().unwrap()]);
    let said = String::from_utf8_lossy(&ended.stderr).into_owned();
    assert_eq!(ended.status.code(), Some(2), "{said}");
    assert!(said.contains(segment.to_str().unwrap()) && said.contains("are lost"), "{said}");
}
