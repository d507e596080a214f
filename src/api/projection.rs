//! How the projection of closed orders is shown. Never here: the projection.

use serde::Serialize;
use utoipa::ToSchema;

use crate::engine::{ProjectionPhase, Rebuild};

/// What the node does about closed orders on disk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = Projection)]
pub struct ProjectionView {
    /// `off`, `opening`, `rebuilding`, `following` or `paused`.
    pub phase: &'static str,
    /// What a person should know; left out where all is well.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub detail: Option<String>,
    /// How far a rebuild is; closed orders answer 503 `rebuilding` until it is through. Left out where nothing is rebuilt.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub rebuild: Option<RebuildView>,
}

/// How far a rebuild is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = Rebuild)]
pub struct RebuildView {
    /// Sequence reached in the log.
    pub reached: u64,
    /// Sequence at which every closed order is there again.
    pub target: u64,
    /// Of what there is to read, rounded down.
    pub percent: u8,
    /// Pace since the start; 0 until there is one.
    pub entries_per_second: u64,
    /// What is left at this pace; left out while there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub remaining_seconds: Option<u64>,
}

impl ProjectionView {
    /// A phase as it is shown.
    pub fn of(phase: &ProjectionPhase) -> Self {
        let (name, rebuild) = match phase {
            ProjectionPhase::Off => ("off", None),
            ProjectionPhase::Opening => ("opening", None),
            ProjectionPhase::Rebuilding(rebuild) => ("rebuilding", Some(RebuildView::of(rebuild))),
            ProjectionPhase::Following => ("following", None),
            ProjectionPhase::Paused(_) => ("paused", None),
        };
        Self { phase: name, detail: phase.describe(), rebuild }
    }
}

impl RebuildView {
    fn of(rebuild: &Rebuild) -> Self {
        Self {
            reached: rebuild.reached,
            target: rebuild.until,
            percent: rebuild.percent(),
            entries_per_second: rebuild.entries_per_second,
            remaining_seconds: rebuild.remaining_seconds(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_phase_is_shown_with_how_far_a_rebuild_is() {
        let shown = |phase: ProjectionPhase| serde_json::to_string(&ProjectionView::of(&phase)).unwrap();
        assert_eq!(shown(ProjectionPhase::Following), r#"{"phase":"following"}"#);
        assert_eq!(
            shown(ProjectionPhase::Paused("no room".into())),
            r#"{"phase":"paused","detail":"paused: no room"}"#
        );
        let rebuild = Rebuild { begun: 0, reached: 25, until: 100, entries_per_second: 25 };
        assert_eq!(
            shown(ProjectionPhase::Rebuilding(rebuild)),
            r#"{"phase":"rebuilding","detail":"closed orders are being rebuilt from the log: 25 %, entry 25 of 100, 25 entries/s, about 3 s left","rebuild":{"reached":25,"target":100,"percent":25,"entries_per_second":25,"remaining_seconds":3}}"#
        );
    }
}
