//! Who may ship a region's history (decision 20): epochs, positions, chains. Pure; what is known comes in as values.

use qucan_replication::{Fence, FenceReason, Hello, Point};
use qucan_storage::log::{AppendError, Group};
use qucan_storage::{Epoch, Position};

/// Where the centre stands with a region.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// The epoch granted last.
    pub granted: Epoch,
    /// The synced end of what has arrived.
    pub received: Position,
}

/// What a hello leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Ship what follows the centre's end, provided the region has that position in its chain.
    Continue,
    /// The centre has nothing and the region's log begins later: a snapshot first.
    Seed,
    /// The centre's log ends before the region's begins, in the same epoch: a snapshot takes its place.
    Outrun,
    /// The same in an epoch that the centre never granted: nothing shows that it is the same history.
    Gap,
    /// Never.
    Fence(Fence),
}

impl Standing {
    /// Its end as replication knows it.
    pub fn point(&self) -> Point {
        Point { sequence: self.received.sequence.0, hash: self.received.hash.0 }
    }

    /// Decides about a hello. The chain itself is compared by the region, which says so if it differs.
    pub fn judge(&self, hello: &Hello) -> Verdict {
        let (theirs, mine) = (hello.identity.epoch, self.granted.0);
        let end = self.received.sequence.0;
        if theirs < mine {
            return Verdict::Fence(self.superseded(theirs));
        }
        if hello.head < end {
            let detail = format!(
                "the centre has {end} entries of this region, the node {}: it is an old copy; restore it from the centre",
                hello.head
            );
            let reason = if theirs > mine { FenceReason::EpochNotGranted } else { FenceReason::BehindCentre };
            return Verdict::Fence(self.fence(reason, detail));
        }
        match hello.first > end.saturating_add(1) {
            true if end == 0 => Verdict::Seed,
            true if theirs == mine => Verdict::Outrun,
            true => Verdict::Gap,
            false => Verdict::Continue,
        }
    }

    /// The fence of a node whose epoch is over.
    pub fn superseded(&self, theirs: u32) -> Fence {
        let detail = format!(
            "epoch {theirs} is over: epoch {} was granted to a restored node; stop this one and keep its data aside",
            self.granted
        );
        self.fence(FenceReason::EpochSuperseded, detail)
    }

    /// The fence of a node whose chain differs from the centre's at `at`.
    pub fn diverged(&self, theirs: u32, at: u64) -> Fence {
        if theirs > self.granted.0 {
            let detail = format!(
                "epoch {theirs} was never granted here and its history differs from the centre's at entry {at}; restore it \
                 from the centre"
            );
            return self.fence(FenceReason::EpochNotGranted, detail);
        }
        let detail = format!(
            "the node's history differs from the centre's at entry {at}: it is another one; restore it from the centre, or \
             give it a region of its own"
        );
        self.fence(FenceReason::OtherHistory, detail)
    }

    fn fence(&self, reason: FenceReason, detail: String) -> Fence {
        Fence { reason, detail, epoch: self.granted.0 }
    }

    /// The groups of a batch that are new, checked to continue the centre's chain: from there on every group names its
    /// predecessor. Groups that lie before the end are passed over.
    pub fn fresh<'g>(&self, groups: &[Group<'g>], theirs: u32) -> Result<Vec<Group<'g>>, Refused> {
        let end = self.received.sequence;
        let fresh: Vec<Group<'g>> = groups.iter().filter(|group| group.last() > end).copied().collect();
        let Some(first) = fresh.first() else { return Ok(fresh) };
        if first.first() > end.next() {
            return Err(Refused::Malformed(format!("entries between {end} and {} are missing", first.first())));
        }
        if first.first() <= end || first.previous() != self.received.hash {
            return Err(Refused::Fenced(self.diverged(theirs, end.0)));
        }
        if let Some(later) = fresh.iter().find(|group| group.epoch().0 > theirs) {
            return Err(Refused::Malformed(format!(
                "a group of epoch {} from a node of epoch {theirs}",
                later.epoch()
            )));
        }
        Ok(fresh)
    }
}

