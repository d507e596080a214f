//! Sandbox mode's tokens: anybody gets any. Not routed in production.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::post;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::answer;
use super::auth::{IssueError, Role, TokenRequest};
use super::body::{JsonBody, NoQuery};
use super::edge::AtTheEdge;
use super::problem::Problem;
use crate::limits::SANDBOX_TOKEN_TTL;
use crate::view::Rfc3339;

/// The sandbox's token call.
pub fn routes<S: AtTheEdge>() -> Router<Arc<S>> {
    Router::new().route("/v1/sandbox/tokens", post(issue_token::<S>))
}

/// Whose token.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SandboxTokenRequest)]
pub struct TokenBody {
    /// Its role.
    role: Role,
    /// Its subject: a member id for customers, a device or person for the others.
    #[schema(min_length = 1, max_length = 64)]
    subject: String,
    /// For role `store`: which.
    #[schema(nullable = false)]
    store: Option<String>,
}

/// A token.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SandboxToken)]
pub struct TokenView {
    /// The token.
    token: String,
    /// Until when it holds.
    #[schema(value_type = String, format = DateTime)]
    expires_at: Rfc3339,
}

/// Any token for the asking.
#[utoipa::path(post, path = "/v1/sandbox/tokens", tag = "sandbox", request_body = TokenBody,
    responses((status = 201, description = "The token", body = TokenView)))]
pub async fn issue_token<S: AtTheEdge>(
    State(state): State<Arc<S>>,
    _: NoQuery,
    JsonBody(body): JsonBody<TokenBody>,
) -> Result<Response, Problem> {
    let request = TokenRequest { role: body.role, subject: body.subject, store: body.store, ttl: SANDBOX_TOKEN_TTL };
    let issued = state.edge().authenticator.issue(&request).map_err(|error| match &error {
        IssueError::Subject(why) => Problem::malformed("subject", why),
        IssueError::Store => Problem::malformed("store", &error),
        IssueError::StoreId(why) => Problem::malformed("store", why),
        IssueError::NoSecret | IssueError::Signing => {
            tracing::error!(%error, "a sandbox token could not be made");
            Problem::defect()
        }
    })?;
    let view = TokenView { token: issued.token, expires_at: Rfc3339(issued.expires_at) };
    Ok(answer::json(StatusCode::CREATED, &view))
}
