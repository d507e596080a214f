//! A copy of every claim for readers, packed into 28 bytes because there may be millions.

use std::num::NonZeroU64;

use super::sharded::ShardedByOwnId;
use crate::domain::coupon::{CampaignNumber, Claim};
use crate::domain::id::CouponId;
use crate::domain::state::{Part, State};

/// Four words keep the entry free of padding.
type Key = [u32; 4];
/// Used-by high, used-by low, campaign and ordinal in one word.
type Packed = [u32; 3];

const ORDINAL_BITS: u32 = 4;

/// Claims by coupon id.
#[derive(Debug)]
pub(super) struct Claims(ShardedByOwnId<Key, Packed>);

impl Claims {
    pub(super) fn new() -> Self {
        Self(ShardedByOwnId::new())
    }

    /// Takes in every claim of a state.
    pub(super) fn show(&self, state: &State) {
        for part in state.parts() {
            if let Part::Claims(_, part) = part {
                part.into_iter().for_each(|(coupon, claim)| self.put(coupon, claim));
            }
        }
    }

    pub(super) fn get(&self, coupon: CouponId) -> Option<Claim> {
        self.0.get(&key(coupon)).map(unpack)
    }

    pub(super) fn put(&self, coupon: CouponId, claim: Claim) {
        self.0.insert(&key(coupon), pack(claim));
    }

    pub(super) fn forget(&self, campaign: CampaignNumber) {
        self.0.retain(|claim| unpack(*claim).campaign != campaign);
    }
}

#[expect(clippy::cast_possible_truncation, reason = "words are cut out on purpose")]
fn key(coupon: CouponId) -> Key {
    let id = coupon.0;
    [(id >> 96) as u32, (id >> 64) as u32, (id >> 32) as u32, id as u32]
}

#[expect(clippy::cast_possible_truncation, reason = "words are cut out on purpose")]
fn pack(claim: Claim) -> Packed {
    let used_by = claim.used_by.map_or(0, NonZeroU64::get);
    [(used_by >> 32) as u32, used_by as u32, (claim.campaign.0 << ORDINAL_BITS) | u32::from(claim.ordinal)]
}

fn unpack([high, low, campaign]: Packed) -> Claim {
    Claim {
        campaign: CampaignNumber(campaign >> ORDINAL_BITS),
        ordinal: u16::try_from(campaign & ((1 << ORDINAL_BITS) - 1)).unwrap_or_default(),
        used_by: NonZeroU64::new((u64::from(high) << 32) | u64::from(low)),
    }
}
