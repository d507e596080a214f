//! Figures are what the orders say: taken in entry by entry, cut anywhere, repeated after a crash, or counted from the orders.

use std::collections::BTreeMap;

use proptest::prelude::*;
use qucan::aggregator::figures::{Bucket, Changed, Figures, Minute, tick_of};
use qucan::domain::time::{BusinessDay, Timestamp};

use crate::feed::Feed;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn taken_in_batches_with_crashes_equals_a_recount(
        seed in any::<u64>(),
        cuts in prop::collection::vec((1usize..40, 0usize..40), 1..60),
    ) {
        let mut feed = Feed::new("east", seed, 600);
        let mut cuts = cuts.into_iter().cycle();
        // What a store would hold: the rows that batches named, and nothing else.
        let mut stored = Figures::default();
        while !feed.is_done() {
            let (entries, lost) = cuts.next().unwrap();
            // A crash amid a batch: what was taken in is gone, the figures come back from the store, the batch comes again.
            let mut crashed = stored.clone();
            for step in feed.steps[feed.taken..].iter().take(lost) {
                crashed.take(step, &mut Changed::default());
            }
            feed.figures = stored.clone();
            let batch = feed.next(entries);
            stored.minutes.extend(batch.minutes);
            stored.store_days.extend(batch.store_days.into_iter());
            stored.ticks.extend(batch.ticks);
            prop_assert_eq!(&stored, &feed.figures, "rows that were not named as changed");
            prop_assert_eq!(&stored, &feed.recounted());
        }
        let whole: Bucket = stored.minutes.values().copied().sum();
        prop_assert_eq!(stored.store_days.values().copied().sum::<Bucket>(), whole);
        prop_assert_eq!(whole.placed, u64::try_from(feed.orders.lock().len()).unwrap());
    }
}

#[test]
fn lives_meet_everything_that_counts() {
    let feeds: Vec<Feed> = (0..5)
        .map(|seed| {
            let mut feed = Feed::new("east", seed, 2_000);
            feed.next(usize::MAX / 2);
            feed
        })
        .collect();
    let whole: Bucket = feeds.iter().flat_map(|feed| feed.figures.minutes.values().copied()).sum();
    assert!(whole.to_numbers().iter().all(|number| *number > 20), "{whole:?}");
    let returned = feeds.iter().flat_map(|feed| feed.orders.lock().values().cloned().collect::<Vec<_>>());
    assert!(returned.filter(|order| order.payments.len() > 1).count() > 3, "money for closed orders");
    assert!(feeds.iter().all(|feed| feed.figures.store_days.len() > 8), "several business days");
}

#[test]
fn a_tick_leads_to_the_entries_of_a_time() {
    let mut feed = Feed::new("east", 1, 2_000);
    feed.next(usize::MAX / 2);
    for step in &feed.steps {
        let (first, end) = feed.figures.entries_near(step.at).unwrap();
        assert!(first <= step.sequence.0 && end.is_none_or(|end| step.sequence.0 < end), "{}", step.sequence);
    }
    let last = feed.steps.last().unwrap().at;
    assert_eq!(feed.figures.entries_near(Timestamp(last.0 + 10_000)), None);
    assert_eq!(feed.figures.entries_near(Timestamp(0)), None);
    let mut firsts = BTreeMap::new();
    for step in &feed.steps {
        firsts.entry(tick_of(step.at)).or_insert(step.sequence.0);
    }
    assert_eq!(feed.figures.ticks, firsts);
}

#[test]
fn what_is_before_is_forgotten_and_nothing_else() {
    let mut feed = Feed::new("east", 2, 4_000);
    feed.next(usize::MAX / 2);
    let days: Vec<BusinessDay> = feed.figures.store_days.keys().map(|(day, _)| *day).collect();
    let (day, time) = (days[days.len() / 2], feed.steps[feed.steps.len() / 2].at);
    let mut kept = feed.figures.clone();
    kept.forget_before(time, day);
    for (minute, bucket) in &feed.figures.minutes {
        assert_eq!(kept.minutes.get(minute), Some(bucket).filter(|_| *minute >= Minute::of(time)));
    }
    for (key, bucket) in &feed.figures.store_days {
        assert_eq!(kept.store_days.get(key), Some(bucket).filter(|_| key.0 >= day));
        assert_eq!(kept.store_day(&key.1, key.0), if key.0 >= day { *bucket } else { Bucket::default() });
    }
    assert!(kept.ticks.keys().all(|tick| *tick >= tick_of(time)) && kept.ticks.len() < feed.figures.ticks.len());
    let (first, last) = (*kept.minutes.keys().next().unwrap(), *kept.minutes.keys().last().unwrap());
    assert_eq!(kept.between(first, Minute(last.0 + 1)), kept.minutes.values().copied().sum());
    assert_eq!(kept.between(last, first), Bucket::default());
}
