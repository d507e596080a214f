//! What a lost node gets from the centre: its log, page by page and byte by byte, and a snapshot.

use qucan_storage::log::{Group, LogReader};
use qucan_storage::{Sequence, fs};

use crate::common::Client;
use crate::common::centre::Centre;
use crate::region::{Region, token_of, wait_until};

/// The groups of a page.
fn groups(mut body: &[u8]) -> Vec<Vec<u8>> {
    let mut groups = Vec::new();
    while let Some((length, rest)) = body.split_first_chunk::<4>() {
        let (group, rest) = rest.split_at(u32::from_le_bytes(*length) as usize);
        groups.push(group.to_vec());
        body = rest;
    }
    groups
}

#[test]
fn the_log_comes_back_verbatim_in_pages_of_any_size() {
    let mut centre = Centre::start();
    let mut node = Region::start("east", &centre);
    for number in 0..30 {
        node.paid_order(&format!("m{number}"), "k");
    }
    node.shipped("east", &centre);
    let head = node.head();
    let mut client = Client::new(centre.address(), Some(token_of("east")));
    let mut copies = Vec::new();
    for limit in [1, 700, 50_000, 16 << 20] {
        let (mut fetched, mut after, mut pages) = (Vec::new(), 0, 0);
        loop {
            let page = client.get(&format!("/v1/regions/east/log?epoch=1&after={after}&limit_bytes={limit}"));
            assert_eq!((page.status, page.header("content-type")), (200, Some("application/octet-stream")));
            assert_eq!(page.header("qucan-epoch"), Some("1"));
            let on_page = groups(&page.body);
            assert!(
                on_page.len() == 1 || page.body.len() <= limit,
                "{} bytes in {} groups",
                page.body.len(),
                on_page.len()
            );
            fetched.extend(on_page);
            after = page.header("qucan-last-sequence").unwrap().parse().unwrap();
            pages += 1;
            if page.header("qucan-end") == Some("true") {
                break;
            }
        }
        assert_eq!(after, head);
        assert!(limit > 1 || pages == fetched.len(), "one group a page, however small the page");
        copies.push(fetched);
    }
    assert!(copies.windows(2).all(|pair| pair[0] == pair[1]));
    assert_eq!(client.get(&format!("/v1/regions/east/log?after={head}")).body, b"");
    assert_eq!(client.get(&format!("/v1/regions/east/log?after={}", head + 1)).problem(), "gone");

    node.process.stop();
    let mut log = LogReader::open(fs::real(), &node.data().join("log"), Sequence(0)).unwrap();
    for group in &copies[0] {
        Group::parse(group).unwrap();
        assert_eq!(log.next(Sequence(head)).unwrap().unwrap().raw(), group.as_slice());
    }
    assert!(log.next(Sequence(head)).unwrap().is_none());
    centre.process().stop();
}

#[test]
fn the_newest_snapshot_is_kept_and_handed_out() {
    let centre = Centre::start();
    let mut node = Region::start("east", &centre);
    node.paid_order("a", "1");
    node.shipped("east", &centre);
    let mut client = Client::new(centre.address(), Some(token_of("east")));
    assert_eq!(client.get("/v1/regions/east/snapshot").problem(), "not-found");
    // A clean stop leaves one; the node ships it when it is back.
    node.process.stop();
    let mut own: Vec<_> =
        std::fs::read_dir(node.data().join("snapshot")).unwrap().map(|one| one.unwrap().path()).collect();
    own.sort();
    let newest = std::fs::read(own.last().unwrap()).unwrap();
    node.process.restart();
    wait_until("the snapshot is here", || {
        let reply = client.get("/v1/regions/east/snapshot");
        if reply.status == 200 { Ok(()) } else { Err(reply.problem()) }
    });
    let reply = client.get("/v1/regions/east/snapshot");
    assert_eq!(reply.header("content-length"), Some(newest.len().to_string().as_str()));
    assert!(reply.body == newest, "byte by byte");
    assert_eq!(reply.header("qucan-epoch"), Some("1"));
    assert!(reply.header("qucan-last-sequence").unwrap().parse::<u64>().unwrap() > 0);
}
