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
    view: Mutex<ApplyingView>,
}

impl Applying {
    /// All is well so far.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, view: Mutex::default() }
    }

    /// A batch is at hand: what it brings has arrived and is not applied.
    pub fn begins(&self) {
        let now = self.clock.now();
        self.view.lock().behind_since.get_or_insert(now);
    }

    /// A batch is applied.
    pub fn goes_on(&self) {
        self.view.lock().trouble = None;
    }

    /// Everything that has arrived is applied.
    pub fn caught_up(&self) {
        *self.view.lock() = ApplyingView::default();
    }

    /// The store doesn't take it. Whether that is news.
    pub fn waits(&self, why: &str) -> bool {
        let mut view = self.view.lock();
        let trouble = Some(Trouble::Waiting(why.to_owned()));
        let is_news = view.trouble.is_none();
        view.trouble = trouble;
        is_news
    }

    /// It ends until a restart.
    pub fn ends(&self, why: String) {
        self.view.lock().trouble = Some(Trouble::Ended(why));
    }

    /// A look.
    pub fn view(&self) -> ApplyingView {
        self.view.lock().clone()
    }
}
