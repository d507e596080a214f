//! Logs: structured lines on stderr, written by a thread of their own. A reader that is slow or gone, or a full disk, costs
//! lines and never stops the program. Never here: figures, which are for `/metrics`.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, bounded};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

/// Lines that wait for a slow stderr; more are dropped and counted.
const LINES_WAITING_MAX: usize = 8192;
/// The pool of database connections complains of each one; whoever uses it says what that means, once.
const QUIET: &str = "deadpool.postgres=error";
/// How long the end of the program waits for the last lines.
const FLUSH_WITHIN: Duration = Duration::from_secs(1);

/// A filter that can't be understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`log.level` is {level:?}, not a level (error, warn, info, debug, trace) or filter directives such as \"info,hyper=warn\""
)]
pub struct FilterError {
    level: String,
}

/// Keeps the lines flowing; dropped at the end of the program, it waits a moment for the last ones.
pub struct Telemetry {
    lines: Option<Sender<Vec<u8>>>,
    ended: Receiver<()>,
    _writer: JoinHandle<()>,
}

/// Whether a filter can be understood.
pub fn check_level(level: &str) -> Result<(), FilterError> {
    filter(level).map(drop)
}

fn filter(level: &str) -> Result<EnvFilter, FilterError> {
    let error = || FilterError { level: level.to_owned() };
    // A bare word would be taken for the name of a module, and silence everything else.
    let sane = level.split(',').all(|part| {
        let word = part.trim();
        match word.contains('=') {
            true => !word.contains(char::is_whitespace),
            false => !word.is_empty() && word.parse::<tracing_subscriber::filter::LevelFilter>().is_ok(),
        }
    });
    // What the operator says comes later and wins.
    if sane { EnvFilter::try_new(format!("{QUIET},{level}")).map_err(|_| error()) } else { Err(error()) }
}

/// Starts logging for the whole process; the first call counts.
pub fn start(json: bool, level: &str) -> Result<Telemetry, FilterError> {
    let filter = filter(level)?;
    let (lines, received) = bounded::<Vec<u8>>(LINES_WAITING_MAX);
    let (end, ended) = bounded(0);
    let dropped = Arc::new(AtomicU64::new(0));
    let sink = Sink { lines: lines.clone(), dropped: Arc::clone(&dropped) };
    let writer = std::thread::spawn(move || {
        write_lines(&received, &dropped);
        drop(end);
    });
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(sink)
        .with_target(false)
        // What can't be written can't be complained about either.
        .log_internal_errors(false);
    // A second start in one process (tests) keeps the first one's.
    let _first_counts = if json {
        subscriber.json().flatten_event(true).try_init()
    } else {
        subscriber.with_ansi(io::IsTerminal::is_terminal(&io::stderr())).try_init()
    };
    Ok(Telemetry { lines: Some(lines), ended, _writer: writer })
}

impl Drop for Telemetry {
    fn drop(&mut self) {
        // The subscriber keeps its own sender for ever, so the end is told by an empty line.
        if let Some(lines) = self.lines.take() {
            let _full = lines.send_timeout(Vec::new(), FLUSH_WITHIN);
        }
        let _ended = self.ended.recv_timeout(FLUSH_WITHIN);
    }
}

fn write_lines(lines: &Receiver<Vec<u8>>, dropped: &AtomicU64) {
    let mut stderr = io::stderr();
    for line in lines.iter() {
        if line.is_empty() {
            return;
        }
        let lost = dropped.swap(0, Ordering::Relaxed);
        if lost > 0 {
            let _gone = writeln!(stderr, "{lost} log lines were dropped: stderr is not read fast enough");
        }
        let _gone = stderr.write_all(&line);
    }
}

#[derive(Clone)]
struct Sink {
    lines: Sender<Vec<u8>>,
    dropped: Arc<AtomicU64>,
}

impl Write for Sink {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if !line.is_empty() && self.lines.try_send(line.to_vec()).is_err() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Sink {
    type Writer = Self;
    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_are_understood_or_refused() {
        for level in ["info", "WARN", "debug,hyper=warn", "off", "hyper::proto=trace,error"] {
            assert!(check_level(level).is_ok(), "{level}");
        }
        for level in ["loud", "inof", "info,,", "info hyper=warn", "hyper=loud"] {
            assert!(check_level(level).is_err(), "{level}");
        }
    }

    #[test]
    fn a_full_queue_costs_lines_and_never_waits() {
        let (lines, received) = bounded(2);
        let dropped = Arc::new(AtomicU64::new(0));
        let mut sink = Sink { lines, dropped: Arc::clone(&dropped) };
        for _ in 0..5 {
            assert_eq!(sink.write(b"line\n").unwrap(), 5);
        }
        assert_eq!((received.len(), dropped.load(Ordering::Relaxed)), (2, 3));
    }
}
