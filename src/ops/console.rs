//! What commands say: results on stdout, everything else on stderr. A closed pipe or a full disk is an answer, not a panic.

use std::fmt::Display;
use std::io::{self, Write as _};
use std::process::ExitCode;

/// All is well.
pub const FINE: ExitCode = ExitCode::SUCCESS;

/// A check failed, or the work could not be done.
pub fn failed() -> ExitCode {
    ExitCode::from(1)
}

/// Wrong usage or configuration.
pub fn misused() -> ExitCode {
    ExitCode::from(2)
}

/// Writes a result to stdout.
pub fn result(text: impl Display) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "{text}")?;
    stdout.flush()
}

/// Says something on stderr. Where that can't be written, nobody listens.
pub fn say(text: impl Display) {
    let _unheard = writeln!(io::stderr().lock(), "{text}");
}
