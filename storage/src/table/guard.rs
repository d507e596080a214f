//! Calls into sled: no panic and no sled error type passes this file.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use super::TableError;

/// Runs `call`, turning sled's errors and panics into ours.
///
/// Unwind safety: after a panic the caller closes the tables for good, so nothing half-changed is seen.
pub(crate) fn guarded<T>(dir: &Path, call: impl FnOnce() -> Result<T, sled::Error>) -> Result<T, TableError> {
    match catch_unwind(AssertUnwindSafe(call)) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(from_sled(dir, error)),
        Err(panic) => Err(TableError::Panicked { dir: dir.to_owned(), what: message(&*panic) }),
    }
}

fn from_sled(dir: &Path, error: sled::Error) -> TableError {
    let dir = dir.to_owned();
    match error {
        // sled gives no kind for this one.
        sled::Error::Io(source) if source.to_string().contains("could not acquire lock") => TableError::InUse { dir },
        sled::Error::Io(source) => TableError::Io { path: dir, what: "the table store's own i/o", source },
        sled::Error::Unsupported(what) => TableError::Foreign { dir, what },
        sled::Error::Corruption { at, .. } => {
            TableError::Damaged { dir, what: format!("the table store found corruption at {at:?}") }
        }
        sled::Error::ReportableBug(what) => TableError::Damaged { dir, what },
        sled::Error::CollectionNotFound(_) => TableError::Damaged { dir, what: "a table is gone".to_owned() },
    }
}

fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "no message".to_owned())
}
