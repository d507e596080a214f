//! The sender's snapshots: offered, and shipped piece by piece where groups leave room. While the centre is being seeded
//! there are no groups, and the pieces get the whole window.

use std::time::Duration;

use bytes::Bytes;

use super::{Answer, Pace, Phase, Sender};
use crate::end::End;
use crate::frame::{ByeReason, Message};
use crate::limits;
use crate::point::{Point, SnapshotInfo};
use crate::seam::{Source, SourceError};

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Stage {
    /// The offer has not been sent.
    Fresh,
    /// The centre has to say whether it wants it.
    Offered,
    /// Pieces go.
    Pieces,
    /// The whole file has gone; the centre has to say that it is in place.
    Ended,
}

/// One snapshot on its way.
#[derive(Debug)]
pub(super) struct Shipment {
    info: SnapshotInfo,
    stage: Stage,
    sent: u64,
    taken: u64,
    sent_at: Duration,
    pace: Pace,
}

impl Shipment {
    fn new(info: SnapshotInfo) -> Self {
        let pace = Pace::new(limits::BATCH_BYTES_FIRST, limits::BATCH_BYTES_MIN, limits::PIECE_BYTES_MAX);
        Self { info, stage: Stage::Fresh, sent: 0, taken: 0, sent_at: Duration::ZERO, pace }
    }

    /// Whether the centre has to answer.
    pub(super) fn waits(&self) -> bool {
        matches!(self.stage, Stage::Offered | Stage::Ended) || self.taken < self.sent
    }
}

impl<S: Source> Sender<S> {
    /// The centre can't go on from what it has and wants a snapshot first.
    pub(super) fn begin_seed(&mut self) -> Result<(), End> {
        let Some(info) = self.source.seed()? else {
            let text = "the centre needs a snapshot first and this region has none yet".to_owned();
            return Err(End::Left(ByeReason::Busy, text));
        };
        self.offered = Some(info);
        self.shipment = Some(Shipment::new(info));
        Ok(())
    }

    /// Offers a snapshot that the centre hasn't been offered over this connection.
    pub(super) fn look_for_snapshot(&mut self) {
        if self.shipment.is_some() {
            return;
        }
        match self.source.snapshot() {
            Ok(Some(info)) if self.offered != Some(info) => {
                self.offered = Some(info);
                self.shipment = Some(Shipment::new(info));
            }
            Ok(_) => {}
            Err(error) => tracing::warn!(%error, "can't look for a snapshot to ship"),
        }
    }

    pub(super) fn shipment_is_ready(&self) -> bool {
        let Some(shipment) = &self.shipment else { return false };
        match shipment.stage {
            Stage::Fresh => true,
            Stage::Offered | Stage::Ended => false,
            Stage::Pieces => {
                let under_way = usize::try_from(shipment.sent.saturating_sub(shipment.taken)).unwrap_or(usize::MAX);
                let room = self.sent_bytes.saturating_add(under_way).saturating_add(shipment.pace.bytes());
                let seeding = matches!(self.phase, Phase::Seeding);
                under_way == 0 || (seeding && room <= self.window)
            }
        }
    }

    /// The offer, a piece or the end.
    pub(super) fn next_of_shipment(&mut self, now: Duration) -> Result<Option<Bytes>, End> {
        let seeding = matches!(self.phase, Phase::Seeding);
        let Some(shipment) = &mut self.shipment else { return Ok(None) };
        if !shipment.waits() {
            self.moved_at = now;
        }
        if shipment.stage == Stage::Fresh {
            shipment.stage = Stage::Offered;
            return Ok(Some(Message::SnapshotOffer(shipment.info).encode()));
        }
        let at = shipment.info.at.sequence;
        if shipment.sent >= shipment.info.bytes {
            shipment.stage = Stage::Ended;
            return Ok(Some(Message::SnapshotEnd { at }.encode()));
        }
        let left = usize::try_from(shipment.info.bytes - shipment.sent).unwrap_or(usize::MAX);
        let max = shipment.pace.bytes().min(left);
        let mut bytes = Vec::with_capacity(max);
        let mut read = self.source.read_snapshot(&shipment.info, shipment.sent, max, &mut bytes);
        if read.is_ok() && (bytes.is_empty() || bytes.len() > max) {
            read = Err(SourceError(format!("the snapshot at {at} is not as long as it was")));
        }
        match read {
            Ok(()) => {}
            Err(error) if seeding => return Err(error.into()),
            Err(error) => {
                // A newer snapshot may have taken its place.
                tracing::info!(%error, at, "a snapshot is no longer shipped");
                self.shipment = None;
                self.offered = None;
                return Ok(None);
            }
        }
        let offset = shipment.sent;
        shipment.sent += bytes.len() as u64;
        shipment.sent_at = now;
        Ok(Some(Message::SnapshotPiece { at, offset, bytes: bytes.into() }.encode()))
    }

    pub(super) fn snapshot_answered(&mut self, at: u64, wanted: bool, now: Duration) -> Result<(), End> {
        self.moved_at = now;
        let seeding = matches!(self.phase, Phase::Seeding);
        let Some(shipment) = self.shipment.as_mut().filter(|shipment| shipment.info.at.sequence == at) else {
            return Ok(());
        };
        match (wanted, shipment.stage) {
            (true, Stage::Offered) => shipment.stage = Stage::Pieces,
            (true, _) => {}
            (false, _) if seeding => {
                return Err(End::Protocol("the centre asked for a snapshot and then didn't want it".to_owned()));
            }
            (false, _) => self.shipment = None,
        }
        Ok(())
    }

    pub(super) fn snapshot_taken(&mut self, at: u64, offset: u64, now: Duration) -> Result<(), End> {
        let Some(shipment) = self.shipment.as_mut().filter(|shipment| shipment.info.at.sequence == at) else {
            return Ok(());
        };
        if offset > shipment.sent {
            return Err(End::Protocol(format!(
                "the centre took {offset} bytes of a snapshot, sent were {}",
                shipment.sent
            )));
        }
        if offset > shipment.taken {
            shipment.taken = offset;
            shipment.pace.answered(now.saturating_sub(shipment.sent_at));
            self.moved_at = now;
        }
        Ok(())
    }

    /// The seed is in place: the log goes on after it.
    pub(super) fn seeded(&mut self, point: Point, now: Duration) -> Result<(), End> {
        let expected = self.shipment.as_ref().filter(|shipment| shipment.stage == Stage::Ended).map(|s| s.info.at);
        if expected != Some(point) {
            return Err(End::Protocol(format!("the centre acknowledged {point:?} instead of its seed")));
        }
        self.shipment = None;
        self.phase = Phase::Answered(Answer::Continue { from: point, epoch: self.identity.epoch });
        self.moved_at = now;
        Ok(())
    }
}
