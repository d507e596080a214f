//! Claiming a coupon, and using one in an order.

use super::{Decision, Outcome};
use crate::domain::coupon::{Campaign, PER_MEMBER_MAX, coupon_id};
use crate::domain::event::Event;
use crate::domain::id::{CampaignId, CouponId, MemberId};
use crate::domain::rejection::Rejection;
use crate::domain::state::State;
use crate::domain::time::Timestamp;

fn open_at(campaign: &Campaign, now: Timestamp) -> bool {
    campaign.starts_at <= now && now < campaign.ends_at
}

/// Gives the member the free coupon it holds, else a new one while member and campaign have any left.
pub(super) fn claim(
    state: &State,
    now: Timestamp,
    member: &MemberId,
    campaign: &CampaignId,
) -> Result<Decision, Rejection> {
    let unknown = || Rejection::UnknownCampaign { campaign: campaign.clone() };
    let on_sale = state.catalog.campaigns.get(campaign).ok_or_else(unknown)?;
    if !open_at(on_sale, now) {
        return Err(Rejection::CampaignClosed { campaign: campaign.clone() });
    }
    let counters =
        state.campaigns.number(campaign).and_then(|number| state.campaigns.get(number)).ok_or_else(unknown)?;
    let secret = state.secret();
    for ordinal in 0..PER_MEMBER_MAX {
        let coupon = coupon_id(&secret, campaign, member, ordinal);
        match state.claims.get(coupon) {
            Some(claim) if claim.used_by.is_none() => {
                return Ok(Decision::nothing(Outcome::Coupon { id: coupon, fresh: false }));
            }
            Some(_) => {}
            None if ordinal >= on_sale.per_member => break,
            None if counters.claimed >= on_sale.quota => {
                return Err(Rejection::QuotaExhausted { campaign: campaign.clone() });
            }
            None => {
                let (campaign, member) = (campaign.clone(), member.clone());
                let claimed = Event::CouponClaimed { coupon, campaign, member, ordinal };
                return Ok(Decision::one(claimed, Outcome::Coupon { id: coupon, fresh: true }));
            }
        }
    }
    Err(Rejection::OverLimit { what: "coupons of this campaign", limit: on_sale.per_member.into() })
}

/// The campaign of a coupon that the member may use now. That the order has its SKU is checked with the lines.
pub(super) fn usable<'a>(
    state: &'a State,
    now: Timestamp,
    member: &MemberId,
    coupon: CouponId,
) -> Result<&'a Campaign, Rejection> {
    let refused = |why| Rejection::CouponNotUsable { coupon, why };
    // Somebody else's coupon is as if it did not exist.
    let missing = || refused("there is no such coupon");
    let claim = state.claims.get(coupon).ok_or_else(missing)?;
    let counters = state.campaigns.get(claim.campaign).ok_or_else(missing)?;
    if coupon_id(&state.secret(), &counters.id, member, claim.ordinal) != coupon {
        return Err(missing());
    }
    if claim.used_by.is_some() {
        return Err(refused("it is used"));
    }
    let on_sale = state.catalog.campaigns.get(&counters.id);
    on_sale
        .map(AsRef::as_ref)
        .filter(|campaign| open_at(campaign, now))
        .ok_or_else(|| refused("its campaign is not open"))
}
