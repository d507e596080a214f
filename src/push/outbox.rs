//! What waits to be sent on one connection: a bounded queue that the hub fills and the session empties. A client that
//! lets it fill is too slow and is closed; nothing is ever buffered without bound, and nobody waits for anybody.

use std::collections::VecDeque;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::Notify;

use super::event::Event;
use super::frames::Close;

/// What the session does next for the hub.
#[derive(Debug)]
pub enum Next {
    /// Send an event.
    Event(Arc<Event>),
    /// Events were lost on the way here: send snapshots of everything subscribed.
    Resync,
    /// Tell the client that the node is about to stop.
    Drain,
    /// End the connection.
    Close(Close),
}

/// The hub's end and the session's end of one connection. Empty it holds no buffer: there are many idle connections.
#[derive(Debug)]
pub struct Outbox {
    /// The connection's number, unique while the process lives.
    pub id: u64,
    events_max: usize,
    bytes_max: usize,
    state: Mutex<State>,
    wake: Notify,
}

#[derive(Debug, Default)]
struct State {
    events: VecDeque<Arc<Event>>,
    bytes: usize,
    resync: bool,
    drain: bool,
    close: Option<Close>,
}

impl Outbox {
    /// An empty one that holds at most so many events and roughly so many bytes.
    pub fn new(id: u64, events_max: usize, bytes_max: usize) -> Self {
        Self { id, events_max, bytes_max, state: Mutex::default(), wake: Notify::new() }
    }

    /// Puts an event in; a full queue condemns the connection.
    pub fn push(&self, event: &Arc<Event>) {
        let mut state = self.state.lock();
        if state.close.is_some() || state.resync {
            return;
        }
        if state.events.len() >= self.events_max || state.bytes >= self.bytes_max {
            state.condemn(Close::TooMuch);
        } else {
            state.bytes += event.weight();
            state.events.push_back(Arc::clone(event));
        }
        drop(state);
        self.wake.notify_one();
    }

    /// Asks for snapshots instead of everything that waits.
    pub fn resync(&self) {
        let mut state = self.state.lock();
        state.forget_events();
        state.resync = true;
        drop(state);
        self.wake.notify_one();
    }

    /// Announces the end.
    pub fn drain(&self) {
        self.state.lock().drain = true;
        self.wake.notify_one();
    }

    /// Ends the connection; the first reason stays.
    pub fn close(&self, reason: Close) {
        self.state.lock().condemn(reason);
        self.wake.notify_one();
    }

    /// What to do now, if anything.
    pub fn try_next(&self) -> Option<Next> {
        let mut state = self.state.lock();
        if let Some(reason) = state.close {
            return Some(Next::Close(reason));
        }
        if std::mem::take(&mut state.drain) {
            return Some(Next::Drain);
        }
        if std::mem::take(&mut state.resync) {
            return Some(Next::Resync);
        }
        let event = state.events.pop_front()?;
        state.bytes = state.bytes.saturating_sub(event.weight());
        if state.events.is_empty() {
            state.events = VecDeque::new();
        }
        Some(Next::Event(event))
    }

    /// Waits for something to do. May be dropped while waiting; nothing is lost.
    pub async fn next(&self) -> Next {
        loop {
            if let Some(next) = self.try_next() {
                return next;
            }
            self.wake.notified().await;
        }
    }

    /// Waits until the connection has to end.
    pub async fn condemned(&self) -> Close {
        loop {
            let close = self.state.lock().close;
            if let Some(reason) = close {
                return reason;
            }
            self.wake.notified().await;
        }
    }
}

impl State {
    fn condemn(&mut self, reason: Close) {
        self.close.get_or_insert(reason);
        self.forget_events();
    }

    fn forget_events(&mut self) {
        self.events = VecDeque::new();
        self.bytes = 0;
    }
}
