//! How far the centre is behind, in entries, bytes and seconds: counted from what the log has and the centre has said, so
//! that it goes on growing while the line is down. Pure; never here: the line.

use std::collections::VecDeque;

use crate::domain::time::{Millis, Timestamp};
use crate::limits::{LAG_SAMPLE_MIN, LAG_SAMPLES_MAX};

/// Entries up to `through` that came after the sample before.
#[derive(Debug, Clone, Copy)]
struct Sample {
    through: u64,
    /// Bytes of the log up to there, counted since the start.
    written: u64,
    /// When the first of them was there.
    since: Timestamp,
}

/// When entries came that the centre may not have. Coarser the longer the line is down, but never shorter.
#[derive(Debug)]
pub(super) struct Lag {
    /// The centre has at least this; what it had at the start, or was forgotten since.
    base: (u64, u64),
    samples: VecDeque<Sample>,
    /// Entries within this count as having come together; doubles whenever there would be too many samples.
    grain: Millis,
}

/// The log as it is now.
#[derive(Debug, Clone, Copy)]
pub(super) struct Head {
    /// Last durable sequence.
    pub(super) sequence: u64,
    /// Bytes written since the start.
    pub(super) written: u64,
    /// Bytes of an entry, roughly; for entries from before the start.
    pub(super) entry_bytes: u64,
    /// Now.
    pub(super) at: Timestamp,
}

/// How far the centre is behind.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Behind {
    pub(super) entries: u64,
    pub(super) bytes: u64,
    pub(super) seconds: f64,
    /// When the oldest entry came that the centre has not.
    pub(super) since: Option<Timestamp>,
}

impl Lag {
    /// The centre had `acknowledged` when it was last heard of, and something has waited since `since`.
    pub(super) fn new(acknowledged: u64, since: Option<Timestamp>, head: Head) -> Self {
        let mut lag =
            Self { base: (acknowledged.min(head.sequence), 0), samples: VecDeque::new(), grain: LAG_SAMPLE_MIN };
        if head.sequence > acknowledged {
            let since = since.unwrap_or(head.at).min(head.at);
            lag.samples.push_back(Sample { through: head.sequence, written: 0, since });
        }
        lag
    }

    /// Takes note of what is there and what the centre has.
    pub(super) fn note(&mut self, head: Head, acknowledged: u64) {
        let last = self.samples.back().copied();
        if head.sequence > last.map_or(self.base.0, |last| last.through) {
            match self.samples.back_mut() {
                Some(last) if head.at.0 - last.since.0 < self.grain.0 => {
                    (last.through, last.written) = (head.sequence, head.written);
                }
                _ => self.samples.push_back(Sample { through: head.sequence, written: head.written, since: head.at }),
            }
        }
        if self.samples.len() > LAG_SAMPLES_MAX {
            self.thin_out();
        }
        while let Some(first) = self.samples.front().filter(|first| first.through <= acknowledged) {
            self.base = (first.through, first.written);
            self.samples.pop_front();
        }
        if self.samples.is_empty() {
            self.grain = LAG_SAMPLE_MIN;
        }
        if acknowledged < self.base.0 {
            // The centre was restored from an older copy: what it lost waits from now on.
            let (through, written) = self.base;
            self.samples.push_front(Sample { through, written, since: head.at });
            self.base = (acknowledged, 0);
        }
    }

    /// Two neighbours become one, which keeps the earlier time.
    fn thin_out(&mut self) {
        self.grain = Millis(self.grain.0.saturating_mul(2));
        let samples: Vec<Sample> = self.samples.drain(..).collect();
        for pair in samples.chunks(2) {
            let (Some(first), Some(last)) = (pair.first(), pair.last()) else { continue };
            self.samples.push_back(Sample { since: first.since, ..*last });
        }
    }

    /// How far behind `acknowledged` is.
    pub(super) fn behind(&self, head: Head, acknowledged: u64) -> Behind {
        let entries = head.sequence.saturating_sub(acknowledged);
        if entries == 0 {
            return Behind::default();
        }
        let since = self.samples.iter().find(|sample| sample.through > acknowledged).map(|sample| sample.since);
        let since = since.unwrap_or(head.at);
        let millis = head.at.0.saturating_sub(since.0).max(0);
        #[expect(clippy::cast_precision_loss, reason = "a time that people read")]
        let seconds = millis as f64 / 1000.0;
        Behind { entries, bytes: self.bytes_after(head, acknowledged), seconds, since: Some(since) }
    }

