//! Opening a log for writing, and reading one without changing it.

use std::path::Path;
use std::sync::Arc;

use crate::fs::FileSystem;
use crate::{Epoch, Sequence};

use super::error::{BoxError, OpenError};
use super::frame::Group;
use super::options::{LogOptions, OpenFrom, Recovery};
use super::recover::{self, Active};
use super::scan::{io_error, scan_log};
use super::segment::{SegmentFile, list_segments, open_segment};
use super::spare_files::clean_up;
use super::spares::{Spares, Wanted};
use super::{Log, Position};

/// Size of the segment after one of `bytes`.
pub(crate) fn next_bytes(options: &LogOptions, bytes: u64) -> u64 {
    bytes.saturating_mul(2).clamp(options.segment_bytes_first, options.segment_bytes_max)
}

impl Log {
    /// Opens the log, recovers it, and hands every group after `from.after` to `replay`, in order.
    ///
    /// Scans only from the segment that holds `from.after` on. A torn tail is cut off and reported in
    /// [`Recovery`]; damage that is proven to have been durable is [`OpenError::Rot`]. When this
    /// returns, everything it replayed is synced. It may be killed at any point.
    pub fn open(
        fs: Arc<dyn FileSystem>,
        dir: &Path,
        epoch: Epoch,
        from: OpenFrom,
        options: LogOptions,
        mut replay: impl FnMut(&Group<'_>) -> Result<(), BoxError>,
    ) -> Result<(Self, Recovery), OpenError> {
        let found = scan_log(&*fs, dir, Some(epoch), from, &mut replay)?;
        let (active, segments, recovery) = match found {
            Some(found) => {
                clean_up(&*fs, dir, found.recovery.after_io_error).map_err(io_error(dir, "removing leftovers"))?;
                let active = recover::recover(&*fs, dir, epoch, &found)?;
                let rewritten = found.unproven.len();
                let recovery = Recovery { rewritten: crate::bytes::wide(rewritten), ..found.recovery };
                (active, found.segments, recovery)
            }
            None if options.create => {
                let active = recover::create(&*fs, dir, epoch, from.after, options.segment_bytes_first)?;
                let first = from.after.sequence.next();
                let recovery = Recovery { last: from.after, first, proven: from.after.sequence, ..Recovery::default() };
                (active, Vec::new(), recovery)
            }
            None => return Err(OpenError::Missing { dir: dir.to_owned() }),
        };
        let segments = with_active(segments, &active);
        let wanted =
            Wanted { next_bytes: next_bytes(&options, active.header.bytes), reserve_bytes: options.reserve_bytes };
        let spares = Spares::open(&fs, dir, wanted, options.preparation)
            .map_err(io_error(dir, "preparing spare log segments"))?;
        let (last, last_epoch) = (recovery.last, recovery.last_epoch);
        let scratch = Vec::new();
        let dir = dir.to_owned();
        Ok((
            Self {
                fs,
                dir,
                epoch,
                options,
                segments,
                active,
                last,
                last_epoch,
                spares,
                promised: 0,
                scratch,
                poisoned: None,
            },
            recovery,
        ))
    }
}

/// The list of segments with the active one at its end, once.
fn with_active(mut segments: Vec<SegmentFile>, active: &Active) -> Vec<SegmentFile> {
    segments.retain(|segment| segment.path != active.path);
    segments.push(recover::as_file(active));
    segments
}

/// Reads and checks a log without changing anything: what [`Log::open`] would replay and find, for
/// `verify`. `epoch: None` accepts any that never falls. Counts what is proven and what is a torn tail.
pub fn scan(
    fs: &Arc<dyn FileSystem>,
    dir: &Path,
    epoch: Option<Epoch>,
    from: OpenFrom,
    mut visit: impl FnMut(&Group<'_>) -> Result<(), BoxError>,
) -> Result<Recovery, OpenError> {
    match scan_log(&**fs, dir, epoch, from, &mut visit)? {
        Some(found) => Ok(found.recovery),
        None => Err(OpenError::Missing { dir: dir.to_owned() }),
    }
}

/// Checks the whole chain of a log, from its first retained segment on, changing nothing.
/// `proven` as in [`OpenFrom`].
pub fn verify_chain(fs: &Arc<dyn FileSystem>, dir: &Path, proven: Sequence) -> Result<Recovery, OpenError> {
    let after = begin(fs, dir)?;
    scan(fs, dir, None, OpenFrom { after, proven }, |_| Ok(()))
}

/// The position before the first retained segment: from there a [`scan`] sees all there is. An unreadable header is the
/// scan's to report.
pub fn begin(fs: &Arc<dyn FileSystem>, dir: &Path) -> Result<Position, OpenError> {
    let fs = &**fs;
    let segments = list_segments(fs, dir).map_err(io_error(dir, "listing the log's segments"))?;
    let Some(oldest) = segments.first() else { return Ok(Position::ORIGIN) };
    let (_, header) = open_segment(fs, &oldest.path, crate::fs::OpenMode::Read)
        .map_err(io_error(&oldest.path, "reading a log segment"))?;
    Ok(header.map_or(Position { sequence: oldest.first.previous(), ..Position::ORIGIN }, |header| header.after))
}
