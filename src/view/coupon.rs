//! Campaigns and coupons as customers see them.

use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::coupon::{Campaign, Coupon, CouponStatus};
use crate::domain::id::CouponId;

use super::text::{NameView, display};
use super::time::Rfc3339;

/// A member's coupon.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Coupon)]
pub struct CouponView<'a> {
    /// What an order names to use it.
    #[serde(serialize_with = "display")]
    #[schema(value_type = String)]
    pub id: CouponId,
    /// Of which campaign.
    pub campaign: &'a str,
    /// `claimed`, `redeemed` or `expired`; tolerate values you don't know.
    #[schema(example = "claimed")]
    pub status: &'static str,
    /// When the campaign ends.
    #[schema(value_type = String, format = DateTime)]
    pub expires_at: Rfc3339,
}

impl<'a> From<&'a Coupon> for CouponView<'a> {
    fn from(coupon: &'a Coupon) -> Self {
        Self {
            id: coupon.id,
            campaign: coupon.campaign.as_str(),
            status: match coupon.status {
                CouponStatus::Claimed => "claimed",
                CouponStatus::Redeemed => "redeemed",
                CouponStatus::Expired => "expired",
            },
            expires_at: Rfc3339(coupon.expires_at),
        }
    }
}

/// A promotion with what is left of it.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Campaign)]
pub struct CampaignView<'a> {
    /// Its id.
    pub id: &'a str,
    /// Its name.
    pub name: NameView<'a>,
    /// First instant of claiming and redeeming.
    #[schema(value_type = String, format = DateTime)]
    pub starts_at: Rfc3339,
    /// First instant after it.
    #[schema(value_type = String, format = DateTime)]
    pub ends_at: Rfc3339,
    /// How many coupons there are.
    pub quota: u32,
    /// How many can still be claimed.
    pub remaining: u32,
    /// How many one member may ever claim.
    pub per_member: u16,
    /// What the coupon is for.
    pub sku: &'a str,
    /// What one unit then costs.
    pub pay_price: i64,
}

impl<'a> CampaignView<'a> {
    /// The campaign, of which `claimed` coupons are gone.
    pub fn of(campaign: &'a Campaign, claimed: u32) -> Self {
        Self {
            id: campaign.id.as_str(),
            name: (&campaign.name).into(),
            starts_at: Rfc3339(campaign.starts_at),
            ends_at: Rfc3339(campaign.ends_at),
            quota: campaign.quota,
            remaining: campaign.quota.saturating_sub(claimed),
            per_member: campaign.per_member,
            sku: campaign.sku.as_str(),
            pay_price: campaign.pay_price.0,
        }
    }
}
