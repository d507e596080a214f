//! How shipping goes, for metrics and status pages. Written by the line, read at any time; knows no line.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use tokio::sync::watch;

use crate::point::{Fence, Point};

/// Everything there is to say about shipping, at one moment.
#[derive(Clone, Debug, Default)]
pub struct Reading {
    /// The line is up, and the centre has agreed.
    pub connected: bool,
    /// The last position that the centre has synced, as far as it has said; goes back with a centre that was restored.
    pub acknowledged: Point,
    /// When an acknowledgement last came.
    pub last_ack: Option<Instant>,
    /// Lines opened (TCP, TLS and handshake done).
    pub connects: u64,
    /// Attempts that opened none.
    pub failed_attempts: u64,
    /// Entries sent again after they had been sent over an earlier line.
    pub resends: u64,
    /// Bytes written to the network, TLS and handshakes included.
    pub bytes_sent: u64,
    /// Why this region may not go on, if it may not.
    pub fenced: Option<Arc<Fence>>,
    /// Since when.
    pub fenced_since: Option<Instant>,
    /// Why the centre doesn't take the region, if it doesn't.
    pub refused: Option<String>,
    /// Why the last line ended or the last attempt failed; stays after the next line is up.
    pub last_error: Option<String>,
}

/// How shipping goes; read at any time.
#[derive(Debug)]
pub struct Status {
    reading: Mutex<Reading>,
    fence: watch::Sender<Option<Arc<Fence>>>,
}

impl Default for Status {
    fn default() -> Self {
        Self { reading: Mutex::default(), fence: watch::Sender::new(None) }
    }
}

impl Status {
    /// Everything at once.
    #[must_use]
    pub fn read(&self) -> Reading {
        self.lock().clone()
    }

    /// The position that the centre has synced.
    pub fn acknowledged(&self) -> Point {
        self.lock().acknowledged
    }

    /// Whether the line is up and the centre has agreed.
    pub fn is_connected(&self) -> bool {
        self.lock().connected
    }

    /// The fence, as it comes and goes.
    pub fn watch_fence(&self) -> watch::Receiver<Option<Arc<Fence>>> {
        self.fence.subscribe()
    }

    fn lock(&self) -> MutexGuard<'_, Reading> {
        // A reading is whole between two statements, so a panic elsewhere leaves it fit for use.
        self.reading.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn change(&self, change: impl FnOnce(&mut Reading)) {
        change(&mut self.lock());
    }

    /// The centre has agreed: no fence, no refusal.
    pub(super) fn agreed(&self) {
        let lifted = {
            let mut reading = self.lock();
            reading.connected = true;
            reading.refused = None;
            reading.fenced_since = None;
            reading.fenced.take().is_some()
        };
        if lifted {
            tracing::info!("the centre takes this region again, the fence is lifted");
            self.fence.send_replace(None);
        }
    }

    /// This history has ended.
    pub(super) fn fence(&self, fence: Fence) {
        let fence = Arc::new(fence);
        {
            let mut reading = self.lock();
            if reading.fenced.as_ref() == Some(&fence) {
                return;
            }
            reading.fenced_since.get_or_insert_with(Instant::now);
            reading.fenced = Some(Arc::clone(&fence));
        }
        tracing::error!(reason = ?fence.reason, detail = %fence.detail, epoch = fence.epoch, "fenced by the centre");
        self.fence.send_replace(Some(fence));
    }
}
