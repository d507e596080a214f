//! What a person sees while the demo runs: one line in place on a terminal, else one line every five seconds.

use std::io::{IsTerminal, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::ledger::Ledger;

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
pub fn status(ledger: &Ledger, began: Instant, phase: &str) -> String {
    let counts = &ledger.counts;
    let of = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
    let (placed, ended) = (of(&counts.placed), of(&counts.collected) + of(&counts.cancelled) + of(&counts.rejected));
    let (median, late) = ledger.to_code();
    format!(
        "{:>4} s {phase} · {} customers ({} misbehave) · {placed} orders · {} paid · {} codes · {} collected · {} cancelled · \
         {} rejected · {} refunded · {} open · payment to code {} ms median, {} ms p99",
        began.elapsed().as_secs(),
        of(&counts.customers),
        of(&counts.misbehaved),
        of(&counts.paid),
        of(&counts.codes),
        of(&counts.collected),
        of(&counts.cancelled),
        of(&counts.rejected),
        of(&counts.refunded),
        placed.saturating_sub(ended),
        median.as_millis(),
        late.as_millis(),
    )
}
