//! What the dashboard shows, made once and sent to everybody who looks: server-sent events. A reader that does not keep up is
//! closed, never buffered without bound; it comes again by itself and begins with a whole picture.

use std::convert::Infallible;
use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::body::Bytes;
use futures_util::Stream;
use futures_util::stream::unfold;
use tokio::sync::{Mutex, OwnedSemaphorePermit, Semaphore, broadcast, watch};
use tokio::time::{Instant, MissedTickBehavior};

use super::picture::Picture;
use super::regions::Regions;
use crate::engine::clock::Clock;
use crate::limits::{STREAM_CLIENTS_MAX, STREAM_QUEUE_MESSAGES, STREAM_QUIET_TICKS, STREAM_TICK};

/// How long a browser waits before it comes again.
const RETRY: &str = "retry: 2000\n\n";

/// A line that means nothing, for proxies that cut silent connections.
const HEARTBEAT: &str = ": alive\n\n";

/// The source of all streams.
pub struct Live {
    regions: Arc<Regions>,
    clock: Arc<dyn Clock>,
    ticks: broadcast::Sender<Bytes>,
    next_id: AtomicU64,
    latest: Mutex<Option<Latest>>,
    places: Arc<Semaphore>,
    draining: watch::Receiver<bool>,
}

/// The picture that was made last.
struct Latest {
    at: Instant,
    picture: Arc<Picture>,
    json: Arc<str>,
}

impl Live {
    /// Nobody looks yet.
    pub fn new(regions: Arc<Regions>, clock: Arc<dyn Clock>, draining: watch::Receiver<bool>) -> Arc<Self> {
        Arc::new(Self {
            regions,
            clock,
            ticks: broadcast::Sender::new(STREAM_QUEUE_MESSAGES),
            next_id: AtomicU64::new(1),
            latest: Mutex::default(),
            places: Arc::new(Semaphore::new(STREAM_CLIENTS_MAX)),
            draining,
        })
    }

    /// How many look.
    pub fn clients(&self) -> usize {
        STREAM_CLIENTS_MAX - self.places.available_permits()
    }

