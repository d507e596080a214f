//! One event of one topic. Its frame is encoded at most once, by whoever needs it first, and then shared: an event
//! nobody listens to costs no encoding.

use std::sync::{Arc, OnceLock};
use std::time::Instant;

use tokio_tungstenite::tungstenite::protocol::frame::Utf8Bytes;

use super::frames;
use super::topic::Topic;
use crate::domain::id::{RegionId, StoreId};
use crate::domain::order::Order;
use crate::engine::views::Board;
use crate::view::{BoardView, encode_order};

/// What an event shows.
#[derive(Debug)]
pub enum Content {
    /// The order that changed, as it is after the event.
    Order(Arc<Order>),
    /// The board after the event.
    Board(StoreId, Board),
}

/// An event as it waits in rings and queues.
#[derive(Debug)]
pub struct Event {
    /// Of which topic.
    pub topic: Topic,
    /// The topic's offset after it.
    pub offset: u64,
    /// When the hub learned of it, right after the commit.
    pub committed: Instant,
    name: &'static str,
    content: Content,
    frame: OnceLock<Utf8Bytes>,
}

impl Event {
    /// An event that is not encoded yet.
    pub fn new(topic: Topic, offset: u64, name: &'static str, content: Content, committed: Instant) -> Self {
        Self { topic, offset, committed, name, content, frame: OnceLock::new() }
    }

    /// The frame to send.
    pub fn frame(&self, region: &RegionId) -> Utf8Bytes {
        let encoded = self.frame.get_or_init(|| {
            let data = match &self.content {
                Content::Order(order) => encode_order(order, region),
                Content::Board(store, board) => encode_board(store, board),
            };
            frames::event(&self.topic, self.offset, self.name, &data)
        });
        encoded.clone()
    }

    /// Roughly the memory it holds once encoded, in bytes.
    pub fn weight(&self) -> usize {
        match &self.content {
            Content::Order(order) => 1_536 + 512 * order.lines.len() + order.note.as_ref().map_or(0, |note| note.len()),
            Content::Board(_, board) => 512 + 48 * (board.preparing.len() + board.ready.len()),
        }
    }
}

/// A board's JSON.
pub fn encode_board(store: &StoreId, board: &Board) -> String {
    let view = BoardView::of(store, &board.preparing, &board.ready, board.offset);
    // A view always serialises: no maps, no custom errors.
    serde_json::to_string(&view).unwrap_or_default()
}
