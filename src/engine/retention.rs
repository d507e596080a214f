//! What of a log and its snapshots is kept, and how far the log may be trimmed (decision 5). Pure: what is known comes in as
//! values. Never here: files, or a question that waits.
//!
//! The log is only ever trimmed to a *base*: a snapshot with which everything that is left of it can be replayed.

use qucan_storage::Sequence;

use crate::domain::time::{BusinessDay, Timestamp, utc_day};
use crate::limits::{BASES_IN_LOG, BASES_IN_RETENTION, LOG_TRIMMED_AT};

/// How much is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// Bytes of the log's segments, whatever else would be kept.
    pub log_bytes: u64,
    /// Business days for which closed orders are answered, the newest included.
    pub days: u16,
}

impl Retention {
    /// Business days between two snapshots that are kept for their day.
    fn days_apart(self) -> u16 {
        (self.days / BASES_IN_RETENTION).max(1)
    }

    /// Log bytes between two snapshots that are kept for the room between them.
    fn bytes_apart(self) -> u64 {
        self.log_bytes / BASES_IN_LOG
    }

    /// Log bytes after which a snapshot is taken, however few entries that is: so that there is always one to trim to.
    pub(super) fn snapshot_every_bytes(self) -> u64 {
        (self.bytes_apart() / 2).max(1)
    }

    /// Log bytes from which on older entries go, although somebody might still want them.
    fn trimmed_at(self) -> u64 {
        let (part, of) = LOG_TRIMMED_AT;
        self.log_bytes / of * part
    }

    /// The oldest business day of which an order may still be answered at `now`, by the clock alone.
    pub(super) fn oldest_day(self, now: Timestamp) -> BusinessDay {
        // As the projection counts: a store's day begins up to a day after that of UTC.
        BusinessDay(utc_day(now).0.saturating_sub(self.days.max(1)).saturating_sub(1))
    }
}

/// A snapshot that a log may be trimmed to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Base {
    /// The last entry that is in it.
    pub(super) at: Sequence,
    /// The time of that entry: whatever follows is not older.
    pub(super) time: Timestamp,
}

/// A log's segments: the first sequence of each, and its bytes, oldest first.
pub(super) type Segments<'a> = &'a [(Sequence, u64)];

/// Bytes that are left of a log that is trimmed to `base`.
fn bytes_after(segments: Segments<'_>, base: Sequence) -> u64 {
    let begins = segments.iter().rposition(|(first, _)| *first <= base.next()).unwrap_or(0);
    segments.iter().skip(begins).map(|(_, bytes)| bytes).sum()
}

/// What is known when it is decided how far a log is trimmed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Look<'a> {
    pub(super) retention: Retention,
    /// Snapshots that can be read, oldest first.
    pub(super) bases: &'a [Base],
    pub(super) segments: Segments<'a>,
    /// The present base; none while the log is whole.
    pub(super) base: Sequence,
    /// What happened from here on is still asked for; `None` while that is not known.
    pub(super) asked_from: Option<Timestamp>,
    /// What comes after this is still needed by somebody who follows the log. Room comes first.
    pub(super) needed_after: Sequence,
    /// The same, where nothing comes first.
    pub(super) held_after: Sequence,
}

/// Why a log is trimmed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Why {
    /// Nobody needs what goes.
    Past,
    /// There are too many bytes.
    Bytes,
}

impl Why {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Past => "past",
            Self::Bytes => "bytes",
        }
    }
}

