//! The commands beside the node itself: each takes parsed arguments and answers with an exit code.

pub mod verify;
