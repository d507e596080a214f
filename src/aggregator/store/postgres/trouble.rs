//! Why a statement did not do, told apart by what helps: again, a person, or building the rows anew. Never here: secrets.

use deadpool_postgres::{HookError, PoolError, TimeoutType};
use tokio_postgres::Error;
use tokio_postgres::error::SqlState;

/// Why a statement did not do.
#[derive(Debug)]
pub(super) enum Trouble {
    /// The connection broke, another transaction was in the way, the server is starting, stopping or out of something:
    /// nothing is wrong with what was asked. The outcome of a commit is open.
    Again(String),
    /// The server refuses what was asked, and will until a person does something.
    Refused(String),
    /// The rows are not those that this batch goes on from.
    OtherHistory,
}

/// SQLSTATE classes that pass by themselves: connection exceptions, transaction rollbacks (40001 serialization failure,
/// 40P01 deadlock), insufficient resources, operator intervention (57P01 shutdown, 57014 time-out), system errors.
const PASSING_CLASSES: [&str; 5] = ["08", "40", "53", "57", "58"];

impl From<Error> for Trouble {
    fn from(error: Error) -> Self {
        let Some(database) = error.as_db_error() else {
            return if is_ours(&error) { Self::Refused(with_causes(&error)) } else { Self::Again(with_causes(&error)) };
        };
        let code = database.code();
        let text = format!("{} (SQLSTATE {})", database.message(), code.code());
        let class = code.code().get(..2).unwrap_or_default();
        let passes = PASSING_CLASSES.contains(&class) || *code == SqlState::LOCK_NOT_AVAILABLE;
        if passes { Self::Again(text) } else { Self::Refused(text) }
    }
}

/// Whether the trouble is in how we ask, not in the line: no connection is tried at all, or TLS is not what was required.
fn is_ours(error: &Error) -> bool {
    let text = error.to_string();
    ["invalid configuration", "error performing TLS handshake", "authentication error"]
        .iter()
        .any(|kind| text.starts_with(kind))
        || text.starts_with("error converting")
        || text.starts_with("error serializing")
        || text.starts_with("error deserializing")
}

/// Whether a TLS handshake failed, as against being refused for another reason.
pub(super) fn is_tls(error: &Error) -> bool {
    error.to_string().starts_with("error performing TLS handshake")
}

/// The error and what led to it; the library shows only the first.
fn with_causes(error: &Error) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        let more = error.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        cause = error.source();
    }
    text
}

impl From<PoolError> for Trouble {
    fn from(error: PoolError) -> Self {
        match error {
            PoolError::Backend(error) | PoolError::PostCreateHook(HookError::Backend(error)) => error.into(),
            PoolError::Timeout(TimeoutType::Wait) => Self::Again("every connection is busy".to_owned()),
            PoolError::Timeout(_) => Self::Again("it does not answer".to_owned()),
            other => Self::Again(other.to_string()),
        }
    }
}
