//! The engine: one writer thread that decides, logs and tells; and everything that follows the log inside the node.
//!
//! `Handle::submit` puts a request into a bounded queue; the writer takes a group, decides each command on the hot state,
//! appends the events with one fsync, publishes the read models, and only then answers. Never here: HTTP, JSON, pages.

pub mod answer;
pub mod clock;
pub mod commit;
