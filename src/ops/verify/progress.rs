//! How far the work is, for a person who waits: in place on a terminal, else a line every five seconds; on stderr, so that
//! the report on stdout stays alone. Never here: what is worked on.

use std::fmt;
use std::io::Write;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError};

/// What is being done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Phase {
    #[default]
    Projection,
    Log,
    SecondLook,
}

impl Phase {
    const ALL: [Self; 3] = [Self::Projection, Self::Log, Self::SecondLook];

    fn words(self) -> (&'static str, &'static str, u64) {
        match self {
            Self::Projection => ("reading the projection", "orders", 1),
            Self::Log => ("replaying the log", "MiB", 1 << 20),
            Self::SecondLook => ("looking a second time along the log", "MiB", 1 << 20),
        }
    }
}

/// Counters that the workers raise and somebody may watch.
#[derive(Debug, Default)]
pub struct Progress {
    phase: AtomicU8,
    done: AtomicU64,
    total: AtomicU64,
}

impl Progress {
    pub(super) fn begin(&self, phase: Phase, total: u64) {
        self.done.store(0, Ordering::Relaxed);
        self.total.store(total, Ordering::Relaxed);
        self.phase.store(phase as u8, Ordering::Relaxed);
    }

    /// There is more to do than was known.
    pub(super) fn more(&self, total: u64) {
        self.total.fetch_add(total, Ordering::Relaxed);
    }

    pub(super) fn step(&self, done: u64) {
        self.done.fetch_add(done, Ordering::Relaxed);
    }

    fn line(&self, since: Duration) -> Line {
        let phase = Phase::ALL.get(usize::from(self.phase.load(Ordering::Relaxed))).copied().unwrap_or_default();
        let (done, total) = (self.done.load(Ordering::Relaxed), self.total.load(Ordering::Relaxed));
        Line { phase, done, total, since }
    }
}

/// One look.
struct Line {
    phase: Phase,
    done: u64,
    total: u64,
    since: Duration,
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (words, unit, size) = self.phase.words();
        // The newest segment is zeroed ahead: less is done than the files are long.
        let percent = u128::from(self.done) * 100 / u128::from(self.total.max(1));
        let (done, total) = (self.done / size, self.total / size);
        write!(f, "{words}: {done} of {total} {unit}, {} %, {} s", percent.min(100), self.since.as_secs())
    }
}

/// How somebody watches.
#[derive(Debug, Clone, Copy)]
pub(super) struct Watching {
    /// One line that is written over and over.
    pub(super) in_place: bool,
    pub(super) every: Duration,
}

impl Watching {
    pub(super) fn on(is_terminal: bool) -> Self {
        let every = if is_terminal { Duration::from_millis(200) } else { Duration::from_secs(5) };
        Self { in_place: is_terminal, every }
    }

    /// Tells until the other side of `ended` is gone. Where nobody reads, the work goes on.
    pub(super) fn tell(self, progress: &Progress, ended: &Receiver<()>, mut out: impl Write) {
        let begun = Instant::now();
        let mut told = false;
        while ended.recv_timeout(self.every) == Err(RecvTimeoutError::Timeout) {
            let line = progress.line(begun.elapsed());
            let text = if self.in_place { format!("\r\x1b[K{line}") } else { format!("{line}\n") };
            let _unread = out.write_all(text.as_bytes()).and_then(|()| out.flush());
            told = true;
        }
        if self.in_place && told {
            let _unread = out.write_all(b"\r\x1b[K").and_then(|()| out.flush());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_what_is_done_and_of_how_much() {
        let progress = Progress::default();
        progress.begin(Phase::Projection, 0);
        progress.more(400);
        progress.step(100);
        let line = |seconds| progress.line(Duration::from_secs(seconds)).to_string();
        assert_eq!(line(3), "reading the projection: 100 of 400 orders, 25 %, 3 s");
        progress.begin(Phase::Log, 64 << 20);
        progress.step(16 << 20);
        assert_eq!(line(61), "replaying the log: 16 of 64 MiB, 25 %, 61 s");
        progress.begin(Phase::SecondLook, 0);
        assert_eq!(line(62), "looking a second time along the log: 0 of 0 MiB, 0 %, 62 s");
    }

    /// Where the lines go, and an end of the work after so many of them.
    struct Paper {
        written: Vec<u8>,
        left: usize,
        end: Option<crossbeam_channel::Sender<()>>,
    }

    impl Write for &mut Paper {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.written.extend_from_slice(bytes);
            self.left = self.left.saturating_sub(1);
            if self.left == 0 {
                self.end = None;
            }
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    fn told(in_place: bool) -> String {
        let (end, ended) = crossbeam_channel::bounded(0);
        let mut paper = Paper { written: Vec::new(), left: 2, end: Some(end) };
        let progress = Progress::default();
        progress.begin(Phase::Log, 2 << 20);
        Watching { in_place, every: Duration::from_millis(1) }.tell(&progress, &ended, &mut paper);
        String::from_utf8(paper.written).unwrap()
    }

    #[test]
    fn a_terminal_gets_one_line_in_place_and_a_file_one_after_another() {
        let line = "replaying the log: 0 of 2 MiB, 0 %, 0 s";
        assert_eq!(told(true), format!("\r\x1b[K{line}\r\x1b[K{line}\r\x1b[K"));
        assert_eq!(told(false), format!("{line}\n{line}\n"));
        assert_eq!((Watching::on(true).in_place, Watching::on(false).every.as_secs()), (true, 5));
    }
}
