//! How applying a region's log goes: fine, waiting for the store, or ended by damage. Written by the apply thread only.

use std::sync::Arc;

use parking_lot::Mutex;

use crate::domain::time::Timestamp;
use crate::engine::clock::Clock;

/// Why applying does not go on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trouble {
    /// The store doesn't take it; tried again.
    Waiting(String),
    /// The log can't be applied; tried again only after a restart.
    Ended(String),
}

impl Trouble {
    /// In words.
    pub fn why(&self) -> &str {
        match self {
            Self::Waiting(why) | Self::Ended(why) => why,
        }
    }
}

/// A look at it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ApplyingView {
    /// What is wrong, if anything.
    pub trouble: Option<Trouble>,
    /// Since when something that has arrived is not applied.
    pub behind_since: Option<Timestamp>,
}

impl ApplyingView {
    /// Seconds since everything that had arrived was applied.
    pub fn behind_seconds(&self, now: Timestamp) -> i64 {
        self.behind_since.map_or(0, |since| (now.0 - since.0).max(0) / 1000)
    }

    /// Whether it goes on by itself.
    pub fn has_ended(&self) -> bool {
        matches!(self.trouble, Some(Trouble::Ended(_)))
    }
}

/// The state of applying.
pub struct Applying {
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    view: ApplyingView,
    /// What had arrived at `behind_since`.
    target: u64,
}

impl Applying {
    /// All is well so far.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, state: Mutex::default() }
    }

    /// How far it is, and what has arrived. Under load something is always on its way: what counts is how long ago that
    /// arrived which is not applied yet.
    pub fn stands_at(&self, applied: u64, received: u64) {
        let now = self.clock.now();
        let state = &mut *self.state.lock();
        if applied >= received {
            state.view.behind_since = None;
        } else if state.view.behind_since.is_none() || applied >= state.target {
            (state.view.behind_since, state.target) = (Some(now), received);
        }
    }

    /// A batch is applied: whatever was wrong is over.
    pub fn goes_on(&self) {
        self.state.lock().view.trouble = None;
    }

    /// The store doesn't take it. Whether that is news.
    pub fn waits(&self, why: &str) -> bool {
        let view = &mut self.state.lock().view;
        let is_news = view.trouble.is_none();
        view.trouble = Some(Trouble::Waiting(why.to_owned()));
        is_news
    }

    /// It ends until a restart.
    pub fn ends(&self, why: String) {
        self.state.lock().view.trouble = Some(Trouble::Ended(why));
    }

    /// A look.
    pub fn view(&self) -> ApplyingView {
        self.state.lock().view.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::clock::ManualClock;

    #[test]
    fn it_is_behind_by_the_age_of_what_is_not_applied() {
        let clock = Arc::new(ManualClock::new(Timestamp(0)));
        let applying = Applying::new(Arc::clone(&clock) as Arc<dyn Clock>);
        let behind = |applying: &Applying| applying.view().behind_seconds(clock.now());
        // Always a little behind, never for long: that is load, not trouble.
        for second in 0..60 {
            clock.set(Timestamp(second * 1_000));
            applying.stands_at(u64::try_from(second).unwrap() * 100, u64::try_from(second).unwrap() * 100 + 50);
            assert!(behind(&applying) <= 1, "{second}");
        }
        // Now it stands still, while more arrives.
        for second in 60..90 {
            clock.set(Timestamp(second * 1_000));
            applying.stands_at(5_900, 10_000);
        }
        assert_eq!(behind(&applying), 30);
        assert!(applying.waits("no answer") && !applying.waits("no answer"), "news once");
        applying.stands_at(10_000, 10_000);
        applying.goes_on();
        assert_eq!(applying.view(), ApplyingView::default());
    }
}