    fn bytes_after(&self, head: Head, acknowledged: u64) -> u64 {
        let (mut through, mut written) = self.base;
        for sample in &self.samples {
            if sample.through > acknowledged {
                break;
            }
            (through, written) = (sample.through, sample.written);
        }
        let whole = head.sequence.saturating_sub(through);
        let bytes = head.written.saturating_sub(written);
        if written == 0 && through < head.sequence {
            // Some of it is from before the start, when nobody counted.
            let counted = bytes / head.entry_bytes.max(1);
            let uncounted = head.sequence.saturating_sub(acknowledged).saturating_sub(counted);
            return bytes.saturating_add(uncounted.saturating_mul(head.entry_bytes));
        }
        let part =
            u128::from(bytes) * u128::from(head.sequence.saturating_sub(acknowledged)) / u128::from(whole.max(1));
        u64::try_from(part).unwrap_or(u64::MAX)
    }
}

const _: () = assert!(LAG_SAMPLE_MIN.0 > 0);

#[cfg(test)]
mod tests {
    use super::*;

    fn head(sequence: u64, seconds: i64) -> Head {
        Head { sequence, written: sequence * 100, entry_bytes: 100, at: Timestamp(seconds * 1_000) }
    }

    fn begun(acknowledged: u64, sequence: u64) -> Lag {
        Lag::new(acknowledged, None, Head { written: 0, ..head(sequence, 0) })
    }

    #[test]
    fn lag_grows_with_time_though_nothing_happens_and_ends_with_the_acknowledgement() {
        let mut lag = begun(0, 0);
        assert_eq!(lag.behind(head(0, 5), 0), Behind::default());
        lag.note(head(10, 10), 0);
        lag.note(head(30, 20), 0);
        let behind = lag.behind(head(30, 100), 0);
        assert_eq!((behind.entries, behind.bytes, behind.since), (30, 3_000, Some(Timestamp(10_000))));
        assert!((behind.seconds - 90.0).abs() < 1e-9);
        lag.note(head(30, 100), 10);
        assert!((lag.behind(head(30, 100), 10).seconds - 80.0).abs() < 1e-9, "the oldest that waits is a later one");
        assert_eq!(lag.behind(head(30, 100), 20).bytes, 1_000, "half of the second sample");
        lag.note(head(30, 100), 30);
        assert_eq!(lag.behind(head(30, 100), 30), Behind::default());
        assert!(lag.samples.is_empty());
    }

    #[test]
    fn memory_is_bounded_and_the_oldest_is_never_forgotten() {
        let mut lag = begun(0, 0);
        for step in 1..100_000 {
            lag.note(head(u64::try_from(step).unwrap(), step), 0);
        }
        assert!(lag.samples.len() <= LAG_SAMPLES_MAX);
        let behind = lag.behind(head(99_999, 100_001), 0);
        assert_eq!((behind.entries, behind.seconds), (99_999, 100_000.0));
        let half = lag.behind(head(99_999, 100_001), 50_000);
        assert!((40_000.0..60_000.0).contains(&half.seconds), "{half:?}");
    }

    #[test]
    fn what_waited_before_the_start_goes_on_waiting() {
        let start = Head { written: 0, ..head(500, 1_000) };
        let mut lag = Lag::new(400, Some(Timestamp(100_000)), start);
        let behind = lag.behind(start, 400);
        assert_eq!((behind.entries, behind.bytes, behind.seconds), (100, 10_000, 900.0));
        let later = Head { written: 2_000, ..head(520, 1_010) };
        lag.note(later, 400);
        assert_eq!(lag.behind(later, 400).bytes, 12_000);
        lag.note(later, 500);
        assert_eq!((lag.behind(later, 500).bytes, lag.behind(later, 500).seconds), (2_000, 0.0));
    }

    #[test]
    fn a_centre_that_lost_something_is_behind_again() {
        let mut lag = begun(0, 0);
        lag.note(head(50, 10), 0);
        lag.note(head(50, 10), 50);
        lag.note(head(50, 60), 20);
        let behind = lag.behind(head(50, 70), 20);
        assert_eq!((behind.entries, behind.seconds), (30, 10.0));
        assert!((2_000..=5_000).contains(&behind.bytes), "{behind:?}");
        lag.note(head(50, 70), 50);
        assert_eq!(lag.behind(head(50, 70), 50), Behind::default());
    }
}
