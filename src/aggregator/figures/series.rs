//! Curves over minutes: which window, in which steps, next to which earlier one. Pure; the time is a value.

use super::{Bucket, Figures, Minute};
use crate::domain::time::Timestamp;

const DAY_MINUTES: i64 = 24 * 60;

/// What a curve shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Metric {
    /// Orders placed.
    Orders,
    /// Orders paid.
    Paid,
    /// Payable of the orders paid.
    Revenue,
    /// Orders rejected.
    Rejected,
    /// Mean seconds from paid to ready.
    Wait,
}

impl Metric {
    /// Every metric.
    pub const ALL: [Self; 5] = [Self::Orders, Self::Paid, Self::Revenue, Self::Rejected, Self::Wait];

    /// The contract's name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Orders => "orders",
            Self::Paid => "paid",
            Self::Revenue => "revenue",
            Self::Rejected => "rejected",
            Self::Wait => "wait",
        }
    }

    /// What its numbers are of.
    pub fn unit(self) -> &'static str {
        match self {
            Self::Orders | Self::Paid | Self::Rejected => "orders",
            Self::Revenue => "minor_units",
            Self::Wait => "seconds",
        }
    }

    /// Its number in a bucket; `None` for a mean of nothing.
    pub fn of(self, bucket: &Bucket) -> Option<i64> {
        let count = |count: u64| i64::try_from(count).ok();
        match self {
            Self::Orders => count(bucket.placed),
            Self::Paid => count(bucket.paid),
            Self::Revenue => Some(bucket.revenue.0),
            Self::Rejected => count(bucket.rejected),
            Self::Wait => bucket.mean_wait_seconds().and_then(count),
        }
    }
}

/// How far back a curve goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Window {
    /// An hour by the minute.
    Hour,
    /// A day by five minutes.
    Day,
    /// Seven days by the hour.
    Week,
}

impl Window {
    /// Every window.
    pub const ALL: [Self; 3] = [Self::Hour, Self::Day, Self::Week];

    /// The contract's name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Hour => "1h",
            Self::Day => "1d",
            Self::Week => "7d",
        }
    }

    fn minutes(self) -> i64 {
        match self {
            Self::Hour => 60,
            Self::Day => DAY_MINUTES,
            Self::Week => 7 * DAY_MINUTES,
        }
    }

    fn step_minutes(self) -> i64 {
        match self {
            Self::Hour => 1,
            Self::Day => 5,
            Self::Week => 60,
        }
    }
}

/// The earlier window a curve is shown next to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compare {
    /// The same hours of yesterday.
    Day,
    /// The same hours of a week ago.
    Week,
}

impl Compare {
    /// Every kind.
    pub const ALL: [Self; 2] = [Self::Day, Self::Week];

    /// The contract's name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Week => "week",
        }
    }

    fn minutes(self) -> i64 {
        match self {
            Self::Day => DAY_MINUTES,
            Self::Week => 7 * DAY_MINUTES,
        }
    }
}

/// A stretch of minutes in equal steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    from: i64,
    to: i64,
    step: i64,
}

impl Span {
    /// The window whose last step is the one that `now` lies in; it begins and ends on a whole step.
    pub fn ending(window: Window, now: Timestamp) -> Self {
        let step = window.step_minutes();
        let to = (Minute::of(now).0.div_euclid(step) + 1) * step;
        Self { from: to - window.minutes(), to, step }
    }

    /// The same stretch, earlier.
    pub fn earlier(self, compare: Compare) -> Self {
        Self { from: self.from - compare.minutes(), to: self.to - compare.minutes(), ..self }
    }

    /// Its first instant.
    pub fn from(self) -> Timestamp {
        Minute(self.from).begins()
    }

    /// The first instant after it.
    pub fn to(self) -> Timestamp {
        Minute(self.to).begins()
    }

    /// Length of a step in seconds.
    pub fn step_seconds(self) -> i64 {
        self.step * 60
    }

    /// How many steps it has.
    pub fn steps(self) -> usize {
        usize::try_from((self.to - self.from) / self.step).unwrap_or(0)
    }
}

