//! A region's line to the centre: starts shipping, carries the centre's word that this history has ended to the engine, and
//! says how far behind the centre is. Never here: a decision, or anything a customer waits for.

mod lag;
mod mark;
mod metrics;
mod source;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use prometheus_client::registry::Registry;
use qucan_replication::line::{LineOptions, Reading, Status, TlsError, platform_tls, ship};
use qucan_replication::{Fence, FenceReason, Identity};
use tokio::task::JoinHandle;

use self::lag::{Behind, Head, Lag};
use self::mark::Shipped;
#[cfg(feature = "simulation")]
pub use self::source::LogSource;
#[cfg(not(feature = "simulation"))]
use self::source::LogSource;
use crate::api::replication::{LagView, ReplicationLook, ReplicationView};
use crate::config::NodeConfig;
use crate::engine::clock::Clock;
use crate::engine::{Engine, Handle};
use crate::limits::{REPLICATION_FAREWELL, REPLICATION_LOOK, SHIPPED_MARK_EVERY};

/// Shipping can't begin.
#[derive(Debug, thiserror::Error)]
pub enum ReplicationError {
    /// Whom to trust.
    #[error("`replication.ca`: {0}")]
    Tls(#[from] TlsError),
    /// No number for this process.
    #[error("no random number: {0}")]
    Random(#[from] getrandom::Error),
}

/// The running line.
pub(super) struct Replication {
    shared: Arc<Shared>,
    ship: JoinHandle<()>,
    watch: JoinHandle<()>,
}

/// What the line, the figures and the status page share.
pub(super) struct Shared {
    handle: Handle,
    status: Arc<Status>,
    clock: Arc<dyn Clock>,
    state_dir: PathBuf,
    lag: Mutex<Lag>,
    /// What the centre had when it was last heard of, before this start.
    shipped: Shipped,
}

impl Replication {
    /// Starts shipping, if the region has a centre. The line comes up whenever the centre is there.
    pub(super) fn start(
        config: &NodeConfig,
        engine: &Engine,
        clock: Arc<dyn Clock>,
    ) -> Result<Option<Self>, ReplicationError> {
        let Some(wanted) = &config.replication else { return Ok(None) };
        let mut options = LineOptions::new(wanted.aggregator.clone(), wanted.token.reveal());
        if let Some(pem) = &wanted.ca {
            options.tls = Some(platform_tls(Some(pem))?);
        }
        let (handle, files) = (engine.handle(), engine.files());
        let mut instance = [0; 16];
        getrandom::fill(&mut instance)?;
        let announcement = serde_json::json!({
            "public_url": config.public_url,
            "version": env!("CARGO_PKG_VERSION"),
        });
        let engine_status = handle.status();
        let identity = Identity {
            region: engine_status.region.to_string(),
            epoch: u32::from(engine_status.epoch),
            instance: u128::from_le_bytes(instance),
            announcement: announcement.to_string().into_bytes(),
        };
        let shipped = Shipped::read(&files.state_dir).unwrap_or_default();
        let head = head_of(&handle, &*clock);
        let shared = Arc::new(Shared {
            status: Arc::default(),
            lag: Mutex::new(Lag::new(shipped.acknowledged, shipped.since, head)),
            clock,
            state_dir: files.state_dir,
            shipped,
            handle: handle.clone(),
        });
        let behind = Arc::clone(&shared);
        let source = LogSource {
            engine: handle.clone(),
            bytes_behind: Box::new(move |acknowledged| behind.behind(acknowledged).bytes),
            fs: files.fs,
            log_dir: files.log_dir,
            snapshots: files.snapshots,
            identity,
            reader: None,
        };
        let ship = tokio::spawn(ship(source, options, handle.watch_head(), Arc::clone(&shared.status)));
        let watch = tokio::spawn(Arc::clone(&shared).watch());
        tracing::info!(aggregator = %wanted.aggregator, "replicates to the centre");
        Ok(Some(Self { shared, ship, watch }))
    }

    /// Makes the figures visible.
    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register_collector(Box::new(metrics::Shown(Arc::clone(&self.shared))));
    }

    /// A way to look at it.
    pub(super) fn look(&self) -> ReplicationLook {
        let shared = Arc::clone(&self.shared);
        Arc::new(move || shared.view())
    }

    /// Ends the line once the engine has ended: the last entries have a moment to be acknowledged, if the centre is there.
    pub(super) async fn stop(self) {
        let shared = &self.shared;
        let asked = Instant::now();
        let waits = || shared.status.is_connected() && shared.look().2.entries > 0;
        while waits() && asked.elapsed() < REPLICATION_FAREWELL {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let left = shared.look().2.entries;
        if left > 0 {
            tracing::info!(entries = left, "stopped before the centre had everything; it goes on with the next start");
        }
        shared.remember();
    }
}

impl Drop for Replication {
    fn drop(&mut self) {
        self.ship.abort();
        self.watch.abort();
    }
}

fn head_of(handle: &Handle, clock: &dyn Clock) -> Head {
    let status = handle.status();
    Head {
        sequence: status.log_head,
        written: handle.log_written(),
        entry_bytes: status.log_bytes / status.log_head.max(1),
        at: clock.now(),
    }
}

impl Shared {
    fn head(&self) -> Head {
        head_of(&self.handle, &*self.clock)
    }

    /// How far the centre is behind, if it has `acknowledged`.
    fn behind(&self, acknowledged: u64) -> Behind {
        self.lag.lock().behind(self.head(), acknowledged)
    }

    /// What the line says, what the centre has, and how far behind it is.
    fn look(&self) -> (Reading, u64, Behind) {
        let reading = self.status.read();
        // Until the centre has been heard of, what it had before this start is the best that is known.
        let heard = reading.last_ack.is_some();
        if heard {
            self.handle.centre_has(reading.acknowledged.sequence);
        }
        let acknowledged = if heard { reading.acknowledged.sequence } else { self.shipped.acknowledged };
        let head = self.head();
        let mut lag = self.lag.lock();
        lag.note(head, acknowledged);
        let behind = lag.behind(head, acknowledged);
        (reading, acknowledged, behind)
    }

    /// When the centre last acknowledged, in seconds since 1970.
    fn last_acknowledgement(&self, reading: &Reading) -> Option<f64> {
        let ago = reading.last_ack?.elapsed();
        #[expect(clippy::cast_precision_loss, reason = "milliseconds since 1970 fit into a double for long")]
        let now = self.clock.now().0 as f64 / 1000.0;
        Some(now - ago.as_secs_f64())
    }

    fn view(&self) -> ReplicationView {
        let (reading, acknowledged, behind) = self.look();
        ReplicationView {
            connected: reading.connected,
            acknowledged,
            lag: LagView { entries: behind.entries, bytes: behind.bytes, seconds: behind.seconds },
            fenced: self.handle.status().fenced,
            refused: reading.refused,
            last_error: reading.last_error.filter(|_| !reading.connected),
        }
    }

    /// Writes down what the centre has.
    fn remember(&self) {
        let (_, acknowledged, behind) = self.look();
        let shipped = Shipped { acknowledged, since: behind.since };
        if let Err(error) = shipped.write(&self.state_dir) {
            tracing::debug!(%error, "what the centre has was not written down; the next start guesses");
        }
    }

    /// Looks at the line now and then: samples for the lag, the fence, and a word in the log when it comes and goes.
    async fn watch(self: Arc<Self>) {
        let mut fence = self.status.watch_fence();
        let mut was_connected = false;
        let mut remembered = (Instant::now(), self.shipped.acknowledged);
        loop {
            // A fence doesn't wait for the next look.
            let _or_not = tokio::time::timeout(REPLICATION_LOOK, fence.changed()).await;
            let (reading, acknowledged, _) = self.look();
            if reading.connected != was_connected {
                was_connected = reading.connected;
                match was_connected {
                    true => tracing::info!(acknowledged, "the line to the centre is up"),
                    false => tracing::info!(acknowledged, "the line to the centre is down; selling goes on"),
                }
            }
            self.follow_fence(&reading).await;
            if remembered.0.elapsed() >= SHIPPED_MARK_EVERY && remembered.1 != acknowledged {
                remembered = (Instant::now(), acknowledged);
                let shared = Arc::clone(&self);
                let _written = tokio::task::spawn_blocking(move || shared.remember()).await;
            }
        }
    }

    /// The engine sells or not, as the centre last said. A centre that can't be reached says nothing.
    async fn follow_fence(&self, reading: &Reading) {
        let fenced = self.handle.status().fenced;
        let wanted: Option<Arc<str>> = match &reading.fenced {
            Some(fence) => Some(reason_of(fence).into()),
            None if reading.connected => None,
            None => return,
        };
        if fenced.as_deref() == wanted.as_deref() {
            return;
        }
        let handle = self.handle.clone();
        let lifted = wanted.is_none();
        let written = tokio::task::spawn_blocking(move || handle.fence(wanted)).await;
        match written {
            Ok(Ok(())) if lifted => tracing::info!("the fence is lifted: the region sells again"),
            Ok(Ok(())) => tracing::info!("fenced: this node sells nothing any more; see /readyz"),
            Ok(Err(error)) => tracing::error!(%error, "the fence can't be written down; trying again"),
            Err(error) => tracing::error!(%error, "the fence can't be followed; trying again"),
        }
    }
}

/// The fence in words for people.
fn reason_of(fence: &Fence) -> String {
    let why = match fence.reason {
        FenceReason::EpochSuperseded => "another node has taken the region over",
        FenceReason::BehindCentre => "the centre has more of this history: this is an older copy",
        FenceReason::OtherHistory => "the centre has another history",
        FenceReason::EpochNotGranted => "this epoch was never granted",
    };
    format!("{why} (epoch {} was granted last): {}", fence.epoch, fence.detail)
}
