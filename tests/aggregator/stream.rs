//! The live stream, read byte by byte as a browser would.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::common::centre::Centre;
use crate::common::tokens;
use crate::region::{Region, wait_until};

/// One reader.
struct Reader {
    lines: BufReader<TcpStream>,
    head: Vec<String>,
}

/// An event.
struct Event {
    name: String,
    id: u64,
    data: Value,
}

impl Reader {
    fn open(centre: &Centre, more: &str) -> Self {
        let mut socket = TcpStream::connect(centre.address()).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        let head = format!(
            "GET /v1/stream HTTP/1.1\r\nHost: c\r\nAccept: text/event-stream\r\nAuthorization: Bearer {}\r\n{more}\r\n",
            tokens::operator()
        );
        socket.write_all(head.as_bytes()).unwrap();
        let mut reader = Self { lines: BufReader::new(socket), head: Vec::new() };
        loop {
            let line = reader.line().unwrap();
            if line.is_empty() {
                return reader;
            }
            reader.head.push(line);
        }
    }

    /// The next line; none at the end. Lines of chunk sizes look like no field and are passed over by whoever reads events.
    fn line(&mut self) -> Option<String> {
        let mut line = String::new();
        match self.lines.read_line(&mut line) {
            Ok(0) | Err(_) => None,
            Ok(_) => Some(line.trim_end().to_owned()),
        }
    }

    /// The next event; none at the end.
    fn event(&mut self) -> Option<Event> {
        let (mut name, mut id) = (String::new(), 0);
        loop {
            let line = self.line()?;
            if let Some(text) = line.strip_prefix("event: ") {
                name = text.to_owned();
            } else if let Some(text) = line.strip_prefix("id: ") {
                id = text.parse().unwrap();
            } else if let Some(text) = line.strip_prefix("data: ") {
                return Some(Event { name, id, data: serde_json::from_str(text).unwrap() });
            }
        }
    }
}

#[test]
fn it_begins_with_everything_and_goes_on_with_every_change() {
    let centre = Centre::start();
    let node = Region::start("east", &centre);
    node.shipped("east", &centre);
    let mut reader = Reader::open(&centre, "Last-Event-ID: 99999\r\n");
    assert!(reader.head[0].contains("200"), "{:?}", reader.head);
    assert!(
        reader.head.iter().any(|line| line.eq_ignore_ascii_case("content-type: text/event-stream")),
        "{:?}",
        reader.head
    );
    let first = reader.event().unwrap();
    assert_eq!(first.name, "snapshot");
    assert_eq!(first.data["summary"]["today"]["placed"], 0);
    assert_eq!(first.data["regions"][0]["region"], "east");

    let order = node.paid_order("a", "1");
    let order = node.operator().get(&format!("/v1/orders/{order}")).expect(200);
    let placed_at = Instant::now();
    let mut last = first.id;
    loop {
        let tick = reader.event().unwrap();
        assert_eq!(tick.name, "tick");
        assert!(tick.id > last, "ids ascend");
        last = tick.id;
        if tick.data["summary"]["today"]["paid"] == 1 {
            assert_eq!(tick.data["regions"][0]["today"]["paid"], 1);
            let minute = &tick.data["minute"];
            // The order's own minute may be over by now, and it may have been placed and paid in two.
            let is_of = |time: &str| minute["at"].as_str().unwrap()[..16] == order[time].as_str().unwrap()[..16];
            let (orders, paid) = (u64::from(is_of("created_at")), u64::from(is_of("paid_at")));
            let figures = (&minute["orders"], &minute["paid"], &minute["revenue"]);
            assert_eq!(figures, (&json!(orders), &json!(paid), &json!(3000 * paid)));
            break;
        }
        assert!(placed_at.elapsed() < Duration::from_secs(30), "the order never showed");
    }
    let status = centre.operator().get("/v1/status").expect(200);
    assert_eq!(status["stream_clients"], 1);

    // Nothing happens now, and it says so.
    let mut quiet = Vec::new();
    for _ in 0..3 {
        let asked = Instant::now();
        assert_eq!(reader.event().unwrap().name, "tick");
        quiet.push(asked.elapsed());
    }
    assert!(quiet.iter().all(|pause| *pause < Duration::from_secs(8)), "at least every five seconds: {quiet:?}");
    drop(reader);
    wait_until("its place is free again", || {
        let status = centre.operator().get("/v1/status").expect(200);
        if status["stream_clients"] == 0 { Ok(()) } else { Err(status["stream_clients"].to_string()) }
    });
}

#[test]
fn it_ends_when_the_centre_stops_and_says_that_a_region_is_gone_while_it_runs() {
    let mut centre = Centre::start();
    let mut node = Region::start("east", &centre);
    node.shipped("east", &centre);
    let mut reader = Reader::open(&centre, "");
    assert_eq!(reader.event().unwrap().data["summary"]["regions"]["connected"], 1);
    node.process.stop();
    let mut lag = Vec::new();
    while lag.len() < 3 {
        let tick = reader.event().unwrap();
        if tick.data["summary"]["regions"]["connected"] == 0 {
            let east = &tick.data["regions"][0];
            assert_eq!((east["health"].as_str(), east["reason"].as_str()), (Some("yellow"), Some("the line is down")));
            lag.push(east["lag"]["seconds"].as_f64().unwrap());
        }
    }
    assert!(lag.is_sorted_by(|a, b| a < b), "it counts on while the line is down: {lag:?}");
    let stopping = Instant::now();
    centre.process().stop();
    assert!(stopping.elapsed() < Duration::from_secs(8), "an open stream does not hold up a stop");
    while reader.event().is_some() {}
}