/// Groups that are not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refused {
    /// They are of another history.
    Fenced(Fence),
    /// They are not what a healthy node sends.
    Malformed(String),
}

/// What an append's error means for the region.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AppendTrouble {
    /// It passes.
    Busy(String),
    /// The log takes nothing any more.
    Failed(String),
    /// The groups don't fit.
    Malformed(String),
}

impl From<AppendError> for AppendTrouble {
    fn from(error: AppendError) -> Self {
        let text = error.to_string();
        match error {
            AppendError::NoRoom { .. } => Self::Busy(text),
            AppendError::NotAppendable | AppendError::NotNext { .. } => Self::Malformed(text),
            _ => Self::Failed(text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use qucan_replication::Identity;
    use qucan_storage::{ChainHash, Sequence};

    fn standing(granted: u32, end: u64) -> Standing {
        Standing { granted: Epoch(granted), received: Position { sequence: Sequence(end), hash: ChainHash([7; 32]) } }
    }

    fn hello(epoch: u32, first: u64, head: u64) -> Hello {
        let identity = Identity { region: "east".to_owned(), epoch, instance: 1, announcement: Vec::new() };
        Hello { identity, head, first }
    }

    fn reason(verdict: &Verdict) -> Option<FenceReason> {
        match verdict {
            Verdict::Fence(fence) => Some(fence.reason),
            _ => None,
        }
    }

    #[test]
    fn epochs_and_positions_decide() {
        use FenceReason::{BehindCentre, EpochNotGranted, EpochSuperseded};
        // granted, centre's end, their epoch, first, head -> fence
        let table = [
            (1, 100, 1, 1, 100, None),
            (1, 100, 1, 1, 500, None),
            (1, 100, 1, 1, 99, Some(BehindCentre)),
            (2, 100, 1, 1, 500, Some(EpochSuperseded)),
            (2, 100, 2, 1, 100, None),
            (2, 100, 2, 1, 99, Some(BehindCentre)),
            (1, 100, 3, 1, 500, None),
            (1, 100, 3, 1, 99, Some(EpochNotGranted)),
            (1, 0, 3, 1, 500, None),
            (1, 0, 1, 1, 0, None),
        ];
        for (granted, end, epoch, first, head, expected) in table {
            let verdict = standing(granted, end).judge(&hello(epoch, first, head));
            assert_eq!(reason(&verdict), expected, "{granted} {end} {epoch} {first} {head}: {verdict:?}");
        }
    }

    #[test]
    fn a_log_that_begins_later_needs_a_snapshot_where_there_is_nothing_yet() {
        assert_eq!(standing(1, 0).judge(&hello(1, 41, 500)), Verdict::Seed);
        assert_eq!(standing(1, 40).judge(&hello(1, 41, 500)), Verdict::Continue);
    }

    #[test]
    fn a_copy_that_was_outrun_is_seeded_in_the_epoch_that_was_granted_and_in_no_other() {
        assert_eq!(standing(1, 39).judge(&hello(1, 41, 500)), Verdict::Outrun);
        assert_eq!(standing(3, 39).judge(&hello(3, 41, 500)), Verdict::Outrun);
        assert_eq!(standing(1, 39).judge(&hello(2, 41, 500)), Verdict::Gap);
        assert_eq!(reason(&standing(2, 39).judge(&hello(1, 41, 500))), Some(FenceReason::EpochSuperseded));
        assert_eq!(reason(&standing(1, 600).judge(&hello(1, 41, 500))), Some(FenceReason::BehindCentre));
    }

    #[test]
    fn another_chain_is_told_apart_from_an_epoch_nobody_granted() {
        assert_eq!(standing(1, 9).diverged(1, 9).reason, FenceReason::OtherHistory);
        assert_eq!(standing(1, 9).diverged(2, 9).reason, FenceReason::EpochNotGranted);
    }
}
