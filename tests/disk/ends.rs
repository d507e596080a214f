//! The real program on a log with bytes behind its end, and on one with a flipped byte in a segment that is closed: the first
//! loses nothing, the second is found and named, and nothing of it is changed.

use std::path::{Path, PathBuf};

use crate::common::node::qucan;
use crate::crowd::{Crowd, Told};
use crate::site::Site;

/// Behind a segment's header, where groups begin.
const HEADER: usize = 4096;

/// The log's segments, oldest first.
fn segments(site: &Site) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(site.data().join("log")).unwrap().flatten().map(|entry| entry.path());
    let mut segments: Vec<_> = entries.filter(|path| path.extension().is_some_and(|name| name == "seg")).collect();
    segments.sort();
    segments
}

/// Changes a file's bytes.
fn change(path: &Path, change: impl FnOnce(&mut Vec<u8>)) {
    let mut bytes = std::fs::read(path).unwrap();
    change(&mut bytes);
    std::fs::write(path, bytes).unwrap();
}

/// Where the last group ends: nothing but zeros follows.
fn end_of(bytes: &[u8]) -> usize {
    bytes.iter().rposition(|byte| *byte != 0).unwrap() + 1
}

#[test]
fn bytes_appended_to_the_newest_segment_take_nothing_away() {
    let data = tempfile::tempdir().unwrap();
    let site = Site::at(&data.path().join("data"), "[orders]\ngrace = \"1h\"\n");
    let mut node = site.start_selling();
    let mut told = Told::default();
    let garbage: Vec<u8> = (0..7_000_u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 13).to_le_bytes()[0]).collect();
    let appendices =
        [&[0xFF; 9][..], &[0; 1], &[0; 5_000], &garbage[..1], &garbage[..96], &garbage[..700], &garbage[..]];
    let places = appendices.into_iter().flat_map(|appendix| [(appendix, true), (appendix, false)]);
    for (round, (appendix, behind_the_file)) in places.enumerate() {
        let crowd = Crowd::start(&node, &format!("r{round}"), 2);
        assert!(crowd.hear(30));
        node.kill();
        told.add(crowd.go_home());
        change(segments(&site).last().unwrap(), |bytes| {
            if behind_the_file {
                bytes.extend_from_slice(appendix);
            } else {
                let end = end_of(bytes);
                bytes[end..end + appendix.len()].copy_from_slice(appendix);
            }
        });
        node = site.start();
        told.check(&node);
    }
    assert!(node.stop().status.success());
    site.verify();
    println!("{} acknowledged orders, all there", told.count());
}

#[test]
fn a_flipped_byte_in_a_closed_segment_is_found_and_named() {
    let data = tempfile::tempdir().unwrap();
    let site = Site::at(&data.path().join("data"), "[orders]\ngrace = \"1h\"\n");
    let node = site.start_selling();
    let crowd = Crowd::start(&node, "crowd", 2);
    assert!(crowd.hear(60));
    // On to the next segment, and some more.
    (1..6).for_each(|turn| drop(node.swell(turn).expect(200)));
    assert!(crowd.hear(20));
    node.kill();
    let mut told = crowd.go_home();
    let closed = segments(&site)[0].clone();
    assert!(segments(&site).len() > 1);
    let end = end_of(&std::fs::read(&closed).unwrap());
    let name = closed.file_name().unwrap().to_str().unwrap().to_owned();
    for at in [HEADER, HEADER + 100, HEADER + 5_000, (HEADER + end) / 2, end - 40, end - 1] {
        change(&closed, |bytes| bytes[at] ^= 0x10);
        let found = |said: &str| said.contains(&name) && said.contains("offset") && said.contains("sequence");
        let verified = qucan(&["verify", "--data", site.data().to_str().unwrap()]);
        let said = [&verified.stdout[..], &verified.stderr].concat();
        let said = String::from_utf8_lossy(&said);
        assert!(verified.status.code() == Some(1) && found(&said), "byte {at}: {} {said}", verified.status);
        let ended = site.spawn(&[]).ended();
        let said = ended.said.join("\n");
        assert!(!ended.status.success() && found(&said), "byte {at}: {} {said}", ended.status);
        assert!(said.contains("restore"), "it says the way out: {said}");
        change(&closed, |bytes| bytes[at] ^= 0x10);
    }
    let node = site.start();
    told.check(&node);
    assert!(node.stop().status.success());
    site.verify();
}
