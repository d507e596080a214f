//! How fast the log is read into the projection, and when a person hears of it: a rebuild of a long day takes minutes, and
//! whoever waits for an old order wants to know how many. Never here: what is read.

use std::time::{Duration, Instant};

use parking_lot::Mutex;

use crate::engine::status::Rebuild;

/// Between two lines of the log about one rebuild.
const SAY_EVERY: Duration = Duration::from_secs(5);

/// Where reading began, and when.
#[derive(Debug, Default)]
pub(super) struct Pace(Mutex<Option<(Instant, u64)>>);

impl Pace {
    /// Reading begins after this sequence.
    pub(super) fn begin(&self, after: u64) {
        *self.0.lock() = Some((Instant::now(), after));
    }

    /// The rebuild that has come so far.
    pub(super) fn at(&self, reached: u64, until: u64) -> Rebuild {
        let begun = *self.0.lock();
        let (elapsed, begun) = begun.map_or((Duration::ZERO, 0), |(since, after)| (since.elapsed(), after));
        let millis = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX);
        let entries_per_second = reached.saturating_sub(begun).saturating_mul(1_000).checked_div(millis).unwrap_or(0);
        Rebuild { begun, reached, until, entries_per_second }
    }
}

/// Tells the log about a rebuild: its beginning, where it is every now and then, its end.
#[derive(Debug, Default)]
pub(super) struct Teller(Option<Instant>);

impl Teller {
    /// What is to be said now that the rebuild is here; `None` says that history is whole.
    pub(super) fn look(&mut self, rebuild: Option<Rebuild>) {
        if let Some(line) = self.line(rebuild, Instant::now()) {
            tracing::info!("{line}");
        }
    }

    fn line(&mut self, rebuild: Option<Rebuild>, now: Instant) -> Option<String> {
        match (rebuild, self.0) {
            (None, None) => None,
            (None, Some(_)) => {
                self.0 = None;
                Some("closed orders are all there again".to_owned())
            }
            (Some(_), Some(said)) if now.duration_since(said) < SAY_EVERY => None,
            (Some(rebuild), said) => {
                self.0 = Some(now);
                let waiting = if said.is_none() { "; until then they answer `rebuilding`" } else { "" };
                Some(format!("closed orders are being rebuilt from the log: {rebuild}{waiting}"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pace_is_that_since_the_beginning_and_none_before_it() {
        let pace = Pace::default();
        assert_eq!(pace.at(700, 1_000), Rebuild { begun: 0, reached: 700, until: 1_000, entries_per_second: 0 });
        *pace.0.lock() = Instant::now().checked_sub(Duration::from_secs(10)).map(|since| (since, 500));
        let rebuild = pace.at(10_500, 20_500);
        assert!((900..=1_000).contains(&rebuild.entries_per_second), "{rebuild:?}");
        assert_eq!((rebuild.begun, rebuild.percent()), (500, 50));
    }

    #[test]
    fn a_rebuild_is_told_at_its_beginning_every_five_seconds_and_at_its_end() {
        let (mut teller, begun) = (Teller::default(), Instant::now());
        let at = |reached| Some(Rebuild { begun: 0, reached, until: 1_000, entries_per_second: 10 });
        let seconds = |seconds: u64| begun + Duration::from_secs(seconds);
        assert_eq!(teller.line(None, begun), None, "nothing is rebuilt");
        let first = teller.line(at(0), begun).unwrap();
        assert_eq!(
            first,
            "closed orders are being rebuilt from the log: 0 %, entry 0 of 1000, 10 entries/s, about 100 s left; until then \
             they answer `rebuilding`"
        );
        let told: Vec<u64> = (1..=20).filter(|now| teller.line(at(now * 10), seconds(*now)).is_some()).collect();
        assert_eq!(told, [5, 10, 15, 20]);
        assert_eq!(teller.line(None, seconds(21)).as_deref(), Some("closed orders are all there again"));
        assert_eq!(teller.line(None, seconds(60)), None);
    }
}
