//! A customer's eyes on one order: a push socket that comes back with `since` when it breaks, and notices every gap.

use smol_str::SmolStr;

use super::ledger::{Ledger, Seen};
use super::world::World;
use crate::ops::client::socket::{Frame, Socket, SocketError};

/// Times a socket is opened again before the customer gives up.
const REOPENED_MAX: u32 = 20;

/// One order's topic over however many sockets.
pub struct Watching<'a> {
    world: &'a World,
    token: &'a str,
    topic: String,
    socket: Option<Socket>,
    seen: Option<Seen>,
    /// The code that came with the `accepted` event.
    pub code: Option<SmolStr>,
}

impl<'a> Watching<'a> {
    /// Nothing is open yet.
    pub fn new(world: &'a World, token: &'a str, order: &str) -> Self {
        Self { world, token, topic: format!("order/{order}"), socket: None, seen: None, code: None }
    }

    /// The order as it was pushed last.
    pub fn seen(&self) -> Option<&Seen> {
        self.seen.as_ref()
    }

    /// Loses the connection, as phones do.
    pub fn drop_socket(&mut self) {
        self.socket = None;
    }

    /// Waits for the next news of the order; opens the socket again where it is gone. May be dropped while waiting.
    pub async fn next(&mut self) -> Result<(), SocketError> {
        let mut reopened = 0;
        loop {
            let Some(socket) = &mut self.socket else {
                reopened += 1;
                match self.open().await {
                    Ok(()) => continue,
                    Err(error) if reopened >= REOPENED_MAX => return Err(error),
                    Err(_) => {
                        tokio::time::sleep(std::time::Duration::from_millis(250)).await;
                        continue;
                    }
                }
            };
            let frame = match socket.next().await {
                Ok(frame) => frame,
                Err(error) => {
                    self.socket = None;
                    if let SocketError::Closed { code: 4400..=4407 | 4413, .. } = error {
                        self.world.ledger.violation(format!("{}: {error}", self.topic));
                        return Err(error);
                    }
                    continue;
                }
            };
            if self.take(frame, &self.world.ledger) {
                self.acknowledge().await;
                return Ok(());
            }
        }
    }

    async fn open(&mut self) -> Result<(), SocketError> {
        let mut socket = Socket::open(self.world.http.base(), self.token).await?;
        socket.subscribe(&self.topic, self.seen.as_ref().map(|seen| seen.offset)).await?;
        self.socket = Some(socket);
        Ok(())
    }

    async fn acknowledge(&mut self) {
        if let (Some(socket), Some(seen)) = (&mut self.socket, &self.seen) {
            // A socket that breaks here is noticed by the next read.
            let _ = socket.ack(&self.topic, seen.offset).await;
        }
    }

    /// Takes a frame in; answers whether it brought news.
    fn take(&mut self, frame: Frame, ledger: &Ledger) -> bool {
        let before = self.seen.as_ref().map_or(0, |seen| seen.offset);
        match frame {
            Frame::Snapshot { topic, offset, data } if topic == self.topic => {
                if offset < before {
                    ledger.violation(format!("{topic}: a snapshot of offset {offset} after offset {before}"));
                }
                self.keep(&data, offset, ledger)
            }
            Frame::Event { topic, offset, event, data } if topic == self.topic => {
                if offset <= before {
                    // Sent again before the acknowledgement arrived.
                    return false;
                }
                if offset != before + 1 {
                    ledger.violation(format!("{topic}: event {offset} came after {before}"));
                }
                if event == "accepted" {
                    self.code = data.get("pickup_code").and_then(|code| code.as_str()).map(SmolStr::new);
                }
                self.keep(&data, offset, ledger)
            }
            Frame::Error { problem, .. } => {
                ledger.violation(format!("{}: the hub answered {problem}", self.topic));
                false
            }
            _ => false,
        }
    }

    fn keep(&mut self, data: &serde_json::Value, offset: u64, ledger: &Ledger) -> bool {
        let seen = Seen::of(data);
        if seen.offset != offset {
            ledger.violation(format!("{}: offset {offset} carries an order of offset {}", self.topic, seen.offset));
        }
        if self.code.is_none() {
            // Accepted while the socket was away.
            self.code.clone_from(&seen.pickup_code);
        }
        self.seen = Some(seen);
        true
    }
}
