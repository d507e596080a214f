//! A client of the public contract: pooled HTTP and push sockets. What simulated customers and stores are made of; it
//! knows nothing of the node's inside.

pub mod http;
pub mod socket;

pub use http::{CallError, Http, Reply};
pub use socket::{Frame, Socket};
