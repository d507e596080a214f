//! Campaigns and the coupons claimed from them. A coupon's id is a keyed hash of campaign, member and ordinal: it proves
//! its owner, and a member's coupons are found by computing their ids.

use super::catalog::Name;
use super::id::{CampaignId, CouponId, MemberId, OrderId, Sku};
use super::money::Fen;
use super::time::Timestamp;

/// Most coupons a campaign may give one member; bounds the search for a member's coupons.
pub const PER_MEMBER_MAX: u16 = 16;

/// A promotion: claim a coupon, pay `pay_price` for one unit of `sku`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Campaign {
    /// Its id.
    pub id: CampaignId,
    /// Its name.
    pub name: Name,
    /// What the coupon is for.
    pub sku: Sku,
    /// What one unit then costs.
    pub pay_price: Fen,
    /// How many coupons there are.
    pub quota: u32,
    /// How many one member may ever claim.
    pub per_member: u16,
    /// First instant of claiming and redeeming.
    pub starts_at: Timestamp,
    /// First instant after it; claimed coupons expire then.
    pub ends_at: Timestamp,
}

/// A campaign's number in the order of definition: what a claim stores instead of the id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CampaignNumber(pub u32);

/// A campaign's running figures. Part of the hot state, also while withdrawn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CampaignCounters {
    /// Its id.
    pub id: CampaignId,
    /// When its coupons expire, also after it is withdrawn.
    pub ends_at: Timestamp,
    /// Coupons claimed so far; never above the quota.
    pub claimed: u32,
}

/// One claimed coupon, as small as it can be: there may be millions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Claim {
    /// Which campaign.
    pub campaign: CampaignNumber,
    /// The member's first, second … coupon of the campaign, from 0.
    pub ordinal: u16,
    /// The live order that uses it, packed; `None` is claimed and free.
    pub used_by: Option<std::num::NonZeroU64>,
}

/// The life of a coupon as its owner sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CouponStatus {
    /// Can be used.
    Claimed,
    /// Used by an order that was not given back.
    Redeemed,
    /// The campaign is over.
    Expired,
}

/// A coupon as its owner sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Coupon {
    /// Its id.
    pub id: CouponId,
    /// Its campaign.
    pub campaign: CampaignId,
    /// Its status at the time of asking.
    pub status: CouponStatus,
    /// The campaign's end.
    pub expires_at: Timestamp,
}

/// A claim as its owner sees it at `now`.
pub fn view(now: Timestamp, coupon: CouponId, claim: Claim, campaign: &CampaignCounters) -> Coupon {
    let status = match claim.used_by {
        Some(_) => CouponStatus::Redeemed,
        None if now >= campaign.ends_at => CouponStatus::Expired,
        None => CouponStatus::Claimed,
    };
    Coupon { id: coupon, campaign: campaign.id.clone(), status, expires_at: campaign.ends_at }
}

/// All coupons of a member, newest campaign and then newest coupon first, found by computing their ids: the state and
/// the read models differ only in where they look a claim up.
pub fn coupons_of<'a>(
    secret: &RegionSecret,
    member: &MemberId,
    now: Timestamp,
    campaigns: impl Iterator<Item = (CampaignNumber, &'a CampaignCounters)>,
    claim: impl Fn(CouponId) -> Option<Claim>,
) -> Vec<Coupon> {
    let mut coupons = Vec::new();
    for (_, campaign) in campaigns {
        let ids = (0..PER_MEMBER_MAX).map(|ordinal| coupon_id(secret, &campaign.id, member, ordinal));
        let claimed = ids.map_while(|id| claim(id).map(|claim| view(now, id, claim, campaign)));
        coupons.extend(claimed);
    }
    coupons.reverse();
    coupons
}

/// The secret under which coupon ids and idempotency fingerprints are made; drawn once, stands in the first log entry.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct RegionSecret(pub [u8; 32]);

impl std::fmt::Debug for RegionSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("RegionSecret(…)")
    }
}

/// The coupon id of a member's `ordinal`-th claim.
pub fn coupon_id(secret: &RegionSecret, campaign: &CampaignId, member: &MemberId, ordinal: u16) -> CouponId {
    let mut hasher = blake3::Hasher::new_keyed(&secret.0);
    hasher.update(b"coupon\0");
    hasher.update(campaign.as_str().as_bytes());
    hasher.update(&[0]);
    hasher.update(member.as_str().as_bytes());
    hasher.update(&[0]);
    hasher.update(&ordinal.to_le_bytes());
    CouponId(first_128_bits(&hasher.finalize()))
}

/// The first 16 bytes of a hash as a number.
pub(super) fn first_128_bits(hash: &blake3::Hash) -> u128 {
    u128::from_le_bytes(hash.as_bytes().first_chunk::<16>().copied().unwrap_or_default())
}

/// A coupon bound to an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppliedCoupon {
    /// Which coupon.
    pub id: CouponId,
    /// Of which campaign.
    pub campaign: CampaignId,
}

/// Key under which a coupon's use is remembered; zero is never a packed order id because epochs begin at 1.
pub fn used_by(order: OrderId) -> Option<std::num::NonZeroU64> {
    std::num::NonZeroU64::new(order.packed())
}
