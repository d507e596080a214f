//! What handlers ask for: a customer, store staff, an operator, or anybody with a token. 401 without a valid one, 403 for
//! a role the call never allows, 404 for somebody else's store.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};

use super::{AuthError, Identity};
use crate::api::edge::AtTheEdge;
use crate::api::problem::{Kind, Problem};
use crate::domain::actor::Actor;
use crate::domain::id::{MemberId, StoreId};

/// Anybody with a valid token.
#[derive(Debug, Clone)]
pub struct Caller(pub Actor);

/// A customer.
#[derive(Debug, Clone)]
pub struct Customer(pub MemberId, pub Actor);

/// A store's staff, or an operator, who may do whatever a store may.
#[derive(Debug, Clone)]
pub struct StoreStaff(pub Actor);

/// An operator.
#[derive(Debug, Clone)]
pub struct Operator(pub Actor);

impl StoreStaff {
    /// 404 if this store is not theirs.
    pub fn of(&self, store: &StoreId) -> Result<(), Problem> {
        match &self.0 {
            Actor::Store { store: mine, .. } if mine != store => Err(Problem::not_found()),
            _ => Ok(()),
        }
    }
}

/// The token of an `Authorization: Bearer` header.
pub fn bearer_token(headers: &HeaderMap) -> Result<&str, AuthError> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let value = values.next().ok_or(AuthError::Missing)?;
    if values.next().is_some() {
        return Err(AuthError::Header);
    }
    let (scheme, token) = value.to_str().ok().and_then(|text| text.split_once(' ')).ok_or(AuthError::Header)?;
    if scheme.eq_ignore_ascii_case("bearer") { Ok(token.trim()) } else { Err(AuthError::Header) }
}

fn identity(parts: &Parts, state: &impl AtTheEdge) -> Result<Arc<Identity>, Problem> {
    let edge = state.edge();
    let identity = edge.authenticator.identify(bearer_token(&parts.headers)?)?;
    if let Actor::Customer(member) = &identity.actor {
        edge.admission.admit_member(member)?;
    }
    Ok(identity)
}

fn wrong_role(needed: &str) -> Problem {
    Problem::new(Kind::WrongRole, format!("only {needed} may do that"))
}

impl<S: AtTheEdge> FromRequestParts<Arc<S>> for Caller {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, state: &Arc<S>) -> Result<Self, Problem> {
        Ok(Self(identity(parts, state.as_ref())?.actor.clone()))
    }
}

impl<S: AtTheEdge> FromRequestParts<Arc<S>> for Customer {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, state: &Arc<S>) -> Result<Self, Problem> {
        let identity = identity(parts, state.as_ref())?;
        match &identity.actor {
            Actor::Customer(member) => Ok(Self(member.clone(), identity.actor.clone())),
            _ => Err(wrong_role("a customer")),
        }
    }
}

impl<S: AtTheEdge> FromRequestParts<Arc<S>> for StoreStaff {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, state: &Arc<S>) -> Result<Self, Problem> {
        let identity = identity(parts, state.as_ref())?;
        match &identity.actor {
            Actor::Store { .. } | Actor::Operator { .. } => Ok(Self(identity.actor.clone())),
            _ => Err(wrong_role("a store or an operator")),
        }
    }
}

impl<S: AtTheEdge> FromRequestParts<Arc<S>> for Operator {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, state: &Arc<S>) -> Result<Self, Problem> {
        let identity = identity(parts, state.as_ref())?;
        match &identity.actor {
            Actor::Operator { .. } => Ok(Self(identity.actor.clone())),
            _ => Err(wrong_role("an operator")),
        }
    }
}
