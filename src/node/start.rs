//! Steps of a start: the engine's options from the configuration, and the catalogue file.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::api::catalog_file::{self, CatalogErrors};
use crate::api::pictures;
use crate::config::NodeConfig;
use crate::domain::actor::Actor;
use crate::domain::catalog::CatalogImport;
use crate::domain::command::Command;
use crate::domain::context::Settings;
use crate::domain::time::Millis;
use crate::engine::answer::{Answer, Refusal, Request, Unavailable};
use crate::engine::clock::Clock;
use crate::engine::{EngineLimits, EngineOptions, Handle};
use crate::limits::CATALOG_FILE_BYTES_MAX;
use crate::web::{Dishes, Missing};

/// The configured catalogue can't be imported.
#[derive(Debug, thiserror::Error)]
pub enum CatalogStartError {
    /// The file can't be read.
    #[error("{}: the catalogue can't be read: {error}", path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// It is wrong.
    #[error("{}: the catalogue has errors:\n{errors}", path.display())]
    Wrong {
        /// Which.
        path: PathBuf,
        /// All of them.
        errors: CatalogErrors,
    },
    /// The engine refused it.
    #[error("{}: the catalogue is refused: {refusal}", path.display())]
    Refused {
        /// Which.
        path: PathBuf,
        /// Why.
        refusal: Refusal,
    },
}

/// The engine as configured.
pub fn engine_options(config: &NodeConfig, clock: Arc<dyn Clock>) -> EngineOptions {
    let millis = |duration: Duration| Millis(i64::try_from(duration.as_millis()).unwrap_or(i64::MAX));
    let mut options = EngineOptions::new(&config.data_dir, config.region.clone());
    options.settings = Settings {
        pay_within: millis(config.orders.pay_within),
        accept_within: millis(config.orders.accept_within),
        auto_after: millis(config.orders.auto_after),
        open_orders_per_member_max: config.orders.open_per_member,
    };
    options.grace = millis(config.orders.grace);
    options.closed_orders_days = config.orders.keep_days;
    options.clock = clock;
    options.limits = EngineLimits {
        critical_queue: config.queues.critical,
        normal_queue: config.queues.normal,
        ..EngineLimits::default()
    };
    options
}

/// Imports the catalogue file; what doesn't differ changes nothing. A region that sells already goes on selling when its
/// file is broken; one that has nothing to sell doesn't start.
pub(super) async fn import_catalog(handle: &Handle, path: Option<&Path>) -> Result<(), CatalogStartError> {
    let Some(path) = path else { return Ok(()) };
    match import(handle, path).await {
        Ok(Answer::Catalog(summary)) => {
            tracing::info!(file = %path.display(), ?summary, "catalogue imported");
            Ok(())
        }
        Ok(_) => Ok(()),
        Err(CatalogStartError::Refused { refusal: Refusal::Unavailable(Unavailable::Fenced), .. }) => {
            tracing::info!(file = %path.display(), "the catalogue is not imported: this node is fenced");
            Ok(())
        }
        Err(error) if handle.views().catalog().stores.is_empty() => Err(error),
        Err(error) => {
            tracing::error!(%error, "the catalogue was not imported; the one on sale stays");
            Ok(())
        }
    }
}

/// Reads the pictures that the catalogue on sale names. One that can't be had keeps nobody from selling.
pub(super) async fn read_pictures(dishes: &Arc<Dishes>, handle: &Handle) {
    let (dishes, handle) = (Arc::clone(dishes), handle.clone());
    let read = move || pictures::read(&dishes, handle.views());
    let missing = match tokio::task::spawn_blocking(read).await {
        Ok(missing) => missing,
        Err(error) => {
            tracing::error!(%error, "reading the catalogue's pictures ended early");
            return;
        }
    };
    if let Some(Missing { sku, image, why }) = missing.first() {
        tracing::warn!(
            items = missing.len(),
            sku,
            image,
            why,
            "items are shown without their picture; the first is named here, an import lists all"
        );
    }
}

async fn import(handle: &Handle, path: &Path) -> Result<Answer, CatalogStartError> {
    let import = read_catalog(path, false)?;
    let request = Request {
        command: Command::ImportCatalog(Box::new(import)),
        actor: Actor::Node,
        request_id: "start".into(),
        device: None,
    };
    handle.submit(request).await.map_err(|refusal| CatalogStartError::Refused { path: path.to_owned(), refusal })
}

/// Reads and checks a catalogue file. `set_stock` overwrites stock that is already there.
pub fn read_catalog(path: &Path, set_stock: bool) -> Result<CatalogImport, CatalogStartError> {
    let read_error = |error| CatalogStartError::Read { path: path.to_owned(), error };
    let limit = u64::try_from(CATALOG_FILE_BYTES_MAX).unwrap_or(u64::MAX);
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).map_err(read_error)?;
    // One byte more than allowed, so that the parser sees that it is too much.
    file.take(limit.saturating_add(1)).read_to_end(&mut bytes).map_err(read_error)?;
    catalog_file::parse(&bytes, set_stock).map_err(|errors| CatalogStartError::Wrong { path: path.to_owned(), errors })
}
