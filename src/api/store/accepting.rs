//! Pausing and resuming a store.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;
use utoipa::ToSchema;

use super::check;
use crate::api::AppState;
use crate::api::answer::{json, submit, unexpected};
use crate::api::auth::StoreStaff;
use crate::api::body::{JsonBody, NoQuery, PathId};
use crate::api::problem::Problem;
use crate::api::request_id::RequestId;
use crate::api::text::short;
use crate::domain::command::Command;
use crate::domain::id::StoreId;
use crate::domain::time::Timestamp;
use crate::engine::answer::Answer;
use crate::view::{AcceptingView, Rfc3339};

/// Pause or resume.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SetAccepting)]
pub struct SetAcceptingBody {
    /// Whether the store takes orders.
    accepting: bool,
    /// Why not, for the customer. Of no meaning when resuming.
    #[schema(max_length = 200)]
    reason: Option<String>,
    /// When the pause ends by itself; in the future. Of no meaning when resuming.
    #[schema(format = DateTime)]
    until: Option<String>,
}

/// Whether the store takes orders, and if it is paused, why and until when: what its staff see on every screen.
#[utoipa::path(get, path = "/v1/stores/{store}/accepting", tag = "store", security(("token" = [])),
    params(("store" = String, Path, description = "The store")),
    responses((status = 200, description = "Whether the store takes orders now", body = AcceptingView)))]
pub async fn get_accepting(
    State(state): State<Arc<AppState>>,
    staff: StoreStaff,
    PathId(store): PathId<StoreId>,
    _: NoQuery,
) -> Result<Response, Problem> {
    check(&state, &staff, &store)?;
    let pause = state.engine.views().pause(&store);
    Ok(json(StatusCode::OK, &AcceptingView::of(&store, pause.as_ref(), state.engine.now())))
}

/// Pauses or resumes the store. A pause with an end is over by itself.
#[utoipa::path(put, path = "/v1/stores/{store}/accepting", tag = "store", security(("token" = [])),
    params(("store" = String, Path, description = "The store")), request_body = SetAcceptingBody,
    responses((status = 200, description = "Whether the store takes orders now", body = AcceptingView)))]
pub async fn set_accepting(
    State(state): State<Arc<AppState>>,
    staff: StoreStaff,
    PathId(store): PathId<StoreId>,
    _: NoQuery,
    request_id: RequestId,
    JsonBody(body): JsonBody<SetAcceptingBody>,
) -> Result<Response, Problem> {
    check(&state, &staff, &store)?;
    let reason = short("reason", body.reason.as_deref())?;
    let until = body.until.as_deref().map(|text| future(text, state.engine.now())).transpose()?;
    let command = Command::SetAccepting { store, accepting: body.accepting, reason, until };
    match submit(&state, command, staff.0, request_id).await.map_err(Problem::in_path)? {
        Answer::Accepting { store, pause } => {
            Ok(json(StatusCode::OK, &AcceptingView::of(&store, pause.as_ref(), state.engine.now())))
        }
        other => Err(unexpected(&other)),
    }
}

fn future(text: &str, now: Timestamp) -> Result<Timestamp, Problem> {
    let until = Rfc3339::parse(text)
        .ok_or_else(|| Problem::malformed("until", "expected an RFC 3339 time such as 2026-01-01T00:00:00.000Z"))?;
    if until > now { Ok(until) } else { Err(Problem::malformed("until", "is not in the future")) }
}
