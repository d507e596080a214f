//! A process that may not have what it wants: memory, files of any size. It ends or refuses, says why, and nothing
//! acknowledged is lost. (Descriptors are in `stalls`.)

use rustix::process::{Pid, Resource, Rlimit, prlimit};

use crate::crowd::{Crowd, Told};
use crate::is_long;
use crate::site::{Running, Site};

/// More than a MiB each, for which memory and a next segment are needed.
const IMPORTS: u32 = 8;

fn site(data: &tempfile::TempDir) -> Site {
    Site::at(&data.path().join("data"), "[orders]\ngrace = \"1h\"\n")
}

/// A limit on the process from here on.
fn limit(node: &Running, resource: Resource, bytes: u64) {
    prlimit(Some(node.pid()), resource, Rlimit { current: Some(bytes), maximum: Some(bytes) }).unwrap();
}

/// Sells and grows until something is refused, or for a while; what people were told.
fn sell_and_grow(node: &Running, name: &str) -> Told {
    let crowd = Crowd::start(node, name, 4);
    crowd.hear(50);
    let mut operator = node.operator();
    let grows = |turn| node.swell_as(&mut operator, turn).is_ok_and(|reply| reply.status == 200);
    let _as_far_as_it_went = (1..=IMPORTS).all(grows);
    crowd.go_home()
}

/// How it ended, or that it lives. Who ends by itself says why.
fn end(mut node: Running) -> &'static str {
    if !node.has_ended() {
        node.kill();
        return "lives";
    }
    let ended = node.ended();
    assert!(!ended.status.success() && !ended.said.is_empty(), "it says why: {} {:#?}", ended.status, ended.said);
    "ended"
}

/// Everything that was acknowledged is there when the limits are gone.
fn all_there(site: &Site, told: &mut Told) {
    let node = site.start();
    told.check(&node);
    assert!(node.stop().status.success());
    site.verify();
}

/// Memory that is not there ends a process, at its start or later, or does not: either way nothing acknowledged is lost.
#[test]
fn without_memory_a_node_ends_at_worst() {
    let data = tempfile::tempdir().unwrap();
    let site = site(&data);
    assert!(site.start_selling().stop().status.success());
    let mut told = Told::default();
    let mut ends = Vec::new();
    let (all, heap): (&[u64], &[u64]) = if is_long() {
        (&[50, 90, 140, 200, 300, 400], &[8, 16, 24, 32, 48, 64, 96])
    } else {
        (&[50, 140, 300], &[8, 48])
    };
    let sizes = all.iter().map(|size| ("as", size)).chain(heap.iter().map(|size| ("data", size)));
    for (kind, mebibytes) in sizes {
        let mut node = site.spawn(&["prlimit".into(), format!("--{kind}={}", mebibytes << 20)]);
        if node.serves() {
            told.add(sell_and_grow(&node, &format!("with-{kind}-{mebibytes}")));
            ends.push((kind, *mebibytes, end(node)));
        } else {
            let ended = node.ended();
            assert!(!ended.said.is_empty(), "it says why: {}", ended.status);
            ends.push((kind, *mebibytes, "did not start"));
        }
    }
    println!("{ends:?}, {} orders", told.count());
    assert!(ends.iter().any(|(.., end)| *end == "did not start") && told.count() > 0, "no limit was met: {ends:?}");
    all_there(&site, &mut told);
}

/// Bytes of a process's memory, by the name in its status.
fn used(pid: Pid, name: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", pid.as_raw_nonzero())).unwrap();
    let line = status.lines().find(|line| line.starts_with(name)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() << 10
}

#[test]
fn memory_taken_away_from_a_running_node_ends_it_at_worst() {
    let data = tempfile::tempdir().unwrap();
    let site = site(&data);
    assert!(site.start_selling().stop().status.success());
    let mut told = Told::default();
    let mut ends = Vec::new();
    let kinds = [("VmSize:", Resource::As), ("VmData:", Resource::Data)];
    for ((name, resource), mebibytes) in kinds.into_iter().flat_map(|kind| [(kind, 0), (kind, 4)]) {
        let node = site.start();
        told.add(sell(&node, &format!("before-{name}{mebibytes}")));
        limit(&node, resource, used(node.pid(), name) + (mebibytes << 20));
        told.add(sell_and_grow(&node, &format!("short-{name}{mebibytes}")));
        ends.push((name, mebibytes, end(node)));
    }
    println!("{ends:?}, {} orders", told.count());
    all_there(&site, &mut told);
}

fn sell(node: &Running, name: &str) -> Told {
    let crowd = Crowd::start(node, name, 4);
    assert!(crowd.hear(50));
    crowd.go_home()
}

/// A file that may not grow met the process as a signal that ends it without a word. Now it is an error like any other.
#[test]
fn a_limit_on_the_size_of_files_ends_the_node_with_a_word() {
    let data = tempfile::tempdir().unwrap();
    let site = site(&data);
    let node = site.start_selling();
    let mut told = sell(&node, "before");
    // The active segment is there; the one after the next can't be made.
    limit(&node, Resource::Fsize, 4 << 20);
    told.add(sell_and_grow(&node, "after"));
    let ended = node.ended();
    assert_eq!(ended.status.code(), Some(1), "{:#?}", ended.said);
    assert!(ended.has_said("File too large"), "{:#?}", ended.said);
    assert!(!told.refused.contains_key("disk-full"), "{:?}", told.refused);
    all_there(&site, &mut told);
}
