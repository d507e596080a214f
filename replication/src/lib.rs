//! Replication protocol of qucan: ships opaque log groups from a region to the centre, in order, at least once, over
//! WebSockets. Knows no order, no HTTP route, no storage: the log is a [`Source`] on one side and a [`Sink`] on the other.

mod end;
pub mod frame;
pub mod limits;
pub mod line;
mod plant;
mod point;
pub mod receiver;
mod seam;
pub mod sender;

pub use end::End;
pub use point::{Fence, FenceReason, Hello, Identity, Point, SnapshotInfo};
pub use seam::{Batch, Greeting, Sink, SinkError, Source, SourceError};

/// The WebSocket subprotocol.
pub const SUBPROTOCOL: &str = "qucan.replication.v1";