impl Look<'_> {
    /// The base to trim to, where that frees anything.
    pub(super) fn decide(&self) -> Option<(Base, Why)> {
        let later = || self.bases.iter().copied().filter(|base| base.at > self.base && base.at <= self.held_after);
        let is_past = |base: &Base| self.asked_from.is_some_and(|from| base.time <= from) && self.is_unneeded(base);
        let past = later().rfind(is_past);
        let reached = past.map_or(self.base, |base| base.at);
        if self.fits(reached) {
            return past.filter(|base| self.frees(base)).map(|base| (base, Why::Past));
        }
        // With the least that goes; and what somebody follows rather later than not at all.
        let over = || later().filter(|base| base.at > reached);
        let fitting = over().find(|base| self.is_unneeded(base) && self.fits(base.at));
        let fitting = fitting.or_else(|| over().find(|base| self.fits(base.at))).or_else(|| over().next_back());
        let forced = fitting.filter(|base| self.frees(base)).map(|base| (base, Why::Bytes));
        forced.or_else(|| past.filter(|base| self.frees(base)).map(|base| (base, Why::Past)))
    }

    fn is_unneeded(&self, base: &Base) -> bool {
        base.at <= self.needed_after
    }

    fn fits(&self, base: Sequence) -> bool {
        bytes_after(self.segments, base) <= self.retention.trimmed_at()
    }

    fn frees(&self, base: &Base) -> bool {
        bytes_after(self.segments, base.at) < bytes_after(self.segments, self.base)
    }

    /// The snapshots that are kept besides the newest: the base, and those from which a later one is chosen. Their number
    /// is bounded, however long nothing can be trimmed.
    pub(super) fn kept(&self) -> Vec<Sequence> {
        let mut kept = vec![self.base];
        let mut last: Option<Base> = None;
        for base in self.bases.iter().filter(|base| base.at >= self.base) {
            let is_apart = last.is_none_or(|last| {
                let days = utc_day(base.time).0.saturating_sub(utc_day(last.time).0);
                let bytes = bytes_after(self.segments, last.at).saturating_sub(bytes_after(self.segments, base.at));
                days >= self.retention.days_apart() || bytes >= self.retention.bytes_apart()
            });
            if is_apart {
                kept.push(base.at);
                last = Some(*base);
            }
        }
        kept.dedup();
        let most = usize::from(self.retention.days / self.retention.days_apart()) + BASES_BESIDE;
        // The base stays, and the newest ones: those in between only while there are few.
        let needless = kept.len().saturating_sub(most);
        kept.drain(1..1 + needless);
        kept
    }
}

