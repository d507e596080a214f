//! Recovery of the real binary: killed while it starts, again and again; without its snapshots; with a log whose middle is
//! damaged.

use std::path::{Path, PathBuf};

use crate::crowd::{Crowd, Told};
use crate::site::{Ended, Running, Site, until};

const CUSTOMERS: usize = 4;

/// Files of a room of the data directory, in the order of their names.
fn files(site: &Site, room: &str, extension: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(site.data().join(room)).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = entries.filter(|path| path.extension().is_some_and(|found| found == extension)).collect();
    files.sort();
    files
}

/// A node that sold, and what its customers were told.
fn sold(site: &Site) -> (Running, Told) {
    let node = site.start_selling();
    let crowd = Crowd::start(&node, "before", CUSTOMERS);
    assert!(crowd.hear(600), "they gave up");
    let told = crowd.go_home();
    (node, told)
}

/// As if the last write had been torn: bytes behind the newest group.
fn tear(site: &Site) {
    let newest = files(site, "log", "seg").pop().unwrap();
    let mut bytes = std::fs::read(&newest).unwrap();
    let end = bytes.iter().rposition(|byte| *byte != 0).unwrap() + 1;
    bytes[end..end + 9].fill(0xFF);
    std::fs::write(&newest, bytes).unwrap();
}

