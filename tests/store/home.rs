//! Where a store of a test lives: it can be closed and opened again there.

use qucan::aggregator::store::{Store, StoreBatch, Stored};
use tempfile::TempDir;

use crate::feed::Feed;
use crate::server::Server;

pub enum Home {
    Embedded(TempDir),
    Postgres(Server),
}

impl Home {
    pub fn embedded() -> Self {
        Self::Embedded(tempfile::tempdir().unwrap())
    }

    /// `None` where no server can be started.
    pub fn postgres() -> Option<Self> {
        Server::start().map(Self::Postgres)
    }

    pub async fn open(&self) -> Store {
        match self {
            Self::Embedded(dir) => Store::embedded(dir.path().join("store")).unwrap(),
            Self::Postgres(server) => Store::postgres(&server.url()).await.unwrap(),
        }
    }

    /// Whether closed orders are the store's own.
    pub fn keeps_orders(&self) -> bool {
        matches!(self, Self::Postgres(_))
    }
}

/// Opens the feed's region and says where its orders are.
pub async fn open(store: &Store, feed: &Feed) -> Stored {
    let stored = store.open_region(&feed.region).await.unwrap();
    store.serve_region(&feed.region, feed.shelf());
    stored
}

/// Applies the next entries.
pub async fn apply(store: &Store, feed: &mut Feed, entries: usize) -> StoreBatch {
    let batch = feed.next(entries);
    store.apply(&batch).await.unwrap();
    batch
}

/// What is stored is what was taken in, to the last counter, and what the orders alone say.
pub fn check(stored: &Stored, feed: &Feed) {
    assert_eq!(stored.cursor, feed.cursor);
    assert_eq!(stored.figures, feed.figures);
    assert_eq!(stored.figures, feed.recounted());
}