/// Snapshots kept for the room between them, and those of days that are almost past.
#[expect(clippy::cast_possible_truncation, reason = "a handful")]
const BASES_BESIDE: usize = BASES_IN_LOG as usize + 4;

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: i64 = 86_400_000;
    /// 1 January 2020 in UTC, with which business days begin.
    const BEGIN: i64 = 1_577_836_800_000;

    fn at(day: i64) -> Timestamp {
        Timestamp(BEGIN + day * DAY)
    }

    const RETENTION: Retention = Retention { log_bytes: 800, days: 7 };

    /// One a day, 100 entries apart, each at its day's turn.
    fn days(count: u64) -> Vec<Base> {
        let base = |day: u64| Base { at: Sequence(day * 100), time: at(i64::try_from(day).unwrap()) };
        (1..=count).map(base).collect()
    }

    /// Segments of ten entries and `bytes` bytes.
    fn segments(entries: u64, bytes: u64) -> Vec<(Sequence, u64)> {
        (0..entries / 10).map(|number| (Sequence(number * 10 + 1), bytes)).collect()
    }

    fn look<'a>(bases: &'a [Base], segments: Segments<'a>) -> Look<'a> {
        Look {
            retention: RETENTION,
            bases,
            segments,
            base: Sequence::NONE,
            asked_from: Some(Timestamp(i64::MIN)),
            needed_after: Sequence(u64::MAX),
            held_after: Sequence(u64::MAX),
        }
    }

    fn to(decision: Option<(Base, Why)>) -> Option<(u64, Why)> {
        decision.map(|(base, why)| (base.at.0, why))
    }

    #[test]
    fn nothing_goes_that_is_asked_for_or_that_somebody_follows() {
        let (bases, segments) = (days(10), segments(1_000, 1));
        let look = look(&bases, &segments);
        assert_eq!(to(look.decide()), None, "everything is asked for");
        assert_eq!(to(Look { asked_from: None, ..look }.decide()), None, "nobody knows what is asked for");
        let asked = Look { asked_from: Some(Timestamp(at(4).0 + 5)), ..look };
        assert_eq!(to(asked.decide()), Some((400, Why::Past)));
        assert_eq!(to(Look { needed_after: Sequence(399), ..asked }.decide()), Some((300, Why::Past)));
        assert_eq!(to(Look { needed_after: Sequence::NONE, ..asked }.decide()), None, "the centre has nothing");
        assert_eq!(to(Look { held_after: Sequence(250), ..asked }.decide()), Some((200, Why::Past)));
        assert_eq!(to(Look { base: Sequence(400), ..asked }.decide()), None, "it is there already");
        assert_eq!(to(Look { asked_from: Some(Timestamp(at(4).0 - 1)), ..look }.decide()), Some((300, Why::Past)));
    }

    #[test]
    fn a_base_that_frees_no_segment_is_not_moved_to() {
        let bases = [Base { at: Sequence(5), time: Timestamp(0) }, Base { at: Sequence(9), time: Timestamp(0) }];
        let segments = segments(100, 1);
        let asked = Look { asked_from: Some(Timestamp(1)), ..look(&bases, &segments) };
        assert_eq!(to(asked.decide()), None);
        let bases = [Base { at: Sequence(10), time: Timestamp(0) }];
        assert_eq!(to(Look { bases: &bases, ..asked }.decide()), Some((10, Why::Past)));
    }

    #[test]
    fn the_bytes_come_first_and_cost_as_little_as_they_can() {
        let (bases, segments) = (days(10), segments(1_000, 10));
        // 1,000 bytes; from 600 on older ones go: 600 are left after entry 400.
        let away = Look { needed_after: Sequence::NONE, ..look(&bases, &segments) };
        assert_eq!(
            to(away.decide()),
            Some((400, Why::Bytes)),
            "although everything is asked for and the centre is away"
        );
        let caught_up = Look { needed_after: Sequence(700), ..away };
        assert_eq!(to(caught_up.decide()), Some((400, Why::Bytes)));
        let asked = Look { asked_from: Some(at(5)), needed_after: Sequence(u64::MAX), ..away };
        assert_eq!(to(asked.decide()), Some((500, Why::Past)), "what is past is enough");
        assert_eq!(
            to(Look { held_after: Sequence(399), ..away }.decide()),
            Some((300, Why::Bytes)),
            "as far as it goes"
        );
        assert_eq!(to(Look { held_after: Sequence::NONE, ..away }.decide()), None);
        let few = [Base { at: Sequence(50), time: Timestamp(0) }];
        assert_eq!(to(Look { bases: &few, ..away }.decide()), Some((50, Why::Bytes)), "the best there is");
    }

    #[test]
    fn a_snapshot_a_day_is_kept_and_one_for_every_so_many_bytes() {
        let (bases, few) = (days(10), segments(1_000, 1));
        assert_eq!(look(&bases, &few).kept().len(), 11);
        let based = Look { base: Sequence(300), ..look(&bases, &few) };
        assert_eq!(based.kept(), [300, 400, 500, 600, 700, 800, 900, 1_000].map(Sequence));
        // All of one day, 100 bytes apart; a quarter of 800 is wanted between two.
        let one_day: Vec<Base> = bases.iter().map(|base| Base { time: Timestamp(0), ..*base }).collect();
        let many = segments(1_000, 10);
        assert_eq!(look(&one_day, &many).kept(), [0, 100, 300, 500, 700, 900].map(Sequence));
        assert_eq!(look(&one_day, &few).kept(), [0, 100].map(Sequence));
    }

    #[test]
    fn however_long_nothing_goes_the_snapshots_are_few_and_the_next_base_is_among_them() {
        for days_kept in [2, 7, 60, 400] {
            let (bases, segments) = (days(1_000), segments(100_000, 1));
            let retention = Retention { log_bytes: u64::MAX, days: days_kept };
            let look = Look { retention, ..look(&bases, &segments) };
            let kept = look.kept();
            assert!(kept.len() <= 24, "{days_kept}: {}", kept.len());
            assert_eq!(kept[0], Sequence::NONE);
            let asked_from = at(1_000 - i64::from(days_kept));
            let left: Vec<Base> = bases.iter().copied().filter(|base| kept.contains(&base.at)).collect();
            let asked = Look { bases: &left, asked_from: Some(asked_from), ..look };
            let (base, _) = asked.decide().unwrap();
            let late = (asked_from.0 - base.time.0) / DAY;
            assert!(
                (0..=i64::from(days_kept / 4).max(1)).contains(&late),
                "{days_kept}: {late} days more than asked for"
            );
        }
    }
}
