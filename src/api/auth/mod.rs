//! Who asks: checks bearer tokens against the configured keys and remembers the good ones until they expire. Only the
//! algorithms that keys were configured for are accepted, so `none` never is. Never here: what a role may do with an order.

mod cache;
mod configured;
mod extract;
mod issue;
mod keys;

use std::sync::Arc;

use jsonwebtoken::{decode, decode_header};
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

pub use self::configured::{SecretError, check_keys, key_set};
pub use self::extract::{Caller, Customer, Operator, StoreStaff, bearer_token};
pub use self::issue::{IssueError, Issued, TokenRequest};
pub use self::keys::{KeyError, KeySet};
use super::problem::{Kind, Problem};
use crate::domain::actor::Actor;
use crate::domain::id::{MemberId, RegionId, StoreId};
use crate::domain::time::{Millis, Timestamp};
use crate::engine::clock::Clock;
use crate::limits::{TOKEN_BYTES_MAX, TOKEN_LEEWAY_SECONDS};

/// Roles of tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Somebody who orders.
    Customer,
    /// A store's POS or screen.
    Store,
    /// Who runs the region.
    Operator,
}

impl std::str::FromStr for Role {
    type Err = &'static str;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "customer" => Ok(Self::Customer),
            "store" => Ok(Self::Store),
            "operator" => Ok(Self::Operator),
            _ => Err("a role is customer, store or operator"),
        }
    }
}

/// What a token says. Further claims are none of our business.
#[derive(Debug, Serialize, Deserialize)]
struct Claims {
    sub: String,
    role: Role,
    #[serde(skip_serializing_if = "Option::is_none")]
    store: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    region: Option<String>,
    exp: NumericDate,
    #[serde(skip_serializing_if = "Option::is_none")]
    nbf: Option<NumericDate>,
}

/// Seconds since 1970, as RFC 7519 has them: possibly with a fraction.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(transparent)]
struct NumericDate(f64);

impl NumericDate {
    fn timestamp(self) -> Timestamp {
        #[expect(clippy::cast_possible_truncation, reason = "saturates, which is what a far future means")]
        Timestamp((self.0 * 1000.0) as i64)
    }
}

/// Somebody whose token was checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// Who.
    pub actor: Actor,
    /// Until when the token holds.
    pub expires_at: Timestamp,
}

impl Identity {
    /// The token's subject.
    pub fn subject(&self) -> &str {
        match &self.actor {
            Actor::Customer(member) => member.as_str(),
            Actor::Store { subject, .. } | Actor::Operator { subject } => subject,
            Actor::Provider | Actor::Node => "",
        }
    }
}

/// Why a token is not taken. The answer is always 401.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AuthError {
    /// No `Authorization` header.
    #[error("there is no `Authorization: Bearer` header")]
    Missing,
    /// Not `Bearer` and one token, or more than one header.
    #[error("the Authorization header is not one bearer token")]
    Header,
    /// Not a token, or of an algorithm that no key was configured for.
    #[error("the token is not of a kind this node accepts")]
    Kind,
    /// Signed by somebody else.
    #[error("the token's signature is not from a key this node trusts")]
    Signature,
    /// Signed by us, but its claims are not what they should be.
    #[error("the token's claims are not complete or not valid")]
    Claims,
    /// For another region.
    #[error("the token is for another region")]
    Region,
    /// No longer valid.
    #[error("the token has expired")]
    Expired,
    /// Not yet valid.
    #[error("the token is not valid yet")]
    NotYet,
}

impl From<AuthError> for Problem {
    fn from(error: AuthError) -> Self {
        Self::new(Kind::Unauthenticated, error.to_string())
    }
}

/// Checks tokens. One a node; shared.
pub struct Authenticator {
    keys: KeySet,
    region: Option<RegionId>,
    clock: Arc<dyn Clock>,
    verified: cache::VerifiedTokens,
}

impl Authenticator {
    /// Checks with these keys; tokens that name a region must name `region`. Where there is none, as at the centre, they are
    /// not accepted: they were made for less than that.
    pub fn new(keys: KeySet, region: Option<RegionId>, clock: Arc<dyn Clock>, cached_tokens_max: usize) -> Self {
        Self { keys, region, clock, verified: cache::VerifiedTokens::new(cached_tokens_max) }
    }

    /// Who a token belongs to.
    pub fn identify(&self, token: &str) -> Result<Arc<Identity>, AuthError> {
        if token.len() > TOKEN_BYTES_MAX {
            return Err(AuthError::Kind);
        }
        let now = self.clock.now();
        let key = cache::key(token);
        if let Some(identity) = self.verified.get(&key) {
            return self.check_expiry(&identity, now).map(|()| identity);
        }
        let identity = Arc::new(self.verify(token, now)?);
        self.check_expiry(&identity, now)?;
        self.verified.put(key, Arc::clone(&identity));
        Ok(identity)
    }

    /// How many verified tokens are remembered.
    pub fn cached(&self) -> usize {
        self.verified.len()
    }

    fn check_expiry(&self, identity: &Identity, now: Timestamp) -> Result<(), AuthError> {
        let leeway = Millis::seconds(TOKEN_LEEWAY_SECONDS);
        if identity.expires_at.plus(leeway) <= now { Err(AuthError::Expired) } else { Ok(()) }
    }

    fn verify(&self, token: &str, now: Timestamp) -> Result<Identity, AuthError> {
        // An unknown algorithm, `none` among them, fails to parse here already.
        let header = decode_header(token).map_err(|_| AuthError::Kind)?;
        let mut outcome = Err(AuthError::Kind);
        for key in self.keys.of(header.alg) {
            match decode::<Claims>(token, &key.key, &key.validation) {
                Ok(data) => {
                    outcome = Ok(data.claims);
                    break;
                }
                Err(error) => {
                    outcome = Err(match error.kind() {
                        jsonwebtoken::errors::ErrorKind::InvalidSignature => AuthError::Signature,
                        jsonwebtoken::errors::ErrorKind::Json(_) => AuthError::Claims,
                        _ => AuthError::Kind,
                    });
                }
            }
        }
        self.judge(outcome?, now)
    }

    fn judge(&self, claims: Claims, now: Timestamp) -> Result<Identity, AuthError> {
        let mine = self.region.as_ref().map(RegionId::as_str);
        if claims.region.as_deref().is_some_and(|named| Some(named) != mine) {
            return Err(AuthError::Region);
        }
        let leeway = Millis::seconds(TOKEN_LEEWAY_SECONDS);
        if claims.nbf.is_some_and(|from| from.timestamp() > now.plus(leeway)) {
            return Err(AuthError::NotYet);
        }
        let member: MemberId = claims.sub.parse().map_err(|_| AuthError::Claims)?;
        let actor = match claims.role {
            Role::Customer => Actor::Customer(member),
            Role::Operator => Actor::Operator { subject: SmolStr::new(member.as_str()) },
            Role::Store => {
                let store: StoreId =
                    claims.store.as_deref().ok_or(AuthError::Claims)?.parse().map_err(|_| AuthError::Claims)?;
                Actor::Store { store, subject: SmolStr::new(member.as_str()) }
            }
        };
        Ok(Identity { actor, expires_at: claims.exp.timestamp() })
    }
}

#[cfg(test)]
mod tests;
