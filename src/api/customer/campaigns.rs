//! Promotions, and the coupons a customer claims from them.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Serialize;
use utoipa::ToSchema;

use crate::api::AppState;
use crate::api::answer::{json, submit, unexpected};
use crate::api::auth::Customer;
use crate::api::body::{NoQuery, Nothing, OptionalJsonBody, PathId, Query};
use crate::api::page::{PageQuery, cut, decode_cursor, encode_cursor, limit};
use crate::api::problem::{Kind, Problem};
use crate::api::request_id::RequestId;
use crate::domain::command::Command;
use crate::domain::id::{CampaignId, CouponId};
use crate::engine::answer::Answer;
use crate::view::{CampaignView, CouponView};

/// A page of campaigns.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Campaigns)]
pub struct CampaignsPage<'a> {
    campaigns: Vec<CampaignView<'a>>,
    /// There when there are more.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    next_cursor: Option<String>,
}

/// A page of coupons.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Coupons)]
pub struct CouponsPage<'a> {
    coupons: Vec<CouponView<'a>>,
    /// There when there are more.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    next_cursor: Option<String>,
}

/// The campaigns of the catalogue, those that have not begun or are over included.
#[utoipa::path(get, path = "/v1/campaigns", tag = "customer", params(PageQuery),
    responses((status = 200, description = "A page of campaigns, by id", body = CampaignsPage)))]
pub async fn list_campaigns(
    State(state): State<Arc<AppState>>,
    Query(query): Query<PageQuery>,
) -> Result<Response, Problem> {
    let limit = limit(query.limit)?;
    let after = decode_cursor("cursor", "c", query.cursor.as_deref(), |id| id.parse::<CampaignId>().ok())?;
    let views = state.engine.views();
    let catalog = views.catalog();
    let (page, next) = cut(catalog.campaigns.values().collect(), |campaign| campaign.id.clone(), after, limit);
    let campaigns = page.iter().map(|campaign| CampaignView::of(campaign, views.claimed(&campaign.id))).collect();
    let next_cursor = next.map(|id| encode_cursor("c", id.as_str()));
    Ok(json(StatusCode::OK, &CampaignsPage { campaigns, next_cursor }))
}

/// Claims a coupon: the free one the customer holds, else a new one.
#[utoipa::path(post, path = "/v1/campaigns/{campaign}/claim", tag = "customer", security(("token" = [])),
    params(("campaign" = String, Path, description = "The campaign")),
    responses((status = 200, description = "The coupon that the customer holds already", body = CouponView),
              (status = 201, description = "A new coupon", body = CouponView)))]
pub async fn claim_coupon(
    State(state): State<Arc<AppState>>,
    Customer(member, actor): Customer,
    PathId(campaign): PathId<CampaignId>,
    _: NoQuery,
    request_id: RequestId,
    _: OptionalJsonBody<Nothing>,
) -> Result<Response, Problem> {
    match submit(&state, Command::ClaimCoupon { member, campaign }, actor, request_id).await? {
        Answer::Coupon { coupon, fresh } => {
            let status = if fresh { StatusCode::CREATED } else { StatusCode::OK };
            Ok(json(status, &CouponView::from(&coupon)))
        }
        other => Err(unexpected(&other)),
    }
}

/// The customer's coupons, newest campaign first.
#[utoipa::path(get, path = "/v1/me/coupons", tag = "customer", security(("token" = [])), params(PageQuery),
    responses((status = 200, description = "A page of coupons", body = CouponsPage)))]
pub async fn list_my_coupons(
    State(state): State<Arc<AppState>>,
    Customer(member, _): Customer,
    Query(query): Query<PageQuery>,
) -> Result<Response, Problem> {
    let limit = limit(query.limit)?;
    let after = decode_cursor("cursor", "k", query.cursor.as_deref(), |id| id.parse::<CouponId>().ok())?;
    let coupons = state.engine.views().coupons(&member, state.engine.now());
    let from = match after {
        None => 0,
        // Not sorted by id, so the last one seen has to be found; its campaign may be forgotten by now.
        Some(after) => match coupons.iter().position(|coupon| coupon.id == after) {
            Some(at) => at + 1,
            None => return Err(Problem::new(Kind::Gone, "the coupon that the cursor names is gone")),
        },
    };
    let rest = coupons.get(from..).unwrap_or_default();
    let page = rest.get(..limit).unwrap_or(rest);
    let next_cursor =
        page.last().filter(|_| rest.len() > limit).map(|coupon| encode_cursor("k", &coupon.id.to_string()));
    Ok(json(StatusCode::OK, &CouponsPage { coupons: page.iter().map(CouponView::from).collect(), next_cursor }))
}
