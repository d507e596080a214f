//! How a region's line to the centre is shown. Never here: the line.

use std::sync::Arc;

use serde::Serialize;
use utoipa::ToSchema;

/// Asks how replication goes.
pub type ReplicationLook = Arc<dyn Fn() -> ReplicationView + Send + Sync>;

/// How replication goes.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[schema(as = Replication)]
pub struct ReplicationView {
    /// Whether the line to the centre is up.
    pub connected: bool,
    /// Last sequence that the centre has synced, as far as is known.
    pub acknowledged: u64,
    /// What it has not.
    pub lag: LagView,
    /// Why this node may not go on with its region, if so.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub fenced: Option<String>,
    /// Why the centre doesn't take this region, if so.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub refused: Option<String>,
    /// Why the line is down, if it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub last_error: Option<String>,
}

/// How far the centre is behind. Goes on counting while the line is down.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, ToSchema)]
#[schema(as = ReplicationLag)]
pub struct LagView {
    /// Log entries.
    pub entries: u64,
    /// Their bytes, roughly.
    pub bytes: u64,
    /// Age of the oldest of them.
    pub seconds: f64,
}

impl ReplicationView {
    /// What a person should know; nothing where all is well.
    pub fn describe(&self) -> Option<String> {
        if self.connected {
            return None;
        }
        let LagView { entries, seconds, .. } = self.lag;
        let why = self.refused.as_ref().or(self.last_error.as_ref()).map(|why| format!(": {why}")).unwrap_or_default();
        Some(format!("the centre is away{why}; {entries} entries wait, the oldest for {seconds:.0} s"))
    }
}
