//! Green, yellow or red, and why: one place decides, pages and answers only show it.

use serde::Serialize;
use utoipa::ToSchema;

use crate::aggregator::region::applying::{ApplyingView, Trouble};
use crate::aggregator::region::line::{LineView, reason_name};
use crate::domain::time::Timestamp;
use crate::limits::LAG_YELLOW;

/// How a region is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Health {
    /// As it should be.
    Green,
    /// Somebody should keep an eye on it.
    Yellow,
    /// Somebody has to do something.
    Red,
}

/// What health is judged by.
pub struct Signs<'a> {
    /// Now.
    pub now: Timestamp,
    /// The line.
    pub line: &'a LineView,
    /// Applying.
    pub applying: &'a ApplyingView,
    /// Why the log takes nothing any more, if so.
    pub log_failure: Option<&'a str>,
}

impl Signs<'_> {
    /// The worst thing there is, in words.
    pub fn judge(&self) -> (Health, Option<String>) {
        let patience = i64::try_from(LAG_YELLOW.as_secs()).unwrap_or(i64::MAX);
        let (line, applying) = (self.line, self.applying);
        let behind = applying.behind_seconds(self.now);
        let yellow = |why: String| (Health::Yellow, Some(why));
        let red = |why: String| (Health::Red, Some(why));
        if let Some(why) = self.log_failure {
            return red(format!("the copy's log failed: {why}"));
        }
        match &applying.trouble {
            Some(Trouble::Ended(why)) => return red(format!("applying has ended: {why}")),
            Some(Trouble::Waiting(why)) if behind > patience => return yellow(format!("applying waits: {why}")),
            _ => {}
        }
        if let Some(fence) = &line.fence {
            return red(format!("a node is refused ({}): {}", reason_name(fence.reason), fence.detail));
        }
        if line.needs_seed {
            return yellow("the copy ends before the region's log begins: it needs a seed".to_owned());
        }
        if !line.connected {
            let never = "no node has connected since the centre started".to_owned();
            return yellow(line.heard_at.map_or(never, |_| "the line is down".to_owned()));
        }
        let lag = line.lag_seconds(self.now);
        if lag > LAG_YELLOW.as_secs_f64() {
            return yellow(format!("{lag:.0} s behind"));
        }
        if behind > patience {
            return yellow(format!("applying is {behind} s behind"));
        }
        (Health::Green, None)
    }
}
