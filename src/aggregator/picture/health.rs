//! Green, yellow or red, and why: one place decides, pages and answers only show it.

use std::fmt;

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

/// Why a region is not green: a code with what belongs to it, for programs and translations. Tolerate codes you don't know.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[serde(tag = "code", rename_all = "snake_case")]
#[schema(as = Cause)]
pub enum Cause {
    /// The log of the centre's copy takes nothing any more.
    LogFailed {
        /// The error.
        detail: String,
    },
    /// The centre's copy can't be used.
    CopyBroken {
        /// Why.
        detail: String,
    },
    /// A part of the centre's copy can't be read any more.
    CopyDamaged {
        /// File, offset and sequences.
        detail: String,
    },
    /// What arrives is no longer applied.
    ApplyingEnded {
        /// Why.
        detail: String,
    },
    /// Applying waits for the store.
    ApplyingWaits {
        /// For what.
        detail: String,
    },
    /// Applying is slower than what arrives.
    ApplyingBehind {
        /// By how much.
        seconds: i64,
    },
    /// A node of the region was refused for good.
    NodeFenced {
        /// The reason, as in `fenced`.
        fence: &'static str,
        /// What and what to do.
        detail: String,
    },
    /// The copy ends before the region's log begins.
    NeedsSeed,
    /// No node has connected since the centre started.
    NeverConnected,
    /// The line is down.
    LineDown,
    /// Not everything has arrived.
    Behind {
        /// For how long.
        seconds: f64,
    },
}

impl fmt::Display for Cause {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LogFailed { detail } => write!(out, "the copy's log failed: {detail}"),
            Self::CopyBroken { detail } => write!(out, "the copy can't be used: {detail}"),
            Self::CopyDamaged { detail } => write!(out, "the copy is damaged: {detail}"),
            Self::ApplyingEnded { detail } => write!(out, "applying has ended: {detail}"),
            Self::ApplyingWaits { detail } => write!(out, "applying waits: {detail}"),
            Self::ApplyingBehind { seconds } => write!(out, "applying is {seconds} s behind"),
            Self::NodeFenced { fence, detail } => write!(out, "a node is refused ({fence}): {detail}"),
            Self::NeedsSeed => out.write_str("the copy ends before the region's log begins: it needs a seed"),
            Self::NeverConnected => out.write_str("no node has connected since the centre started"),
            Self::LineDown => out.write_str("the line is down"),
            Self::Behind { seconds } => write!(out, "{seconds:.0} s behind"),
        }
    }
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
    /// What of the log was found to be damaged, if anything.
    pub damage: Option<&'a str>,
}

impl Signs<'_> {
    /// The worst thing there is.
    pub fn judge(&self) -> (Health, Option<Cause>) {
        let patience = i64::try_from(LAG_YELLOW.as_secs()).unwrap_or(i64::MAX);
        let (line, applying) = (self.line, self.applying);
        let behind = applying.behind_seconds(self.now);
        let yellow = |cause: Cause| (Health::Yellow, Some(cause));
        let red = |cause: Cause| (Health::Red, Some(cause));
        if let Some(why) = self.log_failure {
            return red(Cause::LogFailed { detail: why.to_owned() });
        }
        match &applying.trouble {
            Some(Trouble::Ended(why)) => return red(Cause::ApplyingEnded { detail: why.clone() }),
            Some(Trouble::Waiting(why)) if behind > patience => {
                return yellow(Cause::ApplyingWaits { detail: why.clone() });
            }
            _ => {}
        }
        if let Some(what) = self.damage {
            return red(Cause::CopyDamaged { detail: what.to_owned() });
        }
        if let Some(fence) = &line.fence {
            return red(Cause::NodeFenced { fence: reason_name(fence.reason), detail: fence.detail.clone() });
        }
        if line.needs_seed {
            return yellow(Cause::NeedsSeed);
        }
        if !line.connected {
            return yellow(line.heard_at.map_or(Cause::NeverConnected, |_| Cause::LineDown));
        }
        let lag = line.lag_seconds(self.now);
        if lag > LAG_YELLOW.as_secs_f64() {
            return yellow(Cause::Behind { seconds: lag.round() });
        }
        if behind > patience {
            return yellow(Cause::ApplyingBehind { seconds: behind });
        }
        (Health::Green, None)
    }
}

#[cfg(test)]
mod tests {
    use super::Cause;

    fn check(cause: &Cause, json: serde_json::Value, sentence: &str) {
        assert_eq!(serde_json::to_value(cause).unwrap(), json);
        assert_eq!(cause.to_string(), sentence);
    }

    #[test]
    fn a_cause_is_a_code_for_programs_and_a_sentence_for_people() {
        let json = |text: &str| serde_json::from_str(text).unwrap();
        check(&Cause::LineDown, json(r#"{"code":"line_down"}"#), "the line is down");
        check(&Cause::Behind { seconds: 12.0 }, json(r#"{"code":"behind","seconds":12.0}"#), "12 s behind");
        check(
            &Cause::NodeFenced { fence: "behind_centre", detail: "restore it".to_owned() },
            json(r#"{"code":"node_fenced","fence":"behind_centre","detail":"restore it"}"#),
            "a node is refused (behind_centre): restore it",
        );
        check(
            &Cause::ApplyingWaits { detail: "the store is away".to_owned() },
            json(r#"{"code":"applying_waits","detail":"the store is away"}"#),
            "applying waits: the store is away",
        );
    }
}