/// A metric over the steps of a span, all regions together. Regions of different currencies must not be summed: that is
/// for the caller to see to.
pub fn points<'a>(figures: impl IntoIterator<Item = &'a Figures>, metric: Metric, span: Span) -> Vec<Option<i64>> {
    let mut steps = vec![Bucket::default(); span.steps()];
    for figures in figures {
        for (minute, bucket) in figures.minutes.range(Minute(span.from)..Minute(span.to)) {
            let step = usize::try_from((minute.0 - span.from) / span.step).ok();
            if let Some(sum) = step.and_then(|step| steps.get_mut(step)) {
                *sum += *bucket;
            }
        }
    }
    steps.iter().map(|bucket| metric.of(bucket)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::money::Fen;

    /// 2026-11-23 09:59:40 UTC.
    const NOW: Timestamp = Timestamp(1_795_427_980_000);

    fn at(text: &str) -> Minute {
        Minute::of(Timestamp(text.parse::<jiff::Timestamp>().unwrap().as_millisecond()))
    }

    fn text(at: Timestamp) -> String {
        jiff::Timestamp::from_millisecond(at.0).unwrap().to_string()
    }

    fn figures(minutes: &[(&str, Bucket)]) -> Figures {
        Figures {
            minutes: minutes.iter().map(|(minute, bucket)| (at(minute), *bucket)).collect(),
            ..Figures::default()
        }
    }

    #[test]
    fn windows_end_with_the_present_step_on_whole_steps() {
        let span = |window| {
            let span = Span::ending(window, NOW);
            (text(span.from()), text(span.to()), span.step_seconds(), span.steps())
        };
        let day = |time: &str| format!("2026-11-{time}:00Z");
        assert_eq!(span(Window::Hour), (day("23T09:00"), day("23T10:00"), 60, 60));
        assert_eq!(span(Window::Day), (day("22T10:00"), day("23T10:00"), 300, 288));
        assert_eq!(span(Window::Week), (day("16T10:00"), day("23T10:00"), 3_600, 168));
        let at_ten = Span::ending(Window::Hour, Timestamp(NOW.0 + 20_000));
        assert_eq!(text(at_ten.to()), day("23T10:01"), "the minute that has just begun is there");
    }

    #[test]
    fn the_earlier_window_is_exactly_a_day_or_a_week_before() {
        let span = Span::ending(Window::Hour, NOW);
        assert_eq!(text(span.earlier(Compare::Day).from()), "2026-11-22T09:00:00Z");
        assert_eq!(text(span.earlier(Compare::Week).to()), "2026-11-16T10:00:00Z");
        assert_eq!(span.earlier(Compare::Week).steps(), 60);
    }

    #[test]
    fn points_sum_the_minutes_of_a_step_over_regions() {
        let placed = |placed| Bucket { placed, ..Bucket::default() };
        let east = figures(&[
            ("2026-11-16T09:59:00Z", placed(1_000)),
            ("2026-11-16T10:00:00Z", placed(1)),
            ("2026-11-16T10:59:00Z", placed(2)),
            ("2026-11-23T09:59:00Z", placed(4)),
            ("2026-11-23T10:00:00Z", placed(1_000)),
        ]);
        let west = figures(&[("2026-11-16T10:30:00Z", placed(8))]);
        let points = points([&east, &west], Metric::Orders, Span::ending(Window::Week, NOW));
        assert_eq!(points.len(), 168);
        assert_eq!((points[0], points[1], points[167]), (Some(11), Some(0), Some(4)));
        assert_eq!(points.iter().flatten().sum::<i64>(), 15, "what lies outside is left out");
    }

    #[test]
    fn a_wait_is_a_mean_over_orders_and_nothing_where_none_was_ready() {
        let wait = |wait_seconds, waits| Bucket { wait_seconds, waits, ..Bucket::default() };
        let east = figures(&[("2026-11-23T09:50:00Z", wait(600, 1)), ("2026-11-23T09:58:00Z", wait(10, 1))]);
        let west = figures(&[("2026-11-23T09:50:00Z", wait(300, 2))]);
        let points = points([&east, &west], Metric::Wait, Span::ending(Window::Hour, NOW));
        assert_eq!((points[49], points[50], points[58]), (None, Some(300), Some(10)), "900 s of three orders");
    }

    #[test]
    fn metrics_have_their_own_number_and_unit() {
        let bucket =
            Bucket { placed: 1, paid: 2, revenue: Fen(3), rejected: 4, waits: 1, wait_seconds: 5, ..Bucket::default() };
        let numbers: Vec<_> =
            Metric::ALL.iter().map(|metric| (metric.as_str(), metric.of(&bucket), metric.unit())).collect();
        assert_eq!(
            numbers,
            [
                ("orders", Some(1), "orders"),
                ("paid", Some(2), "orders"),
                ("revenue", Some(3), "minor_units"),
                ("rejected", Some(4), "orders"),
                ("wait", Some(5), "seconds"),
            ]
        );
        assert_eq!(Window::ALL.map(Window::as_str), ["1h", "1d", "7d"]);
        assert_eq!(Compare::ALL.map(Compare::as_str), ["day", "week"]);
    }
}
