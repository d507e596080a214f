//! The commands beside the node itself: each takes parsed arguments and answers with an exit code.

pub mod check;
pub mod client;
pub mod configuration;
pub mod console;
pub mod demo;
pub mod import;
pub mod restore;
pub mod serve;
pub mod token;
pub mod verify;
