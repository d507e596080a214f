//! Every claimed coupon, packed into 28 bytes because there may be millions; and the campaigns' running figures.

use std::collections::BTreeMap;
use std::num::NonZeroU64;

use super::shards::{Shards, by_top_bits};
use crate::domain::coupon::{CampaignCounters, CampaignNumber, Claim};
use crate::domain::id::{CampaignId, CouponId};
use crate::domain::lookup::LookupMap;
use crate::domain::time::Millis;

/// Claims of a campaign that left the catalogue are forgotten this long after its end, at the next key rotation.
pub const CLAIMS_KEPT_AFTER_END: Millis = Millis::hours(48);

/// 256 shards.
pub(super) const CLAIM_SHARD_BITS: u32 = 8;

/// A coupon id in 32-bit words: no padding beside [`PackedClaim`], 5 bytes less an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(in crate::domain) struct PackedCoupon([u32; 4]);

/// A [`Claim`] in 12 bytes: the campaign's number and the ordinal share a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::domain) struct PackedClaim {
    used_by: [u32; 2],
    campaign_and_ordinal: u32,
}

/// Bits of the shared word that hold the ordinal; 16 coupons a member need 4.
const ORDINAL_BITS: u32 = 4;
const _: () = assert!(1 << ORDINAL_BITS >= crate::domain::coupon::PER_MEMBER_MAX);

/// Highest number a campaign can have: the other 28 bits.
pub const CAMPAIGN_NUMBER_MAX: u32 = u32::MAX >> ORDINAL_BITS;

#[expect(clippy::cast_possible_truncation, reason = "words are cut out on purpose")]
impl PackedCoupon {
    fn pack(coupon: CouponId) -> Self {
        let id = coupon.0;
        Self([(id >> 96) as u32, (id >> 64) as u32, (id >> 32) as u32, id as u32])
    }

    fn unpack(self) -> CouponId {
        CouponId(self.0.iter().fold(0, |id, word| (id << 32) | u128::from(*word)))
    }
}

#[expect(clippy::cast_possible_truncation, reason = "words are cut out on purpose")]
impl PackedClaim {
    fn pack(claim: Claim) -> Self {
        let used_by = claim.used_by.map_or(0, NonZeroU64::get);
        let ordinal = u32::from(claim.ordinal) & ((1 << ORDINAL_BITS) - 1);
        Self {
            used_by: [(used_by >> 32) as u32, used_by as u32],
            campaign_and_ordinal: (claim.campaign.0 << ORDINAL_BITS) | ordinal,
        }
    }

    fn unpack(self) -> Claim {
        let [high, low] = self.used_by;
        Claim {
            campaign: self.campaign(),
            ordinal: (self.campaign_and_ordinal & ((1 << ORDINAL_BITS) - 1)) as u16,
            used_by: NonZeroU64::new((u64::from(high) << 32) | u64::from(low)),
        }
    }

    fn campaign(self) -> CampaignNumber {
        CampaignNumber(self.campaign_and_ordinal >> ORDINAL_BITS)
    }
}

/// All claims by coupon id.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::domain) struct Claims(Shards<LookupMap<PackedCoupon, PackedClaim>>);

impl Claims {
    pub(super) fn new() -> Self {
        Self(Shards::new(CLAIM_SHARD_BITS))
    }

    /// The claim behind a coupon id.
    pub(in crate::domain) fn get(&self, coupon: CouponId) -> Option<Claim> {
        self.0.get(shard_of(coupon)).get(&PackedCoupon::pack(coupon)).map(|claim| claim.unpack())
    }

    /// Puts a claim in, in place of the one that was there.
    pub(in crate::domain) fn put(&mut self, coupon: CouponId, claim: Claim) -> Option<Claim> {
        let before = self.0.get_mut(shard_of(coupon)).insert(PackedCoupon::pack(coupon), PackedClaim::pack(claim));
        before.map(PackedClaim::unpack)
    }

    /// Forgets every claim of a campaign.
    pub(in crate::domain) fn forget(&mut self, campaign: CampaignNumber) {
        let touched: Vec<u16> = (self.0.iter())
            .filter(|(_, shard)| shard.any(|claim| claim.campaign() == campaign))
            .map(|(number, _)| number)
            .collect();
        for shard in touched {
            let shard = self.0.get_mut(usize::from(shard));
            shard.retain(|_, claim| claim.campaign() != campaign);
            shard.shrink();
        }
    }

    /// All shards, each in the order of coupon ids.
    pub(in crate::domain) fn iter(&self) -> impl Iterator<Item = (u16, Vec<(CouponId, Claim)>)> {
        self.0.iter().map(|(number, shard)| {
            let sorted = shard.sorted().into_iter();
            (number, sorted.map(|(coupon, claim)| (coupon.unpack(), claim.unpack())).collect())
        })
    }
}

/// The shard a coupon belongs to.
pub(super) fn shard_of(coupon: CouponId) -> usize {
    by_top_bits(coupon.0, CLAIM_SHARD_BITS)
}

/// Every campaign that still has claims or is on sale.
#[derive(Debug, Clone, PartialEq, Default)]
pub(in crate::domain) struct Campaigns {
    by_number: BTreeMap<CampaignNumber, CampaignCounters>,
    by_id: BTreeMap<CampaignId, CampaignNumber>,
}

impl Campaigns {
    /// A campaign's number.
    pub(in crate::domain) fn number(&self, campaign: &CampaignId) -> Option<CampaignNumber> {
        self.by_id.get(campaign).copied()
    }

    /// A campaign's figures.
    pub(in crate::domain) fn get(&self, number: CampaignNumber) -> Option<&CampaignCounters> {
        self.by_number.get(&number)
    }

    /// The same, to be changed (not its id).
    pub(in crate::domain) fn get_mut(&mut self, number: CampaignNumber) -> Option<&mut CampaignCounters> {
        self.by_number.get_mut(&number)
    }

    /// Puts a campaign in.
    pub(in crate::domain) fn put(&mut self, number: CampaignNumber, counters: CampaignCounters) {
        self.by_id.insert(counters.id.clone(), number);
        self.by_number.insert(number, counters);
    }

    /// Takes a campaign out.
    pub(in crate::domain) fn remove(&mut self, number: CampaignNumber) {
        if let Some(counters) = self.by_number.remove(&number) {
            self.by_id.remove(&counters.id);
        }
    }

    /// All, by number.
    pub(in crate::domain) fn iter(&self) -> impl Iterator<Item = (CampaignNumber, &CampaignCounters)> {
        self.by_number.iter().map(|(number, counters)| (*number, counters))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_claim_survives_packing_and_takes_28_bytes() {
        assert_eq!(size_of::<(PackedCoupon, PackedClaim)>(), 28);
        for (campaign, ordinal, used_by) in [(0, 0, 0), (7, 15, 1), (CAMPAIGN_NUMBER_MAX, 3, u64::MAX)] {
            let claim = Claim { campaign: CampaignNumber(campaign), ordinal, used_by: NonZeroU64::new(used_by) };
            assert_eq!(PackedClaim::pack(claim).unpack(), claim);
        }
        let coupon = CouponId(0x0123_4567_89ab_cdef_1122_3344_5566_7788);
        assert_eq!(PackedCoupon::pack(coupon).unpack(), coupon);
    }
}
