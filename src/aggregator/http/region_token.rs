//! The extractor of a region's own token: good for that region's log, snapshot and epoch and for nothing else. Somebody else's
//! token, an unknown region and a wrong token are one answer.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::HeaderMap;
use axum::http::request::Parts;

use crate::aggregator::region::Region;
use crate::aggregator::regions::Pass;
use crate::aggregator::state::Centre;
use crate::api::auth::bearer_token;
use crate::api::body::PathId;
use crate::api::problem::{Kind, Problem};
use crate::domain::id::RegionId;

/// The region of the path, to whom the token belongs.
pub struct OwnRegion(pub Arc<Region>);

impl FromRequestParts<Arc<Centre>> for OwnRegion {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &Arc<Centre>) -> Result<Self, Problem> {
        let pass = pass(&parts.headers, state)?;
        let PathId(id) = PathId::<RegionId>::from_request_parts(parts, state).await.map_err(|_| refused())?;
        if !pass.is_for(&id) {
            return Err(refused());
        }
        // A sandbox's token is good for any region: that one does not exist is no secret there.
        state.regions.get(&id).map(Self).ok_or_else(Problem::not_found)
    }
}

/// Who a request's token speaks for, or 401.
pub fn pass(headers: &HeaderMap, state: &Centre) -> Result<Pass, Problem> {
    state.regions.pass(bearer_token(headers)?).ok_or_else(refused)
}

fn refused() -> Problem {
    Problem::new(Kind::Unauthenticated, "the token is not the one of this region")
}
