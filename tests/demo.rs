//! `qucan demo` as a newcomer runs it: it shows pages that answer, ends by itself, and everything it compared is equal.

#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test that fails says where")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Command, Stdio};

#[path = "common/ports.rs"]
mod ports;

/// The status line and headers of a `GET` without a token.
fn get(url: &str) -> String {
    let (authority, path) = url.strip_prefix("http://").unwrap().split_once('/').unwrap();
    let mut stream = TcpStream::connect(authority).unwrap();
    write!(stream, "GET /{path} HTTP/1.1\r\nhost: {authority}\r\nconnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

/// The good line of a check, of a region or of the centre.
fn counts(output: &[String], whose: &str, check: &str) -> String {
    let is_it = |line: &&String| {
        let words: Vec<&str> = line.split_whitespace().take(3).collect();
        words == ["ok", whose, check]
    };
    output.iter().find(is_it).unwrap_or_else(|| panic!("no good line for {check} in\n{}", output.join("\n"))).clone()
}

/// The number in front of a word.
fn number_of(line: &str, word: &str) -> u64 {
    let words: Vec<&str> = line.split([' ', ',', '(', ')']).filter(|word| !word.is_empty()).collect();
    let at = words.iter().position(|other| *other == word).unwrap_or_else(|| panic!("no {word} in {line}"));
    words[at - 1].parse().unwrap()
}

#[test]
fn the_demo_shows_pages_sells_and_finds_everything_equal() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("data");
    let mut demo = Command::new(env!("CARGO_BIN_EXE_qucan"))
        .args(["demo", "--seconds", "8", "--orders-per-second", "40", "--data"])
        .arg(&data)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut output = Vec::new();
    let mut pages = 0;
    for line in BufReader::new(demo.stdout.take().unwrap()).lines() {
        let line = line.unwrap();
        for url in line.split_whitespace().filter(|word| word.contains("://")) {
            let answer = get(url);
            assert!(answer.starts_with("HTTP/1.1 200 "), "{url}: {answer}");
            assert!(answer.to_lowercase().contains("content-type: text/html"), "{url} is a page");
            pages += 1;
        }
        output.push(line);
    }
    let ended = demo.wait_with_output().unwrap();
    let complaints = String::from_utf8(ended.stderr).unwrap();
    assert!(ended.status.success(), "{}\n{complaints}", output.join("\n"));
    assert_eq!(pages, 9, "a dashboard, and four pages of each of two regions");
    assert!(!complaints.contains("ERROR") && !complaints.contains("panicked"), "{complaints}");

    let mut placed_in_all = 0;
    for region in ["east", "south"] {
        for check in ["orders", "lives", "money", "stock", "coupons", "pushed", "screens", "protocol"] {
            counts(&output, region, check);
        }
        let lives = counts(&output, region, "lives");
        let placed = number_of(&lives, "placed");
        placed_in_all += placed;
        assert_eq!(number_of(&lives, "open"), 0, "{lives}");
        let ended: u64 = ["collected", "cancelled", "rejected"].iter().map(|end| number_of(&lives, end)).sum();
        assert_eq!(ended, placed, "{lives}");
        assert!(number_of(&lives, "refunded") > 0 && number_of(&lives, "rejected") > 0, "{lives}");
    }
    assert!(placed_in_all >= 200, "{placed_in_all} orders");
    for check in ["replicated", "centre", "figures"] {
        let lines = output.iter().filter(|line| line.starts_with("ok") && line.contains(&format!("centre {check}")));
        assert_eq!(lines.count(), 2, "{check} of both regions:\n{}", output.join("\n"));
    }
    let killed = output.iter().position(|line| line.contains("the centre is killed"));
    let back = output.iter().position(|line| line.contains("the centre is back"));
    assert!(killed.is_some() && killed < back, "the centre was killed and came back:\n{}", output.join("\n"));
    let copies = output.iter().filter(|line| line.contains("copy at the centre") && line.starts_with("ok"));
    assert_eq!(copies.count(), 2, "both copies are the regions' history:\n{}", output.join("\n"));
    let status = output.iter().rfind(|line| line.contains("misbehave")).unwrap();
    assert!(number_of(status, "misbehave") * 10 >= number_of(status, "customers"), "{status}");
    assert!(output.iter().any(|line| line.contains("everything holds")), "verify ran:\n{}", output.join("\n"));

    for directory in ["east", "south", "centre/regions/east", "centre/regions/south"] {
        let verify =
            Command::new(env!("CARGO_BIN_EXE_qucan")).args(["verify", "--data"]).arg(data.join(directory)).output();
        assert!(verify.as_ref().unwrap().status.success(), "{directory} is kept and verifies: {verify:?}");
    }
}

#[test]
fn a_port_that_is_taken_is_one_clear_sentence() {
    let two = || [ports::free_address(), ports::free_address()];
    let neighbours = std::iter::repeat_with(two).find(|[first, second]| second.port() == first.port() + 1);
    let [first, taken] = neighbours.unwrap();
    let _taken = std::net::TcpListener::bind(taken).unwrap();
    let demo = Command::new(env!("CARGO_BIN_EXE_qucan"))
        .args(["demo", "--seconds", "1", "--port", &first.port().to_string()])
        .output()
        .unwrap();
    assert_eq!(demo.status.code(), Some(2), "{demo:?}");
    let complaint = String::from_utf8(demo.stderr).unwrap();
    assert!(complaint.contains(&format!("port {} can't be used", taken.port())), "{complaint}");
    assert_eq!(complaint.trim_end().lines().count(), 1, "{complaint}");
}
