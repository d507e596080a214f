//! What a person sees while the demo runs: one line in place on a terminal, else one line every five seconds.

use std::io::{IsTerminal, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::ledger::{Counts, Ledger};

/// Writes to stdout; where nobody reads any more, or a disk is full, the demo goes on.
#[derive(Debug)]
pub struct Screen {
    is_terminal: bool,
    in_place: bool,
}

impl Screen {
    /// Stdout as it is.
    pub fn new() -> Self {
        Self { is_terminal: std::io::stdout().is_terminal(), in_place: false }
    }

    /// How often the status is worth showing.
    pub fn every(&self) -> Duration {
        if self.is_terminal { Duration::from_millis(250) } else { Duration::from_secs(5) }
    }

    /// A line that stays.
    pub fn line(&mut self, text: &str) {
        let end = if std::mem::take(&mut self.in_place) { "\n" } else { "" };
        self.write(&format!("{end}{text}\n"));
    }

    /// A line that the next one replaces, on a terminal.
    pub fn status(&mut self, text: &str) {
        if self.is_terminal {
            self.in_place = true;
            self.write(&format!("\r\x1b[K{text}"));
        } else {
            self.write(&format!("{text}\n"));
        }
    }

    fn write(&self, text: &str) {
        let mut out = std::io::stdout().lock();
        let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    }
}

/// The status line.
pub fn status(ledgers: &[&Ledger], began: Instant, phase: &str, lag: Option<i64>) -> String {
    let of = |counter: fn(&Counts) -> &AtomicU64| -> u64 {
        ledgers.iter().map(|ledger| counter(&ledger.counts).load(Ordering::Relaxed)).sum()
    };
    let (collected, cancelled) = (of(|counts| &counts.collected), of(|counts| &counts.cancelled));
    let (placed, rejected) = (of(|counts| &counts.placed), of(|counts| &counts.rejected));
    let slowest = ledgers.iter().map(|ledger| ledger.to_code()).max_by_key(|(_, late)| *late);
    let (median, late) = slowest.unwrap_or_default();
    let centre = lag.map_or_else(|| "away".to_owned(), |entries| format!("{entries} entries behind"));
    format!(
        "{:>4} s {phase} · {} customers ({} misbehave) · {placed} orders · {} paid · {} codes · {collected} collected · \
         {cancelled} cancelled · {rejected} rejected · {} refunded · {} open · payment to code {} ms median, {} ms p99 · \
         centre {centre}",
        began.elapsed().as_secs(),
        of(|counts| &counts.customers),
        of(|counts| &counts.misbehaved),
        of(|counts| &counts.paid),
        of(|counts| &counts.codes),
        of(|counts| &counts.refunded),
        placed.saturating_sub(collected + cancelled + rejected),
        median.as_millis(),
        late.as_millis(),
    )
}
