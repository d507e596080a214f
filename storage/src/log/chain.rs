//! Whether a position that somebody holds is one of a log's chain: one question, one answer for everybody who asks it.

use std::path::Path;
use std::sync::Arc;

use crate::fs::FileSystem;
use crate::{Position, Sequence};

use super::error::ReadError;
use super::reader::LogReader;

/// Where a position lies, seen from a log.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Place {
    /// A group of the log ends there, with this hash.
    OnChain,
    /// None does: it is of another history, or not reached yet.
    Elsewhere,
    /// It lies before what the log has kept: nothing can be said.
    Trimmed,
}

/// Where `at` lies, seen from a log that has committed everything up to `committed`. Reads one segment up to there at most.
/// Damage is never taken for another history: a hash that fits is proof enough, and before one that doesn't is believed,
/// the group is read whole.
pub fn place_of(fs: &Arc<dyn FileSystem>, dir: &Path, at: Position, committed: Sequence) -> Result<Place, ReadError> {
    if at.sequence > committed {
        return Ok(Place::Elsewhere);
    }
    match looked_up(fs, dir, at, committed) {
        Err(ReadError::Trimmed { .. }) => Ok(Place::Trimmed),
        found => found,
    }
}

fn looked_up(fs: &Arc<dyn FileSystem>, dir: &Path, at: Position, committed: Sequence) -> Result<Place, ReadError> {
    let mut reader = LogReader::open(Arc::clone(fs), dir, at.sequence)?;
    if reader.position() == Some(at) {
        return Ok(Place::OnChain);
    }
    reader.verify(committed)?;
    // Read again where it had changed under the reader's hands.
    Ok(if reader.position() == Some(at) { Place::OnChain } else { Place::Elsewhere })
}
