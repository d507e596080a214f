//! Replication protocol of qucan: ships opaque log groups from a region to the centre, in order, at least once, over
//! WebSockets. Knows no order, no HTTP route, no storage: the log is a [`Source`] on one side and a [`Sink`] on the other.

#[cfg(test)]
#[path = "../tests/doubles/mod.rs"]
#[expect(clippy::cast_possible_truncation, reason = "small numbers, and a test may stop where it fails")]
mod doubles;
mod end;
pub mod frame;
pub mod limits;
pub mod line;
mod plant;
mod point;
pub mod receiver;
mod seam;
pub mod sender;
#[cfg(any(test, feature = "simulation"))]
#[expect(clippy::cast_possible_truncation, reason = "small numbers, and a test may stop where it fails")]
#[expect(clippy::indexing_slicing, reason = "a simulation may stop where it fails")]
pub mod simulation;

// The doubles are shared with the tests that see the crate from outside.
#[cfg(test)]
extern crate self as qucan_replication;

pub use end::End;
#[cfg(any(test, feature = "simulation"))]
pub use plant::Plant;
pub use point::{Fence, FenceReason, Hello, Identity, Point, SnapshotInfo};
pub use seam::{Batch, Greeting, Sink, SinkError, Source, SourceError};

/// The WebSocket subprotocol.
pub const SUBPROTOCOL: &str = "qucan.replication.v1";
