//! Connections that a region has let in, and the way to cut them: because an epoch is over, or another one has taken over.

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::Notify;

/// Ends a connection when told; held by whoever drives it.
#[derive(Debug, Clone, Default)]
pub struct Cut(Arc<Notify>);

impl Cut {
    /// Waits until the connection has to end.
    pub async fn told(&self) {
        self.0.notified().await;
    }
}

/// The connections of one region, by number, with their epochs.
#[derive(Debug, Default)]
pub(super) struct Guests(Mutex<BTreeMap<u64, (u32, Cut)>>);

impl Guests {
    /// One is let in.
    pub(super) fn enter(&self, connection: u64, epoch: u32, cut: Cut) {
        self.0.lock().insert(connection, (epoch, cut));
    }

    /// It is over.
    pub(super) fn leave(&self, connection: u64) {
        self.0.lock().remove(&connection);
    }

    /// Ends those that are meant.
    pub(super) fn cut(&self, is_meant: impl Fn(u64, u32) -> bool) {
        for (connection, (epoch, cut)) in &*self.0.lock() {
            if is_meant(*connection, *epoch) {
                // Remembered where nobody waits yet.
                cut.0.notify_one();
            }
        }
    }
}
