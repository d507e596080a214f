//! What can be wrong with stored bytes.

/// Why a record can't be read or written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RecordError {
    /// Fewer bytes than a record has, or lengths that point behind its end.
    #[error("{what} is cut short at {bytes} bytes")]
    Short {
        /// What was being read.
        what: &'static str,
        /// How many bytes there are.
        bytes: usize,
    },
    /// An event of a kind that this version does not know.
    #[error("entry of unknown kind {kind}; it was written by a later version of qucan: upgrade the program")]
    UnknownKind {
        /// The kind found.
        kind: u16,
    },
    /// A record in a version that this version does not know.
    #[error("{what} in unknown version {version}; it was written by a later version of qucan: upgrade the program")]
    UnknownVersion {
        /// What was being read.
        what: &'static str,
        /// The version found.
        version: u16,
    },
    /// A snapshot section that this version does not know.
    #[error(
        "snapshot section {section:#x} is unknown; it was written by a later version of qucan: upgrade the program"
    )]
    UnknownSection {
        /// The id found.
        section: u32,
    },
    /// Bytes that are no such record.
    #[error("{what} is damaged: {why}")]
    Damaged {
        /// What was being read.
        what: &'static str,
        /// What is wrong with it.
        why: String,
    },
    /// A value that has no stored form.
    #[error("{what} can't be stored: {why}")]
    Unstorable {
        /// What was to be written.
        what: &'static str,
        /// Why it can't.
        why: String,
    },
    /// A record larger than the limit.
    #[error("{what} of {bytes} bytes is over the limit of {limit}")]
    TooLarge {
        /// What was to be written.
        what: &'static str,
        /// How large it is.
        bytes: usize,
        /// The limit.
        limit: usize,
    },
}
