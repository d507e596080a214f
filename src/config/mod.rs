//! What the operator says: one TOML file, environment variables over it, safe defaults under it. Never here: using it.

use std::time::Duration;

use crate::limits;

/// Whether money is play money.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Anybody may get tokens and play the payment provider; limits per client are off. For loopback.
    Sandbox,
    /// The real thing.
    Production,
}

impl Mode {
    /// As it stands in the file.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sandbox => "sandbox",
            Self::Production => "production",
        }
    }
}

/// Bounds of the HTTP edge that an operator may change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EdgeLimits {
    /// Largest JSON body in bytes; the catalogue has its own bound.
    pub body_bytes: usize,
    /// How long a body may take to arrive.
    pub body_timeout: Duration,
}

impl Default for EdgeLimits {
    fn default() -> Self {
        Self { body_bytes: limits::BODY_BYTES_MAX, body_timeout: limits::BODY_TIMEOUT }
    }
}