/// A place in a start that can be seen from outside.
#[derive(Debug, Clone, Copy)]
enum Moment {
    /// The process is there.
    Begun,
    /// It has its address; the data comes next.
    Listens,
    /// It has said this.
    Said(&'static str),
    /// It answers.
    Answers,
}

/// Starts the node and kills it as soon as it has come there.
fn kill_at(site: &Site, moment: Moment) -> Ended {
    let mut node = site.spawn(&[]);
    match moment {
        Moment::Begun => {}
        Moment::Listens => until("it listens", || std::net::TcpStream::connect(node.address()).is_ok()),
        Moment::Said(words) => until(words, || node.said().iter().any(|line| line.contains(words))),
        Moment::Answers => assert!(node.serves(), "{:#?}", node.said()),
    }
    node.kill()
}

#[test]
fn five_kills_while_it_starts_take_no_acknowledged_order() {
    let home = tempfile::tempdir().unwrap();
    let site = Site::at(&home.path().join("data"), "[orders]\ngrace = \"1h\"\n");
    let (node, mut told) = sold(&site);
    node.kill();
    let rounds = [
        [Moment::Begun, Moment::Listens, Moment::Said("torn and cut off"), Moment::Said("recovered"), Moment::Answers],
        [Moment::Listens, Moment::Listens, Moment::Begun, Moment::Said("torn and cut off"), Moment::Listens],
    ];
    for moments in rounds {
        // Everything closed has to be read again as well.
        std::fs::remove_dir_all(site.data().join("state")).unwrap();
        for moment in moments {
            tear(&site);
            kill_at(&site, moment);
        }
        let node = site.start();
        told.check(&node);
        node.until_projected();
        node.kill();
    }
    site.verify();
    println!("{} acknowledged orders after {} kills while it started", told.count(), rounds.as_flattened().len());
}

#[test]
fn a_rotten_snapshot_is_named_and_the_one_before_or_the_whole_log_serves() {
    let home = tempfile::tempdir().unwrap();
    let site = Site::at(&home.path().join("data"), "[orders]\ngrace = \"1h\"\n");
    let (node, mut told) = sold(&site);
    // Each clean stop leaves a snapshot.
    assert!(node.stop().status.success());
    let node = site.start();
    node.customer("later").post_with_key("/v1/orders", "k", &crate::crowd::order()).expect(201);
    assert!(node.stop().status.success());
    let snapshots = files(&site, "snapshot", "snap");
    assert_eq!(snapshots.len(), 2, "{snapshots:?}");
    for (newest, instead) in [(&snapshots[1], snapshots[0].to_str().unwrap()), (&snapshots[0], "the whole log")] {
        flip(newest, 3_000);
        let node = site.start();
        told.check(&node);
        let ended = node.kill();
        let said = ended.said.iter().find(|line| line.contains("a snapshot can't be used"));
        let said = said.unwrap_or_else(|| panic!("nothing was said of {newest:?}: {:#?}", ended.said));
        assert!(said.contains("WARN") && said.contains("damaged snapshot"), "{said}");
        let warned = ended.said.iter().filter(|line| line.contains(newest.to_str().unwrap()));
        assert!(warned.clone().any(|line| line.contains(instead)), "{instead} is not in {:#?}", ended.said);
    }
}

fn flip(path: &Path, offset: usize) {
    let mut bytes = std::fs::read(path).unwrap();
    bytes[offset] ^= 1;
    std::fs::write(path, bytes).unwrap();
}

#[test]
fn a_damaged_middle_of_the_log_is_named_and_refused_with_the_way_out() {
    let home = tempfile::tempdir().unwrap();
    let site = Site::at(&home.path().join("data"), "[orders]\ngrace = \"1h\"\n");
    let (node, mut told) = sold(&site);
    node.kill();
    let segment = files(&site, "log", "seg").remove(0);
    let whole = std::fs::read(&segment).unwrap();
    let middle = whole.iter().rposition(|byte| *byte != 0).unwrap() / 2;
    flip(&segment, middle);
    let damaged = std::fs::read(&segment).unwrap();
    for _ in 0..2 {
        let ended = site.spawn(&[]).ended();
        assert_eq!(ended.status.code(), Some(2), "starting again would not help: {:#?}", ended.said);
        let last = ended.said.last().unwrap();
        let path = segment.to_str().unwrap();
        for words in [path, "damaged at offset", "sequences", "are lost", "keep a copy", "`qucan restore`", "a backup"]
        {
            assert!(last.contains(words), "{words:?} is not in {last:?}");
        }
        let offset = last.split("at offset ").nth(1).unwrap().split(',').next().unwrap().parse::<usize>().unwrap();
        assert!(offset <= middle && middle < offset + 4_096, "the group at {offset} holds the byte {middle}");
        assert!(std::fs::read(&segment).unwrap() == damaged, "nothing is changed");
    }
    std::fs::write(&segment, &whole).unwrap();
    let node = site.start();
    told.check(&node);
    node.kill();
    site.verify();
}

/// History whose tables somebody else holds: until they are free, closed orders answer 503, and everything else goes on.
#[test]
fn closed_orders_are_rebuilding_until_they_are_there_again() {
    let home = tempfile::tempdir().unwrap();
    let site = Site::at(&home.path().join("data"), "[orders]\ngrace = \"1h\"\n");
    let node = site.start_selling();
    let mut ann = node.customer("ann");
    let placed = ann.post_with_key("/v1/orders", "k", &crate::crowd::order()).expect(201);
    let (path, day) = (format!("/v1/orders/{}", placed["id"].as_str().unwrap()), placed["business_day"].clone());
    let cancelled = ann.post(&format!("{path}/cancel"), &serde_json::json!({})).expect(200);
    assert!(node.stop().status.success());
    let state = site.data().join("state");
    std::fs::remove_dir_all(&state).unwrap();
    let in_the_way = sled::open(state.join(day.as_str().unwrap().replace('-', ""))).unwrap();

    let node = site.start();
    let (mut ann, mut operator) = (node.customer("ann"), node.operator());
    let refused = ann.get(&path);
    assert_eq!((refused.status, refused.problem().as_str()), (503, "rebuilding"));
    assert!(refused.header("retry-after").is_some(), "{refused:?}");
    let mut projection = || operator.get("/v1/status").expect(200)["projection"].clone();
    assert!(["opening", "paused"].contains(&projection()["phase"].as_str().unwrap()), "{}", projection());
    assert!(projection()["detail"].is_string(), "{}", projection());
    ann.post_with_key("/v1/orders", "meanwhile", &crate::crowd::order()).expect(201);
    drop(in_the_way);
    until("closed orders are there again", || ann.get(&path).status == 200);
    assert_eq!(ann.get(&path).json(), cancelled);
    assert_eq!(projection(), serde_json::json!({"phase": "following"}));
    let ended = node.stop();
    for words in ["closed orders are being rebuilt from the log: 0 %", "closed orders are all there again"] {
        assert!(ended.has_said(words), "{words:?} is not in {:#?}", ended.said);
    }
}