    /// Makes a message a tick while somebody looks; until dropped.
    pub async fn run(self: Arc<Self>) {
        let mut ticks = tokio::time::interval(STREAM_TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut quiet = 0;
        let mut shown: Option<Arc<Picture>> = None;
        loop {
            ticks.tick().await;
            if self.ticks.receiver_count() == 0 {
                shown = None;
                continue;
            }
            let Some((picture, json)) = self.fresh(STREAM_TICK / 2).await else { continue };
            quiet += 1;
            if quiet < STREAM_QUIET_TICKS && shown.as_ref().is_some_and(|shown| picture.shows_the_same_as(shown)) {
                continue;
            }
            quiet = 0;
            shown = Some(picture);
            // Nobody left in the meantime is no harm.
            let _receivers = self.ticks.send(self.message("tick", &json));
        }
    }

    fn message(&self, event: &str, json: &str) -> Bytes {
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        let mut text = String::with_capacity(json.len() + 64);
        // JSON has no line breaks outside its strings, and none inside either: they are escaped.
        let _ = write!(text, "event: {event}\nid: {id}\ndata: {json}\n\n");
        text.into()
    }

    /// A picture that is at most so old; made once, however many ask.
    async fn fresh(&self, at_most: std::time::Duration) -> Option<(Arc<Picture>, Arc<str>)> {
        let mut latest = self.latest.lock().await;
        if let Some(latest) = latest.as_ref().filter(|latest| latest.at.elapsed() < at_most) {
            return Some((Arc::clone(&latest.picture), Arc::clone(&latest.json)));
        }
        let (regions, now) = (Arc::clone(&self.regions), self.clock.now());
        let made = tokio::task::spawn_blocking(move || {
            let picture = Picture::of(&regions, now);
            let json = serde_json::to_string(&picture);
            (Arc::new(picture), json)
        });
        let (picture, json) = made.await.ok()?;
        let json: Arc<str> = match json {
            Ok(json) => json.into(),
            Err(error) => {
                tracing::error!(%error, "the picture could not be written as JSON");
                return None;
            }
        };
        *latest = Some(Latest { at: Instant::now(), picture: Arc::clone(&picture), json: Arc::clone(&json) });
        Some((picture, json))
    }

    /// A stream for one reader, or nothing when there are too many.
    pub async fn open(self: &Arc<Self>) -> Option<impl Stream<Item = Result<Bytes, Infallible>> + Send + use<>> {
        let place = Arc::clone(&self.places).try_acquire_owned().ok()?;
        // Before the picture is made, so that nothing falls between it and the first tick.
        let ticks = self.ticks.subscribe();
        let (_, json) = self.fresh(STREAM_TICK / 2).await?;
        let mut first = String::from(RETRY);
        first.push_str(std::str::from_utf8(&self.message("snapshot", &json)).unwrap_or_default());
        let reader = Reader { first: Some(first.into()), ticks, draining: self.draining.clone(), _place: place };
        Some(unfold(reader, |mut reader| async move { reader.next().await.map(|bytes| (Ok(bytes), reader)) }))
    }
}

/// One reader.
struct Reader {
    first: Option<Bytes>,
    ticks: broadcast::Receiver<Bytes>,
    draining: watch::Receiver<bool>,
    _place: OwnedSemaphorePermit,
}

impl Reader {
    /// What comes next; nothing where the stream ends: stopping, or too slow.
    async fn next(&mut self) -> Option<Bytes> {
        if let Some(first) = self.first.take() {
            return Some(first);
        }
        let quiet = STREAM_TICK * (STREAM_QUIET_TICKS + 1);
        tokio::select! {
            // Closed, or it lags behind: then it ends, and comes again with a whole picture.
            tick = self.ticks.recv() => tick.ok(),
            () = tokio::time::sleep(quiet) => Some(Bytes::from_static(HEARTBEAT.as_bytes())),
            _ = self.draining.wait_for(|draining| *draining) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::StreamExt as _;

    use super::*;
    use crate::aggregator::region::Opening;
    use crate::aggregator::store::Store;
    use crate::domain::time::Timestamp;
    use crate::engine::clock::ManualClock;

    /// A centre without regions, and the way to stop it.
    async fn live(dir: &std::path::Path) -> (Arc<Live>, watch::Sender<bool>) {
        let clock: Arc<dyn Clock> = Arc::new(ManualClock::new(Timestamp(0)));
        let (restart, must_restart) = watch::channel(None);
        let opening = Opening {
            data_dir: dir.to_owned(),
            keep_days: 7,
            clock: Arc::clone(&clock),
            store: Arc::new(Store::embedded(dir.join("store")).unwrap()),
            runtime: tokio::runtime::Handle::current(),
            restart,
            fs: qucan_storage::fs::real(),
            log: qucan_storage::log::LogOptions::default(),
            snapshot_every_entries: u64::MAX,
            log_bytes_max: u64::MAX,
        };
        let opened = tokio::task::spawn_blocking(move || Regions::open(opening, &[], must_restart, false)).await;
        let (draining, is_draining) = watch::channel(false);
        (Live::new(opened.unwrap().unwrap(), clock, is_draining), draining)
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 1)]
    async fn a_reader_that_does_not_keep_up_is_closed_and_others_are_not() {
        let dir = tempfile::tempdir().unwrap();
        let (live, _draining) = live(dir.path()).await;
        let (slow, quick) = (live.open().await.unwrap(), live.open().await.unwrap());
        let (mut slow, mut quick) = (Box::pin(slow), Box::pin(quick));
        assert_eq!(live.clients(), 2);
        let first = quick.next().await.unwrap().unwrap();
        assert!(first.starts_with(b"retry: 2000\n\nevent: snapshot\nid: "), "{first:?}");
        for number in 0..2 * STREAM_QUEUE_MESSAGES {
            live.ticks.send(live.message("tick", &number.to_string())).unwrap();
            assert!(quick.next().await.unwrap().unwrap().ends_with(format!("data: {number}\n\n").as_bytes()));
        }
        assert!(slow.next().await.is_some(), "the snapshot waited for it");
        assert!(slow.next().await.is_none(), "what it missed is not kept");
        drop(slow);
        assert_eq!(live.clients(), 1);
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 1)]
    async fn streams_end_when_the_centre_stops() {
        let dir = tempfile::tempdir().unwrap();
        let (live, draining) = live(dir.path()).await;
        let mut reader = Box::pin(live.open().await.unwrap());
        assert!(reader.next().await.is_some());
        draining.send_replace(true);
        assert!(reader.next().await.is_none());
    }
}
