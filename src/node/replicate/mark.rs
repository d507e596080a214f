//! What the centre had when it was last heard of, in a small file: so that a start with the centre away knows how far
//! behind it is. A hint for figures; nothing is decided by it, and nobody waits for its sync.

use std::fs::File;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use crate::domain::time::Timestamp;

const NAME: &str = "SHIPPED";

/// What the file says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Shipped {
    /// Last sequence that the centre had.
    pub(super) acknowledged: u64,
    /// When the oldest entry came that it had not.
    pub(super) since: Option<Timestamp>,
}

fn path(state: &Path) -> PathBuf {
    state.join(NAME)
}

impl Shipped {
    /// The last field makes a torn line recognisable.
    fn line(self) -> String {
        let since = self.since.map_or(0, |since| since.0);
        format!("{} {since} {}\n", self.acknowledged, !self.acknowledged ^ since.cast_unsigned())
    }

    /// Reads it; nothing where there is none or it is not whole.
    pub(super) fn read(state: &Path) -> Option<Self> {
        let text = std::fs::read_to_string(path(state)).ok()?;
        let mut fields = text.split_whitespace();
        let acknowledged = fields.next()?.parse().ok()?;
        let since: i64 = fields.next()?.parse().ok()?;
        let read = Self { acknowledged, since: (since != 0).then_some(Timestamp(since)) };
        (read.line() == text).then_some(read)
    }

    /// Writes it.
    pub(super) fn write(self, state: &Path) -> io::Result<()> {
        File::create(path(state))?.write_all(self.line().as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_read_back_and_a_torn_one_is_not() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(Shipped::read(dir.path()), None);
        for shipped in [Shipped { acknowledged: 77, since: Some(Timestamp(1_795_399_200_000)) }, Shipped::default()] {
            shipped.write(dir.path()).unwrap();
            assert_eq!(Shipped::read(dir.path()), Some(shipped));
        }
        std::fs::write(path(dir.path()), "77 17953992").unwrap();
        assert_eq!(Shipped::read(dir.path()), None);
    }
}
