//! Makes tokens, for `qucan token` and the sandbox. Only with an HS256 secret: a node holds no private key.

use std::time::Duration;

use jsonwebtoken::{Algorithm, Header, encode};

use super::{Authenticator, Claims, NumericDate, Role};
use crate::domain::id::{IdError, MemberId, StoreId};
use crate::domain::time::{Millis, Timestamp};

/// The token asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenRequest {
    /// Role.
    pub role: Role,
    /// Subject: a member id for customers, a device or person for the others.
    pub subject: String,
    /// For role `store`: which.
    pub store: Option<String>,
    /// How long it holds.
    pub ttl: Duration,
}

/// A token made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issued {
    /// The token.
    pub token: String,
    /// Until when it holds.
    pub expires_at: Timestamp,
}

/// Why no token can be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IssueError {
    /// Only public keys are configured.
    #[error("tokens are signed elsewhere: only public keys are configured")]
    NoSecret,
    /// `store` missing for role `store`, or given for another.
    #[error("a token of role store needs a store, others have none")]
    Store,
    /// Not a valid subject.
    #[error("subject: {0}")]
    Subject(IdError),
    /// Not a valid store.
    #[error("store: {0}")]
    StoreId(IdError),
    /// The library refused.
    #[error("the token could not be signed")]
    Signing,
}

impl Authenticator {
    /// Makes a token that this node accepts.
    pub fn issue(&self, request: &TokenRequest) -> Result<Issued, IssueError> {
        let signing = self.keys.signing.as_ref().ok_or(IssueError::NoSecret)?;
        request.subject.parse::<MemberId>().map_err(IssueError::Subject)?;
        match (&request.store, request.role) {
            (Some(store), Role::Store) => drop(store.parse::<StoreId>().map_err(IssueError::StoreId)?),
            (None, Role::Customer | Role::Operator) => {}
            _ => return Err(IssueError::Store),
        }
        let ttl = Millis(i64::try_from(request.ttl.as_millis()).unwrap_or(i64::MAX));
        let seconds = self.clock.now().plus(ttl).0.div_euclid(1000);
        #[expect(clippy::cast_precision_loss, reason = "seconds stay exact for 285 million years")]
        let exp = NumericDate(seconds as f64);
        let claims = Claims {
            sub: request.subject.clone(),
            role: request.role,
            store: request.store.clone(),
            region: self.region.as_ref().map(ToString::to_string),
            exp,
            nbf: None,
        };
        let token = encode(&Header::new(Algorithm::HS256), &claims, signing).map_err(|_| IssueError::Signing)?;
        Ok(Issued { token, expires_at: exp.timestamp() })
    }
}
