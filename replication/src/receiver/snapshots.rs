//! The receiver's snapshots: asked for or not, taken piece by piece in order. One that can't be kept never disturbs the
//! groups, unless the region has to be seeded with it.

use crate::end::End;
use crate::frame::Message;
use crate::point::SnapshotInfo;
use crate::receiver::{Phase, Receiver};
use crate::seam::{Sink, SinkError};

/// A snapshot that is arriving.
#[derive(Debug)]
pub(super) struct Arrival {
    info: SnapshotInfo,
    offset: u64,
}

impl<K: Sink> Receiver<K> {
    pub(super) fn offered(&mut self, info: SnapshotInfo) -> Result<(), End> {
        if self.arrival.as_ref().is_some_and(|arrival| arrival.info == info) {
            return Ok(());
        }
        let wanted = matches!(self.phase, Phase::Seeding) || self.sink.snapshot_wanted(&info);
        self.arrival = wanted.then_some(Arrival { info, offset: 0 });
        self.say(&Message::SnapshotAnswer { at: info.at.sequence, wanted });
        Ok(())
    }

    pub(super) fn piece(&mut self, at: u64, offset: u64, bytes: &[u8]) -> Result<(), End> {
        let Some(arrival) = self.arrival.as_mut().filter(|arrival| arrival.info.at.sequence == at) else {
            return Ok(()); // of one that was given up
        };
        let end = offset.saturating_add(bytes.len() as u64);
        if end <= arrival.offset && !bytes.is_empty() {
            return Ok(()); // twice
        }
        if offset != arrival.offset || end > arrival.info.bytes || bytes.is_empty() {
            return Err(self.leave("a piece of a snapshot came out of order".to_owned()));
        }
        if let Err(error) = self.sink.snapshot_bytes(&arrival.info, offset, bytes) {
            return self.not_kept(at, error);
        }
        arrival.offset = end;
        self.say(&Message::SnapshotTaken { at, offset: end });
        Ok(())
    }

    pub(super) fn ended(&mut self, at: u64) -> Result<(), End> {
        let Some(arrival) = self.arrival.take_if(|arrival| arrival.info.at.sequence == at) else { return Ok(()) };
        if arrival.offset != arrival.info.bytes {
            return Err(self.leave("a snapshot ended before its end".to_owned()));
        }
        let end = match self.sink.snapshot_end(&arrival.info) {
            Ok(end) => end,
            Err(error) => return self.not_kept(at, error),
        };
        if matches!(self.phase, Phase::Seeding) {
            if end != arrival.info.at {
                return Err(self.leave(format!("the log begins at {end:?} after a seed at {:?}", arrival.info.at)));
            }
            self.phase = Phase::Open;
            (self.position, self.arrived) = (end, end);
            self.say(&Message::Ack(end));
        } else {
            self.say(&Message::SnapshotAnswer { at, wanted: false });
        }
        Ok(())
    }

    fn not_kept(&mut self, at: u64, error: SinkError) -> Result<(), End> {
        if matches!(self.phase, Phase::Seeding) || matches!(error, SinkError::Fenced(_)) {
            return Err(self.sink_failed(error));
        }
        tracing::warn!(%error, at, "a snapshot could not be kept");
        self.arrival = None;
        self.say(&Message::SnapshotAnswer { at, wanted: false });
        Ok(())
    }
}
