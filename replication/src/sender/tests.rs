//! What a session sends when, over a log in memory and a centre of one's own words.

use std::time::Duration;

use bytes::Bytes;

use super::{Carry, Sender, SenderOptions};
use crate::doubles::{Dice, Log, LogSource, Shared, lock, shared};
use crate::frame::Message;
use crate::limits;
use crate::point::Point;

const MS: Duration = Duration::from_millis(1);

/// A session that ships a log to a centre that had nothing.
struct Shipping {
    log: Shared<Log>,
    sender: Sender<LogSource>,
    now: Duration,
}

impl Shipping {
    fn begin() -> Self {
        let log = shared(Log::default());
        let source = LogSource::new(&log, 1, 1);
        let mut sender = Sender::new(source, SenderOptions::default(), Carry::default(), Duration::ZERO);
        sender.poll(Duration::ZERO).unwrap().unwrap();
        let (window, heartbeat) = (u32::try_from(limits::WINDOW_BYTES).unwrap(), limits::HEARTBEAT);
        let welcome = Message::Welcome { from: Point::ORIGIN, epoch: 1, window, heartbeat };
        sender.receive(Duration::ZERO, &welcome.encode()).unwrap();
        let mut shipping = Self { log, sender, now: Duration::ZERO };
        assert_eq!(shipping.poll(), None);
        shipping
    }

    fn commit(&mut self, bytes: &[u8]) {
        lock(&self.log).commit(1, 1, bytes);
    }

    fn poll(&mut self) -> Option<Bytes> {
        self.sender.poll(self.now).unwrap()
    }

    /// Everything that is sent now, until there is no room or no more.
    fn messages(&mut self) -> Vec<Bytes> {
        std::iter::from_fn(|| self.sender.is_ready(self.now).then(|| self.poll()).flatten()).collect()
    }

    /// The centre has everything that was sent.
    fn acknowledge(&mut self) {
        let point = self.sender.position;
        self.sender.receive(self.now, &Message::Ack(point).encode()).unwrap();
    }
}

#[test]
fn in_a_stream_of_commits_nothing_is_to_be_heard_of_them_until_the_gap_is_over() {
    let mut shipping = Shipping::begin();
    assert_eq!(shipping.sender.heeds_commits_at(), Some(Duration::ZERO), "the first goes at once");
    shipping.now += MS;
    shipping.commit(b"one");
    assert_eq!(shipping.messages().len(), 1);
    let next = shipping.now + limits::GROUPS_GAP;
    assert_eq!(shipping.sender.heeds_commits_at(), Some(next));
    shipping.commit(b"two");
    shipping.commit(b"three");
    assert_eq!(shipping.messages().len(), 0);
    shipping.now = next;
    assert_eq!(shipping.messages().len(), 1, "both in one");
    assert_eq!(shipping.sender.position.sequence, 3);
}

#[test]
fn with_a_full_window_only_the_centre_is_listened_to() {
    let mut shipping = Shipping::begin();
    while shipping.sender.heeds_commits_at().is_some() {
        let noise = Dice::new(7).bytes(limits::BATCH_BYTES_MAX);
        shipping.commit(&noise);
        assert!(!shipping.messages().is_empty(), "there was room");
    }
    shipping.commit(b"waits");
    assert_eq!(shipping.messages().len(), 0);
    shipping.acknowledge();
    assert!(shipping.sender.heeds_commits_at().is_some());
    assert_eq!(shipping.messages().len(), 1);
}
