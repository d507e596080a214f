//! Why a session ends, in words: the same for both sides.

use std::time::Duration;

use bytes::Bytes;

use crate::frame::{ByeReason, FrameError, Message};
use crate::point::Fence;
use crate::seam::SourceError;

/// Why a session ended. The line is closed then; what was not acknowledged is shipped again over the next one.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum End {
    /// This history ends here.
    #[error("fenced: {}", .0.detail)]
    Fenced(Fence),
    /// The centre doesn't take this region, or not now.
    #[error("refused: {0}")]
    Refused(String),
    /// The other side hung up, and said why.
    #[error("the other side ended the line ({0:?}): {1}")]
    Bye(ByeReason, String),
    /// This side hung up, and said why.
    #[error("{1}")]
    Left(ByeReason, String),
    /// Nothing was heard for too long.
    #[error("nothing heard for {0:?}")]
    Silence(Duration),
    /// The other side lives, but takes nothing in.
    #[error("the other side has taken in nothing for {0:?}")]
    Stalled(Duration),
    /// The line changed, lost or mixed up what was sent.
    #[error(transparent)]
    Frame(#[from] FrameError),
    /// A whole message that mustn't come here and now.
    #[error("against the protocol: {0}")]
    Protocol(String),
    /// The region's own log can't be read.
    #[error("can't read the log: {0}")]
    Source(#[from] SourceError),
    /// The connection ended.
    #[error("{0}")]
    Closed(String),
}

impl End {
    /// What a region tells the centre before it hangs up; nothing where the centre knows already or isn't there.
    pub fn last_word(&self) -> Option<Bytes> {
        let reason = match self {
            Self::Left(reason, _) => *reason,
            Self::Frame(_) | Self::Protocol(_) => ByeReason::Protocol,
            Self::Source(_) => ByeReason::Failed,
            Self::Fenced(_)
            | Self::Refused(_)
            | Self::Bye(..)
            | Self::Silence(_)
            | Self::Stalled(_)
            | Self::Closed(_) => return None,
        };
        Some(Message::Bye { reason, text: self.to_string() }.encode())
    }
}
